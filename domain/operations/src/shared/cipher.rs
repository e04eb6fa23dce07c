//! Ciphers over parts of the data (KMIP 2.1 §6.1.11, §6.1.17; 1.4 §4.29, §4.30).
//!
//! The port encrypts at once, and parts are made from that in three ways. Blocks that are complete
//! go out as they come, chained through the last one. Where the first bytes of a result do not
//! depend on later ones, everything so far is encrypted again and the new end goes out, seldom
//! enough that it costs little. Everything else goes out with the last part; so does what is
//! decrypted and authenticated, since nothing of it may be seen before its tag is checked.

use kmip_model::{
    Material,
    attribute::CryptographicParameters,
    enumeration::{BlockCipherMode, CryptographicAlgorithm, PaddingMethod},
    object::{ProcessingKey, ProtectionKey},
};
use kmip_ports::crypto::{CipherInput, CipherOutput, Ciphers};

use super::{cryptographic_parameters::block_of, stream::Part};
use crate::{error::OperationError, processor::Stream};

/// Up to this many bytes are encrypted again with every part.
const CHEAP: usize = 64 * 1024;

/// Beyond that, only when they have grown by this part.
const GROWTH: usize = 8;

/// How the result of one part follows from the data so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Block by block, of so many bytes.
    Blocks(usize),
    /// Earlier bytes do not depend on later ones.
    Prefix,
    /// Only the whole has a result.
    Whole,
}

impl Way {
    const fn to_encrypt(parameters: &CryptographicParameters) -> Self {
        match parameters.block_cipher_mode {
            Some(BlockCipherMode::Gcm | BlockCipherMode::Aead) => Self::Prefix,
            _ => Self::to_decrypt(parameters),
        }
    }

    const fn to_decrypt(parameters: &CryptographicParameters) -> Self {
        use BlockCipherMode as Mode;
        let algorithm = parameters.cryptographic_algorithm;
        match (parameters.block_cipher_mode, block_of(parameters)) {
            (Some(Mode::Ecb | Mode::Cbc), Some(block)) => Self::Blocks(block),
            (Some(Mode::Ctr | Mode::Cfb | Mode::Ofb), Some(_)) => Self::Prefix,
            (None, None)
                if matches!(
                    algorithm,
                    Some(CryptographicAlgorithm::ChaCha20 | CryptographicAlgorithm::Rc4)
                ) =>
            {
                Self::Prefix
            }
            _ => Self::Whole,
        }
    }
}

/// Encrypts what can be encrypted with this part.
pub(crate) async fn encrypt(
    ciphers: &dyn Ciphers,
    key: &ProtectionKey,
    part: &mut Part,
) -> Result<CipherOutput, OperationError> {
    let nothing = CipherOutput { data: Vec::new(), tag: None };
    let way = Way::to_encrypt(&part.stream.parameters);
    let Way::Blocks(block) = way else {
        if !is_due(way, part) {
            return Ok(nothing);
        }
        let data = part.stream.data.whole();
        let input = input(&part.stream, data.expose());
        let output = ciphers.encrypt(key, &part.stream.parameters, input).await?;
        let tag = output.tag.filter(|_| part.last);
        let returned = std::mem::replace(&mut part.stream.returned, output.data.len());
        return Ok(CipherOutput { data: after(&output.data, returned).to_vec(), tag });
    };
    let data = part.stream.data.whole();
    let padded = is_padded(&part.stream.parameters);
    let ready = if part.last { data.len() } else { whole_blocks(data.len(), block) };
    if part.last
        && part.stream.parameters.padding_method.is_none()
        && !data.len().is_multiple_of(block)
    {
        return Err(OperationError::CryptographicParameters(
            "there is no Padding Method, and the data is not whole blocks",
        ));
    }
    let (ready, rest) = data.expose().split_at_checked(ready).unwrap_or_default();
    if ready.is_empty() && !part.is_only() && !(part.last && padded) {
        return Ok(nothing);
    }
    let parameters = between_blocks(part);
    let output = ciphers.encrypt(key, &parameters, input(&part.stream, ready)).await?;
    if !part.last {
        chain(&mut part.stream, &output.data, block);
    }
    part.stream.data.keep(rest);
    Ok(output)
}

