//! Keys in use: may this key do that, now? (KMIP 2.1 §4.57 State, §4.17 Cryptographic Usage Mask,
//! §4.40 Process Start Date, §4.41 Protect Stop Date, §4.59 Usage Limits; 1.4 §3.22, §3.19, §3.25,
//! §3.26, §3.21).
//!
//! Permission is a value: cryptography takes a [`ProtectionKey`] or a [`ProcessingKey`], and only
//! the two functions here make one.

use thiserror::Error;

use super::{KeyMaterial, KeyValue, ManagedObject, Object};
use crate::{
    attribute::{Attribute, UsageLimits},
    date::DateTime,
    enumeration::{
        CryptographicAlgorithm, CryptographicUsageMask, ObjectType, State, Tag, UsageLimitsUnit,
    },
    material::Material,
};

/// Why a key may not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UsageDenied {
    /// The object holds nothing that computes.
    #[error("a {0} is not a key that can be used for this")]
    NotAKey(ObjectType),
    /// Only Active keys are used.
    #[error("the object is {0}, and only Active ones can be used")]
    NotActive(State),
    /// The Process Start Date has not come.
    #[error("the Process Start Date of the object has not come")]
    NotYet,
    /// The Protect Stop Date has passed.
    #[error("the Protect Stop Date of the object has passed")]
    NoLonger,
    /// The Cryptographic Usage Mask does not allow it.
    #[error("the Cryptographic Usage Mask does not have {0}")]
    Mask(CryptographicUsageMask),
    /// Only the key's location is known.
    #[error("the key value is not present")]
    NotPresent,
    /// The key is wrapped.
    #[error("the key is wrapped")]
    Wrapped,
    /// The Usage Limits do not allow so much more.
    #[error("the Usage Limits of the object are reached")]
    LimitReached,
}

/// A key as cryptography gets it: a copy that is erased after use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInUse {
    /// What the object is.
    pub object_type: ObjectType,
    /// Cryptographic Algorithm, if the object says so.
    pub algorithm: Option<CryptographicAlgorithm>,
    /// Cryptographic Length, in bits, if the object says so.
    pub length: Option<i32>,
    /// The key; for a certificate its DER bytes.
    pub material: KeyMaterial,
}

/// A key that may protect: encrypt, sign, make a MAC, wrap, derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectionKey(KeyInUse);

/// A key that may process what is protected: decrypt, verify, unwrap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessingKey(KeyInUse);

impl ProtectionKey {
    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &KeyInUse {
        &self.0
    }

    /// Puts the public key in the place of the certificate that holds it: SubjectPublicKeyInfo.
    #[must_use]
    pub fn with_public_key(self, public_key: Vec<u8>) -> Self {
        Self(self.0.with_public_key(public_key))
    }
}

impl ProcessingKey {
    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &KeyInUse {
        &self.0
    }

    /// Puts the public key in the place of the certificate that holds it: SubjectPublicKeyInfo.
    #[must_use]
    pub fn with_public_key(self, public_key: Vec<u8>) -> Self {
        Self(self.0.with_public_key(public_key))
    }
}

impl KeyInUse {
    fn with_public_key(self, public_key: Vec<u8>) -> Self {
        Self {
            object_type: ObjectType::PublicKey,
            material: KeyMaterial::Bytes(Material::new(public_key)),
            ..self
        }
    }
}

/// The two ways of using a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Protection,
    Processing,
}

impl ManagedObject {
    /// Returns the key for protecting something, if its type, State, dates and Cryptographic Usage
    /// Mask, in this order, allow it.
    pub fn protection_key(
        &self,
        usage: CryptographicUsageMask,
        now: DateTime,
    ) -> Result<ProtectionKey, UsageDenied> {
        self.key_in_use(Purpose::Protection, usage, now).map(ProtectionKey)
    }

