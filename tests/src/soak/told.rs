//! What answers say: KMIP 1.4 §4 and §7.2.

use kmip_model::enumeration::{ResultReason, ResultStatus, State, Tag};

use super::ask::NOTE;
use crate::tree::{Item, Value};

/// Says how the first item has failed, if it has.
pub(super) fn reason(answer: &Item) -> Result<Option<ResultReason>, String> {
    let item = answer.get(Tag::BatchItem).ok_or("the answer has no item")?;
    let status = item.enumeration(Tag::ResultStatus).map(ResultStatus);
    let failed = status != Some(ResultStatus::Success);
    Ok(failed.then(|| ResultReason(item.enumeration(Tag::ResultReason).unwrap_or_default())))
}

/// Returns the payload of the first item if every item is a success.
pub(super) fn success(answer: &Item) -> Result<&Item, String> {
    for item in answer.all(Tag::BatchItem) {
        if item.enumeration(Tag::ResultStatus).map(ResultStatus) != Some(ResultStatus::Success) {
            let reason = ResultReason(item.enumeration(Tag::ResultReason).unwrap_or_default());
            let message = item.text_of(Tag::ResultMessage).unwrap_or_default();
            return Err(format!("{reason}: {message}"));
        }
    }
    answer.at("BatchItem/ResponsePayload").ok_or_else(|| "the answer has no payload".to_owned())
}

/// Returns all Unique Identifiers of the payload.
pub(super) fn identifiers(answer: &Item) -> Result<Vec<String>, String> {
    let all = success(answer)?.all(Tag::UniqueIdentifier);
    Ok(all.filter_map(Item::as_text).map(str::to_owned).collect())
}

/// Returns the bytes of a field of the payload.
pub(super) fn bytes(answer: &Item, tag: Tag) -> Result<Vec<u8>, String> {
    match success(answer)?.get(tag).map(|item| &item.value) {
        Some(Value::ByteString(bytes)) => Ok(bytes.clone()),
        _ => Err(format!("{tag} is missing")),
    }
}

/// Returns Data, nonce and tag of an answer to Encrypt.
pub(super) fn sealed(answer: &Item) -> Result<[Vec<u8>; 3], String> {
    Ok([
        bytes(answer, Tag::Data)?,
        bytes(answer, Tag::IvCounterNonce)?,
        bytes(answer, Tag::AuthenticatedEncryptionTag)?,
    ])
}

/// Returns the bytes of the key.
pub(super) fn material(answer: &Item) -> Result<Vec<u8>, String> {
    let material = success(answer)?.at("SymmetricKey/KeyBlock/KeyValue/KeyMaterial");
    match material.map(|item| &item.value) {
        Some(Value::ByteString(bytes)) => Ok(bytes.clone()),
        _ => Err("there is no key in it".to_owned()),
    }
}

/// Returns State and the custom attribute; nothing if the object is hidden, as destroyed ones are.
pub(super) fn seen(answer: &Item) -> Result<Option<(State, String)>, String> {
    if matches!(reason(answer)?, Some(ResultReason::ItemNotFound | ResultReason::ObjectDestroyed)) {
        return Ok(None);
    }
    let payload = success(answer)?;
    let value = |name: &str| {
        let mut attributes = payload.all(Tag::Attribute);
        let found = attributes.find(|item| item.text_of(Tag::AttributeName) == Some(name))?;
        found.get(Tag::AttributeValue).map(|item| &item.value)
    };
    match (value("State"), value(NOTE)) {
        (Some(Value::Enumeration(state)), Some(Value::TextString(note))) => {
            Ok(Some((State(*state), note.clone())))
        }
        _ => Err("State or the custom attribute is missing".to_owned()),
    }
}
