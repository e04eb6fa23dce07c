//! From commands to requests.

use kmip_model::{
    IdentifierRef, UniqueIdentifier,
    attribute::{
        Attribute, AttributeReference, CryptographicDomainParameters, Name, RevocationReason,
    },
    enumeration::{
        CryptographicAlgorithm, CryptographicUsageMask, Enumeration as _, KeyFormatType, Member,
        ObjectType, QueryFunction, RecommendedCurve, State, StorageStatusMask, Tag,
    },
    locate,
    value::Valued,
};
use kmip_operations::{
    ops::{
        self, Request, activate, create, create_key_pair, destroy, discover_versions, get,
        get_attributes, query, revoke,
    },
    shared::create_object::TemplateAttribute,
};
use kmip_ttlv::Version;

use super::{
    commands::{
        Attributes, Command, Create, CreateKeyPair, Get, Identified, Locate, Query, Revoke,
    },
    register,
};
use crate::report::Report;

/// The length of RSA keys if none is given, in bits.
const RSA_LENGTH: i32 = 3_072;

impl Command {
    /// Makes the request, or says why the version has no such one.
    pub(super) fn request(&self, version: Version) -> Result<Request, Report> {
        Ok(match self {
            Self::Query(query) => query.request(version),
            Self::DiscoverVersions => Request::DiscoverVersions(discover_versions::Request {
                protocol_versions: Vec::new(),
            }),
            Self::Create(create) => create.request(),
            Self::CreateKeyPair(create) => create.request(version)?,
            Self::Register(register) => register::request(register, version)?,
            Self::Get(get) => get.request(version),
            Self::Locate(locate) => {
                if locate.offset > 0 && version < Version::V1_3 {
                    return Err(too_old("--offset", Version::V1_3));
                }
                locate.request()
            }
            Self::Attributes(attributes) => attributes.request(),
            Self::Activate(identified) => {
                Request::Activate(activate::Request { unique_identifier: identified.reference() })
            }
            Self::Revoke(revoke) => revoke.request(),
            Self::Destroy(identified) => {
                Request::Destroy(destroy::Request { unique_identifier: identified.reference() })
            }
        })
    }
}

/// Says that something needs a newer version than the one that is spoken.
fn too_old(what: &str, since: Version) -> Report {
    Report::new(format!("{what} needs KMIP {since}: add --kmip-version {since} or later"))
}

/// Returns the version that introduced a member.
fn since(members: &[Member], value: u32) -> Version {
    members
        .iter()
        .find(|member| member.value == value)
        .map_or(Version::V1_0, |member| Version(member.since.0, member.since.1))
}

fn identifier(text: &str) -> IdentifierRef {
    UniqueIdentifier::new(text).into()
}

/// Puts the bits of a mask together.
pub(super) fn mask(bits: &[CryptographicUsageMask]) -> CryptographicUsageMask {
    bits.iter().fold(CryptographicUsageMask::default(), |mask, bit| mask.union(*bit))
}

/// Makes the attributes that every new object may have.
pub(super) fn common<'a>(
    names: impl IntoIterator<Item = &'a String>,
    object_group: Option<&String>,
) -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> =
        names.into_iter().map(|name| Attribute::Name(Name::text(name))).collect();
    attributes.extend(object_group.cloned().map(Attribute::ObjectGroup));
    attributes
}

fn template(attributes: Vec<Attribute>) -> TemplateAttribute {
    TemplateAttribute { names: Vec::new(), attributes }
}

impl Query {
    fn request(&self, version: Version) -> Request {
        let query_functions = if self.functions.is_empty() {
            let members = QueryFunction::MEMBERS;
            members
                .iter()
                .map(|member| QueryFunction(member.value))
                .filter(|function| since(members, function.0) <= version)
                .collect()
        } else {
            self.functions.clone()
        };
        Request::Query(query::Request { query_functions })
    }
}

impl Create {
    pub(super) fn request(&self) -> Request {
        let mut attributes = vec![
            Attribute::CryptographicAlgorithm(self.algorithm),
            Attribute::CryptographicLength(self.length),
            Attribute::CryptographicUsageMask(mask(&self.usage)),
        ];
        attributes.extend(common(&self.name, self.object_group.as_ref()));
        Request::Create(create::Request {
            object_type: ObjectType::SymmetricKey,
            attributes: template(attributes),
            protection_storage_masks: Vec::new(),
        })
    }
}

