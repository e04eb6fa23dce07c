//! Keys on named curves: SEC 1 (RFC 5915), PKCS#8, `SubjectPublicKeyInfo` (RFC 5480) and the
//! transparent forms (KMIP 2.1 §3.2.6, §3.2.7).
//!
//! On the curves that AWS-LC computes with, private values and points are checked and public
//! points come out uncompressed. On the others only lengths are checked.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
        ECDSA_P521_SHA512_ASN1, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm,
        KeyPair as _, ParsedPublicKey,
    },
};
use der::{
    Decode, Encode,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef},
};
use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType, RecommendedCurve},
    object::KeyMaterial,
};
use kmip_ports::crypto::{CryptoError, KeyDescription};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::{
    curve::Curve,
    number::{Secret, secret_big_integer, secret_magnitude, without_leading_zeros},
};
use crate::generate::signing_algorithm;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ECDH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.12");
const ECMQV: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.13");

const BAD_POINT: CryptoError = CryptoError::BadKey("its point is not on the curve");

/// The curve and algorithm that a key is for.
#[derive(Clone, Copy)]
pub(super) struct Domain {
    curve: &'static Curve,
    algorithm: CryptographicAlgorithm,
}

impl Domain {
    /// Reads an algorithm identifier; `None` if it is not one of elliptic curves.
    pub(super) fn by_identifier(
        identifier: &AlgorithmIdentifierRef<'_>,
    ) -> Result<Option<Self>, CryptoError> {
        let algorithm = match identifier.oid {
            EC => CryptographicAlgorithm::Ec,
            ECDH => CryptographicAlgorithm::Ecdh,
            ECMQV => CryptographicAlgorithm::Ecmqv,
            _ => return Ok(None),
        };
        let curve = identifier
            .parameters_oid()
            .map_err(|_| CryptoError::BadKey("its curve has no name"))?;
        Ok(Some(Self { curve: Curve::by_identifier(curve)?, algorithm }))
    }

    fn by_name(curve: RecommendedCurve) -> Result<Self, CryptoError> {
        Ok(Self { curve: Curve::by_name(curve)?, algorithm: CryptographicAlgorithm::Ec })
    }

    fn identifier(&self) -> AlgorithmIdentifierRef<'static> {
        let oid = match self.algorithm {
            CryptographicAlgorithm::Ecdh => ECDH,
            CryptographicAlgorithm::Ecmqv => ECMQV,
            _ => EC,
        };
        AlgorithmIdentifierRef { oid, parameters: Some(AnyRef::from(&self.curve.identifier)) }
    }

    fn describe(&self, format: KeyFormatType) -> KeyDescription {
        KeyDescription {
            format,
            algorithm: self.algorithm,
            length: i32::from(self.curve.field_bits),
            curve: Some(self.curve.name),
        }
    }
}

/// A private key.
pub(super) struct PrivateKey {
    domain: Domain,
    /// As long as the order of the curve.
    scalar: Secret,
    /// Known if the key brought it along or AWS-LC can compute it.
    point: Option<Vec<u8>>,
    /// The key as AWS-LC has checked it, on the curves that it computes with.
    pair: Option<EcdsaKeyPair>,
}

impl PrivateKey {
    /// Reads what is inside PKCS#8.
    pub(super) fn from_pkcs8(domain: Domain, inside: &[u8]) -> Result<Self, CryptoError> {
        let key = EcPrivateKey::from_der(inside)
            .map_err(|_| CryptoError::BadKey("PKCS#8 holds no EC private key"))?;
        match key.parameters {
            Some(EcParameters::NamedCurve(curve)) if curve != domain.curve.identifier => {
                Err(CryptoError::BadKey("it names two curves"))
            }
            _ => Self::new(domain, key.private_key, key.public_key),
        }
    }

    /// Reads an EC private key that stands alone.
    pub(super) fn from_sec1(key: &EcPrivateKey<'_>) -> Result<Self, CryptoError> {
        let Some(EcParameters::NamedCurve(curve)) = key.parameters else {
            return Err(CryptoError::BadKey("its curve has no name"));
        };
        let curve = Curve::by_identifier(curve)?;
        let domain = Domain { curve, algorithm: CryptographicAlgorithm::Ec };
        Self::new(domain, key.private_key, key.public_key)
    }

    /// Reads the transparent form.
    pub(super) fn from_transparent(
        curve: RecommendedCurve,
        d: &Material,
    ) -> Result<Self, CryptoError> {
        Self::new(Domain::by_name(curve)?, &secret_magnitude(d)?, None)
    }

    fn new(domain: Domain, value: &[u8], point: Option<&[u8]>) -> Result<Self, CryptoError> {
        let digits = without_leading_zeros(value);
        let zeros = domain
            .curve
            .scalar_bytes()
            .checked_sub(digits.len())
            .ok_or(CryptoError::BadKey("its private value is too long for its curve"))?;
        if digits.is_empty() {
            return Err(CryptoError::BadKey("its private value is zero"));
        }
        let mut scalar = Zeroizing::new(vec![0; domain.curve.scalar_bytes()]);
        if let Some(low) = scalar.get_mut(zeros..) {
            low.copy_from_slice(digits);
        }
        let mut key = Self { domain, scalar, point: None, pair: None };
        if let Some(algorithm) = signing_algorithm(domain.curve.name) {
            key.point = point.map(<[u8]>::to_vec);
            key.check(algorithm)?;
        } else if let Some(point) = point {
            key.point = Some(check_point(domain.curve, point)?);
        }
        Ok(key)
    }

