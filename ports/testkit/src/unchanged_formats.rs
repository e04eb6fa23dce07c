//! Key formats for tests of adapters that use keys and leave their forms to another.

use kmip_model::{
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType},
    object::KeyMaterial,
};
use kmip_ports::crypto::{CryptoError, KeyDescription, KeyFormats};

/// Knows RSA keys in PKCS#1 and transparent elliptic curve keys, and changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnchangedFormats;

impl KeyFormats for UnchangedFormats {
    fn describe(
        &self,
        _object_type: ObjectType,
        material: &KeyMaterial,
    ) -> Result<KeyDescription, CryptoError> {
        match material {
            KeyMaterial::Bytes(der) => {
                let modulus = modulus(der.expose()).ok_or(CryptoError::BadKey("not PKCS#1"))?;
                let length =
                    i32::try_from(modulus.len()).ok().and_then(|bytes| bytes.checked_mul(8));
                Ok(KeyDescription {
                    format: KeyFormatType::Pkcs1,
                    algorithm: CryptographicAlgorithm::Rsa,
                    length: length.ok_or(CryptoError::BadKey("too long"))?,
                    curve: None,
                })
            }
            KeyMaterial::TransparentEcPrivateKey { recommended_curve, .. }
            | KeyMaterial::TransparentEcPublicKey { recommended_curve, .. } => Ok(KeyDescription {
                format: KeyFormatType::TransparentEcPrivateKey,
                algorithm: CryptographicAlgorithm::Ec,
                length: 256,
                curve: Some(*recommended_curve),
            }),
            _ => Err(CryptoError::BadKey("not one of the known forms")),
        }
    }

    fn convert(
        &self,
        object_type: ObjectType,
        material: &KeyMaterial,
        _to: KeyFormatType,
    ) -> Result<KeyMaterial, CryptoError> {
        self.describe(object_type, material).map(|_| material.clone())
    }
}

/// Finds the modulus of a key in PKCS#1, without leading zeros: it is the first of the two numbers of a
/// public key, and the second of the nine of a private one.
fn modulus(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let (SEQUENCE, mut fields, []) = element(der)? else { return None };
    let mut numbers = Vec::new();
    while !fields.is_empty() {
        let (INTEGER, number, rest) = element(fields)? else { return None };
        numbers.push(number);
        fields = rest;
    }
    let ([modulus, _] | [_, modulus, _, _, _, _, _, _, _]) = *numbers else { return None };
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    modulus.get(zeros..)
}

/// Takes the first element off DER: its tag, its value, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(*length & 0x7F))?;
        (bytes.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte)), rest)
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((*tag, value, rest))
}

#[cfg(test)]
mod tests {
    use kmip_model::Material;

    use super::*;

    /// Makes a key of these numbers, each of which has 200 bytes at most.
    fn key(numbers: &[&[u8]]) -> Vec<u8> {
        let fields: Vec<u8> = numbers
            .iter()
            .flat_map(|number| {
                [&[0x02, 0x81, u8::try_from(number.len()).unwrap()], *number].concat()
            })
            .collect();
        [&[0x30, 0x82], &u16::try_from(fields.len()).unwrap().to_be_bytes()[..], &fields].concat()
    }

    fn length(der: &[u8]) -> Option<i32> {
        let material = KeyMaterial::Bytes(Material::from(der));
        let described = UnchangedFormats.describe(ObjectType::PublicKey, &material);
        described.ok().map(|described| described.length)
    }

    #[test]
    fn the_length_is_that_of_the_modulus() {
        let modulus = [&[0][..], &[0xFF; 128]].concat();
        let other: &[u8] = &[1; 64];
        assert_eq!(length(&key(&[&modulus, &[1, 0, 1]])), Some(1024));
        let private = [&[0][..], &modulus, &[1, 0, 1], other, other, other, other, other, other];
        assert_eq!(length(&key(&private)), Some(1024));
    }

    #[test]
    fn what_is_no_key_in_pkcs1_is_refused() {
        let whole = key(&[&[0xFF; 128], &[1, 0, 1]]);
        assert_eq!(length(&whole), Some(1024));
        assert_eq!(length(whole.get(..100).unwrap()), None);
        assert_eq!(length(&[whole.as_slice(), &[0]].concat()), None);
        assert_eq!(length(&key(&[&[1]])), None);
        assert_eq!(length(b"no key"), None);
        assert_eq!(length(&[]), None);
    }
}
