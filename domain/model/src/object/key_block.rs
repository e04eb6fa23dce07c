//! Key Block, Key Value and Key Wrapping (KMIP 2.1 §3, 1.4 §2.1.3 to §2.1.7).

use crate::{
    attribute::{AttributeReference, CryptographicParameters, Instance},
    enumeration::{
        CryptographicAlgorithm, EncodingOption, KeyCompressionType, KeyFormatType,
        RecommendedCurve, WrappingMethod,
    },
    identifier::UniqueIdentifier,
    material::Material,
};

/// A key with what is needed to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBlock {
    /// Key Format Type, as the client labelled it.
    pub key_format_type: KeyFormatType,
    /// Key Compression Type.
    pub key_compression_type: Option<KeyCompressionType>,
    /// Key Value; absent where only its location is known.
    pub key_value: Option<KeyValue>,
    /// Cryptographic Algorithm.
    pub cryptographic_algorithm: Option<CryptographicAlgorithm>,
    /// Cryptographic Length, in bits.
    pub cryptographic_length: Option<i32>,
    /// Key Wrapping Data, present if the Key Value is wrapped; boxed, since it is large and rare.
    pub key_wrapping_data: Option<Box<KeyWrappingData>>,
}

impl KeyBlock {
    /// Makes one of a key in the clear, of which nothing else is said.
    #[must_use]
    pub const fn plain(key_format_type: KeyFormatType, key_material: KeyMaterial) -> Self {
        Self {
            key_format_type,
            key_compression_type: None,
            key_value: Some(KeyValue::Plain { key_material, attributes: Vec::new() }),
            cryptographic_algorithm: None,
            cryptographic_length: None,
            key_wrapping_data: None,
        }
    }
}

/// What a key block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// The key, and attributes beside it.
    Plain {
        /// Key Material.
        key_material: KeyMaterial,
        /// Attributes that travel with the key.
        attributes: Vec<Instance>,
    },
    /// A wrapped key: bytes that only the wrapping key opens.
    Wrapped(Material),
}

/// A key in one of its forms. Numbers are big-endian two's complement, as Big Integers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// Raw, Opaque, PKCS#1, PKCS#8, X.509, EC Private Key and the like.
    Bytes(Material),
    /// Transparent Symmetric Key.
    TransparentSymmetricKey {
        /// Key.
        key: Material,
    },
    /// Transparent RSA Private Key.
    TransparentRsaPrivateKey {
        /// Modulus.
        modulus: Vec<u8>,
        /// Private Exponent.
        private_exponent: Option<Material>,
        /// Public Exponent.
        public_exponent: Option<Vec<u8>>,
        /// P.
        p: Option<Material>,
        /// Q.
        q: Option<Material>,
        /// Prime Exponent P.
        prime_exponent_p: Option<Material>,
        /// Prime Exponent Q.
        prime_exponent_q: Option<Material>,
        /// CRT Coefficient.
        crt_coefficient: Option<Material>,
    },
    /// Transparent RSA Public Key.
    TransparentRsaPublicKey {
        /// Modulus.
        modulus: Vec<u8>,
        /// Public Exponent.
        public_exponent: Vec<u8>,
    },
    /// Transparent DSA Private Key.
    TransparentDsaPrivateKey {
        /// P.
        p: Vec<u8>,
        /// Q.
        q: Vec<u8>,
        /// G.
        g: Vec<u8>,
        /// X.
        x: Material,
    },
    /// Transparent DSA Public Key.
    TransparentDsaPublicKey {
        /// P.
        p: Vec<u8>,
        /// Q.
        q: Vec<u8>,
        /// G.
        g: Vec<u8>,
        /// Y.
        y: Vec<u8>,
    },
    /// Transparent DH Private Key.
    TransparentDhPrivateKey {
        /// P.
        p: Vec<u8>,
        /// Q.
        q: Option<Vec<u8>>,
        /// G.
        g: Vec<u8>,
        /// J.
        j: Option<Vec<u8>>,
        /// X.
        x: Material,
    },
    /// Transparent DH Public Key.
    TransparentDhPublicKey {
        /// P.
        p: Vec<u8>,
        /// Q.
        q: Option<Vec<u8>>,
        /// G.
        g: Vec<u8>,
        /// J.
        j: Option<Vec<u8>>,
        /// Y.
        y: Vec<u8>,
    },
    /// Transparent EC Private Key, and the ECDSA, ECDH and ECMQV ones of 1.0 to 1.2.
    TransparentEcPrivateKey {
        /// Recommended Curve.
        recommended_curve: RecommendedCurve,
        /// D.
        d: Material,
    },
    /// Transparent EC Public Key, and the ECDSA, ECDH and ECMQV ones of 1.0 to 1.2.
    TransparentEcPublicKey {
        /// Recommended Curve.
        recommended_curve: RecommendedCurve,
        /// Q String: the point, uncompressed or compressed.
        q_string: Vec<u8>,
    },
}

impl KeyMaterial {
    /// Returns the bytes, if it is one byte string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Material> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// How a key is, or was, wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWrappingData {
    /// Wrapping Method.
    pub wrapping_method: WrappingMethod,
    /// Encryption Key Information.
    pub encryption_key_information: Option<KeyInformation>,
    /// MAC/Signature Key Information.
    pub mac_signature_key_information: Option<KeyInformation>,
    /// MAC/Signature.
    pub mac_signature: Option<Vec<u8>>,
    /// IV/Counter/Nonce.
    pub iv_counter_nonce: Option<Vec<u8>>,
    /// Encoding Option; absent stands for TTLV Encoding.
    pub encoding_option: Option<EncodingOption>,
}

/// Encryption Key Information, or MAC/Signature Key Information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInformation {
    /// Unique Identifier of the key.
    pub unique_identifier: UniqueIdentifier,
    /// Cryptographic Parameters.
    pub cryptographic_parameters: Option<CryptographicParameters>,
}

/// How a client wants a key wrapped (KMIP 2.1 §7.18, 1.4 §2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWrappingSpecification {
    /// Wrapping Method.
    pub wrapping_method: WrappingMethod,
    /// Encryption Key Information.
    pub encryption_key_information: Option<KeyInformation>,
    /// MAC/Signature Key Information.
    pub mac_signature_key_information: Option<KeyInformation>,
    /// Attribute Names: which attributes to wrap with the key.
    pub attribute_names: Vec<AttributeReference>,
    /// Encoding Option; absent stands for TTLV Encoding.
    pub encoding_option: Option<EncodingOption>,
}
