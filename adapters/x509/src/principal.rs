//! Who a client is: the one Common Name of its certificate (KMIP 2.1 §9.4).
//!
//! The transport has verified the chain; here the certificate must allow client authentication
//! and name exactly one user. Credentials in request headers are deliberately not looked at:
//! there are no accounts to compare them with.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use kmip_model::Principal;
use kmip_ports::identity::{AuthenticationError, Authenticator, Credential};
use kmip_ports::transport::Peer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::ExtendedKeyUsage;

use crate::text;

/// The purpose that a client's certificate must have: clientAuth.
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// How many certificates are remembered before all are forgotten.
const REMEMBERED: usize = 1024;

/// Whether a client's certificate must say that it is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientUsage {
    /// The certificate has an Extended Key Usage with clientAuth.
    #[default]
    Required,
    /// The Extended Key Usage is not looked at.
    Ignored,
}

/// Names clients by their certificates.
#[derive(Debug)]
pub struct CertificateAuthenticator {
    usage: ClientUsage,
    credentials_noticed: AtomicBool,
    /// Leaf certificate to user. What a certificate says never changes, so nothing here is stale.
    known: Mutex<HashMap<Vec<u8>, String>>,
}

impl CertificateAuthenticator {
    /// Makes an authenticator that knows nobody yet.
    #[must_use]
    pub fn new(usage: ClientUsage) -> Self {
        Self { usage, credentials_noticed: AtomicBool::new(false), known: Mutex::default() }
    }

    fn user(&self, leaf: &[u8]) -> Result<String, AuthenticationError> {
        // A map is whole after every call, so a panic elsewhere does not matter.
        if let Some(user) =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(leaf).cloned()
        {
            return Ok(user);
        }
        let user = user_of(leaf, self.usage)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(leaf.to_vec(), user.clone());
        Ok(user)
    }
}

#[async_trait]
impl Authenticator for CertificateAuthenticator {
    async fn authenticate(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        let leaf = peer.certificates.first().ok_or(AuthenticationError::NoCertificate)?;
        let user = self.user(leaf)?;
        if !credentials.is_empty() && !self.credentials_noticed.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                user,
                "credentials in request headers are ignored: clients are known by certificate"
            );
        }
        Ok(Principal { user, groups: None })
    }
}

/// Says whether a Common Name names exactly one user.
pub(crate) fn names_a_user(common_name: &str) -> bool {
    let trimmed = common_name.trim();
    !trimmed.is_empty() && trimmed != "*" && !common_name.chars().any(char::is_control)
}

fn user_of(leaf: &[u8], usage: ClientUsage) -> Result<String, AuthenticationError> {
    let certificate =
        Certificate::from_der(leaf).map_err(|_| AuthenticationError::UnreadableCertificate)?;
    if usage == ClientUsage::Required && !is_for_clients(&certificate)? {
        return Err(AuthenticationError::NotForClients);
    }
    let mut common_names = certificate
        .tbs_certificate()
        .subject()
        .iter()
        .filter(|attribute| attribute.oid == text::COMMON_NAME);
    match (common_names.next(), common_names.next()) {
        (Some(only), None) => text::string(&only.value)
            .filter(|name| names_a_user(name))
            .ok_or(AuthenticationError::NoUniqueName),
        _ => Err(AuthenticationError::NoUniqueName),
    }
}

