//! What a certificate says (KMIP 2.1 §4.3 to §4.12, 1.4 §3.8 to §3.16; RFC 5280 §4).
//!
//! Reads what can be read: an alternative name that is malformed counts as absent, because the
//! certificate is an object to keep, not one to rely on.

use kmip_model::enumeration::{DigitalSignatureAlgorithm, Tag};
use kmip_ports::certificate::{CertificateFacts, Certificates, NotACertificate};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{IssuerAltName, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::text;

/// Reads X.509 certificates.
#[derive(Clone, Copy, Debug, Default)]
pub struct X509Certificates;

impl Certificates for X509Certificates {
    fn parse(&self, der: &[u8]) -> Result<CertificateFacts, NotACertificate> {
        let certificate = Certificate::from_der(der).map_err(|_| NotACertificate)?;
        facts(&certificate).map_err(|_| NotACertificate)
    }
}

fn facts(certificate: &Certificate) -> Result<CertificateFacts, x509_cert::der::Error> {
    let signed = certificate.tbs_certificate();
    let mut names = attributes_of(signed.subject(), |row| row.subject);
    names.extend(attributes_of(signed.issuer(), |row| row.issuer));
    Ok(CertificateFacts {
        issuer: signed.issuer().to_der()?,
        subject: signed.subject().to_der()?,
        issuer_text: text::name(signed.issuer()),
        subject_text: text::name(signed.subject()),
        names,
        serial_number: integer_content(signed.serial_number())?,
        issuer_alternative_names: signed
            .get_extension::<IssuerAltName>()
            .ok()
            .flatten()
            .map_or_else(Vec::new, |(_, names)| encode_all(&names.0)),
        subject_alternative_names: signed
            .get_extension::<SubjectAltName>()
            .ok()
            .flatten()
            .map_or_else(Vec::new, |(_, names)| encode_all(&names.0)),
        digital_signature_algorithm: signature_algorithm(certificate.signature_algorithm()),
        public_key: signed.subject_public_key_info().to_der()?,
    })
}

/// Returns the content octets of an INTEGER, sign octet and all.
pub(crate) fn integer_content(
    serial_number: &SerialNumber,
) -> Result<Vec<u8>, x509_cert::der::Error> {
    let encoded = serial_number.to_der()?;
    // One octet of tag, one of length: the parser refuses more than 21 octets of content.
    Ok(encoded.get(2..).unwrap_or_default().to_vec())
}

/// Encodes each name; leaves out what cannot be encoded again.
fn encode_all(names: &[GeneralName]) -> Vec<Vec<u8>> {
    names.iter().filter_map(|name| name.to_der().ok()).collect()
}

/// A part of a distinguished name that has attributes of its own.
struct Row {
    part: ObjectIdentifier,
    subject: Tag,
    issuer: Tag,
}

const fn row(part: ObjectIdentifier, subject: Tag, issuer: Tag) -> Row {
    Row { part, subject, issuer }
}

//= KMIP-2.1 §4.6
const ROWS: [Row; 12] = [
    row(text::COMMON_NAME, Tag::CertificateSubjectCn, Tag::CertificateIssuerCn),
    row(text::ORGANIZATION, Tag::CertificateSubjectO, Tag::CertificateIssuerO),
    row(text::UNIT, Tag::CertificateSubjectOu, Tag::CertificateIssuerOu),
    row(text::EMAIL, Tag::CertificateSubjectEmail, Tag::CertificateIssuerEmail),
    row(text::COUNTRY, Tag::CertificateSubjectC, Tag::CertificateIssuerC),
    row(text::STATE, Tag::CertificateSubjectSt, Tag::CertificateIssuerSt),
    row(text::LOCALITY, Tag::CertificateSubjectL, Tag::CertificateIssuerL),
    row(text::USER, Tag::CertificateSubjectUid, Tag::CertificateIssuerUid),
    row(
        text::SERIAL_NUMBER,
        Tag::CertificateSubjectSerialNumber,
        Tag::CertificateIssuerSerialNumber,
    ),
    row(text::TITLE, Tag::CertificateSubjectTitle, Tag::CertificateIssuerTitle),
    row(text::DOMAIN_COMPONENT, Tag::CertificateSubjectDc, Tag::CertificateIssuerDc),
    row(text::DN_QUALIFIER, Tag::CertificateSubjectDnQualifier, Tag::CertificateIssuerDnQualifier),
];

/// Picks the parts of a name that have attributes; the side says which of the two tags.
fn attributes_of(name: &Name, side: impl Fn(&Row) -> Tag) -> Vec<(Tag, String)> {
    name.iter()
        .filter_map(|attribute| {
            let row = ROWS.iter().find(|row| row.part == attribute.oid)?;
            Some((side(row), text::string(&attribute.value)?))
        })
        .collect()
}

/// Signature algorithms that have a name in KMIP (2.1 §11.16).
const SIGNATURE_ALGORITHMS: [(&str, DigitalSignatureAlgorithm); 19] = [
    ("1.2.840.113549.1.1.2", DigitalSignatureAlgorithm::Md2WithRsaEncryption),
    ("1.2.840.113549.1.1.4", DigitalSignatureAlgorithm::Md5WithRsaEncryption),
    ("1.2.840.113549.1.1.5", DigitalSignatureAlgorithm::Sha1WithRsaEncryption),
    ("1.2.840.113549.1.1.14", DigitalSignatureAlgorithm::Sha224WithRsaEncryption),
    ("1.2.840.113549.1.1.11", DigitalSignatureAlgorithm::Sha256WithRsaEncryption),
    ("1.2.840.113549.1.1.12", DigitalSignatureAlgorithm::Sha384WithRsaEncryption),
    ("1.2.840.113549.1.1.13", DigitalSignatureAlgorithm::Sha512WithRsaEncryption),
    ("1.2.840.113549.1.1.10", DigitalSignatureAlgorithm::RsassaPss),
    ("1.2.840.10040.4.3", DigitalSignatureAlgorithm::DsaWithSha1),
    ("2.16.840.1.101.3.4.3.1", DigitalSignatureAlgorithm::DsaWithSha224),
    ("2.16.840.1.101.3.4.3.2", DigitalSignatureAlgorithm::DsaWithSha256),
    ("1.2.840.10045.4.1", DigitalSignatureAlgorithm::EcdsaWithSha1),
    ("1.2.840.10045.4.3.1", DigitalSignatureAlgorithm::EcdsaWithSha224),
    ("1.2.840.10045.4.3.2", DigitalSignatureAlgorithm::EcdsaWithSha256),
    ("1.2.840.10045.4.3.3", DigitalSignatureAlgorithm::EcdsaWithSha384),
    ("1.2.840.10045.4.3.4", DigitalSignatureAlgorithm::EcdsaWithSha512),
    ("2.16.840.1.101.3.4.3.14", DigitalSignatureAlgorithm::Sha3256WithRsaEncryption),
    ("2.16.840.1.101.3.4.3.15", DigitalSignatureAlgorithm::Sha3384WithRsaEncryption),
    ("2.16.840.1.101.3.4.3.16", DigitalSignatureAlgorithm::Sha3512WithRsaEncryption),
];

fn signature_algorithm(algorithm: &AlgorithmIdentifierOwned) -> Option<DigitalSignatureAlgorithm> {
    SIGNATURE_ALGORITHMS
        .iter()
        .find(|(identifier, _)| ObjectIdentifier::new(identifier) == Ok(algorithm.oid))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use kmip_model::DateTime;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use x509_cert::der::Tag as Asn1Tag;
    use x509_cert::der::asn1::{Any, Ia5String};

    use super::*;
    use crate::issue::CertificateAuthority;

    fn authority() -> CertificateAuthority {
        CertificateAuthority::create("test, authority", DateTime(1_700_000_000)).unwrap()
    }

    fn der(pem: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
    }

    #[test]
    fn a_certificate_says_who_it_names_and_who_signed_it() {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server = authority().issue_server(&names, DateTime(1_700_000_000)).unwrap();
        let facts = X509Certificates.parse(&der(&server.certified.certificate)).unwrap();
        assert_eq!(facts.subject_text, "CN=localhost");
        assert_eq!(facts.issuer_text, "CN=test\\, authority");
        assert_eq!(
            facts.names,
            [
                (Tag::CertificateSubjectCn, "localhost".to_owned()),
                (Tag::CertificateIssuerCn, "test, authority".to_owned()),
            ]
        );
        assert_eq!(
            facts.subject_alternative_names,
            [b"\x82\x09localhost".to_vec(), b"\x87\x04\x7F\x00\x00\x01".to_vec()]
        );
        assert!(facts.issuer_alternative_names.is_empty());
        assert_eq!(
            facts.digital_signature_algorithm,
            Some(DigitalSignatureAlgorithm::EcdsaWithSha256)
        );
        assert_eq!(facts.serial_number, server.certified.described.serial_number);
        assert_eq!(facts.subject, Name::from_der(&facts.subject).unwrap().to_der().unwrap());
        assert!(
            der(&server.certified.certificate)
                .windows(facts.subject.len())
                .any(|w| w == facts.subject)
        );
        assert!(
            der(&server.certified.certificate)
                .windows(facts.issuer.len())
                .any(|w| w == facts.issuer)
        );
        assert!(
            der(&server.certified.certificate)
                .windows(facts.public_key.len())
                .any(|w| w == facts.public_key)
        );
    }

    #[test]
    fn a_serial_number_keeps_its_sign_octet() {
        for content in [&[0x00, 0xFF][..], &[0x7F], &[0x80], &[0x00, 0x80, 0x00]] {
            let encoded = [&[0x02, u8::try_from(content.len()).unwrap()], content].concat();
            let serial = SerialNumber::from_der(&encoded).unwrap();
            assert_eq!(integer_content(&serial).unwrap(), content);
        }
    }

    #[test]
    fn every_part_with_an_attribute_has_a_row_for_both_sides() {
        for row in &ROWS {
            let value = Any::new(Asn1Tag::Ia5String, Ia5String::new("x").unwrap().as_bytes());
            let attribute = [row.part.to_der().unwrap(), value.unwrap().to_der().unwrap()].concat();
            let tlv = |tag: u8, content: &[u8]| {
                [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
            };
            let encoded = tlv(0x30, &tlv(0x31, &tlv(0x30, &attribute)));
            let name = Name::from_der(&encoded).unwrap();
            let text = "x".to_owned();
            assert_eq!(attributes_of(&name, |row| row.subject), [(row.subject, text.clone())]);
            assert_eq!(attributes_of(&name, |row| row.issuer), [(row.issuer, text)]);
        }
    }

    #[test]
    fn signature_algorithms_are_well_formed_and_named_once() {
        for (position, (identifier, name)) in SIGNATURE_ALGORITHMS.iter().enumerate() {
            let oid = ObjectIdentifier::new(identifier).unwrap();
            assert_eq!(
                signature_algorithm(&AlgorithmIdentifierOwned { oid, parameters: None }),
                Some(*name)
            );
            assert!(SIGNATURE_ALGORITHMS[..position].iter().all(|(_, other)| other != name));
        }
        let ed25519 = ObjectIdentifier::new_unwrap("1.3.101.112");
        assert_eq!(
            signature_algorithm(&AlgorithmIdentifierOwned { oid: ed25519, parameters: None }),
            None
        );
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let good = der(authority().certificate());
        let longer = [good.as_slice(), b"x"].concat();
        for bytes in [&b""[..], b"junk", &good[..good.len() - 1], &longer] {
            assert_eq!(X509Certificates.parse(bytes), Err(NotACertificate));
        }
    }
}
