//! ECDSA on the curves of the library (FIPS 186-5 §6, SEC 1 §4.1), and Ed25519 (RFC 8032).
//!
//! The library binds one hash to each curve. ECDSA itself takes any: as a number, of which only the
//! first bits count, as many as the order of the curve has. So a digest is brought to the length
//! that the library expects: cut at its end, or lengthened by zeros in front. The number stays the
//! same.

use aws_lc_rs::{
    digest::{self, Digest},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
        ECDSA_P521_SHA512_ASN1, ED25519, EcdsaKeyPair, EcdsaVerificationAlgorithm, Ed25519KeyPair,
        UnparsedPublicKey,
    },
};
use kmip_model::{
    enumeration::{CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, RecommendedCurve},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::{CryptoError, KeyDescription};

use crate::{format::DerKeyFormats, key};

const BAD_KEY: CryptoError = CryptoError::BadKey("its point is not on the curve");

/// What the library has for a curve.
struct Carrier {
    verification: &'static EcdsaVerificationAlgorithm,
    digest: &'static digest::Algorithm,
}

fn carrier(curve: RecommendedCurve) -> Result<Carrier, CryptoError> {
    let (verification, digest) = match curve {
        RecommendedCurve::P256 => (&ECDSA_P256_SHA256_ASN1, &digest::SHA256),
        RecommendedCurve::P384 => (&ECDSA_P384_SHA384_ASN1, &digest::SHA384),
        RecommendedCurve::P521 => (&ECDSA_P521_SHA512_ASN1, &digest::SHA512),
        RecommendedCurve::Secp256K1 => (&ECDSA_P256K1_SHA256_ASN1, &digest::SHA256),
        other => return Err(unsupported(other)),
    };
    Ok(Carrier { verification, digest })
}

fn unsupported(curve: RecommendedCurve) -> CryptoError {
    CryptoError::Unsupported(format!("signatures on the curve {curve}"))
}

impl Carrier {
    /// Brings a digest to the length that the library expects.
    fn carry(&self, given: &[u8]) -> Result<Digest, CryptoError> {
        let length = self.digest.output_len();
        let kept = given.get(..length).unwrap_or(given);
        let mut bytes = vec![0; length.saturating_sub(kept.len())];
        bytes.extend_from_slice(kept);
        Digest::import_less_safe(&bytes, self.digest).map_err(|_| CryptoError::Failed)
    }
}

/// Chooses a form for keys on a curve that the library has.
fn form(description: &KeyDescription, form: KeyFormatType) -> Result<KeyFormatType, CryptoError> {
    curve(description).and_then(carrier).map(|_| form)
}

fn curve(description: &KeyDescription) -> Result<RecommendedCurve, CryptoError> {
    match (description.algorithm, description.curve) {
        (
            CryptographicAlgorithm::Ec
            | CryptographicAlgorithm::Ecdsa
            | CryptographicAlgorithm::Ecdh
            | CryptographicAlgorithm::Ecmqv,
            Some(curve),
        ) => Ok(curve),
        _ => Err(CryptoError::BadKey("it is not an elliptic curve key")),
    }
}

/// A key that signs.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    carrier: Carrier,
}

/// Reads a private key for signing over `hash`, or over digests of whatever hash.
pub(super) fn signing_key(
    key: &KeyInUse,
    hash: Option<HashingAlgorithm>,
) -> Result<SigningKey, CryptoError> {
    if hash == Some(HashingAlgorithm::Sha1) {
        return Err(CryptoError::Unsupported("making signatures over SHA-1".to_owned()));
    }
    key::must_be_private(key)?;
    let (curve, pair) = DerKeyFormats::ecdsa_pair(&key.material)?;
    let pair = pair.ok_or_else(|| unsupported(curve))?;
    Ok(SigningKey { pair, carrier: carrier(curve)? })
}

/// Signs a digest.
pub(super) fn sign(key: &SigningKey, digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
    key.pair
        .sign_digest(&key.carrier.carry(digest)?)
        .map(|signature| signature.as_ref().to_vec())
        .map_err(|_| CryptoError::Failed)
}

/// Verifies a signature over a digest.
pub(super) fn verify(key: &KeyInUse, digest: &[u8], signature: &[u8]) -> Result<bool, CryptoError> {
    let (description, public) =
        key::public(key, |description| form(description, KeyFormatType::TransparentEcPublicKey))?;
    let KeyMaterial::TransparentEcPublicKey { q_string: point, .. } = public else {
        return Err(CryptoError::NoSuchForm);
    };
    let carrier = carrier(curve(&description)?)?;
    let key = UnparsedPublicKey::new(carrier.verification, point).parse().map_err(|_| BAD_KEY)?;
    Ok(key.verify_digest_sig(&carrier.carry(digest)?, signature).is_ok())
}

fn ed25519_form(
    description: &KeyDescription,
    form: KeyFormatType,
) -> Result<KeyFormatType, CryptoError> {
    match description.algorithm {
        CryptographicAlgorithm::Ed25519 => Ok(form),
        _ => Err(CryptoError::BadKey("it is not an Ed25519 key")),
    }
}

/// Signs a message with Ed25519.
pub(super) fn sign_ed25519(key: &KeyInUse, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (_, pkcs8) =
        key::private(key, |description| ed25519_form(description, KeyFormatType::Pkcs8))?;
    let pair = Ed25519KeyPair::from_pkcs8(key::encoded(pkcs8)?.expose())
        .map_err(|_| CryptoError::BadKey("it is no Ed25519 key that can sign"))?;
    Ok(pair.sign(message).as_ref().to_vec())
}

/// Verifies a signature by Ed25519.
pub(super) fn verify_ed25519(
    key: &KeyInUse,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let (_, raw) = key::public(key, |description| ed25519_form(description, KeyFormatType::Raw))?;
    let raw = key::encoded(raw)?;
    Ok(UnparsedPublicKey::new(&ED25519, raw.expose()).verify(message, signature).is_ok())
}
