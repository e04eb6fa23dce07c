//! Compares an answer with the printed one (Profiles 1.0 to 1.2 §4.7, Profiles 2.1 §4.1).
//!
//! Item types, values, order, absence and presence must be equal unless a table in `permitted`
//! says otherwise. The first difference ends the comparison.

mod groups;
pub(crate) mod knowledge;
mod permitted;
mod values;

use kmip_model::enumeration::{
    CryptographicAlgorithm, DigitalSignatureAlgorithm, Enumeration, ObjectType, Operation,
    PaddingMethod, ResultReason, ResultStatus, Tag,
};

use crate::display::{operation_name, show};
use crate::names::Field;
use crate::tree::{Item, Value};

use knowledge::Knowledge;
use permitted::{ANY_VALUE, INDEX_ZERO_SINCE, MAY_BE_ABSENT, MAY_BE_ADDED, PRODUCING, Place};

/// The first difference between an answer and the printed one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}, got {got}")]
pub(crate) struct Difference {
    /// Where, from the batch item down.
    pub(crate) path: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Makes a difference.
fn different<T>(
    path: impl Into<String>,
    expected: impl Into<String>,
    got: impl Into<String>,
) -> Result<T, Difference> {
    Err(Difference { path: path.into(), expected: expected.into(), got: got.into() })
}

/// Compares one response, and learns from it if it is accepted.
pub(crate) fn compare(
    knowledge: &mut Knowledge,
    request: &Item,
    expected: &Item,
    actual: &Item,
) -> Result<(), Difference> {
    Comparison { knowledge, request, current: Current::default() }.message(expected, actual)
}

/// The batch item that is being compared.
#[derive(Default)]
struct Current<'a> {
    operation: Option<Operation>,
    payload: Option<&'a Item>,
    /// The object that the item is about.
    subject: Option<String>,
    /// Whether the server chose the object's content.
    key_varies: bool,
    /// Whether the server chose the form in which it returns the object.
    key_format_varies: bool,
    /// Whether the output of a cryptographic operation varies.
    output_varies: bool,
}

struct Comparison<'a> {
    knowledge: &'a mut Knowledge,
    request: &'a Item,
    current: Current<'a>,
}

impl<'a> Comparison<'a> {
    fn message(&mut self, expected: &Item, actual: &Item) -> Result<(), Difference> {
        if actual.tag != Tag::ResponseMessage {
            return different("message", "ResponseMessage", actual.tag.to_string());
        }
        let header = match actual.children().first() {
            Some(first) if first.tag == Tag::ResponseHeader => first,
            first => {
                return different("ResponseMessage", "ResponseHeader first", show(first, None));
            }
        };
        let wanted: Vec<&Item> = expected.all(Tag::BatchItem).collect();
        let given: Vec<&Item> = actual.all(Tag::BatchItem).collect();
        // First of all, since a wrong status explains every other difference.
        for (index, (e, a)) in wanted.iter().zip(&given).enumerate() {
            self.status(e, a, index)?;
        }
        let wanted_header = self.header_wanted(expected);
        self.ordered(&wanted_header, header, Place::Header, "ResponseHeader")?;
        if actual.children().len() != given.len().saturating_add(1) {
            let tags: Vec<String> =
                actual.children().iter().map(|child| child.tag.to_string()).collect();
            return different("ResponseMessage", "a header and batch items", tags.join(", "));
        }
        if wanted.len() != given.len() {
            let count = format!("{} batch items", wanted.len());
            return different("BatchItem", count, given.len().to_string());
        }
        for (index, (e, a)) in wanted.iter().zip(&given).enumerate() {
            self.batch_item(e, a, index)?;
        }
        self.size(actual)?;
        self.knowledge.remember(actual);
        Ok(())
    }

    /// Returns the header to expect: the version echoes the request's (2.1 §8.1).
    fn header_wanted(&self, expected: &Item) -> Item {
        let echo = self
            .request
            .get(Tag::RequestHeader)
            .and_then(|header| header.get(Tag::ProtocolVersion));
        let printed = expected.get(Tag::ResponseHeader).map_or(&[][..], Item::children);
        let children = printed.iter().map(|item| match echo {
            Some(version) if item.tag == Tag::ProtocolVersion => version.clone(),
            _ => item.clone(),
        });
        Item::structure(Tag::ResponseHeader, children.collect())
    }

