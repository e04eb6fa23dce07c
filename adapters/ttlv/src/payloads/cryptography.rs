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

#[cfg(test)]
mod tests {
    use kmip_model::{UniqueIdentifier, enumeration::ValidityIndicator};

    use super::*;
    use crate::{
        reader::{Element, Limits},
        schema::{Decode, Encode},
    };

    fn written(payload: &impl Encode, version: Version) -> Vec<u8> {
        let mut writer = Writer::new(version);
        payload.encode(Tag::ResponsePayload, &mut writer);
        writer.into_bytes()
    }

    fn tags(payload: &impl Encode, version: Version) -> Vec<Tag> {
        let bytes = written(payload, version);
        let payload = Element::parse(&bytes, &Limits::default()).unwrap();
        payload.children().map(|child| child.unwrap().tag).collect()
    }

    fn read<T: Decode>(bytes: &[u8], version: Version) -> Result<T, Fault> {
        T::decode(Element::parse(bytes, &Limits::default())?, &Context::new(version))
    }

    fn streaming() -> Streaming {
        Streaming {
            correlation_value: Some(vec![1; 16]),
            init_indicator: Some(false),
            final_indicator: Some(true),
        }
    }

    fn decrypt_request() -> decrypt::Request {
        decrypt::Request {
            unique_identifier: UniqueIdentifier::new("a").into(),
            cryptographic_parameters: None,
            data: Some(vec![2].into()),
            iv_counter_nonce: Some(vec![3]),
            streaming: streaming(),
            authenticated_encryption_additional_data: Some(vec![4]),
            authenticated_encryption_tag: Some(vec![5]),
        }
    }

    fn encrypt_response() -> encrypt::Response {
        encrypt::Response {
            unique_identifier: UniqueIdentifier::new("a"),
            data: Some(vec![1]),
            iv_counter_nonce: Some(vec![2]),
            correlation_value: Some(vec![3]),
            authenticated_encryption_tag: Some(vec![4]),
        }
    }

    #[test]
    fn fields_are_in_the_order_of_the_text_and_no_newer_than_the_version() {
        let request = [
            Tag::UniqueIdentifier,
            Tag::Data,
            Tag::IvCounterNonce,
            Tag::CorrelationValue,
            Tag::InitIndicator,
            Tag::FinalIndicator,
            Tag::AuthenticatedEncryptionAdditionalData,
            Tag::AuthenticatedEncryptionTag,
        ];
        let response = [
            Tag::UniqueIdentifier,
            Tag::Data,
            Tag::IvCounterNonce,
            Tag::CorrelationValue,
            Tag::AuthenticatedEncryptionTag,
        ];
        for (version, in_request, in_response) in [
            (Version::V1_2, 3, 3),
            (Version::V1_3, 6, 4),
            (Version::V1_4, 8, 5),
            (Version::V2_1, 8, 5),
        ] {
            assert_eq!(tags(&decrypt_request(), version), request[..in_request], "{version}");
            assert_eq!(tags(&encrypt_response(), version), response[..in_response], "{version}");
        }
        let verified = signature_verify::Response {
            unique_identifier: UniqueIdentifier::new("a"),
            validity_indicator: Some(ValidityIndicator::Invalid),
            data: None,
            correlation_value: None,
        };
        let expected = [Tag::UniqueIdentifier, Tag::ValidityIndicator];
        assert_eq!(tags(&verified, Version::V1_2), expected);
    }

    #[test]
    fn payloads_are_read_back() {
        for version in [Version::V1_4, Version::V2_0, Version::V2_1] {
            let bytes = written(&decrypt_request(), version);
            assert_eq!(read(&bytes, version), Ok(decrypt_request()));
            let bytes = written(&encrypt_response(), version);
            assert_eq!(read(&bytes, version), Ok(encrypt_response()));
            let request = signature_verify::Request {
                unique_identifier: UniqueIdentifier::new("a").into(),
                cryptographic_parameters: None,
                data: None,
                digested_data: Some(vec![1]),
                signature_data: Some(vec![2]),
                streaming: streaming(),
            };
            assert_eq!(read(&written(&request, version), version), Ok(request));
            let request = mac_verify::Request {
                unique_identifier: UniqueIdentifier::new("a").into(),
                cryptographic_parameters: None,
                data: Some(Vec::new().into()),
                mac_data: Some(vec![2]),
                streaming: Streaming::default(),
            };
            assert_eq!(read(&written(&request, version), version), Ok(request));
            let response = hash::Response { data: Some(vec![1]), correlation_value: None };
            assert_eq!(read(&written(&response, version), version), Ok(response));
        }
    }

    #[test]
    fn a_mac_has_no_tag() {
        let bytes = written(&decrypt_request(), Version::V2_1);
        assert_eq!(
            read::<mac::Request>(&bytes, Version::V2_1),
            Err(Fault::unexpected(Tag::IvCounterNonce))
        );
    }
}
