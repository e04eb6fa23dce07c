//! What clients do, and what they write down.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use kmip_model::enumeration::{
    BlockCipherMode, CryptographicAlgorithm, ObjectType, Operation, PaddingMethod, ResultReason,
    RevocationReasonCode, Tag, UsageLimitsUnit,
};

use super::linear::Moment;
use crate::{
    connection::{Connection, ConnectionError, Target, TlsVersions},
    dice::Dice,
    request::{
        Request, bytes, enumeration, identifier, integer, name_fields, structure, text,
        text_attribute,
    },
    tree::{Item, Value},
};

/// Names are unique and reasons are exact in this version.
const TWO: (i32, i32) = (2, 1);

/// Custom attributes are short, and destroyed objects are hidden, in this one.
const ONE: (i32, i32) = (1, 4);

/// How many objects are fought for at a time.
pub(super) const SLOTS: usize = 6;

/// How often a key may be used.
pub const USES: i64 = 12;

/// How many names are fought for.
const NAMES: usize = 4;

/// The attribute that everybody changes, and its first value.
const NOTE: &str = "x-note";
pub(super) const FIRST: &str = "first";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Activate.
    Activate,
    /// Revoke, out of use.
    Deactivate,
    /// Revoke, compromised.
    Compromise,
    /// Destroy.
    Destroy,
    /// Write this note.
    Note(String),
    /// Add this mark, which nobody else adds or deletes.
    Mark(String),
    /// Delete this mark.
    Unmark(String),
    /// Encrypt something.
    Use,
    /// Read the attributes.
    Read,
    /// Create an object of this name.
    Name(String),
}

/// What the answer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is done.
    Done,
    /// These are the attributes.
    Seen(Seen),
    /// The object is in another state.
    WrongState,
    /// The object is destroyed.
    Destroyed,
    /// The key was used as often as it may.
    UsedUp,
    /// Another object has that name.
    NameTaken,
    /// Nobody knows.
    Nothing,
}

/// The attributes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// State.
    pub state: u32,
    /// The note.
    pub note: String,
    /// How often the key may still be used.
    pub uses_left: i64,
    /// The marks.
    pub marks: BTreeSet<String>,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The object; empty if it is not known.
    pub id: String,
    /// What was asked for.
    pub act: Act,
    /// What was said.
    pub said: Said,
    /// When it was sent.
    pub start: Moment,
    /// When the answer was there.
    pub end: Moment,
}

/// What all clients have in common.
#[derive(Debug)]
pub struct Shared {
    begun: Instant,
    slots: Mutex<Vec<String>>,
    named: Mutex<Vec<(String, String)>>,
    events: Mutex<Vec<Event>>,
}

impl Shared {
    pub(super) fn new(begun: Instant) -> Self {
        let slots = Mutex::new(vec![String::new(); SLOTS]);
        Self { begun, slots, named: Mutex::default(), events: Mutex::default() }
    }

    pub(super) fn put(&self, slot: usize, id: String) {
        if let Some(place) = lock(&self.slots).get_mut(slot) {
            *place = id;
        }
    }

    /// Lists every object that was fought for.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        let events = lock(&self.events);
        let of = |named: bool| {
            let chosen = events.iter().filter(move |it| matches!(it.act, Act::Name(_)) == named);
            chosen.map(|event| event.id.clone()).collect::<BTreeSet<String>>()
        };
        of(false).difference(&of(true)).cloned().collect()
    }

    pub(super) fn history(&self) -> Vec<Event> {
        lock(&self.events).clone()
    }

    fn now(&self) -> Moment {
        // Zero is before everything.
        let passed = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(Moment::MAX);
        passed.saturating_add(1)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client.
#[derive(Debug)]
pub struct Client<'a> {
    number: usize,
    dice: Dice,
    next: u64,
    /// Marks that it has set, and on what.
    marks: Vec<(String, String)>,
    shared: &'a Shared,
}

impl<'a> Client<'a> {
    pub(super) fn new(number: usize, seed: u64, shared: &'a Shared) -> Self {
        let own = u64::try_from(number).unwrap_or_default();
        let dice = Dice::new(seed.wrapping_mul(1 << 20).wrapping_add(own));
        Self { number, dice, next: 0, marks: Vec::new(), shared }
    }

