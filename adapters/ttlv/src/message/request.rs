//! Request messages (KMIP 2.1 §8.1 to §8.3, 1.4 §7).
//!
//! The header is read first, so that whatever else is wrong is answered in the right version; each
//! item's payload is read by itself, so that a bad one spoils no other.

use kmip_model::{
    DateTime,
    enumeration::{
        AsynchronousIndicator, BatchErrorContinuationOption, Enumeration as _, Operation, Tag,
    },
};
use kmip_operations::{
    message::{PayloadFault, RequestItem, RequestMessage},
    ops::Request,
};

use super::{credential, read_version_numbers, write_version};
use crate::{
    dialect::dialect,
    fault::{Fault, FaultKind},
    item::ItemType,
    payloads,
    reader::{Element, Fields, Limits},
    schema::Context,
    version::Version,
    writer::Writer,
};

/// A request and the version it is in.
#[derive(Debug)]
pub struct Incoming {
    /// The version, in which the answer must be.
    pub version: Version,
    /// The request.
    pub message: RequestMessage,
}

/// A message that cannot be read, as far as it could be.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The version to answer in.
    pub version: Version,
    /// What is wrong.
    pub cause: Cause,
}

/// Why a message cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its version is none that is spoken.
    Version,
    /// Its bytes, or its fields, are not those of a message.
    Fault(Fault),
}

/// Reads a request message.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Incoming, Unreadable> {
    let version = peek_version(bytes);
    let answer_in = version.map_or(Version::V1_0, |(major, minor)| nearest(major, minor));
    let unreadable = |fault: Fault| Unreadable { version: answer_in, cause: Cause::Fault(fault) };
    let message = Element::parse(bytes, limits).map_err(unreadable)?;
    if message.tag != Tag::RequestMessage {
        return Err(unreadable(Fault::unexpected(message.tag)));
    }
    let header = header(message).map_err(unreadable)?;
    let (major, minor) = header_version(&header).map_err(unreadable)?;
    let Some(version) = Version::parse(major, minor) else {
        return Err(Unreadable { version: nearest(major, minor), cause: Cause::Version });
    };
    let message = read_message(message, &header, &Context::new(version))
        .map_err(|fault| Unreadable { version, cause: Cause::Fault(fault) })?;
    Ok(Incoming { version, message })
}

/// Finds the spoken version to answer one that is not.
fn nearest(major: i32, minor: i32) -> Version {
    Version::parse(major, minor).unwrap_or(match major {
        ..1 => Version::V1_0,
        1 => Version::V1_4,
        _ => Version::V2_1,
    })
}

/// Finds the version where every client writes it, even if the rest is damaged.
fn peek_version(bytes: &[u8]) -> Option<(i32, i32)> {
    const VERSION: &[u8] = &[0x42, 0x00, 0x69, 0x01, 0x00, 0x00, 0x00, 0x20];
    if bytes.get(16..24)? != VERSION {
        return None;
    }
    let number = |at: usize| {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(i32::from_be_bytes(bytes.try_into().ok()?))
    };
    Some((number(32)?, number(48)?))
}

