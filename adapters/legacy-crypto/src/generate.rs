//! Making key pairs: RSA with 1024 and 1536 bits.

use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::Material;
use kmip_ports::crypto::{CryptoError, KeyGeneration, KeyPair, KeyPairSpecification, Random};
use rsa::{
    PrivateKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey},
};

use crate::{
    offload::{Cost, run},
    rsa::PortRandom,
};

/// RSA of the sizes that AWS-LC no longer makes.
#[derive(Clone)]
pub struct LegacyKeyGeneration {
    random: Arc<dyn Random>,
}

impl LegacyKeyGeneration {
    /// Makes keys from `random`.
    #[must_use]
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }
}

#[async_trait]
impl KeyGeneration for LegacyKeyGeneration {
    fn supports(&self, specification: KeyPairSpecification) -> bool {
        modulus_bits(specification).is_ok()
    }

    async fn key_pair(&self, specification: KeyPairSpecification) -> Result<KeyPair, CryptoError> {
        let bits = modulus_bits(specification)?;
        let random = PortRandom(Arc::clone(&self.random));
        run(Cost::Pooled, move || make(random, bits)).await
    }
}

fn modulus_bits(specification: KeyPairSpecification) -> Result<usize, CryptoError> {
    match specification {
        KeyPairSpecification::Rsa { bits: 1024 } => Ok(1024),
        KeyPairSpecification::Rsa { bits: 1536 } => Ok(1536),
        KeyPairSpecification::Rsa { bits } => {
            Err(CryptoError::Unsupported(format!("RSA keys of {bits} bits")))
        }
        KeyPairSpecification::EllipticCurve { curve } => {
            Err(CryptoError::Unsupported(format!("key pairs on the curve {curve}")))
        }
        KeyPairSpecification::Ed25519 => {
            Err(CryptoError::Unsupported("Ed25519 key pairs".to_owned()))
        }
    }
}

fn make(mut random: PortRandom, bits: usize) -> Result<KeyPair, CryptoError> {
    let key = PrivateKey::new(&mut random, bits).map_err(|_| CryptoError::Failed)?;
    let private = key.to_pkcs8_der().map_err(|_| CryptoError::Failed)?;
    let public = key.to_public_key().to_public_key_der().map_err(|_| CryptoError::Failed)?;
    Ok(KeyPair { private: Material::from(private.as_bytes()), public: public.as_bytes().to_vec() })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::RecommendedCurve;
    use kmip_testkit::SeededRandom;
    use rsa::{
        pkcs8::{DecodePrivateKey, DecodePublicKey},
        traits::PublicKeyParts,
    };

    use super::*;

    #[tokio::test]
    async fn made_keys_are_pairs_of_the_size() {
        let generation = LegacyKeyGeneration::new(Arc::new(SeededRandom::new(1)));
        let specification = KeyPairSpecification::Rsa { bits: 1024 };
        assert!(generation.supports(specification));
        let pair = generation.key_pair(specification).await.unwrap();
        let private = PrivateKey::from_pkcs8_der(pair.private.expose()).unwrap();
        let public = rsa::PublicKey::from_public_key_der(&pair.public).unwrap();
        assert_eq!(public, private.to_public_key());
        assert_eq!(public.n().as_ref().bit_width(), 1024);
        assert_eq!(public.e().to_be_bytes_trimmed_vartime().as_ref(), [1, 0, 1]);
        assert_ne!(generation.key_pair(specification).await.unwrap(), pair);
    }

    #[tokio::test]
    async fn what_aws_lc_makes_is_not_made_here() {
        let generation = LegacyKeyGeneration::new(Arc::new(SeededRandom::new(1)));
        for specification in [
            KeyPairSpecification::Rsa { bits: 512 },
            KeyPairSpecification::Rsa { bits: 2048 },
            KeyPairSpecification::EllipticCurve { curve: RecommendedCurve::P256 },
            KeyPairSpecification::Ed25519,
        ] {
            assert!(!generation.supports(specification));
            let made = generation.key_pair(specification).await;
            assert!(matches!(made, Err(CryptoError::Unsupported(_))), "{specification:?}");
        }
        assert!(generation.supports(KeyPairSpecification::Rsa { bits: 1536 }));
    }
}
