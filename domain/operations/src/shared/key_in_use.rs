//! Keys for cryptographic operations: which types of object serve which operation, certificates
//! for the keys they hold, and Usage Limits (KMIP 2.1 §4.57, §4.59; 1.4 §3.22, §3.21).
//!
//! The order of the checks is that of the answers: type, State, dates and mask, and before them the
//! access, which [`Item::fetch`] checks.

use kmip_model::{
    ManagedObject,
    enumeration::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType, UsageLimitsUnit},
    object::{KeyInUse, ProcessingKey, ProtectionKey, UsageDenied},
};
use kmip_ports::{
    crypto::CryptoError,
    store::{Revision, Stored},
};

use crate::{error::OperationError, processor::Item};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Encrypt.
    Encrypt,
    /// Decrypt.
    Decrypt,
    /// Sign.
    Sign,
    /// Signature Verify.
    SignatureVerify,
    /// MAC.
    Mac,
    /// MAC Verify.
    MacVerify,
}

impl Use {
    const fn mask(self) -> CryptographicUsageMask {
        match self {
            Self::Encrypt => CryptographicUsageMask::ENCRYPT,
            Self::Decrypt => CryptographicUsageMask::DECRYPT,
            Self::Sign => CryptographicUsageMask::SIGN,
            Self::SignatureVerify => CryptographicUsageMask::VERIFY,
            Self::Mac => CryptographicUsageMask::MAC_GENERATE,
            Self::MacVerify => CryptographicUsageMask::MAC_VERIFY,
        }
    }

    /// Says whether objects of this type can serve.
    fn accepts(self, object: &ManagedObject) -> bool {
        let object_type = object.object_type();
        match self {
            Self::Encrypt | Self::Decrypt if object_type == ObjectType::SecretData => {
                // A one-time pad is a secret that encrypts.
                let algorithm = object.attributes().cryptographic_algorithm();
                algorithm == Some(&CryptographicAlgorithm::OneTimePad)
            }
            Self::Encrypt => matches!(
                object_type,
                ObjectType::SymmetricKey | ObjectType::PublicKey | ObjectType::Certificate
            ),
            Self::Decrypt => {
                matches!(object_type, ObjectType::SymmetricKey | ObjectType::PrivateKey)
            }
            Self::Sign => object_type == ObjectType::PrivateKey,
            Self::SignatureVerify => {
                matches!(object_type, ObjectType::PublicKey | ObjectType::Certificate)
            }
            Self::Mac | Self::MacVerify => true,
        }
    }

    fn check(self, object: &ManagedObject) -> Result<(), UsageDenied> {
        if self.accepts(object) { Ok(()) } else { Err(UsageDenied::NotAKey(object.object_type())) }
    }
}

/// Returns the key for protecting something.
pub(crate) fn protection_key(
    item: &Item<'_>,
    object: &ManagedObject,
    purpose: Use,
) -> Result<ProtectionKey, OperationError> {
    purpose.check(object)?;
    let key = object.protection_key(purpose.mask(), item.now())?;
    Ok(match public_key(item, key.key())? {
        Some(public_key) => key.with_public_key(public_key),
        None => key,
    })
}

/// Returns the key for processing something protected.
pub(crate) fn processing_key(
    item: &Item<'_>,
    object: &ManagedObject,
    purpose: Use,
) -> Result<ProcessingKey, OperationError> {
    purpose.check(object)?;
    let key = object.processing_key(purpose.mask(), item.now())?;
    Ok(match public_key(item, key.key())? {
        Some(public_key) => key.with_public_key(public_key),
        None => key,
    })
}

/// Returns the public key of a certificate.
fn public_key(item: &Item<'_>, key: &KeyInUse) -> Result<Option<Vec<u8>>, OperationError> {
    if key.object_type != ObjectType::Certificate {
        return Ok(None);
    }
    let certificate = key.material.as_bytes().and_then(|der| {
        let facts = item.certificates().parse(der.expose()).ok()?;
        Some(facts.public_key)
    });
    let unreadable = CryptoError::BadKey("the certificate is not an X.509 one");
    certificate.map(Some).ok_or(OperationError::Crypto(unreadable))
}

/// Says whether a key is one of this algorithm, as far as the object says which it is.
pub(crate) fn is_of(key: &KeyInUse, algorithm: Option<CryptographicAlgorithm>) -> bool {
    use CryptographicAlgorithm as A;
    let family = |algorithm| match algorithm {
        // One kind of key, and several things to do with it.
        A::Ecdsa | A::Ecdh | A::Ecmqv => A::Ec,
        other => other,
    };
    match (key.algorithm, algorithm) {
        (Some(have), Some(wanted)) => family(have) == family(wanted),
        _ => true,
    }
}

/// A change of the Usage Limits that takes effect with the result.
#[derive(Debug)]
pub(crate) struct Counted(Option<(ManagedObject, Revision)>);

impl Counted {
    /// Counts one protection of so many bytes; where the unit is not the byte, only the first part
    /// of an operation counts.
    //= KMIP-2.1 §4.59
    pub(crate) fn new(
        fetched: &Stored<ManagedObject>,
        bytes: usize,
        first: bool,
    ) -> Result<Self, OperationError> {
        let Some(limits) = fetched.value.attributes().usage_limits() else {
            return Ok(Self(None));
        };
        if !first && limits.usage_limits_unit != UsageLimitsUnit::Byte {
            return Ok(Self(None));
        }
        let mut object = ManagedObject::clone(&fetched.value);
        let changed = object.use_up(bytes)?;
        Ok(Self(changed.then_some((object, fetched.revision))))
    }

    /// Saves what was counted.
    pub(crate) fn save(self, item: &mut Item<'_>) {
        if let Some((object, revision)) = self.0 {
            item.save(object, revision);
        }
    }
}
