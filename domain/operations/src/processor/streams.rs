//! Multi-part cryptographic operations that are under way (KMIP 2.1 §6.1, §7.8; 1.4 §4, §2.1.15).
//!
//! They live in the memory of one node, since what they hold is half-done work: a restart ends
//! them, and so do five minutes without a part. Everything is bounded: the bytes of one operation,
//! and the operations and bytes of one user and of all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use kmip_model::{
    DateTime, Material, UniqueIdentifier, attribute::CryptographicParameters,
    enumeration::Operation,
};

use crate::error::OperationError;

/// Correlation Value: names one multi-part operation.
pub(crate) type CorrelationValue = Vec<u8>;

/// How long an operation waits for its next part, in seconds.
const IDLE: i64 = 300;

/// The bytes that one operation may gather.
const BYTES_OF_ONE: usize = 16 * 1024 * 1024;

/// The operations and the bytes of one user.
const OF_ONE_USER: Share = Share { streams: 64, bytes: 64 * 1024 * 1024 };

/// The operations and the bytes of all users.
const OF_ALL: Share = Share { streams: 1_024, bytes: 256 * 1024 * 1024 };

/// Parts shorter than this are put together.
const CHUNK: usize = 64 * 1024;

/// The bytes that an operation takes without any data.
const OVERHEAD: usize = 512;

/// The parts of the data so far; a copy shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    chunks: Vec<Arc<Material>>,
    length: usize,
}

impl Parts {
    /// Returns the number of bytes.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Adds a part.
    ///
    /// # Errors
    /// `NoRoomForParts` if it is one of several and they are more together than one operation may
    /// gather.
    pub(crate) fn push(&mut self, part: &Material) -> Result<(), OperationError> {
        if part.is_empty() {
            return Ok(());
        }
        let length = self.length.saturating_add(part.len());
        if self.length > 0 && length > BYTES_OF_ONE {
            return Err(OperationError::NoRoomForParts);
        }
        self.length = length;
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => {
                *last = Arc::new(Material::new([last.expose(), part.expose()].concat()));
            }
            _ => self.chunks.push(Arc::new(part.clone())),
        }
        Ok(())
    }

    /// Keeps only these bytes.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.length = rest.len();
        self.chunks.clear();
        if !rest.is_empty() {
            self.chunks.push(Arc::new(Material::from(rest)));
        }
    }

    /// Returns all parts as one.
    pub(crate) fn whole(&self) -> Arc<Material> {
        match self.chunks.as_slice() {
            [] => Arc::new(Material::new(Vec::new())),
            [one] => one.clone(),
            several => {
                let mut all = Vec::with_capacity(self.length);
                for chunk in several {
                    all.extend_from_slice(chunk.expose());
                }
                Arc::new(Material::new(all))
            }
        }
    }
}

/// One multi-part operation between two of its parts; a single-part one while it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    user: String,
    operation: Operation,
    revision: u64,
    /// The object that is used, if the operation has one.
    pub(crate) object: Option<UniqueIdentifier>,
    /// Cryptographic Parameters, settled.
    pub(crate) parameters: CryptographicParameters,
    /// IV/Counter/Nonce: the given or made one; between blocks that are chained, the last block.
    pub(crate) iv_counter_nonce: Option<Vec<u8>>,
    /// Authenticated Encryption Additional Data.
    pub(crate) additional_data: Vec<u8>,
    /// The tag, signature or MAC to check.
    pub(crate) seal: Option<Vec<u8>>,
    /// Digested Data.
    pub(crate) digested_data: Option<Vec<u8>>,
    /// The data that is still needed.
    pub(crate) data: Parts,
    /// How many bytes of what becomes of the data have been returned.
    pub(crate) returned: usize,
}

