//! What a certificate says (KMIP 2.1 §4.3 to §4.12, 1.4 §3.8 to §3.16).

use kmip_model::enumeration::{DigitalSignatureAlgorithm, Tag};
use thiserror::Error;

/// The bytes are no X.509 certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bytes are not an X.509 certificate")]
pub struct NotACertificate;

/// The facts of an X.509 certificate that become attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The issuer's distinguished name, DER.
    pub issuer: Vec<u8>,
    /// The subject's distinguished name, DER.
    pub subject: Vec<u8>,
    /// The issuer as RFC 4514 text.
    pub issuer_text: String,
    /// The subject as RFC 4514 text.
    pub subject_text: String,
    /// Each part of the subject and issuer that has an attribute of its own in 2.x
    /// (`Tag::CertificateSubjectCn` and the like), as text, in the order of the certificate.
    pub names: Vec<(Tag, String)>,
    /// The serial number, the content octets of its DER INTEGER.
    pub serial_number: Vec<u8>,
    /// The issuer's alternative names, DER of each general name.
    pub issuer_alternative_names: Vec<Vec<u8>>,
    /// The subject's alternative names, DER of each general name.
    pub subject_alternative_names: Vec<Vec<u8>>,
    /// How it is signed, if that has a name in KMIP.
    pub digital_signature_algorithm: Option<DigitalSignatureAlgorithm>,
    /// The subject's public key: SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
}

/// Reads certificates.
pub trait Certificates: Send + Sync {
    /// Reads a DER certificate.
    fn parse(&self, der: &[u8]) -> Result<CertificateFacts, NotACertificate>;
}
