//! From a record of PyKMIP's to an object of the model.
//!
//! PyKMIP stores the values of the wire: enumerations and masks are taken as they are. It keeps the
//! bytes of a wrapped key as Key Material within a Key Value, as its clients send them, and so they
//! stay. Secret data has lost its Key Format Type there; PyKMIP hands it out as Opaque.

use kmip_model::{
    DateTime, Material, UniqueIdentifier,
    attribute::{ApplicationSpecificInformation, Attribute, AttributeSet, Name, RuleViolation},
    enumeration::{
        CertificateType, CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, NameType,
        ObjectType, OpaqueDataType, SecretDataType, SplitKeyMethod, State, Tag,
    },
    object::{KeyBlock, KeyMaterial, KeyValue, Object},
};
use thiserror::Error;

use crate::{
    record::{Cell, Record, required},
    wrapping,
};

/// One object of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundObject {
    /// Unique Identifier: PyKMIP's number as a decimal text.
    pub unique_identifier: UniqueIdentifier,
    /// The user who made it; empty if the database names none.
    pub owner: String,
    /// What it holds.
    pub object: Object,
    /// What a client has set, in PyKMIP's order.
    pub attributes: AttributeSet,
    /// State; an opaque object has none there and is Pre-Active.
    pub state: State,
    /// Initial Date, the only date that PyKMIP keeps.
    pub initial_date: DateTime,
    /// What could not be taken over as it is.
    pub remarks: Vec<Remark>,
}

/// Something about an object that is not taken over as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Remark {
    /// Nobody owns it.
    #[error("it has no owner, so only what its policy allows everybody can be done to it")]
    NoOwner,
    /// The same value stands there twice.
    #[error("a value of {0} is there twice and is kept once")]
    Repeated(Tag),
    /// A row beside the object holds nothing.
    #[error("a value of {0} is empty and is left out")]
    Empty(Tag),
}