    /// Works until the time is over; if a connection ends, it takes another.
    pub(super) fn work(&mut self, target: &Target, end: Instant) -> Result<(), String> {
        while Instant::now() < end {
            let connection = Connection::open(target, TlsVersions::Any);
            let mut connection = connection.map_err(|error| error.to_string())?;
            while Instant::now() < end {
                if self.step(&mut connection)? == Said::Nothing {
                    break;
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, connection: &mut Connection) -> Result<Said, String> {
        self.next = self.next.saturating_add(1);
        let own = format!("{}-{}", self.number, self.next);
        let slot = self.dice.below(SLOTS);
        let id = lock(&self.shared.slots).get(slot).cloned().unwrap_or_default();
        let (id, act) = match self.dice.below(100) {
            0..22 => return read(connection, self.shared, &id),
            22..44 => (id, Act::Note(own)),
            44..50 => (id, Act::Mark(format!("x-mark-{own}"))),
            50..54 => match self.marks.pop() {
                Some((id, mark)) => (id, Act::Unmark(mark)),
                None => (id, Act::Mark(format!("x-mark-{own}"))),
            },
            54..74 => (id, Act::Use),
            74..84 => (id, Act::Activate),
            84..86 => (id, Act::Deactivate),
            86..87 => (id, Act::Compromise),
            87..90 => (id, Act::Destroy),
            90..96 => (String::new(), Act::Name(format!("name-{}", self.dice.below(NAMES)))),
            _ => match lock(&self.shared.named).pop() {
                Some((id, _)) => (id, Act::Destroy),
                None => (id, Act::Use),
            },
        };
        let (said, id) = perform(connection, self.shared, id, &act)?;
        match (&act, &said) {
            (Act::Mark(mark), Said::Done) => self.marks.push((id.clone(), mark.clone())),
            (Act::Name(name), Said::Done) => {
                lock(&self.shared.named).push((id.clone(), name.clone()));
            }
            _ => {}
        }
        let gone = said == Said::Destroyed || (act == Act::Destroy && said == Said::Done);
        let current = lock(&self.shared.slots).get(slot).cloned();
        if (gone || said == Said::UsedUp) && current.as_ref() == Some(&id) {
            let fresh = fresh(connection)?;
            self.shared.put(slot, fresh);
        }
        Ok(said)
    }
}

/// Makes a key to fight for.
pub(super) fn fresh(connection: &mut Connection) -> Result<String, String> {
    let limits = vec![
        Item::new(Tag::UsageLimitsTotal, Value::LongInteger(USES)),
        enumeration(Tag::UsageLimitsUnit, UsageLimitsUnit::Object),
    ];
    let more = vec![structure(Tag::UsageLimits, limits)];
    let request = Request::one(TWO, Operation::Create, create(more));
    let id = connection.exchange(&request.message()).map_err(|error| error.to_string())?;
    let id = id.at("BatchItem/ResponsePayload/UniqueIdentifier").and_then(Item::as_text);
    let id = id.ok_or("no key was made")?.to_owned();
    let payload = vec![identifier(&id), text_attribute(NOTE, FIRST)];
    let request = Request::one(ONE, Operation::AddAttribute, payload);
    let answer = connection.exchange(&request.message()).map_err(|error| error.to_string())?;
    answer.at("BatchItem/ResponsePayload").map(|_| id).ok_or_else(|| "no note".to_owned())
}

/// Reads the attributes of an object, and writes down what they were.
pub(super) fn read(connection: &mut Connection, shared: &Shared, id: &str) -> Result<Said, String> {
    perform(connection, shared, id.to_owned(), &Act::Read).map(|(said, _)| said)
}

fn create(more: Vec<Item>) -> Vec<Item> {
    let mut attributes = vec![
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        integer(Tag::CryptographicLength, 256),
        integer(Tag::CryptographicUsageMask, 12),
    ];
    attributes.extend(more);
    vec![
        enumeration(Tag::ObjectType, ObjectType::SymmetricKey),
        structure(Tag::Attributes, attributes),
    ]
}

fn request(id: &str, act: &Act) -> Request {
    let with = |more: Vec<Item>| {
        let mut payload = vec![identifier(id)];
        payload.extend(more);
        payload
    };
    let revoke = |code| {
        let reason = vec![enumeration(Tag::RevocationReasonCode, code)];
        with(vec![structure(Tag::RevocationReason, reason)])
    };
    match act {
        Act::Activate => Request::one(TWO, Operation::Activate, with(Vec::new())),
        Act::Deactivate => {
            let code = RevocationReasonCode::CessationOfOperation;
            Request::one(TWO, Operation::Revoke, revoke(code))
        }
        Act::Compromise => {
            Request::one(TWO, Operation::Revoke, revoke(RevocationReasonCode::KeyCompromise))
        }
        Act::Destroy => Request::one(TWO, Operation::Destroy, with(Vec::new())),
        Act::Note(note) => {
            Request::one(ONE, Operation::ModifyAttribute, with(vec![text_attribute(NOTE, note)]))
        }
        Act::Mark(mark) => {
            Request::one(ONE, Operation::AddAttribute, with(vec![text_attribute(mark, "set")]))
        }
        Act::Unmark(mark) => Request::one(
            ONE,
            Operation::DeleteAttribute,
            with(vec![text(Tag::AttributeName, mark)]),
        ),
        Act::Use => {
            let parameters = vec![
                enumeration(Tag::BlockCipherMode, BlockCipherMode::Cbc),
                enumeration(Tag::PaddingMethod, PaddingMethod::Pkcs5),
            ];
            let more = vec![
                structure(Tag::CryptographicParameters, parameters),
                bytes(Tag::Data, b"something to be kept secret"),
                bytes(Tag::IvCounterNonce, &[7; 16]),
            ];
            Request::one(TWO, Operation::Encrypt, with(more))
        }
        Act::Read => Request::one(ONE, Operation::GetAttributes, with(Vec::new())),
        Act::Name(name) => {
            let name = structure(Tag::Name, name_fields(name));
            Request::one(TWO, Operation::Create, create(vec![name]))
        }
    }
}

/// Sends a request and writes down what became of it.
fn perform(
    connection: &mut Connection,
    shared: &Shared,
    id: String,
    act: &Act,
) -> Result<(Said, String), String> {
    let message = request(&id, act).message();
    let start = shared.now();
    let answer = connection.exchange(&message);
    let end = shared.now();
    let answer = match answer {
        Ok(answer) => Some(answer),
        Err(ConnectionError::Broken(_)) => None,
        Err(other) => return Err(other.to_string()),
    };
    let said = match &answer {
        Some(answer) => said(act, answer).map_err(|wrong| format!("{act:?} of {id}: {wrong}"))?,
        None => Said::Nothing,
    };
    let made = answer.as_ref().and_then(|answer| {
        answer.at("BatchItem/ResponsePayload/UniqueIdentifier").and_then(Item::as_text)
    });
    let id = if id.is_empty() { made.unwrap_or_default().to_owned() } else { id };
    let event = Event { id: id.clone(), act: act.clone(), said: said.clone(), start, end };
    lock(&shared.events).push(event);
    Ok((said, id))
}

/// Reads an answer.
fn said(act: &Act, answer: &Item) -> Result<Said, String> {
    let item = answer.get(Tag::BatchItem).ok_or("there is no item")?;
    if let Some(payload) = item.get(Tag::ResponsePayload) {
        return Ok(if *act == Act::Read { Said::Seen(seen(payload)) } else { Said::Done });
    }
    let reason = ResultReason(item.enumeration(Tag::ResultReason).unwrap_or_default());
    Ok(match (act, reason) {
        (Act::Note(_) | Act::Mark(_) | Act::Unmark(_) | Act::Read, ResultReason::ItemNotFound)
        | (_, ResultReason::ObjectDestroyed) => Said::Destroyed,
        (_, ResultReason::WrongKeyLifecycleState) => Said::WrongState,
        (Act::Use, ResultReason::PermissionDenied) => Said::UsedUp,
        (Act::Name(_), ResultReason::NonUniqueNameAttribute) => Said::NameTaken,
        // It may be done or not.
        (_, ResultReason::GeneralFailure) => Said::Nothing,
        (_, other) => return Err(format!("refused by {other}: {item:?}")),
    })
}

fn seen(payload: &Item) -> Seen {
    let mut seen = Seen { state: 0, note: String::new(), uses_left: USES, marks: BTreeSet::new() };
    for attribute in payload.all(Tag::Attribute) {
        let name = attribute.text_of(Tag::AttributeName).unwrap_or_default();
        let Some(value) = attribute.get(Tag::AttributeValue) else { continue };
        match (name, &value.value) {
            ("State", Value::Enumeration(state)) => seen.state = *state,
            (NOTE, Value::TextString(note)) => seen.note.clone_from(note),
            ("Usage Limits", _) => {
                if let Some(Value::LongInteger(left)) =
                    value.get(Tag::UsageLimitsCount).map(|item| &item.value)
                {
                    seen.uses_left = *left;
                }
            }
            _ if name.starts_with("x-mark-") => {
                seen.marks.insert(name.to_owned());
            }
            _ => {}
        }
    }
    seen
}
