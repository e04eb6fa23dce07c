//! Response messages (KMIP 2.1 §8.4 to §8.6, 1.4 §7).

use kmip_model::{
    DateTime,
    enumeration::{Enumeration as _, Operation, ResultReason, ResultStatus, Tag},
};
use kmip_operations::{
    message::{Measure, Outcome, ResponseItem, ResponseMessage},
    ops::Response,
    reason,
};

use super::{read_version_numbers, request::is_offered, write_version};
use crate::{
    dialect::dialect,
    fault::Fault,
    payloads,
    reader::{Element, Limits},
    schema::Context,
    version::Version,
    writer::Writer,
};

/// Writes a response message.
#[must_use]
pub fn write(version: Version, message: &ResponseMessage) -> Vec<u8> {
    let mut writer = Writer::new(version);
    writer.structure(Tag::ResponseMessage, |writer| {
        let [client, server] =
            [&message.client_correlation_value, &message.server_correlation_value];
        let count = message.items.len();
        write_header(writer, message.time_stamp, client.as_deref(), server.as_deref(), count);
        for item in &message.items {
            write_item(writer, item);
        }
    });
    writer.into_bytes()
}

fn write_header(
    writer: &mut Writer,
    time_stamp: DateTime,
    client_correlation_value: Option<&str>,
    server_correlation_value: Option<&str>,
    count: usize,
) {
    writer.structure(Tag::ResponseHeader, |writer| {
        write_version(writer, writer.version());
        writer.date_time(Tag::TimeStamp, time_stamp);
        if writer.version() >= Version::V1_4 {
            if let Some(value) = client_correlation_value {
                writer.text(Tag::ClientCorrelationValue, value);
            }
            if let Some(value) = server_correlation_value {
                writer.text(Tag::ServerCorrelationValue, value);
            }
        }
        writer.integer(Tag::BatchCount, i32::try_from(count).unwrap_or(i32::MAX));
    });
}

fn write_item(writer: &mut Writer, item: &ResponseItem) {
    writer.structure(Tag::BatchItem, |writer| {
        if let Some(operation) = item.operation {
            writer.enumeration(Tag::Operation, operation.0);
        }
        if let Some(id) = &item.unique_batch_item_id {
            writer.byte_string(Tag::UniqueBatchItemId, id);
        }
        match &item.outcome {
            Outcome::Success(response) => {
                writer.enumeration(Tag::ResultStatus, ResultStatus::Success.0);
                payloads::write_response(response, writer);
            }
            Outcome::Failed(error) => {
                let version = writer.version();
                let reason = reason::reason(error, item.operation, dialect(version).reasons);
                writer.enumeration(Tag::ResultStatus, ResultStatus::OperationFailed.0);
                writer.enumeration(Tag::ResultReason, spoken(reason, version).0);
                writer.text(Tag::ResultMessage, &reason::sentence(error));
            }
            //= KMIP-2.1 §9.6
            Outcome::Undone(response) => {
                writer.enumeration(Tag::ResultStatus, ResultStatus::OperationUndone.0);
                payloads::write_response(response, writer);
            }
        }
    });
}

/// Replaces a reason that the version has not got by one that it has.
pub(crate) fn spoken(reason: ResultReason, version: Version) -> ResultReason {
    let known = ResultReason::MEMBERS
        .iter()
        .find(|member| member.value == reason.0)
        .is_some_and(|member| Version(member.since.0, member.since.1) <= version);
    if known { reason } else { reason::older(reason) }
}

/// Measures answers of one version to one client.
pub struct SizeOf {
    version: Version,
    empty_size: usize,
}

impl SizeOf {
    /// Measures answers that echo this Client Correlation Value and have this Server Correlation
    /// Value.
    #[must_use]
    pub fn new(
        version: Version,
        client_correlation_value: Option<&str>,
        server_correlation_value: Option<&str>,
    ) -> Self {
        let mut writer = Writer::with_capacity(version, 256);
        let [client, server] = [client_correlation_value, server_correlation_value];
        writer.structure(Tag::ResponseMessage, |writer| {
            write_header(writer, DateTime(0), client, server, 0);
        });
        Self { version, empty_size: writer.len() }
    }
}

impl Measure for SizeOf {
    fn empty_size(&self) -> usize {
        self.empty_size
    }

    fn item_size(&self, item: &ResponseItem) -> usize {
        let mut writer = Writer::with_capacity(self.version, 512);
        write_item(&mut writer, item);
        writer.len()
    }
}

