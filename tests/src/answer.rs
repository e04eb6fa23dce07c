//! Response messages, read as strictly as the strictest client does (KMIP 2.1 §8.4, 1.4 §7.2).
//!
//! Whoever breaks a rule that holds for every answer fails the test that asked: the order of the
//! fields, what a success and a failure consist of, the version of the request, nothing newer
//! than it, every item echoed.

use kmip_model::enumeration::{Enumeration as _, Operation, ResultReason, ResultStatus, Tag};

use crate::tree::{Item, Value};

/// The fields of a response header, in their order.
const HEADER: [Tag; 5] = [
    Tag::ProtocolVersion,
    Tag::TimeStamp,
    Tag::ClientCorrelationValue,
    Tag::ServerCorrelationValue,
    Tag::BatchCount,
];

/// The fields of a batch item, in their order.
const ITEM: [Tag; 6] = [
    Tag::Operation,
    Tag::UniqueBatchItemId,
    Tag::ResultStatus,
    Tag::ResultReason,
    Tag::ResultMessage,
    Tag::ResponsePayload,
];

/// A well-formed response message.
#[derive(Clone, Debug)]
pub struct Answer {
    message: Item,
}

impl Answer {
    /// Takes the answer to a request.
    pub fn to(request: &Item, message: Item) -> Self {
        let number = |path: &str| match request.at(path).map(|item| &item.value) {
            Some(Value::Integer(number)) => *number,
            other => panic!("{path} of the request is {other:?}"),
        };
        let version = (
            number("RequestHeader/ProtocolVersion/ProtocolVersionMajor"),
            number("RequestHeader/ProtocolVersion/ProtocolVersionMinor"),
        );
        let answer = Self::of(version, message);
        let items = || answer.message.all(Tag::BatchItem);
        let whole = items().all(|item| item.get(Tag::Operation).is_none());
        if !whole {
            for (asked, item) in request.all(Tag::BatchItem).zip(items()) {
                for echoed in [Tag::Operation, Tag::UniqueBatchItemId] {
                    assert_eq!(item.get(echoed), asked.get(echoed), "{echoed} is echoed");
                }
            }
        }
        answer
    }

    /// Takes an answer that must have this version.
    pub fn of(version: (i32, i32), message: Item) -> Self {
        assert_eq!(message.tag, Tag::ResponseMessage);
        let header = message.children().first().expect("there is a header");
        assert_eq!(header.tag, Tag::ResponseHeader);
        in_order(header, &HEADER);
        for required in [Tag::ProtocolVersion, Tag::TimeStamp, Tag::BatchCount] {
            assert!(header.get(required).is_some(), "{required} is in {header:?}");
        }
        let (major, minor) = version;
        assert_eq!(
            header.get(Tag::ProtocolVersion),
            Some(&crate::request::protocol_version(major, minor)),
            "the answer has the version of the request"
        );
        let items: Vec<&Item> = message.children().iter().skip(1).collect();
        let count = i32::try_from(items.len()).expect("there are few items");
        assert_eq!(header.integer(Tag::BatchCount), Some(count));
        for item in items {
            assert_eq!(item.tag, Tag::BatchItem);
            well_formed(item);
        }
        nothing_newer(&message, version);
        Self { message }
    }

    /// Returns the whole message.
    pub fn message(&self) -> &Item {
        &self.message
    }

    /// Returns the header.
    pub fn header(&self) -> &Item {
        self.message.get(Tag::ResponseHeader).expect("it was found above")
    }

    /// Returns the time at which the server answered.
    pub fn time_stamp(&self) -> i64 {
        match self.header().get(Tag::TimeStamp).map(|item| &item.value) {
            Some(Value::DateTime(seconds)) => *seconds,
            other => panic!("Time Stamp is {other:?}"),
        }
    }

    /// Returns how many items were answered.
    pub fn count(&self) -> usize {
        self.message.all(Tag::BatchItem).count()
    }

    /// Returns an item, from 0 on.
    pub fn item(&self, position: usize) -> &Item {
        let item = self.message.all(Tag::BatchItem).nth(position);
        item.unwrap_or_else(|| panic!("there is no item {position} in {:?}", self.message))
    }