    /// Checks that a successful answer is no longer than the client admits (2.1 §8.1).
    fn size(&self, actual: &Item) -> Result<(), Difference> {
        let header = self.request.get(Tag::RequestHeader);
        let Some(limit) = header.and_then(|header| header.integer(Tag::MaximumResponseSize)) else {
            return Ok(());
        };
        let status =
            actual.get(Tag::BatchItem).and_then(|item| item.enumeration(Tag::ResultStatus));
        let size = actual.encode().map_or(0, |bytes| bytes.len());
        if limit != 0
            && i64::try_from(size).unwrap_or(i64::MAX) > i64::from(limit)
            && status == Some(ResultStatus::Success.0)
        {
            return different(
                "message",
                format!("at most {limit} bytes (MaximumResponseSize)"),
                format!("{size} bytes"),
            );
        }
        Ok(())
    }

    /// Returns the batch item of the request that an item answers.
    fn asked(&self, index: usize) -> Option<&'a Item> {
        let request: &'a Item = self.request;
        request.all(Tag::BatchItem).nth(index)
    }

    fn operation(&self, expected: &Item, index: usize) -> Option<u32> {
        expected
            .enumeration(Tag::Operation)
            .or_else(|| self.asked(index)?.enumeration(Tag::Operation))
    }

    fn status(&self, expected: &Item, actual: &Item, index: usize) -> Result<(), Difference> {
        if expected.enumeration(Tag::ResultStatus) == actual.enumeration(Tag::ResultStatus) {
            return Ok(());
        }
        let operation = operation_name(self.operation(expected, index));
        different(
            format!("BatchItem[{index}]/ResultStatus of {operation}"),
            status_text(expected),
            status_text(actual),
        )
    }

    fn batch_item(
        &mut self,
        expected: &Item,
        actual: &Item,
        index: usize,
    ) -> Result<(), Difference> {
        let path = format!("BatchItem[{index}]");
        let asked = self.asked(index);
        self.current = Current {
            operation: self.operation(expected, index).map(Operation::from_value),
            payload: asked.and_then(|item| item.get(Tag::RequestPayload)),
            ..Current::default()
        };
        if let Some(wanted) = asked.and_then(|item| item.get(Tag::UniqueBatchItemId)) {
            let echo = actual.get(Tag::UniqueBatchItemId);
            if echo.map(|item| &item.value) != Some(&wanted.value) {
                let path = format!("{path}/UniqueBatchItemID");
                return different(path, show(Some(wanted), None), show(echo, None));
            }
        }
        let critical = |extension: &&Item| {
            let indicator = extension.get(Tag::CriticalityIndicator).map(|item| &item.value);
            matches!(indicator, Some(Value::Boolean(true)))
        };
        if let Some(extension) = actual.all(Tag::MessageExtension).find(critical) {
            let path = format!("{path}/MessageExtension");
            return different(path, "no critical extension", show(Some(extension), None));
        }
        let answer = actual.get(Tag::ResponsePayload);
        if let (Some(printed), Some(answer)) = (expected.get(Tag::ResponsePayload), answer) {
            self.decide(printed, answer);
        }
        let wanted = with_operation(expected, actual, asked);
        self.ordered(wanted.as_ref().unwrap_or(expected), actual, Place::BatchItem, &path)?;
        let success = actual.enumeration(Tag::ResultStatus) == Some(ResultStatus::Success.0);
        if let (Some(operation), Some(answer), true) = (self.current.operation, answer, success) {
            self.knowledge.track(operation, self.current.payload, answer);
        }
        Ok(())
    }

    /// Decides what may vary for the object that the current item is about.
    fn decide(&mut self, printed: &Item, answer: &Item) {
        let payload = self.current.payload;
        let subject = answer.text_of(Tag::UniqueIdentifier).map(str::to_owned);
        let generated = |identifier: Option<&str>| {
            identifier.is_some_and(|i| self.knowledge.generated.contains(i))
        };
        // A key wrapped with a generated key is as unpredictable as that key.
        let wrapped = payload
            .and_then(|payload| payload.get(Tag::KeyWrappingSpecification))
            .and_then(|wrapping| wrapping.get(Tag::EncryptionKeyInformation))
            .is_some_and(|key| generated(key.text_of(Tag::UniqueIdentifier)));
        let varies = wrapped || generated(subject.as_deref());
        let format_asked = payload.is_some_and(|payload| payload.get(Tag::KeyFormatType).is_some());
        self.current.key_varies = varies;
        self.current.key_format_varies = varies && !format_asked;
        self.current.output_varies = match self.current.operation {
            Some(Operation::Decrypt) if varies => self.decrypts_foreign_data(),
            Some(operation) if PRODUCING.contains(&operation) => {
                varies || self.inherently_random(operation, subject.as_deref(), printed)
            }
            _ => false,
        };
        self.current.subject = subject;
    }

    /// Returns the last leaf with a tag anywhere in the request's payload.
    fn asked_anywhere(&self, tag: Tag) -> Option<&'a Item> {
        let payload: &'a Item = self.current.payload?;
        payload.walk().into_iter().rev().find(|item| item.tag == tag && !item.is_structure())
    }

    /// Says whether the data to decrypt was not made by this server during the case.
    fn decrypts_foreign_data(&self) -> bool {
        match self.asked_anywhere(Tag::Data).map(|item| &item.value) {
            Some(Value::ByteString(data)) => {
                !self.knowledge.outputs.values().any(|own| own == data)
            }
            _ => false,
        }
    }

    /// Says whether two servers that do the same thing get different outputs.
    fn inherently_random(
        &self,
        operation: Operation,
        subject: Option<&str>,
        printed: &Item,
    ) -> bool {
        let facts = subject.and_then(|subject| self.knowledge.objects.get(subject));
        let asked = |tag: Tag| match self.asked_anywhere(tag).map(|item| &item.value) {
            Some(Value::Enumeration(value)) => Some(*value),
            _ => None,
        };
        match operation {
            Operation::RngRetrieve => true,
            Operation::Encrypt => {
                let asymmetric = facts.and_then(|facts| facts.object_type).is_some_and(|kind| {
                    kind == ObjectType::PublicKey || kind == ObjectType::PrivateKey
                });
                let random_iv = facts.is_some_and(|facts| facts.random_iv)
                    || self
                        .asked_anywhere(Tag::RandomIv)
                        .is_some_and(|item| item.value == Value::Boolean(true));
                let servers_iv = self.asked_anywhere(Tag::IvCounterNonce).is_none()
                    && printed.get(Tag::IvCounterNonce).is_some();
                asymmetric || random_iv || servers_iv
            }
            Operation::Sign => {
                let padding = asked(Tag::PaddingMethod)
                    .map(PaddingMethod::from_value)
                    .or_else(|| facts.and_then(|facts| facts.padding));
                let signature = asked(Tag::DigitalSignatureAlgorithm)
                    .and_then(|value| DigitalSignatureAlgorithm(value).name())
                    .unwrap_or_default();
                let algorithm = facts.and_then(|facts| facts.algorithm);
                padding == Some(PaddingMethod::Pss)
                    || signature.contains("PSS")
                    || signature.contains("DSA")
                    || algorithm.is_some_and(|algorithm| {
                        [
                            CryptographicAlgorithm::Dsa,
                            CryptographicAlgorithm::Ecdsa,
                            CryptographicAlgorithm::Ec,
                        ]
                        .contains(&algorithm)
                    })
            }
            _ => false,
        }
    }

    /// Compares the items of a structure in their order, without the groups that have none.
    fn ordered(
        &mut self,
        expected: &Item,
        actual: &Item,
        place: Place,
        path: &str,
    ) -> Result<(), Difference> {
        let mut wanted: Vec<&Item> = expected.children().iter().collect();
        let mut given: Vec<&Item> = actual.children().iter().collect();
        if place == Place::Payload {
            (wanted, given) = self.payload_groups(wanted, given, path)?;
        }
        let (mut wanted, mut given) = (wanted.as_slice(), given.as_slice());
        loop {
            let (e, a) = (wanted.first().copied(), given.first().copied());
            match (e, a) {
                (None, None) => return Ok(()),
                (Some(e), Some(a)) if e.tag == a.tag => {
                    self.item(e, a, (Some(expected), Some(actual)), place, path)?;
                    wanted = wanted.get(1..).unwrap_or_default();
                    given = given.get(1..).unwrap_or_default();
                }
                (_, Some(a)) if self.listed(MAY_BE_ADDED, place, a.tag) => {
                    given = given.get(1..).unwrap_or_default();
                }
                (Some(e), _)
                    if self.listed(MAY_BE_ABSENT, place, e.tag) || self.index_zero(e, place) =>
                {
                    wanted = wanted.get(1..).unwrap_or_default();
                }
                (_, Some(a)) if self.index_zero(a, place) => {
                    given = given.get(1..).unwrap_or_default();
                }
                (None, Some(a)) => {
                    let path = format!("{path}/{}", a.tag);
                    return different(path, "nothing", show(Some(a), Some(actual)));
                }
                (Some(e), None) => {
                    let path = format!("{path}/{}", e.tag);
                    return different(path, show(Some(e), Some(expected)), "nothing");
                }
                (Some(e), Some(a)) if !given.iter().any(|later| later.tag == e.tag) => {
                    let path = format!("{path}/{}", e.tag);
                    let next = format!("nothing (next is {})", a.tag);
                    return different(path, show(Some(e), Some(expected)), next);
                }
                (Some(_), Some(a)) if !wanted.iter().any(|later| later.tag == a.tag) => {
                    let path = format!("{path}/{}", a.tag);
                    return different(path, "nothing", show(Some(a), Some(actual)));
                }
                (Some(e), Some(a)) => {
                    return different(
                        path,
                        format!("{} before {}", e.tag, a.tag),
                        format!("{} before {}", a.tag, e.tag),
                    );
                }
            }
        }
    }

    fn listed(&self, table: &[(Place, Tag)], place: Place, tag: Tag) -> bool {
        table.iter().any(|(where_permitted, item)| {
            let here = *where_permitted == place
                || (place == Place::Payload
                    && self.current.operation.map(Place::PayloadOf) == Some(*where_permitted));
            here && *item == tag
        })
    }

    fn index_zero(&self, item: &Item, place: Place) -> bool {
        place == Place::Within(Tag::Attribute)
            && item.tag == Tag::AttributeIndex
            && item.value == Value::Integer(0)
            && self.knowledge.version >= INDEX_ZERO_SINCE
    }

    /// Compares two items with the same tag.
    fn item(
        &mut self,
        expected: &Item,
        actual: &Item,
        parents: (Option<&Item>, Option<&Item>),
        place: Place,
        path: &str,
    ) -> Result<(), Difference> {
        let field = Field::of(expected, parents.0);
        let path = match expected.text_of(Tag::AttributeName) {
            Some(name) if expected.tag == Tag::Attribute => {
                format!("{path}/{}({name})", expected.tag)
            }
            _ => format!("{path}/{}", expected.tag),
        };
        let (wanted, given) = (expected.item_type(), actual.item_type());
        if wanted != given {
            let expected = format!("type {}", wanted.name());
            return different(path, expected, format!("type {}", given.name()));
        }
        if self.listed(ANY_VALUE, place, expected.tag) {
            let (wanted, given) = (expected.value.length(), actual.value.length());
            if expected.tag == Tag::Pkcs11OutputParameters && wanted != given {
                return different(path, bytes(wanted), bytes(given));
            }
            return Ok(());
        }
        if !expected.is_structure() {
            return self.leaf(expected, actual, &field, parents, &path);
        }
        match field {
            Field::Standard(Tag::Digest) => self.digest(expected, actual, &path),
            Field::Standard(Tag::RandomNumberGenerator) => {
                if actual.get(Tag::RngAlgorithm).is_none() {
                    return different(path, "an RNGAlgorithm", show(Some(actual), None));
                }
                // The server names its own generator.
                values::same_types(expected.children(), actual.children(), &path)
            }
            Field::Standard(Tag::Attributes) => {
                self.attributes(&children(expected), &children(actual), &path)
            }
            Field::Standard(Tag::KeyBlock) => self.key_block(expected, actual, &path),
            Field::Standard(Tag::ResponsePayload) => {
                self.ordered(expected, actual, Place::Payload, &path)
            }
            _ => self.ordered(expected, actual, Place::Within(expected.tag), &path),
        }
    }
}

