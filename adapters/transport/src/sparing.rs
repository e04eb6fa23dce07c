//! What is told of peers, and no more of it than somebody can read: who connects again and again gets
//! a line a minute for each cause, and the rest are summed up.

use std::{net::SocketAddr, time::Instant};

use kmip_ports::bursts::{Bursts, Lines, Network, Sum};

/// How many lines there are in a minute.
const LINES: Lines = Lines { of_source: 20, of_cause: 1 };

/// Says of which peers a line is to be told.
#[derive(Debug)]
pub struct Sparing {
    bursts: Bursts<Network, &'static str>,
    begun: Instant,
}

impl Default for Sparing {
    fn default() -> Self {
        Self { bursts: Bursts::new(LINES, tell), begun: Instant::now() }
    }
}

impl Sparing {
    /// Says whether to tell of a peer; otherwise it is counted. There are few causes.
    #[must_use]
    pub fn may_tell(&self, peer: SocketAddr, cause: &'static str) -> bool {
        self.bursts.may_tell(Network::of(peer.ip()), cause, self.now())
    }

    /// Sums up what is over.
    pub fn settle(&self) {
        self.bursts.settle(self.now());
    }

    fn now(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX)
    }
}

fn tell(sum: &Sum<Network, &'static str>) {
    let Sum { source, cause, more } = sum;
    let source = source.as_ref().map(tracing::field::display);
    tracing::info!(source, cause, more, "and more of this kind");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_a_line_for_each_cause() {
        let sparing = Sparing::default();
        let peer = |port: u16, last: u8| SocketAddr::new([192, 0, 2, last].into(), port);
        let told = |port, last, cause| sparing.may_tell(peer(port, last), cause);
        assert!(told(1, 1, "a"));
        assert!(!told(2, 1, "a"), "another port is the same peer");
        assert!(told(3, 1, "b"));
        assert!(told(4, 2, "a"));
    }
}
