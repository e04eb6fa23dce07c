//! What an operator should know of a certificate or a revocation list (RFC 5280 §4 and §5).
//!
//! Nothing is decided here but whether a signature is of a key, and whether a name is among the
//! names; whether that is good is for whoever asks.

use std::net::IpAddr;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use kmip_model::DateTime;
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{self, Decode, Encode, Header, Reader, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::Time;

use crate::text;

const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const ANYTHING: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Bytes that are no certificate, or no revocation list.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("it cannot be read")]
pub struct Unreadable;

impl From<der::Error> for Unreadable {
    fn from(_: der::Error) -> Self {
        Self
    }
}

/// A public key: its kind and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with the length of the modulus in bits.
    Rsa(u32),
    /// A curve of NIST's, by its size in bits.
    Curve(u32),
    /// Ed25519.
    Ed25519,
    /// Another one, by its identifier.
    Other(String),
}

/// Whether a signature is of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It is.
    Yes,
    /// It is not, or the names of issuer and subject differ.
    No,
    /// The algorithm is none that can be checked here.
    Unknown,
}

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The subject, as RFC 4514 writes it.
    pub subject: String,
    /// The issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// From when it counts.
    pub valid_from: DateTime,
    /// Until when it counts.
    pub valid_until: DateTime,
    /// Whether it may issue certificates: Basic Constraints, and Key Usage if there is one.
    pub is_authority: bool,
    /// Whether it may sign revocation lists, if it says what its key is for.
    pub signs_lists: Option<bool>,
    /// Whether it is for servers, if it says what it is for.
    pub for_servers: Option<bool>,
    /// Whether it is for clients, if it says what it is for.
    pub for_clients: Option<bool>,
    /// DNS names among the alternative names.
    pub dns_names: Vec<String>,
    /// Addresses among the alternative names.
    pub addresses: Vec<IpAddr>,
    /// The public key.
    pub key: KeyKind,
    subject_der: Vec<u8>,
    key_info: SubjectPublicKeyInfoOwned,
    signature: Signature,
}

/// What a revocation list says.
#[derive(Clone, Debug)]
pub struct InspectedList {
    /// The issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// When it was made.
    pub made_at: DateTime,
    /// When the next one is due.
    pub next_at: Option<DateTime>,
    /// How many certificates it revokes.
    pub revoked: usize,
    signature: Signature,
}

#[derive(Clone, Debug)]
struct Signature {
    issuer: Vec<u8>,
    algorithm: AlgorithmIdentifierOwned,
    message: Vec<u8>,
    bytes: Vec<u8>,
}

