//! A root key kept in a secret file.
//!
//! The file is text of two lines: `kmip-app root key v1`, then 32 bytes as 64 hexadecimal
//! digits. Such text may also come another way, and then the digits alone will do. The key seals data keys through the at-rest cipher, so that the format of what it
//! wraps is the cipher's.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use kmip_model::Material;
use kmip_ports::record::AtRestCipher;
use kmip_ports::root_key::{RootKey, RootKeyError};
use kmip_ports::store::StoreError;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret_file::{self, SecretFileError};

/// The first line of the file, and what separates wrapping from every other use of the cipher.
const HEADER: &str = "kmip-app root key v1";

/// The size of a root key in bytes.
const KEY_BYTES: usize = 32;

/// Why there is no root key.
#[derive(Debug, Error)]
pub enum RootKeyFileError {
    /// The file cannot be read or made.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file is something else, or cut short.
    #[error(
        "{path} is not a root key file: it must have the line \"{HEADER}\" and a line of 64 \
         hexadecimal digits; restore it from your backup"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// What came another way is something else.
    #[error(
        "{source_name} holds no root key: it must be 64 hexadecimal digits, or the two lines of a root \
         key file"
    )]
    NoRootKey {
        /// Where it came from.
        source_name: String,
    },
    /// No key could be generated.
    #[error("no root key could be generated")]
    Generation(#[source] StoreError),
    /// The cipher generates keys of another size.
    #[error("the at-rest cipher generated a root key of {0} bytes instead of {KEY_BYTES}")]
    Size(usize),
}

/// Wraps data keys under a key from a file.
pub struct FileRootKey {
    key: Material,
    cipher: Arc<dyn AtRestCipher>,
}

impl FileRootKey {
    /// Generates a key that is in no file: what it wraps is lost with the process.
    ///
    /// # Errors
    ///
    /// Reports that the cipher generates no key of the right size.
    pub fn ephemeral(cipher: Arc<dyn AtRestCipher>) -> Result<Self, RootKeyFileError> {
        let key = cipher.generate().map_err(RootKeyFileError::Generation)?;
        if key.len() != KEY_BYTES {
            return Err(RootKeyFileError::Size(key.len()));
        }
        Ok(Self { key, cipher })
    }

    /// Generates a key and keeps it in a new file.
    ///
    /// # Errors
    ///
    /// Refuses to replace a file.
    pub fn create(path: &Path, cipher: Arc<dyn AtRestCipher>) -> Result<Self, RootKeyFileError> {
        let root_key = Self::ephemeral(cipher)?;
        secret_file::create(path, &format(&root_key.key))?;
        Ok(root_key)
    }

    /// Loads the key from its file.
    ///
    /// # Errors
    ///
    /// Refuses a file that is open to other users or that holds no root key.
    pub fn load(path: &Path, cipher: Arc<dyn AtRestCipher>) -> Result<Self, RootKeyFileError> {
        let text = secret_file::read(path)?;
        let key = parse(text.expose())
            .ok_or_else(|| RootKeyFileError::Malformed { path: path.to_owned() })?;
        Ok(Self { key, cipher })
    }
}

impl FileRootKey {
    /// Reads the key from text that came another way than in a file.
    ///
    /// # Errors
    ///
    /// Refuses text that is no root key, and names where it came from.
    pub fn from_text(
        text: &Material,
        source_name: &str,
        cipher: Arc<dyn AtRestCipher>,
    ) -> Result<Self, RootKeyFileError> {
        let key = parse(text.expose()).or_else(|| digits(text.expose().trim_ascii()));
        let key =
            key.ok_or_else(|| RootKeyFileError::NoRootKey { source_name: source_name.to_owned() })?;
        Ok(Self { key, cipher })
    }
}

impl fmt::Debug for FileRootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRootKey").finish_non_exhaustive()
    }
}

