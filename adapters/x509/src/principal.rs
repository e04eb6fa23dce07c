//! Who a client is: the one name in its certificate that the operator chose (KMIP 2.1 §9.4).
//!
//! The transport has verified the chain; here the certificate must allow client authentication
//! and name exactly one user. Credentials in request headers are deliberately not looked at:
//! there are no accounts to compare them with.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::digest;
use kmip_model::Principal;
use kmip_ports::identity::{AuthenticationError, Authenticator, Credential};
use kmip_ports::transport::Peer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};

use crate::text;

/// The purpose that a client's certificate must have: clientAuth.
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// How many certificates are remembered before all are forgotten; users that were noticed likewise.
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

/// What of a certificate is the user's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserFrom {
    /// The one Common Name of the subject.
    #[default]
    CommonName,
    /// The one DNS name of the Subject Alternative Name.
    DnsName,
    /// The one mail address of the Subject Alternative Name.
    MailAddress,
    /// The whole subject, as RFC 4514 writes it.
    Subject,
    /// The SHA-256 of the certificate, in hexadecimal.
    Fingerprint,
}

/// What of a certificate is the user's groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupsFrom {
    /// Nothing: certificates have no notion of groups.
    #[default]
    Nothing,
    /// The Organizational Units of the subject; without any, the user is in no group.
    OrganizationalUnits,
}

/// How certificates are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether the certificate must be a client's.
    pub usage: ClientUsage,
    /// What is the user's name.
    pub user_from: UserFrom,
    /// What is the user's groups.
    pub groups_from: GroupsFrom,
}

/// Names clients by their certificates.
#[derive(Debug)]
pub struct CertificateAuthenticator {
    reading: Reading,
    /// Users whose credentials have been noticed.
    noticed: Mutex<HashSet<String>>,
    /// By leaf certificate. What a certificate says never changes, so nothing here is stale.
    known: Mutex<HashMap<Vec<u8>, Principal>>,
}

impl CertificateAuthenticator {
    /// Makes an authenticator that takes the Common Name, and knows nobody yet.
    #[must_use]
    pub fn new(usage: ClientUsage) -> Self {
        Self::reading(Reading { usage, ..Reading::default() })
    }

    /// Makes an authenticator that reads certificates that way, and knows nobody yet.
    #[must_use]
    pub fn reading(reading: Reading) -> Self {
        Self { reading, noticed: Mutex::default(), known: Mutex::default() }
    }

    /// Says who has a certificate, DER.
    ///
    /// # Errors
    ///
    /// Refuses a certificate that is none, is not for clients, or does not name one user.
    pub fn principal(&self, leaf: &[u8]) -> Result<Principal, AuthenticationError> {
        // A map is whole after every call, so a panic elsewhere does not matter.
        if let Some(principal) =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(leaf).cloned()
        {
            return Ok(principal);
        }
        let principal = principal_of(leaf, self.reading)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(leaf.to_vec(), principal.clone());
        Ok(principal)
    }

    /// Says whether it is the first time that a user sends credentials. A user with many connections
    /// is told of once.
    fn is_news(&self, user: &str) -> bool {
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if noticed.contains(user) {
            return false;
        }
        if noticed.len() >= REMEMBERED {
            noticed.clear();
        }
        noticed.insert(user.to_owned())
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
        let principal = self.principal(leaf)?;
        if !credentials.is_empty() && self.is_news(&principal.user) {
            tracing::warn!(
                user = principal.user,
                connection = peer.connection,
                "credentials in request headers are ignored: clients are known by certificate"
            );
        }
        Ok(principal)
    }
}

/// Says whether a name is exactly one user's.
pub(crate) fn names_a_user(name: &str) -> bool {
    let trimmed = name.trim();
    !trimmed.is_empty() && trimmed != "*" && !name.chars().any(char::is_control)
}

fn principal_of(leaf: &[u8], reading: Reading) -> Result<Principal, AuthenticationError> {
    let certificate =
        Certificate::from_der(leaf).map_err(|_| AuthenticationError::UnreadableCertificate)?;
    if reading.usage == ClientUsage::Required && !is_for_clients(&certificate)? {
        return Err(AuthenticationError::NotForClients);
    }
    let name = match reading.user_from {
        UserFrom::CommonName => text::common_name(certificate.tbs_certificate().subject()),
        UserFrom::DnsName => alternative(&certificate, |name| match name {
            // A name with a star is that of many.
            GeneralName::DnsName(name) => Some(name.to_string()).filter(|it| !it.contains('*')),
            _ => None,
        })?,
        UserFrom::MailAddress => alternative(&certificate, |name| match name {
            GeneralName::Rfc822Name(name) => Some(name.to_string()),
            _ => None,
        })?,
        UserFrom::Subject => Some(text::name(certificate.tbs_certificate().subject())),
        UserFrom::Fingerprint => Some(fingerprint(leaf)),
    };
    let user = name.filter(|name| names_a_user(name)).ok_or(AuthenticationError::NoUniqueName)?;
    let groups = match reading.groups_from {
        GroupsFrom::Nothing => None,
        GroupsFrom::OrganizationalUnits => Some(units(&certificate)),
    };
    Ok(Principal { user, groups })
}

