//! Making key pairs (KMIP 2.1 §6.1.12 Create Key Pair).

use async_trait::async_trait;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    error::Unspecified,
    rsa::{self, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING,
        ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};
use kmip_model::{Material, enumeration::RecommendedCurve};
use kmip_ports::crypto::{CryptoError, KeyGeneration, KeyPair, KeyPairSpecification};

use crate::offload::{Cost, Offload};

/// RSA of the usual sizes, the curves of AWS-LC, and Ed25519.
#[derive(Clone, Debug)]
pub struct AwsLcKeyGeneration {
    offload: Offload,
}

impl AwsLcKeyGeneration {
    /// Makes as many slow key pairs at a time as the cores can do.
    #[must_use]
    pub fn new() -> Self {
        Self::sharing(Offload::new())
    }

    pub(crate) const fn sharing(offload: Offload) -> Self {
        Self { offload }
    }
}

impl Default for AwsLcKeyGeneration {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl KeyGeneration for AwsLcKeyGeneration {
    fn supports(&self, specification: KeyPairSpecification) -> bool {
        Recipe::find(specification).is_ok()
    }

    async fn key_pair(&self, specification: KeyPairSpecification) -> Result<KeyPair, CryptoError> {
        let recipe = Recipe::find(specification)?;
        self.offload.run(recipe.cost(), move || recipe.make()).await
    }
}

/// How the library makes a key pair.
#[derive(Clone, Copy)]
enum Recipe {
    Rsa(KeySize),
    EllipticCurve(&'static EcdsaSigningAlgorithm),
    Ed25519,
}

impl Recipe {
    fn find(specification: KeyPairSpecification) -> Result<Self, CryptoError> {
        match specification {
            KeyPairSpecification::Rsa { bits } => match bits {
                2048 => Ok(Self::Rsa(KeySize::Rsa2048)),
                3072 => Ok(Self::Rsa(KeySize::Rsa3072)),
                4096 => Ok(Self::Rsa(KeySize::Rsa4096)),
                8192 => Ok(Self::Rsa(KeySize::Rsa8192)),
                _ => Err(CryptoError::Unsupported(format!("RSA keys of {bits} bits"))),
            },
            KeyPairSpecification::EllipticCurve { curve } => signing_algorithm(curve)
                .map(Self::EllipticCurve)
                .ok_or_else(|| CryptoError::Unsupported(format!("key pairs on the curve {curve}"))),
            KeyPairSpecification::Ed25519 => Ok(Self::Ed25519),
        }
    }

    /// Searching for primes takes from a tenth of a second to half a minute; a point on a curve
    /// takes microseconds.
    const fn cost(self) -> Cost {
        match self {
            Self::Rsa(_) => Cost::Long,
            Self::EllipticCurve(_) | Self::Ed25519 => Cost::Inline,
        }
    }

    fn make(self) -> Result<KeyPair, CryptoError> {
        self.run().map_err(|_| CryptoError::Failed)
    }

    fn run(self) -> Result<KeyPair, Unspecified> {
        match self {
            Self::Rsa(size) => {
                let pair = rsa::KeyPair::generate(size)?;
                let private: Pkcs8V1Der<'_> = pair.as_der()?;
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
                Ok(key_pair(private.as_ref(), public.as_ref()))
            }
            Self::EllipticCurve(algorithm) => {
                let pair = EcdsaKeyPair::generate(algorithm)?;
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
                Ok(key_pair(pair.to_pkcs8v1()?.as_ref(), public.as_ref()))
            }
            Self::Ed25519 => {
                let pair = Ed25519KeyPair::generate()?;
                let private: Pkcs8V1Der<'_> = pair.as_der()?;
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
                Ok(key_pair(private.as_ref(), public.as_ref()))
            }
        }
    }
}

fn key_pair(private: &[u8], public: &[u8]) -> KeyPair {
    KeyPair { private: Material::from(private), public: public.to_vec() }
}

/// Finds the library's algorithm for a curve; key pairs do not depend on the hash it names.
pub(crate) fn signing_algorithm(curve: RecommendedCurve) -> Option<&'static EcdsaSigningAlgorithm> {
    Some(match curve {
        RecommendedCurve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        RecommendedCurve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        RecommendedCurve::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        RecommendedCurve::Secp256K1 => &ECDSA_P256K1_SHA256_ASN1_SIGNING,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rsa::PublicKeyComponents,
        signature::{
            ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519,
            EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
            UnparsedPublicKey,
        },
    };

    use super::*;

    fn curve(curve: RecommendedCurve) -> KeyPairSpecification {
        KeyPairSpecification::EllipticCurve { curve }
    }

    async fn make(specification: KeyPairSpecification) -> KeyPair {
        AwsLcKeyGeneration::new().key_pair(specification).await.unwrap()
    }

    #[tokio::test]
    async fn rsa_halves_belong_together_and_use_65537() {
        let made = make(KeyPairSpecification::Rsa { bits: 2048 }).await;
        let pair = rsa::KeyPair::from_pkcs8(made.private.expose()).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &made.public)
            .verify(b"message", &signature)
            .unwrap();
        let numbers = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        assert_eq!(numbers.e, [1, 0, 1]);
        assert_eq!(numbers.n.len(), 256);
    }

