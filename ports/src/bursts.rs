//! How often the same is told: who can cause a line in a log at will must not fill it.
//!
//! Each source gets a few lines a minute; the rest are counted by cause, and summed up when the
//! minute is over. Who tells, and in what words, is the business of whoever asks. Time is in
//! seconds, on whatever clock that goes by.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::transport::Peer;

/// How long what comes from one source is counted together, in seconds.
const WINDOW: i64 = 60;

/// How many sources are counted apart at once; what comes from others then is counted together.
const SOURCES: usize = 1_024;

/// Where somebody connects from: an address, or as much of it as one subscriber has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// Returns the network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        // With IPv6 everybody has as many addresses as they like.
        let prefix = |address: Ipv6Addr| {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
        };
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(prefix(address)),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// Who causes a line. Nobody becomes another by connecting again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A user that is known.
    User(String),
    /// Somebody from there.
    Network(Network),
    /// Somebody of whom nothing but the connection is known.
    Connection(u64),
}

impl Source {
    /// Returns what is known of a peer without asking who it is.
    #[must_use]
    pub fn of(peer: &Peer) -> Self {
        let network = peer.address.map(|address| Self::Network(Network::of(address.ip())));
        network.unwrap_or(Self::Connection(peer.connection))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Whoever has a certificate made may have chosen the name.
            Self::User(user) => write!(f, "user {user:?}"),
            Self::Network(network) => network.fmt(f),
            Self::Connection(connection) => write!(f, "connection {connection}"),
        }
    }
}

/// How many lines there are in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// For one source.
    pub of_source: u32,
    /// For one cause of one source.
    pub of_cause: u32,
}

/// What was not told in a minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum<S, C> {
    /// Who caused it; nobody stands for many, for each of whom there was no room.
    pub source: Option<S>,
    /// What it was.
    pub cause: C,
    /// How often it was not told.
    pub more: u64,
}

/// What is to be told: first what is over, then perhaps what was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counted<S, C> {
    sums: Vec<Sum<S, C>>,
    tell: bool,
}

/// What one source has caused of late.
#[derive(Debug)]
struct Burst<C> {
    since: i64,
    told: u32,
    causes: BTreeMap<C, Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    told: u32,
    more: u64,
}

/// Counts what sources cause. Takes no more room however many there are, if there are few causes.
#[derive(Debug)]
pub struct Bursts<S: Clone + Ord, C: Ord> {
    lines: Lines,
    tell: fn(&Sum<S, C>),
    /// By source; nobody stands for those who have no place of their own.
    places: Mutex<HashMap<Option<S>, Burst<C>>>,
    /// When the first burst is over; asked often, so without the lock.
    due: AtomicI64,
}

impl<S: Clone + Hash + Ord, C: Ord> Bursts<S, C> {
    /// Counts from nothing. Sums go to `tell`; when it is dropped, what was counted does, too.
    #[must_use]
    pub fn new(lines: Lines, tell: fn(&Sum<S, C>)) -> Self {
        Self { lines, tell, places: Mutex::default(), due: AtomicI64::new(i64::MAX) }
    }

    /// Says whether to tell one; otherwise it is counted.
    #[must_use]
    pub fn may_tell(&self, source: S, cause: C, now: i64) -> bool {
        let Counted { sums, tell } = self.count(source, cause, now);
        sums.iter().for_each(self.tell);
        tell
    }

    /// Sums up what is over.
    pub fn settle(&self, now: i64) {
        self.over(now).iter().for_each(self.tell);
    }

    fn count(&self, source: S, cause: C, now: i64) -> Counted<S, C> {
        let sums = self.over(now);
        let mut bursts = self.lock();
        let mut source = Some(source);
        if bursts.len() >= SOURCES && !bursts.contains_key(&source) {
            source = None;
        }
        let begun = || Burst { since: now, told: 0, causes: BTreeMap::new() };
        let burst = bursts.entry(source).or_insert_with(begun);
        self.due.fetch_min(burst.since.saturating_add(WINDOW), Ordering::Relaxed);
        let tally = burst.causes.entry(cause).or_default();
        let tell = burst.told < self.lines.of_source && tally.told < self.lines.of_cause;
        if tell {
            burst.told = burst.told.saturating_add(1);
            tally.told = tally.told.saturating_add(1);
        } else {
            tally.more = tally.more.saturating_add(1);
        }
        Counted { sums, tell }
    }

    /// Returns the sums of what is over.
    fn over(&self, now: i64) -> Vec<Sum<S, C>> {
        if now < self.due.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut bursts = self.lock();
        // A clock that was set back ends a burst, too: its time would not come.
        let is_over =
            |burst: &Burst<C>| now < burst.since || now >= burst.since.saturating_add(WINDOW);
        let over = bursts.extract_if(|_, burst| is_over(burst));
        let mut found: Vec<_> = over.flat_map(|(source, burst)| sums(source, burst)).collect();
        let first = bursts.values().map(|burst| burst.since).min();
        let due = first.map_or(i64::MAX, |since| since.saturating_add(WINDOW));
        self.due.store(due, Ordering::Relaxed);
        drop(bursts);
        found.sort_unstable();
        found
    }
}

