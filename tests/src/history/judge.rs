//! Looks for an order that explains everything that clients were told.

use std::collections::{BTreeMap, BTreeSet};

use kmip_model::enumeration::State;

use super::{
    Tally,
    client::{Act, Event, FIRST, Said, USES},
    linear::{Call, Moment, Register, Rules, in_order, register},
};

/// Judges a history.
///
/// # Errors
/// Says what nothing can explain, object by object.
pub fn judge(history: &[Event]) -> Result<Tally, String> {
    let mut objects: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    let mut names: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in history {
        match &event.act {
            Act::Name(name) => names.entry(name).or_default().push(event),
            _ => objects.entry(&event.id).or_default().push(event),
        }
    }
    let mut wrong = Vec::new();
    let mut tally = Tally { names: names.len(), ..Tally::default() };
    for (id, events) in &objects {
        let about = |error: String| format!("{id}: {error}");
        wrong.extend(states(events).err().map(about));
        wrong.extend(notes(events).err().map(about));
        wrong.extend(marks(events).err().map(about));
        wrong.extend(uses(events).err().map(about));
    }
    for (name, events) in &names {
        let about = |error: String| format!("{name}: {error}");
        wrong.extend(holders(events, &objects).err().map(about));
    }
    let count = |of: &dyn Fn(&&Event) -> bool| history.iter().filter(of).count();
    tally.objects = objects.len();
    tally.unknown = count(&|event| event.said == Said::Nothing);
    tally.answered = history.len().saturating_sub(tally.unknown);
    tally.done = count(&|event| matches!(event.said, Said::Done | Said::Seen(_)));
    tally.uses = count(&|event| event.act == Act::Use && event.said == Said::Done);
    if wrong.is_empty() { Ok(tally) } else { Err(wrong.join("\n")) }
}

fn end(event: &Event) -> Option<Moment> {
    (event.said != Said::Nothing).then_some(event.end)
}

/// The life of an object, as the state machine has it.
struct Life;

impl Rules for Life {
    type State = State;
    type Act = (Act, Said);

    fn step(state: &State, (act, said): &(Act, Said)) -> Option<State> {
        let state = *state;
        let is_destroyed = matches!(state, State::Destroyed | State::DestroyedCompromised);
        let possible = |holds: bool| holds.then_some(state);
        match said {
            Said::Seen(seen) => return possible(State(seen.state) == state),
            Said::Destroyed => return possible(is_destroyed),
            Said::UsedUp => return possible(state == State::Active),
            Said::WrongState => {
                let fits = match act {
                    Act::Activate => state == State::PreActive,
                    Act::Deactivate | Act::Use => state == State::Active,
                    Act::Destroy => state != State::Active,
                    // The others are possible in every state but those of the destroyed.
                    _ => !is_destroyed,
                };
                return possible(!fits);
            }
            Said::Done | Said::Nothing | Said::NameTaken => {}
        }
        match (act, state) {
            (Act::Activate, State::PreActive) => Some(State::Active),
            (Act::Deactivate, State::Active) => Some(State::Deactivated),
            (
                Act::Compromise,
                State::PreActive | State::Active | State::Deactivated | State::Compromised,
            ) => Some(State::Compromised),
            (Act::Compromise, State::Destroyed | State::DestroyedCompromised) => {
                Some(State::DestroyedCompromised)
            }
            (Act::Destroy, State::PreActive | State::Deactivated) => Some(State::Destroyed),
            (Act::Destroy, State::Compromised) => Some(State::DestroyedCompromised),
            (Act::Use, _) => possible(state == State::Active),
            (Act::Note(_) | Act::Mark(_) | Act::Unmark(_), _) => possible(!is_destroyed),
            _ => None,
        }
    }
}

fn states(events: &[&Event]) -> Result<(), String> {
    let call = |event: &&Event| Call {
        start: event.start,
        end: end(event),
        act: (event.act.clone(), event.said.clone()),
    };
    let calls: Vec<_> = events.iter().map(call).collect();
    in_order::<Life>(State::PreActive, &calls)
}

