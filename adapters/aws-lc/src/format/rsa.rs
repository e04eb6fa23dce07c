//! RSA keys: PKCS#1 (RFC 8017), PKCS#8, `SubjectPublicKeyInfo` and the transparent forms
//! (KMIP 2.1 §3.2.3, §3.2.4).

use der::{
    Decode, Encode,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef},
};
use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType},
    object::KeyMaterial,
};
use kmip_ports::crypto::{CryptoError, KeyDescription};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::PrivateKeyInfoRef;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::{
    number::{Secret, big_integer, bits, magnitude, secret, secret_big_integer, secret_magnitude},
    rsa_numbers::{Complete, Known},
};

/// rsaEncryption. Keys restricted to PSS or OAEP by their identifier are not read: the other
/// forms would lose the restriction.
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

const IDENTIFIER: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: RSA, parameters: Some(AnyRef::NULL) };

fn describe(format: KeyFormatType, modulus: &[u8]) -> Result<KeyDescription, CryptoError> {
    let length = bits(modulus)?;
    Ok(KeyDescription { format, algorithm: CryptographicAlgorithm::Rsa, length, curve: None })
}

/// A private key, with the numbers that came along.
pub(super) struct PrivateKey(Known);

impl PrivateKey {
    /// Reads the inside of PKCS#8.
    pub(super) fn from_pkcs8(inside: &[u8]) -> Result<Self, CryptoError> {
        RsaPrivateKeyRef::from_der(inside)
            .map_err(|_| CryptoError::BadKey("PKCS#8 holds no RSA private key"))
            .and_then(|key| Self::from_pkcs1(&key))
    }

    /// Reads PKCS#1.
    pub(super) fn from_pkcs1(key: &RsaPrivateKeyRef<'_>) -> Result<Self, CryptoError> {
        if key.other_prime_infos.is_some() {
            return Err(CryptoError::BadKey("it has more than two primes"));
        }
        let number = |number: &UintRef<'_>| Some(secret(number.as_bytes()));
        Self::new(Known {
            modulus: key.modulus.as_bytes().to_vec(),
            public_exponent: Some(key.public_exponent.as_bytes().to_vec()),
            private_exponent: number(&key.private_exponent),
            p: number(&key.prime1),
            q: number(&key.prime2),
            prime_exponent_p: number(&key.exponent1),
            prime_exponent_q: number(&key.exponent2),
            crt_coefficient: number(&key.coefficient),
        })
    }

    /// Reads the transparent form.
    pub(super) fn from_transparent(key: &KeyMaterial) -> Result<Self, CryptoError> {
        let KeyMaterial::TransparentRsaPrivateKey {
            modulus,
            private_exponent,
            public_exponent,
            p,
            q,
            prime_exponent_p,
            prime_exponent_q,
            crt_coefficient,
        } = key
        else {
            return Err(CryptoError::BadKey("it is not the structure of an RSA private key"));
        };
        let number = |number: &Option<Material>| number.as_ref().map(secret_magnitude).transpose();
        let public = |number: &Vec<u8>| magnitude(number).map(<[u8]>::to_vec);
        Self::new(Known {
            modulus: public(modulus)?,
            public_exponent: public_exponent.as_ref().map(public).transpose()?,
            private_exponent: number(private_exponent)?,
            p: number(p)?,
            q: number(q)?,
            prime_exponent_p: number(prime_exponent_p)?,
            prime_exponent_q: number(prime_exponent_q)?,
            crt_coefficient: number(crt_coefficient)?,
        })
    }

    fn new(known: Known) -> Result<Self, CryptoError> {
        check_modulus(&known.modulus)?;
        Ok(Self(known))
    }

    /// Says what the key says of itself.
    pub(super) fn describe(&self, format: KeyFormatType) -> Result<KeyDescription, CryptoError> {
        describe(format, &self.0.modulus)
    }

    /// Writes the key in another form.
    pub(super) fn write(&self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        let der = match to {
            KeyFormatType::Pkcs1 => to_pkcs1(&self.0.complete()?),
            KeyFormatType::Pkcs8 => to_pkcs8(&self.0.complete()?),
            KeyFormatType::TransparentRsaPrivateKey => return Ok(self.to_transparent()),
            _ => return Err(CryptoError::NoSuchForm),
        };
        der.map(Material::new).map(KeyMaterial::Bytes).map_err(|_| CryptoError::Failed)
    }

