//! A small certificate authority (RFC 5280): for development, and for an operator who has no other.
//!
//! It keeps no record of what it has issued; who uses it does.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::rand;
use kmip_model::{DateTime, Material};
use kmip_ports::certificate::{CertificateFacts, Certificates as _};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RsaKeySize, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::{BasicConstraints as ParsedConstraints, KeyUsage, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::parse::X509Certificates;
use crate::principal::names_a_user;
use crate::request::CertificationRequest;
use crate::signature::{self, Verdict};
use crate::text;

const DAY: i64 = 86_400;

/// How long an authority's certificate is valid: ten years.
const AUTHORITY_DAYS: i64 = 3_652;

/// How long a server's or client's certificate is valid if nothing else is said: two years.
pub const LEAF_DAYS: u32 = 730;

/// How far certificates reach into the past, for computers whose clock is slow.
pub(crate) const SLOW_CLOCK: i64 = 3_600;

/// The last second that a certificate can express.
const END_OF_TIME: i64 = 253_402_300_799;

/// Why a certificate was not issued.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The authority's certificate is no PEM certificate.
    #[error("the CA certificate is not a PEM certificate")]
    UnreadableCertificate,
    /// The authority's key is no PEM private key.
    #[error("the CA key is not an unencrypted PEM private key")]
    UnreadableKey,
    /// The certificate and the key are of different authorities.
    #[error("the CA key does not belong to the CA certificate")]
    KeyMismatch,
    /// The certificate may not issue others.
    #[error("the CA certificate is not that of a CA (its Basic Constraints do not say CA:TRUE)")]
    NotAnAuthority,
    /// The certificate may not issue others of the kind that is asked for.
    #[error(
        "the CA certificate's Key Usage does not allow it to sign certificates and revocation lists"
    )]
    NotForSigning,
    /// The authority is valid no longer, or will not be for long enough.
    #[error("the CA certificate ends on {0}, so nothing it issues is of use")]
    AuthorityEnded(DateTime),
    /// The authority's name is of a form that cannot be repeated in what it issues.
    #[error("the CA certificate has a subject of a form that is not supported")]
    UnsupportedSubject,
    /// A server needs at least one name.
    #[error("a server certificate needs at least one host name or IP address")]
    NoServerName,
    /// A server's name is of no use.
    #[error("{0:?} is neither a host name nor an IP address")]
    BadServerName(String),
    /// The name would not be accepted from a client.
    #[error("{0:?} does not name exactly one user")]
    BadCommonName(String),
    /// The name cannot be an alternative name.
    #[error("{0:?} cannot be the alternative name that the user is taken from")]
    BadAlternativeName(String),
    /// A key or signature could not be made.
    #[error("the certificate could not be made")]
    Failed(#[from] rcgen::Error),
}

/// Why a certificate is not this authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotIssuedHere {
    /// It is none.
    #[error("it is no certificate")]
    NoCertificate,
    /// Another authority has issued it.
    #[error("another CA has issued it")]
    Another,
}

/// What a record of issued certificates has of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The serial number, the content octets of its DER INTEGER.
    pub serial_number: Vec<u8>,
    /// The last second at which it is valid.
    pub not_after: DateTime,
    /// The one Common Name, if there is one and no more.
    pub common_name: Option<String>,
    /// The subject, as RFC 4514 writes it.
    pub subject: String,
}

/// A certificate, just issued.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate, PEM.
    pub certificate: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// What is to be recorded.
    pub described: Described,
}

/// A certificate, just issued, and its key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certified: Certified,
    /// The private key: PKCS#8, PEM.
    pub key: Material,
}

/// The kind of a key that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// EC on P-256.
    #[default]
    P256,
    /// EC on P-384.
    P384,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

/// Where a client's name stands a second time, for a server that looks there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// As a DNS name.
    Dns,
    /// As a mail address.
    Mail,
}

/// What a client's certificate says.
#[derive(Clone, Debug)]
pub struct Client {
    /// The Common Name.
    pub common_name: String,
    /// The Organizational Unit, if it has one.
    pub unit: Option<String>,
    /// Where the Common Name is said again.
    pub alternative_name: Option<AlternativeName>,
    /// For how many days it is valid, or for as long as the authority, if that is shorter.
    pub days: u32,
}