impl Stream {
    /// Begins an operation.
    pub(super) const fn new(
        user: String,
        operation: Operation,
        object: Option<UniqueIdentifier>,
        parameters: CryptographicParameters,
    ) -> Self {
        Self {
            user,
            operation,
            revision: 0,
            object,
            parameters,
            iv_counter_nonce: None,
            additional_data: Vec::new(),
            seal: None,
            digested_data: None,
            data: Parts { chunks: Vec::new(), length: 0 },
            returned: 0,
        }
    }

    /// Says whether it is this user's, and this operation.
    pub(super) fn is_of(&self, user: &str, operation: Operation) -> bool {
        self.user == user && self.operation == operation
    }

    /// Returns how often it has been kept; 0 if it is new.
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    fn size(&self) -> usize {
        let seal = self.seal.as_ref().map_or(0, Vec::len);
        [self.data.len(), self.additional_data.len(), seal]
            .into_iter()
            .fold(OVERHEAD, usize::saturating_add)
    }
}

/// What one unit of work makes of one operation.
#[derive(Clone, Debug)]
pub(crate) struct StreamChange {
    /// Which one.
    pub(crate) correlation_value: CorrelationValue,
    /// The revision that was read; 0 if the operation is new.
    pub(crate) read: u64,
    /// What is kept; nothing where it ends.
    pub(crate) after: Option<Stream>,
}

/// An operation that waits for its next part.
#[derive(Debug)]
struct Waiting {
    stream: Stream,
    since: DateTime,
}

/// A number of operations and of bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    streams: usize,
    bytes: usize,
}

impl Share {
    fn add(&mut self, stream: &Stream) {
        self.streams = self.streams.saturating_add(1);
        self.bytes = self.bytes.saturating_add(stream.size());
    }

    const fn exceeds(self, limit: Self) -> bool {
        self.streams > limit.streams || self.bytes > limit.bytes
    }
}

/// The multi-part operations of one node that wait for their next parts.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<BTreeMap<CorrelationValue, Waiting>>);

impl Streams {
    /// Finds one that has not waited too long.
    pub(super) fn find(&self, correlation_value: &[u8], now: DateTime) -> Option<Stream> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.get(correlation_value)?;
        found.is_fresh(now).then(|| found.stream.clone())
    }

    /// Makes all changes of a unit, or none.
    ///
    /// # Errors
    /// `UnknownCorrelationValue` if another part came first, `NoRoomForParts` if it would be too
    /// much.
    pub(super) fn apply(
        &self,
        changes: Vec<StreamChange>,
        now: DateTime,
    ) -> Result<(), OperationError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, waiting| waiting.is_fresh(now));
        for change in &changes {
            let have = waiting.get(&change.correlation_value);
            if have.map_or(0, |have| have.stream.revision) != change.read {
                return Err(OperationError::UnknownCorrelationValue);
            }
            let Some(after) = &change.after else { continue };
            let mut mine = Share::default();
            let mut all = Share::default();
            let others = waiting.iter().filter(|(value, _)| **value != change.correlation_value);
            for stream in others.map(|(_, waiting)| &waiting.stream).chain([after]) {
                all.add(stream);
                if stream.user == after.user {
                    mine.add(stream);
                }
            }
            if mine.exceeds(OF_ONE_USER) || all.exceeds(OF_ALL) {
                return Err(OperationError::NoRoomForParts);
            }
        }
        for StreamChange { correlation_value, read, after } in changes {
            match after {
                Some(stream) => {
                    let stream = Stream { revision: read.saturating_add(1), ..stream };
                    waiting.insert(correlation_value, Waiting { stream, since: now });
                }
                None => {
                    waiting.remove(&correlation_value);
                }
            }
        }
        Ok(())
    }
}

