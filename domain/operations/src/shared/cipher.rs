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
    use super::*;
    use crate::shared::cryptographic_parameters::none;

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