/// A response as a client reads it.
#[derive(Debug)]
pub struct Answer {
    /// The version it is in: major, minor.
    pub version: (i32, i32),
    /// Time Stamp.
    pub time_stamp: DateTime,
    /// The items.
    pub items: Vec<AnswerItem>,
}

/// One item of a response as a client reads it.
#[derive(Debug)]
pub struct AnswerItem {
    /// Operation.
    pub operation: Option<Operation>,
    /// Result Status.
    pub result_status: ResultStatus,
    /// Result Reason.
    pub result_reason: Option<ResultReason>,
    /// Result Message.
    pub result_message: Option<String>,
    /// The payload of a success; `None` also if the version has no such operation.
    pub payload: Option<Response>,
}

/// Reads a response message.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Answer, Fault> {
    let message = Element::parse(bytes, limits)?;
    let first = Context::new(Version::V1_0);
    let fields = message.fields()?;
    let header =
        fields.find(Tag::ResponseHeader)?.ok_or(Fault::missing(Tag::ResponseHeader))?.fields()?;
    let version =
        header.find(Tag::ProtocolVersion)?.ok_or(Fault::missing(Tag::ProtocolVersion))?.fields()?;
    let (major, minor) = read_version_numbers(&version, &first)?;
    let context = Context::new(
        Version::parse(major, minor).ok_or(Fault::out_of_range(Tag::ProtocolVersion))?,
    );
    let items = fields
        .find_all(Tag::BatchItem)
        .map(|item| read_item(item?, &context))
        .collect::<Result<_, _>>()?;
    Ok(Answer {
        version: (major, minor),
        time_stamp: header.required(Tag::TimeStamp, &context)?,
        items,
    })
}

fn read_item(item: Element<'_>, context: &Context) -> Result<AnswerItem, Fault> {
    let fields = item.fields()?;
    let operation: Option<Operation> = fields.optional(Tag::Operation, context)?;
    let offered = operation.filter(|operation| is_offered(*operation, context.version));
    let payload = match (offered, fields.find(Tag::ResponsePayload)?) {
        (Some(operation), Some(payload)) => payloads::read_response(operation, payload, context)?,
        _ => None,
    };
    Ok(AnswerItem {
        operation,
        result_status: fields.required(Tag::ResultStatus, context)?,
        result_reason: fields.optional(Tag::ResultReason, context)?,
        result_message: fields.optional(Tag::ResultMessage, context)?,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::ValidityIndicator;
    use kmip_operations::{OperationError, ops::mac_verify, processor::whole_message};

    use super::*;

    /// What a response with the payload of a MAC Verify is read as.
    fn read_mac_verify(version: Version) -> Option<Response> {
        let mut writer = Writer::new(version);
        writer.structure(Tag::ResponseMessage, |writer| {
            writer.structure(Tag::ResponseHeader, |writer| {
                write_version(writer, version);
                writer.date_time(Tag::TimeStamp, DateTime(1));
                writer.integer(Tag::BatchCount, 1);
            });
            writer.structure(Tag::BatchItem, |writer| {
                writer.enumeration(Tag::Operation, Operation::MacVerify.0);
                writer.enumeration(Tag::ResultStatus, ResultStatus::Success.0);
                writer.structure(Tag::ResponsePayload, |writer| {
                    writer.text(Tag::UniqueIdentifier, "1");
                    writer.enumeration(Tag::ValidityIndicator, ValidityIndicator::Valid.0);
                });
            });
        });
        let mut answer = read(&writer.into_bytes(), &Limits::default()).expect("a response");
        answer.items.remove(0).payload
    }

    #[test]
    fn the_payload_of_an_operation_that_the_version_has_not_got_stays_unread() {
        let expected = Response::MacVerify(mac_verify::Response {
            unique_identifier: kmip_model::UniqueIdentifier::new("1"),
            validity_indicator: Some(ValidityIndicator::Valid),
            correlation_value: None,
        });
        assert_eq!(read_mac_verify(Version::V1_1), None);
        assert_eq!(read_mac_verify(Version::V1_2), Some(expected));
    }

    #[test]
    fn what_is_measured_is_what_is_written() {
        let item = || whole_message(OperationError::NotFound);
        let message = ResponseMessage {
            time_stamp: DateTime(1),
            client_correlation_value: Some("client".to_owned()),
            server_correlation_value: Some("the server's".to_owned()),
            items: vec![item(), item()],
            measured: Vec::new(),
        };
        for version in Version::ALL {
            let size = SizeOf::new(version, Some("client"), Some("the server's"));
            let sum = size.empty_size() + 2 * size.item_size(&item());
            assert_eq!(write(version, &message).len(), sum, "{version}");
        }
    }
}
