//! A small certificate authority for development and tests (RFC 5280).
//!
//! Keys are EC P-256. It keeps no record of what it has issued; for production, certificates
//! come from an authority that does.

use std::fmt;
use std::net::IpAddr;

use kmip_model::{DateTime, Material};
use kmip_ports::certificate::{CertificateFacts, Certificates as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PublicKeyData as _, RevokedCertParams, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::{BasicConstraints as ParsedConstraints, SubjectKeyIdentifier};
use x509_cert::name::Name;

use crate::parse::X509Certificates;
use crate::principal::names_a_user;

const DAY: i64 = 86_400;

/// How long an authority's certificate is valid: ten years.
const AUTHORITY_DAYS: i64 = 3_652;

/// How long a server's or client's certificate is valid: two years.
const LEAF_DAYS: i64 = 730;

/// How long a revocation list is current.
const LIST_DAYS: i64 = 30;

/// How far certificates reach into the past, for computers whose clock is slow.
const SLOW_CLOCK: i64 = 3_600;

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
    /// A key or signature could not be made.
    #[error("the certificate could not be made")]
    Failed(#[from] rcgen::Error),
}

/// A certificate, just issued, and its key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate: String,
    /// The private key: PKCS#8, PEM.
    pub key: Material,
    /// The serial number, the content octets of its DER INTEGER.
    pub serial_number: Vec<u8>,
}

/// Issues certificates for development.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    key_identifier: KeyIdMethod,
    certificate: String,
    /// The subject, DER: must be the issuer of everything issued, octet for octet.
    subject: Vec<u8>,
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
        let mut params = params(first, now, LEAF_DAYS);
        params.subject_alt_names =
            names.iter().map(|name| alternative_name(name)).collect::<Result<_, _>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// Issues a client's certificate; the Common Name is the user that the server will see.
    ///
    /// # Errors
    ///
    /// Refuses a name that the server would not take for a user's.
    pub fn issue_client(&self, common_name: &str, now: DateTime) -> Result<Issued, IssueError> {
        if !names_a_user(common_name) {
            return Err(IssueError::BadCommonName(common_name.to_owned()));
        }
        let mut params = params(common_name, now, LEAF_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// Issues a list of revoked serial numbers, PEM; `number` must grow from list to list.
    ///
    /// # Errors
    ///
    /// Reports that the list could not be signed.
    pub fn issue_crl(
        &self,
        revoked: &[Vec<u8>],
        number: u64,
        now: DateTime,
    ) -> Result<String, IssueError> {
        let revoked_certs = revoked
            .iter()
            .map(|serial_number| RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial_number),
                revocation_time: date(now.0),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: date(now.0.saturating_sub(SLOW_CLOCK)),
            next_update: date(later(now, LIST_DAYS)),
            crl_number: SerialNumber::from_slice(&number.to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: self.key_identifier.clone(),
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    fn issue(&self, mut params: CertificateParams) -> Result<Issued, IssueError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let facts = facts(certificate.der())?;
        // Verifiers compare names octet by octet: a chain with another spelling is broken.
        if facts.issuer != self.subject {
            return Err(IssueError::UnsupportedSubject);
        }
        Ok(Issued {
            certificate: certificate.pem(),
            key: Material::new(key.serialize_pem().into_bytes()),
            serial_number: facts.serial_number,
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

fn params(common_name: &str, now: DateTime, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date(now.0.saturating_sub(SLOW_CLOCK));
    params.not_after = date(later(now, days));
    params
}

fn later(now: DateTime, days: i64) -> i64 {
    now.0.saturating_add(days.saturating_mul(DAY))
}

/// Turns seconds since 1970 into the certificate library's time, within what it can express.
fn date(seconds: i64) -> OffsetDateTime {
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
    use std::slice;

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
            let parsed = parsed(&issued.certificate);
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
        assert_ne!(first.serial_number, second.serial_number);
    }

    #[test]
    fn serial_numbers_are_positive_and_at_most_twenty_octets() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        for _ in 0..20 {
            let serial = authority.issue_client("alice", NOW).unwrap().serial_number;
            assert!((1..=20).contains(&serial.len()), "{serial:?}");
            assert_eq!(serial[0] & 0x80, 0, "{serial:?}");
        }
    }

    #[test]
    fn validity_starts_an_hour_ago_and_ends_after_two_or_ten_years() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        let from = NOW.0 - 3_600;
        assert_eq!(validity(authority.certificate()), (from, NOW.0 + 3_652 * DAY));
        let client = authority.issue_client("alice", NOW).unwrap();
        assert_eq!(validity(&client.certificate), (from, NOW.0 + 730 * DAY));
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
        assert!(matches!(load(&leaf.certificate, &leaf.key), Err(IssueError::NotAnAuthority)));
    }

    #[test]
    fn names_that_cannot_be_repeated_are_refused() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert!(repeat(&name("CN=a,O=b,C=DE")).is_some());
        assert!(repeat(&name("CN=a+O=b")).is_none());
        assert!(repeat(&name("OU=a,OU=b")).is_none());
    }

    #[test]
    fn a_revocation_list_names_the_serials_and_its_authority() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        let client = authority.issue_client("alice", NOW).unwrap();
        let pem = authority.issue_crl(slice::from_ref(&client.serial_number), 7, NOW).unwrap();
        let der = rustls_pki_types::CertificateRevocationListDer::from_pem_slice(pem.as_bytes());
        let list: x509_cert::crl::CertificateList =
            x509_cert::crl::CertificateList::from_der(&der.unwrap()).unwrap();
        assert_eq!(list.tbs_cert_list.issuer.to_der().unwrap(), authority.subject);
        let revoked = list.tbs_cert_list.revoked_certificates.unwrap();
        assert_eq!(revoked.len(), 1);
        assert_eq!(&revoked[0].serial_number.to_der().unwrap()[2..], client.serial_number);
    }

    #[test]
    fn debug_shows_no_key() {
        let authority = CertificateAuthority::create("Test CA", NOW).unwrap();
        assert_eq!(format!("{authority:?}"), "CertificateAuthority { .. }");
        let issued = authority.issue_client("alice", NOW).unwrap();
        assert!(!format!("{issued:?}").contains("PRIVATE"));
    }
}