    #[tokio::test]
    async fn curve_halves_belong_together() {
        let cases: [(_, &EcdsaVerificationAlgorithm); 3] = [
            (RecommendedCurve::P256, &ECDSA_P256_SHA256_ASN1),
            (RecommendedCurve::P384, &ECDSA_P384_SHA384_ASN1),
            (RecommendedCurve::P521, &ECDSA_P521_SHA512_ASN1),
        ];
        for (name, verification) in cases {
            let made = make(curve(name)).await;
            let algorithm = signing_algorithm(name).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, made.private.expose()).unwrap();
            let random = aws_lc_rs::rand::SystemRandom::new();
            let signature = pair.sign(&random, b"message").unwrap();
            let verified = UnparsedPublicKey::new(verification, &made.public)
                .verify(b"message", signature.as_ref());
            assert!(verified.is_ok(), "{name}");
        }
    }

    #[tokio::test]
    async fn ed25519_halves_belong_together() {
        let made = make(KeyPairSpecification::Ed25519).await;
        let pair = Ed25519KeyPair::from_pkcs8(made.private.expose()).unwrap();
        UnparsedPublicKey::new(&ED25519, &made.public)
            .verify(b"message", pair.sign(b"message").as_ref())
            .unwrap();
    }

    #[tokio::test]
    async fn private_keys_are_version_1_of_pkcs_8() {
        for specification in [
            KeyPairSpecification::Rsa { bits: 2048 },
            curve(RecommendedCurve::P256),
            curve(RecommendedCurve::Secp256K1),
            KeyPairSpecification::Ed25519,
        ] {
            let made = make(specification).await;
            let read = pkcs8::PrivateKeyInfoRef::try_from(made.private.expose()).unwrap();
            assert_eq!(read.version(), pkcs8::Version::V1, "{specification:?}");
        }
    }

    #[tokio::test]
    async fn two_key_pairs_differ() {
        assert_ne!(
            make(KeyPairSpecification::Ed25519).await,
            make(KeyPairSpecification::Ed25519).await
        );
    }

    #[test]
    fn the_offer_is_this() {
        let generation = AwsLcKeyGeneration::new();
        for bits in [2048, 3072, 4096, 8192] {
            assert!(generation.supports(KeyPairSpecification::Rsa { bits }), "{bits}");
        }
        for bits in [0, 512, 1024, 2047, 2056, 5120, 16384] {
            assert!(!generation.supports(KeyPairSpecification::Rsa { bits }), "{bits}");
        }
        for name in [
            RecommendedCurve::P256,
            RecommendedCurve::P384,
            RecommendedCurve::P521,
            RecommendedCurve::Secp256K1,
        ] {
            assert!(generation.supports(curve(name)), "{name}");
        }
        for name in [RecommendedCurve::P192, RecommendedCurve::P224, RecommendedCurve::Curve25519] {
            assert!(!generation.supports(curve(name)), "{name}");
        }
        assert!(generation.supports(KeyPairSpecification::Ed25519));
    }

    #[tokio::test]
    async fn what_is_not_offered_is_refused_by_name() {
        let generation = AwsLcKeyGeneration::new();
        let refused = generation.key_pair(KeyPairSpecification::Rsa { bits: 1024 }).await;
        assert_eq!(refused, Err(CryptoError::Unsupported("RSA keys of 1024 bits".to_owned())));
        let refused = generation.key_pair(curve(RecommendedCurve::P192)).await;
        let reason = "key pairs on the curve P_192".to_owned();
        assert_eq!(refused, Err(CryptoError::Unsupported(reason)));
    }

    #[test]
    fn only_rsa_leaves_the_callers_thread() {
        let cost = |specification| Recipe::find(specification).unwrap().cost();
        assert_eq!(cost(KeyPairSpecification::Rsa { bits: 2048 }), Cost::Long);
        assert_eq!(cost(curve(RecommendedCurve::P521)), Cost::Inline);
        assert_eq!(cost(KeyPairSpecification::Ed25519), Cost::Inline);
    }
}
