//! AES key wrap: RFC 3394 (NIST Key Wrap) and RFC 5649 (with padding), for every AES key.

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U16},
};
use aes_kw::{AesKw, AesKwp, Error, InnerInit};
use kmip_ports::crypto::CryptoError;
use zeroize::Zeroizing;

use crate::{block::Direction, key::WRONG_LENGTH};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyWrap {
    /// RFC 3394: at least two units of 8 bytes.
    Plain,
    /// RFC 5649: any length but nothing.
    Padded,
}

/// Half a block: what wrapping counts in, and what it adds.
const UNIT: usize = 8;

/// Wraps or unwraps.
pub(crate) fn run(
    wrap: KeyWrap,
    direction: Direction,
    key: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    match key.len() {
        16 => run_with::<Aes128>(wrap, direction, key, data),
        24 => run_with::<Aes192>(wrap, direction, key, data),
        32 => run_with::<Aes256>(wrap, direction, key, data),
        _ => Err(WRONG_LENGTH),
    }
}

fn run_with<C>(
    wrap: KeyWrap,
    direction: Direction,
    key: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError>
where
    C: KeyInit + BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt<BlockSize = U16>,
{
    check_length(wrap, direction, data.len())?;
    let cipher = C::new_from_slice(key).map_err(|_| WRONG_LENGTH)?;
    let longest = data.len().saturating_add(UNIT.saturating_mul(2));
    let mut buffer = Zeroizing::new(vec![0; longest]);
    let length = match (wrap, direction) {
        (KeyWrap::Plain, Direction::Encrypt) => {
            AesKw::inner_init(cipher).wrap_key(data, &mut buffer)
        }
        (KeyWrap::Plain, Direction::Decrypt) => {
            AesKw::inner_init(cipher).unwrap_key(data, &mut buffer)
        }
        (KeyWrap::Padded, Direction::Encrypt) => {
            AesKwp::inner_init(cipher).wrap_key(data, &mut buffer)
        }
        (KeyWrap::Padded, Direction::Decrypt) => {
            AesKwp::inner_init(cipher).unwrap_key(data, &mut buffer)
        }
    }
    .map(<[u8]>::len)
    .map_err(|error| match error {
        Error::IntegrityCheckFailed => CryptoError::Failed,
        _ => WRONG_DATA,
    })?;
    buffer.truncate(length);
    Ok(buffer)
}

const WRONG_DATA: CryptoError = CryptoError::BadInput("data of that length cannot be wrapped");

fn check_length(wrap: KeyWrap, direction: Direction, length: usize) -> Result<(), CryptoError> {
    let whole = length.is_multiple_of(UNIT);
    let units = length.div_ceil(UNIT);
    let (needs_whole, fewest) = match (wrap, direction) {
        (KeyWrap::Plain, Direction::Encrypt) | (KeyWrap::Padded, Direction::Decrypt) => (true, 2),
        (KeyWrap::Plain, Direction::Decrypt) => (true, 3),
        (KeyWrap::Padded, Direction::Encrypt) => (false, 1),
    };
    let fits = units >= fewest && (whole || !needs_whole);
    if fits { Ok(()) } else { Err(WRONG_DATA) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Way, key, data, wrapped data: RFC 3394 §4.1 to §4.6, RFC 5649 §6.
    const CASES: [(KeyWrap, &str, &str, &str); 8] = [
        (
            KeyWrap::Plain,
            "000102030405060708090a0b0c0d0e0f",
            "00112233445566778899aabbccddeeff",
            "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
        ),
        (
            KeyWrap::Plain,
            "000102030405060708090a0b0c0d0e0f1011121314151617",
            "00112233445566778899aabbccddeeff",
            "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d",
        ),
        (
            KeyWrap::Plain,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff",
            "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7",
        ),
        (
            KeyWrap::Plain,
            "000102030405060708090a0b0c0d0e0f1011121314151617",
            "00112233445566778899aabbccddeeff0001020304050607",
            "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2",
        ),
        (
            KeyWrap::Plain,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff0001020304050607",
            "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1",
        ),
        (
            KeyWrap::Plain,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43b\
             fb988b9b7a02dd21",
        ),
        (
            KeyWrap::Padded,
            "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        (
            KeyWrap::Padded,
            "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
            "466f7250617369",
            "afbeb0f07dfbf5419200f2ccb50bb24f",
        ),
    ];

    #[test]
    fn the_published_cases_come_out_both_ways() {
        for (wrap, key, data, wrapped) in CASES {
            let [key, data, wrapped] = [key, data, wrapped].map(|text| hex::decode(text).unwrap());
            let made = run(wrap, Direction::Encrypt, &key, &data).unwrap();
            assert_eq!(hex::encode(&*made), hex::encode(&wrapped));
            let back = run(wrap, Direction::Decrypt, &key, &wrapped).unwrap();
            assert_eq!(hex::encode(&*back), hex::encode(&data));
        }
    }

    #[test]
    fn what_was_changed_does_not_unwrap() {
        for wrap in [KeyWrap::Plain, KeyWrap::Padded] {
            let mut wrapped = run(wrap, Direction::Encrypt, &[1; 24], &[2; 16]).unwrap();
            wrapped[3] ^= 1;
            let opened = run(wrap, Direction::Decrypt, &[1; 24], &wrapped);
            assert_eq!(opened, Err(CryptoError::Failed));
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for (wrap, direction, length) in [
            (KeyWrap::Plain, Direction::Encrypt, 8),
            (KeyWrap::Plain, Direction::Encrypt, 20),
            (KeyWrap::Plain, Direction::Decrypt, 16),
            (KeyWrap::Plain, Direction::Decrypt, 0),
            (KeyWrap::Padded, Direction::Encrypt, 0),
            (KeyWrap::Padded, Direction::Decrypt, 8),
            (KeyWrap::Padded, Direction::Decrypt, 17),
        ] {
            let refused = run(wrap, direction, &[1; 24], &vec![2; length]);
            assert_eq!(refused, Err(WRONG_DATA), "{wrap:?} {direction:?} {length}");
        }
        let refused = run(KeyWrap::Plain, Direction::Encrypt, &[1; 20], &[2; 16]);
        assert_eq!(refused, Err(WRONG_LENGTH));
    }
}
