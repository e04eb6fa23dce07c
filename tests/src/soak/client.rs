//! A client that knows what every answer must be: KMIP 1.4 §4.
//!
//! It changes only objects of its own, so a Get returns the key that was made, an object is in the
//! state that it was brought to, and one that is destroyed is gone. A change whose answer was lost
//! has happened wholly or not at all; which of the two, it finds out before it goes on. One that a
//! node was asked for as it stopped has not happened, and is asked for again.

use std::collections::VecDeque;

use kmip_model::enumeration::{ResultReason, State, Tag};

use super::{
    ask::{self, Make, Turn},
    balancer::Ending,
    told,
};
use crate::{dice::Dice, tree::Item};

/// How many keys a client has when it makes no more.
const ENOUGH: usize = 32;

/// How many of those that it has destroyed it remembers.
const REMEMBERED: usize = 16;

/// How long a text is that is encrypted.
const PLAINTEXT: usize = 512;

/// A key of the client's.
#[derive(Clone)]
pub struct Key {
    /// Unique Identifier; empty until the server has told it.
    pub id: String,
    /// Name.
    pub name: String,
    /// The value of its custom attribute.
    pub note: String,
    /// State.
    pub state: State,
    /// The key, as soon as the client knows it.
    pub material: Option<Vec<u8>>,
    /// What it has encrypted last.
    pub sealed: Option<Sealed>,
}

/// What Encrypt has made of a text.
#[derive(Clone)]
pub struct Sealed {
    /// The text.
    pub plaintext: Vec<u8>,
    /// Data, nonce and tag of the answer.
    pub parts: [Vec<u8>; 3],
}

/// What a client asks for. Keys are meant by their place.
#[derive(Clone)]
pub enum Asked {
    /// Query: which operations there are.
    Query,
    /// A new key.
    New(Make, Key),
    /// The key.
    Get(usize),
    /// The key by its Name.
    Locate(usize),
    /// State and the custom attribute.
    Attributes(usize),
    /// A text encrypted.
    Encrypt(usize, Vec<u8>),
    /// The text that was encrypted last.
    Decrypt(usize),
    /// The key is to become this, which differs in the custom attribute or is one step further in
    /// its life.
    Become(usize, Key),
    /// One that is destroyed: by its identifier, or by its Name.
    Gone {
        /// Unique Identifier.
        id: String,
        /// Name.
        name: String,
        /// Whether it is searched for.
        located: bool,
    },
    /// What became of a change whose answer was lost.
    Settle(Box<Doubt>),
}

/// A change whose answer was lost.
#[derive(Clone)]
pub struct Doubt {
    change: Asked,
    /// How the node ended that was asked for it.
    ending: Ending,
}

/// What was found out about changes whose answers were lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// They had happened.
    pub happened: u64,
    /// They had not.
    pub not: u64,
}

/// One client.
pub struct Client {
    number: usize,
    dice: Dice,
    next: u64,
    live: Vec<Key>,
    gone: VecDeque<(String, String)>,
    doubt: Option<Box<Doubt>>,
    again: Option<Asked>,
    /// What was found out so far.
    pub settled: Settled,
}

impl Client {
    /// Makes a client that has nothing yet.
    pub fn new(number: usize, seed: u64) -> Self {
        let own = u64::try_from(number).unwrap_or_default();
        Self {
            number,
            dice: Dice::new(seed.wrapping_mul(1 << 20).wrapping_add(own)),
            next: 0,
            live: Vec::new(),
            gone: VecDeque::new(),
            doubt: None,
            again: None,
            settled: Settled::default(),
        }
    }