    /// Returns the key for processing something protected, if its type, State, dates and
    /// Cryptographic Usage Mask, in this order, allow it.
    pub fn processing_key(
        &self,
        usage: CryptographicUsageMask,
        now: DateTime,
    ) -> Result<ProcessingKey, UsageDenied> {
        self.key_in_use(Purpose::Processing, usage, now).map(ProcessingKey)
    }

    /// Returns the key for deriving other keys from it, if its type, State, dates and Cryptographic
    /// Usage Mask, in this order, allow it.
    ///
    /// Pre-Active objects are let through, which the text forbids: clients of PyKMIP, its own
    /// tests included, derive from keys that nobody has ever activated. What has been deactivated
    /// or compromised is no source of new keys.
    pub fn derivation_key(&self, now: DateTime) -> Result<ProtectionKey, UsageDenied> {
        let object_type = self.object_type();
        if !matches!(
            object_type,
            ObjectType::SymmetricKey
                | ObjectType::SecretData
                | ObjectType::PrivateKey
                | ObjectType::PublicKey
        ) {
            return Err(UsageDenied::NotAKey(object_type));
        }
        let usage = CryptographicUsageMask::DERIVE_KEY;
        let states = &[State::PreActive, State::Active];
        self.key_in_states(states, Purpose::Protection, usage, now).map(ProtectionKey)
    }

    fn key_in_use(
        &self,
        purpose: Purpose,
        usage: CryptographicUsageMask,
        now: DateTime,
    ) -> Result<KeyInUse, UsageDenied> {
        //= KMIP-2.1 §4.57
        // Deactivated and Compromised keys process only under special permission; there is none.
        self.key_in_states(&[State::Active], purpose, usage, now)
    }

    fn key_in_states(
        &self,
        states: &[State],
        purpose: Purpose,
        usage: CryptographicUsageMask,
        now: DateTime,
    ) -> Result<KeyInUse, UsageDenied> {
        let object_type = self.object_type();
        if matches!(
            object_type,
            ObjectType::OpaqueObject | ObjectType::Template | ObjectType::CertificateRequest
        ) {
            return Err(UsageDenied::NotAKey(object_type));
        }
        let state = self.life.state();
        let object = self
            .object()
            .filter(|_| states.contains(&state))
            .ok_or(UsageDenied::NotActive(state))?;
        self.check_dates_of_use(purpose, now)?;
        let mask = self.attributes.cryptographic_usage_mask().copied().unwrap_or_default();
        if !mask.contains(usage) {
            return Err(UsageDenied::Mask(usage));
        }
        Ok(KeyInUse {
            object_type,
            algorithm: self.attributes.cryptographic_algorithm().copied(),
            length: self.attributes.cryptographic_length().copied(),
            material: material_of(object)?,
        })
    }

    fn check_dates_of_use(&self, purpose: Purpose, now: DateTime) -> Result<(), UsageDenied> {
        let date = |tag| self.date(tag);
        match purpose {
            //= KMIP-2.1 §4.41
            Purpose::Protection if date(Tag::ProtectStopDate).is_some_and(|stop| stop <= now) => {
                Err(UsageDenied::NoLonger)
            }
            //= KMIP-2.1 §4.40
            Purpose::Processing if date(Tag::ProcessStartDate).is_some_and(|start| start > now) => {
                Err(UsageDenied::NotYet)
            }
            _ => Ok(()),
        }
    }

    /// Returns what one protection of so many bytes takes from the Usage Limits; `None` if there are
    /// none.
    //= KMIP-2.1 §4.59
    pub fn takes(&self, bytes: usize) -> Result<Option<i64>, UsageDenied> {
        let Some(limits) = self.attributes.usage_limits() else {
            return Ok(None);
        };
        let amount = match limits.usage_limits_unit {
            UsageLimitsUnit::Byte => i64::try_from(bytes).unwrap_or(i64::MAX),
            _ => 1,
        };
        if amount > limits.left() {
            return Err(UsageDenied::LimitReached);
        }
        Ok(Some(amount))
    }

