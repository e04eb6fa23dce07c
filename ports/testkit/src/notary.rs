//! A notary whose seals are hashes that anybody can make: it shows order, not honesty.

use kmip_model::{DateTime, UniqueIdentifier};
use kmip_ports::audit::{AuditBlock, AuditEvent, Link, Notary};

use crate::sha256::sha256;

/// Seals for one node.
#[derive(Clone, Debug)]
pub struct HashNotary(String);

impl HashNotary {
    /// Makes the notary of a node.
    #[must_use]
    pub fn of(node: &str) -> Self {
        Self(node.to_owned())
    }
}

impl Notary for HashNotary {
    fn node(&self) -> &str {
        &self.0
    }

    fn block(&self, before: &Link, events: &[AuditEvent]) -> AuditBlock {
        let bytes = format!("{events:?}").into_bytes();
        let seal = sha256(&[before.seal.as_slice(), &bytes].concat());
        AuditBlock {
            node: self.0.clone(),
            link: Link { number: before.number.saturating_add(1), seal },
            events: u32::try_from(events.len()).unwrap_or(u32::MAX),
            last_at: events.iter().map(|event| event.at).max().unwrap_or(DateTime(0)),
            bytes,
        }
    }

    fn spent(&self, identifier: &UniqueIdentifier, amount: i64) -> [u8; 32] {
        sha256(format!("{identifier} {amount}").as_bytes())
    }
}
