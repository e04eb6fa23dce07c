//! Cryptography: AWS-LC, behind it what only its bindings offer, and behind that, if the operator wants
//! it, the old algorithms of RustCrypto.

use std::sync::Arc;

use kmip_aws_lc_raw::{RawCiphers, RawSignatures, Weak};
use kmip_ports::{crypto::CryptoSuite, record::AtRestCipher};

use crate::{config::Crypto, report::Report};

/// Checks that the providers are ones that this program has.
pub(crate) fn check(crypto: &Crypto) -> Result<(), Report> {
    if crypto.provider != "aws-lc" {
        return Err(Report::new(format!(
            "crypto.provider {:?} is unknown; \"aws-lc\" is the one there is",
            crypto.provider
        )));
    }
    if crypto.legacy && !cfg!(feature = "crypto-legacy") {
        return Err(super::missing("crypto.legacy = true", "crypto-legacy"));
    }
    Ok(())
}

/// Returns every cryptographic capability.
pub(crate) fn suite(crypto: &Crypto) -> CryptoSuite {
    let suite = kmip_aws_lc::suite();
    let weak = if crypto.legacy { Weak::Offered } else { Weak::Refused };
    let cipher = RawCiphers::new(Arc::clone(&suite.format), weak);
    let sign = RawSignatures::new(Arc::clone(&suite.format), weak);
    let suite = super::layered::over(suite, Arc::new(cipher), Arc::new(sign));
    if crypto.legacy { with_legacy(suite) } else { suite }
}

/// Lays a suite over the old algorithms.
#[cfg(feature = "crypto-legacy")]
fn with_legacy(suite: CryptoSuite) -> CryptoSuite {
    let legacy = kmip_legacy_crypto::suite(Arc::clone(&suite.format), Arc::clone(&suite.random));
    super::layered::suite(suite, legacy)
}

/// Leaves the suite as it is: without the feature, the check refuses the setting.
#[cfg(not(feature = "crypto-legacy"))]
fn with_legacy(suite: CryptoSuite) -> CryptoSuite {
    suite
}

