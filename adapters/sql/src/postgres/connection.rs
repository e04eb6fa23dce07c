//! Connections: what each is set to, how long anybody waits, and what a failure means.
//!
//! A connection that breaks is replaced. So is one to a server that has stopped taking changes,
//! because another has become the primary.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection as _, PgConnection, Row,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use tokio::time;
use tracing::warn;

use super::script::in_time;

/// How long anybody waits for the database in all, reconnecting included.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long one statement may take before its connection is taken for lost. The database gives up
/// a little earlier.
pub(super) const ANSWER: Duration = Duration::from_secs(20);

/// How long the first pause between two attempts is; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// How long a pause is at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long saying good-bye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The oldest PostgreSQL that will do, as it numbers itself.
const OLDEST: i64 = 150_000;

/// What every connection is set to; then what the server says of itself.
///
/// Durable means durable, whatever the role's settings are; waiting for other servers is left as
/// the role has it.
const SETTINGS: &str = "SET statement_timeout = '15s'; SET random_page_cost = 1.1; \
     SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '30s'; \
     SET default_transaction_isolation = 'read committed'; \
     SET max_parallel_workers_per_gather = 0; SET jit = off; \
     SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
     DO $$ BEGIN IF current_setting('synchronous_commit') = 'off' THEN \
       PERFORM set_config('synchronous_commit', 'on', false); END IF; END $$; \
     SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, \
       current_setting('server_version_num')::bigint, \
       current_setting('server_encoding'), \
       current_setting('fsync')::boolean, \
       pg_backend_pid(), \
       (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid())";

/// What a connection that reads is set to besides.
///
/// Each search is put so that one index has what it wants in the order of the answer, whatever the
/// values are; so it is planned once. What would read more, if the database takes little for much or
/// has not yet noticed that a table has grown, is not to be thought of.
const READING: &str = "SET plan_cache_mode = force_generic_plan; \
     SET enable_seqscan = off; SET enable_bitmapscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off";

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing was done; the same again on the same connection may succeed.
    Again,
    /// The connection is of no use any more; another may be.
    Reconnect,
    /// The same would fail again.
    None,
}

impl Remedy {
    /// Says what to do about an error.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                Self::of_code(&error.code().unwrap_or(Cow::Borrowed("")))
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => Self::Reconnect,
            _ => Self::None,
        }
    }

    fn of_code(code: &str) -> Self {
        match code {
            // Serialisation failure, deadlock, lock not available; a number or an identifier that
            // another node was faster with.
            "40001" | "40P01" | "55P03" | "23505" => Self::Again,
            // Read-only after a fail-over; too many connections; the server stops, crashes or
            // starts; a session that was idle for too long; statements it has forgotten.
            "25006" | "25P03" | "53300" | "57P01" | "57P02" | "57P03" | "57P05" | "26000"
            | "0A000" => Self::Reconnect,
            other if other.starts_with("08") => Self::Reconnect,
            _ => Self::None,
        }
    }
}

/// Attempts within a bound of time, with pauses in between that grow.
#[derive(Debug)]
pub(super) struct Attempts {
    begun: Instant,
    pause: Duration,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Waits before the next attempt; says `false` at once if there is no time for one.
    pub(super) async fn next(&mut self) -> bool {
        let in_time = self.begun.elapsed().saturating_add(self.pause) < PATIENCE;
        if in_time {
            time::sleep(self.pause).await;
            self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        in_time
    }
}

/// What a server says of itself.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// It is recent enough and keeps every text.
    pub(super) suitable: bool,
    /// It waits for the disk.
    pub(super) durable: bool,
    /// Who serves this connection.
    pub(super) backend: Backend,
}

/// The process of the server that serves one connection.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    pid: i32,
    started: Option<String>,
}

