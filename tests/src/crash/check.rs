//! Reads everything back and compares it with what was acknowledged.

use std::collections::BTreeSet;

use kmip_model::enumeration::{Operation, ResultStatus, State, Tag};

use super::witness::{Change, Client, NOTE, Object, VERSION};
use crate::{
    connection::Connection,
    request::{Request, identifier, name, text},
    tree::Value,
};

/// How many objects one message asks for.
const TOGETHER: usize = 40;

/// What became of the changes that nobody had acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// They had happened.
    pub happened: u64,
    /// They had not.
    pub lost: u64,
}

/// Finds out what became of what was pending.
///
/// # Errors
/// Says what happened by halves, or twice.
pub fn settle(connection: &mut Connection, clients: &mut [Client]) -> Result<Settled, String> {
    let mut settled = Settled::default();
    for client in clients {
        let Some(change) = client.pending.take() else { continue };
        let happened = match change {
            Change::New(objects) => settle_new(connection, client, objects)?,
            Change::Become(changed) => settle_changed(connection, client, changed)?,
        };
        let count = if happened { &mut settled.happened } else { &mut settled.lost };
        *count = count.saturating_add(1);
    }
    Ok(settled)
}

fn settle_new(
    connection: &mut Connection,
    client: &mut Client,
    mut objects: Vec<Object>,
) -> Result<bool, String> {
    let mut there: usize = 0;
    for object in &mut objects {
        let locate = Request::one(VERSION, Operation::Locate, vec![name(&object.name)]);
        match connection.ask(&locate).identifiers().as_slice() {
            [] => {}
            [id] => {
                id.clone_into(&mut object.id);
                there = there.saturating_add(1);
            }
            several => return Err(format!("{} was made {} times", object.name, several.len())),
        }
    }
    if there == 0 {
        return Ok(false);
    }
    if there < objects.len() {
        return Err(format!("only {there} of these were made: {objects:?}"));
    }
    // Whether they are what they had to become, is checked with all others.
    client.objects.extend(objects);
    Ok(true)
}

fn settle_changed(
    connection: &mut Connection,
    client: &mut Client,
    changed: Vec<(usize, Object)>,
) -> Result<bool, String> {
    let after: Vec<&Object> = changed.iter().map(|(_, object)| object).collect();
    let seen = read(connection, &after)?;
    let happened = seen.iter().zip(&after).filter(|(seen, after)| seen == *after).count();
    if happened == after.len() {
        for (place, object) in changed {
            *client.objects.get_mut(place).expect("objects stay where they are") = object;
        }
        return Ok(true);
    }
    if happened > 0 {
        return Err(format!("happened by halves: {seen:?}, to become {after:?}"));
    }
    // That they are what they were before, is checked with all others.
    Ok(false)
}

/// Compares every object with what was acknowledged, and the list of objects with what Locate
/// finds. Nothing may be pending. Destroyed objects are forgotten after that.
///
/// # Errors
/// Says what is lost, wrong or there twice.
pub fn compare(connection: &mut Connection, clients: &mut [Client]) -> Result<u64, String> {
    let mut wrong = Vec::new();
    let mut expected = BTreeSet::new();
    let mut read_back: u64 = 0;
    for client in &*clients {
        let objects: Vec<&Object> = client.objects.iter().collect();
        for (seen, object) in read(connection, &objects)?.iter().zip(&objects) {
            read_back = read_back.saturating_add(1);
            if seen != *object {
                wrong.push(format!("{seen:?}, acknowledged was {object:?}"));
            }
            if !object.is_destroyed() && !expected.insert(object.id.clone()) {
                wrong.push(format!("{} was given twice", object.id));
            }
        }
    }
    let locate = Request::one(VERSION, Operation::Locate, Vec::new());
    let located = connection.ask(&locate).identifiers();
    let distinct: BTreeSet<String> = located.iter().cloned().collect();
    if distinct.len() != located.len() {
        wrong.push("Locate returns an object twice".to_owned());
    }
    wrong.extend(expected.difference(&distinct).map(|id| format!("{id} is not located")));
    wrong.extend(distinct.difference(&expected).map(|id| format!("nobody has asked for {id}")));
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    for client in clients {
        client.objects.retain(|object| !object.is_destroyed());
    }
    Ok(read_back)
}