    /// Decides what to ask for next.
    pub fn choose(&mut self) -> Asked {
        if let Some(doubt) = self.doubt.take() {
            return Asked::Settle(doubt);
        }
        if let Some(again) = self.again.take() {
            return again;
        }
        let roll = self.dice.below(100);
        if self.live.is_empty() || (roll < 10 && self.live.len() < ENOUGH) {
            return self.make();
        }
        let place = self.dice.below(self.live.len());
        let key = self.at(place).clone();
        let is_active = key.state == State::Active;
        match roll {
            // It has enough: one of them gets nearer to its end.
            0..16 => self.live(place, key),
            16..48 => Asked::Get(place),
            48..58 if is_active => Asked::Encrypt(place, self.dice.bytes(PLAINTEXT)),
            58..68 if is_active && key.sealed.is_some() => Asked::Decrypt(place),
            48..74 => Asked::Attributes(place),
            74..84 => Asked::Locate(place),
            84..90 => {
                self.next = self.next.saturating_add(1);
                let note = format!("{}-{}", self.number, self.next);
                Asked::Become(place, Key { note, ..key })
            }
            90..98 if !self.gone.is_empty() => {
                let which = self.dice.below(self.gone.len());
                let (id, name) = self.gone.get(which).cloned().unwrap_or_default();
                Asked::Gone { id, name, located: roll.is_multiple_of(2) }
            }
            _ => Asked::Query,
        }
    }

    /// Lists everything that is known, to be read once more in the end.
    pub fn everything(&self) -> Vec<Asked> {
        let of = |make: fn(usize) -> Asked| (0..self.live.len()).map(make);
        let gone = self.gone.iter().cloned();
        let gone = gone.map(|(id, name)| Asked::Gone { id, name, located: false });
        of(Asked::Get).chain(of(Asked::Attributes)).chain(of(Asked::Locate)).chain(gone).collect()
    }

    /// Says whether there is something to be found out, or asked for again, before anything else.
    pub fn is_in_doubt(&self) -> bool {
        self.doubt.is_some() || self.again.is_some()
    }

    /// Makes the message.
    pub fn message(&self, asked: &Asked) -> Vec<u8> {
        match asked {
            Asked::Query => ask::query(),
            Asked::New(make, key) => ask::new(*make, key),
            Asked::Get(place) => ask::get(&self.at(*place).id),
            Asked::Locate(place) => ask::locate(&self.at(*place).name),
            Asked::Attributes(place) => ask::attributes(&self.at(*place).id),
            Asked::Encrypt(place, plaintext) => ask::encrypt(&self.at(*place).id, plaintext),
            Asked::Decrypt(place) => {
                let key = self.at(*place);
                ask::decrypt(&key.id, key.sealed.as_ref().expect("it has encrypted something"))
            }
            Asked::Become(place, after) => ask::turn(after, turn(self.at(*place), after)),
            Asked::Gone { name, located: true, .. } => ask::locate(name),
            Asked::Gone { id, .. } => ask::get(id),
            Asked::Settle(doubt) => match &doubt.change {
                Asked::New(_, key) => ask::locate(&key.name),
                Asked::Become(_, key) => ask::attributes(&key.id),
                _ => ask::query(),
            },
        }
    }