fn header(message: Element<'_>) -> Result<Fields<'_>, Fault> {
    let header = message.fields()?.find(Tag::RequestHeader)?;
    header.ok_or_else(|| Fault::missing(Tag::RequestHeader))?.fields()
}

fn header_version(header: &Fields<'_>) -> Result<(i32, i32), Fault> {
    let version = header.find(Tag::ProtocolVersion)?;
    let version = version.ok_or_else(|| Fault::missing(Tag::ProtocolVersion))?.fields()?;
    read_version_numbers(&version, &Context::new(Version::V1_0))
}

fn read_message(
    message: Element<'_>,
    header: &Fields<'_>,
    context: &Context,
) -> Result<RequestMessage, Fault> {
    let batch_count: i32 = header.required(Tag::BatchCount, context)?;
    // Items are large: pushed, each is moved once.
    let mut items = Vec::new();
    for item in message.fields()?.find_all(Tag::BatchItem) {
        items.push(read_item(item?, context)?);
    }
    if usize::try_from(batch_count).ok() != Some(items.len()) {
        return Err(Fault::out_of_range(Tag::BatchCount));
    }
    let option: Option<BatchErrorContinuationOption> =
        header.optional(Tag::BatchErrorContinuationOption, context)?;
    let maximum: Option<i32> = header.optional(Tag::MaximumResponseSize, context)?;
    // Read for its form only: items always run in order.
    let _: Option<bool> = header.optional(Tag::BatchOrderOption, context)?;
    Ok(RequestMessage {
        dialect: dialect(context.version),
        maximum_response_size: maximum.and_then(|size| u32::try_from(size).ok()),
        client_correlation_value: header.optional(Tag::ClientCorrelationValue, context)?,
        server_correlation_value: None,
        asynchronous_only: asynchronous_only(header)?,
        credentials: match header.find(Tag::Authentication)? {
            Some(authentication) => credential::read(authentication, context)?,
            None => Vec::new(),
        },
        batch_error_continuation_option: option.unwrap_or(BatchErrorContinuationOption::Stop),
        time_stamp: read_time_stamp(header)?,
        items,
    })
}

/// Says whether the client takes an asynchronous answer only. In 1.x, and with Optional, it takes
/// both.
fn asynchronous_only(header: &Fields<'_>) -> Result<bool, Fault> {
    let Some(element) = header.find(Tag::AsynchronousIndicator)? else {
        return Ok(false);
    };
    match element.item_type {
        ItemType::Boolean => element.boolean().map(|_| false),
        _ => Ok(element.enumeration()? == AsynchronousIndicator::Mandatory.0),
    }
}

fn read_time_stamp(header: &Fields<'_>) -> Result<Option<DateTime>, Fault> {
    let Some(element) = header.find(Tag::TimeStamp)? else {
        return Ok(None);
    };
    match element.item_type {
        ItemType::DateTimeExtended => {
            let microseconds = element.date_time_extended()?;
            Ok(Some(DateTime(microseconds.div_euclid(1_000_000))))
        }
        _ => element.date_time().map(Some),
    }
}

fn read_item(item: Element<'_>, context: &Context) -> Result<RequestItem, Fault> {
    let fields = item.fields()?;
    let operation: Operation = fields.required(Tag::Operation, context)?;
    let mut critical_extension = false;
    for extension in fields.find_all(Tag::MessageExtension) {
        critical_extension |=
            extension?.fields()?.required::<bool>(Tag::CriticalityIndicator, context)?;
    }
    Ok(RequestItem {
        operation,
        unique_batch_item_id: fields.optional(Tag::UniqueBatchItemId, context)?,
        critical_extension,
        payload: read_payload(operation, &fields, context),
    })
}

fn read_payload(
    operation: Operation,
    fields: &Fields<'_>,
    context: &Context,
) -> Result<Request, PayloadFault> {
    if !is_offered(operation, context.version) {
        return Err(PayloadFault::OperationNotSupported);
    }
    let read = match fields.find(Tag::RequestPayload) {
        Ok(Some(payload)) => payloads::read_request(operation, payload, context),
        Ok(None) => Err(Fault::missing(Tag::RequestPayload)),
        Err(fault) => Err(fault),
    };
    match read {
        Ok(Some(request)) => Ok(request),
        Ok(None) => Err(PayloadFault::OperationNotSupported),
        Err(fault) => {
            tracing::debug!(%operation, %fault, "payload refused");
            Err(payload_fault(&fault))
        }
    }
}

/// Says whether a version has an operation. Clients of 1.0 ask for the versions all the same.
#[must_use]
pub fn is_offered(operation: Operation, version: Version) -> bool {
    operation == Operation::DiscoverVersions
        || Operation::MEMBERS
            .iter()
            .find(|member| member.value == operation.0)
            .is_some_and(|member| Version(member.since.0, member.since.1) <= version)
}

fn payload_fault(fault: &Fault) -> PayloadFault {
    match fault.kind {
        FaultKind::Missing => PayloadFault::Missing(fault.tag),
        FaultKind::Unexpected => PayloadFault::Unexpected(fault.tag),
        FaultKind::UnknownAttribute(_) => PayloadFault::UnknownAttribute,
        _ => PayloadFault::Malformed(fault.tag),
    }
}

/// What a client says in the header of a request.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Client Correlation Value.
    pub client_correlation_value: Option<String>,
    /// Maximum Response Size.
    pub maximum_response_size: Option<i32>,
}

