//! Enumerations that name cryptography (KMIP 2.1 §11, 1.4 §9.1.3.2).
//!
//! One row per member: name, value, name in the text encodings, first version, and the
//! version that removed it.

use super::enumeration;

enumeration! {
    /// Cryptographic Algorithm.
    CryptographicAlgorithm {
        Des = 0x01, "DES", (1, 0);
        Des3 = 0x02, "DES3", (1, 0);
        Aes = 0x03, "AES", (1, 0);
        Rsa = 0x04, "RSA", (1, 0);
        Dsa = 0x05, "DSA", (1, 0);
        Ecdsa = 0x06, "ECDSA", (1, 0);
        HmacSha1 = 0x07, "HMAC_SHA1", (1, 0);
        HmacSha224 = 0x08, "HMAC_SHA224", (1, 0);
        HmacSha256 = 0x09, "HMAC_SHA256", (1, 0);
        HmacSha384 = 0x0A, "HMAC_SHA384", (1, 0);
        HmacSha512 = 0x0B, "HMAC_SHA512", (1, 0);
        HmacMd5 = 0x0C, "HMAC_MD5", (1, 0);
        Dh = 0x0D, "DH", (1, 0);
        Ecdh = 0x0E, "ECDH", (1, 0);
        Ecmqv = 0x0F, "ECMQV", (1, 0);
        Blowfish = 0x10, "Blowfish", (1, 0);
        Camellia = 0x11, "Camellia", (1, 0);
        Cast5 = 0x12, "CAST5", (1, 0);
        Idea = 0x13, "IDEA", (1, 0);
        Mars = 0x14, "MARS", (1, 0);
        Rc2 = 0x15, "RC2", (1, 0);
        Rc4 = 0x16, "RC4", (1, 0);
        Rc5 = 0x17, "RC5", (1, 0);
        Skipjack = 0x18, "SKIPJACK", (1, 0);
        Twofish = 0x19, "Twofish", (1, 0);
        Ec = 0x1A, "EC", (1, 2);
        OneTimePad = 0x1B, "OneTimePad", (1, 3);
        ChaCha20 = 0x1C, "ChaCha20", (1, 4);
        Poly1305 = 0x1D, "Poly1305", (1, 4);
        ChaCha20Poly1305 = 0x1E, "ChaCha20Poly1305", (1, 4);
        Sha3224 = 0x1F, "SHA3_224", (1, 4);
        Sha3256 = 0x20, "SHA3_256", (1, 4);
        Sha3384 = 0x21, "SHA3_384", (1, 4);
        Sha3512 = 0x22, "SHA3_512", (1, 4);
        HmacSha3224 = 0x23, "HMAC_SHA3_224", (1, 4);
        HmacSha3256 = 0x24, "HMAC_SHA3_256", (1, 4);
        HmacSha3384 = 0x25, "HMAC_SHA3_384", (1, 4);
        HmacSha3512 = 0x26, "HMAC_SHA3_512", (1, 4);
        Shake128 = 0x27, "SHAKE_128", (1, 4);
        Shake256 = 0x28, "SHAKE_256", (1, 4);
        Aria = 0x29, "ARIA", (2, 0);
        Seed = 0x2A, "SEED", (2, 0);
        Sm2 = 0x2B, "SM2", (2, 0);
        Sm3 = 0x2C, "SM3", (2, 0);
        Sm4 = 0x2D, "SM4", (2, 0);
        Gostr34102012 = 0x2E, "GOSTR34_10_2012", (2, 0);
        Gostr34112012 = 0x2F, "GOSTR34_11_2012", (2, 0);
        Gostr34132015 = 0x30, "GOSTR34_13_2015", (2, 0);
        Gost2814789 = 0x31, "GOST28147_89", (2, 0);
        Xmss = 0x32, "XMSS", (2, 0);
        Sphincs256 = 0x33, "SPHINCS_256", (2, 0);
        McEliece = 0x34, "McEliece", (2, 0);
        McEliece6960119 = 0x35, "McEliece_6960119", (2, 0);
        McEliece8192128 = 0x36, "McEliece_8192128", (2, 0);
        Ed25519 = 0x37, "Ed25519", (2, 0);
        Ed448 = 0x38, "Ed448", (2, 0);
    }
}

