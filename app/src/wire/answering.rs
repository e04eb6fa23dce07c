//! Answers messages by settings and limits that are exchanged while the server runs.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use kmip_model::Interval;
use kmip_operations::{ForbiddenObjects, Ports, Processor, PssSalt, Settings, WrappedKeyValue};
use kmip_ports::transport::{MessageHandler, Peer};
use kmip_ttlv::{Endpoint, endpoint::protocol_versions};

use crate::config::{Config, Unasked};

/// How many items of TTLV a request may have; the largest real ones have some hundreds.
const MAXIMUM_ELEMENTS: usize = 16_384;

/// Answers messages by what was last taken of the configuration.
pub(crate) struct Answering {
    ports: Ports,
    current: ArcSwap<Endpoint>,
    processor: Mutex<Arc<Processor>>,
}

impl Answering {
    /// Answers by this configuration.
    pub(crate) fn new(ports: Ports, config: &Config) -> Self {
        let processor = Arc::new(Processor::new(ports.clone(), settings(config)));
        Self {
            ports,
            current: ArcSwap::from_pointee(endpoint(&processor, config)),
            processor: Mutex::new(processor),
        }
    }

    /// Answers the next messages by another configuration. Operations in parts go on.
    pub(crate) fn exchange(&self, config: &Config) {
        let mut processor = self.processor.lock().unwrap_or_else(PoisonError::into_inner);
        *processor = Arc::new(processor.rewired(self.ports.clone(), settings(config)));
        self.current.store(Arc::new(endpoint(&processor, config)));
    }
}

#[async_trait]
impl MessageHandler for Answering {
    async fn handle(&self, peer: &Peer, message: &[u8]) -> Vec<u8> {
        let endpoint = self.current.load_full();
        endpoint.handle(peer, message).await
    }
}

fn endpoint(processor: &Arc<Processor>, config: &Config) -> Endpoint {
    let limits = kmip_ttlv::Limits {
        length: config.limits.message_bytes,
        elements: MAXIMUM_ELEMENTS,
        ..kmip_ttlv::Limits::default()
    };
    Endpoint::new(Arc::clone(processor), limits)
}

fn settings(config: &Config) -> Settings {
    Settings {
        protocol_versions: protocol_versions(),
        names_unique: config.names.unique,
        forbidden_objects: if config.policy.reveal_forbidden {
            ForbiddenObjects::Revealed
        } else {
            ForbiddenObjects::Unknown
        },
        interop: config.operations.interop,
        pss_salt: if config.operations.longest_salt { PssSalt::Longest } else { PssSalt::Hash },
        wrapped_key_value: if config.operations.wrapped_key_in_structure {
            WrappedKeyValue::Structure
        } else {
            WrappedKeyValue::Bytes
        },
        lease_time: Interval(3_600),
        maximum_response_size: config.limits.response_bytes,
        conservative_attributes: config.attributes.unasked == Unasked::Conservative,
        ..Settings::default()
    }
}
