//! The server's side of the codec: bytes in, bytes out (KMIP 2.1 §8, 1.4 §7).

use std::sync::Arc;

use async_trait::async_trait;
use kmip_operations::{
    OperationError, Processor,
    message::{PayloadFault, ResponseMessage},
    processor::whole_message,
};
use kmip_ports::transport::{MessageHandler, Peer};
use tracing::Instrument as _;

use crate::{
    message::{
        request::{self, Cause, Unreadable},
        response::{self, SizeOf},
    },
    reader::Limits,
    version::Version,
};

/// Answers messages by reading them, executing them and writing the answer.
pub struct Endpoint {
    processor: Arc<Processor>,
    limits: Limits,
}

impl Endpoint {
    /// Answers with this processor, within these limits.
    #[must_use]
    pub fn new(processor: Arc<Processor>, limits: Limits) -> Self {
        Self { processor, limits }
    }

    async fn answer(&self, peer: &Peer, message: &[u8]) -> Vec<u8> {
        match request::read(message, &self.limits) {
            Ok(incoming) => {
                let version = incoming.version;
                let span = tracing::Span::current();
                span.record("version", tracing::field::display(version));
                span.record("items", incoming.message.items.len());
                let correlation = incoming.message.client_correlation_value.clone();
                let measure = SizeOf::new(version, correlation);
                let answer = self.processor.execute(peer, incoming.message, &measure).await;
                response::write(version, &answer)
            }
            Err(unreadable) => self.refuse(&unreadable),
        }
    }

    fn refuse(&self, unreadable: &Unreadable) -> Vec<u8> {
        let error = match &unreadable.cause {
            Cause::Version => OperationError::UnsupportedProtocolVersion,
            Cause::Fault(fault) => {
                tracing::info!(%fault, "message refused");
                PayloadFault::Malformed(fault.tag).into()
            }
        };
        let answer = ResponseMessage {
            time_stamp: self.processor.now(),
            client_correlation_value: None,
            server_correlation_value: None,
            items: vec![whole_message(error)],
        };
        response::write(unreadable.version, &answer)
    }
}

#[async_trait]
impl MessageHandler for Endpoint {
    async fn handle(&self, peer: &Peer, message: &[u8]) -> Vec<u8> {
        let span = tracing::info_span!(
            "kmip.message",
            connection = peer.connection,
            version = tracing::field::Empty,
            items = tracing::field::Empty,
        );
        self.answer(peer, message).instrument(span).await
    }
}

/// Lists the protocol versions that are spoken, newest first: major, minor.
#[must_use]
pub fn protocol_versions() -> Vec<(i32, i32)> {
    Version::ALL.iter().map(|version| (i32::from(version.0), i32::from(version.1))).collect()
}
