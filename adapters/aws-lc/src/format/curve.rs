//! The curves whose keys can be read (KMIP 2.1 §11 Recommended Curve; SEC 2, RFC 5639).

use der::asn1::ObjectIdentifier;
use kmip_model::enumeration::RecommendedCurve;
use kmip_ports::crypto::CryptoError;

/// What the forms of a key need to know of its curve.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Curve {
    pub(super) name: RecommendedCurve,
    pub(super) identifier: ObjectIdentifier,
    /// The bits of a coordinate: Cryptographic Length.
    pub(super) field_bits: u16,
    /// The bits of the order of the base point, which a private value is below.
    pub(super) order_bits: u16,
}

impl Curve {
    /// Finds a curve by its object identifier.
    pub(super) fn by_identifier(
        identifier: ObjectIdentifier,
    ) -> Result<&'static Self, CryptoError> {
        CURVES
            .iter()
            .find(|curve| curve.identifier == identifier)
            .ok_or_else(|| CryptoError::Unsupported(format!("keys on the curve {identifier}")))
    }

    /// Finds a curve by its name in KMIP.
    pub(super) fn by_name(name: RecommendedCurve) -> Result<&'static Self, CryptoError> {
        CURVES
            .iter()
            .find(|curve| curve.name == name)
            .ok_or_else(|| CryptoError::Unsupported(format!("keys on the curve {name}")))
    }

    /// Returns the bytes of a coordinate.
    pub(super) fn field_bytes(&self) -> usize {
        usize::from(self.field_bits.div_ceil(8))
    }

    /// Returns the bytes of a private value.
    pub(super) fn scalar_bytes(&self) -> usize {
        usize::from(self.order_bits.div_ceil(8))
    }
}

const fn curve(
    name: RecommendedCurve,
    identifier: &'static str,
    field_bits: u16,
    order_bits: u16,
) -> Curve {
    Curve { name, identifier: ObjectIdentifier::new_unwrap(identifier), field_bits, order_bits }
}

/// One row per curve: name, object identifier, bits of the field, bits of the order.
const CURVES: [Curve; 32] = [
    curve(RecommendedCurve::P192, "1.2.840.10045.3.1.1", 192, 192),
    curve(RecommendedCurve::P224, "1.3.132.0.33", 224, 224),
    curve(RecommendedCurve::P256, "1.2.840.10045.3.1.7", 256, 256),
    curve(RecommendedCurve::P384, "1.3.132.0.34", 384, 384),
    curve(RecommendedCurve::P521, "1.3.132.0.35", 521, 521),
    curve(RecommendedCurve::K163, "1.3.132.0.1", 163, 163),
    curve(RecommendedCurve::K233, "1.3.132.0.26", 233, 232),
    curve(RecommendedCurve::K283, "1.3.132.0.16", 283, 281),
    curve(RecommendedCurve::K409, "1.3.132.0.36", 409, 407),
    curve(RecommendedCurve::K571, "1.3.132.0.38", 571, 570),
    curve(RecommendedCurve::B163, "1.3.132.0.15", 163, 163),
    curve(RecommendedCurve::B233, "1.3.132.0.27", 233, 233),
    curve(RecommendedCurve::B283, "1.3.132.0.17", 283, 282),
    curve(RecommendedCurve::B409, "1.3.132.0.37", 409, 409),
    curve(RecommendedCurve::B571, "1.3.132.0.39", 571, 570),
    curve(RecommendedCurve::Secp192K1, "1.3.132.0.31", 192, 192),
    curve(RecommendedCurve::Secp224K1, "1.3.132.0.32", 224, 225),
    curve(RecommendedCurve::Secp256K1, "1.3.132.0.10", 256, 256),
    curve(RecommendedCurve::Brainpoolp160R1, "1.3.36.3.3.2.8.1.1.1", 160, 160),
    curve(RecommendedCurve::Brainpoolp160T1, "1.3.36.3.3.2.8.1.1.2", 160, 160),
    curve(RecommendedCurve::Brainpoolp192R1, "1.3.36.3.3.2.8.1.1.3", 192, 192),
    curve(RecommendedCurve::Brainpoolp192T1, "1.3.36.3.3.2.8.1.1.4", 192, 192),
    curve(RecommendedCurve::Brainpoolp224R1, "1.3.36.3.3.2.8.1.1.5", 224, 224),
    curve(RecommendedCurve::Brainpoolp224T1, "1.3.36.3.3.2.8.1.1.6", 224, 224),
    curve(RecommendedCurve::Brainpoolp256R1, "1.3.36.3.3.2.8.1.1.7", 256, 256),
    curve(RecommendedCurve::Brainpoolp256T1, "1.3.36.3.3.2.8.1.1.8", 256, 256),
    curve(RecommendedCurve::Brainpoolp320R1, "1.3.36.3.3.2.8.1.1.9", 320, 320),
    curve(RecommendedCurve::Brainpoolp320T1, "1.3.36.3.3.2.8.1.1.10", 320, 320),
    curve(RecommendedCurve::Brainpoolp384R1, "1.3.36.3.3.2.8.1.1.11", 384, 384),
    curve(RecommendedCurve::Brainpoolp384T1, "1.3.36.3.3.2.8.1.1.12", 384, 384),
    curve(RecommendedCurve::Brainpoolp512R1, "1.3.36.3.3.2.8.1.1.13", 512, 512),
    curve(RecommendedCurve::Brainpoolp512T1, "1.3.36.3.3.2.8.1.1.14", 512, 512),
];
