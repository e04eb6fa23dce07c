//! Certificates that are one line of text.

use kmip_model::enumeration::{DigitalSignatureAlgorithm, Tag};
use kmip_ports::{
    certificate::{CertificateFacts, Certificates, NotACertificate},
    crypto::KeyPairSpecification,
};

use crate::crypto::fixture_key_pair;

const PREFIX: &[u8] = b"certificate of ";
const ISSUER: &str = "Fixture CA";

/// Makes a certificate that [`TextCertificates`] reads: of that subject, issued by "Fixture CA".
#[must_use]
pub fn fixture_certificate(subject: &str) -> Vec<u8> {
    [PREFIX, subject.as_bytes()].concat()
}

/// Reads what [`fixture_certificate`] makes; everything else is no certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextCertificates;

impl Certificates for TextCertificates {
    fn parse(&self, der: &[u8]) -> Result<CertificateFacts, NotACertificate> {
        let subject = der
            .strip_prefix(PREFIX)
            .and_then(|subject| std::str::from_utf8(subject).ok())
            .ok_or(NotACertificate)?;
        Ok(CertificateFacts {
            issuer: ISSUER.as_bytes().to_vec(),
            subject: subject.as_bytes().to_vec(),
            issuer_text: format!("CN={ISSUER}"),
            subject_text: format!("CN={subject}"),
            names: vec![
                (Tag::CertificateSubjectCn, subject.to_owned()),
                (Tag::CertificateIssuerCn, ISSUER.to_owned()),
            ],
            serial_number: vec![1],
            issuer_alternative_names: Vec::new(),
            subject_alternative_names: Vec::new(),
            digital_signature_algorithm: Some(DigitalSignatureAlgorithm::Sha256WithRsaEncryption),
            public_key: fixture_key_pair(KeyPairSpecification::Rsa { bits: 2048 }).public,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_reads_back_and_other_bytes_do_not() {
        let facts = TextCertificates.parse(&fixture_certificate("alice")).unwrap();
        assert_eq!(facts.subject_text, "CN=alice");
        assert_eq!(TextCertificates.parse(b"alice"), Err(NotACertificate));
    }
}
