//! What happens when: changes of files and SIGHUP, kill -9, one soft stop.

use std::time::Duration;

/// The node that is killed.
pub const KILLED: usize = 1;

/// The node that is stopped softly.
pub const STOPPED: usize = 2;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A file changes, and every node that lives gets SIGHUP.
    Reload,
    /// A node gets SIGKILL.
    Kill(usize),
    /// A node gets SIGTERM, after the balancer has taken it out.
    Stop(usize),
    /// A node starts again.
    Start(usize),
}

/// Which of it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarts {
    /// Everything.
    Yes,
    /// Nothing but reloads.
    No,
}

/// Returns what happens and when, in this order. A run of less than some minutes has everything more
/// often, so that it has everything.
pub fn schedule(time: Duration, restarts: Restarts) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let reload = Duration::from_mins(1).min(part(time, 1, 4));
    acts.extend(every(reload, part(reload, 1, 2), time).map(|at| (at, Act::Reload)));
    if restarts == Restarts::Yes {
        let period = Duration::from_mins(5).min(part(time, 1, 3));
        let away = Duration::from_secs(10).min(part(period, 1, 6));
        // The last life is as long as the others: nothing is killed in the last tenth.
        for at in every(period, part(period, 4, 5), part(time, 9, 10)) {
            acts.push((at, Act::Kill(KILLED)));
            acts.push((at.saturating_add(away), Act::Start(KILLED)));
        }
        // Early, so that the life after it is long enough for first and last minutes.
        let stop = part(time, 1, 5);
        acts.push((stop, Act::Stop(STOPPED)));
        acts.push((stop.saturating_add(away), Act::Start(STOPPED)));
    }
    acts.sort_by_key(|(at, _)| *at);
    acts
}

/// Lists the moments from the first on, before the end.
fn every(period: Duration, first: Duration, end: Duration) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(first), move |at| at.checked_add(period))
        .take_while(move |at| *at < end)
}

/// Returns some of so many parts of a time.
fn part(time: Duration, some: u32, all: u32) -> Duration {
    time.saturating_mul(some).checked_div(all).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(acts: &[(Duration, Act)], act: Act) -> usize {
        acts.iter().filter(|(_, other)| *other == act).count()
    }

    #[test]
    fn half_an_hour_has_a_reload_each_minute_five_kills_and_one_stop() {
        let acts = schedule(Duration::from_mins(30), Restarts::Yes);
        assert_eq!(count(&acts, Act::Reload), 30);
        assert_eq!(count(&acts, Act::Kill(KILLED)), 5);
        assert_eq!(count(&acts, Act::Start(KILLED)), 5);
        assert_eq!(count(&acts, Act::Stop(STOPPED)), 1);
        assert_eq!(count(&acts, Act::Start(STOPPED)), 1);
        assert!(acts.is_sorted_by_key(|(at, _)| *at));
        let stop = acts.iter().find(|(_, act)| *act == Act::Stop(STOPPED)).unwrap();
        assert_eq!(stop.0, Duration::from_mins(6));
    }

    #[test]
    fn a_node_is_always_there() {
        for minutes in [1, 2, 3, 5, 10, 30, 60] {
            let mut away = [false; 2];
            for (_, act) in schedule(Duration::from_mins(minutes), Restarts::Yes) {
                match act {
                    Act::Kill(node) | Act::Stop(node) => away[node - 1] = true,
                    Act::Start(node) => away[node - 1] = false,
                    Act::Reload => {}
                }
                assert!(away.contains(&false), "{minutes}");
            }
            assert_eq!(away, [false; 2], "everything that ends is started again: {minutes}");
        }
    }

    #[test]
    fn without_restarts_there_are_reloads_only() {
        let acts = schedule(Duration::from_mins(2), Restarts::No);
        assert_eq!(count(&acts, Act::Reload), acts.len());
        assert_eq!(acts.len(), 4);
    }
}