impl Inspected {
    /// Reads a certificate.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let certificate = Certificate::from_der(bytes)?;
        let signed = certificate.tbs_certificate();
        let constraints = signed.get_extension::<BasicConstraints>()?;
        let usage = signed.get_extension::<KeyUsage>()?.map(|(_, usage)| usage);
        let purposes = signed.get_extension::<ExtendedKeyUsage>()?.map(|(_, usage)| usage.0);
        let is_for = |purpose| {
            let purposes = purposes.as_ref()?;
            Some(purposes.contains(&purpose) || purposes.contains(&ANYTHING))
        };
        let names = signed.get_extension::<SubjectAltName>()?;
        let names = names.map_or_else(Vec::new, |(_, names)| names.0);
        let key_info = signed.subject_public_key_info().clone();
        Ok(Self {
            subject: text::name(signed.subject()),
            issuer: text::name(signed.issuer()),
            valid_from: date(signed.validity().not_before),
            valid_until: date(signed.validity().not_after),
            is_authority: constraints.is_some_and(|(_, constraints)| constraints.ca)
                && usage.as_ref().is_none_or(KeyUsage::key_cert_sign),
            signs_lists: usage.as_ref().map(KeyUsage::crl_sign),
            for_servers: is_for(SERVER),
            for_clients: is_for(CLIENT),
            dns_names: names.iter().filter_map(dns_name).collect(),
            addresses: names.iter().filter_map(address).collect(),
            key: key_kind(&key_info),
            subject_der: signed.subject().to_der()?,
            key_info,
            signature: Signature {
                issuer: signed.issuer().to_der()?,
                algorithm: certificate.signature_algorithm().clone(),
                message: first_part(bytes)?,
                bytes: certificate.signature().raw_bytes().to_vec(),
            },
        })
    }

    /// Says whether its issuer has the name of its subject.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.signature.issuer == self.subject_der
    }

    /// Says whether another certificate's key has signed this one.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> Signed {
        self.signature.is_by(issuer)
    }

    /// Says whether it has the same subject and the same key as another one.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.subject_der == other.subject_der && self.key_info == other.key_info
    }

    /// Returns the hash of its signature, where that is one that is broken.
    #[must_use]
    pub fn broken_hash(&self) -> Option<&'static str> {
        BROKEN.iter().find(|row| row.0 == self.signature.algorithm.oid).map(|row| row.1)
    }

    /// Says whether a host, by name or address, is among the alternative names (RFC 6125).
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        if let Ok(address) = host.parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let host = host.trim_end_matches('.');
        self.dns_names.iter().any(|name| {
            let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
            match (name.strip_prefix("*."), host.split_once('.')) {
                (Some(domain), Some((first, rest))) => !first.is_empty() && same(domain, rest),
                _ => same(name.trim_end_matches('.'), host),
            }
        })
    }

    /// Returns its names and addresses, to be shown.
    #[must_use]
    pub fn all_names(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        self.dns_names.iter().cloned().chain(addresses).collect()
    }
}

impl InspectedList {
    /// Reads a revocation list.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let list = CertificateList::<x509_cert::certificate::Rfc5280>::from_der(bytes)?;
        let signed = &list.tbs_cert_list;
        Ok(Self {
            issuer: text::name(&signed.issuer),
            made_at: date(signed.this_update),
            next_at: signed.next_update.map(date),
            revoked: signed.revoked_certificates.as_ref().map_or(0, Vec::len),
            signature: Signature {
                issuer: signed.issuer.to_der()?,
                algorithm: list.signature_algorithm.clone(),
                message: first_part(bytes)?,
                bytes: list.signature.raw_bytes().to_vec(),
            },
        })
    }

    /// Says whether a certificate's key has signed it.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Inspected) -> Signed {
        self.signature.is_by(issuer)
    }
}

impl Signature {
    fn is_by(&self, issuer: &Inspected) -> Signed {
        if self.issuer != issuer.subject_der {
            return Signed::No;
        }
        let Some(algorithm) = verification(&self.algorithm, &issuer.key_info) else {
            return Signed::Unknown;
        };
        // The key of Ed25519 and of curves is its bits; that of RSA is the structure in them.
        let key = issuer.key_info.subject_public_key.raw_bytes();
        match UnparsedPublicKey::new(algorithm, key).verify(&self.message, &self.bytes) {
            Ok(()) => Signed::Yes,
            Err(_) => Signed::No,
        }
    }
}

const SHA1_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const SHA256_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");

/// Signature algorithms whose hash is broken.
const BROKEN: [(ObjectIdentifier, &str); 5] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), "MD2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "MD5"),
    (SHA1_RSA, "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"), "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "SHA-1"),
];

