//! What known products send first, and which operations they cannot do without.
//!
//! Only what changes nothing is sent: Discover Versions, Query, and Locate with at most one result.
//! Products that begin by making an object are followed up to there; that the server offers what
//! they go on with is asked of Query in their version. What they do in full is in
//! `tests/tests/end_to_end`.

use kmip_model::enumeration::{
    CryptographicAlgorithm, ObjectType, Operation, QueryFunction, State, Tag,
};
use kmip_ttlv::Version;

use super::message::{
    Message, Part, enumeration, enumeration_attribute, integer_attribute, name, text_attribute,
};

/// A name that nobody gives to a key.
const NOBODY: &str = "kmip-app doctor: nobody has this name";

/// The longest answer that products on libkmip read.
const LIBKMIP: i32 = 8_192;

/// What one product wants of a server.
pub(super) struct Product {
    /// What it is called.
    pub(super) name: &'static str,
    /// The version in which it does most.
    pub(super) version: Version,
    /// The operations that it cannot do without.
    pub(super) needs: &'static [Operation],
    /// The messages that it sends first, in order, on one connection.
    pub(super) opening: fn() -> Vec<Message>,
}

/// Every product whose messages are known.
pub(super) const PRODUCTS: &[Product] = &[
    Product {
        name: "MongoDB drivers",
        version: Version::V1_0,
        needs: &[Operation::Register, Operation::Activate, Operation::Get],
        opening: || vec![operations(Version::V1_0)],
    },
    Product {
        name: "MongoDB Enterprise",
        version: Version::V1_2,
        needs: &[Operation::Create, Operation::Activate, Operation::Get, Operation::GetAttributes],
        opening: || vec![operations(Version::V1_2)],
    },
    Product {
        name: "Percona Server for MongoDB",
        version: Version::V1_0,
        needs: &[
            Operation::Register,
            Operation::Activate,
            Operation::GetAttributes,
            Operation::Get,
        ],
        opening: || vec![operations(Version::V1_0).at_most(LIBKMIP)],
    },
    Product {
        name: "Percona Server for MySQL",
        version: Version::V1_0,
        needs: &[
            Operation::Register,
            Operation::Locate,
            Operation::Get,
            Operation::GetAttributes,
            Operation::Activate,
            Operation::Revoke,
            Operation::Destroy,
        ],
        opening: percona_mysql,
    },
    Product {
        name: "MySQL Enterprise (okv)",
        version: Version::V1_1,
        needs: &[
            Operation::Create,
            Operation::Locate,
            Operation::Get,
            Operation::GetAttributes,
            Operation::AddAttribute,
            Operation::ModifyAttribute,
            Operation::DeleteAttribute,
            Operation::Activate,
            Operation::Revoke,
            Operation::Destroy,
        ],
        opening: mysql_okv,
    },
    Product {
        name: "Percona pg_tde",
        version: Version::V1_0,
        needs: &[Operation::Register, Operation::Locate, Operation::Get],
        opening: pg_tde,
    },
    Product {
        name: "Ceph RGW",
        version: Version::V1_0,
        needs: &[Operation::Locate, Operation::Get],
        opening: || vec![locate(Version::V1_0, vec![name(NOBODY)]).at_most(LIBKMIP)],
    },
    Product {
        name: "VMware vSphere",
        version: Version::V1_1,
        needs: &[
            Operation::DiscoverVersions,
            Operation::Query,
            Operation::Create,
            Operation::GetAttributes,
            Operation::AddAttribute,
            Operation::Get,
            Operation::Activate,
        ],
        opening: vsphere,
    },
    Product {
        name: "Synology DSM",
        version: Version::V1_2,
        needs: &[
            Operation::Register,
            Operation::ModifyAttribute,
            Operation::Locate,
            Operation::Activate,
            Operation::GetAttributes,
            Operation::Get,
            Operation::Revoke,
            Operation::Destroy,
        ],
        opening: synology,
    },
    Product {
        name: "FortiGate",
        version: Version::V1_4,
        needs: &[
            Operation::Create,
            Operation::Locate,
            Operation::Get,
            Operation::Activate,
            Operation::Destroy,
        ],
        opening: fortigate,
    },
    Product {
        name: "storage array (one batch)",
        version: Version::V1_0,
        needs: &[
            Operation::Query,
            Operation::Locate,
            Operation::Get,
            Operation::GetAttributes,
            Operation::Register,
        ],
        opening: storage_array,
    },
    Product {
        name: "VAST Data",
        version: Version::V1_4,
        needs: &[
            Operation::Create,
            Operation::AddAttribute,
            Operation::Activate,
            Operation::Locate,
            Operation::Get,
            Operation::GetAttributes,
            Operation::ReKey,
            Operation::Check,
            Operation::Revoke,
            Operation::Destroy,
        ],
        opening: || vec![discover(Version::V1_4), locate(Version::V1_4, vec![name(NOBODY)])],
    },
    Product {
        name: "Veeam Backup & Replication",
        version: Version::V1_4,
        needs: &[Operation::CreateKeyPair, Operation::Activate, Operation::Get, Operation::Destroy],
        opening: || vec![discover(Version::V1_4)],
    },
    Product {
        name: "OpenStack Barbican (PyKMIP)",
        version: Version::V1_2,
        needs: &[
            Operation::Create,
            Operation::CreateKeyPair,
            Operation::Register,
            Operation::Get,
            Operation::Destroy,
        ],
        opening: || vec![discover(Version::V1_2), operations(Version::V1_2)],
    },
    Product {
        name: "ScyllaDB Enterprise",
        version: Version::V1_4,
        needs: &[
            Operation::Locate,
            Operation::Create,
            Operation::Activate,
            Operation::Get,
            Operation::GetAttributes,
        ],
        opening: scylla,
    },
    Product {
        name: "Scality cloudserver",
        version: Version::V1_2,
        needs: &[
            Operation::Create,
            Operation::Activate,
            Operation::Encrypt,
            Operation::Decrypt,
            Operation::Revoke,
            Operation::Destroy,
        ],
        opening: scality,
    },
    Product {
        name: "NetApp StorageGRID",
        version: Version::V1_4,
        needs: &[Operation::Locate, Operation::Get],
        opening: || vec![locate(Version::V1_4, vec![name(NOBODY)])],
    },
    Product {
        name: "OpenBao auto-unseal",
        version: Version::V1_4,
        needs: &[Operation::GetAttributes, Operation::Encrypt, Operation::Decrypt],
        opening: || vec![discover(Version::V1_4)],
    },
    Product {
        name: "Krill",
        version: Version::V1_2,
        needs: &[
            Operation::Query,
            Operation::CreateKeyPair,
            Operation::Activate,
            Operation::Sign,
            Operation::Revoke,
            Operation::Destroy,
        ],
        opening: || vec![operations(Version::V1_2)],
    },
];

