//! Passwords as hashes: argon2id in the PHC form, `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`.

use argon2::{
    Algorithm, Argon2, Params,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use kmip_model::Material;
use thiserror::Error;

/// The bytes of a salt.
const SALT: usize = 16;

/// The most memory that a hash may ask for, in KiB: several are computed at a time.
const MAXIMUM_MEMORY: u32 = 1024 * 1024;

/// The most passes that a hash may ask for.
const MAXIMUM_PASSES: u32 = 64;

/// Why there is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// The password is empty.
    #[error("an empty password is none")]
    Empty,
    /// It is not in the PHC form, or not complete.
    #[error("the hash is not of the form $argon2id$v=19$m=…,t=…,p=…$SALT$HASH")]
    NotPhc,
    /// It was made by something else.
    #[error("the hash is not one of argon2id")]
    NotArgon2id,
    /// Checking it would take more than a server gives.
    #[error("the hash asks for more than {MAXIMUM_MEMORY} KiB or {MAXIMUM_PASSES} passes")]
    TooCostly,
    /// There is no random salt, or no memory.
    #[error("the password could not be hashed")]
    Failed,
}

/// The hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(phc::PasswordHash);

impl PasswordHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// It is no complete hash of argon2id, or would take too much to check.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::NotPhc)?;
        if Algorithm::try_from(hash.algorithm.as_str()) != Ok(Algorithm::Argon2id) {
            return Err(PasswordError::NotArgon2id);
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError::NotPhc);
        }
        let params = Params::try_from(&hash).map_err(|_| PasswordError::NotPhc)?;
        if params.m_cost() > MAXIMUM_MEMORY || params.t_cost() > MAXIMUM_PASSES {
            return Err(PasswordError::TooCostly);
        }
        Ok(Self(hash))
    }

    /// Says whether the password is the one. It takes long, and it is meant to.
    #[must_use]
    pub fn matches(&self, password: &Material) -> bool {
        Argon2::default().verify_password(password.expose(), &self.0).is_ok()
    }
}

impl core::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[hash]")
    }
}

/// Hashes a password with a random salt, and returns the line for the file of accounts.
///
/// # Errors
/// The password is empty, or there is no salt.
pub fn hash(password: &Material) -> Result<String, PasswordError> {
    hash_with(&Argon2::default(), password)
}

/// Hashes with a given cost.
pub(crate) fn hash_with(argon2: &Argon2<'_>, password: &Material) -> Result<String, PasswordError> {
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    let mut salt = [0; SALT];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| PasswordError::Failed)?;
    let hash = argon2
        .hash_password_with_salt(password.expose(), &salt)
        .map_err(|_| PasswordError::Failed)?;
    Ok(hash.to_string())
}

/// Hashes quickly, for tests.
#[cfg(test)]
pub(crate) fn cheap(password: &str) -> String {
    let params = Params::new(8, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params);
    hash_with(&argon2, &password.as_bytes().into()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the reference program: `echo -n password | argon2 somesalt -id -t 2 -k 256 -p 1`,
    /// as its own tests have it.
    const REFERENCE: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn secret(text: &str) -> Material {
        text.as_bytes().into()
    }

    #[test]
    fn a_password_matches_its_hash_and_no_other_does() {
        let line = hash(&secret("correct horse")).unwrap();
        assert!(line.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{line}");
        let parsed = PasswordHash::parse(&line).unwrap();
        assert!(parsed.matches(&secret("correct horse")));
        for other in ["", "correct hors", "correct horse ", "Correct horse"] {
            assert!(!parsed.matches(&secret(other)), "{other:?}");
        }
        assert_ne!(hash(&secret("correct horse")).unwrap(), line);
        assert_eq!(format!("{parsed:?}"), "[hash]");
    }

    #[test]
    fn a_hash_of_the_reference_program_is_checked() {
        let parsed = PasswordHash::parse(REFERENCE).unwrap();
        assert!(parsed.matches(&secret("password")));
        assert!(!parsed.matches(&secret("passwort")));
    }

    #[test]
    fn what_is_no_complete_hash_of_argon2id_is_refused() {
        for (text, expected) in [
            ("", PasswordError::NotPhc),
            ("secret", PasswordError::NotPhc),
            ("$argon2id$v=19$m=256,t=2,p=1", PasswordError::NotPhc),
            ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", PasswordError::NotPhc),
            (
                "$argon2id$v=19$m=1,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                PasswordError::NotPhc,
            ),
            (
                "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                PasswordError::NotArgon2id,
            ),
            (
                "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
                PasswordError::NotArgon2id,
            ),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                PasswordError::TooCostly,
            ),
            (
                "$argon2id$v=19$m=256,t=65,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                PasswordError::TooCostly,
            ),
        ] {
            assert_eq!(PasswordHash::parse(text), Err(expected), "{text}");
        }
        assert_eq!(hash(&secret("")), Err(PasswordError::Empty));
    }
}