/// Finds how a signature of that algorithm is checked by that key.
fn verification(
    algorithm: &AlgorithmIdentifierOwned,
    key: &SubjectPublicKeyInfoOwned,
) -> Option<&'static dyn VerificationAlgorithm> {
    let curve = key.algorithm.parameters.as_ref().and_then(|it| it.decode_as().ok());
    Some(match (algorithm.oid, curve) {
        (SHA256_RSA, _) => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (SHA512_RSA, _) => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (SHA384_RSA, _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (ECDSA_SHA256, Some(P256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (ECDSA_SHA384, Some(P256)) => &signature::ECDSA_P256_SHA384_ASN1,
        (ECDSA_SHA256, Some(P384)) => &signature::ECDSA_P384_SHA256_ASN1,
        (ECDSA_SHA384, Some(P384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (ECDSA_SHA256, Some(P521)) => &signature::ECDSA_P521_SHA256_ASN1,
        (ECDSA_SHA384, Some(P521)) => &signature::ECDSA_P521_SHA384_ASN1,
        (ECDSA_SHA512, Some(P521)) => &signature::ECDSA_P521_SHA512_ASN1,
        (ED25519, _) => &signature::ED25519,
        _ => return None,
    })
}

fn key_kind(key: &SubjectPublicKeyInfoOwned) -> KeyKind {
    let curve = || key.algorithm.parameters.as_ref().and_then(|it| it.decode_as().ok());
    match key.algorithm.oid {
        RSA => modulus_bits(key.subject_public_key.raw_bytes())
            .map_or_else(|| KeyKind::Other(RSA.to_string()), KeyKind::Rsa),
        ED25519 => KeyKind::Ed25519,
        ELLIPTIC_CURVE => match curve() {
            Some(P256) => KeyKind::Curve(256),
            Some(P384) => KeyKind::Curve(384),
            Some(P521) => KeyKind::Curve(521),
            Some(other) => KeyKind::Other(other.to_string()),
            None => KeyKind::Other(ELLIPTIC_CURVE.to_string()),
        },
        other => KeyKind::Other(other.to_string()),
    }
}

fn modulus_bits(key: &[u8]) -> Option<u32> {
    let mut reader = SliceReader::new(key).ok()?;
    Header::decode(&mut reader).ok()?;
    let modulus = UintRef::decode(&mut reader).ok()?;
    let [first, rest @ ..] = modulus.as_bytes() else { return None };
    let rest = u32::try_from(rest.len()).ok()?.checked_mul(8)?;
    rest.checked_add(u8::BITS.checked_sub(first.leading_zeros())?)
}

/// Returns what is signed, byte for byte: the first part of the outer structure.
fn first_part(bytes: &[u8]) -> Result<Vec<u8>, der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    Header::decode(&mut reader)?;
    Ok(reader.tlv_bytes()?.to_vec())
}

fn dns_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        _ => None,
    }
}

fn address(name: &GeneralName) -> Option<IpAddr> {
    let GeneralName::IpAddress(octets) = name else { return None };
    let octets = octets.as_bytes();
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from).ok();
    four.or_else(|| <[u8; 16]>::try_from(octets).map(IpAddr::from).ok())
}

