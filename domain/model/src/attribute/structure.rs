//! The attributes that are structures (KMIP 2.1 §4, 1.4 §3), field by field in their order.

use crate::{
    enumeration::{
        AlternativeNameType, BlockCipherMode, CryptographicAlgorithm, DigitalSignatureAlgorithm,
        DrbgAlgorithm, Fips186Variation, HashingAlgorithm, KeyFormatType, KeyRoleType,
        KeyValueLocationType, LinkType, MaskGenerator, NameType, PaddingMethod, RecommendedCurve,
        RevocationReasonCode, RngAlgorithm, RotateNameType, UsageLimitsUnit,
    },
    identifier::UniqueIdentifier,
    value::value_structure,
};

value_structure! {
    /// Name (2.1 §4.32, 1.4 §3.2).
    Name {
        /// Name Value.
        name_value: String = NameValue, required;
        /// Name Type.
        name_type: NameType = NameType, required;
    }
}

impl Name {
    /// Makes a Name that is an uninterpreted text string.
    #[must_use]
    pub fn text(name_value: impl Into<String>) -> Self {
        Self { name_value: name_value.into(), name_type: NameType::UninterpretedTextString }
    }
}

value_structure! {
    /// Alternative Name (2.1 §4.2, 1.4 §3.40).
    AlternativeName {
        /// Alternative Name Value.
        alternative_name_value: String = AlternativeNameValue, required;
        /// Alternative Name Type.
        alternative_name_type: AlternativeNameType = AlternativeNameType, required;
    }
}

value_structure! {
    /// Cryptographic Parameters (2.1 §4.16, 1.4 §3.6).
    CryptographicParameters {
        /// Block Cipher Mode.
        block_cipher_mode: BlockCipherMode = BlockCipherMode, optional;
        /// Padding Method.
        padding_method: PaddingMethod = PaddingMethod, optional;
        /// Hashing Algorithm.
        hashing_algorithm: HashingAlgorithm = HashingAlgorithm, optional;
        /// Key Role Type.
        key_role_type: KeyRoleType = KeyRoleType, optional;
        /// Digital Signature Algorithm.
        digital_signature_algorithm: DigitalSignatureAlgorithm = DigitalSignatureAlgorithm, optional;
        /// Cryptographic Algorithm.
        cryptographic_algorithm: CryptographicAlgorithm = CryptographicAlgorithm, optional;
        /// Random IV.
        random_iv: bool = RandomIv, optional;
        /// IV Length, in bits.
        iv_length: i32 = IvLength, optional;
        /// Tag Length, in bytes.
        tag_length: i32 = TagLength, optional;
        /// Fixed Field Length, in bits.
        fixed_field_length: i32 = FixedFieldLength, optional;
        /// Invocation Field Length, in bits.
        invocation_field_length: i32 = InvocationFieldLength, optional;
        /// Counter Length, in bits.
        counter_length: i32 = CounterLength, optional;
        /// Initial Counter Value.
        initial_counter_value: i32 = InitialCounterValue, optional;
        /// Salt Length, in bytes.
        salt_length: i32 = SaltLength, optional;
        /// Mask Generator.
        mask_generator: MaskGenerator = MaskGenerator, optional;
        /// Mask Generator Hashing Algorithm.
        mask_generator_hashing_algorithm: HashingAlgorithm = MaskGeneratorHashingAlgorithm, optional;
        /// P Source.
        p_source: Vec<u8> = PSource, optional;
        /// Trailer Field.
        trailer_field: i32 = TrailerField, optional;
    }
}

impl CryptographicParameters {
    /// What says nothing: every field is absent.
    pub const EMPTY: Self = Self {
        block_cipher_mode: None,
        padding_method: None,
        hashing_algorithm: None,
        key_role_type: None,
        digital_signature_algorithm: None,
        cryptographic_algorithm: None,
        random_iv: None,
        iv_length: None,
        tag_length: None,
        fixed_field_length: None,
        invocation_field_length: None,
        counter_length: None,
        initial_counter_value: None,
        salt_length: None,
        mask_generator: None,
        mask_generator_hashing_algorithm: None,
        p_source: None,
        trailer_field: None,
    };
}

value_structure! {
    /// Cryptographic Domain Parameters (2.1 §4.14, 1.4 §3.7).
    CryptographicDomainParameters {
        /// Qlength, in bits.
        qlength: i32 = Qlength, optional;
        /// Recommended Curve.
        recommended_curve: RecommendedCurve = RecommendedCurve, optional;
    }
}

value_structure! {
    /// Certificate Identifier (1.0 to 1.4 §3.9).
    CertificateIdentifier {
        /// Issuer.
        issuer: String = Issuer, required;
        /// Serial Number.
        serial_number: String = SerialNumber, optional;
    }
}

value_structure! {
    /// Certificate Subject (1.0 to 1.4 §3.10).
    CertificateSubject {
        /// Certificate Subject Distinguished Name.
        distinguished_name: String = CertificateSubjectDistinguishedName, required;
        /// Certificate Subject Alternative Name.
        alternative_names: String = CertificateSubjectAlternativeName, repeated;
    }
}

