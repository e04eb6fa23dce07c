//! Where a message ends (KMIP 2.1 §10.1: tag, type, length).
//!
//! Memory grows with the bytes that have arrived, never with the length that a header claims.
//! Requests carry keys, so what held one is erased before it is used again or given back.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use zeroize::{Zeroize, Zeroizing};

use crate::limits::MessageLimit;

/// The size of tag, type and length.
pub(crate) const HEADER_BYTES: usize = 8;

/// What every connection has for itself; most messages fit.
const OWN_BYTES: usize = 16 * 1024;

/// The first octet of every standard tag.
const STANDARD_TAGS: u8 = 0x42;

/// The item type Structure.
const STRUCTURE: u8 = 0x01;

/// What the first eight octets of a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// A message of so many octets, header included.
    Message(usize),
    /// KMIP, but too long or no structure: it can be answered, but not where the next one begins.
    Unreadable,
    /// Another protocol.
    Foreign,
}

impl Header {
    fn parse(octets: [u8; HEADER_BYTES], limit: MessageLimit) -> Self {
        let [tag, _, _, item_type, length @ ..] = octets;
        if tag != STANDARD_TAGS {
            return Self::Foreign;
        }
        // That the tag is Request Message is for the codec to check: it can say so.
        let total = usize::try_from(u32::from_be_bytes(length))
            .ok()
            .and_then(|length| length.checked_add(HEADER_BYTES))
            .filter(|total| *total <= limit.bytes());
        match total {
            Some(total) if item_type == STRUCTURE => Self::Message(total),
            _ => Self::Unreadable,
        }
    }
}

/// What all connections share beyond `OWN_BYTES` each.
#[derive(Clone, Debug)]
pub(crate) struct SharedBytes {
    bytes: Arc<Semaphore>,
    /// One connection at a time may go beyond the bytes, by one message: if every connection had a
    /// part of its message and waited for the rest, none would ever finish.
    beyond: Arc<Semaphore>,
}

impl SharedBytes {
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
        Self { bytes, beyond: Arc::new(Semaphore::new(1)) }
    }
}

/// One connection's part of the shared bytes.
#[derive(Debug, Default)]
struct Share {
    bytes: Option<OwnedSemaphorePermit>,
    beyond: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Waits for so many more bytes.
    async fn take(&mut self, shared: &SharedBytes, more: u32) -> Result<(), AcquireError> {
        if self.beyond.is_some() {
            return Ok(());
        }
        let bytes = Arc::clone(&shared.bytes).acquire_many_owned(more);
        let Some(have) = &mut self.bytes else {
            // Who has nothing keeps nobody waiting.
            self.bytes = Some(bytes.await?);
            return Ok(());
        };
        tokio::select! {
            biased;
            bytes = bytes => have.merge(bytes?),
            beyond = Arc::clone(&shared.beyond).acquire_owned() => self.beyond = Some(beyond?),
        }
        Ok(())
    }
}

/// Reads messages from one connection, into one buffer.
pub(crate) struct FrameReader {
    /// Zeroes from `filled` on.
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
    limit: MessageLimit,
    shared: SharedBytes,
    share: Share,
}

impl FrameReader {
    pub(crate) fn new(limit: MessageLimit, shared: SharedBytes) -> Self {
        let buffer = Zeroizing::new(vec![0; OWN_BYTES]);
        Self { buffer, filled: 0, limit, shared, share: Share::default() }
    }

    /// Reads the next message within other limits.
    pub(crate) fn keep_to(&mut self, limit: MessageLimit, shared: &SharedBytes) {
        self.limit = limit;
        // Who has bytes gives them back to where they came from.
        if self.buffer.len() <= OWN_BYTES {
            self.shared = shared.clone();
        }
    }