    /// Returns the Result Status of an item.
    pub fn status(&self, position: usize) -> ResultStatus {
        ResultStatus(self.item(position).enumeration(Tag::ResultStatus).expect("it was found"))
    }

    /// Returns the payload of an item that succeeded.
    pub fn payload_of(&self, position: usize) -> &Item {
        let item = self.item(position);
        assert_eq!(self.status(position), ResultStatus::Success, "{item:?}");
        item.get(Tag::ResponsePayload).expect("a success has a payload")
    }

    /// Returns the Result Reason of an item that failed.
    pub fn reason_of(&self, position: usize) -> ResultReason {
        let item = self.item(position);
        assert_eq!(self.status(position), ResultStatus::OperationFailed, "{item:?}");
        ResultReason(item.enumeration(Tag::ResultReason).expect("a failure has a reason"))
    }

    /// Returns the payload of the only item.
    pub fn payload(&self) -> &Item {
        assert_eq!(self.count(), 1);
        self.payload_of(0)
    }

    /// Returns the fields of the payload of the only item.
    pub fn fields(&self) -> &[Item] {
        self.payload().children()
    }

    /// Returns the Result Reason of the only item.
    pub fn reason(&self) -> ResultReason {
        assert_eq!(self.count(), 1);
        self.reason_of(0)
    }

    /// Returns the Result Message of the only item.
    pub fn result_message(&self) -> &str {
        self.item(0).text_of(Tag::ResultMessage).expect("a failure has a message")
    }

    /// Returns the Unique Identifier of the only item.
    pub fn identifier(&self) -> String {
        self.identifier_of(0)
    }

    /// Returns the Unique Identifier of an item that succeeded.
    pub fn identifier_of(&self, position: usize) -> String {
        let payload = self.payload_of(position);
        let identifier = payload.text_of(Tag::UniqueIdentifier);
        identifier.unwrap_or_else(|| panic!("there is no identifier in {payload:?}")).to_owned()
    }

    /// Returns all Unique Identifiers of the only item.
    pub fn identifiers(&self) -> Vec<String> {
        let all = self.payload().all(Tag::UniqueIdentifier).filter_map(Item::as_text);
        all.map(str::to_owned).collect()
    }

    /// Returns the Key Material of the only item, wherever its object has it.
    pub fn key_material(&self) -> &[u8] {
        let payload = self.payload();
        let material = payload.walk().into_iter().find(|item| item.tag == Tag::KeyMaterial);
        match material.map(|item| &item.value) {
            Some(Value::ByteString(bytes)) => bytes,
            other => panic!("Key Material is {other:?}"),
        }
    }

    /// Returns the value of the first instance of an attribute of 1.x in the only item.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let mut attributes = self.payload().all(Tag::Attribute);
        let found = attributes.find(|item| item.text_of(Tag::AttributeName) == Some(name))?;
        found.get(Tag::AttributeValue).map(|item| &item.value)
    }
}

/// Says whether a version has what was introduced and removed then.
fn has((major, minor): (i32, i32), since: (u8, u8), until: Option<(u8, u8)>) -> bool {
    let numbers = |version: (u8, u8)| (i32::from(version.0), i32::from(version.1));
    (major, minor) >= numbers(since) && until.is_none_or(|until| (major, minor) < numbers(until))
}

fn nothing_newer(message: &Item, version: (i32, i32)) {
    for item in message.walk() {
        let member = Tag::MEMBERS.iter().find(|member| member.value == item.tag.0);
        let member = member.unwrap_or_else(|| panic!("{} is no standard tag", item.tag));
        assert!(
            has(version, member.since, member.until),
            "{} is not of version {version:?}: {message:?}",
            item.tag
        );
    }
    for item in message.all(Tag::BatchItem) {
        let Some(reason) = item.enumeration(Tag::ResultReason) else { continue };
        let member = ResultReason::MEMBERS.iter().find(|member| member.value == reason);
        let known = member.is_some_and(|member| has(version, member.since, member.until));
        assert!(known, "the reason {} is not of {version:?}", ResultReason(reason));
    }
}

