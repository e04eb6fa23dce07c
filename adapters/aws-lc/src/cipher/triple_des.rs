//! The library's names for Triple DES, all of them marked as deprecated.
#![expect(deprecated, reason = "KMIP clients still have such keys")]

use aws_lc_rs::cipher::{Algorithm, DES_EDE_FOR_LEGACY_USE_ONLY, DES_EDE3_FOR_LEGACY_USE_ONLY};

/// Triple DES with two keys, of 16 bytes.
pub(super) static TWO_KEYS: Algorithm = DES_EDE_FOR_LEGACY_USE_ONLY;

/// Triple DES with three keys, of 24 bytes.
pub(super) static THREE_KEYS: Algorithm = DES_EDE3_FOR_LEGACY_USE_ONLY;