/// Opens a connection that may be written on.
pub(super) async fn connect(
    options: &PgConnectOptions,
) -> Result<(PgConnection, Server), sqlx::Error> {
    let connecting = async {
        let mut connection = options.connect().await?;
        let server = set_up(&mut connection).await?;
        Ok((connection, server))
    };
    time::timeout(PATIENCE, connecting).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Opens a connection, again and again for as long as the database may be about to come back.
pub(super) async fn connect_patiently(
    options: &PgConnectOptions,
) -> Result<(PgConnection, Server), sqlx::Error> {
    let mut attempts = Attempts::new();
    loop {
        match connect(options).await {
            Err(error) if Remedy::of(&error) == Remedy::Reconnect && !is_of_tls(&error) => {
                if !attempts.next().await {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}

/// Sets a new connection up; one to a server that takes no changes is refused, because it may be
/// behind the one that does.
pub(super) async fn set_up(connection: &mut PgConnection) -> Result<Server, sqlx::Error> {
    let row = sqlx::raw_sql(SETTINGS).fetch_one(connection).await?;
    let (follows, version, encoding, durable): (bool, i64, String, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    if follows {
        return Err(sqlx::Error::Protocol("the server is read-only".to_owned()));
    }
    let backend = Backend { pid: row.try_get(4)?, started: row.try_get(5)? };
    Ok(Server { suitable: version >= OLDEST && encoding == "UTF8", durable, backend })
}

/// Sets a new connection up for those who read.
async fn set_up_to_read(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    set_up(connection).await?;
    sqlx::raw_sql(READING).execute(connection).await?;
    Ok(())
}

/// Ends what is left of an earlier connection, which may not have noticed that it is broken.
pub(super) async fn end(
    connection: &mut PgConnection,
    Backend { pid, started }: &Backend,
) -> Result<(), sqlx::Error> {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE pid = $1 AND backend_start::text = $2";
    in_time(sqlx::query(end).bind(pid).bind(started).execute(connection)).await?;
    Ok(())
}

/// Makes the pool of those who read.
pub(super) fn pool(
    options: &PgConnectOptions,
    connections: u32,
    connected: impl Fn() + Send + Sync + Clone + 'static,
) -> PgPool {
    // The pool tries again and again, and its callers hear only that it took too long.
    let failing = Arc::new(AtomicBool::new(false));
    PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        // What is broken is noticed when it is used, and tried again.
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            let (connected, failing) = (connected.clone(), Arc::clone(&failing));
            Box::pin(async move {
                let ready = set_up_to_read(connection).await;
                let failed = failing.swap(ready.is_err(), Ordering::Relaxed);
                match &ready {
                    Ok(()) => connected(),
                    Err(error) if !failed => warn!(%error, "no connection to read with"),
                    Err(_) => {}
                }
                ready
            })
        })
        .connect_lazy_with(options.clone())
}

/// Ends a connection politely, without waiting long.
pub(super) async fn close(connection: PgConnection) {
    // A server that does not answer needs no farewell.
    let _ = time::timeout(FAREWELL, connection.close()).await;
}

/// Ends the connections of a pool in the same way. A pool whose server is away goes on connecting
/// for five minutes, and would be waited for.
pub(super) async fn close_pool(pool: &PgPool) {
    // What is open then ends with the pool.
    let _ = time::timeout(FAREWELL, pool.close()).await;
}

/// Says whether rustls refused: nothing that time would heal.
fn is_of_tls(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_whether_to_try_again() {
        for (code, expected) in [
            ("40001", Remedy::Again),
            ("40P01", Remedy::Again),
            ("23505", Remedy::Again),
            ("08006", Remedy::Reconnect),
            ("25006", Remedy::Reconnect),
            ("57P01", Remedy::Reconnect),
            ("57P02", Remedy::Reconnect),
            ("57P03", Remedy::Reconnect),
            ("53300", Remedy::Reconnect),
            ("23514", Remedy::None),
            ("42P01", Remedy::None),
            ("53100", Remedy::None),
            ("28P01", Remedy::None),
            ("", Remedy::None),
        ] {
            assert_eq!(Remedy::of_code(code), expected, "{code}");
        }
    }
}