/// Why a row cannot be read as an object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// A column that the object needs holds nothing, or its row is missing.
    #[error("{0} holds nothing")]
    Missing(&'static str),
    /// A column holds something other than a number.
    #[error("{0} holds no number")]
    NoNumber(&'static str),
    /// A column holds something other than a text.
    #[error("{0} holds no text")]
    NoText(&'static str),
    /// A column holds something other than bytes.
    #[error("{0} holds no bytes")]
    NoBytes(&'static str),
    /// A number is too large or too small for what it is.
    #[error("{0} is out of range: {1}")]
    OutOfRange(&'static str, i64),
    /// PyKMIP stores no objects of that type.
    #[error("its Object Type {0} is not one that PyKMIP stores")]
    UnknownType(ObjectType),
    /// There is no such state.
    #[error("its State {0} is unknown")]
    UnknownState(State),
    /// The object has more than an object may have.
    #[error(transparent)]
    Rule(#[from] RuleViolation),
}

/// Reads one object.
pub(crate) fn object(record: &Record) -> Result<FoundObject, Unreadable> {
    let mut remarks = Vec::new();
    let object_type = ObjectType(required(record.enumeration("object_type")?, "object_type")?);
    let value = required(record.bytes("value")?, "value")?;
    let object = content(record, object_type, value)?;
    let owner = record.text("owner")?.unwrap_or_default();
    if owner.is_empty() {
        remarks.push(Remark::NoOwner);
    }
    Ok(FoundObject {
        unique_identifier: UniqueIdentifier::new(record.uid.to_string()),
        owner,
        object,
        attributes: attributes(record, &mut remarks)?,
        state: state(record, object_type)?,
        initial_date: DateTime(record.number("initial_date")?.unwrap_or_default()),
        remarks,
    })
}

fn content(
    record: &Record,
    object_type: ObjectType,
    value: Material,
) -> Result<Object, Unreadable> {
    Ok(match object_type {
        ObjectType::SymmetricKey => Object::SymmetricKey(key_block(record, value)?),
        ObjectType::PublicKey => Object::PublicKey(key_block(record, value)?),
        ObjectType::PrivateKey => Object::PrivateKey(key_block(record, value)?),
        ObjectType::SplitKey => split_key(record, value)?,
        ObjectType::Certificate => Object::Certificate {
            certificate_type: CertificateType(enumeration(record, "certificate_type")?),
            certificate_value: value.expose().to_vec(),
        },
        ObjectType::SecretData => Object::SecretData {
            secret_data_type: SecretDataType(enumeration(record, "data_type")?),
            key_block: KeyBlock {
                key_format_type: KeyFormatType::Opaque,
                key_compression_type: None,
                key_value: Some(plain(value)),
                cryptographic_algorithm: None,
                cryptographic_length: None,
                key_wrapping_data: None,
            },
        },
        ObjectType::OpaqueObject => Object::OpaqueObject {
            opaque_data_type: OpaqueDataType(enumeration(record, "opaque_type")?),
            opaque_data_value: value,
        },
        other => return Err(Unreadable::UnknownType(other)),
    })
}

fn key_block(record: &Record, value: Material) -> Result<KeyBlock, Unreadable> {
    let algorithm = record.enumeration("cryptographic_algorithm")?;
    Ok(KeyBlock {
        key_format_type: KeyFormatType(enumeration(record, "key_format_type")?),
        key_compression_type: None,
        key_value: Some(plain(value)),
        cryptographic_algorithm: algorithm.map(CryptographicAlgorithm),
        cryptographic_length: record.integer("cryptographic_length")?,
        key_wrapping_data: wrapping::data(record)?,
    })
}

fn plain(value: Material) -> KeyValue {
    KeyValue::Plain { key_material: KeyMaterial::Bytes(value), attributes: Vec::new() }
}

fn split_key(record: &Record, value: Material) -> Result<Object, Unreadable> {
    let integer = |column| required(record.integer(column)?, column);
    let prime_field_size = record.number("_prime_field_size")?;
    Ok(Object::SplitKey {
        split_key_parts: integer("_split_key_parts")?,
        key_part_identifier: integer("_key_part_identifier")?,
        split_key_threshold: integer("_split_key_threshold")?,
        split_key_method: SplitKeyMethod(enumeration(record, "_split_key_method")?),
        // A Big Integer has its sign in front, as this number has.
        prime_field_size: prime_field_size.map(|size| size.to_be_bytes().to_vec()),
        key_block: key_block(record, value)?,
    })
}

fn enumeration(record: &Record, column: &'static str) -> Result<u32, Unreadable> {
    required(record.enumeration(column)?, column)
}

fn state(record: &Record, object_type: ObjectType) -> Result<State, Unreadable> {
    if object_type == ObjectType::OpaqueObject {
        return Ok(State::PreActive);
    }
    let state = State(enumeration(record, "state")?);
    match state.name() {
        Some(_) => Ok(state),
        None => Err(Unreadable::UnknownState(state)),
    }
}

fn attributes(record: &Record, remarks: &mut Vec<Remark>) -> Result<AttributeSet, Unreadable> {
    let mut set = AttributeSet::default();
    let mut all = Vec::new();
    for [name, name_type] in &record.names {
        all.push(name_of(name, name_type, remarks)?);
    }
    for group in &record.object_groups {
        let group = group.text("object_group")?;
        if group.is_none() {
            remarks.push(Remark::Empty(Tag::ObjectGroup));
        }
        all.push(group.map(Attribute::ObjectGroup));
    }
    for [namespace, data] in &record.information {
        all.push(information(namespace, data, remarks)?);
    }
    for attribute in all.into_iter().flatten() {
        let tag = attribute.tag();
        match set.add(attribute) {
            Err(RuleViolation::DuplicateValue(_)) => remarks.push(Remark::Repeated(tag)),
            added => drop(added?),
        }
    }
    if let Some(policy) = record.text("operation_policy_name")? {
        set.set(Attribute::OperationPolicyName(policy));
    }
    if let Some(mask) = record.enumeration("cryptographic_usage_mask")? {
        set.set(Attribute::CryptographicUsageMask(CryptographicUsageMask(mask)));
    }
    let sensitive = record.integer("sensitive")?.is_some_and(|number| number != 0);
    set.set(Attribute::Sensitive(sensitive));
    Ok(set)
}

fn name_of(
    name: &Cell,
    name_type: &Cell,
    remarks: &mut Vec<Remark>,
) -> Result<Option<Attribute>, Unreadable> {
    let Some(name_value) = name.text("name")? else {
        remarks.push(Remark::Empty(Tag::Name));
        return Ok(None);
    };
    let name_type = name_type.enumeration("name_type")?;
    let name_type = name_type.map_or(NameType::UninterpretedTextString, NameType);
    Ok(Some(Attribute::Name(Name { name_value, name_type })))
}

fn information(
    namespace: &Cell,
    data: &Cell,
    remarks: &mut Vec<Remark>,
) -> Result<Option<Attribute>, Unreadable> {
    let Some(application_namespace) = namespace.text("application_namespace")? else {
        remarks.push(Remark::Empty(Tag::ApplicationSpecificInformation));
        return Ok(None);
    };
    let application_data = data.text("application_data")?;
    let information = ApplicationSpecificInformation { application_namespace, application_data };
    Ok(Some(Attribute::ApplicationSpecificInformation(information)))
}