#[async_trait]
impl RootKey for FileRootKey {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        self.cipher
            .seal(&self.key, HEADER.as_bytes(), context, data_key.expose())
            .map_err(|error| RootKeyError::Unavailable(error.to_string()))
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        self.cipher
            .open(&self.key, HEADER.as_bytes(), context, wrapped)
            .ok_or(RootKeyError::WrongKey)
    }
}

/// Writes the text of a root key file.
fn format(key: &Material) -> Material {
    // Sized beforehand: growing would leave copies of the key behind.
    let size = HEADER.len().saturating_add(2).saturating_add(key.len().saturating_mul(2));
    let mut text = Zeroizing::new(String::with_capacity(size));
    text.push_str(HEADER);
    text.push('\n');
    for byte in key.expose() {
        for digit in [byte >> 4, byte & 0x0F] {
            text.push(char::from_digit(u32::from(digit), 16).expect("four bits are one digit"));
        }
    }
    text.push('\n');
    Material::from(text.as_bytes())
}

/// Reads the text of a root key file.
fn parse(text: &[u8]) -> Option<Material> {
    let mut lines = str::from_utf8(text).ok()?.lines();
    if lines.next()?.trim_end() != HEADER {
        return None;
    }
    let key = digits(lines.next()?.trim_end().as_bytes())?;
    lines.all(|line| line.trim().is_empty()).then_some(key)
}

