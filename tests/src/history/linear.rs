//! Says whether calls that overlap can have happened one after the other.
//!
//! A call takes effect at one moment between its beginning and its end. A history is in order if
//! such moments can be chosen so that the thing that was called behaves as its rules say. A call
//! without an answer has an effect at any time after its beginning, or none.

use std::collections::BTreeSet;

/// Moments, in nanoseconds since the history began.
pub type Moment = u64;

/// One call.
#[derive(Clone, Debug)]
pub struct Call<A> {
    /// When it was sent.
    pub start: Moment,
    /// When its answer was there; none if there was none.
    pub end: Option<Moment>,
    /// What it does, and what the answer says.
    pub act: A,
}

/// The rules of a thing that is called.
pub trait Rules {
    /// What the thing remembers.
    type State: Clone + Ord + std::fmt::Debug;
    /// A call together with its answer.
    type Act: std::fmt::Debug;

    /// Returns what follows from a state; none if the answer is not possible in it.
    fn step(state: &Self::State, act: &Self::Act) -> Option<Self::State>;
}

/// Checks that calls can be put in order.
///
/// # Errors
/// Names the call whose answer is impossible, and those that overlap it.
pub fn in_order<R: Rules>(start: R::State, calls: &[Call<R::Act>]) -> Result<(), String> {
    let mut moments: Vec<(Moment, bool, usize)> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        moments.push((call.start, false, number));
        moments.extend(call.end.map(|end| (end, true, number)));
    }
    // What begins when another ends, overlaps it.
    moments.sort_unstable();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    // Each has a state that is possible, and the open calls that have had their effect in it.
    let mut possible = BTreeSet::from([(start, BTreeSet::new())]);
    for (_, ends, number) in moments {
        if !ends {
            open.insert(number);
            continue;
        }
        let after: BTreeSet<_> = reachable::<R>(&possible, &open, calls)
            .into_iter()
            .filter(|(_, done)| done.contains(&number))
            .map(|(state, mut done)| {
                done.remove(&number);
                (state, done)
            })
            .collect();
        if after.is_empty() {
            let overlapping: Vec<&Call<R::Act>> =
                open.iter().filter_map(|number| calls.get(*number)).collect();
            let states: BTreeSet<&R::State> = possible.iter().map(|(state, _)| state).collect();
            return Err(format!(
                "{:?} is impossible after {states:?} with {overlapping:?}",
                calls.get(number)
            ));
        }
        open.remove(&number);
        possible = after;
    }
    Ok(())
}

type Possible<S> = BTreeSet<(S, BTreeSet<usize>)>;

/// Lets open calls have their effect, in every order. One that changes nothing is done as soon as it
/// is possible: nothing is lost by it.
fn reachable<R: Rules>(
    from: &Possible<R::State>,
    open: &BTreeSet<usize>,
    calls: &[Call<R::Act>],
) -> Possible<R::State> {
    let step = |state: &R::State, number: &usize| {
        calls.get(*number).and_then(|call| R::step(state, &call.act))
    };
    let settled = |state: R::State, mut done: BTreeSet<usize>| {
        let idle = open.iter().filter(|number| step(&state, number).as_ref() == Some(&state));
        let idle: Vec<usize> = idle.copied().collect();
        done.extend(idle);
        (state, done)
    };
    let mut waiting: Vec<_> =
        from.iter().cloned().map(|(state, done)| settled(state, done)).collect();
    let mut found = BTreeSet::new();
    while let Some((state, done)) = waiting.pop() {
        if !found.insert((state.clone(), done.clone())) {
            continue;
        }
        for number in open.difference(&done) {
            if let Some(after) = step(&state, number) {
                let mut done = done.clone();
                done.insert(*number);
                waiting.push(settled(after, done));
            }
        }
    }
    found
}

/// A call of a register: it writes a value that nobody else writes, or reads one.
#[derive(Clone, Debug)]
pub enum Register {
    /// It wrote.
    Write(String),
    /// It read.
    Read(String),
}

/// Checks the calls of a register, which has `first` in the beginning. However many writes overlap,
/// this takes no longer: between the first end and the last beginning of the calls that know a
/// value, the register has that value and no other (Gibbons and Korach, Testing Shared Memories).
///
/// # Errors
/// Names the value that was there too early, too late, or between the others.
pub fn register(first: &str, calls: &[Call<Register>]) -> Result<(), String> {
    let mut zones = Vec::new();
    let values: BTreeSet<&str> = calls.iter().map(|call| value(&call.act)).chain([first]).collect();
    for wanted in values {
        let of_value = || calls.iter().filter(|call| value(&call.act) == wanted);
        let written = of_value().find(|call| matches!(call.act, Register::Write(_)));
        let written = match (written, wanted == first) {
            (None, false) => return Err(format!("{wanted:?} was read, and nobody has written it")),
            (None, true) => Some(0),
            (Some(call), _) => Some(call.start),
        };
        let reads: Vec<_> =
            of_value().filter(|call| matches!(call.act, Register::Read(_))).collect();
        let read_before = reads.iter().any(|read| read.end < written);
        if read_before {
            return Err(format!("{wanted:?} was read before it was written"));
        }
        let first_end = of_value().filter_map(|call| call.end).min();
        let first_end = if wanted == first { Some(0) } else { first_end };
        // A write that nobody has confirmed nor seen may not have happened.
        let Some(first_end) = first_end else { continue };
        let last_start = of_value().map(|call| call.start).max().unwrap_or_default();
        zones.push((first_end, last_start, wanted));
    }
    let forward = || zones.iter().filter(|(end, start, _)| end < start);
    for (end, start, wanted) in forward() {
        for (other_end, other_start, other) in &zones {
            let inside = other != wanted && end < other_start && other_end < start;
            if inside {
                return Err(format!("{wanted:?} was there before and after {other:?}"));
            }
        }
    }
    Ok(())
}

