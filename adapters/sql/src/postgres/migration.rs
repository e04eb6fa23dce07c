//! Brings the schema of a database up to date, forward only, one node at a time.
//!
//! A table of its own says whose the schema is and which migrations it has seen. A database without
//! it is either empty or somebody else's. PostgreSQL changes tables in transactions, so migrations
//! are done all or none, under a lock that other nodes wait for.

use sqlx::{AssertSqlSafe, PgConnection, Row};

/// What the version table says about whose it is.
const APPLICATION: &str = "kmip-app";

/// The advisory lock of those who migrate: "KMIP" in ASCII, twice.
const LOCK: i64 = 0x4B4D_4950_4B4D_4950;

/// Every migration, in order; the number of a schema is the number of migrations it has seen.
pub(super) const MIGRATIONS: [&str; 2] = [
    include_str!("../../migrations/postgres/0001_records.sql"),
    include_str!("../../migrations/postgres/0002_search.sql"),
];

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
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = version(connection).await?;
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    if found == 0 && !create {
        return Err(MigrationError::Missing);
    }
    let seen = usize::try_from(found).map_err(|_| MigrationError::Foreign)?;
    let missing = MIGRATIONS.get(seen..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let script = format!(
        "CREATE TABLE IF NOT EXISTS kmip_schema (application TEXT NOT NULL, version BIGINT NOT NULL);\n\
         {}\nDELETE FROM kmip_schema;\n\
         INSERT INTO kmip_schema VALUES ('{APPLICATION}', {known});",
        missing.join("\n"),
    );
    // Every part of it is a constant of this program.
    sqlx::raw_sql(AssertSqlSafe(script)).execute(connection).await?;
    Ok(())
}

/// Reads how many migrations the database has seen; an empty one has seen none.
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
        .fetch_all(connection)
        .await
        .map_err(|error| match error {
            sqlx::Error::Database(_) => MigrationError::Foreign,
            other => MigrationError::Refused(other),
        })?;
    match rows.as_slice() {
        [row] if row.try_get::<String, _>(0)? == APPLICATION => Ok(row.try_get(1)?),
        _ => Err(MigrationError::Foreign),
    }
}