impl CreateKeyPair {
    fn request(&self, version: Version) -> Result<Request, Report> {
        let members = CryptographicAlgorithm::MEMBERS;
        let algorithm = match self.algorithm {
            // The name of elliptic curve keys before there was one for all of them.
            CryptographicAlgorithm::Ec if version < Version::V1_2 => CryptographicAlgorithm::Ecdsa,
            other => other,
        };
        if since(members, algorithm.0) > version {
            return Err(too_old(&algorithm.to_string(), since(members, algorithm.0)));
        }
        let (length, curve) = match algorithm {
            CryptographicAlgorithm::Rsa => (self.length.or(Some(RSA_LENGTH)), self.curve),
            CryptographicAlgorithm::Ec | CryptographicAlgorithm::Ecdsa if self.length.is_none() => {
                (None, self.curve.or(Some(RecommendedCurve::P256)))
            }
            _ => (self.length, self.curve),
        };
        let mut both = vec![Attribute::CryptographicAlgorithm(algorithm)];
        both.extend(length.map(Attribute::CryptographicLength));
        if curve.is_some() {
            both.push(Attribute::CryptographicDomainParameters(CryptographicDomainParameters {
                qlength: None,
                recommended_curve: curve,
            }));
        }
        both.extend(common([], self.object_group.as_ref()));
        let own = |suffix: &str, usage: &[CryptographicUsageMask]| {
            let name = self.name.as_ref().map(|name| format!("{name}-{suffix}"));
            let mut attributes = vec![Attribute::CryptographicUsageMask(mask(usage))];
            attributes.extend(common(&name, None));
            template(attributes)
        };
        Ok(Request::CreateKeyPair(create_key_pair::Request {
            common_attributes: template(both),
            private_key_attributes: own("private", &self.private_usage),
            public_key_attributes: own("public", &self.public_usage),
            common_protection_storage_masks: Vec::new(),
            private_protection_storage_masks: Vec::new(),
            public_protection_storage_masks: Vec::new(),
        }))
    }
}

impl Get {
    pub(super) fn request(&self, version: Version) -> Request {
        let key_format_type = self.format.map(|format| spoken(format, version));
        Request::Get(get::Request {
            unique_identifier: identifier(&self.identifier),
            key_format_type,
            key_wrap_type: None,
            key_compression_type: None,
            key_wrapping_specification: None,
        })
    }
}

/// Returns what the transparent forms of elliptic curve keys were called before 1.3.
fn spoken(format: KeyFormatType, version: Version) -> KeyFormatType {
    match format {
        KeyFormatType::TransparentEcPrivateKey if version < Version::V1_3 => {
            KeyFormatType::TransparentEcdsaPrivateKey
        }
        KeyFormatType::TransparentEcPublicKey if version < Version::V1_3 => {
            KeyFormatType::TransparentEcdsaPublicKey
        }
        other => other,
    }
}

impl Locate {
    pub(super) fn request(&self) -> Request {
        let mut filters = Vec::new();
        let mut filter = |tag, value| {
            filters.push(locate::Filter { reference: AttributeReference::Standard(tag), value });
        };
        if let Some(name) = &self.name {
            filter(Tag::Name, Name::text(name).to_value());
        }
        if let Some(object_type) = self.object_type {
            filter(Tag::ObjectType, object_type.to_value());
        }
        if let Some(state) = self.state {
            filter(Tag::State, state.to_value());
        }
        if let Some(algorithm) = self.algorithm {
            filter(Tag::CryptographicAlgorithm, algorithm.to_value());
        }
        if let Some(group) = &self.object_group {
            filter(Tag::ObjectGroup, group.to_value());
        }
        // Destroyed objects are found only where they are asked for.
        let destroyed = matches!(self.state, Some(State::Destroyed | State::DestroyedCompromised));
        Request::Locate(ops::locate::Request {
            query: locate::Locate {
                filters,
                offset: self.offset.into(),
                maximum: self.maximum.map(Into::into),
                storage_status_mask: destroyed.then_some(StorageStatusMask::DESTROYED_STORAGE),
                object_group_member: None,
            },
        })
    }
}

impl Attributes {
    fn request(&self) -> Request {
        Request::GetAttributes(get_attributes::Request {
            unique_identifier: identifier(&self.identifier),
            attribute_references: self.names.clone(),
        })
    }
}

impl Identified {
    fn reference(&self) -> IdentifierRef {
        identifier(&self.identifier)
    }
}

