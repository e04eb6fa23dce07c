//! The words of policy files: object types, operations and permissions in upper snake case.

use kmip_model::{
    enumeration::{ObjectType, Operation},
    policy::Permission,
};

/// Object types as policy files write them.
const OBJECT_TYPES: [(&str, ObjectType); 10] = [
    ("CERTIFICATE", ObjectType::Certificate),
    ("SYMMETRIC_KEY", ObjectType::SymmetricKey),
    ("PUBLIC_KEY", ObjectType::PublicKey),
    ("PRIVATE_KEY", ObjectType::PrivateKey),
    ("SPLIT_KEY", ObjectType::SplitKey),
    ("TEMPLATE", ObjectType::Template),
    ("SECRET_DATA", ObjectType::SecretData),
    ("OPAQUE_DATA", ObjectType::OpaqueObject),
    ("PGP_KEY", ObjectType::PgpKey),
    ("CERTIFICATE_REQUEST", ObjectType::CertificateRequest),
];

/// Operations as policy files write them, in the order of their values.
const OPERATIONS: [(&str, Operation); 59] = [
    ("CREATE", Operation::Create),
    ("CREATE_KEY_PAIR", Operation::CreateKeyPair),
    ("REGISTER", Operation::Register),
    ("REKEY", Operation::ReKey),
    ("DERIVE_KEY", Operation::DeriveKey),
    ("CERTIFY", Operation::Certify),
    ("RECERTIFY", Operation::ReCertify),
    ("LOCATE", Operation::Locate),
    ("CHECK", Operation::Check),
    ("GET", Operation::Get),
    ("GET_ATTRIBUTES", Operation::GetAttributes),
    ("GET_ATTRIBUTE_LIST", Operation::GetAttributeList),
    ("ADD_ATTRIBUTE", Operation::AddAttribute),
    ("MODIFY_ATTRIBUTE", Operation::ModifyAttribute),
    ("DELETE_ATTRIBUTE", Operation::DeleteAttribute),
    ("OBTAIN_LEASE", Operation::ObtainLease),
    ("GET_USAGE_ALLOCATION", Operation::GetUsageAllocation),
    ("ACTIVATE", Operation::Activate),
    ("REVOKE", Operation::Revoke),
    ("DESTROY", Operation::Destroy),
    ("ARCHIVE", Operation::Archive),
    ("RECOVER", Operation::Recover),
    ("VALIDATE", Operation::Validate),
    ("QUERY", Operation::Query),
    ("CANCEL", Operation::Cancel),
    ("POLL", Operation::Poll),
    ("NOTIFY", Operation::Notify),
    ("PUT", Operation::Put),
    ("REKEY_KEY_PAIR", Operation::ReKeyKeyPair),
    ("DISCOVER_VERSIONS", Operation::DiscoverVersions),
    ("ENCRYPT", Operation::Encrypt),
    ("DECRYPT", Operation::Decrypt),
    ("SIGN", Operation::Sign),
    ("SIGNATURE_VERIFY", Operation::SignatureVerify),
    ("MAC", Operation::Mac),
    ("MAC_VERIFY", Operation::MacVerify),
    ("RNG_RETRIEVE", Operation::RngRetrieve),
    ("RNG_SEED", Operation::RngSeed),
    ("HASH", Operation::Hash),
    ("CREATE_SPLIT_KEY", Operation::CreateSplitKey),
    ("JOIN_SPLIT_KEY", Operation::JoinSplitKey),
    ("IMPORT", Operation::Import),
    ("EXPORT", Operation::Export),
    ("LOG", Operation::Log),
    ("LOGIN", Operation::Login),
    ("LOGOUT", Operation::Logout),
    ("DELEGATED_LOGIN", Operation::DelegatedLogin),
    ("ADJUST_ATTRIBUTE", Operation::AdjustAttribute),
    ("SET_ATTRIBUTE", Operation::SetAttribute),
    ("SET_ENDPOINT_ROLE", Operation::SetEndpointRole),
    ("PKCS_11", Operation::Pkcs11),
    ("INTEROP", Operation::Interop),
    ("REPROVISION", Operation::ReProvision),
    ("SET_DEFAULTS", Operation::SetDefaults),
    ("SET_CONSTRAINTS", Operation::SetConstraints),
    ("GET_CONSTRAINTS", Operation::GetConstraints),
    ("QUERY_ASYNCHRONOUS_REQUESTS", Operation::QueryAsynchronousRequests),
    ("PROCESS", Operation::Process),
    ("PING", Operation::Ping),
];

/// Permissions as policy files write them.
const PERMISSIONS: [(&str, Permission); 3] = [
    ("ALLOW_ALL", Permission::AllowAll),
    ("ALLOW_OWNER", Permission::AllowOwner),
    ("DISALLOW_ALL", Permission::DisallowAll),
];

/// Finds an object type by its word.
#[must_use]
pub fn object_type(word: &str) -> Option<ObjectType> {
    find(&OBJECT_TYPES, word)
}

/// Finds an operation by its word.
#[must_use]
pub fn operation(word: &str) -> Option<Operation> {
    find(&OPERATIONS, word)
}

/// Finds a permission by its word.
#[must_use]
pub fn permission(word: &str) -> Option<Permission> {
    find(&PERMISSIONS, word)
}

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kmip_model::enumeration::Enumeration;

    use super::*;

    fn covers<E: Enumeration>(table: &[(&str, E)]) {
        let words: BTreeSet<&str> = table.iter().map(|(word, _)| *word).collect();
        assert_eq!(words.len(), table.len());
        for member in E::MEMBERS {
            let entries = table.iter().filter(|(_, value)| value.value() == member.value);
            assert_eq!(entries.count(), 1, "{}", member.name);
        }
    }

    #[test]
    fn every_operation_and_object_type_has_one_word() {
        covers(&OPERATIONS);
        covers(&OBJECT_TYPES);
    }

    #[test]
    fn words_that_do_not_follow_from_the_names_are_those_of_pykmip() {
        for (word, expected) in [
            ("REKEY", Operation::ReKey),
            ("REKEY_KEY_PAIR", Operation::ReKeyKeyPair),
            ("RECERTIFY", Operation::ReCertify),
            ("PKCS_11", Operation::Pkcs11),
            ("REPROVISION", Operation::ReProvision),
        ] {
            assert_eq!(operation(word), Some(expected), "{word}");
        }
        assert_eq!(object_type("OPAQUE_DATA"), Some(ObjectType::OpaqueObject));
        assert_eq!(operation("get"), None);
        assert_eq!(permission("ALLOW"), None);
    }
}
