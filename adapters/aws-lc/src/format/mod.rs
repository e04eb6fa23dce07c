//! The forms of a key (KMIP 2.1 §3.1 Key Format Type, §3.2 transparent keys).
//!
//! A key is read for what its bytes are, whatever they were called: PKCS#8, PKCS#1, SEC 1 and
//! `SubjectPublicKeyInfo` in DER or as PEM text, the 32 bytes of an Ed25519 key, and the
//! transparent forms. Asked for the form it has, it comes back byte for byte (PEM text as its DER); asked for
//! another, it is written anew.
//!
//! Deliberately absent: encrypted PKCS#8, curves without a name, RSA keys of more than two primes
//! or restricted to PSS, and DSA and DH keys in any but their transparent forms.

use aws_lc_rs::signature::EcdsaKeyPair;
use der::{Decode, Reader, SliceReader, Tag};
use kmip_model::{
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType, RecommendedCurve},
    object::KeyMaterial,
};
use kmip_ports::crypto::{CryptoError, KeyDescription, KeyFormats};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::PrivateKeyInfoRef;
use sec1::EcPrivateKey;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

mod curve;
mod elliptic_curve;
mod number;
mod pem;
mod rfc8410;
mod rsa;
mod rsa_numbers;

use number::{Secret, bits, magnitude, material, secret};
use rfc8410::Purpose;

/// Keys in DER, as text, and transparent.
#[derive(Clone, Copy, Debug, Default)]
pub struct DerKeyFormats;

