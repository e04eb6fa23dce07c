//! Query (KMIP 2.1 §6.1.40, 1.4 §4.25).
//!
//! Says what the server offers, to the extent that the client asks. Repeatable.
//!
//! There are no Application Namespaces that the server makes values for, no extensions, no
//! attestation and no formal validations, so nothing is said of them. No profile is claimed before
//! all of its operations are there.

use kmip_model::{
    Value,
    attribute::{Attribute, RngParameters},
    enumeration::{
        AttestationType, ClientRegistrationMethod, DestroyAction, ObjectType, Operation,
        ProfileName, ProtectionStorageMask, QueryFunction, RngMode, ShreddingAlgorithm, Tag,
        UnwrapMode,
    },
    object::Object,
};

use super::IMPLEMENTED;
use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        create_object::{PROTECTION_STORAGE, random_number_generator},
        creation_defaults,
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// What the client wants to know.
    pub query_functions: Vec<QueryFunction>,
}

/// Response payload.
#[derive(Debug, Default, PartialEq)]
pub struct Response {
    /// Operations.
    pub operations: Vec<Operation>,
    /// Object Types.
    pub object_types: Vec<ObjectType>,
    /// Vendor Identification.
    pub vendor_identification: Option<String>,
    /// Server Information: fields under their tags.
    pub server_information: Option<Vec<(Tag, Value)>>,
    /// Application Namespaces.
    pub application_namespaces: Vec<String>,
    /// Extension Information, each the fields of one extension.
    pub extension_information: Vec<Vec<(Tag, Value)>>,
    /// Attestation Types.
    pub attestation_types: Vec<AttestationType>,
    /// RNG Parameters.
    pub rng_parameters: Vec<RngParameters>,
    /// Profiles.
    pub profiles: Vec<ProfileName>,
    /// Validation Information, each the fields of one validation.
    pub validation_information: Vec<Vec<(Tag, Value)>>,
    /// Capability Information: fields under their tags.
    pub capability_information: Option<Vec<(Tag, Value)>>,
    /// Client Registration Methods.
    pub client_registration_methods: Vec<ClientRegistrationMethod>,
    /// Defaults Information: for each object type the attributes that Create and others set.
    pub defaults_information: Vec<(ObjectType, Vec<Attribute>)>,
    /// Protection Storage Masks.
    pub protection_storage_masks: Vec<ProtectionStorageMask>,
}

/// The name of the program.
const PRODUCT_NAME: &str = "kmip-app";

#[expect(clippy::unused_async, reason = "every handler is run the same way")]
pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let mut response = Response::default();
    for function in &request.query_functions {
        answer(item, *function, &mut response);
    }
    Ok(response)
}

fn answer(item: &Item<'_>, function: QueryFunction, response: &mut Response) {
    match function {
        QueryFunction::QueryOperations => response.operations = operations(item),
        QueryFunction::QueryObjects => response.object_types = Object::TYPES.to_vec(),
        QueryFunction::QueryServerInformation => {
            let settings = item.settings();
            response.vendor_identification = Some(settings.vendor_identification.clone());
            response.server_information = Some(vec![
                (Tag::ServerVersion, Value::TextString(settings.server_version.clone())),
                (Tag::ProductName, Value::TextString(PRODUCT_NAME.to_owned())),
            ]);
        }
        QueryFunction::QueryRnGs => response.rng_parameters = vec![random_number_generator()],
        QueryFunction::QueryCapabilities => response.capability_information = Some(capabilities()),
        // Clients get their certificates from the operator, not through this protocol.
        QueryFunction::QueryClientRegistrationMethods => {
            response.client_registration_methods = vec![ClientRegistrationMethod::Unspecified];
        }
        QueryFunction::QueryDefaultsInformation => {
            response.defaults_information = creation_defaults::all();
        }
        QueryFunction::QueryStorageProtectionMasks => {
            response.protection_storage_masks = vec![PROTECTION_STORAGE];
        }
        // There is nothing to say, or the function is one of a later version.
        _ => {}
    }
}

fn operations(item: &Item<'_>) -> Vec<Operation> {
    let offered =
        |operation: &Operation| *operation != Operation::Interop || item.settings().interop;
    IMPLEMENTED.iter().copied().filter(offered).collect()
}

