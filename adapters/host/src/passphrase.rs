//! A root key made from a passphrase by argon2id (RFC 9106).
//!
//! Every data key that is wrapped has a salt of its own, and so a wrapping key of its own. What is
//! wrapped says how it was made: version (1 byte), memory in KiB, passes and lanes (4 bytes each),
//! salt (16 bytes), then what the at-rest cipher gave. So the cost may change, and what was wrapped
//! before still opens. The layout is frozen: a change would leave every earlier data key closed.

use std::{fmt, sync::Arc};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use async_trait::async_trait;
use kmip_model::Material;
use kmip_ports::{
    record::AtRestCipher,
    root_key::{RootKey, RootKeyError},
};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// What separates wrapping from every other use of the cipher.
const LABEL: &[u8] = b"kmip-app passphrase v1";

/// The first and only layout.
const VERSION: u8 = 1;

const SALT_BYTES: usize = 16;

const KEY_BYTES: usize = 32;

/// The bytes of version, cost and salt.
const HEAD_BYTES: usize = 13 + SALT_BYTES;

/// The least memory in KiB, and with it the fewest passes, that make guessing dear enough.
const LEAST: Cost = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };

/// The most that is computed, also if what is wrapped asks for more: the store could be anybody's.
const MOST: Cost = Cost { memory_kib: 1_048_576, passes: 64, lanes: 16 };

/// The fewest bytes of a passphrase.
const SHORTEST: usize = 12;

/// What it costs to make a key from a passphrase, and so to try one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// How often all of it is gone over.
    pub passes: u32,
    /// In how many lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// A quarter of a second or so, and 64 MiB.
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3, lanes: 1 }
    }
}

/// Why a passphrase is none, or its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CostError {
    /// Guessing would be cheap.
    #[error(
        "a passphrase costs at least {} KiB and {} passes, so that it cannot be guessed cheaply",
        LEAST.memory_kib,
        LEAST.passes
    )]
    TooCheap,
    /// The server would not have it.
    #[error(
        "a passphrase costs at most {} KiB, {} passes and {} lanes",
        MOST.memory_kib,
        MOST.passes,
        MOST.lanes
    )]
    TooDear,
    /// There is hardly anything to guess.
    #[error("a passphrase has at least {SHORTEST} bytes; six random words are a good one")]
    TooShort,
}

impl Cost {
    fn within(self, most: Self) -> bool {
        self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }

    fn check(self) -> Result<Self, CostError> {
        if !LEAST.within(self) {
            return Err(CostError::TooCheap);
        }
        if self.within(MOST) { Ok(self) } else { Err(CostError::TooDear) }
    }
}

/// Wraps data keys under keys made from a passphrase.
#[derive(Clone)]
pub struct PassphraseRootKey {
    passphrase: Material,
    cost: Cost,
    cipher: Arc<dyn AtRestCipher>,
}

impl PassphraseRootKey {
    /// Takes a passphrase; the line end after it, if there is one, is not part of it.
    ///
    /// # Errors
    ///
    /// Refuses a short passphrase, and a cost below the floor or above the ceiling.
    pub fn new(
        text: &Material,
        cost: Cost,
        cipher: Arc<dyn AtRestCipher>,
    ) -> Result<Self, CostError> {
        let line = text.expose();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() < SHORTEST {
            return Err(CostError::TooShort);
        }
        Ok(Self { passphrase: Material::from(line), cost: cost.check()?, cipher })
    }

    fn wrap_now(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        let unavailable = |error: &dyn fmt::Display| RootKeyError::Unavailable(error.to_string());
        let random = self.cipher.generate().map_err(|error| unavailable(&error))?;
        let salt = random.expose().first_chunk::<SALT_BYTES>();
        let salt = salt.ok_or_else(|| unavailable(&"there is no random salt"))?;
        let key = derive(&self.passphrase, self.cost, salt).map_err(|error| unavailable(&error))?;
        let mut wrapped = head(self.cost, salt);
        let bound = [wrapped.as_slice(), context].concat();
        let sealed = self.cipher.seal(&key, LABEL, &bound, data_key.expose());
        wrapped.extend(sealed.map_err(|error| unavailable(&error))?);
        Ok(wrapped)
    }

