//! The one task of a node that writes (group commit).
//!
//! It takes every request that waits, locks the rows and names concerned, judges the requests in
//! order, writes what is accepted in one transaction, commits once and then answers all. It never
//! waits for company, so a client that is alone waits for nobody. Nobody is answered before the
//! change is durable.
//!
//! Other nodes do the same at the same time. Rows are locked in the order of their identifiers and
//! names in the order of their numbers, so that two nodes do not wait for each other. A batch that
//! another node stood in the way of is done again from the beginning.
//!
//! Where a later program has changed the schema so that this one may not write any more, nothing is
//! written from then on, and the process is told to end.

use std::{sync::Arc, time::Duration};

use kmip_ports::{
    audit::{Link, Notary},
    store::StoreError,
};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tracing::{error, warn};

use super::{
    connection::{self, Attempts, Backend, Remedy},
    kept::Kept,
    migration::{self, Standing},
    node,
    script::in_time,
    transaction::{self, Failure, NewOnes, Outcome},
};
use crate::{
    batch::{Request, Verdict},
    figures::Commits,
    jobs::Job,
    notes::Notes,
    seals::Chain,
};

/// How many requests share a transaction at most.
const TOGETHER_AT_MOST: usize = 256;

/// How long to wait before events that could not be written are tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Owns the writing side of a database.
pub(super) struct Writer {
    pub(super) options: PgConnectOptions,
    /// Made again when it breaks.
    pub(super) connection: Option<PgConnection>,
    /// Who serves the connection, or served the last one.
    pub(super) backend: Option<Backend>,
    /// Told of every change before it is acknowledged.
    pub(super) kept: Arc<Kept>,
    /// Events that wait for a commit.
    pub(super) notes: Arc<Notes>,
    /// Told of every commit.
    pub(super) commits: Arc<Commits>,
    /// Who seals, and how far the chain goes.
    pub(super) chain: Option<Chain>,
    /// How far the chain goes if a commit of which nothing was heard took place.
    pub(super) doubt: Option<Link>,
    /// Turns true when nothing may be written any more.
    pub(super) outdated: watch::Sender<bool>,
    /// Dropped last, which tells those who wait for the end.
    pub(super) ended: watch::Sender<()>,
}

/// What became of a commit of which nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// It took place.
    Committed,
    /// It did not, or there was none.
    Nothing,
}

