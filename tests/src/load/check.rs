//! Whether an answer is a success, read off its bytes: KMIP 2.1 §9.
//!
//! A tree of every answer would cost the client as much as the request costs the server, and they
//! share the processors. What the answers say is tested elsewhere; here it is asked whether each
//! item succeeded.

use kmip_model::enumeration::{Enumeration as _, ResultStatus, Tag};

/// The fields of a structure, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (Tag, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = self.0.split_first_chunk::<8>()?;
        let [t0, t1, t2, _, l0, l1, l2, l3] = *header;
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).ok()?;
        let value = rest.get(..length)?;
        self.0 = rest.get(length.checked_next_multiple_of(8)?..).unwrap_or_default();
        Some((Tag(u32::from_be_bytes([0, t0, t1, t2])), value))
    }
}

/// Says why an answer is no success of every item.
///
/// # Errors
/// What the first item that failed says, or that there is none.
pub fn success(answer: &[u8]) -> Result<(), String> {
    let Some((Tag::ResponseMessage, message)) = Fields(answer).next() else {
        return Err("this is no response message".to_owned());
    };
    let mut items = Fields(message).filter(|(tag, _)| *tag == Tag::BatchItem).peekable();
    if items.peek().is_none() {
        return Err("the answer has no item".to_owned());
    }
    for (_, item) in items {
        let status = number(item, Tag::ResultStatus);
        if status != Some(ResultStatus::Success.value()) {
            let reason = number(item, Tag::ResultReason).unwrap_or_default();
            let text = field(item, Tag::ResultMessage).unwrap_or_default();
            return Err(format!("reason {reason}: {}", String::from_utf8_lossy(text)));
        }
    }
    Ok(())
}

/// Returns a text of the payload of the first item.
pub fn text(answer: &[u8], wanted: Tag) -> Option<String> {
    let message = field(answer, Tag::ResponseMessage)?;
    let payload = field(field(message, Tag::BatchItem)?, Tag::ResponsePayload)?;
    String::from_utf8(field(payload, wanted)?.to_vec()).ok()
}

fn field(structure: &[u8], wanted: Tag) -> Option<&[u8]> {
    Fields(structure).find(|(tag, _)| *tag == wanted).map(|(_, value)| value)
}

fn number(structure: &[u8], wanted: Tag) -> Option<u32> {
    field(structure, wanted)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::ResultReason;

    use super::*;
    use crate::request::{enumeration, identifier, structure, text as text_field};

    fn answer(items: Vec<crate::tree::Item>) -> Vec<u8> {
        structure(Tag::ResponseMessage, items).encode().unwrap()
    }

    #[test]
    fn each_item_must_have_succeeded() {
        let good = structure(
            Tag::BatchItem,
            vec![
                enumeration(Tag::ResultStatus, ResultStatus::Success),
                structure(Tag::ResponsePayload, vec![identifier("abc")]),
            ],
        );
        let bad = structure(
            Tag::BatchItem,
            vec![
                enumeration(Tag::ResultStatus, ResultStatus::OperationFailed),
                enumeration(Tag::ResultReason, ResultReason::ItemNotFound),
                text_field(Tag::ResultMessage, "not there"),
            ],
        );
        assert_eq!(success(&answer(vec![good.clone()])), Ok(()));
        let id = text(&answer(vec![good.clone()]), Tag::UniqueIdentifier);
        assert_eq!(id.as_deref(), Some("abc"));
        let complaint = success(&answer(vec![good, bad])).unwrap_err();
        assert!(complaint.contains("not there"), "{complaint}");
    }

    #[test]
    fn what_is_no_answer_is_no_success() {
        assert!(success(&[]).is_err());
        assert!(success(&answer(Vec::new())).is_err());
        let whole = answer(vec![structure(Tag::BatchItem, Vec::new())]);
        assert!(success(&whole).is_err());
        assert!(success(whole.get(..12).unwrap()).is_err());
    }
}