/// Asks which versions there are.
pub(super) fn discover(version: Version) -> Message {
    Message::one(version, Operation::DiscoverVersions, Vec::new())
}

/// Asks about these things.
pub(super) fn query(version: Version, functions: &[QueryFunction]) -> Message {
    Message::one(version, Operation::Query, asking(functions))
}

/// Asks which operations and types of object there are.
pub(super) fn operations(version: Version) -> Message {
    query(version, &[QueryFunction::QueryOperations, QueryFunction::QueryObjects])
}

fn asking(functions: &[QueryFunction]) -> Vec<Part> {
    functions.iter().map(|function| enumeration(Tag::QueryFunction, *function)).collect()
}

/// Looks for one object.
fn locate(version: Version, filters: Vec<Part>) -> Message {
    Message::one(version, Operation::Locate, one_of(filters))
}

fn one_of(filters: Vec<Part>) -> Vec<Part> {
    std::iter::once(Part::Integer(Tag::MaximumItems, 1)).chain(filters).collect()
}

/// Pages through the keys of a group, under a header that is older than pages.
fn percona_mysql() -> Vec<Message> {
    let page = |offset: Option<i32>| {
        let mut payload = vec![Part::Integer(Tag::MaximumItems, 1)];
        payload.extend(offset.map(|offset| Part::Integer(Tag::OffsetItems, offset)));
        payload.push(enumeration_attribute("Object Type", ObjectType::SymmetricKey));
        payload.push(text_attribute("Object Group", NOBODY));
        Message::one(Version::V1_0, Operation::Locate, payload).at_most(LIBKMIP)
    };
    // Another version on the same connection is what it goes on with.
    vec![page(None), page(Some(1)), operations(Version::V1_4).at_most(LIBKMIP)]
}

