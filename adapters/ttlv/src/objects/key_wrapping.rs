//! Key Wrapping Data and Key Wrapping Specification (KMIP 2.1 §3.3 and §7.18, 1.4 §2.1.5 and
//! §2.1.6).

use kmip_model::object::{KeyInformation, KeyWrappingData, KeyWrappingSpecification};

use crate::schema::structure;

structure! { KeyWrappingData {
    WrappingMethod wrapping_method: required since V1_0;
    EncryptionKeyInformation encryption_key_information: optional since V1_0;
    MacSignatureKeyInformation mac_signature_key_information: optional since V1_0;
    MacSignature mac_signature: optional since V1_0;
    IvCounterNonce iv_counter_nonce: optional since V1_0;
    EncodingOption encoding_option: optional since V1_1;
} }

structure! { KeyInformation {
    UniqueIdentifier unique_identifier: required since V1_0;
    CryptographicParameters cryptographic_parameters: optional since V1_0;
} }

// Attribute Name is a Text String here in 2.x too.
structure! { KeyWrappingSpecification {
    WrappingMethod wrapping_method: required since V1_0;
    EncryptionKeyInformation encryption_key_information: optional since V1_0;
    MacSignatureKeyInformation mac_signature_key_information: optional since V1_0;
    AttributeName attribute_names: repeated since V1_0;
    EncodingOption encoding_option: optional since V1_1;
} }
