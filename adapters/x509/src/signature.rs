//! Signatures of requests, lists and certificates, checked with the key that made them.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::der::asn1::{BitString, ObjectIdentifier};
use x509_cert::der::{self, Decode as _, Header, Reader as _, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// EC keys (RFC 5480 §2.1.1).
pub(crate) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RSA keys (RFC 8017 §A.1).
pub(crate) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Ed25519 keys and signatures (RFC 8410 §3).
pub(crate) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// The curve P-256.
pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// The curve P-384.
pub(crate) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// The curve P-521.
pub(crate) const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The signatures that are checked: algorithm of the signature, of the key, curve, how. Those by
/// SHA-1 and MD5 prove nothing any more and are deliberately absent.
static ROWS: [(&str, ObjectIdentifier, Option<ObjectIdentifier>, &dyn VerificationAlgorithm); 12] = [
    ("1.2.840.113549.1.1.11", RSA, None, &signature::RSA_PKCS1_2048_8192_SHA256),
    ("1.2.840.113549.1.1.12", RSA, None, &signature::RSA_PKCS1_2048_8192_SHA384),
    ("1.2.840.113549.1.1.13", RSA, None, &signature::RSA_PKCS1_2048_8192_SHA512),
    ("1.2.840.10045.4.3.2", EC, Some(P256), &signature::ECDSA_P256_SHA256_ASN1),
    ("1.2.840.10045.4.3.3", EC, Some(P256), &signature::ECDSA_P256_SHA384_ASN1),
    ("1.2.840.10045.4.3.4", EC, Some(P256), &signature::ECDSA_P256_SHA512_ASN1),
    ("1.2.840.10045.4.3.2", EC, Some(P384), &signature::ECDSA_P384_SHA256_ASN1),
    ("1.2.840.10045.4.3.3", EC, Some(P384), &signature::ECDSA_P384_SHA384_ASN1),
    ("1.2.840.10045.4.3.4", EC, Some(P384), &signature::ECDSA_P384_SHA512_ASN1),
    ("1.2.840.10045.4.3.2", EC, Some(P521), &signature::ECDSA_P521_SHA256_ASN1),
    ("1.2.840.10045.4.3.4", EC, Some(P521), &signature::ECDSA_P521_SHA512_ASN1),
    ("1.3.101.112", ED25519, None, &signature::ED25519),
];

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The key made the signature.
    Good,
    /// It did not.
    Bad,
    /// The signature is of a kind that is not checked.
    Unsupported,
}

/// Checks the signature of a structure that is signed as X.509 does it: what is signed, the
/// algorithm, the signature.
pub(crate) fn verify(
    structure: &[u8],
    algorithm: &AlgorithmIdentifierOwned,
    signature: &BitString,
    key: &SubjectPublicKeyInfoOwned,
) -> Verdict {
    let (Ok(signed), Some(signature), Some(public_key)) =
        (signed_part(structure), signature.as_bytes(), key.subject_public_key.as_bytes())
    else {
        return Verdict::Bad;
    };
    let curve = curve(key);
    let oid = algorithm.oid.to_string();
    let row = ROWS.iter().find(|(name, kind, on, _)| {
        *name == oid && *kind == key.algorithm.oid && (on.is_none() || *on == curve)
    });
    let Some((.., means)) = row else { return Verdict::Unsupported };
    match UnparsedPublicKey::new(*means, public_key).verify(signed, signature) {
        Ok(()) => Verdict::Good,
        Err(_) => Verdict::Bad,
    }
}

/// Returns the curve of an EC key that names one.
pub(crate) fn curve(key: &SubjectPublicKeyInfoOwned) -> Option<ObjectIdentifier> {
    key.algorithm.parameters.as_ref()?.decode_as().ok()
}

/// Returns the octets that are signed, as they came: encoded again they might be others.
fn signed_part(structure: &[u8]) -> Result<&[u8], der::Error> {
    let mut reader = SliceReader::new(structure)?;
    Header::decode(&mut reader)?;
    reader.tlv_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_one_of_its_own() {
        let rows: BTreeSet<_> = ROWS.iter().map(|(name, kind, on, _)| (name, kind, on)).collect();
        assert_eq!(rows.len(), ROWS.len());
        for (name, ..) in ROWS {
            assert!(ObjectIdentifier::new(name).is_ok(), "{name}");
        }
    }
}
