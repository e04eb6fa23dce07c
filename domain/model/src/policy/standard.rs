//! The two policies that always exist: `default` (KMIP 1.4 §3.18.2) and `public` (1.4 §3.18.3).

use super::{Permission, Policy, PolicyRules};
use crate::enumeration::{ObjectType, Operation};

const READ: [Operation; 6] = [
    Operation::Locate,
    Operation::Check,
    Operation::Get,
    Operation::GetAttributes,
    Operation::GetAttributeList,
    Operation::ObtainLease,
];

const CHANGE: [Operation; 10] = [
    Operation::AddAttribute,
    Operation::ModifyAttribute,
    Operation::DeleteAttribute,
    Operation::SetAttribute,
    Operation::AdjustAttribute,
    Operation::Activate,
    Operation::Revoke,
    Operation::Destroy,
    Operation::Archive,
    Operation::Recover,
];

const USE: [Operation; 4] = [
    Operation::ReKey,
    Operation::ReKeyKeyPair,
    Operation::DeriveKey,
    Operation::GetUsageAllocation,
];

const TEMPLATE_READ: [Operation; 4] =
    [Operation::Locate, Operation::Get, Operation::GetAttributes, Operation::GetAttributeList];

const TEMPLATE_CHANGE: [Operation; 5] = [
    Operation::AddAttribute,
    Operation::ModifyAttribute,
    Operation::DeleteAttribute,
    Operation::SetAttribute,
    Operation::Destroy,
];

/// Everybody reads what is public by nature; all else is the owner's.
pub(super) fn default_policy() -> Policy {
    let mut rules = PolicyRules::default();
    for object_type in [ObjectType::Certificate, ObjectType::PublicKey] {
        rules = rules.with(object_type, &READ, Permission::AllowAll).with(
            object_type,
            &CHANGE,
            Permission::AllowOwner,
        );
    }
    for object_type in [
        ObjectType::SymmetricKey,
        ObjectType::PrivateKey,
        ObjectType::SplitKey,
        ObjectType::SecretData,
        ObjectType::OpaqueObject,
        ObjectType::PgpKey,
        ObjectType::CertificateRequest,
    ] {
        for operations in [&READ[..], &CHANGE, &USE] {
            rules = rules.with(object_type, operations, Permission::AllowOwner);
        }
    }
    for operations in [&TEMPLATE_READ[..], &TEMPLATE_CHANGE] {
        rules = rules.with(ObjectType::Template, operations, Permission::AllowOwner);
    }
    Policy { preset: Some(rules), ..Policy::default() }
}

/// Everybody reads templates, nobody changes them; nothing else is open to anybody.
pub(super) fn public_policy() -> Policy {
    let rules = PolicyRules::default()
        .with(ObjectType::Template, &TEMPLATE_READ, Permission::AllowAll)
        .with(ObjectType::Template, &TEMPLATE_CHANGE, Permission::DisallowAll);
    Policy { preset: Some(rules), ..Policy::default() }
}
