//! Those who mean no good: they send what they like, over connections that are as they should be.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use kmip_tests::connection::{Connection, ConnectionError, Target, TlsVersions};
use kmip_tests::tree::Item;

use crate::mutation::{Expected, Messages};
use kmip_tests::dice::Dice;

/// What came of the messages.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    /// Messages sent.
    pub(crate) sent: u64,
    /// Bytes sent.
    pub(crate) bytes: u64,
    /// Answers that are responses.
    pub(crate) answers: u64,
    /// Connections that ended because they had to.
    pub(crate) ended: u64,
    /// Connections that ended although they could have gone on.
    pub(crate) lost: u64,
    /// Answers that are none.
    pub(crate) malformed: u64,
    /// What was lost or malformed first, and what had been sent.
    pub(crate) first: Option<String>,
    /// Connections that could not be opened.
    pub(crate) refused: u64,
    /// Bytes of the longest answer.
    pub(crate) longest: usize,
}

impl Toll {
    pub(crate) fn add(&mut self, other: Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.answers = self.answers.saturating_add(other.answers);
        self.ended = self.ended.saturating_add(other.ended);
        self.lost = self.lost.saturating_add(other.lost);
        self.malformed = self.malformed.saturating_add(other.malformed);
        self.refused = self.refused.saturating_add(other.refused);
        self.longest = self.longest.max(other.longest);
        self.first = self.first.take().or(other.first);
    }

    fn failed(&mut self, bytes: &[u8], error: &ConnectionError) {
        let shown = hex::encode(bytes.get(..bytes.len().min(512)).unwrap_or_default());
        self.first.get_or_insert_with(|| format!("{error}, after {} bytes {shown}", bytes.len()));
    }
}

/// How often a connection is tried before the server counts as gone.
const TRIES: u64 = 5;

/// Sends so many messages over one connection, and over another whenever that has ended; each
/// takes at least as long as `pace`.
pub(crate) fn attack(
    target: &Target,
    messages: &Messages,
    count: u64,
    seed: u64,
    pace: Duration,
) -> Toll {
    let mut dice = Dice::new(seed);
    let mut toll = Toll::default();
    let mut open = None;
    let mut due = Instant::now();
    while toll.sent < count {
        due = due.checked_add(pace).unwrap_or(due);
        // It may return early, which shortens one rest and no other.
        thread::park_timeout(due.saturating_duration_since(Instant::now()));
        let mut connection = match open.take() {
            Some(connection) => connection,
            None => match Connection::open(target, TlsVersions::Any) {
                Ok(connection) => connection,
                Err(error) => {
                    toll.failed(&[], &error);
                    toll.refused = toll.refused.saturating_add(1);
                    if toll.refused >= TRIES {
                        return toll;
                    }
                    continue;
                }
            },
        };
        let bytes = messages.next(&mut dice);
        toll.sent = toll.sent.saturating_add(1);
        toll.bytes = toll.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if exchange(&mut connection, &bytes, &mut toll) {
            open = Some(connection);
        }
    }
    toll
}

/// Sends one message and says whether the connection goes on.
fn exchange(connection: &mut Connection, bytes: &[u8], toll: &mut Toll) -> bool {
    let expected = Expected::of(bytes);
    let answer = match connection.send(bytes) {
        Err(error) => Err(error),
        Ok(()) if expected == Expected::Wait => {
            connection.cut();
            toll.ended = toll.ended.saturating_add(1);
            return false;
        }
        Ok(()) => connection.receive(),
    };
    match (answer, expected) {
        (Ok(answer), Expected::Answer | Expected::AnswerAndEnd) => {
            toll.longest = toll.longest.max(answer.len());
            if let Err(error) = Item::decode(&answer) {
                toll.malformed = toll.malformed.saturating_add(1);
                toll.failed(bytes, &error.into());
            } else {
                toll.answers = toll.answers.saturating_add(1);
            }
            if expected == Expected::AnswerAndEnd {
                toll.ended = toll.ended.saturating_add(1);
            }
            expected == Expected::Answer
        }
        (Err(ConnectionError::Broken(_)), Expected::End) => {
            toll.ended = toll.ended.saturating_add(1);
            false
        }
        (Err(error), _) => {
            toll.lost = toll.lost.saturating_add(1);
            toll.failed(bytes, &error);
            false
        }
        (Ok(_), _) => {
            toll.malformed = toll.malformed.saturating_add(1);
            false
        }
    }
}

/// What came of those who write slowly.
#[derive(Debug, Default)]
pub(crate) struct Trickle {
    /// Bytes sent, one at a time.
    pub(crate) bytes: u64,
    /// Connections that the server had enough of.
    pub(crate) ended: u64,
    /// Connections that could not be opened.
    pub(crate) refused: u64,
}

/// How long those who write slowly rest after each byte.
const REST: Duration = Duration::from_millis(200);

/// Sends messages byte by byte over so many connections until it is told to stop.
pub(crate) fn trickle(
    target: &Target,
    messages: &Messages,
    connections: usize,
    stop: &Receiver<()>,
) -> Trickle {
    let mut dice = Dice::new(1);
    let mut toll = Trickle::default();
    let mut open: Vec<Option<(Connection, Vec<u8>, usize)>> = Vec::new();
    open.resize_with(connections, || None);
    while stop.recv_timeout(REST) == Err(RecvTimeoutError::Timeout) {
        for slot in &mut open {
            let Some((connection, bytes, position)) = slot else {
                match Connection::open(target, TlsVersions::Any) {
                    Ok(connection) => *slot = Some((connection, messages.valid(&mut dice), 0)),
                    Err(_) => toll.refused = toll.refused.saturating_add(1),
                }
                continue;
            };
            // The last byte is never sent: there is nothing to answer.
            let byte = bytes.get(*position..position.saturating_add(1)).unwrap_or_default();
            if position.saturating_add(1) < bytes.len() && connection.send(byte).is_err() {
                toll.ended = toll.ended.saturating_add(1);
                *slot = None;
            } else {
                toll.bytes = toll.bytes.saturating_add(1);
                *position = position.saturating_add(1);
            }
        }
    }
    toll
}
