//! Payloads of Encrypt, Decrypt, Sign, Signature Verify, MAC, MAC Verify and Hash (KMIP 2.1 §6.1.17,
//! §6.1.11, §6.1.55, §6.1.56, §6.1.32, §6.1.33, §6.1.24; 1.4 §4.29 to §4.34 and §4.37).

use kmip_model::enumeration::Tag;
use kmip_operations::{
    ops::{decrypt, encrypt, hash, mac, mac_verify, sign, signature_verify},
    shared::stream::Streaming,
};

use crate::{
    fault::Fault,
    reader::Fields,
    schema::{Context, Encode as _, Shape, structure},
    version::{Span, Version},
    writer::Writer,
};

structure! { encrypt::Request {
    UniqueIdentifier unique_identifier: default since V1_2;
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    IvCounterNonce iv_counter_nonce: optional since V1_2;
    _ streaming: with(Indicators) since V1_3;
    AuthenticatedEncryptionAdditionalData authenticated_encryption_additional_data: optional since V1_4;
} }

structure! { encrypt::Response {
    UniqueIdentifier unique_identifier: required since V1_2;
    Data data: optional since V1_2;
    IvCounterNonce iv_counter_nonce: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
    AuthenticatedEncryptionTag authenticated_encryption_tag: optional since V1_4;
} }

structure! { decrypt::Request {
    UniqueIdentifier unique_identifier: default since V1_2;
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    IvCounterNonce iv_counter_nonce: optional since V1_2;
    _ streaming: with(Indicators) since V1_3;
    AuthenticatedEncryptionAdditionalData authenticated_encryption_additional_data: optional since V1_4;
    AuthenticatedEncryptionTag authenticated_encryption_tag: optional since V1_4;
} }

structure! { decrypt::Response {
    UniqueIdentifier unique_identifier: required since V1_2;
    Data data: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
} }

structure! { sign::Request {
    UniqueIdentifier unique_identifier: default since V1_2;
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    DigestedData digested_data: optional since V1_4;
    _ streaming: with(Indicators) since V1_3;
} }

structure! { sign::Response {
    UniqueIdentifier unique_identifier: required since V1_2;
    SignatureData signature_data: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
} }

structure! { signature_verify::Request {
    UniqueIdentifier unique_identifier: default since V1_2;
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    DigestedData digested_data: optional since V1_4;
    SignatureData signature_data: optional since V1_2;
    _ streaming: with(Indicators) since V1_3;
} }

structure! { signature_verify::Response {
    UniqueIdentifier unique_identifier: required since V1_2;
    ValidityIndicator validity_indicator: optional since V1_2;
    Data data: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
} }

structure! { mac::Request {
    UniqueIdentifier unique_identifier: default since V1_2;
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    _ streaming: with(Indicators) since V1_3;
} }

structure! { mac::Response {
    UniqueIdentifier unique_identifier: required since V1_2;
    MacData mac_data: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
} }

structure! { mac_verify::Request {
    UniqueIdentifier unique_identifier: default since V1_2;
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    MacData mac_data: optional since V1_2;
    _ streaming: with(Indicators) since V1_3;
} }

structure! { mac_verify::Response {
    UniqueIdentifier unique_identifier: required since V1_2;
    ValidityIndicator validity_indicator: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
} }

structure! { hash::Request {
    CryptographicParameters cryptographic_parameters: optional since V1_2;
    Data data: optional since V1_2;
    _ streaming: with(Indicators) since V1_3;
} }

structure! { hash::Response {
    Data data: optional since V1_2;
    CorrelationValue correlation_value: optional since V1_3;
} }

/// Correlation Value, Init Indicator and Final Indicator, which stand together wherever they are.
struct Indicators;

impl Shape for Indicators {
    type Value = Streaming;

    fn knows(tag: Tag, context: &Context) -> bool {
        let span = Span { since: Version::V1_3, until: None };
        let one_of =
            matches!(tag, Tag::CorrelationValue | Tag::InitIndicator | Tag::FinalIndicator);
        one_of && context.version.reads(span)
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Streaming, Fault> {
        Ok(Streaming {
            correlation_value: fields.optional(Tag::CorrelationValue, context)?,
            init_indicator: fields.optional(Tag::InitIndicator, context)?,
            final_indicator: fields.optional(Tag::FinalIndicator, context)?,
        })
    }

    fn write(value: &Streaming, writer: &mut Writer) {
        value.correlation_value.encode(Tag::CorrelationValue, writer);
        value.init_indicator.encode(Tag::InitIndicator, writer);
        value.final_indicator.encode(Tag::FinalIndicator, writer);
    }
}