/// Writes a request message with these items.
#[must_use]
pub fn write(version: Version, header: &Outgoing, requests: &[Request]) -> Vec<u8> {
    let mut writer = Writer::new(version);
    writer.structure(Tag::RequestMessage, |writer| {
        writer.structure(Tag::RequestHeader, |writer| {
            write_version(writer, version);
            if let Some(size) = header.maximum_response_size {
                writer.integer(Tag::MaximumResponseSize, size);
            }
            if let Some(value) = &header.client_correlation_value
                && version >= Version::V1_4
            {
                writer.text(Tag::ClientCorrelationValue, value);
            }
            let count = i32::try_from(requests.len()).unwrap_or(i32::MAX);
            writer.integer(Tag::BatchCount, count);
        });
        for (position, request) in requests.iter().enumerate() {
            writer.structure(Tag::BatchItem, |writer| {
                writer.enumeration(Tag::Operation, payloads::operation_of(request).0);
                if requests.len() > 1 {
                    writer.byte_string(Tag::UniqueBatchItemId, &position.to_be_bytes());
                }
                payloads::write_request(request, writer);
            });
        }
    });
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        Material,
        enumeration::{CredentialType, KeyFormatType, ObjectType, SecretDataType},
        object::{KeyBlock, KeyMaterial, Object},
    };
    use kmip_operations::{ops::register, shared::create_object::TemplateAttribute};

    use super::*;

    const SECRET: &str = "correct horse";

    fn register() -> Request {
        let key_material = KeyMaterial::Bytes(Material::from(SECRET.as_bytes()));
        Request::Register(register::Request {
            object_type: ObjectType::SecretData,
            attributes: TemplateAttribute::default(),
            object: Some(Object::SecretData {
                secret_data_type: SecretDataType::Password,
                key_block: KeyBlock::plain(KeyFormatType::Opaque, key_material),
            }),
            protection_storage_masks: Vec::new(),
        })
    }

    /// A message with a secret in its header and another in its payload.
    fn message(version: Version) -> Vec<u8> {
        let mut writer = Writer::new(version);
        writer.structure(Tag::RequestMessage, |writer| {
            writer.structure(Tag::RequestHeader, |writer| {
                write_version(writer, version);
                writer.structure(Tag::Authentication, |writer| {
                    writer.structure(Tag::Credential, |writer| {
                        let credential_type = CredentialType::UsernameAndPassword;
                        writer.enumeration(Tag::CredentialType, credential_type.0);
                        writer.structure(Tag::CredentialValue, |writer| {
                            writer.text(Tag::Username, "alice");
                            writer.text(Tag::Password, SECRET);
                        });
                    });
                });
                writer.integer(Tag::BatchCount, 1);
            });
            writer.structure(Tag::BatchItem, |writer| {
                writer.enumeration(Tag::Operation, Operation::Register.0);
                payloads::write_request(&register(), writer);
            });
        });
        writer.into_bytes()
    }

    #[test]
    fn what_was_read_shows_no_secret() {
        for version in Version::ALL {
            let read = read(&message(version), &Limits::default()).unwrap();
            assert_eq!(read.message.credentials.len(), 1);
            assert_eq!(read.message.items[0].payload, Ok(register()));
            let shown = format!("{read:?}");
            let bytes = format!("{:?}", SECRET.as_bytes());
            for secret in [SECRET, bytes.trim_matches(['[', ']'])] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}