fn capabilities() -> Vec<(Tag, Value)> {
    vec![
        (Tag::StreamingCapability, Value::Boolean(false)),
        (Tag::AsynchronousCapability, Value::Boolean(false)),
        (Tag::AttestationCapability, Value::Boolean(false)),
        (Tag::BatchUndoCapability, Value::Boolean(true)),
        (Tag::BatchContinueCapability, Value::Boolean(true)),
        // A wrapped key stays as it was registered.
        (Tag::UnwrapMode, Value::Enumeration(UnwrapMode::NotProcessed.0)),
        (Tag::DestroyAction, Value::Enumeration(DestroyAction::KeyMaterialDeleted.0)),
        (Tag::ShreddingAlgorithm, Value::Enumeration(ShreddingAlgorithm::Unsupported.0)),
        (Tag::RngMode, Value::Enumeration(RngMode::Unspecified.0)),
        (Tag::QuantumSafeCapability, Value::Boolean(false)),
    ]
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{CryptographicAlgorithm, CryptographicUsageMask};

    use super::*;
    use crate::{ops, testing::World};

    fn ask(world: &World, query_functions: Vec<QueryFunction>) -> Response {
        match world.run(ops::Request::Query(Request { query_functions })) {
            Ok(ops::Response::Query(response)) => response,
            other => panic!("not an answer to Query: {other:?}"),
        }
    }

    #[test]
    fn only_what_is_asked_for_is_told() {
        let world = World::new();
        assert_eq!(ask(&world, Vec::new()), Response::default());
        let response = ask(&world, vec![QueryFunction::QueryObjects]);
        assert_eq!(
            response,
            Response { object_types: Object::TYPES.to_vec(), ..Response::default() }
        );
        let unknown = ask(&world, vec![QueryFunction(0x8000_0001)]);
        assert_eq!(unknown, Response::default());
    }

    #[test]
    fn interop_is_an_operation_only_when_it_is_switched_on() {
        let mut world = World::new();
        let operations = ask(&world, vec![QueryFunction::QueryOperations]).operations;
        assert_eq!(operations.len() + 1, IMPLEMENTED.len());
        assert!(!operations.contains(&Operation::Interop));
        world.settings.interop = true;
        let operations = ask(&world, vec![QueryFunction::QueryOperations]).operations;
        assert_eq!(operations, IMPLEMENTED);
    }

    #[test]
    fn the_server_says_who_it_is() {
        let mut world = World::new();
        world.settings.vendor_identification = "vendor".into();
        world.settings.server_version = "1.2.3".into();
        let response = ask(&world, vec![QueryFunction::QueryServerInformation]);
        assert_eq!(response.vendor_identification.as_deref(), Some("vendor"));
        let information = response.server_information.unwrap();
        assert!(information.contains(&(Tag::ServerVersion, Value::TextString("1.2.3".into()))));
    }

    #[test]
    fn the_defaults_are_those_that_create_uses() {
        let world = World::new();
        let response = ask(&world, vec![QueryFunction::QueryDefaultsInformation]);
        let mask = CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
        let symmetric = vec![
            Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Aes),
            Attribute::CryptographicLength(256),
            Attribute::CryptographicUsageMask(mask),
        ];
        assert_eq!(
            response.defaults_information.first(),
            Some(&(ObjectType::SymmetricKey, symmetric))
        );
        let identifier = world.create(Vec::new()).unwrap();
        for (_, attributes) in response.defaults_information.iter().take(1) {
            for attribute in attributes {
                let values = world.values(&identifier, attribute.tag());
                assert_eq!(values, [attribute.to_value()]);
            }
        }
    }

    #[test]
    fn what_the_server_does_not_do_is_said_too() {
        let world = World::new();
        let functions = vec![
            QueryFunction::QueryCapabilities,
            QueryFunction::QueryRnGs,
            QueryFunction::QueryStorageProtectionMasks,
            QueryFunction::QueryClientRegistrationMethods,
            QueryFunction::QueryProfiles,
            QueryFunction::QueryValidations,
        ];
        let response = ask(&world, functions);
        let capabilities = response.capability_information.unwrap();
        assert!(capabilities.contains(&(Tag::BatchUndoCapability, Value::Boolean(true))));
        assert!(capabilities.contains(&(Tag::StreamingCapability, Value::Boolean(false))));
        assert_eq!(response.rng_parameters, [random_number_generator()]);
        assert_eq!(response.protection_storage_masks, [PROTECTION_STORAGE]);
        assert_eq!(response.client_registration_methods, [ClientRegistrationMethod::Unspecified]);
        assert!(response.profiles.is_empty());
        assert!(response.validation_information.is_empty());
    }
}