/// Fails if a field is not among those of its structure, is there twice, or is out of order.
fn in_order(item: &Item, fields: &[Tag]) {
    let mut expected = fields.iter();
    for child in item.children() {
        assert!(
            expected.any(|tag| *tag == child.tag),
            "{} is not expected at its place in {item:?}",
            child.tag
        );
    }
}

fn well_formed(item: &Item) {
    in_order(item, &ITEM);
    let has = |tag| item.get(tag).is_some();
    let status = item.enumeration(Tag::ResultStatus).map(ResultStatus);
    match status {
        // What is undone still says what had been done.
        Some(ResultStatus::Success | ResultStatus::OperationUndone) => {
            assert!(has(Tag::Operation) && has(Tag::ResponsePayload), "{item:?}");
            assert!(!has(Tag::ResultReason) && !has(Tag::ResultMessage), "{item:?}");
        }
        Some(ResultStatus::OperationFailed) => {
            // PyKMIP reads both fields of every failure.
            assert!(has(Tag::ResultReason) && has(Tag::ResultMessage), "{item:?}");
            assert!(!has(Tag::ResponsePayload), "{item:?}");
        }
        other => panic!("Result Status is {other:?} in {item:?}"),
    }
    if let Some(operation) = item.enumeration(Tag::Operation) {
        assert!(operation != 0, "{} is no operation", Operation(operation));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{
        date, enumeration, identifier, integer, protocol_version, structure, text,
    };

    /// Makes an answer of 1.0 to a Get, with these fields after Operation.
    fn answer(fields: Vec<Item>) -> Item {
        let header =
            vec![protocol_version(1, 0), date(Tag::TimeStamp, 1), integer(Tag::BatchCount, 1)];
        let mut item = vec![enumeration(Tag::Operation, Operation::Get)];
        item.extend(fields);
        let fields = vec![structure(Tag::ResponseHeader, header), structure(Tag::BatchItem, item)];
        structure(Tag::ResponseMessage, fields)
    }

    fn success(payload: Vec<Item>) -> Vec<Item> {
        vec![
            enumeration(Tag::ResultStatus, ResultStatus::Success),
            structure(Tag::ResponsePayload, payload),
        ]
    }

    #[test]
    fn a_well_formed_answer_is_taken() {
        let answer = Answer::of((1, 0), answer(success(vec![identifier("1")])));
        assert_eq!(answer.identifier(), "1");
    }

    #[test]
    #[should_panic(expected = "the answer has the version of the request")]
    fn another_version_is_noticed() {
        Answer::of((1, 1), answer(success(Vec::new())));
    }

    #[test]
    #[should_panic(expected = "LocatedItems is not of version (1, 0)")]
    fn what_is_newer_is_noticed() {
        Answer::of((1, 0), answer(success(vec![integer(Tag::LocatedItems, 1)])));
    }

    #[test]
    #[should_panic(expected = "ResultStatus is not expected at its place")]
    fn fields_out_of_order_are_noticed() {
        let mut fields = success(Vec::new());
        fields.reverse();
        Answer::of((1, 0), answer(fields));
    }

    #[test]
    #[should_panic(expected = "the reason ObjectNotFound is not of (1, 0)")]
    fn a_reason_of_a_later_version_is_noticed() {
        Answer::of(
            (1, 0),
            answer(vec![
                enumeration(Tag::ResultStatus, ResultStatus::OperationFailed),
                enumeration(Tag::ResultReason, ResultReason::ObjectNotFound),
                text(Tag::ResultMessage, "no such object"),
            ]),
        );
    }

    #[test]
    #[should_panic(expected = "UniqueBatchItemID is echoed")]
    fn a_lost_unique_batch_item_id_is_noticed() {
        let request =
            crate::Request::new((1, 0)).item_as(b"7", Operation::Get, Vec::new()).message();
        Answer::to(&request, answer(success(Vec::new())));
    }
}