fn children(item: &Item) -> Vec<&Item> {
    item.children().iter().collect()
}

fn bytes(length: Option<usize>) -> String {
    length.map_or_else(|| "no bytes".to_owned(), |length| format!("{length} bytes"))
}

/// Returns the printed item with the operation that it omits, if the server echoes it: a server
/// does so when the request names one (2.1 §8.3).
fn with_operation(expected: &Item, actual: &Item, asked: Option<&Item>) -> Option<Item> {
    let echo = actual.get(Tag::Operation)?;
    let same = asked?.enumeration(Tag::Operation) == actual.enumeration(Tag::Operation);
    if expected.get(Tag::Operation).is_some() || !same {
        return None;
    }
    let children = core::iter::once(echo).chain(expected.children()).cloned().collect();
    Some(Item::structure(expected.tag, children))
}

/// Shows a Result Status with the reason and message beside it.
fn status_text(item: &Item) -> String {
    let Some(status) = item.enumeration(Tag::ResultStatus) else {
        return "no ResultStatus".to_owned();
    };
    let status = ResultStatus(status);
    let Some(reason) = item.enumeration(Tag::ResultReason).map(ResultReason) else {
        return status.to_string();
    };
    match item.text_of(Tag::ResultMessage) {
        Some(message) => format!("{status} ({reason}: {message})"),
        None => format!("{status} ({reason})"),
    }
}

#[cfg(test)]
mod tests;
