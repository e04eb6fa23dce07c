//! Diffie-Hellman on secp256k1 (SEC 1 §3.3.1, SEC 2): the shared secret is the x coordinate.

use k256::{PublicKey, SecretKey, ecdh::diffie_hellman};
use kmip_model::{
    Material,
    enumeration::{KeyFormatType, ObjectType, RecommendedCurve},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::{CryptoError, KeyFormats};
use zeroize::Zeroizing;

/// The bytes of a coordinate, and of a private key.
const COORDINATE: usize = 32;

/// Derives the leftmost bytes of the shared secret.
pub(crate) fn derive(
    formats: &dyn KeyFormats,
    key: &KeyInUse,
    public_key: &KeyMaterial,
    length: usize,
) -> Result<Material, CryptoError> {
    let secret = private_key(formats, key)?;
    let point = other_side(formats, public_key)?;
    let shared = diffie_hellman(secret.to_nonzero_scalar(), point.as_affine());
    let shared = shared.raw_secret_bytes().as_slice();
    shared.get(..length).map(Material::from).ok_or(CryptoError::TooLong)
}

fn private_key(formats: &dyn KeyFormats, key: &KeyInUse) -> Result<SecretKey, CryptoError> {
    if key.object_type != ObjectType::PrivateKey {
        return Err(CryptoError::BadKey("it is not a private key"));
    }
    let curve = formats.describe(ObjectType::PrivateKey, &key.material)?.curve;
    if curve != Some(RecommendedCurve::Secp256K1) {
        return Err(CryptoError::Unsupported(match curve {
            Some(curve) => format!("key agreement on the curve {curve}"),
            None => "key agreement with a key that has no curve".to_owned(),
        }));
    }
    let form = KeyFormatType::TransparentEcPrivateKey;
    let KeyMaterial::TransparentEcPrivateKey { d, .. } =
        formats.convert(ObjectType::PrivateKey, &key.material, form)?
    else {
        return Err(CryptoError::NoSuchForm);
    };
    // A Big Integer has as many bytes as it needs, and one for its sign.
    let digits = d.expose();
    let surplus = digits.len().saturating_sub(COORDINATE);
    let mut padded = Zeroizing::new(vec![0; COORDINATE.saturating_sub(digits.len())]);
    padded.reserve_exact(digits.len());
    padded.extend_from_slice(digits);
    let (sign, number) = padded.split_at_checked(surplus).ok_or(CryptoError::Failed)?;
    if sign.iter().any(|byte| *byte != 0) {
        return Err(CryptoError::BadKey("its number is too long for the curve"));
    }
    SecretKey::from_slice(number)
        .map_err(|_| CryptoError::BadKey("its number is not one of the curve"))
}

fn other_side(formats: &dyn KeyFormats, material: &KeyMaterial) -> Result<PublicKey, CryptoError> {
    let form = KeyFormatType::TransparentEcPublicKey;
    match formats.convert(ObjectType::PublicKey, material, form)? {
        KeyMaterial::TransparentEcPublicKey {
            recommended_curve: RecommendedCurve::Secp256K1,
            q_string,
        } => PublicKey::from_sec1_bytes(&q_string)
            .map_err(|_| CryptoError::BadKey("the public key is not a point of the curve")),
        _ => Err(CryptoError::BadKey("the public key is on another curve")),
    }
}