value_structure! {
    /// Certificate Issuer (1.0 to 1.4 §3.11).
    CertificateIssuer {
        /// Certificate Issuer Distinguished Name.
        distinguished_name: String = CertificateIssuerDistinguishedName, required;
        /// Certificate Issuer Alternative Name.
        alternative_names: String = CertificateIssuerAlternativeName, repeated;
    }
}

value_structure! {
    /// X.509 Certificate Identifier (2.1 §4.61, 1.4 §3.10).
    X509CertificateIdentifier {
        /// Issuer Distinguished Name, DER.
        issuer_distinguished_name: Vec<u8> = IssuerDistinguishedName, required;
        /// Certificate Serial Number, DER.
        certificate_serial_number: Vec<u8> = CertificateSerialNumber, required;
    }
}

value_structure! {
    /// X.509 Certificate Subject (2.1 §4.63, 1.4 §3.11).
    X509CertificateSubject {
        /// Subject Distinguished Name, DER.
        subject_distinguished_name: Vec<u8> = SubjectDistinguishedName, required;
        /// Subject Alternative Name, DER.
        subject_alternative_names: Vec<u8> = SubjectAlternativeName, repeated;
    }
}

value_structure! {
    /// X.509 Certificate Issuer (2.1 §4.62, 1.4 §3.12).
    X509CertificateIssuer {
        /// Issuer Distinguished Name, DER.
        issuer_distinguished_name: Vec<u8> = IssuerDistinguishedName, required;
        /// Issuer Alternative Name, DER.
        issuer_alternative_names: Vec<u8> = IssuerAlternativeName, repeated;
    }
}

value_structure! {
    /// Digest (2.1 §4.21, 1.4 §3.17).
    Digest {
        /// Hashing Algorithm.
        hashing_algorithm: HashingAlgorithm = HashingAlgorithm, required;
        /// Digest Value.
        digest_value: Vec<u8> = DigestValue, optional;
        /// Key Format Type of what was hashed.
        key_format_type: KeyFormatType = KeyFormatType, optional;
    }
}

value_structure! {
    /// Usage Limits (2.1 §4.59, 1.4 §3.21).
    UsageLimits {
        /// Usage Limits Total.
        usage_limits_total: i64 = UsageLimitsTotal, required;
        /// Usage Limits Count: what is left.
        usage_limits_count: i64 = UsageLimitsCount, optional;
        /// Usage Limits Unit.
        usage_limits_unit: UsageLimitsUnit = UsageLimitsUnit, required;
    }
}

value_structure! {
    /// Revocation Reason (2.1 §4.47, 1.4 §3.31).
    RevocationReason {
        /// Revocation Reason Code.
        revocation_reason_code: RevocationReasonCode = RevocationReasonCode, required;
        /// Revocation Message.
        revocation_message: String = RevocationMessage, optional;
    }
}

impl RevocationReason {
    /// Says whether the reason is that the key, or its authority, is compromised.
    #[must_use]
    pub fn is_compromise(&self) -> bool {
        matches!(
            self.revocation_reason_code,
            RevocationReasonCode::KeyCompromise | RevocationReasonCode::CaCompromise
        )
    }
}

value_structure! {
    /// Link (2.1 §4.31, 1.4 §3.35).
    Link {
        /// Link Type.
        link_type: LinkType = LinkType, required;
        /// Linked Object Identifier.
        linked_object_identifier: UniqueIdentifier = LinkedObjectIdentifier, required;
    }
}

value_structure! {
    /// Application Specific Information (2.1 §4.4, 1.4 §3.36).
    ApplicationSpecificInformation {
        /// Application Namespace.
        application_namespace: String = ApplicationNamespace, required;
        /// Application Data.
        application_data: String = ApplicationData, optional;
    }
}

value_structure! {
    /// Key Value Location (2.1 §4.27, 1.4 §3.42).
    KeyValueLocation {
        /// Key Value Location Value.
        key_value_location_value: String = KeyValueLocationValue, required;
        /// Key Value Location Type.
        key_value_location_type: KeyValueLocationType = KeyValueLocationType, required;
    }
}

value_structure! {
    /// RNG Parameters, the value of Random Number Generator (2.1 §4.46, 1.4 §3.44 and §2.1.18).
    RngParameters {
        /// RNG Algorithm.
        rng_algorithm: RngAlgorithm = RngAlgorithm, required;
        /// Cryptographic Algorithm.
        cryptographic_algorithm: CryptographicAlgorithm = CryptographicAlgorithm, optional;
        /// Cryptographic Length, in bits.
        cryptographic_length: i32 = CryptographicLength, optional;
        /// Hashing Algorithm.
        hashing_algorithm: HashingAlgorithm = HashingAlgorithm, optional;
        /// DRBG Algorithm.
        drbg_algorithm: DrbgAlgorithm = DrbgAlgorithm, optional;
        /// Recommended Curve.
        recommended_curve: RecommendedCurve = RecommendedCurve, optional;
        /// FIPS186 Variation.
        fips186_variation: Fips186Variation = Fips186Variation, optional;
        /// Prediction Resistance.
        prediction_resistance: bool = PredictionResistance, optional;
    }
}

value_structure! {
    /// Rotate Name (2.1 §4.53).
    RotateName {
        /// Rotate Name Value.
        rotate_name_value: String = RotateNameValue, required;
        /// Rotate Name Type.
        rotate_name_type: RotateNameType = RotateNameType, required;
    }
}
