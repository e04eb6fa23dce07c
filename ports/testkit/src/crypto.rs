//! Cryptography without any: keys are lines of text that say what they are.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::{
    Material,
    enumeration::{
        CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, ObjectType, RecommendedCurve,
    },
    object::KeyMaterial,
};
use kmip_ports::crypto::{
    CryptoError, CryptoSuite, Digests, KeyDescription, KeyFormats, KeyGeneration, KeyPair,
    KeyPairSpecification,
};

use crate::{
    crypto_use::{PlainCiphers, PlainDerivation, PlainMacs, PlainSignatures},
    random::SeededRandom,
    sha256::sha256,
};

/// Fills every slot with the fakes of this module; random bytes come from `seed`.
#[must_use]
pub fn fixture_suite(seed: u64) -> CryptoSuite {
    CryptoSuite {
        generate: Arc::new(FixtureKeyPairs),
        cipher: Arc::new(PlainCiphers),
        sign: Arc::new(PlainSignatures),
        mac: Arc::new(PlainMacs),
        derive: Arc::new(PlainDerivation),
        digest: Arc::new(PlainDigests),
        format: Arc::new(FixtureFormats),
        random: Arc::new(SeededRandom::new(seed)),
    }
}

/// Returns the one key pair of that specification: bytes that [`FixtureFormats`] reads.
///
/// # Panics
/// If the specification names a curve other than P-256, P-384 and P-521.
#[must_use]
pub fn fixture_key_pair(specification: KeyPairSpecification) -> KeyPair {
    let (algorithm, length, curve) = match specification {
        KeyPairSpecification::Rsa { bits } => (CryptographicAlgorithm::Rsa, bits, None),
        KeyPairSpecification::EllipticCurve { curve } => {
            let bits = curve_bits(curve).expect("the fixtures have that curve");
            (CryptographicAlgorithm::Ec, bits, Some(curve))
        }
        KeyPairSpecification::Ed25519 => (CryptographicAlgorithm::Ed25519, 256, None),
    };
    let key = |kind: ObjectType, format: KeyFormatType| {
        let curve = curve.map(|curve| curve.to_string()).unwrap_or_default();
        format!("{kind} {format} {algorithm} {length} {curve}").into_bytes()
    };
    KeyPair {
        private: Material::new(key(ObjectType::PrivateKey, KeyFormatType::Pkcs8)),
        public: key(ObjectType::PublicKey, KeyFormatType::X509),
    }
}

const fn curve_bits(curve: RecommendedCurve) -> Option<u32> {
    match curve {
        RecommendedCurve::P256 => Some(256),
        RecommendedCurve::P384 => Some(384),
        RecommendedCurve::P521 => Some(521),
        _ => None,
    }
}

/// Gives the same key pair for the same specification.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixtureKeyPairs;

#[async_trait]
impl KeyGeneration for FixtureKeyPairs {
    fn supports(&self, specification: KeyPairSpecification) -> bool {
        match specification {
            KeyPairSpecification::Rsa { bits } => matches!(bits, 2048 | 3072 | 4096),
            KeyPairSpecification::EllipticCurve { curve } => curve_bits(curve).is_some(),
            KeyPairSpecification::Ed25519 => true,
        }
    }

    async fn key_pair(&self, specification: KeyPairSpecification) -> Result<KeyPair, CryptoError> {
        if self.supports(specification) {
            Ok(fixture_key_pair(specification))
        } else {
            Err(CryptoError::Unsupported(format!("{specification:?}")))
        }
    }
}

/// Hashes with SHA-256, and with nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainDigests;

impl Digests for PlainDigests {
    fn supports(&self, algorithm: HashingAlgorithm) -> bool {
        algorithm == HashingAlgorithm::Sha256
    }

    fn digest(&self, algorithm: HashingAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if self.supports(algorithm) {
            Ok(sha256(data).to_vec())
        } else {
            Err(CryptoError::Unsupported(algorithm.to_string()))
        }
    }
}

/// Reads fixture keys and rewrites the form they are in; has no transparent asymmetric keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixtureFormats;

