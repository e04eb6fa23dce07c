//! Reads back what [`crate::canonical`] writes, where it is kept as such and not hashed.
//!
//! Each function takes its part off the front of what is left; `None` says that the bytes are wrong.

use kmip_model::{DateTime, UniqueIdentifier};
use kmip_ports::{
    record::{Columns, Term},
    store::Revision,
};

pub(crate) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

pub(crate) fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1)?.first().copied()
}

pub(crate) fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4)?.try_into().map(u32::from_be_bytes).ok()
}

pub(crate) fn long(rest: &mut &[u8]) -> Option<u64> {
    take(rest, 8)?.try_into().map(u64::from_be_bytes).ok()
}

pub(crate) fn signed(rest: &mut &[u8]) -> Option<i64> {
    long(rest).map(u64::cast_signed)
}

pub(crate) fn bytes(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(long(rest)?).ok()?;
    take(rest, length).map(<[u8]>::to_vec)
}

pub(crate) fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(bytes(rest)?).ok()
}

pub(crate) fn seal(rest: &mut &[u8]) -> Option<[u8; 32]> {
    bytes(rest)?.try_into().ok()
}

pub(crate) fn identifier(rest: &mut &[u8]) -> Option<UniqueIdentifier> {
    text(rest).map(UniqueIdentifier::new)
}

pub(crate) fn revision(rest: &mut &[u8]) -> Option<Revision> {
    long(rest).map(Revision)
}

pub(crate) fn date(rest: &mut &[u8]) -> Option<DateTime> {
    signed(rest).map(DateTime)
}

/// Reads what may be there; the outer `None` says that the bytes are wrong.
#[expect(clippy::option_option, reason = "absent and unreadable are different")]
pub(crate) fn perhaps<T>(rest: &mut &[u8], read: fn(&mut &[u8]) -> Option<T>) -> Option<Option<T>> {
    match byte(rest)? {
        0 => Some(None),
        1 => read(rest).map(Some),
        _ => None,
    }
}

/// Reads as many as it says there are.
pub(crate) fn list<T>(rest: &mut &[u8], read: fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    // What is said is not believed before it is there: room is made as the items come.
    let count = long(rest)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(read(rest)?);
    }
    Some(items)
}

pub(crate) fn columns(rest: &mut &[u8]) -> Option<Columns> {
    Some(Columns {
        owner: text(rest)?,
        policy: text(rest)?,
        object_type: number(rest)?,
        state: perhaps(rest, number)?,
        next_change_at: perhaps(rest, date)?,
        initial_date: date(rest)?,
        algorithm: perhaps(rest, number)?,
        length: perhaps(rest, number)?.map(u32::cast_signed),
        usage_mask: perhaps(rest, number)?,
        destroyed: match byte(rest)? {
            0 => false,
            1 => true,
            _ => return None,
        },
    })
}

pub(crate) fn term(rest: &mut &[u8]) -> Option<Term> {
    Some(Term { attribute: number(rest)?, value: bytes(rest)? })
}