enumeration! {
    /// Hashing Algorithm.
    HashingAlgorithm {
        Md2 = 0x01, "MD2", (1, 0);
        Md4 = 0x02, "MD4", (1, 0);
        Md5 = 0x03, "MD5", (1, 0);
        Sha1 = 0x04, "SHA_1", (1, 0);
        Sha224 = 0x05, "SHA_224", (1, 0);
        Sha256 = 0x06, "SHA_256", (1, 0);
        Sha384 = 0x07, "SHA_384", (1, 0);
        Sha512 = 0x08, "SHA_512", (1, 0);
        Ripemd160 = 0x09, "RIPEMD_160", (1, 0);
        Tiger = 0x0A, "Tiger", (1, 0);
        Whirlpool = 0x0B, "Whirlpool", (1, 0);
        Sha512224 = 0x0C, "SHA_512_224", (1, 2);
        Sha512256 = 0x0D, "SHA_512_256", (1, 2);
        Sha3224 = 0x0E, "SHA3_224", (1, 4);
        Sha3256 = 0x0F, "SHA3_256", (1, 4);
        Sha3384 = 0x10, "SHA3_384", (1, 4);
        Sha3512 = 0x11, "SHA3_512", (1, 4);
    }
}

enumeration! {
    /// Digital Signature Algorithm.
    DigitalSignatureAlgorithm {
        Md2WithRsaEncryption = 0x01, "MD2WithRSAEncryption", (1, 1);
        Md5WithRsaEncryption = 0x02, "MD5WithRSAEncryption", (1, 1);
        Sha1WithRsaEncryption = 0x03, "SHA_1WithRSAEncryption", (1, 1);
        Sha224WithRsaEncryption = 0x04, "SHA_224WithRSAEncryption", (1, 1);
        Sha256WithRsaEncryption = 0x05, "SHA_256WithRSAEncryption", (1, 1);
        Sha384WithRsaEncryption = 0x06, "SHA_384WithRSAEncryption", (1, 1);
        Sha512WithRsaEncryption = 0x07, "SHA_512WithRSAEncryption", (1, 1);
        RsassaPss = 0x08, "RSASSA_PSS", (1, 1);
        DsaWithSha1 = 0x09, "DSAWithSHA_1", (1, 1);
        DsaWithSha224 = 0x0A, "DSAWithSHA224", (1, 1);
        DsaWithSha256 = 0x0B, "DSAWithSHA256", (1, 1);
        EcdsaWithSha1 = 0x0C, "ECDSAWithSHA_1", (1, 1);
        EcdsaWithSha224 = 0x0D, "ECDSAWithSHA224", (1, 1);
        EcdsaWithSha256 = 0x0E, "ECDSAWithSHA256", (1, 1);
        EcdsaWithSha384 = 0x0F, "ECDSAWithSHA384", (1, 1);
        EcdsaWithSha512 = 0x10, "ECDSAWithSHA512", (1, 1);
        Sha3256WithRsaEncryption = 0x11, "SHA3_256WithRSAEncryption", (1, 4);
        Sha3384WithRsaEncryption = 0x12, "SHA3_384WithRSAEncryption", (1, 4);
        Sha3512WithRsaEncryption = 0x13, "SHA3_512WithRSAEncryption", (1, 4);
    }
}

enumeration! {
    /// Block Cipher Mode.
    BlockCipherMode {
        Cbc = 0x01, "CBC", (1, 0);
        Ecb = 0x02, "ECB", (1, 0);
        Pcbc = 0x03, "PCBC", (1, 0);
        Cfb = 0x04, "CFB", (1, 0);
        Ofb = 0x05, "OFB", (1, 0);
        Ctr = 0x06, "CTR", (1, 0);
        Cmac = 0x07, "CMAC", (1, 0);
        Ccm = 0x08, "CCM", (1, 0);
        Gcm = 0x09, "GCM", (1, 0);
        CbcMac = 0x0A, "CBC_MAC", (1, 0);
        Xts = 0x0B, "XTS", (1, 0);
        AesKeyWrapPadding = 0x0C, "AESKeyWrapPadding", (1, 0);
        NistKeyWrap = 0x0D, "NISTKeyWrap", (1, 0);
        X9102Aeskw = 0x0E, "X9_102AESKW", (1, 0);
        X9102Tdkw = 0x0F, "X9_102TDKW", (1, 0);
        X9102Akw1 = 0x10, "X9_102AKW1", (1, 0);
        X9102Akw2 = 0x11, "X9_102AKW2", (1, 0);
        Aead = 0x12, "AEAD", (1, 4);
    }
}