    /// Hears the answer.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn hear(&mut self, asked: Asked, answer: &Item) -> Result<(), String> {
        match asked {
            Asked::Query => told::success(answer).map(|_| ()),
            Asked::New(_, mut key) => {
                let payload = told::success(answer).map_err(|error| format!("new key: {error}"))?;
                let id = payload.text_of(Tag::UniqueIdentifier).ok_or("new key: no identifier")?;
                id.clone_into(&mut key.id);
                self.live.push(key);
                Ok(())
            }
            Asked::Get(place) => {
                let key = self.at_mut(place);
                let material = told::material(answer).map_err(|error| wrong("Get", key, &error))?;
                match &key.material {
                    Some(known) if *known != material => Err(wrong("Get", key, "another key came")),
                    _ => {
                        key.material = Some(material);
                        Ok(())
                    }
                }
            }
            Asked::Locate(place) => {
                let key = self.at(place);
                let found =
                    told::identifiers(answer).map_err(|error| wrong("Locate", key, &error))?;
                let right = found == [key.id.as_str()];
                right.then_some(()).ok_or_else(|| wrong("Locate", key, &format!("{found:?} came")))
            }
            Asked::Attributes(place) => {
                let key = self.at(place);
                let seen = told::seen(answer)
                    .map_err(|error| wrong("Get Attributes", key, &error))?
                    .ok_or_else(|| wrong("Get Attributes", key, "it is not there"))?;
                let right = seen == (key.state, key.note.clone());
                right
                    .then_some(())
                    .ok_or_else(|| wrong("Get Attributes", key, &format!("{seen:?} came")))
            }
            Asked::Encrypt(place, plaintext) => {
                let key = self.at_mut(place);
                let parts = told::sealed(answer).map_err(|error| wrong("Encrypt", key, &error))?;
                key.sealed = Some(Sealed { plaintext, parts });
                Ok(())
            }
            Asked::Decrypt(place) => {
                let key = self.at(place);
                let data = told::bytes(answer, Tag::Data);
                let data = data.map_err(|error| wrong("Decrypt", key, &error))?;
                let right = key.sealed.as_ref().is_some_and(|sealed| sealed.plaintext == data);
                right.then_some(()).ok_or_else(|| wrong("Decrypt", key, "another text came"))
            }
            Asked::Become(place, after) => {
                told::success(answer).map_err(|error| wrong("a change", &after, &error))?;
                self.become_known(place, after);
                Ok(())
            }
            Asked::Gone { id, name, located } => gone(answer, &id, &name, located),
            Asked::Settle(doubt) => self.settle(*doubt, answer),
        }
    }

    /// Hears that there will be no answer, because a node has ended.
    pub fn unanswered(&mut self, asked: Asked, ending: Ending) {
        match asked {
            Asked::Settle(doubt) => self.doubt = Some(doubt),
            change @ (Asked::New(..) | Asked::Become(..)) => {
                self.doubt = Some(Box::new(Doubt { change, ending }));
            }
            other if ending == Ending::Stopped => self.again = Some(other),
            _ => {}
        }
    }

    /// Finds out what became of a change.
    fn settle(&mut self, doubt: Doubt, answer: &Item) -> Result<(), String> {
        let (happened, subject) = match &doubt.change {
            Asked::New(_, key) => match told::identifiers(answer)?.as_slice() {
                [] => (false, key.name.clone()),
                [id] => {
                    self.live.push(Key { id: id.clone(), ..key.clone() });
                    (true, key.name.clone())
                }
                several => return Err(format!("{} was made {} times", key.name, several.len())),
            },
            Asked::Become(place, after) => {
                let before = self.at(*place);
                let seen = told::seen(answer)?;
                let is = |key: &Key| match &seen {
                    Some(seen) => *seen == (key.state, key.note.clone()),
                    None => is_destroyed(key),
                };
                let happened = is(after);
                if !happened && !is(before) {
                    return Err(wrong("a change without an answer", after, &format!("{seen:?}")));
                }
                if happened {
                    self.become_known(*place, after.clone());
                }
                (happened, after.id.clone())
            }
            _ => return Ok(()),
        };
        let count = if happened { &mut self.settled.happened } else { &mut self.settled.not };
        *count = count.saturating_add(1);
        match (doubt.ending, happened) {
            (Ending::Stopped, true) => {
                Err(format!("{subject}: a node that was stopped has done it and not said so"))
            }
            (Ending::Stopped, false) => {
                self.again = Some(doubt.change);
                Ok(())
            }
            (Ending::Killed, _) => Ok(()),
        }
    }

    fn become_known(&mut self, place: usize, after: Key) {
        if is_destroyed(&after) {
            self.live.swap_remove(place);
            self.gone.push_back((after.id, after.name));
            if self.gone.len() > REMEMBERED {
                self.gone.pop_front();
            }
        } else {
            *self.at_mut(place) = after;
        }
    }

    fn make(&mut self) -> Asked {
        self.next = self.next.saturating_add(1);
        let make = *self.dice.of(&[Make::Create, Make::Register, Make::CreateActive]);
        let state = if make == Make::CreateActive { State::Active } else { State::PreActive };
        let key = Key {
            id: String::new(),
            name: format!("soak-{}-{}", self.number, self.next),
            note: format!("{}", self.next),
            state,
            material: (make == Make::Register).then(|| self.dice.bytes(32)),
            sealed: None,
        };
        Asked::New(make, key)
    }

    /// Takes a key one step further in its life.
    fn live(&mut self, place: usize, key: Key) -> Asked {
        let state = match key.state {
            State::PreActive if self.dice.below(4) > 0 => State::Active,
            State::Active => State::Deactivated,
            _ => State::Destroyed,
        };
        Asked::Become(place, Key { state, ..key })
    }

    fn at(&self, place: usize) -> &Key {
        self.live.get(place).expect("keys stay where they are while something is asked")
    }

    fn at_mut(&mut self, place: usize) -> &mut Key {
        self.live.get_mut(place).expect("keys stay where they are while something is asked")
    }
}