impl Writer {
    /// Writes until it is told to stop, or until nobody can send any more.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(TOGETHER_AT_MOST);
        loop {
            tokio::select! {
                biased;
                count = jobs.recv_many(&mut waiting, TOGETHER_AT_MOST) => {
                    if count == 0 {
                        break;
                    }
                }
                () = self.notes.due() => {}
            }
            let mut requests = Vec::with_capacity(waiting.len());
            let mut answers = Vec::with_capacity(waiting.len());
            for job in waiting.drain(..) {
                match job {
                    Job::Write(request, answer) => {
                        requests.push(request);
                        answers.push(answer);
                    }
                    Job::Begin(notary, answer) => {
                        // Who has gone away does not want to know.
                        let _ = answer.send(self.begin(notary).await);
                    }
                    Job::Close => jobs.close(),
                }
            }
            for (answer, verdict) in answers.into_iter().zip(self.carry_out(requests).await) {
                let _ = answer.send(verdict);
            }
        }
        // What came while the last jobs were written.
        self.carry_out(Vec::new()).await;
        self.notes.close();
        if let Some(connection) = self.connection.take() {
            connection::close(connection).await;
        }
        drop(self.ended);
    }

    /// Takes the name of the notary's node and finds its newest block.
    async fn begin(&mut self, notary: Arc<dyn Notary>) -> Verdict {
        self.chain = Some(Chain { notary, head: Link::default() });
        self.doubt = None;
        // The name is taken with the connection.
        if let Some(connection) = self.connection.take() {
            connection::close(connection).await;
        }
        let mut attempts = Attempts::new();
        match self.connect_again(&mut attempts).await {
            Ok(_) => Ok(0),
            Err(error) => {
                error!(%error, "audit trail not continued");
                self.chain = None;
                Err(StoreError::Unavailable)
            }
        }
    }

    /// Writes requests and the events that wait; the verdicts are in the order of the requests.
    async fn carry_out(&mut self, mut requests: Vec<Request>) -> Vec<Verdict> {
        let count = requests.len();
        if *self.outdated.borrow() {
            return vec![Err(StoreError::Unavailable); count];
        }
        let notes = self.notes.take();
        let events = notes.len();
        if events > 0 {
            // They happened before what is to be written now.
            requests.insert(0, Request::Note(notes.clone()));
        }
        let mut verdicts = self.judge(&requests).await;
        let of_events: Vec<Verdict> =
            verdicts.drain(..verdicts.len().saturating_sub(count)).collect();
        if of_events.iter().all(Result::is_ok) {
            self.notes.written(events);
        } else {
            self.notes.put_back(notes);
            if count == 0 {
                sleep(PAUSE).await;
            }
        }
        verdicts
    }

    /// Writes a batch. One that the database refuses for what is in it is done one by one, so that
    /// nobody pays for somebody else's request.
    async fn judge(&mut self, requests: &[Request]) -> Vec<Verdict> {
        match self.write(requests).await {
            Ok(verdicts) => verdicts,
            Err(Failure::Undone(error @ sqlx::Error::Database(_)))
                if Remedy::of(&error) == Remedy::None && requests.len() > 1 =>
            {
                warn!(%error, requests = requests.len(), "batch refused, done one by one");
                let mut verdicts = Vec::with_capacity(requests.len());
                for request in requests {
                    let verdict = self.write(std::slice::from_ref(request)).await;
                    verdicts.extend(verdict.unwrap_or_else(|failure| unavailable(&failure, 1)));
                }
                verdicts
            }
            Err(Failure::Outdated(Standing { version, needed })) => {
                let known = migration::known();
                error!(
                    version,
                    needed, known, "the schema was changed, nothing is written any more"
                );
                self.notes.close();
                self.kept.connected();
                self.outdated.send_replace(true);
                vec![Err(StoreError::Unavailable); requests.len()]
            }
            Err(failure) => unavailable(&failure, requests.len()),
        }
    }

    /// Writes a batch, again for as long as others stand in the way or the database is away.
    async fn write(&mut self, requests: &[Request]) -> Result<Vec<Verdict>, Failure> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut attempts = Attempts::new();
        let mut told = false;
        let mut new_ones = NewOnes::Trusted;
        loop {
            let error = match self.write_once(requests, new_ones).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(Failure::Unknown { error, verdicts, link: Some(link) }) => {
                    warn!(%error, "commit not confirmed");
                    self.doubt = Some(link.clone());
                    match self.connect_again(&mut attempts).await {
                        Ok(Doubt::Committed) => return Ok(verdicts),
                        Ok(Doubt::Nothing) => continue,
                        Err(error) => {
                            return Err(Failure::Unknown { error, verdicts, link: Some(link) });
                        }
                    }
                }
                Err(Failure::Unknown { error, verdicts, link: None }) => {
                    self.connection = None;
                    return Err(Failure::Unknown { error, verdicts, link: None });
                }
                Err(Failure::Undone(error)) => error,
                Err(outdated @ Failure::Outdated(_)) => return Err(outdated),
            };
            new_ones = NewOnes::LookedFor;
            match Remedy::of(&error) {
                Remedy::None => return Err(error.into()),
                Remedy::Again => {}
                Remedy::Reconnect => {
                    // While the database is away, each attempt fails for the same reason.
                    if !told {
                        warn!(%error, "connection given up, another is made");
                    }
                    told = true;
                    self.connection = None;
                }
            }
            if !attempts.next().await {
                return Err(error.into());
            }
        }
    }

    async fn write_once(
        &mut self,
        requests: &[Request],
        new_ones: NewOnes,
    ) -> Result<Vec<Verdict>, Failure> {
        self.connect().await?;
        let Some(connection) = &mut self.connection else {
            return Err(sqlx::Error::WorkerCrashed.into());
        };
        let epoch = self.kept.epoch();
        let outcome =
            transaction::transact(connection, requests, new_ones, self.chain.as_ref()).await;
        match &outcome {
            Ok(Outcome { committed: true, .. }) => {}
            Err(Failure::Unknown { .. }) => self.connection = None,
            _ => {
                if in_time(sqlx::raw_sql("ROLLBACK").execute(connection)).await.is_err() {
                    self.connection = None;
                }
            }
        }
        let Outcome { verdicts, written, head, committed } = outcome?;
        if committed {
            self.commits.add(verdicts.len());
        }
        if let (Some(chain), Some(head)) = (&mut self.chain, head) {
            chain.head = head;
        }
        written.tell(&self.kept.since(epoch));
        Ok(verdicts)
    }

    /// Makes sure of a connection, again for as long as there is time.
    async fn connect_again(&mut self, attempts: &mut Attempts) -> Result<Doubt, sqlx::Error> {
        self.connection = None;
        loop {
            match self.connect().await {
                Err(error) if Remedy::of(&error) == Remedy::Reconnect => {
                    if !attempts.next().await {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }

    /// Makes sure of a connection. A new one takes the name of the node, and so waits for the end of
    /// the one before it: then the newest block says what became of its last commit.
    async fn connect(&mut self) -> Result<Doubt, sqlx::Error> {
        if self.connection.is_some() {
            return Ok(Doubt::Nothing);
        }
        let (mut connection, server) = connection::connect(&self.options).await?;
        self.kept.connected();
        let mut outcome = Doubt::Nothing;
        if let Some(chain) = &mut self.chain {
            let name = chain.notary.node();
            let found = node::take(&mut connection, name, self.backend.as_ref()).await?;
            if self.doubt.take().as_ref() == Some(&found) {
                outcome = Doubt::Committed;
            } else if found.number < chain.head.number {
                error!(node = name, "the database has lost changes that it had confirmed");
            }
            chain.head = found;
        }
        self.backend = Some(server.backend);
        self.connection = Some(connection);
        Ok(outcome)
    }
}

/// Logs why a batch was not written, and answers everybody in it.
fn unavailable(failure: &Failure, requests: usize) -> Vec<Verdict> {
    match failure {
        Failure::Undone(error) | Failure::Unknown { error, .. } => {
            error!(%error, requests, "not written");
        }
        Failure::Outdated(standing) => error!(?standing, requests, "not written"),
    }
    vec![Err(StoreError::Unavailable); requests]
}