impl Client {
    /// Returns a client with a name and nothing else, for as long as is usual.
    #[must_use]
    pub fn named(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            unit: None,
            alternative_name: None,
            days: LEAF_DAYS,
        }
    }
}

/// Issues certificates.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    key_identifier: KeyIdMethod,
    certificate: String,
    /// The subject, DER: must be the issuer of everything issued, octet for octet.
    subject: Vec<u8>,
    /// The last second at which the authority is valid.
    not_after: DateTime,
}

impl CertificateAuthority {
    /// Makes an authority with a fresh key.
    ///
    /// # Errors
    ///
    /// Reports that no key or certificate could be made.
    pub fn create(common_name: &str, now: DateTime) -> Result<Self, IssueError> {
        let key = KeyPair::generate()?;
        let mut params = params(common_name, now, AUTHORITY_DAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            not_after: DateTime(params.not_after.unix_timestamp()),
            key_identifier: params.key_identifier_method.clone(),
            subject: facts(certificate.der())?.subject,
            certificate: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Takes an authority that exists: its certificate and key, both PEM.
    ///
    /// # Errors
    ///
    /// Refuses what does not belong together or may not issue.
    pub fn load(certificate: &str, key: &Material) -> Result<Self, IssueError> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| IssueError::UnreadableCertificate)?;
        let parsed = Certificate::from_der(&der).map_err(|_| IssueError::UnreadableCertificate)?;
        let key = str::from_utf8(key.expose())
            .ok()
            .and_then(|text| KeyPair::from_pem(text).ok())
            .ok_or(IssueError::UnreadableKey)?;
        let signed = parsed.tbs_certificate();
        let public_key = signed.subject_public_key_info().to_der();
        if public_key.as_deref() != Ok(key.subject_public_key_info().as_slice()) {
            return Err(IssueError::KeyMismatch);
        }
        let constraints = signed.get_extension::<ParsedConstraints>().ok().flatten();
        if !constraints.is_some_and(|(_, constraints)| constraints.ca) {
            return Err(IssueError::NotAnAuthority);
        }
        let usage = signed.get_extension::<KeyUsage>().ok().flatten();
        if usage.is_some_and(|(_, usage)| !(usage.key_cert_sign() && usage.crl_sign())) {
            return Err(IssueError::NotForSigning);
        }
        let key_identifier = match signed.get_extension::<SubjectKeyIdentifier>() {
            Ok(Some((_, identifier))) => {
                KeyIdMethod::PreSpecified(identifier.0.into_bytes().into())
            }
            _ => KeyIdMethod::Sha256,
        };
        let mut params = CertificateParams::default();
        params.distinguished_name =
            repeat(signed.subject()).ok_or(IssueError::UnsupportedSubject)?;
        params.key_identifier_method = key_identifier.clone();
        Ok(Self {
            not_after: end_of(&parsed),
            key_identifier,
            subject: facts(&der)?.subject,
            certificate: certificate.to_owned(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Returns the authority's certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Returns the authority's private key: PKCS#8, PEM.
    #[must_use]
    pub fn key(&self) -> Material {
        Material::new(self.issuer.key().serialize_pem().into_bytes())
    }

    /// Issues a server's certificate for host names and IP addresses.
    ///
    /// # Errors
    ///
    /// Refuses an empty list and what is neither a host name nor an IP address.
    pub fn issue_server(&self, names: &[String], now: DateTime) -> Result<Issued, IssueError> {
        let first = names.first().ok_or(IssueError::NoServerName)?;
        let mut params = params(first, now, i64::from(LEAF_DAYS));
        params.subject_alt_names =
            names.iter().map(|name| alternative_name(name)).collect::<Result<_, _>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// Issues a client's certificate with a key on P-256; the Common Name is the user that the
    /// server will see.
    ///
    /// # Errors
    ///
    /// Refuses a name that the server would not take for a user's.
    pub fn issue_client(&self, common_name: &str, now: DateTime) -> Result<Issued, IssueError> {
        self.issue_client_with(&Client::named(common_name), KeyKind::default(), now)
    }

    /// Issues a client's certificate that says all that, with a fresh key of that kind.
    ///
    /// # Errors
    ///
    /// Refuses names that the server would not take for a user's, and an authority that has ended.
    pub fn issue_client_with(
        &self,
        client: &Client,
        kind: KeyKind,
        now: DateTime,
    ) -> Result<Issued, IssueError> {
        let params = self.client(client, now)?;
        let key = fresh(kind)?;
        Ok(Issued {
            certified: self.certify(params, &key)?,
            key: Material::new(key.serialize_pem().into_bytes()),
        })
    }

    /// Issues a client's certificate for the key of a request.
    ///
    /// # Errors
    ///
    /// Refuses names that the server would not take for a user's, and an authority that has ended.
    pub fn sign_request(
        &self,
        client: &Client,
        request: &CertificationRequest,
        now: DateTime,
    ) -> Result<Certified, IssueError> {
        self.certify(self.client(client, now)?, request.key())
    }

    /// Recognises a certificate that this authority has issued; PEM or DER.
    ///
    /// # Errors
    ///
    /// Refuses what is no certificate, and what another has issued.
    pub fn recognise(&self, bytes: &[u8]) -> Result<Described, NotIssuedHere> {
        let der = CertificateDer::from_pem_slice(bytes)
            .map_or_else(|_| bytes.to_vec(), |der| der.as_ref().to_vec());
        let parsed = Certificate::from_der(&der).map_err(|_| NotIssuedHere::NoCertificate)?;
        let key = self.public_key().ok_or(NotIssuedHere::Another)?;
        let verdict =
            signature::verify(&der, parsed.signature_algorithm(), parsed.signature(), &key);
        let described = described(&der).map_err(|_| NotIssuedHere::NoCertificate)?;
        if verdict == Verdict::Good { Ok(described) } else { Err(NotIssuedHere::Another) }
    }

    /// Returns the authority's subject, DER.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Returns what signs.
    pub(crate) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// Returns how the authority's key is identified in what it signs.
    pub(crate) fn key_identifier(&self) -> KeyIdMethod {
        self.key_identifier.clone()
    }

    /// Returns the authority's public key.
    pub(crate) fn public_key(&self) -> Option<SubjectPublicKeyInfoOwned> {
        SubjectPublicKeyInfoOwned::from_der(&self.issuer.key().subject_public_key_info()).ok()
    }

    /// Works out what a client's certificate says.
    fn client(&self, client: &Client, now: DateTime) -> Result<CertificateParams, IssueError> {
        let name = &client.common_name;
        if !names_a_user(name) {
            return Err(IssueError::BadCommonName(name.clone()));
        }
        if self.not_after <= now {
            return Err(IssueError::AuthorityEnded(self.not_after));
        }
        let mut params = params(name, now, i64::from(client.days));
        params.not_after = params.not_after.min(date(self.not_after.0));
        if let Some(unit) = &client.unit {
            params.distinguished_name.push(DnType::OrganizationalUnitName, unit.as_str());
        }
        let bad = || IssueError::BadAlternativeName(name.clone());
        match client.alternative_name {
            None => {}
            Some(AlternativeName::Dns) => {
                let found = alternative_name(name).map_err(|_| bad())?;
                // An address is no name, and a name with a star is that of many.
                if !matches!(found, SanType::DnsName(_)) || name.contains('*') {
                    return Err(bad());
                }
                params.subject_alt_names.push(found);
            }
            Some(AlternativeName::Mail) => {
                let address = name.as_str().try_into().map_err(|_| bad())?;
                params.subject_alt_names.push(SanType::Rfc822Name(address));
            }
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params)
    }

    fn issue(&self, params: CertificateParams) -> Result<Issued, IssueError> {
        let key = fresh(KeyKind::default())?;
        Ok(Issued {
            certified: self.certify(params, &key)?,
            key: Material::new(key.serialize_pem().into_bytes()),
        })
    }

    fn certify(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<Certified, IssueError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(random_serial_number()?);
        let certificate = params.signed_by(key, &self.issuer)?;
        // Verifiers compare names octet by octet: a chain with another spelling is broken.
        if facts(certificate.der())?.issuer != self.subject {
            return Err(IssueError::UnsupportedSubject);
        }
        Ok(Certified {
            described: described(certificate.der())?,
            der: certificate.der().to_vec(),
            certificate: certificate.pem(),
        })
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").finish_non_exhaustive()
    }
}

fn facts(der: &[u8]) -> Result<CertificateFacts, IssueError> {
    X509Certificates.parse(der).map_err(|_| IssueError::UnreadableCertificate)
}

/// Reads what is told of a certificate.
fn described(der: &[u8]) -> Result<Described, IssueError> {
    let facts = facts(der)?;
    let parsed = Certificate::from_der(der).map_err(|_| IssueError::UnreadableCertificate)?;
    Ok(Described {
        serial_number: facts.serial_number,
        not_after: end_of(&parsed),
        common_name: text::common_name(parsed.tbs_certificate().subject()),
        subject: text::name(parsed.tbs_certificate().subject()),
    })
}

/// Returns the last second at which a certificate is valid.
fn end_of(certificate: &Certificate) -> DateTime {
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    DateTime(i64::try_from(end.as_secs()).unwrap_or(i64::MAX))
}

fn fresh(kind: KeyKind) -> Result<KeyPair, rcgen::Error> {
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
    match kind {
        KeyKind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyKind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        KeyKind::Rsa2048 => rsa(RsaKeySize::_2048),
        KeyKind::Rsa3072 => rsa(RsaKeySize::_3072),
        KeyKind::Rsa4096 => rsa(RsaKeySize::_4096),
    }
}

/// Makes a serial number of 128 bits that nobody foresees (RFC 5280 §4.1.2.2).
fn random_serial_number() -> Result<SerialNumber, rcgen::Error> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| rcgen::Error::RingUnspecified)?;
    Ok(SerialNumber::from_slice(&bytes))
}

fn params(common_name: &str, now: DateTime, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date(now.0.saturating_sub(SLOW_CLOCK));
    params.not_after = date(later(now, days));
    params
}

/// Returns a time some days later, in seconds.
pub(crate) fn later(now: DateTime, days: i64) -> i64 {
    now.0.saturating_add(days.saturating_mul(DAY))
}

/// Turns seconds since 1970 into the certificate library's time, within what it can express.
pub(crate) fn date(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds.clamp(0, END_OF_TIME))
        .expect("every second from 1970 to 9999 is a time")
}

fn alternative_name(name: &str) -> Result<SanType, IssueError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let bad = || IssueError::BadServerName(name.to_owned());
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let host = name.strip_prefix("*.").unwrap_or(name);
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(bad());
    }
    Ok(SanType::DnsName(name.try_into().map_err(|_| bad())?))
}