impl Revoke {
    fn request(&self) -> Request {
        Request::Revoke(revoke::Request {
            unique_identifier: identifier(&self.identifier),
            revocation_reason: RevocationReason {
                revocation_reason_code: self.reason,
                revocation_message: self.message.clone(),
            },
            compromise_occurrence_date: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use kmip_ttlv::{
        Limits,
        message::request::{self, Outgoing},
    };

    use super::*;

    /// Sends a request through the codec, as a server would read it.
    fn read_back(request: Request, version: Version) -> Request {
        let bytes = request::write(version, &Outgoing::default(), &[request]);
        let mut message = request::read(&bytes, &Limits::default()).unwrap().message;
        assert_eq!(message.items.len(), 1);
        message.items.remove(0).payload.unwrap()
    }

    fn locate() -> Locate {
        Locate {
            name: Some("n".to_owned()),
            object_type: Some(ObjectType::SymmetricKey),
            maximum: Some(7),
            ..Locate::default()
        }
    }

    fn key_pair(algorithm: CryptographicAlgorithm) -> CreateKeyPair {
        CreateKeyPair {
            algorithm,
            length: None,
            curve: None,
            name: Some("n".to_owned()),
            private_usage: vec![CryptographicUsageMask::SIGN],
            public_usage: vec![CryptographicUsageMask::VERIFY],
            object_group: Some("g".to_owned()),
        }
    }

    fn every_command() -> Vec<Command> {
        let identified = || Identified { identifier: "id".to_owned() };
        vec![
            Command::Query(Query::default()),
            Command::DiscoverVersions,
            Command::Create(Create {
                algorithm: CryptographicAlgorithm::Aes,
                length: 256,
                name: vec!["a".to_owned(), "b".to_owned()],
                usage: vec![CryptographicUsageMask::ENCRYPT, CryptographicUsageMask::DECRYPT],
                object_group: Some("g".to_owned()),
            }),
            Command::CreateKeyPair(key_pair(CryptographicAlgorithm::Rsa)),
            Command::CreateKeyPair(key_pair(CryptographicAlgorithm::Ec)),
            Command::Get(Get {
                identifier: "id".to_owned(),
                format: Some(KeyFormatType::TransparentEcPrivateKey),
                output: None,
            }),
            Command::Locate(locate()),
            Command::Attributes(Attributes {
                identifier: "id".to_owned(),
                names: vec![AttributeReference::Standard(Tag::State)],
            }),
            Command::Activate(identified()),
            Command::Revoke(Revoke {
                identifier: "id".to_owned(),
                reason: kmip_model::enumeration::RevocationReasonCode::KeyCompromise,
                message: Some("lost".to_owned()),
            }),
            Command::Destroy(identified()),
        ]
    }

    #[test]
    fn every_request_is_read_by_a_server_as_it_was_meant() {
        for version in Version::ALL {
            for command in every_command() {
                let made = || command.request(version).unwrap();
                assert_eq!(read_back(made(), version), made(), "{version}");
            }
        }
    }

    #[test]
    fn both_keys_of_a_pair_have_a_name_of_their_own() {
        let Request::CreateKeyPair(request) =
            key_pair(CryptographicAlgorithm::Rsa).request(Version::V2_1).unwrap()
        else {
            panic!("not Create Key Pair");
        };
        for (attributes, name) in [
            (request.private_key_attributes, "n-private"),
            (request.public_key_attributes, "n-public"),
        ] {
            assert!(attributes.attributes.contains(&Attribute::Name(Name::text(name))));
        }
        assert!(
            request.common_attributes.attributes.contains(&Attribute::CryptographicLength(3_072))
        );
    }

    #[test]
    fn what_a_version_has_not_is_refused_here() {
        let error = key_pair(CryptographicAlgorithm::Ed25519).request(Version::V1_4).unwrap_err();
        assert_eq!(error.to_string(), "Ed25519 needs KMIP 2.0: add --kmip-version 2.0 or later");
        assert!(key_pair(CryptographicAlgorithm::Ed25519).request(Version::V2_0).is_ok());
        let paged = Command::Locate(Locate { offset: 1, ..locate() });
        assert!(paged.request(Version::V1_2).is_err());
        assert!(paged.request(Version::V1_3).is_ok());
    }

    #[test]
    fn a_query_asks_for_no_more_than_the_version_has() {
        let functions = |version| match Query::default().request(version) {
            Request::Query(query) => query.query_functions,
            _ => panic!("not Query"),
        };
        assert_eq!(
            functions(Version::V1_0).last(),
            Some(&QueryFunction::QueryApplicationNamespaces)
        );
        assert!(functions(Version::V2_1).contains(&QueryFunction::QueryStorageProtectionMasks));
    }

    #[test]
    fn destroyed_objects_are_looked_for_where_they_are() {
        let gone = Locate { state: Some(State::Destroyed), ..Locate::default() };
        let Request::Locate(request) = gone.request() else {
            panic!("not Locate");
        };
        assert!(request.query.wants_destroyed());
        assert!(!request.query.wants_on_line());
    }
}