fn notes(events: &[&Event]) -> Result<(), String> {
    let call = |event: &&Event| {
        let act = match (&event.act, &event.said) {
            (Act::Note(note), Said::Done | Said::Nothing) => Register::Write(note.clone()),
            (_, Said::Seen(seen)) => Register::Read(seen.note.clone()),
            _ => return None,
        };
        Some(Call { start: event.start, end: end(event), act })
    };
    let calls: Vec<_> = events.iter().filter_map(call).collect();
    register(FIRST, &calls)
}

/// A mark that is there, or is not.
struct Mark;

impl Rules for Mark {
    type State = bool;
    type Act = MarkAct;

    fn step(there: &bool, act: &MarkAct) -> Option<bool> {
        match act {
            MarkAct::Set => (!there).then_some(true),
            MarkAct::Cleared => there.then_some(false),
            MarkAct::Seen(seen) => (there == seen).then_some(*there),
        }
    }
}

/// What was done with a mark, or seen of it.
#[derive(Debug)]
enum MarkAct {
    Set,
    Cleared,
    Seen(bool),
}

fn marks(events: &[&Event]) -> Result<(), String> {
    let mut calls: BTreeMap<&str, Vec<Call<MarkAct>>> = BTreeMap::new();
    let mut reads = Vec::new();
    for event in events {
        let (mark, act) = match (&event.act, &event.said) {
            (Act::Mark(mark), Said::Done | Said::Nothing) => (mark, MarkAct::Set),
            (Act::Unmark(mark), Said::Done | Said::Nothing) => (mark, MarkAct::Cleared),
            (_, Said::Seen(seen)) => {
                reads.push((*event, seen));
                continue;
            }
            _ => continue,
        };
        let call = Call { start: event.start, end: end(event), act };
        calls.entry(mark).or_default().push(call);
    }
    for (mark, mut calls) in calls {
        for (event, seen) in &reads {
            let act = MarkAct::Seen(seen.marks.contains(mark));
            calls.push(Call { start: event.start, end: Some(event.end), act });
        }
        in_order::<Mark>(false, &calls).map_err(|wrong| format!("{mark}: {wrong}"))?;
    }
    Ok(())
}

/// Compares the count that was read with the uses that had been confirmed before, and with those
/// that had been asked for.
fn uses(events: &[&Event]) -> Result<(), String> {
    let uses: Vec<&&Event> = events.iter().filter(|event| event.act == Act::Use).collect();
    let maximum = usize::try_from(USES).unwrap_or_default();
    let done = uses.iter().filter(|event| event.said == Said::Done).count();
    if done > maximum {
        return Err(format!("used {done} times instead of {USES}"));
    }
    let confirmed = |until: Moment| {
        uses.iter().filter(|event| event.said == Said::Done && event.end < until).count()
    };
    let asked = |until: Moment| {
        let may = |event: &&&&Event| matches!(event.said, Said::Done | Said::Nothing);
        uses.iter().filter(may).filter(|event| event.start < until).count()
    };
    for event in events {
        let counted = match &event.said {
            Said::Seen(seen) => USES.saturating_sub(seen.uses_left),
            Said::UsedUp => USES,
            _ => continue,
        };
        let (least, most) = (confirmed(event.start), asked(event.end));
        let counted = usize::try_from(counted).unwrap_or(usize::MAX);
        if counted < least || counted > most {
            return Err(format!("{event:?} counts {counted} uses; {least} to {most} were made"));
        }
    }
    Ok(())
}

/// Who has a name.
struct Holder;

impl Rules for Holder {
    type State = Option<String>;
    type Act = HolderAct;

    fn step(holder: &Option<String>, act: &HolderAct) -> Option<Option<String>> {
        match act {
            HolderAct::Taken(id) => holder.is_none().then(|| Some(id.clone())),
            HolderAct::Refused => holder.is_some().then(|| holder.clone()),
            HolderAct::Freed(id) => (holder.as_ref() == Some(id)).then_some(None),
        }
    }
}

/// What was done with a name.
#[derive(Debug)]
enum HolderAct {
    Taken(String),
    Refused,
    Freed(String),
}

