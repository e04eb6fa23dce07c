//! The bit masks: Cryptographic Usage Mask, Storage Status Mask, Protection Storage Mask
//! (KMIP 2.1 §11, 1.4 §9.1.3.3). Bits that no version names are kept as they came.

use super::Member;

/// Defines masks: `NAME = bit, "text name", (first version) [until (version)];`.
macro_rules! mask {
    (
        $(#[$meta:meta])*
        $name:ident { $($member:ident = $value:literal, $text:literal, $since:tt $(until $until:tt)?;)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            $(
                #[doc = $text]
                pub const $member: Self = Self($value);
            )*

            /// The named bits.
            pub const MEMBERS: &'static [Member] = &[
                $(Member {
                    value: $value,
                    name: $text,
                    since: $since,
                    until: super::enumeration!(@until $($until)?),
                },)*
            ];

            /// Says whether all bits of `other` are set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Says whether any bit of `other` is set.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Sets the bits of `other` too.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Finds a named bit by its name in the text encodings.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                super::value_of(Self::MEMBERS, name).map(Self)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut rest = self.0;
                let mut separator = "";
                for member in Self::MEMBERS {
                    if rest & member.value == member.value {
                        write!(f, "{separator}{}", member.name)?;
                        rest &= !member.value;
                        separator = " ";
                    }
                }
                if rest != 0 {
                    write!(f, "{separator}0x{rest:08X}")?;
                }
                Ok(())
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "[{self}]")
            }
        }
    };
}

mask! {
    /// Cryptographic Usage Mask.
    CryptographicUsageMask {
        SIGN = 0x1, "Sign", (1, 0);
        VERIFY = 0x2, "Verify", (1, 0);
        ENCRYPT = 0x4, "Encrypt", (1, 0);
        DECRYPT = 0x8, "Decrypt", (1, 0);
        WRAP_KEY = 0x10, "WrapKey", (1, 0);
        UNWRAP_KEY = 0x20, "UnwrapKey", (1, 0);
        EXPORT = 0x40, "Export", (1, 0) until (2, 0);
        MAC_GENERATE = 0x80, "MACGenerate", (1, 0);
        MAC_VERIFY = 0x100, "MACVerify", (1, 0);
        DERIVE_KEY = 0x200, "DeriveKey", (1, 0);
        CONTENT_COMMITMENT = 0x400, "ContentCommitment", (1, 0) until (2, 0);
        KEY_AGREEMENT = 0x800, "KeyAgreement", (1, 0);
        CERTIFICATE_SIGN = 0x1000, "CertificateSign", (1, 0);
        CRL_SIGN = 0x2000, "CRLSign", (1, 0);
        GENERATE_CRYPTOGRAM = 0x4000, "GenerateCryptogram", (1, 0) until (2, 0);
        VALIDATE_CRYPTOGRAM = 0x8000, "ValidateCryptogram", (1, 0) until (2, 0);
        TRANSLATE_ENCRYPT = 0x10000, "TranslateEncrypt", (1, 0) until (2, 0);
        TRANSLATE_DECRYPT = 0x20000, "TranslateDecrypt", (1, 0) until (2, 0);
        TRANSLATE_WRAP = 0x40000, "TranslateWrap", (1, 0) until (2, 0);
        TRANSLATE_UNWRAP = 0x80000, "TranslateUnwrap", (1, 0) until (2, 0);
        AUTHENTICATE = 0x100000, "Authenticate", (2, 0);
        UNRESTRICTED = 0x200000, "Unrestricted", (2, 0);
        FPE_ENCRYPT = 0x400000, "FPEEncrypt", (2, 0);
        FPE_DECRYPT = 0x800000, "FPEDecrypt", (2, 0);
    }
}

mask! {
    /// Storage Status Mask.
    StorageStatusMask {
        ON_LINE_STORAGE = 0x1, "OnLineStorage", (1, 0);
        ARCHIVAL_STORAGE = 0x2, "ArchivalStorage", (1, 0);
        DESTROYED_STORAGE = 0x4, "DestroyedStorage", (2, 0);
    }
}

mask! {
    /// Protection Storage Mask.
    ProtectionStorageMask {
        SOFTWARE = 0x1, "Software", (2, 0);
        HARDWARE = 0x2, "Hardware", (2, 0);
        ON_PROCESSOR = 0x4, "OnProcessor", (2, 0);
        ON_SYSTEM = 0x8, "OnSystem", (2, 0);
        OFF_SYSTEM = 0x10, "OffSystem", (2, 0);
        HYPERVISOR = 0x20, "Hypervisor", (2, 0);
        OPERATING_SYSTEM = 0x40, "OperatingSystem", (2, 0);
        CONTAINER = 0x80, "Container", (2, 0);
        ON_PREMISES = 0x100, "OnPremises", (2, 0);
        OFF_PREMISES = 0x200, "OffPremises", (2, 0);
        SELF_MANAGED = 0x400, "SelfManaged", (2, 0);
        OUTSOURCED = 0x800, "Outsourced", (2, 0);
        VALIDATED = 0x1000, "Validated", (2, 0);
        SAME_JURISDICTION = 0x2000, "SameJurisdiction", (2, 0);
    }
}