enumeration! {
    /// Padding Method.
    PaddingMethod {
        None = 0x01, "None", (1, 0);
        Oaep = 0x02, "OAEP", (1, 0);
        Pkcs5 = 0x03, "PKCS5", (1, 0);
        Ssl3 = 0x04, "SSL3", (1, 0);
        Zeros = 0x05, "Zeros", (1, 0);
        Ansix923 = 0x06, "ANSIX9_23", (1, 0);
        Iso10126 = 0x07, "ISO10126", (1, 0);
        Pkcs1V15 = 0x08, "PKCS1V1_5", (1, 0);
        X931 = 0x09, "X9_31", (1, 0);
        Pss = 0x0A, "PSS", (1, 0);
    }
}

enumeration! {
    /// Key Role Type.
    KeyRoleType {
        Bdk = 0x01, "BDK", (1, 0);
        Cvk = 0x02, "CVK", (1, 0);
        Dek = 0x03, "DEK", (1, 0);
        Mkac = 0x04, "MKAC", (1, 0);
        Mksmc = 0x05, "MKSMC", (1, 0);
        Mksmi = 0x06, "MKSMI", (1, 0);
        Mkdac = 0x07, "MKDAC", (1, 0);
        Mkdn = 0x08, "MKDN", (1, 0);
        Mkcp = 0x09, "MKCP", (1, 0);
        Mkoth = 0x0A, "MKOTH", (1, 0);
        Kek = 0x0B, "KEK", (1, 0);
        Mac16609 = 0x0C, "MAC16609", (1, 0);
        Mac97971 = 0x0D, "MAC97971", (1, 0);
        Mac97972 = 0x0E, "MAC97972", (1, 0);
        Mac97973 = 0x0F, "MAC97973", (1, 0);
        Mac97974 = 0x10, "MAC97974", (1, 0);
        Mac97975 = 0x11, "MAC97975", (1, 0);
        Zpk = 0x12, "ZPK", (1, 0);
        Pvkibm = 0x13, "PVKIBM", (1, 0);
        Pvkpvv = 0x14, "PVKPVV", (1, 0);
        Pvkoth = 0x15, "PVKOTH", (1, 0);
        Dukpt = 0x16, "DUKPT", (1, 4);
        Iv = 0x17, "IV", (1, 4);
        Trkbk = 0x18, "TRKBK", (1, 4);
    }
}

enumeration! {
    /// Mask Generator.
    MaskGenerator {
        Mgf1 = 0x01, "MGF1", (1, 4);
    }
}