fn mysql_okv() -> Vec<Message> {
    let filters = vec![text_attribute("x-MySQL-Server", NOBODY)];
    vec![discover(Version::V1_1), locate(Version::V1_1, filters).at_most(280_000)]
}

fn pg_tde() -> Vec<Message> {
    let filters =
        vec![enumeration_attribute("Object Type", ObjectType::SymmetricKey), name(NOBODY)];
    vec![locate(Version::V1_0, filters).at_most(LIBKMIP)]
}

fn vsphere() -> Vec<Message> {
    let one = |operation, payload| {
        Message::new(Version::V1_1).item(b"QLKC\x01\0\0\0", operation, payload)
    };
    vec![
        discover(Version::V1_1),
        one(Operation::DiscoverVersions, Vec::new()),
        one(Operation::Query, asking(&[QueryFunction::QueryServerInformation])),
    ]
}

fn synology() -> Vec<Message> {
    let functions: Vec<QueryFunction> = (1..=6).map(QueryFunction).collect();
    vec![query(Version::V1_2, &functions), locate(Version::V1_2, vec![name(NOBODY)])]
}

/// The four keys of a tunnel, filters wrapped in a Template-Attribute.
fn fortigate() -> Vec<Message> {
    let keys: [&[u8]; 4] =
        [b"encryption-in", b"encryption-out", b"authentication-in", b"authentication-out"];
    let filter = || vec![Part::Structure(Tag::TemplateAttribute, vec![name(NOBODY)])];
    let batch = keys.into_iter().fold(Message::new(Version::V1_4), |message, key| {
        message.item(key, Operation::Locate, one_of(filter()))
    });
    vec![batch]
}

fn storage_array() -> Vec<Message> {
    let functions = [QueryFunction::QueryOperations, QueryFunction::QueryObjects];
    let filters =
        vec![text_attribute("x-ResourceID", NOBODY), text_attribute("x-SystemID", NOBODY)];
    vec![Message::new(Version::V1_0).item(b"1", Operation::Query, asking(&functions)).item(
        b"2",
        Operation::Locate,
        one_of(filters),
    )]
}

fn scylla() -> Vec<Message> {
    let filters = vec![
        enumeration_attribute("Object Type", ObjectType::SymmetricKey),
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        integer_attribute("Cryptographic Length", 128),
        enumeration_attribute("State", State::Active),
        integer_attribute("Cryptographic Usage Mask", 12),
        text_attribute("x-key-namespace", NOBODY),
    ];
    vec![discover(Version::V1_4), locate(Version::V1_4, filters)]
}

fn scality() -> Vec<Message> {
    let functions = [
        QueryFunction::QueryOperations,
        QueryFunction::QueryObjects,
        QueryFunction::QueryServerInformation,
        QueryFunction::QueryExtensionList,
    ];
    let one_by_one = functions.map(|function| query(Version::V1_2, &[function]));
    std::iter::once(discover(Version::V1_2)).chain(one_by_one).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_is_sent_that_changes_something() {
        const HARMLESS: [Operation; 3] =
            [Operation::DiscoverVersions, Operation::Query, Operation::Locate];
        for product in PRODUCTS {
            let messages = (product.opening)();
            assert!(!messages.is_empty(), "{}", product.name);
            for operation in messages.iter().flat_map(Message::operations) {
                assert!(HARMLESS.contains(&operation), "{}: {operation}", product.name);
            }
        }
    }

    #[test]
    fn a_locate_asks_for_one_object_at_most() {
        // Maximum Items, Integer, four bytes, 1.
        const ONE: [u8; 12] = [0x42, 0x00, 0x4F, 0x02, 0, 0, 0, 4, 0, 0, 0, 1];
        for product in PRODUCTS {
            for message in (product.opening)() {
                let bytes = message.to_bytes();
                let ones = bytes.windows(ONE.len()).filter(|window| *window == ONE).count();
                let locates = message.operations().filter(|it| *it == Operation::Locate).count();
                assert_eq!(ones, locates, "{}", product.name);
            }
        }
    }

    #[test]
    fn every_product_is_there_once() {
        let names: BTreeSet<&str> = PRODUCTS.iter().map(|product| product.name).collect();
        assert_eq!(names.len(), PRODUCTS.len());
    }
}
