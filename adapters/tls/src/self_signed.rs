//! Clients that present a certificate which is itself an authority.
//!
//! Small set-ups have one self-signed certificate for everything: server, authority, clients.
//! webpki refuses it from a client where it says that it is an authority, as most tools make it
//! say. Here exactly such a certificate is accepted: the one that is configured, byte for byte,
//! signed by itself, in its time, not revoked, and made for authentication. That its holder has
//! the key is proved by the handshake as for every other. Anything else is left to webpki.

use std::sync::Arc;

use kmip_model::DateTime;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage};

use crate::validity::{Validity, validity};

/// The purpose of a client's certificate: clientAuth.
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// Accepts what webpki accepts, and configured certificates that are signed by themselves.
#[derive(Debug)]
pub(crate) struct OrSelfSigned {
    webpki: Arc<dyn ClientCertVerifier>,
    accepted: Vec<CertificateDer<'static>>,
}

impl OrSelfSigned {
    /// Takes the authorities of which some may be signed by themselves, and the revocation lists.
    pub(crate) fn new<L: AsRef<[u8]>>(
        webpki: Arc<dyn ClientCertVerifier>,
        authorities: Vec<CertificateDer<'static>>,
        revocation_lists: &[L],
    ) -> Self {
        let lists: Vec<CertificateList> = revocation_lists
            .iter()
            .filter_map(|list| CertificateList::from_der(list.as_ref()).ok())
            .collect();
        let accepted = authorities
            .into_iter()
            .filter(|authority| may_be_a_client(authority, &lists))
            .collect();
        Self { webpki, accepted }
    }
}

/// Says whether a certificate is signed by itself, not revoked, and not made for other purposes.
fn may_be_a_client(certificate: &[u8], lists: &[CertificateList]) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return false };
    let tbs = certificate.tbs_certificate();
    let revoked = lists.iter().any(|list| {
        list.tbs_cert_list.issuer == *tbs.issuer()
            && list
                .tbs_cert_list
                .revoked_certificates
                .iter()
                .flatten()
                .any(|revoked| revoked.serial_number == *tbs.serial_number())
    });
    // As OpenSSL has it: what an extension leaves out is forbidden; without it all is allowed.
    let signs = match tbs.get_extension::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.digital_signature()),
        Err(_) => false,
    };
    let authenticates = match tbs.get_extension::<ExtendedKeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.0.contains(&CLIENT_AUTHENTICATION)),
        Err(_) => false,
    };
    tbs.issuer() == tbs.subject() && !revoked && signs && authenticates
}

impl ClientCertVerifier for OrSelfSigned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let refused = match self.webpki.verify_client_cert(end_entity, intermediates, now) {
            Ok(verified) => return Ok(verified),
            Err(refused) => refused,
        };
        if !self.accepted.iter().any(|accepted| accepted.as_ref() == end_entity.as_ref()) {
            return Err(refused);
        }
        let now = DateTime(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        match validity(end_entity, now) {
            Validity::Valid => Ok(ClientCertVerified::assertion()),
            Validity::NotYet(_) => Err(Error::InvalidCertificate(CertificateError::NotValidYet)),
            Validity::Expired(_) => Err(Error::InvalidCertificate(CertificateError::Expired)),
            Validity::Unknown => Err(refused),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