/// Returns the one alternative name of a kind; where there are several, none.
fn alternative(
    certificate: &Certificate,
    of_kind: impl Fn(&GeneralName) -> Option<String>,
) -> Result<Option<String>, AuthenticationError> {
    let extension = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
        .map_err(|_| AuthenticationError::UnreadableCertificate)?;
    let names = extension.map(|(_, names)| names.0).unwrap_or_default();
    let mut names = names.iter().filter_map(of_kind);
    Ok(match (names.next(), names.next()) {
        (only, None) => only,
        _ => None,
    })
}

fn fingerprint(leaf: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest::digest(&digest::SHA256, leaf).as_ref() {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Lists the units; one that is no text gives no right, so it is left out.
fn units(certificate: &Certificate) -> Vec<String> {
    let subject = certificate.tbs_certificate().subject();
    let units = subject.iter().filter(|attribute| attribute.oid == text::UNIT);
    units.filter_map(|unit| text::string(&unit.value)).collect()
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
        ExtendedKeyUsagePurpose, KeyPair, SanType,
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

    /// A certificate with a subject `CN=alice,OU=…` and alternative names.
    fn detailed(units: &[&str], names: &[SanType]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        // The second unit gets in by the longer spelling of its type, as above.
        let kinds = [DnType::OrganizationalUnitName, DnType::CustomDnType(vec![2, 5, 4, 11])];
        for (unit, kind) in units.iter().zip(kinds) {
            params.distinguished_name.push(kind, *unit);
        }
        params.distinguished_name.push(DnType::CommonName, "alice");
        params.subject_alt_names = names.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn read(leaf: &[u8], user_from: UserFrom) -> Result<Principal, AuthenticationError> {
        let groups_from = GroupsFrom::OrganizationalUnits;
        let reading = Reading { usage: ClientUsage::Ignored, user_from, groups_from };
        let authenticator = CertificateAuthenticator::reading(reading);
        pollster::block_on(authenticator.authenticate(&peer(&[leaf.to_vec()]), &[]))
    }

    #[test]
    fn the_user_is_what_the_operator_chose() {
        let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
        let mail = |name: &str| SanType::Rfc822Name(name.try_into().unwrap());
        let leaf = detailed(&["keys, all"], &[dns("a.example"), mail("a@example")]);
        for (user_from, user) in [
            (UserFrom::CommonName, "alice"),
            (UserFrom::DnsName, "a.example"),
            (UserFrom::MailAddress, "a@example"),
            (UserFrom::Subject, "CN=alice,OU=keys\\, all"),
        ] {
            assert_eq!(read(&leaf, user_from).unwrap().user, user, "{user_from:?}");
        }
        for names in [
            vec![],
            vec![dns("a"), dns("b"), mail("a@b"), mail("b@b")],
            vec![dns("*.example"), mail(" ")],
        ] {
            let leaf = detailed(&[], &names);
            for user_from in [UserFrom::DnsName, UserFrom::MailAddress] {
                let refused = Err(AuthenticationError::NoUniqueName);
                assert_eq!(read(&leaf, user_from), refused, "{names:?} {user_from:?}");
            }
        }
        let nameless = certificate(&[], &[]);
        assert_eq!(read(&nameless, UserFrom::Subject), Err(AuthenticationError::NoUniqueName));
    }

    #[test]
    fn the_fingerprint_is_the_sha_256_of_the_certificate() {
        let leaf = detailed(&[], &[]);
        let user = read(&leaf, UserFrom::Fingerprint).unwrap().user;
        assert_eq!(user.len(), 64);
        assert_eq!(user, fingerprint(&leaf));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(fingerprint(b""), empty);
    }

    #[test]
    fn units_are_groups_where_the_operator_chose_so() {
        for units in [&[][..], &["a"], &["a", "b c"]] {
            let leaf = detailed(units, &[]);
            let groups = read(&leaf, UserFrom::CommonName).unwrap().groups;
            assert_eq!(groups.unwrap(), units);
            assert_eq!(
                principal_of(&leaf, Reading { usage: ClientUsage::Ignored, ..Reading::default() })
                    .unwrap()
                    .groups,
                None
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
        // Once for a user, whatever the connection.
        assert!(!authenticator.is_news("alice"));
        assert!(authenticator.is_news("bob"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let authenticator = CertificateAuthenticator::new(ClientUsage::Required);
        for number in 0..REMEMBERED {
            let key = number.to_be_bytes().to_vec();
            authenticator.known.lock().unwrap().insert(key, Principal::user("x"));
            assert!(authenticator.is_news(&number.to_string()));
        }
        authenticator.principal(&client("alice")).unwrap();
        assert_eq!(authenticator.known.lock().unwrap().len(), 1);
        assert!(authenticator.is_news("one more"));
        assert_eq!(authenticator.noticed.lock().unwrap().len(), 1);
    }
}
