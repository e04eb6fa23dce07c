//! What is noted of a message, and when.

use super::*;
use crate::reason;
use kmip_ports::store::Revision;

#[test]
fn what_is_read_or_refused_is_noted_before_it_is_answered() {
    let desk = Desk::new();
    let answer = desk.send(message(
        Option_::Continue,
        vec![create(), get(IdentifierRef::Placeholder), get(IdentifierRef::Placeholder), missing()],
    ));
    assert_eq!(outcomes(&answer), "SSSF");
    // The first Get of a fresh object changes it.
    let made = desk.store.audit();
    let events = desk.store.notes();
    let noted: Vec<_> = events.iter().map(|event| (event.operation, event.reason)).collect();
    let unknown = reason::reason(&OperationError::NotFound, Some(Operation::Get), TWO.reasons);
    assert_eq!(noted, [(Operation::Get, None), (Operation::Get, Some(unknown))]);
    assert_eq!(events[0].identifier, made[0].identifier);
    assert_eq!(events[1].identifier, Some(UniqueIdentifier::new("none")));
    assert!(events.iter().all(|event| event.user == "alice" && event.revision.is_none()));
    // A message that is refused as a whole is one event.
    let stale = RequestMessage {
        time_stamp: Some(DateTime(NOW.0 - 60)),
        ..message(Option_::Stop, vec![create()])
    };
    desk.send(stale);
    let refused = desk.store.notes().pop().unwrap();
    assert_eq!((refused.operation, refused.identifier), (Operation::Create, None));
    assert!(refused.reason.is_some());
}

#[test]
fn what_cannot_be_noted_is_not_told_and_what_was_changed_is() {
    let desk = Desk::new();
    desk.store.fail_note(&StoreError::Unavailable);
    let answer = desk.send(message(
        Option_::Continue,
        vec![
            create(),
            get(IdentifierRef::Placeholder),
            get(IdentifierRef::Placeholder),
            activate(),
        ],
    ));
    assert_eq!(outcomes(&answer), "SSFS");
}

#[test]
fn a_change_is_noted_with_who_and_what() {
    let desk = Desk::new();
    let request = RequestMessage {
        client_correlation_value: Some("c".into()),
        ..message(Option_::Stop, vec![create(), activate()])
    };
    let answer = desk.send(request);
    assert_eq!(answer.client_correlation_value.as_deref(), Some("c"));
    let Outcome::Success(response) = &answer.items[0].outcome else { panic!("{answer:?}") };
    let Response::Create(created) = response.as_ref() else { panic!("{response:?}") };
    let audit = desk.store.audit();
    // A correlation value may be as long as a message; what is noted of it is not.
    let request = RequestMessage {
        client_correlation_value: Some("c".repeat(1_000)),
        ..message(Option_::Stop, vec![create()])
    };
    desk.send(request);
    let noted = desk.store.audit().last().and_then(|event| event.correlation.clone());
    assert_eq!(noted, Some("c".repeat(128)));
    let noted: Vec<_> = audit.iter().map(|event| (event.operation, event.revision)).collect();
    let expected = [(Operation::Create, 1), (Operation::Activate, 2)];
    assert_eq!(noted, expected.map(|(operation, revision)| (operation, Some(Revision(revision)))));
    assert!(audit.iter().all(|event| {
        event.user == "alice"
            && event.identifier.as_ref() == Some(&created.unique_identifier)
            && event.reason.is_none()
            && event.correlation.as_deref() == Some("c")
    }));
}
