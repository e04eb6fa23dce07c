//! Cryptographic Parameters of an operation: from the request, else from the object, else from the
//! key; then completed and checked (KMIP 2.1 §4.16, 1.4 §3.6).

use kmip_model::{
    ManagedObject,
    attribute::{Attribute, CryptographicParameters},
    crypto_profile::block_bytes,
    enumeration::{
        BlockCipherMode, CryptographicAlgorithm, DigitalSignatureAlgorithm, HashingAlgorithm,
        PaddingMethod,
    },
    object::KeyInUse,
};
use kmip_ports::crypto::CryptoError;

use super::key_in_use::is_of;
use crate::{error::OperationError, processor::Item};

/// The longest tag there is, and the one that is made where the client names no length, in bytes.
const FULL_TAG: i32 = 16;

/// The shortest tag that is accepted where the parameters do not ask for a shorter one, in bytes.
const SHORTEST_UNASKED_TAG: i32 = 12;

/// Returns the parameters of the request, or those that the object has under the lowest index.
pub(crate) fn given_or_own(
    given: Option<&CryptographicParameters>,
    object: &ManagedObject,
) -> CryptographicParameters {
    if let Some(given) = given {
        return given.clone();
    }
    let instances = object.attributes().iter();
    let own = instances.filter_map(|instance| match &instance.attribute {
        Attribute::CryptographicParameters(own) => Some((instance.index, own.as_ref())),
        _ => None,
    });
    own.min_by_key(|(index, _)| *index).map_or_else(none, |(_, parameters)| parameters.clone())
}

/// Returns parameters that say nothing.
pub(crate) const fn none() -> CryptographicParameters {
    CryptographicParameters::EMPTY
}

/// Says whether a mode makes a tag.
pub(crate) fn is_authenticated(parameters: &CryptographicParameters) -> bool {
    matches!(
        parameters.block_cipher_mode,
        Some(BlockCipherMode::Gcm | BlockCipherMode::Ccm | BlockCipherMode::Aead)
    )
}

/// Returns the bytes of a block, if the parameters name a block cipher that is offered as such.
pub(crate) const fn block_of(parameters: &CryptographicParameters) -> Option<usize> {
    match parameters.cryptographic_algorithm {
        Some(algorithm) => block_bytes(algorithm),
        None => None,
    }
}

/// Returns how long a nonce is made where the client has given none; `None` if there is none.
pub(crate) fn nonce_bytes(parameters: &CryptographicParameters) -> Option<usize> {
    use BlockCipherMode as Mode;
    match (parameters.cryptographic_algorithm, parameters.block_cipher_mode) {
        (Some(CryptographicAlgorithm::ChaCha20 | CryptographicAlgorithm::ChaCha20Poly1305), _)
        | (_, Some(Mode::Gcm | Mode::Ccm | Mode::Aead)) => Some(12),
        (_, Some(Mode::Cbc | Mode::Pcbc | Mode::Cfb | Mode::Ofb | Mode::Ctr | Mode::Xts)) => {
            block_of(parameters)
        }
        _ => None,
    }
}

/// Settles the parameters of Encrypt and Decrypt.
pub(crate) fn for_cipher(
    item: &Item<'_>,
    key: &KeyInUse,
    mut parameters: CryptographicParameters,
) -> Result<CryptographicParameters, OperationError> {
    use CryptographicAlgorithm as A;
    let algorithm = parameters
        .cryptographic_algorithm
        .or(key.algorithm)
        .ok_or(OperationError::CryptographicParameters("there is no Cryptographic Algorithm"))?;
    parameters.cryptographic_algorithm = Some(algorithm);
    if algorithm == A::ChaCha20Poly1305 {
        parameters.block_cipher_mode.get_or_insert(BlockCipherMode::Aead);
    }
    if block_bytes(algorithm).is_some() && parameters.block_cipher_mode.is_none() {
        return Err(OperationError::CryptographicParameters("there is no Block Cipher Mode"));
    }
    if algorithm == A::Rsa {
        if parameters.padding_method.is_none() {
            return Err(OperationError::CryptographicParameters("there is no Padding Method"));
        }
    } else if !is_padded_mode(&parameters) {
        // Only whole blocks are padded; elsewhere clients name a method that means nothing.
        parameters.padding_method = None;
    }
    if !item.crypto().cipher.supports(&parameters) {
        return Err(OperationError::UnsupportedCryptographicParameters);
    }
    check_fit(key, &parameters)?;
    Ok(parameters)
}