fn date(time: Time) -> DateTime {
    DateTime(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

    use super::*;
    use crate::issue::CertificateAuthority;
    use crate::revocation::{RevocationList, Revoked};

    const NOW: DateTime = DateTime(1_700_000_000);

    fn parsed(pem: &str) -> Inspected {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        Inspected::parse(&der).unwrap()
    }

    fn authority() -> CertificateAuthority {
        CertificateAuthority::create("an authority", NOW).unwrap()
    }

    #[test]
    fn an_authority_and_what_it_issues_are_told_apart() {
        let authority = authority();
        let names = ["kmip.example".to_owned(), "192.0.2.7".to_owned(), "::1".to_owned()];
        let server = parsed(&authority.issue_server(&names, NOW).unwrap().certified.certificate);
        let client = parsed(&authority.issue_client("c", NOW).unwrap().certified.certificate);
        let issuer = parsed(authority.certificate());
        assert!(issuer.is_authority && issuer.is_self_issued());
        assert_eq!((issuer.signs_lists, issuer.for_servers), (Some(true), None));
        assert!(!server.is_authority && !server.is_self_issued());
        assert_eq!((server.for_servers, server.for_clients), (Some(true), Some(false)));
        assert_eq!((client.for_servers, client.for_clients), (Some(false), Some(true)));
        assert_eq!(server.key, KeyKind::Curve(256));
        assert_eq!(server.broken_hash(), None);
        assert_eq!(server.all_names(), names);
        assert!(server.valid_from < NOW && server.valid_until > NOW);
        assert_eq!(server.issuer, issuer.subject);
    }

    #[test]
    fn a_signature_is_of_the_key_that_made_it() {
        // Two authorities of one name, with two keys.
        let (own, other) = (authority(), authority());
        let server =
            parsed(&own.issue_server(&["a".to_owned()], NOW).unwrap().certified.certificate);
        let revoked = Revoked { serial_number: vec![1], since: NOW, reason: 0 };
        let listed = RevocationList { number: 1, next_update: None, entries: vec![revoked] };
        let list = own.sign_list(&listed, 30, NOW).unwrap();
        let list = CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap();
        let list = InspectedList::parse(&list).unwrap();
        assert_eq!(list.revoked, 1);
        assert!(list.made_at < NOW && list.next_at.is_some_and(|next| next > NOW));
        let [own, other] = [own, other].map(|authority| parsed(authority.certificate()));
        assert_eq!(
            (server.is_signed_by(&own), list.is_signed_by(&own)),
            (Signed::Yes, Signed::Yes)
        );
        assert_eq!(own.is_signed_by(&own), Signed::Yes);
        assert_eq!(
            (server.is_signed_by(&other), list.is_signed_by(&other)),
            (Signed::No, Signed::No)
        );
        assert_eq!(own.is_signed_by(&server), Signed::No);
        assert!(own.is_same_as(&own) && !own.is_same_as(&other));
        assert_eq!(list.issuer, own.subject);
    }

    #[test]
    fn signatures_of_every_usual_kind_are_checked() {
        use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
        for (algorithm, kind) in
            [(&PKCS_ECDSA_P384_SHA384, KeyKind::Curve(384)), (&PKCS_ED25519, KeyKind::Ed25519)]
        {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let own = CertificateParams::default().self_signed(&key).unwrap();
            let inspected = Inspected::parse(own.der()).unwrap();
            assert_eq!(inspected.key, kind);
            assert_eq!(inspected.is_signed_by(&inspected), Signed::Yes, "{kind:?}");
            // One bit of what is signed is another.
            let mut spoilt = own.der().to_vec();
            let place = spoilt.windows(4).position(|it| it == b"rcge").unwrap();
            spoilt[place] ^= 1;
            let spoilt = Inspected::parse(&spoilt).unwrap();
            assert_eq!(spoilt.is_signed_by(&spoilt), Signed::No, "{kind:?}");
        }
    }

    #[test]
    fn the_length_of_a_modulus_is_counted_without_its_zeros() {
        // SEQUENCE { INTEGER, INTEGER 3 }
        for (modulus, bits) in [
            (&[0x02, 0x01, 0x01][..], Some(1)),
            (&[0x02, 0x02, 0x00, 0xFF], Some(8)),
            (&[0x02, 0x02, 0x01, 0x00], Some(9)),
            (&[0x04, 0x01, 0x01], None),
        ] {
            let content = [modulus, &[0x02, 0x01, 0x03]].concat();
            let key = [&[0x30, u8::try_from(content.len()).unwrap()], &content[..]].concat();
            assert_eq!(modulus_bits(&key), bits);
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        assert_eq!(Inspected::parse(b"junk").err(), Some(Unreadable));
        assert_eq!(InspectedList::parse(b"").err(), Some(Unreadable));
    }

    #[test]
    fn names_are_compared_as_clients_compare_them() {
        let names = ["kmip.example", "*.cluster.example", "192.0.2.7", "::1"];
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let server = parsed(&authority().issue_server(&names, NOW).unwrap().certified.certificate);
        for named in ["kmip.example", "KMIP.Example.", "a.cluster.example", "192.0.2.7", "::1"] {
            assert!(server.names(named), "{named}");
        }
        for other in [
            "example",
            "a.kmip.example",
            "a.b.cluster.example",
            "cluster.example",
            ".cluster.example",
            "192.0.2.8",
            "::2",
            "",
        ] {
            assert!(!server.names(other), "{other}");
        }
    }
}
