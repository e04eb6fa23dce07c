//! Enumerations that describe managed objects (KMIP 2.1 §11, 1.4 §9.1.3.2).
//!
//! One row per member: name, value, name in the text encodings, first version, and the
//! version that removed it.

use super::enumeration;

enumeration! {
    /// Object Type.
    ObjectType {
        Certificate = 0x01, "Certificate", (1, 0);
        SymmetricKey = 0x02, "SymmetricKey", (1, 0);
        PublicKey = 0x03, "PublicKey", (1, 0);
        PrivateKey = 0x04, "PrivateKey", (1, 0);
        SplitKey = 0x05, "SplitKey", (1, 0);
        Template = 0x06, "Template", (1, 0) until (1, 3);
        SecretData = 0x07, "SecretData", (1, 0);
        OpaqueObject = 0x08, "OpaqueObject", (1, 0);
        PgpKey = 0x09, "PGPKey", (1, 2);
        CertificateRequest = 0x0A, "CertificateRequest", (2, 0);
    }
}

enumeration! {
    /// State.
    State {
        PreActive = 0x01, "PreActive", (1, 0);
        Active = 0x02, "Active", (1, 0);
        Deactivated = 0x03, "Deactivated", (1, 0);
        Compromised = 0x04, "Compromised", (1, 0);
        Destroyed = 0x05, "Destroyed", (1, 0);
        DestroyedCompromised = 0x06, "DestroyedCompromised", (1, 0);
    }
}

enumeration! {
    /// Name Type.
    NameType {
        UninterpretedTextString = 0x01, "UninterpretedTextString", (1, 0);
        Uri = 0x02, "URI", (1, 0);
    }
}

enumeration! {
    /// Alternative Name Type.
    AlternativeNameType {
        UninterpretedTextString = 0x01, "UninterpretedTextString", (1, 2);
        Uri = 0x02, "URI", (1, 2);
        ObjectSerialNumber = 0x03, "ObjectSerialNumber", (1, 2);
        EmailAddress = 0x04, "EmailAddress", (1, 2);
        DnsName = 0x05, "DNSName", (1, 2);
        X500DistinguishedName = 0x06, "X_500DistinguishedName", (1, 2);
        IpAddress = 0x07, "IPAddress", (1, 2);
    }
}

enumeration! {
    /// Link Type.
    LinkType {
        CertificateLink = 0x101, "CertificateLink", (1, 0);
        PublicKeyLink = 0x102, "PublicKeyLink", (1, 0);
        PrivateKeyLink = 0x103, "PrivateKeyLink", (1, 0);
        DerivationBaseObjectLink = 0x104, "DerivationBaseObjectLink", (1, 0);
        DerivedKeyLink = 0x105, "DerivedKeyLink", (1, 0);
        ReplacementObjectLink = 0x106, "ReplacementObjectLink", (1, 0);
        ReplacedObjectLink = 0x107, "ReplacedObjectLink", (1, 0);
        ParentLink = 0x108, "ParentLink", (1, 2);
        ChildLink = 0x109, "ChildLink", (1, 2);
        PreviousLink = 0x10A, "PreviousLink", (1, 2);
        NextLink = 0x10B, "NextLink", (1, 2);
        Pkcs12CertificateLink = 0x10C, "PKCS_12CertificateLink", (1, 4);
        Pkcs12PasswordLink = 0x10D, "PKCS_12PasswordLink", (1, 4);
        WrappingKeyLink = 0x10E, "WrappingKeyLink", (2, 0);
    }
}

enumeration! {
    /// Revocation Reason Code.
    RevocationReasonCode {
        Unspecified = 0x01, "Unspecified", (1, 0);
        KeyCompromise = 0x02, "KeyCompromise", (1, 0);
        CaCompromise = 0x03, "CACompromise", (1, 0);
        AffiliationChanged = 0x04, "AffiliationChanged", (1, 0);
        Superseded = 0x05, "Superseded", (1, 0);
        CessationOfOperation = 0x06, "CessationOfOperation", (1, 0);
        PrivilegeWithdrawn = 0x07, "PrivilegeWithdrawn", (1, 0);
    }
}

enumeration! {
    /// Key Format Type.
    KeyFormatType {
        Raw = 0x01, "Raw", (1, 0);
        Opaque = 0x02, "Opaque", (1, 0);
        Pkcs1 = 0x03, "PKCS_1", (1, 0);
        Pkcs8 = 0x04, "PKCS_8", (1, 0);
        X509 = 0x05, "X_509", (1, 0);
        EcPrivateKey = 0x06, "ECPrivateKey", (1, 0);
        TransparentSymmetricKey = 0x07, "TransparentSymmetricKey", (1, 0);
        TransparentDsaPrivateKey = 0x08, "TransparentDSAPrivateKey", (1, 0);
        TransparentDsaPublicKey = 0x09, "TransparentDSAPublicKey", (1, 0);
        TransparentRsaPrivateKey = 0x0A, "TransparentRSAPrivateKey", (1, 0);
        TransparentRsaPublicKey = 0x0B, "TransparentRSAPublicKey", (1, 0);
        TransparentDhPrivateKey = 0x0C, "TransparentDHPrivateKey", (1, 0);
        TransparentDhPublicKey = 0x0D, "TransparentDHPublicKey", (1, 0);
        TransparentEcdsaPrivateKey = 0x0E, "TransparentECDSAPrivateKey", (1, 0) until (1, 3);
        TransparentEcdsaPublicKey = 0x0F, "TransparentECDSAPublicKey", (1, 0) until (1, 3);
        TransparentEcdhPrivateKey = 0x10, "TransparentECDHPrivateKey", (1, 0) until (1, 3);
        TransparentEcdhPublicKey = 0x11, "TransparentECDHPublicKey", (1, 0) until (1, 3);
        TransparentEcmqvPrivateKey = 0x12, "TransparentECMQVPrivateKey", (1, 0) until (1, 3);
        TransparentEcmqvPublicKey = 0x13, "TransparentECMQVPublicKey", (1, 0) until (1, 3);
        TransparentEcPrivateKey = 0x14, "TransparentECPrivateKey", (1, 3);
        TransparentEcPublicKey = 0x15, "TransparentECPublicKey", (1, 3);
        Pkcs12 = 0x16, "PKCS_12", (1, 4);
        Pkcs10 = 0x17, "PKCS_10", (2, 0);
    }
}