    fn to_transparent(&self) -> KeyMaterial {
        let number = |number: &Option<Secret>| number.as_ref().map(|n| secret_big_integer(n));
        KeyMaterial::TransparentRsaPrivateKey {
            modulus: big_integer(&self.0.modulus),
            private_exponent: number(&self.0.private_exponent),
            public_exponent: self.0.public_exponent.as_ref().map(|n| big_integer(n)),
            p: number(&self.0.p),
            q: number(&self.0.q),
            prime_exponent_p: number(&self.0.prime_exponent_p),
            prime_exponent_q: number(&self.0.prime_exponent_q),
            crt_coefficient: number(&self.0.crt_coefficient),
        }
    }
}

fn to_pkcs1(key: &Complete) -> der::Result<Vec<u8>> {
    RsaPrivateKeyRef {
        modulus: UintRef::new(&key.modulus)?,
        public_exponent: UintRef::new(&key.public_exponent)?,
        private_exponent: UintRef::new(&key.private_exponent)?,
        prime1: UintRef::new(&key.p)?,
        prime2: UintRef::new(&key.q)?,
        exponent1: UintRef::new(&key.prime_exponent_p)?,
        exponent2: UintRef::new(&key.prime_exponent_q)?,
        coefficient: UintRef::new(&key.crt_coefficient)?,
        other_prime_infos: None,
    }
    .to_der()
}

fn to_pkcs8(key: &Complete) -> der::Result<Vec<u8>> {
    let inside = Zeroizing::new(to_pkcs1(key)?);
    PrivateKeyInfoRef::new(IDENTIFIER, OctetStringRef::new(&inside)?).to_der()
}

/// A public key.
pub(super) struct PublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl PublicKey {
    /// Reads PKCS#1.
    pub(super) fn from_pkcs1(key: &RsaPublicKeyRef<'_>) -> Result<Self, CryptoError> {
        Self::new(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    /// Reads what is inside `SubjectPublicKeyInfo`.
    pub(super) fn from_spki(inside: &[u8]) -> Result<Self, CryptoError> {
        RsaPublicKeyRef::from_der(inside)
            .map_err(|_| CryptoError::BadKey("X.509 holds no RSA public key"))
            .and_then(|key| Self::from_pkcs1(&key))
    }

    /// Reads the transparent form.
    pub(super) fn from_transparent(modulus: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        Self::new(magnitude(modulus)?, magnitude(exponent)?)
    }

    fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        check_modulus(modulus)?;
        if exponent.last().is_none_or(|last| last & 1 == 0) {
            return Err(CryptoError::BadKey("its exponent is even"));
        }
        Ok(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Says what the key says of itself.
    pub(super) fn describe(&self, format: KeyFormatType) -> Result<KeyDescription, CryptoError> {
        describe(format, &self.modulus)
    }

    /// Writes the key in another form.
    pub(super) fn write(&self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        let der = match to {
            KeyFormatType::Pkcs1 => self.to_pkcs1(),
            KeyFormatType::X509 => self.to_spki(),
            KeyFormatType::TransparentRsaPublicKey => {
                return Ok(KeyMaterial::TransparentRsaPublicKey {
                    modulus: big_integer(&self.modulus),
                    public_exponent: big_integer(&self.exponent),
                });
            }
            _ => return Err(CryptoError::NoSuchForm),
        };
        der.map(Material::new).map(KeyMaterial::Bytes).map_err(|_| CryptoError::Failed)
    }

    fn to_pkcs1(&self) -> der::Result<Vec<u8>> {
        RsaPublicKeyRef {
            modulus: UintRef::new(&self.modulus)?,
            public_exponent: UintRef::new(&self.exponent)?,
        }
        .to_der()
    }

    fn to_spki(&self) -> der::Result<Vec<u8>> {
        let inside = self.to_pkcs1()?;
        SubjectPublicKeyInfoRef {
            algorithm: IDENTIFIER,
            subject_public_key: BitStringRef::from_bytes(&inside)?,
        }
        .to_der()
    }
}

/// Refuses what cannot be a modulus: a product of two odd primes is odd.
fn check_modulus(modulus: &[u8]) -> Result<(), CryptoError> {
    match modulus.last() {
        Some(last) if last & 1 == 1 => Ok(()),
        _ => Err(CryptoError::BadKey("its modulus is even")),
    }
}