impl<S: Clone + Ord, C: Ord> Bursts<S, C> {
    /// Returns the sums of everything.
    fn rest(&self) -> Vec<Sum<S, C>> {
        let mut found: Vec<_> =
            self.lock().drain().flat_map(|(source, burst)| sums(source, burst)).collect();
        found.sort_unstable();
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<S>, Burst<C>>> {
        // A map is whole after every call, so a panic elsewhere does not matter.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone + Ord, C: Ord> Drop for Bursts<S, C> {
    /// Nothing that was counted is lost at the end.
    fn drop(&mut self) {
        self.rest().iter().for_each(self.tell);
    }
}

/// Sums up a burst by cause; what was told in full has no sum.
fn sums<S: Clone, C>(source: Option<S>, burst: Burst<C>) -> impl Iterator<Item = Sum<S, C>> {
    let untold = burst.causes.into_iter().filter(|(_, tally)| tally.more > 0);
    untold.map(move |(cause, tally)| Sum { source: source.clone(), cause, more: tally.more })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Lines = Lines { of_source: 20, of_cause: 20 };
    const NOW: i64 = 1_000;

    fn silent(_: &Sum<u32, &'static str>) {}

    fn sum(source: u32, cause: &'static str, more: u64) -> Sum<u32, &'static str> {
        Sum { source: Some(source), cause, more }
    }

    #[test]
    fn a_burst_is_told_in_part_and_then_summed_up() {
        let bursts = Bursts::new(LINES, silent);
        let told = (0..100).filter(|_| bursts.count(1, "get", NOW).tell).count();
        assert_eq!(told, 20);
        assert!(!bursts.count(1, "destroy", NOW + 59).tell);
        assert!(bursts.count(2, "get", NOW + 59).tell, "another source has lines of its own");
        assert_eq!(bursts.over(NOW + 59), []);
        let counted = bursts.count(1, "get", NOW + 60);
        assert_eq!(counted.sums, [sum(1, "destroy", 1), sum(1, "get", 80)]);
        assert!(counted.tell);
        assert_eq!(bursts.over(NOW + 600), [], "what was told in full has no sum");
    }

    #[test]
    fn sums_are_told_when_they_are_due_and_at_the_end() {
        static TOLD: Mutex<Vec<Sum<u32, &'static str>>> = Mutex::new(Vec::new());
        let told = || std::mem::take(&mut *TOLD.lock().unwrap());
        let bursts = Bursts::new(Lines { of_source: 1, of_cause: 1 }, |sum| {
            TOLD.lock().unwrap().push(sum.clone());
        });
        for (now, expected) in [(NOW, true), (NOW, false), (NOW + 59, false)] {
            assert_eq!(bursts.may_tell(1, "get", now), expected);
            assert_eq!(told(), []);
        }
        bursts.settle(NOW + 60);
        assert_eq!(told(), [sum(1, "get", 2)]);
        assert!(bursts.may_tell(1, "get", NOW + 60));
        assert!(!bursts.may_tell(1, "get", NOW + 60));
        drop(bursts);
        assert_eq!(told(), [sum(1, "get", 1)]);
    }

    #[test]
    fn each_cause_may_have_a_line_of_its_own() {
        let bursts = Bursts::new(Lines { of_source: 3, of_cause: 1 }, silent);
        for (cause, tell) in
            [("a", true), ("a", false), ("b", true), ("a", false), ("c", true), ("d", false)]
        {
            assert_eq!(bursts.count(1, cause, NOW).tell, tell, "{cause}");
        }
        assert_eq!(bursts.rest(), [sum(1, "a", 2), sum(1, "d", 1)]);
        assert_eq!(bursts.rest(), []);
    }

    #[test]
    fn nobody_is_asked_for_sums_before_there_can_be_one() {
        let bursts = Bursts::new(LINES, silent);
        let due = || bursts.due.load(Ordering::Relaxed);
        assert_eq!(due(), i64::MAX);
        for (source, now) in [(1, NOW), (2, NOW + 30)] {
            assert!(bursts.count(source, "get", now).tell);
        }
        assert_eq!(due(), NOW + 60);
        assert_eq!(bursts.over(NOW + 60), []);
        assert_eq!((due(), bursts.lock().len()), (NOW + 90, 1));
    }

    #[test]
    fn a_clock_that_is_set_back_ends_what_it_has_begun() {
        let bursts = Bursts::new(Lines { of_source: 1, of_cause: 1 }, silent);
        assert!(bursts.count(1, "get", NOW).tell);
        assert!(!bursts.count(1, "get", NOW).tell);
        // The time is looked at with the first burst that is over.
        assert!(bursts.count(2, "get", NOW - 500).tell);
        assert_eq!(bursts.over(NOW - 440), [sum(1, "get", 1)]);
    }

    #[test]
    fn many_sources_take_no_more_room_and_get_no_more_lines() {
        let bursts = Bursts::new(Lines { of_source: 20, of_cause: 1 }, silent);
        let told = (0..5_000).filter(|source| bursts.count(*source, "get", NOW).tell).count();
        assert_eq!(told, SOURCES + 1);
        assert!(bursts.lock().len() <= SOURCES + 1);
        let left_out = 5_000 - u64::try_from(told).unwrap();
        assert_eq!(bursts.over(NOW + 60), [Sum { source: None, cause: "get", more: left_out }]);
        assert!(bursts.count(4_999, "get", NOW + 60).tell, "there is room again");
    }

    #[test]
    fn a_subscriber_is_one_network() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
        assert_eq!(network("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::/64");
        assert_eq!(Source::User("a\nb".to_owned()).to_string(), "user \"a\\nb\"");
    }
}