    /// Sets what has been taken from the Usage Limits, unless more has been already.
    #[must_use]
    pub fn having_spent(mut self, spent: i64) -> Self {
        if let Some(limits) = self.attributes.usage_limits() {
            let left = limits.usage_limits_total.saturating_sub(spent).min(limits.left());
            let limits = UsageLimits { usage_limits_count: Some(left.max(0)), ..limits.clone() };
            self.attributes.set(Attribute::UsageLimits(limits));
        }
        self
    }

    /// Returns what has been taken from the Usage Limits; 0 if there are none.
    #[must_use]
    pub fn spent(&self) -> i64 {
        let limits = self.attributes.usage_limits();
        limits.map_or(0, |limits| limits.usage_limits_total.saturating_sub(limits.left()))
    }
}

impl UsageLimits {
    /// Returns what is left: Usage Limits Count, which is the total at first.
    #[must_use]
    pub fn left(&self) -> i64 {
        self.usage_limits_count.unwrap_or(self.usage_limits_total)
    }
}

fn material_of(object: &Object) -> Result<KeyMaterial, UsageDenied> {
    if let Object::Certificate { certificate_value, .. } = object {
        return Ok(KeyMaterial::Bytes(Material::from(certificate_value.as_slice())));
    }
    let key_block = object.key_block().ok_or(UsageDenied::NotAKey(object.object_type()))?;
    match &key_block.key_value {
        None => Err(UsageDenied::NotPresent),
        Some(KeyValue::Plain { key_material, .. }) if key_block.key_wrapping_data.is_none() => {
            Ok(key_material.clone())
        }
        Some(_) => Err(UsageDenied::Wrapped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribute::AttributeSet,
        enumeration::{KeyFormatType, OpaqueDataType},
        identifier::UniqueIdentifier,
        object::{KeyBlock, Life},
    };

    const NOW: DateTime = DateTime(100);
    const ENCRYPT: CryptographicUsageMask = CryptographicUsageMask::ENCRYPT;

    fn key_block() -> KeyBlock {
        KeyBlock::plain(KeyFormatType::Raw, KeyMaterial::Bytes(Material::new(vec![1; 16])))
    }

    fn managed(life: Life, attributes: &[Attribute]) -> ManagedObject {
        let mut set = AttributeSet::default();
        set.set(Attribute::CryptographicUsageMask(ENCRYPT));
        for attribute in attributes {
            set.set(attribute.clone());
        }
        ManagedObject::restore(UniqueIdentifier::new("a"), "alice".to_owned(), set, life)
    }

    fn key() -> Object {
        Object::SymmetricKey(key_block())
    }

    #[test]
    fn only_active_keys_are_used() {
        let symmetric = ObjectType::SymmetricKey;
        for (life, allowed) in [
            (Life::PreActive(key()), Err(UsageDenied::NotActive(State::PreActive))),
            (Life::Active(key()), Ok(())),
            (Life::Deactivated(key()), Err(UsageDenied::NotActive(State::Deactivated))),
            (Life::Compromised(key()), Err(UsageDenied::NotActive(State::Compromised))),
            (Life::Destroyed(symmetric), Err(UsageDenied::NotActive(State::Destroyed))),
        ] {
            let object = managed(life, &[]);
            assert_eq!(object.protection_key(ENCRYPT, NOW).map(drop), allowed);
            assert_eq!(object.processing_key(ENCRYPT, NOW).map(drop), allowed);
        }
    }

    #[test]
    fn dates_bound_the_two_uses() {
        let active = |attribute| managed(Life::Active(key()), &[attribute]);
        for (seconds, protects) in [(99, false), (100, false), (101, true)] {
            let object = active(Attribute::ProtectStopDate(DateTime(seconds)));
            assert_eq!(object.protection_key(ENCRYPT, NOW).is_ok(), protects, "{seconds}");
            assert!(object.processing_key(ENCRYPT, NOW).is_ok());
        }
        for (seconds, processes) in [(99, true), (100, true), (101, false)] {
            let object = active(Attribute::ProcessStartDate(DateTime(seconds)));
            assert!(object.protection_key(ENCRYPT, NOW).is_ok());
            assert_eq!(object.processing_key(ENCRYPT, NOW).is_ok(), processes, "{seconds}");
        }
    }

    #[test]
    fn the_mask_must_have_the_use() {
        let object = managed(Life::Active(key()), &[]);
        let wrap = CryptographicUsageMask::WRAP_KEY;
        assert_eq!(object.protection_key(wrap, NOW), Err(UsageDenied::Mask(wrap)));
    }

    #[test]
    fn what_is_wrapped_elsewhere_or_no_key_is_not_used() {
        let elsewhere = Object::SymmetricKey(KeyBlock { key_value: None, ..key_block() });
        let wrapped = Object::SymmetricKey(KeyBlock {
            key_value: Some(KeyValue::Wrapped(Material::new(vec![1; 24]))),
            ..key_block()
        });
        let opaque = Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: Material::new(vec![1]),
        };
        for (object, denied) in [
            (elsewhere, UsageDenied::NotPresent),
            (wrapped, UsageDenied::Wrapped),
            (opaque, UsageDenied::NotAKey(ObjectType::OpaqueObject)),
        ] {
            let object = managed(Life::Active(object), &[]);
            assert_eq!(object.protection_key(ENCRYPT, NOW), Err(denied));
        }
    }

    #[test]
    fn keys_are_derived_from_before_they_are_active_but_not_after() {
        let symmetric = ObjectType::SymmetricKey;
        let mask = Attribute::CryptographicUsageMask(CryptographicUsageMask::DERIVE_KEY);
        for (life, allowed) in [
            (Life::PreActive(key()), Ok(())),
            (Life::Active(key()), Ok(())),
            (Life::Deactivated(key()), Err(UsageDenied::NotActive(State::Deactivated))),
            (Life::Compromised(key()), Err(UsageDenied::NotActive(State::Compromised))),
            (Life::Destroyed(symmetric), Err(UsageDenied::NotActive(State::Destroyed))),
        ] {
            let object = managed(life, core::slice::from_ref(&mask));
            assert_eq!(object.derivation_key(NOW).map(drop), allowed);
        }
        let derive = CryptographicUsageMask::DERIVE_KEY;
        let without = managed(Life::Active(key()), &[]);
        assert_eq!(without.derivation_key(NOW), Err(UsageDenied::Mask(derive)));
        let certificate = Object::Certificate {
            certificate_type: crate::enumeration::CertificateType::X509,
            certificate_value: vec![1],
        };
        assert_eq!(
            managed(Life::Active(certificate), &[mask]).derivation_key(NOW),
            Err(UsageDenied::NotAKey(ObjectType::Certificate))
        );
    }

    #[test]
    fn usage_limits_count_down_and_end() {
        let limits = |unit, count| {
            Attribute::UsageLimits(UsageLimits {
                usage_limits_total: 20,
                usage_limits_count: count,
                usage_limits_unit: unit,
            })
        };
        let object = managed(Life::Active(key()), &[limits(UsageLimitsUnit::Byte, None)]);
        assert_eq!(object.takes(16), Ok(Some(16)));
        assert_eq!(object.takes(21), Err(UsageDenied::LimitReached));
        assert_eq!(object.spent(), 0);
        let object = object.having_spent(16);
        assert_eq!(object.takes(5), Err(UsageDenied::LimitReached));
        assert_eq!(object.takes(4), Ok(Some(4)));
        assert_eq!(object.having_spent(10).spent(), 16, "nothing is given back");
        let object = managed(Life::Active(key()), &[limits(UsageLimitsUnit::Object, Some(1))]);
        assert_eq!(object.takes(1_000), Ok(Some(1)));
        assert_eq!(object.spent(), 19);
        assert_eq!(object.having_spent(20).takes(0), Err(UsageDenied::LimitReached));
        let unlimited = managed(Life::Active(key()), &[]);
        assert_eq!(unlimited.takes(1), Ok(None));
        assert_eq!(unlimited.having_spent(1).spent(), 0);
    }
}
