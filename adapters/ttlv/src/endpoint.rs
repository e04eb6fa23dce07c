//! The server's side of the codec: bytes in, bytes out (KMIP 2.1 §8, 1.4 §7).

use std::sync::Arc;

use async_trait::async_trait;
use kmip_operations::{
    OperationError, Processor,
    message::{Outcome, PayloadFault, ResponseMessage},
    processor::whole_message,
    reason,
};
use kmip_ports::{
    observe::{MessageSeen, OperationSeen, TraceContext},
    transport::{MessageHandler, Peer},
};
use tracing::{Instrument as _, Span};

use crate::{
    dialect::dialect,
    message::{
        request::{self, Cause, Incoming, Unreadable},
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

    async fn answer(
        &self,
        peer: &Peer,
        read: Result<Incoming, Unreadable>,
        correlation: String,
    ) -> Answered {
        match read {
            Ok(Incoming { version, mut message }) => {
                let client = message.client_correlation_value.as_deref();
                let measure = SizeOf::new(version, client, Some(&correlation));
                message.server_correlation_value = Some(correlation);
                let answer = self.processor.execute(peer, message, &measure).await;
                self.tell(version, &answer);
                let refused = answer.items.iter().any(|item| item.operation.is_none());
                Answered { version, refused, bytes: response::write(version, &answer) }
            }
            Err(unreadable) => self.refuse(peer, &unreadable, correlation),
        }
    }

    fn refuse(&self, peer: &Peer, unreadable: &Unreadable, correlation: String) -> Answered {
        let (told, error): (&dyn std::fmt::Display, _) = match &unreadable.cause {
            Cause::Version => (&"no such version", OperationError::UnsupportedProtocolVersion),
            Cause::Fault(fault) => (fault, PayloadFault::Malformed(fault.tag).into()),
        };
        self.processor.refuse_unreadable(peer, told, &correlation);
        let answer = ResponseMessage {
            time_stamp: self.processor.now(),
            client_correlation_value: None,
            server_correlation_value: Some(correlation),
            items: vec![whole_message(error)],
            measured: Vec::new(),
        };
        let version = unreadable.version;
        Answered { version, refused: true, bytes: response::write(version, &answer) }
    }

    /// Tells of every item what came of it, in the words that the client is given.
    fn tell(&self, version: Version, answer: &ResponseMessage) {
        for (item, measured) in answer.items.iter().zip(&answer.measured) {
            let Some(operation) = item.operation else { continue };
            let reason = match &item.outcome {
                Outcome::Failed(error) => {
                    let reason = reason::reason(error, Some(operation), dialect(version).reasons);
                    Some(response::spoken(reason, version))
                }
                Outcome::Success(_) | Outcome::Undone(_) => None,
            };
            self.processor.observer().operation(&OperationSeen {
                operation,
                version: (version.0, version.1),
                object_type: measured.object_type,
                reason,
                taken: measured.taken,
            });
        }
    }
}

/// An answer, and what is told of it.
struct Answered {
    version: Version,
    refused: bool,
    bytes: Vec<u8>,
}

/// Opens the span of a message. One that is recorded has a field more, by which whoever records
/// knows it: what is below it is recorded too, and nothing else is. Others cost nothing unless
/// somebody debugs: lines that the log has anyway say themselves what they are about.
fn span(
    peer: &Peer,
    read: &Result<Incoming, Unreadable>,
    place: TraceContext,
    client: Option<TraceContext>,
    correlation: &str,
) -> Span {
    let (version, items) = match read {
        Ok(incoming) => (incoming.version, incoming.message.items.len()),
        Err(unreadable) => (unreadable.version, 0),
    };
    let connection = peer.connection;
    if !place.sampled {
        return tracing::debug_span!(
            "kmip.message",
            connection,
            version = %version,
            items,
            traceparent = correlation,
        );
    }
    let span = tracing::info_span!(
        "kmip.message",
        connection,
        version = %version,
        items,
        traceparent = correlation,
        trace.parent = tracing::field::Empty,
        rpc.system = "kmip",
        network.peer.address = tracing::field::Empty,
        network.peer.port = tracing::field::Empty,
        error.type = tracing::field::Empty,
    );
    if let Some(client) = client {
        span.record("trace.parent", client.span);
    }
    if let Some(address) = peer.address {
        span.record("network.peer.address", tracing::field::display(address.ip()));
        span.record("network.peer.port", address.port());
    }
    span
}

#[async_trait]
impl MessageHandler for Endpoint {
    async fn handle(&self, peer: &Peer, message: &[u8]) -> Vec<u8> {
        let observer = self.processor.observer();
        let begun = observer.elapsed();
        let read = request::read(message, &self.limits);
        let client = match &read {
            Ok(incoming) => incoming.message.client_correlation_value.as_deref(),
            Err(_) => None,
        };
        let client = client.and_then(TraceContext::parse);
        let place = observer.place(client);
        let correlation = place.to_traceparent();
        let span = span(peer, &read, place, client, &correlation);
        let answered = self.answer(peer, read, correlation).instrument(span.clone()).await;
        if answered.refused {
            span.record("error.type", "refused");
        }
        observer.message(&MessageSeen {
            version: (answered.version.0, answered.version.1),
            refused: answered.refused,
            taken: observer.elapsed().saturating_sub(begun),
        });
        answered.bytes
    }
}

/// Lists the protocol versions that are spoken, newest first: major, minor.
#[must_use]
pub fn protocol_versions() -> Vec<(i32, i32)> {
    Version::ALL.iter().map(|version| (i32::from(version.0), i32::from(version.1))).collect()
}