    fn unwrap_now(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        let (head, sealed) =
            wrapped.split_first_chunk::<HEAD_BYTES>().ok_or(RootKeyError::WrongKey)?;
        let (cost, salt) = read(head).ok_or(RootKeyError::WrongKey)?;
        let key = derive(&self.passphrase, cost, &salt)
            .map_err(|error| RootKeyError::Unavailable(error.to_string()))?;
        let bound = [head.as_slice(), context].concat();
        self.cipher.open(&key, LABEL, &bound, sealed).ok_or(RootKeyError::WrongKey)
    }

    /// Computes on a thread that may take its time.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, RootKeyError> + Send + 'static,
    ) -> Result<T, RootKeyError> {
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || work(&this));
        task.await.map_err(|error| RootKeyError::Unavailable(error.to_string()))?
    }
}

impl fmt::Debug for PassphraseRootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassphraseRootKey").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[async_trait]
impl RootKey for PassphraseRootKey {
    async fn wrap(&self, context: &[u8], data_key: &Material) -> Result<Vec<u8>, RootKeyError> {
        let (context, data_key) = (context.to_vec(), data_key.clone());
        self.on_a_thread(move |this| this.wrap_now(&context, &data_key)).await
    }

    async fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Material, RootKeyError> {
        let (context, wrapped) = (context.to_vec(), wrapped.to_vec());
        self.on_a_thread(move |this| this.unwrap_now(&context, &wrapped)).await
    }
}

/// Makes a key from a passphrase.
fn derive(passphrase: &Material, cost: Cost, salt: &[u8]) -> Result<Material, argon2::Error> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let made = argon2.hash_password_into_with_memory(
        passphrase.expose(),
        salt,
        &mut *key,
        memory.as_mut_slice(),
    );
    memory.zeroize();
    made.map(|()| Material::from(key.as_slice()))
}

fn head(cost: Cost, salt: &[u8; SALT_BYTES]) -> Vec<u8> {
    let Cost { memory_kib, passes, lanes } = cost;
    let mut head = vec![VERSION];
    for number in [memory_kib, passes, lanes] {
        head.extend_from_slice(&number.to_be_bytes());
    }
    head.extend_from_slice(salt);
    head
}

/// Reads the head of what was wrapped; `None` if it is of no layout that is known or asks for more
/// than is computed.
fn read(head: &[u8; HEAD_BYTES]) -> Option<(Cost, [u8; SALT_BYTES])> {
    let (VERSION, mut rest) = head.split_first().map(|(version, rest)| (*version, rest))? else {
        return None;
    };
    let mut number = || {
        let (number, after) = rest.split_first_chunk()?;
        rest = after;
        Some(u32::from_be_bytes(*number))
    };
    let cost = Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
    Some((cost, *rest.first_chunk()?)).filter(|(cost, _)| cost.within(MOST))
}

#[cfg(test)]
mod tests {
    use kmip_ports::store::StoreError;

    use super::*;

    /// Writes the key and what is bound in front of the plain text.
    struct PlainCipher;

    impl PlainCipher {
        fn bound(key: &Material, context: &[u8], associated: &[u8]) -> Vec<u8> {
            [key.expose(), context, associated].concat()
        }
    }

    impl AtRestCipher for PlainCipher {
        fn generate(&self) -> Result<Material, StoreError> {
            Ok(Material::new((1..=32).collect()))
        }

        fn seal(
            &self,
            key: &Material,
            context: &[u8],
            associated: &[u8],
            plain: &[u8],
        ) -> Result<Vec<u8>, StoreError> {
            Ok([Self::bound(key, context, associated).as_slice(), plain].concat())
        }

        fn open(
            &self,
            key: &Material,
            context: &[u8],
            associated: &[u8],
            sealed: &[u8],
        ) -> Option<Material> {
            sealed.strip_prefix(&*Self::bound(key, context, associated)).map(Material::from)
        }

        fn keyed_hash(&self, _: &Material, _: &[u8], _: &[u8]) -> [u8; 32] {
            [0; 32]
        }