fn is_destroyed(key: &Key) -> bool {
    key.state == State::Destroyed
}

/// Says what makes one into the other.
fn turn(before: &Key, after: &Key) -> Turn {
    match after.state {
        state if state == before.state => Turn::Note,
        State::Active => Turn::Activate,
        State::Deactivated => Turn::Revoke,
        _ => Turn::Destroy,
    }
}

fn wrong(what: &str, key: &Key, error: &str) -> String {
    format!("{what} of {} ({}, {:?}): {error}", key.id, key.name, key.state)
}

/// Hears what is said of an object that is destroyed.
fn gone(answer: &Item, id: &str, name: &str, located: bool) -> Result<(), String> {
    if located {
        let found = told::identifiers(answer)?;
        let right = found.is_empty();
        return right
            .then_some(())
            .ok_or_else(|| format!("{name} is destroyed, and {found:?} came"));
    }
    match told::reason(answer)? {
        Some(ResultReason::ItemNotFound | ResultReason::ObjectDestroyed) => Ok(()),
        Some(other) => Err(format!("{id} is destroyed, and Get says {other}")),
        None => Err(format!("{id} is destroyed, and Get returns it")),
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::ResultStatus;

    use super::*;
    use crate::request::{bytes, enumeration, identifier, structure};

    fn answer(item: Vec<Item>) -> Item {
        structure(Tag::ResponseMessage, vec![structure(Tag::BatchItem, item)])
    }

    fn success(payload: Vec<Item>) -> Item {
        answer(vec![
            enumeration(Tag::ResultStatus, ResultStatus::Success),
            structure(Tag::ResponsePayload, payload),
        ])
    }

    fn refusal(reason: ResultReason) -> Item {
        answer(vec![
            enumeration(Tag::ResultStatus, ResultStatus::OperationFailed),
            enumeration(Tag::ResultReason, reason),
        ])
    }

    fn key(material: &[u8]) -> Item {
        let value = structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, material)]);
        let block = structure(Tag::KeyBlock, vec![value]);
        success(vec![structure(Tag::SymmetricKey, vec![block])])
    }

    /// Has a client ask for its first key, and hears that a node has ended meanwhile.
    fn in_doubt(ending: Ending) -> (Client, Box<Doubt>) {
        let mut client = Client::new(0, 1);
        let asked = client.choose();
        assert!(matches!(asked, Asked::New(..)));
        client.unanswered(asked, ending);
        assert!(client.is_in_doubt());
        match client.choose() {
            Asked::Settle(doubt) => (client, doubt),
            _ => panic!("what is in doubt is found out first"),
        }
    }

    /// Makes a client that has one key, `a`, whose bytes are not known.
    fn with_key() -> Client {
        let mut client = Client::new(0, 1);
        let Asked::New(_, key) = client.choose() else { panic!("it has no key yet") };
        let asked = Asked::New(Make::Create, Key { material: None, ..key });
        client.hear(asked, &success(vec![identifier("a")])).unwrap();
        client
    }

    #[test]
    fn a_killed_node_may_have_made_a_key_or_not_but_not_two() {
        for (found, happened) in [(vec![identifier("a")], 1), (vec![], 0)] {
            let (mut client, doubt) = in_doubt(Ending::Killed);
            client.hear(Asked::Settle(doubt), &success(found)).unwrap();
            assert_eq!((client.settled.happened, client.settled.not), (happened, 1 - happened));
            assert!(!client.is_in_doubt());
        }
        let (mut client, doubt) = in_doubt(Ending::Killed);
        let twice = success(vec![identifier("a"), identifier("b")]);
        assert!(client.hear(Asked::Settle(doubt), &twice).unwrap_err().contains("2 times"));
    }

    #[test]
    fn a_stopped_node_has_not_done_what_it_did_not_answer_and_is_asked_again() {
        let (mut client, doubt) = in_doubt(Ending::Stopped);
        client.hear(Asked::Settle(doubt), &success(Vec::new())).unwrap();
        assert!(matches!(client.choose(), Asked::New(_, key) if key.name == "soak-0-1"));
        let (mut client, doubt) = in_doubt(Ending::Stopped);
        let done = success(vec![identifier("a")]);
        assert!(client.hear(Asked::Settle(doubt), &done).unwrap_err().contains("not said so"));
    }

    #[test]
    fn what_is_asked_to_find_out_may_be_lost_too() {
        let (mut client, doubt) = in_doubt(Ending::Killed);
        client.unanswered(Asked::Settle(doubt), Ending::Stopped);
        assert!(matches!(client.choose(), Asked::Settle(_)));
    }

    #[test]
    fn a_key_is_the_same_every_time() {
        let mut client = with_key();
        client.hear(Asked::Get(0), &key(&[7; 32])).unwrap();
        client.hear(Asked::Get(0), &key(&[7; 32])).unwrap();
        let complaint = client.hear(Asked::Get(0), &key(&[8; 32])).unwrap_err();
        assert!(complaint.contains("another key"), "{complaint}");
        let gone = refusal(ResultReason::ItemNotFound);
        assert!(client.hear(Asked::Get(0), &gone).is_err());
    }

    #[test]
    fn what_is_destroyed_is_gone() {
        let mut client = with_key();
        let after = Key { state: State::Destroyed, ..client.at(0).clone() };
        client.hear(Asked::Become(0, after), &success(vec![identifier("a")])).unwrap();
        let asked = client.everything();
        let [gone @ Asked::Gone { .. }] = asked.as_slice() else { panic!("it has no key left") };
        client.hear(gone.clone(), &refusal(ResultReason::ItemNotFound)).unwrap();
        assert!(client.hear(gone.clone(), &key(&[7; 32])).is_err());
        assert!(client.hear(gone.clone(), &refusal(ResultReason::PermissionDenied)).is_err());
    }

    #[test]
    fn a_lost_change_has_happened_or_not_and_nothing_else() {
        let seen = |state: State, note: &str| {
            let value =
                |name: &str, value: crate::tree::Value| crate::request::attribute(name, value);
            success(vec![
                value("State", crate::tree::Value::Enumeration(state.0)),
                value("x-note", crate::tree::Value::TextString(note.to_owned())),
            ])
        };
        let mut client = with_key();
        *client.at_mut(0) = Key { state: State::PreActive, ..client.at(0).clone() };
        let after = Key { state: State::Active, ..client.at(0).clone() };
        let lost = |client: &mut Client, answer: &Item| {
            client.unanswered(Asked::Become(0, after.clone()), Ending::Killed);
            let asked = client.choose();
            client.hear(asked, answer)
        };
        lost(&mut client, &seen(State::PreActive, "1")).unwrap();
        assert_eq!((client.settled.happened, client.settled.not), (0, 1));
        lost(&mut client, &seen(State::Active, "1")).unwrap();
        assert_eq!(client.at(0).state, State::Active);
        assert!(lost(&mut client, &seen(State::Active, "2")).is_err());
        assert!(lost(&mut client, &refusal(ResultReason::ItemNotFound)).is_err());
    }
}
