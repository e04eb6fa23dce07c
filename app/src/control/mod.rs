//! What operators do beside a running server: back up, verify, read the audit trail, move owners.
//!
//! | File | Holds |
//! |---|---|
//! | [`verb`] | what can be asked for, and what is told while it is done |
//! | [`socket`] | the socket of a running server: who may use it, and how many at a time |
//! | [`asking`] | the command's side: through the socket, or on the store if no server runs |
//! | [`commands`] | the command line |
//! | [`backup`], [`verify`], [`trail`], [`objects`], [`root_key`] | the verbs |
//! | [`inspection`] | what a running server says of itself |
//! | [`retention`] | what the server itself does once a day |
//!
//! A verb is one function, whoever runs it. A store in a file belongs to one process: beside a
//! running server, a command asks that server. To add a verb, add it to [`verb::Verb`] and to
//! [`verb::carry_out`].

mod asking;
mod backup;
pub(crate) mod commands;
pub(crate) mod inspection;
mod objects;
mod retention;
mod root_key;
mod socket;
mod trail;
mod verb;
mod verify;

use std::sync::Arc;

use kmip_model::{DateTime, enumeration::Operation};
use kmip_ports::{
    audit::{AuditEvent, AuditTrail as _},
    clock::Clock,
    store::StoreError,
};
use kmip_sealed::SealedStore;

pub(crate) use self::{retention::Retention, socket::Control};
use crate::{
    config::Config,
    wire::{root_key::Source, storage::Storage},
};

/// An open store, and what the verbs need beside it.
#[derive(Clone)]
pub(crate) struct Place {
    store: Arc<SealedStore>,
    clock: Arc<dyn Clock>,
    node: String,
    names_unique: bool,
    /// Where the root key comes from; `None` for a store in memory.
    root_key: Option<Source>,
}

impl Place {
    /// Takes an open store.
    pub(crate) fn of(config: &Config, storage: &Storage, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Arc::clone(&storage.store),
            clock,
            node: config.node.name.clone(),
            names_unique: config.names.unique,
            root_key: storage.root_key.clone(),
        }
    }

    fn now(&self) -> DateTime {
        self.clock.now()
    }

    /// Notes what was done by an operator.
    async fn note(
        &self,
        user: &str,
        operation: Operation,
        words: Option<String>,
    ) -> Result<(), StoreError> {
        let event = AuditEvent {
            at: self.now(),
            user: user.to_owned(),
            operation,
            identifier: None,
            revision: None,
            reason: None,
            correlation: words,
        };
        self.store.durable_trail().note(vec![event]).await
    }
}

/// Counts in words.
fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