fn is_for_clients(certificate: &Certificate) -> Result<bool, AuthenticationError> {
    let usages = certificate
        .tbs_certificate()
        .get_extension::<ExtendedKeyUsage>()
        .map_err(|_| AuthenticationError::UnreadableCertificate)?;
    Ok(usages.is_some_and(|(_, usages)| usages.0.contains(&CLIENT_AUTHENTICATION)))
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::CredentialType;
    use rcgen::{
        CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
        ExtendedKeyUsagePurpose, KeyPair,
    };

    use super::*;

    fn certificate(names: &[DnValue], usages: &[ExtendedKeyUsagePurpose]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        // A map inside holds one value for each type, so the second name gets in by the longer
        // spelling of the same type.
        for (name, kind) in
            names.iter().zip([DnType::CommonName, DnType::CustomDnType(vec![2, 5, 4, 3])])
        {
            params.distinguished_name.push(kind, name.clone());
        }
        params.extended_key_usages = usages.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn client(name: &str) -> Vec<u8> {
        certificate(&[name.into()], &[ExtendedKeyUsagePurpose::ClientAuth])
    }

    fn peer(certificates: &[Vec<u8>]) -> Peer {
        Peer { connection: 1, address: None, certificates: certificates.to_vec() }
    }

    fn authenticate(usage: ClientUsage, leaf: Vec<u8>) -> Result<String, AuthenticationError> {
        let authenticator = CertificateAuthenticator::new(usage);
        pollster::block_on(authenticator.authenticate(&peer(&[leaf]), &[]))
            .map(|principal| principal.user)
    }

    #[test]
    fn the_common_name_of_the_leaf_is_the_user() {
        let authenticator = CertificateAuthenticator::new(ClientUsage::Required);
        let peer = peer(&[client("alice"), client("issuer")]);
        let principal = pollster::block_on(authenticator.authenticate(&peer, &[]));
        assert_eq!(principal, Ok(Principal { user: "alice".into(), groups: None }));
        let again = pollster::block_on(authenticator.authenticate(&peer, &[]));
        assert_eq!(again, principal);
    }

    #[test]
    fn no_one_or_several_common_names_name_nobody() {
        let usages = [ExtendedKeyUsagePurpose::ClientAuth];
        for names in [&[][..], &["a".into(), "b".into()]] {
            assert_eq!(
                authenticate(ClientUsage::Required, certificate(names, &usages)),
                Err(AuthenticationError::NoUniqueName)
            );
        }
        for name in ["", " ", "*", "a\nb", "a\0"] {
            assert_eq!(
                authenticate(ClientUsage::Required, client(name)),
                Err(AuthenticationError::NoUniqueName),
                "{name:?}"
            );
        }
    }

    #[test]
    fn other_string_types_name_a_user_too() {
        let printable = DnValue::PrintableString("alice".try_into().unwrap());
        let bmp = DnValue::BmpString("bj\u{F6}rn".try_into().unwrap());
        let usages = [ExtendedKeyUsagePurpose::ClientAuth];
        for (value, user) in [(printable, "alice"), (bmp, "bj\u{F6}rn")] {
            assert_eq!(
                authenticate(ClientUsage::Required, certificate(&[value], &usages)),
                Ok(user.to_owned())
            );
        }
    }

    #[test]
    fn client_authentication_must_be_a_usage_unless_usages_are_ignored() {
        for usages in [&[][..], &[ExtendedKeyUsagePurpose::ServerAuth]] {
            let leaf = certificate(&["alice".into()], usages);
            assert_eq!(
                authenticate(ClientUsage::Required, leaf.clone()),
                Err(AuthenticationError::NotForClients)
            );
            assert_eq!(authenticate(ClientUsage::Ignored, leaf), Ok("alice".into()));
        }
        let both = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = certificate(&["alice".into()], &both);
        assert_eq!(authenticate(ClientUsage::Required, leaf), Ok("alice".into()));
    }

    #[test]
    fn a_malformed_usage_is_not_taken_for_none() {
        let mut params = CertificateParams::default();
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], vec![0x04, 0x00])];
        let leaf = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        assert_eq!(
            authenticate(ClientUsage::Required, leaf),
            Err(AuthenticationError::UnreadableCertificate)
        );
    }

    #[test]
    fn no_certificate_and_junk_are_told_apart() {
        let authenticator = CertificateAuthenticator::new(ClientUsage::Required);
        assert_eq!(
            pollster::block_on(authenticator.authenticate(&peer(&[]), &[])),
            Err(AuthenticationError::NoCertificate)
        );
        assert_eq!(
            authenticate(ClientUsage::Required, b"junk".to_vec()),
            Err(AuthenticationError::UnreadableCertificate)
        );
    }

    #[test]
    fn credentials_change_nothing_and_are_noticed() {
        let authenticator = CertificateAuthenticator::new(ClientUsage::Required);
        let credentials = [Credential::Other(CredentialType::Device)];
        let peer = peer(&[client("alice")]);
        let principal = pollster::block_on(authenticator.authenticate(&peer, &credentials));
        assert_eq!(principal.unwrap().user, "alice");
        assert!(authenticator.credentials_noticed.load(Ordering::Relaxed));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let authenticator = CertificateAuthenticator::new(ClientUsage::Required);
        for number in 0..REMEMBERED {
            let key = number.to_be_bytes().to_vec();
            authenticator.known.lock().unwrap().insert(key, "x".into());
        }
        authenticator.user(&client("alice")).unwrap();
        assert_eq!(authenticator.known.lock().unwrap().len(), 1);
    }
}