enumeration! {
    /// Recommended Curve.
    RecommendedCurve {
        P192 = 0x01, "P_192", (1, 0);
        K163 = 0x02, "K_163", (1, 0);
        B163 = 0x03, "B_163", (1, 0);
        P224 = 0x04, "P_224", (1, 0);
        K233 = 0x05, "K_233", (1, 0);
        B233 = 0x06, "B_233", (1, 0);
        P256 = 0x07, "P_256", (1, 0);
        K283 = 0x08, "K_283", (1, 0);
        B283 = 0x09, "B_283", (1, 0);
        P384 = 0x0A, "P_384", (1, 0);
        K409 = 0x0B, "K_409", (1, 0);
        B409 = 0x0C, "B_409", (1, 0);
        P521 = 0x0D, "P_521", (1, 0);
        K571 = 0x0E, "K_571", (1, 0);
        B571 = 0x0F, "B_571", (1, 0);
        Secp112R1 = 0x10, "SECP112R1", (1, 2);
        Secp112R2 = 0x11, "SECP112R2", (1, 2);
        Secp128R1 = 0x12, "SECP128R1", (1, 2);
        Secp128R2 = 0x13, "SECP128R2", (1, 2);
        Secp160K1 = 0x14, "SECP160K1", (1, 2);
        Secp160R1 = 0x15, "SECP160R1", (1, 2);
        Secp160R2 = 0x16, "SECP160R2", (1, 2);
        Secp192K1 = 0x17, "SECP192K1", (1, 2);
        Secp224K1 = 0x18, "SECP224K1", (1, 2);
        Secp256K1 = 0x19, "SECP256K1", (1, 2);
        Sect113R1 = 0x1A, "SECT113R1", (1, 2);
        Sect113R2 = 0x1B, "SECT113R2", (1, 2);
        Sect131R1 = 0x1C, "SECT131R1", (1, 2);
        Sect131R2 = 0x1D, "SECT131R2", (1, 2);
        Sect163R1 = 0x1E, "SECT163R1", (1, 2);
        Sect193R1 = 0x1F, "SECT193R1", (1, 2);
        Sect193R2 = 0x20, "SECT193R2", (1, 2);
        Sect239K1 = 0x21, "SECT239K1", (1, 2);
        Ansix9P192V2 = 0x22, "ANSIX9P192V2", (1, 2);
        Ansix9P192V3 = 0x23, "ANSIX9P192V3", (1, 2);
        Ansix9P239V1 = 0x24, "ANSIX9P239V1", (1, 2);
        Ansix9P239V2 = 0x25, "ANSIX9P239V2", (1, 2);
        Ansix9P239V3 = 0x26, "ANSIX9P239V3", (1, 2);
        Ansix9C2Pnb163V1 = 0x27, "ANSIX9C2PNB163V1", (1, 2);
        Ansix9C2Pnb163V2 = 0x28, "ANSIX9C2PNB163V2", (1, 2);
        Ansix9C2Pnb163V3 = 0x29, "ANSIX9C2PNB163V3", (1, 2);
        Ansix9C2Pnb176V1 = 0x2A, "ANSIX9C2PNB176V1", (1, 2);
        Ansix9C2Tnb191V1 = 0x2B, "ANSIX9C2TNB191V1", (1, 2);
        Ansix9C2Tnb191V2 = 0x2C, "ANSIX9C2TNB191V2", (1, 2);
        Ansix9C2Tnb191V3 = 0x2D, "ANSIX9C2TNB191V3", (1, 2);
        Ansix9C2Pnb208W1 = 0x2E, "ANSIX9C2PNB208W1", (1, 2);
        Ansix9C2Tnb239V1 = 0x2F, "ANSIX9C2TNB239V1", (1, 2);
        Ansix9C2Tnb239V2 = 0x30, "ANSIX9C2TNB239V2", (1, 2);
        Ansix9C2Tnb239V3 = 0x31, "ANSIX9C2TNB239V3", (1, 2);
        Ansix9C2Pnb272W1 = 0x32, "ANSIX9C2PNB272W1", (1, 2);
        Ansix9C2Pnb304W1 = 0x33, "ANSIX9C2PNB304W1", (1, 2);
        Ansix9C2Tnb359V1 = 0x34, "ANSIX9C2TNB359V1", (1, 2);
        Ansix9C2Pnb368W1 = 0x35, "ANSIX9C2PNB368W1", (1, 2);
        Ansix9C2Tnb431R1 = 0x36, "ANSIX9C2TNB431R1", (1, 2);
        Brainpoolp160R1 = 0x37, "BRAINPOOLP160R1", (1, 2);
        Brainpoolp160T1 = 0x38, "BRAINPOOLP160T1", (1, 2);
        Brainpoolp192R1 = 0x39, "BRAINPOOLP192R1", (1, 2);
        Brainpoolp192T1 = 0x3A, "BRAINPOOLP192T1", (1, 2);
        Brainpoolp224R1 = 0x3B, "BRAINPOOLP224R1", (1, 2);
        Brainpoolp224T1 = 0x3C, "BRAINPOOLP224T1", (1, 2);
        Brainpoolp256R1 = 0x3D, "BRAINPOOLP256R1", (1, 2);
        Brainpoolp256T1 = 0x3E, "BRAINPOOLP256T1", (1, 2);
        Brainpoolp320R1 = 0x3F, "BRAINPOOLP320R1", (1, 2);
        Brainpoolp320T1 = 0x40, "BRAINPOOLP320T1", (1, 2);
        Brainpoolp384R1 = 0x41, "BRAINPOOLP384R1", (1, 2);
        Brainpoolp384T1 = 0x42, "BRAINPOOLP384T1", (1, 2);
        Brainpoolp512R1 = 0x43, "BRAINPOOLP512R1", (1, 2);
        Brainpoolp512T1 = 0x44, "BRAINPOOLP512T1", (1, 2);
        Curve25519 = 0x45, "CURVE25519", (2, 0);
        Curve448 = 0x46, "CURVE448", (2, 0);
    }
}

