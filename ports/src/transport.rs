//! The transport's way in: one frame, one answer.

use std::net::SocketAddr;

use async_trait::async_trait;

/// Who is at the other end of a connection, as far as the transport knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Names the connection in logs; unique within one run of the server.
    pub connection: u64,
    /// Where the peer connects from.
    pub address: Option<SocketAddr>,
    /// The certificate chain that the peer presented and the transport verified, DER, leaf first.
    pub certificates: Vec<Vec<u8>>,
}

/// Answers messages. Transports know nothing else of the server.
#[async_trait]
pub trait MessageHandler: Send + Sync {
    /// Answers one message. It cannot fail: a peer that sent a frame gets an answer.
    async fn handle(&self, peer: &Peer, message: &[u8]) -> Vec<u8>;
}