enumeration! {
    /// Key Compression Type.
    KeyCompressionType {
        EcPublicKeyTypeUncompressed = 0x01, "ECPublicKeyTypeUncompressed", (1, 0);
        EcPublicKeyTypeX962CompressedPrime = 0x02, "ECPublicKeyTypeX9_62CompressedPrime", (1, 0);
        EcPublicKeyTypeX962CompressedChar2 = 0x03, "ECPublicKeyTypeX9_62CompressedChar2", (1, 0);
        EcPublicKeyTypeX962Hybrid = 0x04, "ECPublicKeyTypeX9_62Hybrid", (1, 0);
    }
}

enumeration! {
    /// Key Wrap Type.
    KeyWrapType {
        NotWrapped = 0x01, "NotWrapped", (1, 4);
        AsRegistered = 0x02, "AsRegistered", (1, 4);
    }
}

enumeration! {
    /// Wrapping Method.
    WrappingMethod {
        Encrypt = 0x01, "Encrypt", (1, 0);
        MacSign = 0x02, "MACSign", (1, 0);
        EncryptThenMacSign = 0x03, "EncryptThenMACSign", (1, 0);
        MacSignThenEncrypt = 0x04, "MACSignThenEncrypt", (1, 0);
        Tr31 = 0x05, "TR_31", (1, 0);
    }
}

enumeration! {
    /// Encoding Option.
    EncodingOption {
        NoEncoding = 0x01, "NoEncoding", (1, 1);
        TtlvEncoding = 0x02, "TTLVEncoding", (1, 1);
    }
}

enumeration! {
    /// Certificate Type.
    CertificateType {
        X509 = 0x01, "X_509", (1, 0);
        Pgp = 0x02, "PGP", (1, 0);
    }
}

enumeration! {
    /// Certificate Request Type.
    CertificateRequestType {
        Crmf = 0x01, "CRMF", (1, 0);
        Pkcs10 = 0x02, "PKCS_10", (1, 0);
        Pem = 0x03, "PEM", (1, 0);
        Pgp = 0x04, "PGP", (1, 0) until (1, 2);
    }
}

enumeration! {
    /// Secret Data Type.
    SecretDataType {
        Password = 0x01, "Password", (1, 0);
        Seed = 0x02, "Seed", (1, 0);
    }
}

enumeration! {
    /// Opaque Data Type.
    OpaqueDataType {
    }
}

enumeration! {
    /// Split Key Method.
    SplitKeyMethod {
        Xor = 0x01, "XOR", (1, 0);
        PolynomialSharingGf216 = 0x02, "PolynomialSharingGF2_16", (1, 0);
        PolynomialSharingPrimeField = 0x03, "PolynomialSharingPrimeField", (1, 0);
        PolynomialSharingGf28 = 0x04, "PolynomialSharingGF2_8", (1, 2);
    }
}

enumeration! {
    /// Usage Limits Unit.
    UsageLimitsUnit {
        Byte = 0x01, "Byte", (1, 0);
        Object = 0x02, "Object", (1, 0);
    }
}

enumeration! {
    /// Key Value Location Type.
    KeyValueLocationType {
        UninterpretedTextString = 0x01, "UninterpretedTextString", (1, 2);
        Uri = 0x02, "URI", (1, 2);
    }
}

enumeration! {
    /// Object Group Member.
    ObjectGroupMember {
        GroupMemberFresh = 0x01, "GroupMemberFresh", (1, 1);
        GroupMemberDefault = 0x02, "GroupMemberDefault", (1, 1);
    }
}

enumeration! {
    /// Protection Level.
    ProtectionLevel {
        High = 0x01, "High", (2, 0);
        Low = 0x02, "Low", (2, 0);
    }
}

enumeration! {
    /// Rotate Name Type.
    RotateNameType {
        UninterpretedTextString = 0x01, "UninterpretedTextString", (2, 1);
        Uri = 0x02, "URI", (2, 1);
    }
}

enumeration! {
    /// Shredding Algorithm.
    ShreddingAlgorithm {
        Unspecified = 0x01, "Unspecified", (1, 3);
        Cryptographic = 0x02, "Cryptographic", (1, 3);
        Unsupported = 0x03, "Unsupported", (1, 3);
    }
}

enumeration! {
    /// Destroy Action.
    DestroyAction {
        Unspecified = 0x01, "Unspecified", (1, 3);
        KeyMaterialDeleted = 0x02, "KeyMaterialDeleted", (1, 3);
        KeyMaterialShredded = 0x03, "KeyMaterialShredded", (1, 3);
        MetaDataDeleted = 0x04, "MetaDataDeleted", (1, 3);
        MetaDataShredded = 0x05, "MetaDataShredded", (1, 3);
        Deleted = 0x06, "Deleted", (1, 3);
        Shredded = 0x07, "Shredded", (1, 3);
    }
}
