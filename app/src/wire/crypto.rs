//! Cryptography: AWS-LC.

use std::sync::Arc;

use kmip_ports::{crypto::CryptoSuite, record::AtRestCipher};

use crate::{config::Crypto, report::Report};

/// Checks that the provider is one that this program has.
pub(crate) fn check(crypto: &Crypto) -> Result<(), Report> {
    match crypto.provider.as_str() {
        "aws-lc" => Ok(()),
        "legacy" => Err(super::missing("crypto.provider = \"legacy\"", "crypto-legacy")),
        other => Err(Report::new(format!(
            "crypto.provider {other:?} is unknown; \"aws-lc\" is the one there is"
        ))),
    }
}

/// Returns every cryptographic capability.
pub(crate) fn suite() -> CryptoSuite {
    kmip_aws_lc::suite()
}

/// Returns the cipher that seals what is at rest.
pub(crate) fn at_rest() -> Arc<dyn AtRestCipher> {
    Arc::new(kmip_aws_lc::at_rest())
}
