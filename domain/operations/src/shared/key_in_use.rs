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
    store::{Debit, Stored},
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

/// What is taken from the Usage Limits, with the result.
#[derive(Debug)]
pub(crate) struct Counted(Option<Debit>);

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
        let debit = fetched.value.takes(bytes)?.map(|amount| Debit {
            identifier: fetched.value.identifier().clone(),
            amount,
            total: limits.usage_limits_total,
            spent: fetched.value.spent(),
        });
        Ok(Self(debit))
    }

    /// Takes what was counted.
    pub(crate) fn save(self, item: &mut Item<'_>) {
        if let Some(debit) = self.0 {
            item.take(debit);
        }
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        DateTime, Interval, UniqueIdentifier,
        attribute::{Attribute, RevocationReason, UsageLimits},
        enumeration::{
            BlockCipherMode, CertificateType, HashingAlgorithm, OpaqueDataType, PaddingMethod,
            ResultReason as R, RevocationReasonCode, State,
        },
        object::Object,
        policy::{Permission, Policies, Policy, PolicyRules},
    };
    use kmip_model::{Material, attribute::CryptographicParameters, enumeration::Operation};
    use kmip_testkit::fixture_certificate;

    use super::*;
    use crate::{
        message::ReasonColumn,
        ops::{Request, revoke},
        reason::reason,
        testing::{
            NOW, World, aes_key, algorithm, decrypt_request, encrypt_request, mac_request,
            mac_verify_request, mode, rsa_keys, secret, sign_request, signature_verify_request,
        },
    };

    const USES: [Use; 6] =
        [Use::Encrypt, Use::Decrypt, Use::Sign, Use::SignatureVerify, Use::Mac, Use::MacVerify];

    const fn operation(purpose: Use) -> Operation {
        match purpose {
            Use::Encrypt => Operation::Encrypt,
            Use::Decrypt => Operation::Decrypt,
            Use::Sign => Operation::Sign,
            Use::SignatureVerify => Operation::SignatureVerify,
            Use::Mac => Operation::Mac,
            Use::MacVerify => Operation::MacVerify,
        }
    }

    fn request(purpose: Use, key: &UniqueIdentifier) -> Request {
        let cbc = || Some(mode(BlockCipherMode::Ecb, None));
        let pss = || {
            Some(CryptographicParameters {
                padding_method: Some(PaddingMethod::Pss),
                hashing_algorithm: Some(HashingAlgorithm::Sha256),
                ..algorithm(CryptographicAlgorithm::Rsa)
            })
        };
        let hmac = || Some(algorithm(CryptographicAlgorithm::HmacSha256));
        let data = &[7; 16];
        match purpose {
            Use::Encrypt => Request::Encrypt(encrypt_request(key, cbc(), data)),
            Use::Decrypt => Request::Decrypt(decrypt_request(key, cbc(), data)),
            Use::Sign => Request::Sign(sign_request(key, pss(), data)),
            Use::SignatureVerify => {
                Request::SignatureVerify(signature_verify_request(key, pss(), data, data))
            }
            Use::Mac => Request::Mac(mac_request(key, hmac(), data)),
            Use::MacVerify => Request::MacVerify(mac_verify_request(key, hmac(), data, data)),
        }
    }

    fn object(purpose: Use) -> Object {
        match purpose {
            Use::Sign => rsa_keys().0,
            Use::SignatureVerify => rsa_keys().1,
            _ => aes_key(&[1; 16]),
        }
    }

    fn key(world: &World, purpose: Use, attributes: Vec<Attribute>) -> UniqueIdentifier {
        world.register_active(object(purpose), purpose.mask(), attributes)
    }

    /// Returns why a use fails, and the reasons that are given in 1.x and in 2.1.
    fn refusal(world: &World, purpose: Use, key: &UniqueIdentifier) -> (OperationError, R, R) {
        let error = world.run(request(purpose, key)).expect_err("it is refused");
        let given = |column| reason(&error, Some(operation(purpose)), column);
        let (one, two) = (given(ReasonColumn::One), given(ReasonColumn::TwoOne));
        (error, one, two)
    }

    #[test]
    fn an_active_key_with_the_mask_is_used() {
        let world = World::new();
        for purpose in USES {
            let key = key(&world, purpose, Vec::new());
            assert_eq!(world.run(request(purpose, &key)).map(drop), Ok(()), "{purpose:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_accessible_is_not_there() {
        let world = World::new();
        let bob = world.asked_by("bob");
        for purpose in USES {
            let private = match purpose {
                // Everybody may read a public key, and so use it.
                Use::SignatureVerify => continue,
                _ => key(&world, purpose, Vec::new()),
            };
            let none = refusal(&bob, purpose, &UniqueIdentifier::new("none"));
            assert_eq!(none, (OperationError::NotFound, R::ItemNotFound, R::ObjectNotFound));
            assert_eq!(refusal(&bob, purpose, &private), none, "{purpose:?}");
        }
    }

    #[test]
    fn who_may_get_a_key_may_use_it() {
        let world = World::new();
        for (operations, allowed) in [
            (&[Operation::Get][..], true),
            (&[Operation::Encrypt, Operation::GetAttributes][..], false),
        ] {
            let rules = PolicyRules::default()
                .with(ObjectType::SymmetricKey, operations, Permission::AllowAll)
                .with(ObjectType::SymmetricKey, &[Operation::Locate], Permission::AllowAll);
            let mut policies = Policies::default();
            policies.insert("shared", Policy { preset: Some(rules), ..Policy::default() });
            let shared = Attribute::OperationPolicyName("shared".into());
            let world = world.under(policies);
            let key = key(&world, Use::Encrypt, vec![shared]);
            let answer = world.asked_by("bob").run(request(Use::Encrypt, &key)).map(drop);
            let expected = if allowed { Ok(()) } else { Err(OperationError::NotPermitted) };
            assert_eq!(answer, expected);
        }
    }

    #[test]
    fn a_key_that_is_not_active_is_not_used() {
        let world = World::new();
        let revoke = |key: &UniqueIdentifier, revocation_reason_code| {
            let request = Request::Revoke(revoke::Request {
                unique_identifier: key.clone().into(),
                revocation_reason: RevocationReason {
                    revocation_reason_code,
                    revocation_message: None,
                },
                compromise_occurrence_date: None,
            });
            world.run(request).expect("it can be revoked");
        };
        for purpose in USES {
            let mask = Attribute::CryptographicUsageMask(purpose.mask());
            let new = world.register(object(purpose), vec![mask]).unwrap();
            let old = key(&world, purpose, Vec::new());
            revoke(&old, RevocationReasonCode::Superseded);
            let lost = key(&world, purpose, Vec::new());
            revoke(&lost, RevocationReasonCode::KeyCompromise);
            for (key, state) in
                [(new, State::PreActive), (old, State::Deactivated), (lost, State::Compromised)]
            {
                let denied = UsageDenied::NotActive(state).into();
                assert_eq!(
                    refusal(&world, purpose, &key),
                    (denied, R::PermissionDenied, R::WrongKeyLifecycleState),
                    "{purpose:?}"
                );
            }
        }
    }

    #[test]
    fn a_key_without_the_bit_is_not_used() {
        let world = World::new();
        for purpose in USES {
            for other in USES.into_iter().filter(|other| *other != purpose) {
                let key = world.register_active(object(purpose), other.mask(), Vec::new());
                assert_eq!(
                    refusal(&world, purpose, &key),
                    (
                        UsageDenied::Mask(purpose.mask()).into(),
                        R::PermissionDenied,
                        R::IncompatibleCryptographicUsageMask
                    ),
                    "{purpose:?}"
                );
            }
        }
    }

    #[test]
    fn dates_bound_the_use_of_a_key() {
        let world = World::new();
        for purpose in USES {
            let protects = matches!(purpose, Use::Encrypt | Use::Sign | Use::Mac);
            let late = DateTime(NOW.0.saturating_add(10));
            let attribute = if protects {
                Attribute::ProtectStopDate(NOW)
            } else {
                Attribute::ProcessStartDate(late)
            };
            let denied = if protects { UsageDenied::NoLonger } else { UsageDenied::NotYet };
            let key = key(&world, purpose, vec![attribute]);
            assert_eq!(
                refusal(&world, purpose, &key),
                (denied.into(), R::PermissionDenied, R::WrongKeyLifecycleState),
                "{purpose:?}"
            );
        }
        let late = Attribute::ProcessStartDate(DateTime(NOW.0.saturating_add(10)));
        let key = key(&world, Use::Decrypt, vec![late]);
        world.clock.advance(Interval(10));
        assert!(world.run(request(Use::Decrypt, &key)).is_ok());
    }

    #[test]
    fn each_use_has_its_types_of_object() {
        let world = World::new();
        let (private, public) = rsa_keys();
        let certificate = Object::Certificate {
            certificate_type: CertificateType::X509,
            certificate_value: fixture_certificate("ee"),
        };
        let opaque = Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: Material::new(vec![1]),
        };
        let objects = [aes_key(&[1; 16]), private, public, certificate, secret(b"s"), opaque];
        let every = USES.into_iter().fold(Use::Encrypt.mask(), |all, one| all.union(one.mask()));
        let keys = objects.map(|object| match object {
            // It has no State, and no mask either.
            Object::OpaqueObject { .. } => world.register(object, Vec::new()).unwrap(),
            _ => world.register_active(object, every, Vec::new()),
        });
        for (purpose, expected) in [
            (Use::Encrypt, [true, false, true, true, false, false]),
            (Use::Decrypt, [true, true, false, false, false, false]),
            (Use::Sign, [false, true, false, false, false, false]),
            (Use::SignatureVerify, [false, false, true, true, false, false]),
            (Use::Mac, [true, true, true, true, true, false]),
            (Use::MacVerify, [true, true, true, true, true, false]),
        ] {
            for (key, expected) in keys.iter().zip(expected) {
                let object_type = world.object(key).object_type();
                let error = world.run(request(purpose, key)).err();
                let not_a_key = UsageDenied::NotAKey(object_type).into();
                assert_eq!(error != Some(not_a_key), expected, "{purpose:?} {object_type}");
            }
        }
        let (_, one, two) = refusal(&world, Use::Sign, &keys[0]);
        assert_eq!((one, two), (R::PermissionDenied, R::InvalidObjectType));
    }

    #[test]
    fn what_protects_is_counted_and_what_processes_is_not() {
        let world = World::new();
        for purpose in USES {
            let counted = matches!(purpose, Use::Encrypt | Use::Sign | Use::Mac);
            for (unit, total, uses) in
                [(UsageLimitsUnit::Byte, 40, 2), (UsageLimitsUnit::Object, 3, 3)]
            {
                let limits = Attribute::UsageLimits(UsageLimits {
                    usage_limits_total: total,
                    usage_limits_count: None,
                    usage_limits_unit: unit,
                });
                let key = key(&world, purpose, vec![limits]);
                for _ in 0..uses {
                    assert!(world.run(request(purpose, &key)).is_ok(), "{purpose:?}");
                }
                if counted {
                    assert_eq!(
                        refusal(&world, purpose, &key),
                        (
                            UsageDenied::LimitReached.into(),
                            R::PermissionDenied,
                            R::PermissionDenied
                        )
                    );
                } else {
                    assert!(world.run(request(purpose, &key)).is_ok(), "{purpose:?}");
                }
                let left = world.object(&key);
                let left = left.attributes().usage_limits().unwrap().usage_limits_count.unwrap();
                let expected = match (counted, unit) {
                    (false, _) => total,
                    (true, UsageLimitsUnit::Byte) => 8,
                    (true, _) => 0,
                };
                assert_eq!(left, expected, "{purpose:?}");
            }
        }
    }
}