impl Waiting {
    fn is_fresh(&self, now: DateTime) -> bool {
        now.since(self.since) < IDLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::cryptographic_parameters::none;

    const NOW: DateTime = DateTime(1_000);

    fn stream(user: &str, bytes: usize) -> Stream {
        let mut stream = Stream::new(user.to_owned(), Operation::Hash, None, none());
        stream.data.push(&Material::new(vec![7; bytes])).unwrap();
        stream
    }

    fn change(name: u32, read: u64, after: Option<Stream>) -> StreamChange {
        StreamChange { correlation_value: name.to_be_bytes().to_vec(), read, after }
    }

    fn begin(streams: &Streams, name: u32, stream: Stream) -> Result<(), OperationError> {
        streams.apply(vec![change(name, 0, Some(stream))], NOW)
    }

    #[test]
    fn a_copy_of_the_parts_shares_them_and_small_ones_are_put_together() {
        let mut parts = Parts::default();
        for _ in 0..1_000 {
            parts.push(&Material::new(vec![1; 1_000])).unwrap();
        }
        assert_eq!(parts.len(), 1_000_000);
        assert!(parts.chunks.len() < 20);
        assert_eq!(parts.whole().expose(), vec![1; 1_000_000]);
        assert_eq!(Parts::default().whole().expose(), b"");
    }

    #[test]
    fn one_operation_gathers_so_much_and_no_more() {
        let mut parts = Parts::default();
        parts.push(&Material::new(vec![0; BYTES_OF_ONE])).unwrap();
        let one = Material::new(vec![0]);
        assert_eq!(parts.push(&one), Err(OperationError::NoRoomForParts));
        assert_eq!(parts.push(&Material::new(Vec::new())), Ok(()));
    }

    #[test]
    fn an_operation_waits_five_minutes_for_its_next_part() {
        let streams = Streams::default();
        begin(&streams, 1, stream("alice", 1)).unwrap();
        let value = 1_u32.to_be_bytes();
        assert!(streams.find(&value, DateTime(1_299)).is_some());
        assert!(streams.find(&value, DateTime(1_300)).is_none());
        let next = change(1, 1, Some(stream("alice", 2)));
        assert_eq!(streams.apply(vec![next.clone()], DateTime(1_299)), Ok(()));
        assert!(streams.find(&value, DateTime(1_598)).is_some());
        assert_eq!(
            streams.apply(vec![StreamChange { read: 2, ..next }], DateTime(1_599)),
            Err(OperationError::UnknownCorrelationValue)
        );
    }

    #[test]
    fn two_next_parts_at_once_are_one_too_many() {
        let streams = Streams::default();
        begin(&streams, 1, stream("alice", 1)).unwrap();
        let next = || vec![change(1, 1, Some(stream("alice", 2)))];
        assert_eq!(streams.apply(next(), NOW), Ok(()));
        assert_eq!(streams.apply(next(), NOW), Err(OperationError::UnknownCorrelationValue));
        assert_eq!(streams.apply(vec![change(1, 2, None)], NOW), Ok(()));
        assert!(streams.find(&1_u32.to_be_bytes(), NOW).is_none());
    }

    #[test]
    fn nobody_takes_the_room_of_all() {
        let streams = Streams::default();
        for name in 0..64 {
            begin(&streams, name, stream("alice", 1)).unwrap();
        }
        assert_eq!(begin(&streams, 64, stream("alice", 1)), Err(OperationError::NoRoomForParts));
        for name in 65..68 {
            begin(&streams, name, stream("bob", BYTES_OF_ONE)).unwrap();
        }
        assert_eq!(
            begin(&streams, 69, stream("bob", BYTES_OF_ONE)),
            Err(OperationError::NoRoomForParts)
        );
        assert_eq!(streams.apply(vec![change(65, 1, None)], NOW), Ok(()));
        assert_eq!(begin(&streams, 69, stream("bob", BYTES_OF_ONE)), Ok(()));
    }

    #[test]
    fn all_together_have_a_limit() {
        let streams = Streams::default();
        for name in 0..1_024_u32 {
            begin(&streams, name, stream(&format!("user {}", name / 64), 1)).unwrap();
        }
        assert_eq!(begin(&streams, 9_999, stream("zoe", 1)), Err(OperationError::NoRoomForParts));
    }
}
