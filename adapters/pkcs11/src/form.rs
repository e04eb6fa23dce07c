//! The bytes of a data key that a token has wrapped: a version, the initialization vector (12
//! bytes), then what AES-GCM gave. Frozen: a change would leave every earlier data key closed.

/// The first and only layout.
const VERSION: u8 = 1;

/// The bytes of an initialization vector.
pub(crate) const IV_BYTES: usize = 12;

/// The bytes of a tag.
pub(crate) const TAG_BYTES: usize = 16;

/// Writes what was wrapped.
pub(crate) fn write(iv: [u8; IV_BYTES], sealed: &[u8]) -> Vec<u8> {
    [&[VERSION], iv.as_slice(), sealed].concat()
}

/// Reads what was wrapped; `None` if it is no such thing.
pub(crate) fn read(wrapped: &[u8]) -> Option<([u8; IV_BYTES], &[u8])> {
    let (VERSION, rest) = wrapped.split_first().map(|(version, rest)| (*version, rest))? else {
        return None;
    };
    let (iv, sealed) = rest.split_first_chunk()?;
    (sealed.len() > TAG_BYTES).then_some((*iv, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let wrapped = write([7; IV_BYTES], &[9; 48]);
        assert_eq!(read(&wrapped), Some(([7; IV_BYTES], [9; 48].as_slice())));
        assert_eq!(read(&wrapped[..1 + IV_BYTES + TAG_BYTES]), None);
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[2; 61]), None);
    }
}