/// Decrypts what can be decrypted with this part.
pub(crate) async fn decrypt(
    ciphers: &dyn Ciphers,
    key: &ProcessingKey,
    part: &mut Part,
) -> Result<Material, OperationError> {
    let nothing = || Material::new(Vec::new());
    let way = Way::to_decrypt(&part.stream.parameters);
    let Way::Blocks(block) = way else {
        if !is_due(way, part) {
            return Ok(nothing());
        }
        let data = part.stream.data.whole();
        let input = input(&part.stream, data.expose());
        let output = ciphers.decrypt(key, &part.stream.parameters, input).await?;
        let returned = std::mem::replace(&mut part.stream.returned, output.len());
        if returned == 0 {
            return Ok(output);
        }
        return Ok(Material::from(after(output.expose(), returned)));
    };
    let data = part.stream.data.whole();
    let padded = is_padded(&part.stream.parameters);
    let ready = if part.last {
        data.len()
    } else if padded {
        // The last block may hold padding; which one is the last is not known yet.
        whole_blocks(data.len().saturating_sub(1), block)
    } else {
        whole_blocks(data.len(), block)
    };
    let (ready, rest) = data.expose().split_at_checked(ready).unwrap_or_default();
    if ready.is_empty() && !part.is_only() && !(part.last && padded) {
        return Ok(nothing());
    }
    let parameters = between_blocks(part);
    let output = ciphers.decrypt(key, &parameters, input(&part.stream, ready)).await?;
    if !part.last {
        chain(&mut part.stream, ready, block);
    }
    part.stream.data.keep(rest);
    Ok(output)
}

/// Says whether it is time for a result: with the last part always, else if one is possible and
/// there is enough new for it.
fn is_due(way: Way, part: &Part) -> bool {
    let total = part.stream.data.len();
    let fresh = total.saturating_sub(part.stream.returned);
    let enough = total <= CHEAP || fresh.saturating_mul(GROWTH) >= total;
    part.last || (way == Way::Prefix && fresh > 0 && enough)
}

fn input<'a>(stream: &'a Stream, data: &'a [u8]) -> CipherInput<'a> {
    CipherInput {
        data,
        iv_counter_nonce: stream.iv_counter_nonce.as_deref(),
        additional_data: &stream.additional_data,
        tag: stream.seal.as_deref(),
    }
}

/// Returns the parameters for blocks of this part: only the last part is padded.
fn between_blocks(part: &Part) -> CryptographicParameters {
    let parameters = part.stream.parameters.clone();
    if part.last {
        parameters
    } else {
        CryptographicParameters { padding_method: None, ..parameters }
    }
}

/// Puts the last block of the ciphertext in the place of the IV.
fn chain(stream: &mut Stream, ciphertext: &[u8], block: usize) {
    if stream.parameters.block_cipher_mode == Some(BlockCipherMode::Cbc)
        && let Some((_, last)) =
            ciphertext.len().checked_sub(block).and_then(|at| ciphertext.split_at_checked(at))
    {
        stream.iv_counter_nonce = Some(last.to_vec());
    }
}

const fn is_padded(parameters: &CryptographicParameters) -> bool {
    !matches!(parameters.padding_method, None | Some(PaddingMethod::None))
}

fn whole_blocks(length: usize, block: usize) -> usize {
    length.checked_rem(block).map_or(0, |over| length.saturating_sub(over))
}