fn is_padded_mode(parameters: &CryptographicParameters) -> bool {
    matches!(
        parameters.block_cipher_mode,
        Some(BlockCipherMode::Cbc | BlockCipherMode::Ecb | BlockCipherMode::Pcbc)
    )
}

/// Settles the Tag Length of what is encrypted.
pub(crate) fn with_tag_length(
    mut parameters: CryptographicParameters,
) -> Result<CryptographicParameters, OperationError> {
    if is_authenticated(&parameters) {
        let length = *parameters.tag_length.get_or_insert(FULL_TAG);
        if !is_tag_length(&parameters, length) {
            return Err(OperationError::TagLength);
        }
    }
    Ok(parameters)
}

/// Checks the length of a tag that comes with what is decrypted: no shorter than the parameters
/// say, and where they say nothing, no shorter than is safe.
pub(crate) fn check_tag(
    parameters: &CryptographicParameters,
    tag: &[u8],
) -> Result<(), OperationError> {
    let length = i32::try_from(tag.len()).map_err(|_| OperationError::TagLength)?;
    let shortest = parameters.tag_length.unwrap_or(SHORTEST_UNASKED_TAG);
    if length < shortest || !is_tag_length(parameters, length) {
        return Err(OperationError::TagLength);
    }
    Ok(())
}

const fn is_tag_length(parameters: &CryptographicParameters, length: i32) -> bool {
    match parameters.block_cipher_mode {
        Some(BlockCipherMode::Gcm) => matches!(length, 4 | 8 | 12..=FULL_TAG),
        Some(BlockCipherMode::Ccm) => matches!(length, 4 | 6 | 8 | 10 | 12 | 14 | FULL_TAG),
        _ => matches!(length, 12..=FULL_TAG),
    }
}

/// Settles the parameters of Sign and Signature Verify. Whether the key is one of that algorithm
/// is for the caller to check.
pub(crate) fn for_signature(
    item: &Item<'_>,
    key: &KeyInUse,
    digested: bool,
    mut parameters: CryptographicParameters,
) -> Result<CryptographicParameters, OperationError> {
    use CryptographicAlgorithm as A;
    if let Some(named) = parameters.digital_signature_algorithm.take() {
        resolve(named, &mut parameters)?;
    }
    let algorithm = parameters
        .cryptographic_algorithm
        .or(key.algorithm)
        .ok_or(OperationError::CryptographicParameters("there is no Cryptographic Algorithm"))?;
    let algorithm = if algorithm == A::Ec { A::Ecdsa } else { algorithm };
    parameters.cryptographic_algorithm = Some(algorithm);
    let hashes = matches!(algorithm, A::Rsa | A::Dsa | A::Ecdsa);
    if algorithm == A::Rsa {
        if digested {
            parameters.padding_method.get_or_insert(PaddingMethod::Pkcs1V15);
        } else if parameters.padding_method.is_none() {
            return Err(OperationError::CryptographicParameters("there is no Padding Method"));
        }
    } else {
        parameters.padding_method = None;
    }
    let pss = parameters.padding_method == Some(PaddingMethod::Pss);
    if hashes && (!digested || pss) && parameters.hashing_algorithm.is_none() {
        return Err(OperationError::CryptographicParameters("there is no Hashing Algorithm"));
    }
    if !item.crypto().sign.supports(&parameters) {
        return Err(OperationError::UnsupportedCryptographicParameters);
    }
    Ok(parameters)
}

/// Puts what a Digital Signature Algorithm means in the place of its name.
fn resolve(
    named: DigitalSignatureAlgorithm,
    parameters: &mut CryptographicParameters,
) -> Result<(), OperationError> {
    let (algorithm, hash, padding) =
        meaning(named).ok_or(OperationError::UnsupportedCryptographicParameters)?;
    let given = parameters.cryptographic_algorithm.map(|given| match given {
        CryptographicAlgorithm::Ec => CryptographicAlgorithm::Ecdsa,
        other => other,
    });
    if given.is_some_and(|given| given != algorithm) {
        return Err(OperationError::CryptographicParameters(
            "the Cryptographic Algorithm is not that of the Digital Signature Algorithm",
        ));
    }
    if hash.is_some() && parameters.hashing_algorithm.is_some_and(|given| Some(given) != hash) {
        return Err(OperationError::CryptographicParameters(
            "the Hashing Algorithm is not that of the Digital Signature Algorithm",
        ));
    }
    parameters.cryptographic_algorithm = Some(algorithm);
    parameters.hashing_algorithm = hash.or(parameters.hashing_algorithm);
    // The older clients name the hash like this and the padding beside it.
    parameters.padding_method = parameters.padding_method.or(padding);
    Ok(())
}

type Meaning = (CryptographicAlgorithm, Option<HashingAlgorithm>, Option<PaddingMethod>);

const fn meaning(named: DigitalSignatureAlgorithm) -> Option<Meaning> {
    use CryptographicAlgorithm as A;
    use DigitalSignatureAlgorithm as D;
    use HashingAlgorithm as H;
    const PKCS1: Option<PaddingMethod> = Some(PaddingMethod::Pkcs1V15);
    Some(match named {
        D::Md2WithRsaEncryption => (A::Rsa, Some(H::Md2), PKCS1),
        D::Md5WithRsaEncryption => (A::Rsa, Some(H::Md5), PKCS1),
        D::Sha1WithRsaEncryption => (A::Rsa, Some(H::Sha1), PKCS1),
        D::Sha224WithRsaEncryption => (A::Rsa, Some(H::Sha224), PKCS1),
        D::Sha256WithRsaEncryption => (A::Rsa, Some(H::Sha256), PKCS1),
        D::Sha384WithRsaEncryption => (A::Rsa, Some(H::Sha384), PKCS1),
        D::Sha512WithRsaEncryption => (A::Rsa, Some(H::Sha512), PKCS1),
        D::Sha3256WithRsaEncryption => (A::Rsa, Some(H::Sha3256), PKCS1),
        D::Sha3384WithRsaEncryption => (A::Rsa, Some(H::Sha3384), PKCS1),
        D::Sha3512WithRsaEncryption => (A::Rsa, Some(H::Sha3512), PKCS1),
        D::RsassaPss => (A::Rsa, None, Some(PaddingMethod::Pss)),
        D::DsaWithSha1 => (A::Dsa, Some(H::Sha1), None),
        D::DsaWithSha224 => (A::Dsa, Some(H::Sha224), None),
        D::DsaWithSha256 => (A::Dsa, Some(H::Sha256), None),
        D::EcdsaWithSha1 => (A::Ecdsa, Some(H::Sha1), None),
        D::EcdsaWithSha224 => (A::Ecdsa, Some(H::Sha224), None),
        D::EcdsaWithSha256 => (A::Ecdsa, Some(H::Sha256), None),
        D::EcdsaWithSha384 => (A::Ecdsa, Some(H::Sha384), None),
        D::EcdsaWithSha512 => (A::Ecdsa, Some(H::Sha512), None),
        _ => return None,
    })
}

/// Settles the parameters of MAC and MAC Verify. The key need not be one of the algorithm: keys
/// for ciphers make MACs, and so do secrets.
pub(crate) fn for_mac(
    item: &Item<'_>,
    key: &KeyInUse,
    mut parameters: CryptographicParameters,
) -> Result<CryptographicParameters, OperationError> {
    let algorithm = parameters.cryptographic_algorithm.or(key.algorithm);
    if algorithm.is_none() {
        return Err(OperationError::CryptographicParameters("there is no Cryptographic Algorithm"));
    }
    parameters.cryptographic_algorithm = algorithm;
    if !item.crypto().mac.supports(&parameters) {
        return Err(OperationError::UnsupportedCryptographicParameters);
    }
    Ok(parameters)
}