fn value(act: &Register) -> &str {
    match act {
        Register::Write(value) | Register::Read(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lamp that is switched on once.
    struct Lamp;

    #[derive(Clone, Copy, Debug)]
    enum Act {
        SwitchOn,
        IsOn,
        IsOff,
    }

    impl Rules for Lamp {
        type State = bool;
        type Act = Act;

        fn step(on: &bool, act: &Act) -> Option<bool> {
            match act {
                Act::SwitchOn => (!on).then_some(true),
                Act::IsOn => on.then_some(true),
                Act::IsOff => (!on).then_some(false),
            }
        }
    }

    fn lamp(calls: &[(Moment, Option<Moment>, Act)]) -> bool {
        let calls: Vec<Call<Act>> = calls
            .iter()
            .map(|(start, end, act)| Call { start: *start, end: *end, act: *act })
            .collect();
        in_order::<Lamp>(false, &calls).is_ok()
    }

    #[test]
    fn calls_are_in_order_if_some_order_explains_them() {
        use Act::{IsOff, IsOn, SwitchOn};
        for (calls, expected) in [
            (vec![(0, Some(1), SwitchOn), (2, Some(3), IsOn)], true),
            (vec![(0, Some(1), SwitchOn), (2, Some(3), IsOff)], false),
            (vec![(0, Some(9), SwitchOn), (2, Some(3), IsOff), (4, Some(5), IsOn)], true),
            (vec![(0, Some(9), SwitchOn), (2, Some(3), IsOn), (4, Some(5), IsOff)], false),
            (vec![(0, Some(9), SwitchOn), (0, Some(9), SwitchOn)], false),
            (vec![(0, Some(1), IsOn)], false),
            // Without an answer it may have happened, whenever that was.
            (vec![(0, None, SwitchOn), (2, Some(3), IsOff), (4, Some(5), IsOn)], true),
            (vec![(0, None, SwitchOn), (2, Some(3), IsOff), (4, Some(5), IsOff)], true),
            (vec![(5, None, SwitchOn), (2, Some(3), IsOn)], false),
        ] {
            assert_eq!(lamp(&calls), expected, "{calls:?}");
        }
    }

    fn written(start: Moment, end: Moment, value: &str) -> Call<Register> {
        Call { start, end: Some(end), act: Register::Write(value.to_owned()) }
    }

    fn read(start: Moment, end: Moment, value: &str) -> Call<Register> {
        Call { start, end: Some(end), act: Register::Read(value.to_owned()) }
    }

    #[test]
    fn a_register_has_the_last_value() {
        let unknown =
            |start, value: &str| Call { start, end: None, act: Register::Write(value.to_owned()) };
        for (calls, expected) in [
            (vec![read(1, 2, "")], true),
            (vec![written(1, 2, "a"), read(3, 4, "a")], true),
            (vec![written(1, 2, "a"), read(3, 4, "")], false),
            (vec![written(1, 9, "a"), read(3, 4, ""), read(5, 6, "a")], true),
            (vec![written(1, 9, "a"), read(3, 4, "a"), read(5, 6, "")], false),
            (vec![written(5, 6, "a"), read(3, 4, "a")], false),
            (vec![read(3, 4, "x")], false),
            // A lost update: both were confirmed one after the other, and the first is there.
            (vec![written(1, 2, "a"), written(3, 4, "b"), read(5, 6, "a")], false),
            (vec![written(1, 4, "a"), written(3, 4, "b"), read(5, 6, "a")], true),
            (vec![written(1, 4, "a"), written(3, 4, "b"), read(5, 6, "a"), read(7, 8, "b")], false),
            (vec![unknown(1, "a"), read(3, 4, ""), read(5, 6, "a")], true),
            (vec![unknown(1, "a"), read(3, 4, "a"), read(5, 6, "")], false),
            (vec![unknown(1, "a"), read(3, 4, ""), read(5, 6, "")], true),
        ] {
            assert_eq!(register("", &calls).is_ok(), expected, "{calls:?}");
        }
    }
}