        fn hash(&self, _: &[u8]) -> [u8; 32] {
            [0; 32]
        }
    }

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn cheap(passphrase: &str) -> PassphraseRootKey {
        let passphrase = Material::from(passphrase.as_bytes());
        PassphraseRootKey { passphrase, cost: CHEAP, cipher: Arc::new(PlainCipher) }
    }

    fn data_key() -> Material {
        Material::new(vec![5; 32])
    }

    #[test]
    fn only_the_same_passphrase_and_context_unwrap() {
        let wrapped = cheap("correct horse").wrap_now(b"context", &data_key()).unwrap();
        let unwrap = |passphrase, context: &[u8]| cheap(passphrase).unwrap_now(context, &wrapped);
        assert_eq!(unwrap("correct horse", b"context"), Ok(data_key()));
        assert_eq!(unwrap("correct hors", b"context"), Err(RootKeyError::WrongKey));
        assert_eq!(unwrap("correct horse", b"other"), Err(RootKeyError::WrongKey));
    }

    #[test]
    fn what_is_wrapped_says_what_it_costs() {
        let wrapped = cheap("correct horse").wrap_now(b"context", &data_key()).unwrap();
        let expected = [1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4];
        assert_eq!(wrapped[..17], expected);
        let dearer = PassphraseRootKey {
            cost: Cost { memory_kib: 16, passes: 2, lanes: 1 },
            ..cheap("correct horse")
        };
        assert_eq!(dearer.unwrap_now(b"context", &wrapped), Ok(data_key()));
    }

    #[test]
    fn a_changed_head_opens_nothing_and_costs_no_more_than_the_most() {
        let wrapped = cheap("correct horse").wrap_now(b"context", &data_key()).unwrap();
        for position in 0..HEAD_BYTES {
            let mut changed = wrapped.clone();
            changed[position] ^= 0x80;
            let opened = cheap("correct horse").unwrap_now(b"context", &changed);
            assert!(opened.is_err(), "byte {position}");
        }
        let short = cheap("correct horse").unwrap_now(b"context", &wrapped[..20]);
        assert_eq!(short, Err(RootKeyError::WrongKey));
        let mut greedy = wrapped;
        greedy[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
        let opened = cheap("correct horse").unwrap_now(b"context", &greedy);
        assert_eq!(opened, Err(RootKeyError::WrongKey));
    }

    #[test]
    fn derivation_agrees_with_another_program() {
        // Computed by pyca/cryptography: 8 KiB, 1 pass, 1 lane.
        let key = derive(&Material::from(b"correct horse".as_slice()), CHEAP, &[9; 16]).unwrap();
        let expected = "d05e5d3fa5d6d7b71a8bd1824f1fa74893aae1a28126034acecf4ccd8a912eac";
        let byte = |at| u8::from_str_radix(&expected[at..at + 2], 16).unwrap();
        assert_eq!(key, Material::new((0..64).step_by(2).map(byte).collect()));
    }

    #[test]
    fn a_cheap_cost_and_a_short_passphrase_are_refused() {
        let new = |passphrase: &str, cost| {
            let text = Material::from(passphrase.as_bytes());
            PassphraseRootKey::new(&text, cost, Arc::new(PlainCipher)).map(|it| it.passphrase)
        };
        let cost = Cost::default();
        assert_eq!(new("short\n", cost).err(), Some(CostError::TooShort));
        assert_eq!(new("correct horse", CHEAP).err(), Some(CostError::TooCheap));
        let one_pass = Cost { passes: 1, ..cost };
        assert_eq!(new("correct horse", one_pass).err(), Some(CostError::TooCheap));
        let greedy = Cost { memory_kib: u32::MAX, ..cost };
        assert_eq!(new("correct horse", greedy).err(), Some(CostError::TooDear));
        let taken = new("correct horse\r\n", cost).unwrap();
        assert_eq!(taken.expose(), b"correct horse");
    }

    #[test]
    fn a_thread_does_the_work_and_debug_shows_no_passphrase() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let root_key = cheap("correct horse");
            let wrapped = root_key.wrap(b"context", &data_key()).await.unwrap();
            assert_eq!(root_key.unwrap(b"context", &wrapped).await, Ok(data_key()));
            assert!(!format!("{root_key:?}").contains("horse"));
        });
    }
}
