//! In-memory fakes of the ports, and the contract suites that every adapter must pass.
//!
//! Never shipped: a development dependency only. A fake that passes the same suite as an adapter
//! cannot drift from it. To add a promise to a port, write the contract function first, then make
//! the fake keep it, then the adapters.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip_ports::store::Page;

pub mod adding_ciphers;
pub mod at_rest;
pub mod certificate;
pub mod clock;
pub mod contract;
pub mod crypto;
pub mod crypto_use;
pub mod encoding;
pub mod identity;
pub mod key_in_use;
pub mod notary;
pub mod observe;
pub mod policy;
pub mod random;
pub mod record_store;
pub mod root_key;
pub mod sha256;
pub mod store;
pub mod unchanged_formats;

pub use adding_ciphers::AddingCiphers;
pub use at_rest::HashCipher;
pub use certificate::{TextCertificates, fixture_certificate};
pub use clock::FixedClock;
pub use crypto::{FixtureFormats, FixtureKeyPairs, PlainDigests, fixture_key_pair, fixture_suite};
pub use crypto_use::{PlainCiphers, PlainDerivation, PlainMacs, PlainSignatures};
pub use encoding::{RememberedKeyValues, RememberedObjects};
pub use identity::FixedAuthenticator;
pub use key_in_use::key_in_use;
pub use notary::HashNotary;
pub use observe::RememberingObserver;
pub use policy::FixedPolicies;
pub use random::SeededRandom;
pub use record_store::MemoryRecords;
pub use root_key::FixedRootKey;
pub use store::MemoryStore;
pub use unchanged_formats::UnchangedFormats;

/// Locks, also after another test has panicked with the lock held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts one page out of everything that was found.
fn page<T>(found: Vec<T>, offset: u64, maximum: Option<u64>) -> Page<T> {
    let total = found.len() as u64;
    let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let maximum = maximum.map_or(usize::MAX, size);
    Page { items: found.into_iter().skip(size(offset)).take(maximum).collect(), total: Some(total) }
}