impl KeyFormats for DerKeyFormats {
    fn describe(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError> {
        Read::new(object_type, material)?.describe()
    }

    fn convert(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
        to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError> {
        match object_type {
            ObjectType::SymmetricKey | ObjectType::SecretData => convert_secret(material, to),
            ObjectType::SplitKey | ObjectType::PgpKey => convert_bytes(material, to),
            _ => Read::new(object_type, material)?.write(to),
        }
    }
}

impl DerKeyFormats {
    /// Reads an asymmetric key once: says what it is and returns it in the form that `form` chooses
    /// for it.
    pub(crate) fn read(
        object_type: ObjectType,
        material: &KeyMaterial,
        form: impl FnOnce(&KeyDescription) -> Result<KeyFormatType, CryptoError>,
    ) -> Result<(KeyDescription, KeyMaterial), CryptoError> {
        let read = Read::new(object_type, material)?;
        let description = read.describe()?;
        let form = form(&description)?;
        Ok((description, read.write(form)?))
    }

    /// Reads a private key for signing by ECDSA. Reading it checks it, and that costs as much as a
    /// signature: so it is not written in another form to be read once more. `None` on curves that the
    /// library has not got.
    pub(crate) fn ecdsa_pair(
        material: &KeyMaterial,
    ) -> Result<(RecommendedCurve, Option<EcdsaKeyPair>), CryptoError> {
        let read = Read::new(ObjectType::PrivateKey, material)?;
        let Key::EllipticCurvePrivate(key) = read.key else {
            return Err(CryptoError::BadKey("it is not an elliptic curve key"));
        };
        Ok((key.curve(), key.into_pair()))
    }
}

/// Converts a symmetric key or secret: the bytes, or the bytes in a structure.
fn convert_secret(from: &KeyMaterial, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
    let (KeyMaterial::Bytes(key) | KeyMaterial::TransparentSymmetricKey { key }) = from else {
        return Err(CryptoError::BadKey("it is not a symmetric key"));
    };
    match to {
        KeyFormatType::Raw | KeyFormatType::Opaque => Ok(KeyMaterial::Bytes(key.clone())),
        KeyFormatType::TransparentSymmetricKey => {
            Ok(KeyMaterial::TransparentSymmetricKey { key: key.clone() })
        }
        _ => Err(CryptoError::NoSuchForm),
    }
}

/// Converts what is bytes and nothing else.
fn convert_bytes(from: &KeyMaterial, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
    match (from, to) {
        (KeyMaterial::Bytes(_), KeyFormatType::Raw | KeyFormatType::Opaque) => Ok(from.clone()),
        (KeyMaterial::Bytes(_), _) => Err(CryptoError::NoSuchForm),
        _ => Err(CryptoError::BadKey("it is not a byte string")),
    }
}

/// A key that was read.
struct Read {
    /// The form it has.
    format: KeyFormatType,
    /// The key in that form, without text around it.
    material: KeyMaterial,
    key: Key,
}

/// What was read.
enum Key {
    RsaPrivate(rsa::PrivateKey),
    RsaPublic(rsa::PublicKey),
    EllipticCurvePrivate(elliptic_curve::PrivateKey),
    EllipticCurvePublic(elliptic_curve::PublicKey),
    Curve25519Private(rfc8410::PrivateKey),
    Curve25519Public(rfc8410::PublicKey),
    /// A key that has one form only, and describes itself.
    Fixed(CryptographicAlgorithm, i32),
}

impl Read {
    fn new(object_type: ObjectType, from: &KeyMaterial) -> Result<Self, CryptoError> {
        let is_private = match object_type {
            ObjectType::PrivateKey => true,
            ObjectType::PublicKey => false,
            _ => {
                return Err(CryptoError::BadKey("it is neither a public nor a private key"));
            }
        };
        if let KeyMaterial::Bytes(bytes) = from {
            let text = pem::decode(bytes.expose())?;
            let bytes = text.unwrap_or_else(|| secret(bytes.expose()));
            let (format, key) =
                if is_private { read_private(&bytes) } else { read_public(&bytes) }?;
            let material = KeyMaterial::Bytes(material(bytes));
            return Ok(Self { format, material, key });
        }
        let (format, key) = if is_private {
            read_transparent_private(from)
        } else {
            read_transparent_public(from)
        }?;
        Ok(Self { format, material: from.clone(), key })
    }

    fn describe(&self) -> Result<KeyDescription, CryptoError> {
        let format = self.format;
        match &self.key {
            Key::RsaPrivate(key) => key.describe(format),
            Key::RsaPublic(key) => key.describe(format),
            Key::EllipticCurvePrivate(key) => Ok(key.describe(format)),
            Key::EllipticCurvePublic(key) => Ok(key.describe(format)),
            Key::Curve25519Private(key) => Ok(key.describe(format)),
            Key::Curve25519Public(key) => Ok(key.describe(format)),
            Key::Fixed(algorithm, length) => {
                Ok(KeyDescription { format, algorithm: *algorithm, length: *length, curve: None })
            }
        }
    }

    fn write(self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        if self.format == to {
            return Ok(self.material);
        }
        match &self.key {
            Key::RsaPrivate(key) => key.write(to),
            Key::RsaPublic(key) => key.write(to),
            Key::EllipticCurvePrivate(key) => key.write(to),
            Key::EllipticCurvePublic(key) => key.write(to),
            Key::Curve25519Private(key) => key.write(to),
            Key::Curve25519Public(key) => key.write(to),
            Key::Fixed(..) => Err(CryptoError::NoSuchForm),
        }
    }
}

/// Reads the bytes of a private key.
fn read_private(bytes: &Secret) -> Result<(KeyFormatType, Key), CryptoError> {
    if let Ok(key) = PrivateKeyInfoRef::try_from(bytes.as_slice()) {
        return Ok((KeyFormatType::Pkcs8, read_pkcs8(&key)?));
    }
    if let Ok(key) = RsaPrivateKeyRef::from_der(bytes) {
        return Ok((KeyFormatType::Pkcs1, Key::RsaPrivate(rsa::PrivateKey::from_pkcs1(&key)?)));
    }
    if let Ok(key) = EcPrivateKey::from_der(bytes) {
        let key = elliptic_curve::PrivateKey::from_sec1(&key)?;
        return Ok((KeyFormatType::EcPrivateKey, Key::EllipticCurvePrivate(key)));
    }
    match elements(bytes).as_deref() {
        Some([Tag::Sequence, Tag::OctetString]) => Err(CryptoError::BadKey("it is encrypted")),
        Some([Tag::Sequence, Tag::BitString]) => Err(CryptoError::BadKey("it is a public key")),
        _ => rfc8410::PrivateKey::from_raw(Purpose::Signature, bytes)
            .map(|key| (KeyFormatType::Raw, Key::Curve25519Private(key)))
            .ok_or(CryptoError::BadKey("it is no private key in any known form")),
    }
}

fn read_pkcs8(key: &PrivateKeyInfoRef<'_>) -> Result<Key, CryptoError> {
    let inside = key.private_key.as_bytes();
    if key.algorithm.oid == rsa::RSA {
        return rsa::PrivateKey::from_pkcs8(inside).map(Key::RsaPrivate);
    }
    if let Some(purpose) = Purpose::by_identifier(key.algorithm.oid) {
        return rfc8410::PrivateKey::from_pkcs8(purpose, inside).map(Key::Curve25519Private);
    }
    if let Some(domain) = elliptic_curve::Domain::by_identifier(&key.algorithm)? {
        return elliptic_curve::PrivateKey::from_pkcs8(domain, inside)
            .map(Key::EllipticCurvePrivate);
    }
    Err(unknown_algorithm(&key.algorithm))
}

/// Reads the bytes of a public key.
fn read_public(bytes: &[u8]) -> Result<(KeyFormatType, Key), CryptoError> {
    if let Ok(key) = SubjectPublicKeyInfoRef::try_from(bytes) {
        return Ok((KeyFormatType::X509, read_spki(&key)?));
    }
    if let Ok(key) = RsaPublicKeyRef::from_der(bytes) {
        return Ok((KeyFormatType::Pkcs1, Key::RsaPublic(rsa::PublicKey::from_pkcs1(&key)?)));
    }
    match elements(bytes).as_deref() {
        Some([Tag::Sequence, Tag::Sequence, Tag::BitString]) => {
            Err(CryptoError::BadKey("it is a certificate"))
        }
        Some([Tag::Integer, ..]) => Err(CryptoError::BadKey("it is a private key")),
        _ => rfc8410::PublicKey::from_raw(Purpose::Signature, bytes)
            .map(|key| (KeyFormatType::Raw, Key::Curve25519Public(key)))
            .ok_or(CryptoError::BadKey("it is no public key in any known form")),
    }
}

fn read_spki(key: &SubjectPublicKeyInfoRef<'_>) -> Result<Key, CryptoError> {
    let inside = key
        .subject_public_key
        .as_bytes()
        .ok_or(CryptoError::BadKey("its bits are not a multiple of eight"))?;
    if key.algorithm.oid == rsa::RSA {
        return rsa::PublicKey::from_spki(inside).map(Key::RsaPublic);
    }
    if let Some(purpose) = Purpose::by_identifier(key.algorithm.oid) {
        return rfc8410::PublicKey::from_raw(purpose, inside)
            .map(Key::Curve25519Public)
            .ok_or(CryptoError::BadKey("it is not of 32 bytes"));
    }
    if let Some(domain) = elliptic_curve::Domain::by_identifier(&key.algorithm)? {
        return elliptic_curve::PublicKey::from_spki(domain, inside).map(Key::EllipticCurvePublic);
    }
    Err(unknown_algorithm(&key.algorithm))
}

fn unknown_algorithm(identifier: &AlgorithmIdentifierRef<'_>) -> CryptoError {
    CryptoError::Unsupported(format!("keys of the algorithm {}", identifier.oid))
}

fn read_transparent_private(from: &KeyMaterial) -> Result<(KeyFormatType, Key), CryptoError> {
    match from {
        KeyMaterial::TransparentRsaPrivateKey { .. } => {
            let key = rsa::PrivateKey::from_transparent(from)?;
            Ok((KeyFormatType::TransparentRsaPrivateKey, Key::RsaPrivate(key)))
        }
        KeyMaterial::TransparentEcPrivateKey { recommended_curve, d } => {
            let key = elliptic_curve::PrivateKey::from_transparent(*recommended_curve, d)?;
            Ok((KeyFormatType::TransparentEcPrivateKey, Key::EllipticCurvePrivate(key)))
        }
        KeyMaterial::TransparentDsaPrivateKey { p, q, g, x } => {
            let key = fixed(CryptographicAlgorithm::Dsa, p, &[q, g, x.expose()])?;
            Ok((KeyFormatType::TransparentDsaPrivateKey, key))
        }
        KeyMaterial::TransparentDhPrivateKey { p, g, x, .. } => {
            let key = fixed(CryptographicAlgorithm::Dh, p, &[g, x.expose()])?;
            Ok((KeyFormatType::TransparentDhPrivateKey, key))
        }
        _ => Err(CryptoError::BadKey("it is not the structure of a private key")),
    }
}

fn read_transparent_public(from: &KeyMaterial) -> Result<(KeyFormatType, Key), CryptoError> {
    match from {
        KeyMaterial::TransparentRsaPublicKey { modulus, public_exponent } => {
            let key = rsa::PublicKey::from_transparent(modulus, public_exponent)?;
            Ok((KeyFormatType::TransparentRsaPublicKey, Key::RsaPublic(key)))
        }
        KeyMaterial::TransparentEcPublicKey { recommended_curve, q_string } => {
            let key = elliptic_curve::PublicKey::from_transparent(*recommended_curve, q_string)?;
            Ok((KeyFormatType::TransparentEcPublicKey, Key::EllipticCurvePublic(key)))
        }
        KeyMaterial::TransparentDsaPublicKey { p, q, g, y } => {
            let key = fixed(CryptographicAlgorithm::Dsa, p, &[q, g, y])?;
            Ok((KeyFormatType::TransparentDsaPublicKey, key))
        }
        KeyMaterial::TransparentDhPublicKey { p, g, y, .. } => {
            let key = fixed(CryptographicAlgorithm::Dh, p, &[g, y])?;
            Ok((KeyFormatType::TransparentDhPublicKey, key))
        }
        _ => Err(CryptoError::BadKey("it is not the structure of a public key")),
    }
}

/// Describes a key by its prime, and checks that its numbers are positive.
fn fixed(
    algorithm: CryptographicAlgorithm,
    prime: &[u8],
    others: &[&[u8]],
) -> Result<Key, CryptoError> {
    for number in [&[prime], others].concat() {
        if magnitude(number)?.is_empty() {
            return Err(CryptoError::BadKey("one of its numbers is zero"));
        }
    }
    Ok(Key::Fixed(algorithm, bits(magnitude(prime)?)?))
}

/// Lists what a DER sequence holds, to say what the bytes are when they are no key.
fn elements(bytes: &[u8]) -> Option<Vec<Tag>> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let found: der::Result<Vec<Tag>> = reader.sequence(|inner| {
        let mut tags = Vec::new();
        while !inner.is_finished() {
            tags.push(Tag::peek(inner)?);
            inner.tlv_bytes()?;
        }
        Ok(tags)
    });
    found.ok()
}

#[cfg(test)]
mod tests;