enumeration! {
    /// Derivation Method.
    DerivationMethod {
        Pbkdf2 = 0x01, "PBKDF2", (1, 0);
        Hash = 0x02, "HASH", (1, 0);
        Hmac = 0x03, "HMAC", (1, 0);
        Encrypt = 0x04, "ENCRYPT", (1, 0);
        Nist800108C = 0x05, "NIST800_108_C", (1, 0);
        Nist800108F = 0x06, "NIST800_108_F", (1, 0);
        Nist800108Dpi = 0x07, "NIST800_108_DPI", (1, 0);
        AsymmetricKey = 0x08, "AsymmetricKey", (1, 4);
        AwsSignatureVersion4 = 0x09, "AWSSignatureVersion4", (2, 0);
        Hkdf = 0x0A, "HKDF", (2, 0);
    }
}

enumeration! {
    /// RNG Algorithm.
    RngAlgorithm {
        Unspecified = 0x01, "Unspecified", (1, 3);
        Fips1862 = 0x02, "FIPS186_2", (1, 3);
        Drbg = 0x03, "DRBG", (1, 3);
        Nrbg = 0x04, "NRBG", (1, 3);
        Ansix931 = 0x05, "ANSIX9_31", (1, 3);
        Ansix962 = 0x06, "ANSIX9_62", (1, 3);
    }
}

enumeration! {
    /// DRBG Algorithm.
    DrbgAlgorithm {
        Unspecified = 0x01, "Unspecified", (1, 3);
        DualEc = 0x02, "Dual_EC", (1, 3);
        Hash = 0x03, "Hash", (1, 3);
        Hmac = 0x04, "HMAC", (1, 3);
        Ctr = 0x05, "CTR", (1, 3);
    }
}

enumeration! {
    /// FIPS186 Variation.
    Fips186Variation {
        Unspecified = 0x01, "Unspecified", (1, 3);
        GpxOriginal = 0x02, "GPXOriginal", (1, 3);
        GpxChangeNotice = 0x03, "GPXChangeNotice", (1, 3);
        XOriginal = 0x04, "XOriginal", (1, 3);
        XChangeNotice = 0x05, "XChangeNotice", (1, 3);
        KOriginal = 0x06, "KOriginal", (1, 3);
        KChangeNotice = 0x07, "KChangeNotice", (1, 3);
    }
}

enumeration! {
    /// NIST Key Type.
    NistKeyType {
        PrivateSignatureKey = 0x01, "PrivateSignatureKey", (2, 0);
        PublicSignatureVerificationKey = 0x02, "PublicSignatureVerificationKey", (2, 0);
        SymmetricAuthenticationKey = 0x03, "SymmetricAuthenticationKey", (2, 0);
        PrivateAuthenticationKey = 0x04, "PrivateAuthenticationKey", (2, 0);
        PublicAuthenticationKey = 0x05, "PublicAuthenticationKey", (2, 0);
        SymmetricDataEncryptionKey = 0x06, "SymmetricDataEncryptionKey", (2, 0);
        SymmetricKeyWrappingKey = 0x07, "SymmetricKeyWrappingKey", (2, 0);
        SymmetricRandomNumberGenerationKey = 0x08, "SymmetricRandomNumberGenerationKey", (2, 0);
        SymmetricMasterKey = 0x09, "SymmetricMasterKey", (2, 0);
        PrivateKeyTransportKey = 0x0A, "PrivateKeyTransportKey", (2, 0);
        PublicKeyTransportKey = 0x0B, "PublicKeyTransportKey", (2, 0);
        SymmetricKeyAgreementKey = 0x0C, "SymmetricKeyAgreementKey", (2, 0);
        PrivateStaticKeyAgreementKey = 0x0D, "PrivateStaticKeyAgreementKey", (2, 0);
        PublicStaticKeyAgreementKey = 0x0E, "PublicStaticKeyAgreementKey", (2, 0);
        PrivateEphemeralKeyAgreementKey = 0x0F, "PrivateEphemeralKeyAgreementKey", (2, 0);
        PublicEphemeralKeyAgreementKey = 0x10, "PublicEphemeralKeyAgreementKey", (2, 0);
        SymmetricAuthorizationKey = 0x11, "SymmetricAuthorizationKey", (2, 0);
        PrivateAuthorizationKey = 0x12, "PrivateAuthorizationKey", (2, 0);
        PublicAuthorizationKey = 0x13, "PublicAuthorizationKey", (2, 0);
    }
}
