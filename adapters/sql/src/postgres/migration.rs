//! Brings the schema of a database up to date, forward only, one node at a time.
//!
//! A table of its own says whose the schema is and which migrations it has seen. A database without
//! it is either empty or somebody else's. PostgreSQL changes tables in transactions, so migrations
//! are done all or none, under a lock that other nodes wait for.
//!
//! Nodes of another program may be at work meanwhile. Every transaction that writes reads the
//! version table first, and by that holds it until its end; so who migrates waits for those that
//! have begun, and the next ones learn of it. They go on if the schema says that they may.

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use tracing::warn;

/// What the version table says about whose it is.
const APPLICATION: &str = "kmip-app";

/// The advisory lock of those who migrate: "KMIP" in ASCII, twice.
const LOCK: i64 = 0x4B4D_4950_4B4D_4950;

/// What a migration means for programs that do not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Older {
    /// They read and write as before, and do no harm.
    GoOn,
    /// They must not.
    Stop,
}

/// Every migration, in order; the number of a schema is the number of migrations it has seen.
const MIGRATIONS: [(&str, Older); 3] = [
    (include_str!("../../migrations/postgres/0001_records.sql"), Older::Stop),
    (include_str!("../../migrations/postgres/0002_search.sql"), Older::GoOn),
    (include_str!("../../migrations/postgres/0003_needed.sql"), Older::GoOn),
];

/// The first schema whose programs read the version table in every transaction that writes.
const FIRST_TO_BE_READ: i64 = 3;

/// Waits for the transactions of programs that do not read it. A lock that becomes stronger on the
/// way would wait for those that wait for the weaker one.
const EVERYTHING: &str = "LOCK TABLE record, term, data_key, audit_block, audit_anchor \
     IN ACCESS EXCLUSIVE MODE;";

/// Reads the version table. To be asked by every transaction that writes, before anything else.
pub(super) const STANDING: &str = "SELECT version, needed FROM kmip_schema";

/// Tells whether there is a version table, and how many tables there are that no extension made.
const LOOK: &str = "SELECT to_regclass(format('%I.kmip_schema', current_schema())) IS NOT NULL, \
     (SELECT COUNT(*) FROM pg_catalog.pg_class c \
      WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema()) \
      AND c.relkind IN ('r', 'p') \
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')), \
     current_schema() IS NOT NULL";

/// Why a schema cannot be brought up to date.
#[derive(Debug)]
pub(super) enum MigrationError {
    /// There is no schema, and none is to be made.
    Missing,
    /// A later program was here.
    Newer { found: i64, known: i64 },
    /// Somebody else's tables are there.
    Foreign,
    /// The database refuses.
    Refused(sqlx::Error),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error)
    }
}

/// What a database says of its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many migrations it has seen.
    pub(super) version: i64,
    /// How many a program must know to work on it.
    pub(super) needed: i64,
}

impl Standing {
    /// Reads a row of [`STANDING`].
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { version: row.try_get(0)?, needed: row.try_get(1)? })
    }

    /// Says whether this program may write. It may not in a database that was put back to a day
    /// before its own migrations either.
    pub(super) fn suits(self) -> bool {
        self.needed <= known() && known() <= self.version
    }
}

/// The number of the latest schema that this program knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The number of the schema that a program must know to work on the latest one.
fn needed() -> i64 {
    let stop = MIGRATIONS.iter().rposition(|(_, older)| *older == Older::Stop);
    stop.and_then(|index| i64::try_from(index).ok()).map_or(0, |index| index.saturating_add(1))
}

/// Runs the migrations that the database has not seen, all or none; an empty database gets its
/// first schema only if `create` says so.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    create: bool,
) -> Result<(), MigrationError> {
    // Others may take long, and so may a large database.
    sqlx::raw_sql("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let outcome = migrate_locked(connection, create).await;
    // What has not been committed goes back; a connection that is lost has done so itself.
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = sqlx::raw_sql(end).execute(connection).await;
    outcome?;
    ended?;
    Ok(())
}

async fn migrate_locked(connection: &mut PgConnection, create: bool) -> Result<(), MigrationError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
    let (known, needed) = (known(), needed());
    let found = version(connection).await?;
    if found == 0 && !create {
        return Err(MigrationError::Missing);
    }
    let seen = usize::try_from(found).map_err(|_| MigrationError::Foreign)?;
    let missing = MIGRATIONS.get(seen..).unwrap_or_default();
    if missing.is_empty() {
        if found > known {
            warn!(
                found,
                known, "the database was made for a later program; this one may work on it"
            );
        }
        return Ok(());
    }
    let missing: Vec<&str> = missing.iter().map(|(script, _)| *script).collect();
    let unwarned = if (1..FIRST_TO_BE_READ).contains(&found) { EVERYTHING } else { "" };
    // Nobody writes from here on who has not seen what this makes of it.
    let script = format!(
        "CREATE TABLE IF NOT EXISTS kmip_schema (application TEXT NOT NULL, version BIGINT NOT NULL);\n\
         LOCK TABLE kmip_schema IN ACCESS EXCLUSIVE MODE;\n{unwarned}\n{}\nDELETE FROM kmip_schema;\n\
         INSERT INTO kmip_schema (application, version, needed) \
         VALUES ('{APPLICATION}', {known}, {needed});",
        missing.join("\n"),
    );
    // Every part of it is a constant of this program.
    sqlx::raw_sql(AssertSqlSafe(script)).execute(connection).await?;
    Ok(())
}

/// Reads how many migrations the database has seen; an empty one has seen none. One that this
/// program cannot work on is refused.
pub(super) async fn version(connection: &mut PgConnection) -> Result<i64, MigrationError> {
    let row = sqlx::query(LOOK).fetch_one(&mut *connection).await?;
    let (ours, tables, somewhere): (bool, i64, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    match (ours, tables, somewhere) {
        (true, ..) => {}
        (false, 0, true) => return Ok(0),
        _ => return Err(MigrationError::Foreign),
    }
    let rows = sqlx::query("SELECT application, version FROM kmip_schema")
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| match error {
            sqlx::Error::Database(_) => MigrationError::Foreign,
            other => MigrationError::Refused(other),
        })?;
    let found: i64 = match rows.as_slice() {
        [row] if row.try_get::<String, _>(0)? == APPLICATION => row.try_get(1)?,
        _ => return Err(MigrationError::Foreign),
    };
    if found > known() {
        let row = sqlx::query(STANDING).fetch_one(connection).await?;
        if Standing::of(&row)?.needed > known() {
            return Err(MigrationError::Newer { found, known: known() });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_writes_where_it_knows_what_is_needed() {
        let suits = |version, needed| Standing { version, needed }.suits();
        let known = known();
        assert!(suits(known, needed()), "what it has made itself");
        assert!(suits(known + 1, known), "a later schema that leaves it alone");
        assert!(!suits(known + 1, known + 1), "a later schema that does not");
        assert!(!suits(known - 1, 1), "an earlier one, put back meanwhile");
    }

    #[test]
    fn what_is_needed_is_a_schema_that_there_is() {
        assert!((1..=known()).contains(&needed()));
    }
}
