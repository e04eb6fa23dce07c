//! Cryptography: AWS-LC, and behind it, if the operator wants it, the old algorithms of RustCrypto.

use std::sync::Arc;

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
    use kmip_model::enumeration::HashingAlgorithm;

    use super::*;

    fn legacy(legacy: bool) -> Crypto {
        Crypto { legacy, ..Crypto::default() }
    }

    #[test]
    fn old_algorithms_are_offered_only_on_request() {
        let md5 = HashingAlgorithm::Md5;
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
}
