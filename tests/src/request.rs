//! Request messages, field by field in the order of the specification (KMIP 2.1 §8.1, 1.4 §7.1).

use kmip_model::enumeration::{
    BatchErrorContinuationOption, CredentialType, Enumeration, NameType, Operation, Tag,
};

use crate::tree::{Item, Value};

/// A request message.
#[derive(Clone, Debug)]
pub struct Request {
    version: (i32, i32),
    maximum_response_size: Option<i32>,
    client_correlation_value: Option<String>,
    asynchronous_indicator: Option<Value>,
    authentication: Option<Item>,
    batch_error_continuation_option: Option<BatchErrorContinuationOption>,
    batch_order_option: Option<bool>,
    time_stamp: Option<i64>,
    batch_count: Option<i32>,
    items: Vec<Item>,
}

impl Request {
    /// Makes a message without items.
    pub fn new(version: (i32, i32)) -> Self {
        Self {
            version,
            maximum_response_size: None,
            client_correlation_value: None,
            asynchronous_indicator: None,
            authentication: None,
            batch_error_continuation_option: None,
            batch_order_option: None,
            time_stamp: None,
            batch_count: None,
            items: Vec::new(),
        }
    }

    /// Makes a message with one item.
    pub fn one(version: (i32, i32), operation: Operation, payload: Vec<Item>) -> Self {
        Self::new(version).item(operation, payload)
    }

    /// Sets Maximum Response Size.
    pub fn maximum_response_size(mut self, bytes: i32) -> Self {
        self.maximum_response_size = Some(bytes);
        self
    }

    /// Sets Client Correlation Value.
    pub fn client_correlation_value(mut self, value: &str) -> Self {
        self.client_correlation_value = Some(value.to_owned());
        self
    }

    /// Sets Asynchronous Indicator, a Boolean in 1.x and an enumeration in 2.x.
    pub fn asynchronous_indicator(mut self, value: Value) -> Self {
        self.asynchronous_indicator = Some(value);
        self
    }

    /// Sets Authentication to one credential of user name and password.
    pub fn username_and_password(mut self, username: &str, password: &str) -> Self {
        let value = vec![text(Tag::Username, username), text(Tag::Password, password)];
        let credential = structure(
            Tag::Credential,
            vec![
                enumeration(Tag::CredentialType, CredentialType::UsernameAndPassword),
                structure(Tag::CredentialValue, value),
            ],
        );
        self.authentication = Some(structure(Tag::Authentication, vec![credential]));
        self
    }

    /// Sets Batch Error Continuation Option.
    pub fn on_error(mut self, option: BatchErrorContinuationOption) -> Self {
        self.batch_error_continuation_option = Some(option);
        self
    }

    /// Sets Batch Order Option.
    pub fn in_order(mut self, order: bool) -> Self {
        self.batch_order_option = Some(order);
        self
    }

    /// Sets Time Stamp.
    pub fn time_stamp(mut self, seconds: i64) -> Self {
        self.time_stamp = Some(seconds);
        self
    }

    /// Sets Batch Count to what is not the number of items.
    pub fn batch_count(mut self, count: i32) -> Self {
        self.batch_count = Some(count);
        self
    }

    /// Adds an item without Unique Batch Item ID.
    pub fn item(self, operation: Operation, payload: Vec<Item>) -> Self {
        self.raw_item(vec![
            enumeration(Tag::Operation, operation),
            structure(Tag::RequestPayload, payload),
        ])
    }

    /// Adds an item with a Unique Batch Item ID.
    pub fn item_as(self, id: &[u8], operation: Operation, payload: Vec<Item>) -> Self {
        self.raw_item(vec![
            enumeration(Tag::Operation, operation),
            bytes(Tag::UniqueBatchItemId, id),
            structure(Tag::RequestPayload, payload),
        ])
    }

    /// Adds an item with these fields.
    pub fn raw_item(mut self, fields: Vec<Item>) -> Self {
        self.items.push(structure(Tag::BatchItem, fields));
        self
    }