/// Reads the digits of a key.
fn digits(digits: &[u8]) -> Option<Material> {
    if digits.len() != KEY_BYTES.saturating_mul(2) {
        return None;
    }
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
    for pair in digits.chunks_exact(2) {
        let mut byte = 0_u8;
        for digit in pair {
            let value = char::from(*digit).to_digit(16)?;
            byte = (byte << 4) | u8::try_from(value).ok()?;
        }
        key.push(byte);
    }
    Some(Material::from(key.as_slice()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Seals by writing everything that must be the same again in front of the plain text.
    struct PlainCipher {
        generated: usize,
    }

    impl PlainCipher {
        fn bound(data_key: &Material, context: &[u8], associated: &[u8]) -> Vec<u8> {
            [data_key.expose(), b"|", context, b"|", associated, b"|"].concat()
        }
    }

    impl AtRestCipher for PlainCipher {
        fn generate(&self) -> Result<Material, StoreError> {
            Ok(Material::new((0_u8..=255).cycle().skip(200).take(self.generated).collect()))
        }

        fn seal(
            &self,
            data_key: &Material,
            context: &[u8],
            associated: &[u8],
            plain: &[u8],
        ) -> Result<Vec<u8>, StoreError> {
            Ok([Self::bound(data_key, context, associated).as_slice(), plain].concat())
        }

        fn open(
            &self,
            data_key: &Material,
            context: &[u8],
            associated: &[u8],
            sealed: &[u8],
        ) -> Option<Material> {
            let bound = Self::bound(data_key, context, associated);
            sealed.strip_prefix(bound.as_slice()).map(Material::from)
        }

        fn keyed_hash(&self, _: &Material, _: &[u8], _: &[u8]) -> [u8; 32] {
            [0; 32]
        }

        fn hash(&self, _: &[u8]) -> [u8; 32] {
            [0; 32]
        }
    }

    fn cipher() -> Arc<dyn AtRestCipher> {
        Arc::new(PlainCipher { generated: KEY_BYTES })
    }

    fn data_key() -> Material {
        Material::from(b"data key".as_slice())
    }

    #[test]
    fn a_created_key_unwraps_after_loading() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        let created = FileRootKey::create(&path, cipher()).unwrap();
        let wrapped = pollster::block_on(created.wrap(b"context", &data_key())).unwrap();
        let loaded = FileRootKey::load(&path, cipher()).unwrap();
        let unwrapped = pollster::block_on(loaded.unwrap(b"context", &wrapped));
        assert_eq!(unwrapped, Ok(data_key()));
    }

    #[test]
    fn another_context_or_key_or_changed_bytes_do_not_unwrap() {
        let root_key = FileRootKey::ephemeral(cipher()).unwrap();
        let other = FileRootKey { key: Material::new(vec![1; KEY_BYTES]), cipher: cipher() };
        let mut wrapped = pollster::block_on(root_key.wrap(b"context", &data_key())).unwrap();
        let unwrap = |key: &FileRootKey, context: &[u8], bytes: &[u8]| {
            pollster::block_on(key.unwrap(context, bytes))
        };
        assert_eq!(unwrap(&root_key, b"other", &wrapped), Err(RootKeyError::WrongKey));
        assert_eq!(unwrap(&other, b"context", &wrapped), Err(RootKeyError::WrongKey));
        assert_eq!(unwrap(&root_key, b"context", &wrapped), Ok(data_key()));
        wrapped[0] ^= 1;
        assert_eq!(unwrap(&root_key, b"context", &wrapped), Err(RootKeyError::WrongKey));
    }

    #[test]
    fn the_file_is_two_lines_of_text() {
        let key = Material::new((0_u8..32).collect());
        let text = format(&key);
        let expected = "kmip-app root key v1\n\
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
        assert_eq!(text.expose(), expected.as_bytes());
        assert_eq!(parse(text.expose()), Some(key));
    }

    #[test]
    fn line_ends_and_case_do_not_matter() {
        let text = format!("{HEADER}\r\n{}\r\n", "aB".repeat(32));
        assert_eq!(parse(text.as_bytes()), Some(Material::new(vec![0xAB; 32])));
        assert_eq!(parse(text.trim_end().as_bytes()), Some(Material::new(vec![0xAB; 32])));
    }

    #[test]
    fn anything_else_is_malformed_and_says_which_file() {
        let directory = tempfile::tempdir().unwrap();
        let digits = "00".repeat(32);
        for (number, text) in [
            String::new(),
            format!("{HEADER}\n"),
            format!("{HEADER}\n{}\n", "00".repeat(31)),
            format!("{HEADER}\n{}\n", "0g".repeat(32)),
            format!("{HEADER}\n{digits}\n{digits}\n"),
            format!("kmip-app root key v2\n{digits}\n"),
            digits,
        ]
        .into_iter()
        .enumerate()
        {
            let path = directory.path().join(number.to_string());
            secret_file::create(&path, &Material::from(text.as_bytes())).unwrap();
            let error = FileRootKey::load(&path, cipher()).unwrap_err();
            assert!(matches!(error, RootKeyFileError::Malformed { .. }), "{text}");
            assert!(error.to_string().starts_with(&*path.to_string_lossy()), "{error}");
        }
    }

    #[test]
    fn text_that_came_another_way_may_be_digits_alone() {
        let digits = "aB".repeat(32);
        for text in [digits.clone(), format!("{digits}\n"), format!("{HEADER}\n{digits}\n")] {
            let text = Material::from(text.as_bytes());
            let root_key = FileRootKey::from_text(&text, "a variable", cipher()).unwrap();
            assert_eq!(root_key.key, Material::new(vec![0xAB; 32]));
        }
        for text in ["", "ab", &"0g".repeat(32), &format!("{digits}{digits}")] {
            let text = Material::from(text.as_bytes());
            let error = FileRootKey::from_text(&text, "a variable", cipher()).unwrap_err();
            assert!(error.to_string().starts_with("a variable holds no root key"), "{error}");
        }
    }

    #[test]
    fn an_existing_key_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        FileRootKey::create(&path, cipher()).unwrap();
        let before = fs::read(&path).unwrap();
        let error = FileRootKey::create(&path, cipher()).unwrap_err();
        assert!(matches!(error, RootKeyFileError::File(SecretFileError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_key_of_another_size_is_refused() {
        let short: Arc<dyn AtRestCipher> = Arc::new(PlainCipher { generated: 16 });
        let error = FileRootKey::ephemeral(short).unwrap_err();
        assert!(matches!(error, RootKeyFileError::Size(16)));
    }

    #[test]
    fn debug_shows_no_key() {
        let root_key = FileRootKey::ephemeral(cipher()).unwrap();
        assert_eq!(format!("{root_key:?}"), "FileRootKey { .. }");
    }
}