impl KeyFormats for FixtureFormats {
    fn describe(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError> {
        let text = text_of(material)?;
        let mut words = text.split(' ');
        let description = (|| {
            let kind = ObjectType::parse(words.next()?)?;
            let description = KeyDescription {
                format: KeyFormatType::parse(words.next()?)?,
                algorithm: CryptographicAlgorithm::parse(words.next()?)?,
                length: words.next()?.parse().ok()?,
                curve: words.next().and_then(RecommendedCurve::parse),
            };
            (kind == object_type).then_some(description)
        })();
        description.ok_or(CryptoError::BadKey("not a fixture of that type"))
    }

    fn convert(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
        to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError> {
        if matches!(object_type, ObjectType::PublicKey | ObjectType::PrivateKey) {
            return self.rewrite(object_type, material, to);
        }
        let key = match material {
            KeyMaterial::Bytes(key) | KeyMaterial::TransparentSymmetricKey { key } => key.clone(),
            _ => return Err(CryptoError::BadKey("not a symmetric key")),
        };
        match to {
            KeyFormatType::Raw => Ok(KeyMaterial::Bytes(key)),
            KeyFormatType::TransparentSymmetricKey => {
                Ok(KeyMaterial::TransparentSymmetricKey { key })
            }
            _ => Err(CryptoError::NoSuchForm),
        }
    }
}

impl FixtureFormats {
    fn rewrite(
        self,
        object_type: ObjectType,
        material: &KeyMaterial,
        to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError> {
        let have = self.describe(object_type, material)?;
        let (private, public) = match have.algorithm {
            CryptographicAlgorithm::Rsa => (KeyFormatType::Pkcs1, KeyFormatType::Pkcs1),
            CryptographicAlgorithm::Ec => (KeyFormatType::EcPrivateKey, KeyFormatType::X509),
            _ => (KeyFormatType::Pkcs8, KeyFormatType::X509),
        };
        let forms = if object_type == ObjectType::PrivateKey {
            [KeyFormatType::Pkcs8, private]
        } else {
            [KeyFormatType::X509, public]
        };
        if !forms.contains(&to) {
            return Err(CryptoError::NoSuchForm);
        }
        let text = text_of(material)?.replacen(&have.format.to_string(), &to.to_string(), 1);
        Ok(KeyMaterial::Bytes(Material::new(text.into_bytes())))
    }
}

fn text_of(material: &KeyMaterial) -> Result<&str, CryptoError> {
    material
        .as_bytes()
        .and_then(|bytes| std::str::from_utf8(bytes.expose()).ok())
        .ok_or(CryptoError::BadKey("not a fixture"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private(specification: KeyPairSpecification) -> KeyMaterial {
        KeyMaterial::Bytes(fixture_key_pair(specification).private)
    }

    #[test]
    fn a_generated_key_says_what_it_is() {
        let specification = KeyPairSpecification::EllipticCurve { curve: RecommendedCurve::P384 };
        let pair = pollster::block_on(FixtureKeyPairs.key_pair(specification)).unwrap();
        let material = KeyMaterial::Bytes(Material::new(pair.public));
        assert_eq!(
            FixtureFormats.describe(ObjectType::PublicKey, &material),
            Ok(KeyDescription {
                format: KeyFormatType::X509,
                algorithm: CryptographicAlgorithm::Ec,
                length: 384,
                curve: Some(RecommendedCurve::P384),
            })
        );
        assert!(FixtureFormats.describe(ObjectType::PrivateKey, &material).is_err());
    }

    #[test]
    fn a_private_key_takes_the_forms_of_its_algorithm() {
        let convert = |specification, to| {
            FixtureFormats.convert(ObjectType::PrivateKey, &private(specification), to)
        };
        let rsa = KeyPairSpecification::Rsa { bits: 2048 };
        let pkcs1 = convert(rsa, KeyFormatType::Pkcs1).unwrap();
        let described = FixtureFormats.describe(ObjectType::PrivateKey, &pkcs1).unwrap();
        assert_eq!(described.format, KeyFormatType::Pkcs1);
        assert_eq!(convert(rsa, KeyFormatType::Pkcs8), Ok(private(rsa)));
        assert_eq!(convert(rsa, KeyFormatType::EcPrivateKey), Err(CryptoError::NoSuchForm));
        assert_eq!(
            convert(KeyPairSpecification::Ed25519, KeyFormatType::Pkcs1),
            Err(CryptoError::NoSuchForm)
        );
    }

    #[test]
    fn a_symmetric_key_is_raw_or_transparent() {
        let raw = KeyMaterial::Bytes(Material::new(vec![1; 16]));
        let convert = |material, to| FixtureFormats.convert(ObjectType::SymmetricKey, material, to);
        let transparent = convert(&raw, KeyFormatType::TransparentSymmetricKey).unwrap();
        assert_eq!(convert(&transparent, KeyFormatType::Raw), Ok(raw.clone()));
        assert_eq!(convert(&raw, KeyFormatType::Pkcs8), Err(CryptoError::NoSuchForm));
    }
}