    /// Says whether no byte of a next message has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Waits until a byte has arrived, and says whether one has before the end of the stream.
    ///
    /// Nothing is lost if it is cancelled.
    pub(crate) async fn begin<R>(&mut self, stream: &mut R) -> io::Result<bool>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        if self.is_empty() {
            let count = stream.read(&mut self.buffer).await?;
            self.filled = count;
        }
        Ok(!self.is_empty())
    }

    /// Reads until a message is complete, or cannot become complete.
    ///
    /// # Errors
    ///
    /// Returns `UnexpectedEof` if the stream ends before.
    pub(crate) async fn complete<R>(&mut self, stream: &mut R) -> io::Result<Header>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        while self.filled < HEADER_BYTES {
            self.read(stream).await?;
        }
        let header = Header::parse(self.header(), self.limit);
        if let Header::Message(total) = header {
            while self.filled < total {
                if self.filled == self.buffer.len() {
                    self.grow(total).await?;
                }
                self.read(stream).await?;
            }
        }
        Ok(header)
    }

    /// Returns the first eight octets that have arrived.
    pub(crate) fn header(&self) -> [u8; HEADER_BYTES] {
        *self.buffer.first_chunk().expect("the buffer is never smaller than a header")
    }

    /// Returns the first octets that have arrived, at most as many as asked for.
    pub(crate) fn front(&self, count: usize) -> &[u8] {
        self.buffer.get(..count.min(self.filled)).unwrap_or_default()
    }

    /// Erases the first octets; what follows them becomes the front.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.filled);
        let rest = self.filled.saturating_sub(count);
        self.buffer.copy_within(count..self.filled, 0);
        if let Some(vacated) = self.buffer.get_mut(rest..self.filled) {
            vacated.zeroize();
        }
        self.filled = rest;
        // A buffer that has grown is exactly as large as its message, so nothing follows it.
        if self.buffer.len() > OWN_BYTES && self.is_empty() {
            self.buffer = Zeroizing::new(vec![0; OWN_BYTES]);
            self.share = Share::default();
        }
    }

    async fn read<R>(&mut self, stream: &mut R) -> io::Result<()>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let count = stream.read(room).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled = self.filled.saturating_add(count);
        Ok(())
    }

    /// Doubles the buffer, up to the size of the message, when the shared bytes allow it.
    async fn grow(&mut self, total: usize) -> io::Result<()> {
        let size = self.buffer.len().saturating_mul(2).min(total);
        let more = size.saturating_sub(self.buffer.len());
        let more = u32::try_from(more).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.share.take(&self.shared, more).await.map_err(|_| io::ErrorKind::OutOfMemory)?;
        // Not `resize`, which could leave the old bytes behind.
        let mut larger = Zeroizing::new(vec![0; size]);
        if let Some(front) = larger.get_mut(..self.buffer.len()) {
            front.copy_from_slice(&self.buffer);
        }
        self.buffer = larger;
        Ok(())
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        // What is spare is erased as one piece, and what is in use byte by byte.
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn reader(limit: usize, shared: usize) -> FrameReader {
        FrameReader::new(MessageLimit::parse(limit).unwrap(), SharedBytes::new(shared))
    }

    fn message(content: usize) -> Vec<u8> {
        let mut bytes = vec![0x42, 0x00, 0x78, 0x01];
        bytes.extend(u32::try_from(content).unwrap().to_be_bytes());
        bytes.extend((0..content).map(|position| u8::try_from(position % 251).unwrap()));
        bytes
    }

    #[test]
    fn headers_are_told_apart() {
        let limit = MessageLimit::parse(1024).unwrap();
        for (octets, header) in [
            ([0x42, 0, 0x78, 1, 0, 0, 0, 0], Header::Message(8)),
            ([0x42, 0, 0x78, 1, 0, 0, 3, 0xF8], Header::Message(1024)),
            ([0x42, 0, 0x78, 1, 0, 0, 3, 0xF9], Header::Unreadable),
            ([0x42, 0, 0x78, 1, 0xFF, 0xFF, 0xFF, 0xFF], Header::Unreadable),
            ([0x42, 0, 0x78, 7, 0, 0, 0, 8], Header::Unreadable),
            ([0x42, 0, 0x7B, 1, 0, 0, 0, 8], Header::Message(16)),
            (*b"GET / HT", Header::Foreign),
            ([0; 8], Header::Foreign),
        ] {
            assert_eq!(Header::parse(octets, limit), header, "{octets:02X?}");
        }
    }

    #[tokio::test]
    async fn messages_are_read_whole_whatever_the_pieces() {
        let mut reader = reader(MIB, MIB);
        let sent = [message(16), message(100_000), message(0), message(40)];
        let (mut near, mut far) = tokio::io::duplex(7);
        let writer = tokio::spawn({
            let bytes = sent.concat();
            async move { far.write_all(&bytes).await }
        });
        for expected in sent {
            assert!(reader.begin(&mut near).await.unwrap());
            let header = reader.complete(&mut near).await.unwrap();
            assert_eq!(header, Header::Message(expected.len()));
            assert_eq!(reader.front(expected.len()), expected);
            reader.consume(expected.len());
        }
        writer.await.unwrap().unwrap();
        assert!(!reader.begin(&mut near).await.unwrap());
    }

    #[tokio::test]
    async fn pipelined_messages_come_out_one_by_one() {
        let mut reader = reader(MIB, 0);
        let sent = [message(8), message(16), message(24)];
        let bytes = sent.concat();
        let mut stream = bytes.as_slice();
        for expected in sent {
            assert!(reader.begin(&mut stream).await.unwrap());
            reader.complete(&mut stream).await.unwrap();
            assert_eq!(reader.front(expected.len()), expected);
            reader.consume(expected.len());
        }
        assert!(reader.is_empty());
    }

    #[tokio::test]
    async fn a_claimed_length_takes_no_memory() {
        let mut reader = reader(16 * MIB, 16 * MIB);
        let claim = message(16 * MIB - HEADER_BYTES);
        let mut stream = &claim[..=OWN_BYTES];
        assert!(reader.begin(&mut stream).await.unwrap());
        let error = reader.complete(&mut stream).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(reader.buffer.len(), 2 * OWN_BYTES);
    }

    #[tokio::test]
    async fn a_length_of_four_gibibytes_is_unreadable_at_once() {
        let mut reader = reader(MIB, MIB);
        let mut stream = &[0x42, 0, 0x78, 1, 0xFF, 0xFF, 0xFF, 0xFF][..];
        assert!(reader.begin(&mut stream).await.unwrap());
        assert_eq!(reader.complete(&mut stream).await.unwrap(), Header::Unreadable);
        assert_eq!(reader.buffer.len(), OWN_BYTES);
    }

    #[tokio::test]
    async fn a_large_message_gives_its_memory_back() {
        let mut reader = reader(MIB, MIB);
        let large = message(MIB - HEADER_BYTES);
        let mut stream = large.as_slice();
        assert!(reader.begin(&mut stream).await.unwrap());
        reader.complete(&mut stream).await.unwrap();
        assert_eq!(reader.buffer.len(), large.len());
        assert_eq!(reader.shared.bytes.available_permits(), OWN_BYTES);
        reader.consume(large.len());
        assert_eq!(reader.buffer.len(), OWN_BYTES);
        assert_eq!(reader.shared.bytes.available_permits(), MIB);
    }

    /// Polls once and says whether there is still something to wait for.
    async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
        let mut future = std::pin::Pin::new(future);
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
        })
        .await
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_for_others() {
        let shared = SharedBytes::new(MIB);
        let limit = MessageLimit::parse(MIB).unwrap();
        let large = message(MIB - HEADER_BYTES);
        let mut first = FrameReader::new(limit, shared.clone());
        let mut stream = large.as_slice();
        first.begin(&mut stream).await.unwrap();
        first.complete(&mut stream).await.unwrap();
        let beyond = Arc::clone(&shared.beyond).acquire_owned().await.unwrap();

        let mut second = FrameReader::new(limit, shared);
        let mut stream = large.as_slice();
        second.begin(&mut stream).await.unwrap();
        {
            let mut waiting = Box::pin(second.complete(&mut stream));
            assert!(is_pending(&mut waiting).await);
            first.consume(large.len());
            assert_eq!(waiting.await.unwrap(), Header::Message(large.len()));
        }
        assert_eq!(second.front(large.len()), large);
        drop(beyond);
    }

    #[tokio::test]
    async fn who_waits_for_each_other_gets_on_one_by_one() {
        let shared = SharedBytes::new(MIB);
        let limit = MessageLimit::parse(MIB).unwrap();
        let large = message(MIB - HEADER_BYTES);
        // One byte less than makes the buffer grow.
        let half = MIB / 2 - 1;
        let mut readers: Vec<FrameReader> =
            (0..2).map(|_| FrameReader::new(limit, shared.clone())).collect();
        // Each has half of a message, and together all of the bytes.
        for reader in &mut readers {
            let mut stream = &large[..half];
            reader.begin(&mut stream).await.unwrap();
            reader.complete(&mut stream).await.unwrap_err();
        }
        let rest = &large[half..];
        let (mut one, mut other) = (rest, rest);
        let (first, second) = readers.split_at_mut(1);
        {
            let mut going = Box::pin(first[0].complete(&mut one));
            let mut waiting = Box::pin(second[0].complete(&mut other));
            assert!(!is_pending(&mut going).await);
            assert!(is_pending(&mut waiting).await);
            drop(going);
            first[0].consume(large.len());
            assert_eq!(waiting.await.unwrap(), Header::Message(large.len()));
        }
        assert_eq!(second[0].front(large.len()), large);
    }

    #[tokio::test]
    async fn a_message_keeps_to_the_limit_that_was_set_before_it() {
        let small = MessageLimit::parse(1024).unwrap();
        let mut reader = reader(MIB, MIB);
        let bytes = [message(2048), message(2048)].concat();
        let mut stream = bytes.as_slice();
        reader.begin(&mut stream).await.unwrap();
        assert_eq!(reader.complete(&mut stream).await.unwrap(), Header::Message(2056));
        reader.consume(2056);
        reader.keep_to(small, &SharedBytes::new(MIB));
        assert_eq!(reader.complete(&mut stream).await.unwrap(), Header::Unreadable);
    }

    #[tokio::test]
    async fn consumed_bytes_are_erased() {
        let mut reader = reader(MIB, MIB);
        let bytes = [message(64), message(8)].concat();
        let mut stream = bytes.as_slice();
        reader.begin(&mut stream).await.unwrap();
        reader.complete(&mut stream).await.unwrap();
        reader.consume(72);
        assert_eq!(reader.front(16), message(8));
        assert!(reader.buffer[16..].iter().all(|byte| *byte == 0));
    }
}
