//! Destroys what an identity can locate, so that no case meets the objects of another.

use std::collections::BTreeSet;

use kmip_model::enumeration::{Operation, ResultStatus, RevocationReasonCode, Tag};
use kmip_tests::connection::{Connection, ConnectionError, TlsVersions};

use crate::subject::Subject;
use crate::tree::{Item, Value};

/// The versions in which objects are looked for, the usual ones of each generation first.
const VERSIONS: [(i32, i32); 5] = [(1, 4), (2, 1), (2, 0), (1, 2), (1, 0)];

/// When the objects that are in the way were compromised: before anything else happened.
const LONG_AGO: i64 = 6;

/// Removes objects in the name of one identity.
#[derive(Debug, Default)]
pub(crate) struct Cleanup {
    /// The version that has worked.
    working: Option<(i32, i32)>,
}

impl Cleanup {
    /// Returns the objects that the identity can locate, and the version that the server knows.
    fn locate(&mut self, subject: &Subject, newest: (i32, i32)) -> Option<(Connection, Found)> {
        let generation = VERSIONS.into_iter().filter(|version| version.0 == newest.0);
        for version in self.working.into_iter().chain(generation).chain(VERSIONS) {
            // A server closes the connection on a version that it cannot read; so a new one each.
            let Ok(mut connection) = Connection::open(&subject.target, TlsVersions::Any) else {
                continue;
            };
            let located = call(&mut connection, version, Operation::Locate, Vec::new());
            let Ok(Some(payload)) = located else { continue };
            self.working = Some(version);
            let identifiers = payload.all(Tag::UniqueIdentifier).filter_map(Item::as_text);
            let identifiers = identifiers.map(str::to_owned).collect();
            return Some((connection, Found { version, identifiers }));
        }
        None
    }

    /// Counts the objects that the identity can locate.
    pub(crate) fn count(&mut self, subject: &Subject) -> usize {
        self.locate(subject, (1, 4)).map_or(0, |(_, found)| found.identifiers.len())
    }

    /// Destroys the objects that the identity can locate, and those in `known`.
    pub(crate) fn run<'k>(
        &mut self,
        subject: &Subject,
        newest: (i32, i32),
        known: impl IntoIterator<Item = &'k String>,
    ) {
        let Some((mut connection, found)) = self.locate(subject, newest) else { return };
        let mut identifiers = found.identifiers;
        identifiers.extend(known.into_iter().cloned());
        for identifier in identifiers {
            if destroy(&mut connection, found.version, &identifier).is_err() {
                return;
            }
        }
    }
}

/// What a Locate has found, and in which version.
struct Found {
    version: (i32, i32),
    identifiers: BTreeSet<String>,
}

/// Destroys one object whatever its state; an object that cannot be destroyed stays.
fn destroy(
    connection: &mut Connection,
    version: (i32, i32),
    identifier: &str,
) -> Result<(), ConnectionError> {
    let named = || Item::text(Tag::UniqueIdentifier, identifier);
    if call(connection, version, Operation::Destroy, vec![named()])?.is_some() {
        return Ok(());
    }
    let code = Value::Enumeration(RevocationReasonCode::KeyCompromise.0);
    let revocation = vec![
        named(),
        Item::structure(Tag::RevocationReason, vec![Item::new(Tag::RevocationReasonCode, code)]),
        Item::new(Tag::CompromiseOccurrenceDate, Value::DateTime(LONG_AGO)),
    ];
    if call(connection, version, Operation::Revoke, revocation)?.is_some() {
        call(connection, version, Operation::Destroy, vec![named()])?;
    }
    Ok(())
}

/// Runs one operation; a refusal is no payload.
fn call(
    connection: &mut Connection,
    version: (i32, i32),
    operation: Operation,
    payload: Vec<Item>,
) -> Result<Option<Item>, ConnectionError> {
    let answer = connection.exchange(&message(version, operation, payload))?;
    let Some(item) = answer.get(Tag::BatchItem) else { return Ok(None) };
    if item.enumeration(Tag::ResultStatus) != Some(ResultStatus::Success.0) {
        return Ok(None);
    }
    let empty = || Item::structure(Tag::ResponsePayload, Vec::new());
    Ok(Some(item.get(Tag::ResponsePayload).cloned().unwrap_or_else(empty)))
}

/// Makes a request with one operation.
fn message((major, minor): (i32, i32), operation: Operation, payload: Vec<Item>) -> Item {
    let version = vec![
        Item::new(Tag::ProtocolVersionMajor, Value::Integer(major)),
        Item::new(Tag::ProtocolVersionMinor, Value::Integer(minor)),
    ];
    let header = vec![
        Item::structure(Tag::ProtocolVersion, version),
        Item::new(Tag::BatchCount, Value::Integer(1)),
    ];
    let item = vec![
        Item::new(Tag::Operation, Value::Enumeration(operation.0)),
        Item::structure(Tag::RequestPayload, payload),
    ];
    Item::structure(
        Tag::RequestMessage,
        vec![Item::structure(Tag::RequestHeader, header), Item::structure(Tag::BatchItem, item)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::tree;

    #[test]
    fn a_message_has_a_version_and_one_item() {
        let identifier = Item::text(Tag::UniqueIdentifier, "7");
        let message = message((1, 4), Operation::Destroy, vec![identifier]);
        assert_eq!(
            tree(&message),
            "RequestMessage\n  RequestHeader\n    ProtocolVersion\n      \
             ProtocolVersionMajor Integer 1\n      ProtocolVersionMinor Integer 4\n    \
             BatchCount Integer 1\n  BatchItem\n    Operation Enumeration Destroy\n    \
             RequestPayload\n      UniqueIdentifier TextString \"7\"\n"
        );
    }
}