    /// Has AWS-LC check the private value, and the point against it, and takes its point.
    fn check(&mut self, algorithm: &'static EcdsaSigningAlgorithm) -> Result<(), CryptoError> {
        let der = Zeroizing::new(self.to_sec1(true).map_err(|_| CryptoError::Failed)?);
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, &der)
            .map_err(|_| CryptoError::BadKey("its private value does not fit curve or point"))?;
        self.point = Some(pair.public_key().as_ref().to_vec());
        self.pair = Some(pair);
        Ok(())
    }

    /// Returns the curve.
    pub(super) fn curve(&self) -> RecommendedCurve {
        self.domain.curve.name
    }

    /// Returns the key as AWS-LC has checked it.
    pub(super) fn into_pair(self) -> Option<EcdsaKeyPair> {
        self.pair
    }

    /// Says what the key says of itself.
    pub(super) fn describe(&self, format: KeyFormatType) -> KeyDescription {
        self.domain.describe(format)
    }

    /// Writes the key in another form.
    pub(super) fn write(&self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        let der = match to {
            KeyFormatType::EcPrivateKey => self.to_sec1(true),
            KeyFormatType::Pkcs8 => self.to_pkcs8(),
            KeyFormatType::TransparentEcPrivateKey
            | KeyFormatType::TransparentEcdsaPrivateKey
            | KeyFormatType::TransparentEcdhPrivateKey
            | KeyFormatType::TransparentEcmqvPrivateKey => {
                return Ok(KeyMaterial::TransparentEcPrivateKey {
                    recommended_curve: self.domain.curve.name,
                    d: secret_big_integer(&self.scalar),
                });
            }
            _ => return Err(CryptoError::NoSuchForm),
        };
        der.map(Material::new).map(KeyMaterial::Bytes).map_err(|_| CryptoError::Failed)
    }

    fn to_sec1(&self, with_curve: bool) -> der::Result<Vec<u8>> {
        EcPrivateKey {
            private_key: &self.scalar,
            parameters: with_curve
                .then_some(EcParameters::NamedCurve(self.domain.curve.identifier)),
            public_key: self.point.as_deref(),
        }
        .to_der()
    }

    fn to_pkcs8(&self) -> der::Result<Vec<u8>> {
        // The curve is named outside already.
        let inside = Zeroizing::new(self.to_sec1(false)?);
        PrivateKeyInfoRef::new(self.domain.identifier(), OctetStringRef::new(&inside)?).to_der()
    }
}

/// A public key.
pub(super) struct PublicKey {
    domain: Domain,
    point: Vec<u8>,
}

impl PublicKey {
    /// Reads what is inside `SubjectPublicKeyInfo`.
    pub(super) fn from_spki(domain: Domain, point: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self { domain, point: check_point(domain.curve, point)? })
    }

    /// Reads the transparent form.
    pub(super) fn from_transparent(
        curve: RecommendedCurve,
        q_string: &[u8],
    ) -> Result<Self, CryptoError> {
        Self::from_spki(Domain::by_name(curve)?, q_string)
    }

    /// Says what the key says of itself.
    pub(super) fn describe(&self, format: KeyFormatType) -> KeyDescription {
        self.domain.describe(format)
    }

    /// Writes the key in another form.
    pub(super) fn write(&self, to: KeyFormatType) -> Result<KeyMaterial, CryptoError> {
        match to {
            KeyFormatType::X509 => {
                let der = to_spki(self.domain.identifier(), &self.point);
                der.map(Material::new).map(KeyMaterial::Bytes).map_err(|_| CryptoError::Failed)
            }
            KeyFormatType::TransparentEcPublicKey
            | KeyFormatType::TransparentEcdsaPublicKey
            | KeyFormatType::TransparentEcdhPublicKey
            | KeyFormatType::TransparentEcmqvPublicKey => Ok(KeyMaterial::TransparentEcPublicKey {
                recommended_curve: self.domain.curve.name,
                q_string: self.point.clone(),
            }),
            _ => Err(CryptoError::NoSuchForm),
        }
    }
}

fn to_spki(algorithm: AlgorithmIdentifierRef<'_>, point: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(point)? }
        .to_der()
}

/// Checks a point and returns it, uncompressed where AWS-LC knows the curve.
fn check_point(curve: &Curve, point: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let coordinates = match point.first() {
        Some(2 | 3) => 1,
        Some(4) => 2,
        _ => return Err(CryptoError::BadKey("its point has no known form")),
    };
    let length = curve.field_bytes().saturating_mul(coordinates).saturating_add(1);
    if point.len() != length {
        return Err(CryptoError::BadKey("its point does not have the length of its curve"));
    }
    let Some(algorithm) = verification_algorithm(curve.name) else {
        return Ok(point.to_vec());
    };
    let parsed = ParsedPublicKey::new(algorithm, point).map_err(|_| BAD_POINT)?;
    let der: PublicKeyX509Der<'_> = parsed.as_der().map_err(|_| CryptoError::Failed)?;
    SubjectPublicKeyInfoRef::from_der(der.as_ref())
        .ok()
        .and_then(|read| read.subject_public_key.as_bytes().map(<[u8]>::to_vec))
        .ok_or(CryptoError::Failed)
}

/// Finds the library's algorithm for a curve; points do not depend on the hash it names.
fn verification_algorithm(curve: RecommendedCurve) -> Option<&'static EcdsaVerificationAlgorithm> {
    Some(match curve {
        RecommendedCurve::P256 => &ECDSA_P256_SHA256_ASN1,
        RecommendedCurve::P384 => &ECDSA_P384_SHA384_ASN1,
        RecommendedCurve::P521 => &ECDSA_P521_SHA512_ASN1,
        RecommendedCurve::Secp256K1 => &ECDSA_P256K1_SHA256_ASN1,
        _ => return None,
    })
}
