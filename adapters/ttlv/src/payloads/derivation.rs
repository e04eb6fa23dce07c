//! Payloads of Derive Key and Re-key (KMIP 2.1 §6.1.14, §7.12 and §6.1.46; 1.4 §4.6 and §4.4).

use kmip_operations::{
    ops::{
        derive_key::{self, DerivationParameters},
        re_key,
    },
    shared::create_object::TemplateAttribute,
};

use super::objects::StorageMasks;
use crate::{attributes::Template, schema::structure};

structure! { derive_key::Request {
    ObjectType object_type: required since V1_0;
    UniqueIdentifier unique_identifiers: repeated since V1_0;
    DerivationMethod derivation_method: required since V1_0;
    DerivationParameters derivation_parameters: required since V1_0;
    _ attributes: with(Template<TemplateAttribute>) since V1_0;
} }

structure! { DerivationParameters {
    CryptographicParameters cryptographic_parameters: optional since V1_0;
    InitializationVector initialization_vector: optional since V1_0;
    DerivationData derivation_data: repeated since V1_0;
    Salt salt: optional since V1_0;
    IterationCount iteration_count: optional since V1_0;
} }

structure! { derive_key::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

structure! { re_key::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    Offset offset: optional since V1_0;
    _ attributes: with(Template<TemplateAttribute>) since V1_0;
    _ protection_storage_masks: with(StorageMasks) since V2_0;
} }

structure! { re_key::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }
