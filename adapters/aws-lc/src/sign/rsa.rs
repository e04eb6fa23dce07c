//! RSA signatures: PKCS#1 v1.5 and PSS (RFC 8017 §8).

use aws_lc_rs::{
    digest::Digest,
    rsa::KeyPair,
    signature::{
        RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaEncoding, RsaParameters, RsaPssSaltLength, RsaSignatureEncoding,
        UnparsedPublicKey,
    },
};
use kmip_model::{
    enumeration::{HashingAlgorithm, KeyFormatType},
    object::KeyInUse,
};
use kmip_ports::crypto::CryptoError;

use super::pss;
use crate::key;

/// Keys with fewer bits sign nothing.
const SIGNING_BITS: i32 = 2048;
/// Keys with fewer bits verify nothing.
const VERIFYING_BITS: i32 = 1024;

/// One encoding per length of salt, as the library wants each to live for ever; keys of 4096 bits
/// have no room for longer salts than these.
const SALTS: usize = 512;

macro_rules! salted {
    ($($table:ident: $encoding:ident;)*) => {$(
        #[expect(
            clippy::indexing_slicing,
            reason = "computed by the compiler, which refuses what is out of bounds"
        )]
        static $table: Salted = {
            let mut table = [const { $encoding }; SALTS];
            let mut length: u16 = 0;
            while (length as usize) < SALTS {
                table[length as usize] =
                    $encoding.with_pss_salt_length(RsaPssSaltLength::Custom(length));
                length += 1;
            }
            table
        };
    )*};
}

type Salted = [RsaSignatureEncoding; SALTS];

salted! {
    PSS_SHA256: RSA_PSS_SHA256;
    PSS_SHA384: RSA_PSS_SHA384;
    PSS_SHA512: RSA_PSS_SHA512;
}

fn unsupported(hash: HashingAlgorithm) -> CryptoError {
    CryptoError::Unsupported(format!("RSA signatures over {hash}"))
}

/// Finds the encoding for signing by PKCS#1 v1.5.
pub(super) fn pkcs1_encoding(
    hash: HashingAlgorithm,
) -> Result<&'static dyn RsaEncoding, CryptoError> {
    match hash {
        HashingAlgorithm::Sha256 => Ok(&RSA_PKCS1_SHA256),
        HashingAlgorithm::Sha384 => Ok(&RSA_PKCS1_SHA384),
        HashingAlgorithm::Sha512 => Ok(&RSA_PKCS1_SHA512),
        other => Err(unsupported(other)),
    }
}

/// Finds the encoding for signing by PSS; the salt is as long as the hash unless told otherwise.
pub(super) fn pss_encoding(
    hash: HashingAlgorithm,
    salt_length: Option<usize>,
) -> Result<&'static dyn RsaEncoding, CryptoError> {
    let (table, usual): (&'static Salted, _) = match hash {
        HashingAlgorithm::Sha256 => (&PSS_SHA256, 32),
        HashingAlgorithm::Sha384 => (&PSS_SHA384, 48),
        HashingAlgorithm::Sha512 => (&PSS_SHA512, 64),
        other => return Err(unsupported(other)),
    };
    match table.get(salt_length.unwrap_or(usual)) {
        Some(encoding) => Ok(encoding),
        None => Err(CryptoError::Unsupported("PSS with so long a salt".to_owned())),
    }
}

/// Reads a private key for signing. PKCS#1 stays what it is: the library reads and checks it as well as
/// PKCS#8, and converting checks it once more.
pub(super) fn read(key: &KeyInUse) -> Result<KeyPair, CryptoError> {
    let (description, der) = key::private(key, |description| {
        let form = match description.format {
            KeyFormatType::Pkcs1 => KeyFormatType::Pkcs1,
            _ => KeyFormatType::Pkcs8,
        };
        key::rsa_form(description, SIGNING_BITS, form)
    })?;
    let der = key::encoded(der)?;
    match description.format {
        KeyFormatType::Pkcs1 => KeyPair::from_der(der.expose()),
        _ => KeyPair::from_pkcs8(der.expose()),
    }
    .map_err(|_| CryptoError::BadKey("its numbers contradict each other"))
}

/// Signs a digest. What fails is a salt for which the key has no room.
pub(super) fn sign(
    key: &KeyPair,
    encoding: &'static dyn RsaEncoding,
    digest: &Digest,
) -> Result<Vec<u8>, CryptoError> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(encoding, digest, &mut signature)
        .map_err(|_| CryptoError::BadInput("the salt is too long for the key"))?;
    Ok(signature)
}

/// Says whether PKCS#1 v1.5 signatures over `hash` are verified.
pub(super) fn verifies_pkcs1(hash: HashingAlgorithm) -> bool {
    pkcs1_verification(hash).is_some()
}

fn pkcs1_verification(hash: HashingAlgorithm) -> Option<(&'static RsaParameters, i32)> {
    match hash {
        HashingAlgorithm::Sha1 => {
            Some((&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, VERIFYING_BITS))
        }
        HashingAlgorithm::Sha256 => {
            Some((&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, VERIFYING_BITS))
        }
        HashingAlgorithm::Sha384 => Some((&RSA_PKCS1_2048_8192_SHA384, SIGNING_BITS)),
        HashingAlgorithm::Sha512 => {
            Some((&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, VERIFYING_BITS))
        }
        _ => None,
    }
}

/// Verifies a signature by PKCS#1 v1.5.
pub(super) fn verify_pkcs1(
    key: &KeyInUse,
    hash: HashingAlgorithm,
    digest: &Digest,
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let (parameters, minimum) = pkcs1_verification(hash).ok_or_else(|| unsupported(hash))?;
    let (_, public) =
        key::public(key, |description| key::rsa_form(description, minimum, KeyFormatType::Pkcs1))?;
    let public = key::encoded(public)?;
    let key = UnparsedPublicKey::new(parameters, public.expose());
    Ok(key.verify_digest(digest, signature).is_ok())
}

/// Verifies a signature by PSS. The library knows one length of salt, the usual one; other lengths,
/// other hashes and smaller keys are left to `pss`.
pub(super) fn verify_pss(
    key: &KeyInUse,
    hash: HashingAlgorithm,
    salt_length: Option<usize>,
    digest: &Digest,
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let (description, public) = key::public(key, |description| {
        key::rsa_form(description, VERIFYING_BITS, KeyFormatType::Pkcs1)
    })?;
    let public = key::encoded(public)?;
    let parameters = match hash {
        _ if description.length < SIGNING_BITS => None,
        HashingAlgorithm::Sha256 => Some(&RSA_PSS_2048_8192_SHA256),
        HashingAlgorithm::Sha384 => Some(&RSA_PSS_2048_8192_SHA384),
        HashingAlgorithm::Sha512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    };
    let usual = digest.algorithm().output_len();
    if let Some(parameters) = parameters.filter(|_| salt_length.is_none_or(|given| given == usual))
    {
        let key = UnparsedPublicKey::new(parameters, public.expose());
        if key.verify_digest(digest, signature).is_ok() {
            return Ok(true);
        }
    }
    pss::verify(public.expose(), salt_length, digest, signature)
}