/// Returns the cipher that seals what is at rest.
pub(crate) fn at_rest() -> Arc<dyn AtRestCipher> {
    Arc::new(kmip_aws_lc::at_rest())
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        DateTime, ManagedObject, UniqueIdentifier, Value,
        attribute::{Attribute, AttributeSet, CryptographicParameters},
        enumeration::{
            CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm as Hash,
            KeyFormatType, PaddingMethod, Tag,
        },
        object::{KeyBlock, KeyMaterial, Life, Object},
        value::Valued as _,
    };
    use kmip_ports::crypto::{
        CipherInput, CryptoError, KeyPair, KeyPairSpecification, SignatureInput,
    };

    use super::*;

    fn legacy(legacy: bool) -> Crypto {
        Crypto { legacy, ..Crypto::default() }
    }

    #[test]
    fn old_algorithms_are_offered_only_on_request() {
        let md5 = Hash::Md5;
        assert!(check(&Crypto::default()).is_ok());
        assert!(!Crypto::default().legacy);
        assert!(!suite(&legacy(false)).digest.supports(md5));
        assert!(suite(&legacy(false)).digest.digest(md5, b"x").is_err());
        if cfg!(feature = "crypto-legacy") {
            assert!(check(&legacy(true)).is_ok());
            assert!(suite(&legacy(true)).digest.digest(md5, b"x").is_ok());
        } else {
            let refusal = check(&legacy(true)).unwrap_err().to_string();
            assert!(refusal.contains("the feature crypto-legacy"), "{refusal}");
        }
    }

    #[test]
    fn another_provider_is_refused_by_name() {
        let crypto = Crypto { provider: "legacy".to_owned(), ..Crypto::default() };
        let refusal = check(&crypto).unwrap_err().to_string();
        assert!(refusal.contains("\"legacy\" is unknown"), "{refusal}");
    }

    const USAGE: CryptographicUsageMask = CryptographicUsageMask::ENCRYPT;

    fn object(key_material: KeyMaterial, object: fn(KeyBlock) -> Object) -> ManagedObject {
        let life = Life::Active(object(KeyBlock::plain(KeyFormatType::Pkcs8, key_material)));
        let mut attributes = AttributeSet::default();
        attributes.set(Attribute::CryptographicUsageMask(USAGE));
        ManagedObject::restore(UniqueIdentifier::new("a"), "alice".to_owned(), attributes, life)
    }

    /// A new RSA key pair: the private half, and the public one.
    async fn pair(suite: &CryptoSuite) -> (ManagedObject, ManagedObject) {
        let specification = KeyPairSpecification::Rsa { bits: 2048 };
        let KeyPair { private, public } = suite.generate.key_pair(specification).await.unwrap();
        let public = KeyMaterial::Bytes(public.into());
        (object(KeyMaterial::Bytes(private), Object::PrivateKey), object(public, Object::PublicKey))
    }

    fn rsa(padding: PaddingMethod, hash: Option<Hash>) -> CryptographicParameters {
        let none = Value::Structure(Vec::new());
        CryptographicParameters {
            cryptographic_algorithm: Some(CryptographicAlgorithm::Rsa),
            padding_method: Some(padding),
            hashing_algorithm: hash,
            ..CryptographicParameters::from_value(Tag::CryptographicParameters, none).unwrap()
        }
    }

    #[tokio::test]
    async fn rsa_of_2048_bits_signs_over_weak_hashes_only_with_old_algorithms() {
        let ways = [PaddingMethod::Pkcs1V15, PaddingMethod::Pss].into_iter().flat_map(|padding| {
            [Hash::Md5, Hash::Sha1, Hash::Sha224].map(|hash| rsa(padding, Some(hash)))
        });
        let modern = suite(&legacy(false));
        let (private, public) = pair(&modern).await;
        let signing = private.protection_key(USAGE, DateTime(0)).unwrap();
        let verifying = public.processing_key(USAGE, DateTime(0)).unwrap();
        let message = SignatureInput::Message(b"abc");
        for way in ways {
            let refused = modern.sign.sign(&signing, &way, message).await;
            assert!(matches!(refused, Err(CryptoError::Unsupported(_))), "{way:?}");
            if cfg!(feature = "crypto-legacy") {
                let old = suite(&legacy(true));
                let made = old.sign.sign(&signing, &way, message).await.unwrap();
                let verify = async |text| {
                    let input = SignatureInput::Message(text);
                    old.sign.verify(&verifying, &way, input, &made).await
                };
                assert_eq!(verify(b"abc").await, Ok(true), "{way:?}");
                assert_eq!(verify(b"abd").await, Ok(false), "{way:?}");
            }
        }
        let unnamed = rsa(PaddingMethod::Pkcs1V15, None);
        let digest = SignatureInput::Digest(&[1; 16]);
        assert!(!modern.sign.supports(&unnamed));
        assert!(modern.sign.sign(&signing, &unnamed, digest).await.is_err());
        if cfg!(feature = "crypto-legacy") {
            let old = suite(&legacy(true));
            assert!(old.sign.supports(&unnamed));
            let made = old.sign.sign(&signing, &unnamed, digest).await.unwrap();
            assert_eq!(old.sign.verify(&verifying, &unnamed, digest, &made).await, Ok(true));
        }
    }

    #[tokio::test]
    async fn oaep_takes_two_hashes() {
        let suite = suite(&legacy(false));
        let (private, public) = pair(&suite).await;
        let opening = private.processing_key(USAGE, DateTime(0)).unwrap();
        let closing = public.protection_key(USAGE, DateTime(0)).unwrap();
        let way = CryptographicParameters {
            mask_generator_hashing_algorithm: Some(Hash::Sha256),
            p_source: Some(b"label".to_vec()),
            ..rsa(PaddingMethod::Oaep, Some(Hash::Sha384))
        };
        let input =
            |data| CipherInput { data, iv_counter_nonce: None, additional_data: &[], tag: None };
        let closed = suite.cipher.encrypt(&closing, &way, input(b"secret")).await.unwrap();
        let opened = suite.cipher.decrypt(&opening, &way, input(&closed.data)).await.unwrap();
        assert_eq!(opened.expose(), b"secret");
        let weak = CryptographicParameters { hashing_algorithm: Some(Hash::Md5), ..way };
        assert!(!suite.cipher.supports(&weak));
    }
}