/// Reads objects as they are now. The key is read where the client knows it.
fn read(connection: &mut Connection, objects: &[&Object]) -> Result<Vec<Object>, String> {
    let mut seen = Vec::with_capacity(objects.len());
    for some in objects.chunks(TOGETHER) {
        let mut request = Request::new(VERSION);
        for (number, object) in some.iter().enumerate() {
            let mut payload = vec![identifier(&object.id)];
            payload.extend(["State", "Name", NOTE].map(|name| text(Tag::AttributeName, name)));
            request = request.item_as(&number.to_be_bytes(), Operation::GetAttributes, payload);
        }
        let answer = connection.ask(&request);
        for (number, object) in some.iter().enumerate() {
            if answer.status(number) != ResultStatus::Success {
                return Err(format!("{object:?} is lost: {:?}", answer.reason_of(number)));
            }
            let payload = answer.payload_of(number);
            let attribute = |name: &str| {
                payload
                    .all(Tag::Attribute)
                    .find(|item| item.text_of(Tag::AttributeName) == Some(name))
                    .and_then(|item| item.get(Tag::AttributeValue))
            };
            let state = attribute("State").map(|item| &item.value);
            let state = if let Some(Value::Enumeration(state)) = state { *state } else { 0 };
            let text = |name| attribute(name).and_then(|item| item.as_text()).unwrap_or_default();
            let name = attribute("Name").and_then(|item| item.text_of(Tag::NameValue));
            seen.push(Object {
                id: object.id.clone(),
                name: name.unwrap_or_default().to_owned(),
                note: text(NOTE).to_owned(),
                state: State(state),
                material: object.material.clone(),
            });
        }
    }
    for object in seen.iter_mut().filter(|object| !object.is_destroyed()) {
        if object.material.is_some() {
            let get = Request::one(VERSION, Operation::Get, vec![identifier(&object.id)]);
            object.material = Some(connection.ask(&get).key_material().to_vec());
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::Answer, server::TestServer};

    /// Does some steps on a server and returns it with what the witness knows.
    fn after_some_steps() -> (TestServer, Connection, Vec<Client>) {
        let server = TestServer::in_memory();
        let mut connection = server.connect(super::super::CLIENT);
        let mut client = Client::new(1, 7);
        for _ in 0..60 {
            let message = client.step().message();
            let answer = connection.exchange(&message).expect("it is there");
            client.acknowledged(&Answer::to(&message, answer));
        }
        (server, connection, vec![client])
    }

    #[test]
    fn what_is_as_acknowledged_passes() {
        let (_server, mut connection, mut clients) = after_some_steps();
        let count = clients[0].objects.len() as u64;
        assert_eq!(compare(&mut connection, &mut clients), Ok(count));
    }

    #[test]
    fn what_is_not_as_acknowledged_is_noticed() {
        type Spoil = fn(&mut Object);
        let spoils: [(&str, Spoil); 4] = [
            ("acknowledged was", |object| object.state = State::Compromised),
            ("acknowledged was", |object| object.note.push('!')),
            ("acknowledged was", |object| object.material = Some(vec![0; 32])),
            ("is lost", |object| object.id.push('!')),
        ];
        for (complaint, spoil) in spoils {
            let (_server, mut connection, mut clients) = after_some_steps();
            let live = clients[0].objects.iter_mut().find(|object| !object.is_destroyed());
            spoil(live.expect("some are live"));
            let wrong = compare(&mut connection, &mut clients).expect_err(complaint);
            assert!(wrong.contains(complaint), "{wrong}");
        }
    }

    #[test]
    fn what_nobody_asked_for_is_noticed() {
        let (_server, mut connection, mut clients) = after_some_steps();
        let position = clients[0].objects.iter().position(|object| !object.is_destroyed());
        clients[0].objects.remove(position.expect("some are live"));
        let wrong = compare(&mut connection, &mut clients).expect_err("it is one too many");
        assert!(wrong.contains("nobody has asked for"), "{wrong}");
    }

    #[test]
    fn what_happened_by_halves_is_noticed() {
        let (_server, mut connection, mut clients) = after_some_steps();
        let live: Vec<usize> = (0..)
            .zip(&clients[0].objects)
            .filter(|(_, it)| !it.is_destroyed())
            .map(|(at, _)| at)
            .collect();
        let become_again = |place: usize, note: &str| {
            let mut object = clients[0].objects[place].clone();
            object.note.push_str(note);
            (place, object)
        };
        let halves = vec![become_again(live[0], ""), become_again(live[1], "!")];
        let nothing = vec![become_again(live[0], "!"), become_again(live[1], "!")];
        clients[0].pending = Some(Change::Become(halves));
        let wrong = settle(&mut connection, &mut clients).expect_err("one half is there");
        assert!(wrong.contains("by halves"), "{wrong}");
        clients[0].pending = Some(Change::Become(nothing));
        let settled = settle(&mut connection, &mut clients).expect("it did not happen");
        assert_eq!((settled.happened, settled.lost), (0, 1));
    }
}