fn after(bytes: &[u8], position: usize) -> &[u8] {
    bytes.get(position..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kmip_model::{
        UniqueIdentifier,
        attribute::{Attribute, UsageLimits},
        enumeration::{CryptographicUsageMask, UsageLimitsUnit},
    };
    use kmip_testkit::AddingCiphers;

    use super::*;
    use crate::{
        ops::{decrypt, encrypt},
        shared::{cryptographic_parameters::none, stream::Streaming},
        testing::{
            World, aes_key, decrypt_request, encrypt_request, first_part, last_part, mode,
            next_part,
        },
    };

    const BOTH: CryptographicUsageMask =
        CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
    const PKCS5: Option<PaddingMethod> = Some(PaddingMethod::Pkcs5);

    struct Bench {
        world: World,
        key: UniqueIdentifier,
    }

    impl Bench {
        fn new() -> Self {
            let world = World::new().with_ciphers(Arc::new(AddingCiphers));
            let key = world.register_active(aes_key(&[5; 16]), BOTH, Vec::new());
            Self { world, key }
        }

        fn encrypt(
            &self,
            parameters: &CryptographicParameters,
            data: &[u8],
            streaming: Streaming,
        ) -> encrypt::Response {
            let first = streaming.correlation_value.is_none();
            let iv = vec![9; if is_tagged(parameters) { 12 } else { 16 }];
            let request = encrypt::Request {
                iv_counter_nonce: first.then_some(iv),
                streaming,
                ..encrypt_request(&self.key, first.then(|| parameters.clone()), data)
            };
            self.world.encrypt(request).unwrap()
        }

        fn decrypt(
            &self,
            parameters: &CryptographicParameters,
            data: &[u8],
            tag: Option<&Vec<u8>>,
            streaming: Streaming,
        ) -> decrypt::Response {
            let first = streaming.correlation_value.is_none();
            let iv = vec![9; if is_tagged(parameters) { 12 } else { 16 }];
            let request = decrypt::Request {
                iv_counter_nonce: first.then_some(iv),
                authenticated_encryption_tag: tag.cloned(),
                streaming,
                ..decrypt_request(&self.key, first.then(|| parameters.clone()), data)
            };
            self.world.decrypt(request).unwrap()
        }
    }

    const fn is_tagged(parameters: &CryptographicParameters) -> bool {
        matches!(parameters.block_cipher_mode, Some(BlockCipherMode::Gcm))
    }

    #[test]
    fn parts_of_any_size_are_encrypted_and_decrypted_as_the_whole() {
        let bench = Bench::new();
        let data: Vec<u8> = (0..48).collect();
        for (parameters, length) in [
            (mode(BlockCipherMode::Ecb, None), 48),
            (mode(BlockCipherMode::Ecb, PKCS5), 33),
            (mode(BlockCipherMode::Cbc, None), 48),
            (mode(BlockCipherMode::Cbc, PKCS5), 33),
            (mode(BlockCipherMode::Cbc, PKCS5), 48),
            (mode(BlockCipherMode::Ctr, None), 37),
            (mode(BlockCipherMode::Gcm, None), 37),
        ] {
            let data = &data[..length];
            let whole = bench.encrypt(&parameters, data, Streaming::default());
            let ciphertext = whole.data.unwrap();
            let tag = whole.authenticated_encryption_tag;
            assert_eq!(tag.is_some(), is_tagged(&parameters));
            for cut in (1..length).step_by(5) {
                for other in (cut..length).step_by(7) {
                    let mut found: Vec<u8> = Vec::new();
                    let first = bench.encrypt(&parameters, &data[..cut], first_part());
                    let value = &first.correlation_value;
                    found.extend(first.data.iter().flatten());
                    let next =
                        bench.encrypt(&parameters, &data[cut..other], next_part(value.as_ref()));
                    assert_eq!(next.correlation_value, *value);
                    assert_eq!(next.authenticated_encryption_tag, None);
                    found.extend(next.data.iter().flatten());
                    let last =
                        bench.encrypt(&parameters, &data[other..], last_part(value.as_ref()));
                    assert_eq!(last.correlation_value, None);
                    assert_eq!(last.authenticated_encryption_tag, tag);
                    found.extend(last.data.iter().flatten());
                    assert_eq!(found, ciphertext, "{parameters:?} {cut} {other}");

                    let mut found: Vec<u8> = Vec::new();
                    let open = |data: &[u8], streaming| {
                        bench.decrypt(&parameters, data, tag.as_ref(), streaming)
                    };
                    let first = open(&ciphertext[..cut], first_part());
                    let value = &first.correlation_value;
                    found.extend(first.data.iter().flat_map(|data| data.expose().to_vec()));
                    let next = open(&ciphertext[cut..other], next_part(value.as_ref()));
                    if is_tagged(&parameters) {
                        assert_eq!((&first.data, &next.data), (&None, &None));
                    }
                    found.extend(next.data.iter().flat_map(|data| data.expose().to_vec()));
                    let last = open(&ciphertext[other..], last_part(value.as_ref()));
                    found.extend(last.data.iter().flat_map(|data| data.expose().to_vec()));
                    assert_eq!(found, data, "{parameters:?} {cut} {other}");
                }
            }
        }
    }

    #[test]
    fn blocks_go_out_as_soon_as_they_are_whole() {
        let bench = Bench::new();
        let lengths = |parameters: &CryptographicParameters, parts: [&[u8]; 3]| {
            let [one, two, three] = parts;
            let first = bench.encrypt(parameters, one, first_part());
            let value = &first.correlation_value;
            let next = bench.encrypt(parameters, two, next_part(value.as_ref()));
            let last = bench.encrypt(parameters, three, last_part(value.as_ref()));
            [first, next, last].map(|answer| answer.data.map(|data| data.len()))
        };
        let ecb = mode(BlockCipherMode::Ecb, None);
        assert_eq!(lengths(&ecb, [&[1; 8], &[2; 8], b""]), [None, Some(16), None]);
        assert_eq!(lengths(&ecb, [&[1; 8], &[2; 4], &[3; 4]]), [None, None, Some(16)]);
        let cbc = mode(BlockCipherMode::Cbc, PKCS5);
        assert_eq!(lengths(&cbc, [&[1; 8], &[2; 8], &[3; 17]]), [None, Some(16), Some(32)]);
        assert_eq!(lengths(&cbc, [&[1; 8], &[2; 8], b""]), [None, Some(16), Some(16)]);
        let gcm = mode(BlockCipherMode::Gcm, None);
        assert_eq!(lengths(&gcm, [&[1; 8], &[2; 9], &[3; 1]]), [Some(8), Some(9), Some(1)]);
    }

    #[test]
    fn the_block_that_may_hold_padding_is_kept_back() {
        let bench = Bench::new();
        for (padding, expected) in
            [(PKCS5, [None, Some(16), Some(17)]), (None, [Some(16), Some(16), Some(16)])]
        {
            let cbc = mode(BlockCipherMode::Cbc, padding);
            let length = if padding.is_some() { 33 } else { 48 };
            let whole = bench.encrypt(&cbc, &vec![7; length], Streaming::default()).data.unwrap();
            let part = |number: usize, streaming| {
                let at = number * 16;
                bench.decrypt(&cbc, &whole[at..at + 16], None, streaming)
            };
            let first = part(0, first_part());
            let value = &first.correlation_value;
            let next = part(1, next_part(value.as_ref()));
            let last = part(2, last_part(value.as_ref()));
            let found = [first, next, last].map(|answer| answer.data.map(|data| data.len()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_long_is_not_encrypted_again_for_every_byte() {
        let bench = Bench::new();
        let gcm = mode(BlockCipherMode::Gcm, None);
        let first = bench.encrypt(&gcm, &vec![1; CHEAP], first_part());
        assert_eq!(first.data.map(|data| data.len()), Some(CHEAP));
        let value = &first.correlation_value;
        let next = bench.encrypt(&gcm, &[2; 100], next_part(value.as_ref()));
        assert_eq!(next.data, None);
        let next = bench.encrypt(&gcm, &vec![3; CHEAP / 7], next_part(value.as_ref()));
        assert_eq!(next.data.map(|data| data.len()), Some(CHEAP / 7 + 100));
        let last = bench.encrypt(&gcm, &[4; 1], last_part(value.as_ref()));
        assert_eq!(last.data.map(|data| data.len()), Some(1));
    }

    #[test]
    fn a_mode_that_is_not_offered_is_refused() {
        let bench = Bench::new();
        for refused in [BlockCipherMode::Xts, BlockCipherMode::Pcbc, BlockCipherMode::Ofb] {
            let parameters = || Some(mode(refused, PKCS5));
            let error = OperationError::UnsupportedCryptographicParameters;
            assert_eq!(
                bench.world.encrypt(encrypt_request(&bench.key, parameters(), &[0; 16])),
                Err(error.clone())
            );
            assert_eq!(
                bench.world.decrypt(decrypt_request(&bench.key, parameters(), &[0; 16])),
                Err(error)
            );
        }
    }

    #[test]
    fn an_operation_counts_once_or_by_its_bytes() {
        let bench = Bench::new();
        for (unit, left) in [(UsageLimitsUnit::Byte, 100 - 24), (UsageLimitsUnit::Object, 99)] {
            let limits = Attribute::UsageLimits(UsageLimits {
                usage_limits_total: 100,
                usage_limits_count: None,
                usage_limits_unit: unit,
            });
            let key = bench.world.register_active(aes_key(&[5; 16]), BOTH, vec![limits]);
            let bench = Bench { world: bench.world.clone(), key };
            let gcm = mode(BlockCipherMode::Gcm, None);
            let first = bench.encrypt(&gcm, &[1; 8], first_part());
            bench.encrypt(&gcm, &[1; 8], next_part(first.correlation_value.as_ref()));
            bench.encrypt(&gcm, &[1; 8], last_part(first.correlation_value.as_ref()));
            let object = bench.world.object(&bench.key);
            let limits = object.attributes().usage_limits().unwrap();
            assert_eq!(limits.usage_limits_count, Some(left));
        }
    }

    #[test]
    fn nothing_that_is_authenticated_is_decrypted_in_parts() {
        use BlockCipherMode as Mode;
        use CryptographicAlgorithm as A;
        for (algorithm, mode, encrypts, decrypts) in [
            (A::Aes, Some(Mode::Cbc), Way::Blocks(16), Way::Blocks(16)),
            (A::Des3, Some(Mode::Ecb), Way::Blocks(8), Way::Blocks(8)),
            (A::Aes, Some(Mode::Ctr), Way::Prefix, Way::Prefix),
            (A::Aes, Some(Mode::Gcm), Way::Prefix, Way::Whole),
            (A::ChaCha20Poly1305, Some(Mode::Aead), Way::Prefix, Way::Whole),
            (A::Aes, Some(Mode::Ccm), Way::Whole, Way::Whole),
            (A::Aes, Some(Mode::NistKeyWrap), Way::Whole, Way::Whole),
            (A::ChaCha20, None, Way::Prefix, Way::Prefix),
            (A::Rsa, None, Way::Whole, Way::Whole),
        ] {
            let parameters = CryptographicParameters {
                cryptographic_algorithm: Some(algorithm),
                block_cipher_mode: mode,
                ..none()
            };
            assert_eq!(Way::to_encrypt(&parameters), encrypts, "{algorithm} {mode:?}");
            assert_eq!(Way::to_decrypt(&parameters), decrypts, "{algorithm} {mode:?}");
        }
    }

    #[test]
    fn only_whole_blocks_are_ready() {
        for (length, ready) in [(0, 0), (15, 0), (16, 16), (33, 32)] {
            assert_eq!(whole_blocks(length, 16), ready);
        }
    }
}