/// Repeats a distinguished name in the certificate library's terms; `None` if it has no terms
/// for it, such as two parts of one type.
fn repeat(name: &Name) -> Option<DistinguishedName> {
    let mut repeated = DistinguishedName::new();
    for part in name.iter_rdn() {
        let mut attributes = part.iter();
        let (Some(attribute), None) = (attributes.next(), attributes.next()) else {
            return None;
        };
        let kind = DnType::from_oid(&attribute.oid.arcs().map(u64::from).collect::<Vec<_>>());
        if repeated.get(&kind).is_some() {
            return None;
        }
        let bytes = attribute.value.value();
        let text = || str::from_utf8(bytes).ok();
        let value = match attribute.value.tag() {
            Tag::Utf8String => DnValue::Utf8String(text()?.to_owned()),
            Tag::PrintableString => DnValue::PrintableString(text()?.try_into().ok()?),
            Tag::Ia5String => DnValue::Ia5String(text()?.try_into().ok()?),
            Tag::TeletexString => DnValue::TeletexString(text()?.try_into().ok()?),
            _ => return None,
        };
        repeated.push(kind, value);
    }
    Some(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime = DateTime(1_800_000_000);

    fn parsed(pem: &str) -> Certificate {
        Certificate::from_der(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
    }

    fn validity(pem: &str) -> (i64, i64) {
        let validity = *parsed(pem).tbs_certificate().validity();
        let seconds =
            |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap();
        (seconds(validity.not_before), seconds(validity.not_after))
    }

    #[test]
    fn a_loaded_authority_issues_like_the_one_that_was_created() {
        let created = CertificateAuthority::create("Test CA", NOW).unwrap();
        let loaded = CertificateAuthority::load(created.certificate(), &created.key()).unwrap();
        assert_eq!(loaded.certificate(), created.certificate());
        assert_eq!(loaded.key(), created.key());
        let authority_identifier = |issued: &Issued| {
            let parsed = parsed(&issued.certified.certificate);
            let (_, identifier) = parsed
                .tbs_certificate()
                .get_extension::<x509_cert::ext::pkix::AuthorityKeyIdentifier>()
                .unwrap()
                .unwrap();
            identifier.key_identifier.unwrap()
        };
        let first = created.issue_client("alice", NOW).unwrap();
        let second = loaded.issue_client("alice", NOW).unwrap();
        assert_eq!(authority_identifier(&first), authority_identifier(&second));
        assert_ne!(
            first.certified.described.serial_number,
            second.certified.described.serial_number
        );
    }

    #[test]
    fn serial_numbers_are_positive_and_have_128_bits() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        for _ in 0..40 {
            let serial =
                authority.issue_client("alice", NOW).unwrap().certified.described.serial_number;
            assert!((15..=17).contains(&serial.len()), "{serial:?}");
            assert_eq!(serial[0] & 0x80, 0, "{serial:?}");
        }
    }

    #[test]
    fn validity_starts_an_hour_ago_and_ends_after_two_or_ten_years() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        let from = NOW.0 - 3_600;
        assert_eq!(validity(authority.certificate()), (from, NOW.0 + 3_652 * DAY));
        let client = authority.issue_client("alice", NOW).unwrap();
        assert_eq!(validity(&client.certified.certificate), (from, NOW.0 + 730 * DAY));
    }

    #[test]
    fn times_that_no_certificate_can_express_are_cut() {
        for now in [DateTime::MAX, DateTime(i64::MIN)] {
            CertificateAuthority::create("Test CA", now).unwrap();
        }
    }

    #[test]
    fn server_names_are_hosts_or_addresses() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        let issue = |name: &str| authority.issue_server(&[name.to_owned()], NOW);
        for name in ["localhost", "*.example.org", "kmip-1.example.org", "127.0.0.1", "::1", "a_b"]
        {
            issue(name).unwrap();
        }
        for name in ["", "a b", "a..b", "-\n", "*", "host:5696", "b\u{E4}r"] {
            assert!(matches!(issue(name), Err(IssueError::BadServerName(_))), "{name:?}");
        }
        assert!(matches!(authority.issue_server(&[], NOW), Err(IssueError::NoServerName)));
    }

    #[test]
    fn a_client_is_named_as_the_authenticator_wants() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        for name in ["", "*", "a\0b"] {
            let refused = authority.issue_client(name, NOW);
            assert!(matches!(refused, Err(IssueError::BadCommonName(_))), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_authority_cannot_be_loaded() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        let other = CertificateAuthority::create("Other CA", NOW).unwrap();
        let leaf = authority.issue_client("alice", NOW).unwrap();
        let load = CertificateAuthority::load;
        assert!(matches!(load("junk", &authority.key()), Err(IssueError::UnreadableCertificate)));
        assert!(matches!(
            load(authority.certificate(), &Material::from(b"junk".as_slice())),
            Err(IssueError::UnreadableKey)
        ));
        assert!(matches!(
            load(authority.certificate(), &other.key()),
            Err(IssueError::KeyMismatch)
        ));
        assert!(matches!(
            load(&leaf.certified.certificate, &leaf.key),
            Err(IssueError::NotAnAuthority)
        ));
    }

    #[test]
    fn names_that_cannot_be_repeated_are_refused() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert!(repeat(&name("CN=a,O=b,C=DE")).is_some());
        assert!(repeat(&name("CN=a+O=b")).is_none());
        assert!(repeat(&name("OU=a,OU=b")).is_none());
    }

    #[test]
    fn debug_shows_no_key() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        assert_eq!(format!("{authority:?}"), "CertificateAuthority { .. }");
        let issued = authority.issue_client("alice", NOW).unwrap();
        assert!(!format!("{issued:?}").contains("PRIVATE"));
    }
}