/// Settles the parameters of Hash.
pub(crate) fn for_hash(
    item: &Item<'_>,
    given: &CryptographicParameters,
) -> Result<CryptographicParameters, OperationError> {
    let algorithm = given
        .hashing_algorithm
        .ok_or(OperationError::CryptographicParameters("there is no Hashing Algorithm"))?;
    if !item.crypto().digest.supports(algorithm) {
        return Err(OperationError::UnsupportedCryptographicParameters);
    }
    Ok(given.clone())
}

/// Refuses a key of another algorithm.
pub(crate) fn check_fit(
    key: &KeyInUse,
    parameters: &CryptographicParameters,
) -> Result<(), OperationError> {
    if is_of(key, parameters.cryptographic_algorithm) {
        Ok(())
    } else {
        Err(CryptoError::BadKey("it is a key for another algorithm").into())
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{BlockCipherMode as Mode, Enumeration as _};

    use super::*;

    #[test]
    fn every_digital_signature_algorithm_has_a_meaning() {
        for member in DigitalSignatureAlgorithm::MEMBERS {
            let named = DigitalSignatureAlgorithm(member.value);
            assert!(meaning(named).is_some(), "{named}");
        }
        assert_eq!(meaning(DigitalSignatureAlgorithm(0x8000_0001)), None);
    }

    #[test]
    fn a_name_and_its_meaning_may_not_contradict_each_other() {
        let named = DigitalSignatureAlgorithm::Sha256WithRsaEncryption;
        for (algorithm, hash, agrees) in [
            (None, None, true),
            (Some(CryptographicAlgorithm::Rsa), Some(HashingAlgorithm::Sha256), true),
            (Some(CryptographicAlgorithm::Dsa), None, false),
            (None, Some(HashingAlgorithm::Sha1), false),
        ] {
            let mut parameters = CryptographicParameters {
                cryptographic_algorithm: algorithm,
                hashing_algorithm: hash,
                ..none()
            };
            assert_eq!(resolve(named, &mut parameters).is_ok(), agrees);
        }
    }

    #[test]
    fn a_padding_method_beside_the_name_counts() {
        let mut parameters =
            CryptographicParameters { padding_method: Some(PaddingMethod::Pss), ..none() };
        resolve(DigitalSignatureAlgorithm::Sha1WithRsaEncryption, &mut parameters).unwrap();
        assert_eq!(parameters.padding_method, Some(PaddingMethod::Pss));
    }

    #[test]
    fn tags_have_the_lengths_that_the_mode_has() {
        let of = |mode, length| CryptographicParameters {
            block_cipher_mode: Some(mode),
            tag_length: length,
            ..none()
        };
        for (mode, length, allowed) in [
            (Mode::Gcm, None, true),
            (Mode::Gcm, Some(16), true),
            (Mode::Gcm, Some(12), true),
            (Mode::Gcm, Some(4), true),
            (Mode::Gcm, Some(1), false),
            (Mode::Gcm, Some(32), false),
            (Mode::Ccm, Some(6), true),
            (Mode::Ccm, Some(13), false),
            (Mode::Aead, Some(12), true),
            (Mode::Aead, Some(8), false),
        ] {
            let settled = with_tag_length(of(mode, length));
            assert_eq!(settled.is_ok(), allowed, "{mode} {length:?}");
        }
        assert_eq!(with_tag_length(of(Mode::Gcm, None)).unwrap().tag_length, Some(16));
        for (length, tag, allowed) in [
            (Some(12), 12, true),
            (Some(12), 16, true),
            (Some(16), 12, false),
            (Some(4), 4, true),
            (None, 12, true),
            (None, 8, false),
        ] {
            let found = check_tag(&of(Mode::Gcm, length), &vec![0; tag]);
            assert_eq!(found.is_ok(), allowed, "{length:?} {tag}");
        }
    }
}
