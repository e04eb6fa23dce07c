//! A way to the database that breaks at the worst moment.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{self, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// How a commit is sent.
const COMMIT: &[u8] = b"COMMIT\0";

/// When the way breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Break {
    /// Not at all.
    Never,
    /// The next commit does not arrive.
    BeforeCommit,
    /// The next commit arrives, and the answer does not.
    AfterCommit,
}

/// Listens until the runtime ends.
pub(crate) struct Proxy {
    address: SocketAddr,
    next: Arc<AtomicU8>,
}

impl Proxy {
    /// Starts one to a server.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a spare port");
        let address = listener.local_addr().expect("it is bound");
        let next = Arc::new(AtomicU8::new(Break::Never as u8));
        let told = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let next = Arc::clone(&told);
                // What breaks is meant to.
                tokio::spawn(async move { drop(pass(client, server, &next).await) });
            }
        });
        Self { address, next }
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says when the way breaks; once.
    pub(crate) fn break_at(&self, moment: Break) {
        self.next.store(moment as u8, Ordering::SeqCst);
    }

    /// Says whether it has broken.
    pub(crate) fn has_broken(&self) -> bool {
        self.next.load(Ordering::SeqCst) == Break::Never as u8
    }
}

/// Passes everything on in both directions, until it breaks.
async fn pass(client: TcpStream, server: SocketAddr, next: &AtomicU8) -> io::Result<()> {
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let answers = io::copy(&mut from_server, &mut to_client);
    let questions = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from_client.read(&mut buffer).await?;
            let message = buffer.get(..length).unwrap_or_default();
            let commits = message.windows(COMMIT.len()).any(|window| window == COMMIT);
            let moment = if commits { next.swap(Break::Never as u8, Ordering::SeqCst) } else { 0 };
            if length == 0 || moment == Break::BeforeCommit as u8 {
                return Ok(());
            }
            to_server.write_all(message).await?;
            if moment == Break::AfterCommit as u8 {
                return Ok(());
            }
        }
    };
    tokio::select! {
        outcome = questions => outcome,
        outcome = answers => outcome.map(drop),
    }
}