fn holders(events: &[&Event], objects: &BTreeMap<&str, Vec<&Event>>) -> Result<(), String> {
    let mut calls = Vec::new();
    let mut ids = BTreeSet::new();
    for event in events {
        let act = match event.said {
            Said::NameTaken => HolderAct::Refused,
            // Without an answer, somebody nobody knows may have it.
            Said::Nothing => HolderAct::Taken(String::new()),
            _ => {
                ids.insert(event.id.as_str());
                HolderAct::Taken(event.id.clone())
            }
        };
        calls.push(Call { start: event.start, end: end(event), act });
    }
    for id in ids {
        let destroyed = objects.get(id).into_iter().flatten().filter(|event| {
            event.act == Act::Destroy && matches!(event.said, Said::Done | Said::Nothing)
        });
        calls.extend(destroyed.map(|event| Call {
            start: event.start,
            end: end(event),
            act: HolderAct::Freed(id.to_owned()),
        }));
    }
    in_order::<Holder>(None, &calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::client::Seen;

    fn event(act: Act, said: Said, start: Moment, end: Moment) -> Event {
        Event { id: "a".to_owned(), act, said, start, end }
    }

    fn seen(state: State, note: &str, uses_left: i64, marks: &[&str]) -> Said {
        let marks = marks.iter().map(ToString::to_string).collect();
        Said::Seen(Seen { state: state.0, note: note.to_owned(), uses_left, marks })
    }

    fn name(id: &str, said: Said, start: Moment, end: Moment) -> Event {
        Event { id: id.to_owned(), ..event(Act::Name("n".into()), said, start, end) }
    }

    #[test]
    fn what_the_rules_allow_is_in_order() {
        let history = [
            event(Act::Activate, Said::Done, 1, 5),
            event(Act::Activate, Said::WrongState, 2, 6),
            event(Act::Note("x".into()), Said::Done, 3, 9),
            event(Act::Use, Said::Done, 7, 9),
            event(Act::Mark("m".into()), Said::Done, 7, 9),
            event(Act::Read, seen(State::Active, "x", USES - 1, &["m"]), 8, 12),
            event(Act::Deactivate, Said::Done, 12, 13),
            event(Act::Destroy, Said::Done, 14, 15),
            event(Act::Read, seen(State::Destroyed, "x", USES - 1, &["m"]), 16, 17),
            event(Act::Note("y".into()), Said::Destroyed, 16, 17),
        ];
        let tally = judge(&history).expect("it is in order");
        assert_eq!((tally.answered, tally.done, tally.uses), (10, 8, 1));
    }

    #[test]
    fn what_the_rules_forbid_is_noticed() {
        let active = || event(Act::Activate, Said::Done, 1, 2);
        for (what, history) in [
            ("twice Active", vec![active(), event(Act::Activate, Said::Done, 3, 4)]),
            ("an Active one destroyed", vec![active(), event(Act::Destroy, Said::Done, 3, 4)]),
            ("used before", vec![event(Act::Use, Said::Done, 1, 2)]),
            (
                "a lost note",
                vec![
                    event(Act::Note("x".into()), Said::Done, 1, 2),
                    event(Act::Read, seen(State::PreActive, FIRST, USES, &[]), 3, 4),
                ],
            ),
            (
                "a lost mark",
                vec![
                    event(Act::Mark("m".into()), Said::Done, 1, 2),
                    event(Act::Read, seen(State::PreActive, FIRST, USES, &[]), 3, 4),
                ],
            ),
            (
                "a use that is not counted",
                vec![
                    active(),
                    event(Act::Use, Said::Done, 3, 4),
                    event(Act::Read, seen(State::Active, FIRST, USES, &[]), 5, 6),
                ],
            ),
            (
                "a use that is counted twice",
                vec![
                    active(),
                    event(Act::Use, Said::Done, 3, 4),
                    event(Act::Read, seen(State::Active, FIRST, USES - 2, &[]), 5, 6),
                ],
            ),
            ("used up by nobody", vec![active(), event(Act::Use, Said::UsedUp, 3, 4)]),
            ("a name twice", vec![name("b", Said::Done, 1, 4), name("c", Said::Done, 2, 5)]),
            ("a name of nobody", vec![name("", Said::NameTaken, 1, 2)]),
        ] {
            assert!(judge(&history).is_err(), "{what}");
        }
        let freed = Event { id: "b".into(), ..event(Act::Destroy, Said::Done, 5, 6) };
        let again = [name("b", Said::Done, 1, 4), freed, name("c", Said::Done, 6, 9)];
        assert!(judge(&again).is_ok());
    }
}