    /// Returns the message.
    pub fn message(&self) -> Item {
        let (major, minor) = self.version;
        let mut header = vec![protocol_version(major, minor)];
        header
            .extend(self.maximum_response_size.map(|size| integer(Tag::MaximumResponseSize, size)));
        let correlation = self.client_correlation_value.as_deref();
        header.extend(correlation.map(|value| text(Tag::ClientCorrelationValue, value)));
        let asynchronous = self.asynchronous_indicator.clone();
        header.extend(asynchronous.map(|value| Item::new(Tag::AsynchronousIndicator, value)));
        header.extend(self.authentication.clone());
        header.extend(
            self.batch_error_continuation_option
                .map(|option| enumeration(Tag::BatchErrorContinuationOption, option)),
        );
        header.extend(self.batch_order_option.map(|order| boolean(Tag::BatchOrderOption, order)));
        header.extend(self.time_stamp.map(|seconds| date(Tag::TimeStamp, seconds)));
        let count = i32::try_from(self.items.len()).unwrap_or(i32::MAX);
        header.push(integer(Tag::BatchCount, self.batch_count.unwrap_or(count)));
        let mut fields = vec![structure(Tag::RequestHeader, header)];
        fields.extend(self.items.iter().cloned());
        structure(Tag::RequestMessage, fields)
    }

    /// Returns the bytes of the message.
    pub fn bytes(&self) -> Vec<u8> {
        self.message().encode().expect("a request of tests has a binary form")
    }
}

/// Makes a Protocol Version.
pub fn protocol_version(major: i32, minor: i32) -> Item {
    let numbers =
        vec![integer(Tag::ProtocolVersionMajor, major), integer(Tag::ProtocolVersionMinor, minor)];
    structure(Tag::ProtocolVersion, numbers)
}

/// Makes a structure.
pub fn structure(tag: Tag, fields: Vec<Item>) -> Item {
    Item::structure(tag, fields)
}

/// Makes a Text String.
pub fn text(tag: Tag, text: &str) -> Item {
    Item::text(tag, text)
}

/// Makes a Byte String.
pub fn bytes(tag: Tag, bytes: &[u8]) -> Item {
    Item::new(tag, Value::ByteString(bytes.to_vec()))
}

/// Makes an Integer.
pub fn integer(tag: Tag, number: i32) -> Item {
    Item::new(tag, Value::Integer(number))
}

/// Makes an Enumeration.
pub fn enumeration(tag: Tag, value: impl Enumeration) -> Item {
    Item::new(tag, Value::Enumeration(value.value()))
}

/// Makes a Boolean.
pub fn boolean(tag: Tag, value: bool) -> Item {
    Item::new(tag, Value::Boolean(value))
}

/// Makes a Date-Time.
pub fn date(tag: Tag, seconds: i64) -> Item {
    Item::new(tag, Value::DateTime(seconds))
}

/// Makes a Unique Identifier.
pub fn identifier(identifier: &str) -> Item {
    text(Tag::UniqueIdentifier, identifier)
}

/// Makes an Attribute of 1.x.
pub fn attribute(name: &str, value: Value) -> Item {
    structure(
        Tag::Attribute,
        vec![text(Tag::AttributeName, name), Item::new(Tag::AttributeValue, value)],
    )
}

/// Makes an Attribute of 1.x whose value is a text.
pub fn text_attribute(name: &str, value: &str) -> Item {
    attribute(name, Value::TextString(value.to_owned()))
}

/// Makes an Attribute of 1.x whose value is an enumeration.
pub fn enumeration_attribute(name: &str, value: impl Enumeration) -> Item {
    attribute(name, Value::Enumeration(value.value()))
}

/// Makes the attribute Name of 1.x.
pub fn name(name: &str) -> Item {
    attribute("Name", Value::Structure(name_fields(name)))
}

/// Makes the fields of a Name.
pub fn name_fields(name: &str) -> Vec<Item> {
    vec![text(Tag::NameValue, name), enumeration(Tag::NameType, NameType::UninterpretedTextString)]
}

/// Makes a Template-Attribute of 1.x.
pub fn template_attribute(attributes: Vec<Item>) -> Item {
    structure(Tag::TemplateAttribute, attributes)
}
