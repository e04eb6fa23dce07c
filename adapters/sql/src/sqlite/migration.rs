//! Brings the schema of a database up to date, forward only.
//!
//! A database says in its header whose it is (`application_id`) and which migrations it has seen
//! (`user_version`), so both can be read before any table is touched.

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

/// "KMIP" in ASCII.
const APPLICATION_ID: i64 = 0x4B4D_4950;

/// Every migration, in order; the number of a schema is the number of migrations it has seen.
pub(super) const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/sqlite/0001_records.sql"),
    include_str!("../../migrations/sqlite/0002_order.sql"),
    include_str!("../../migrations/sqlite/0003_audit.sql"),
    include_str!("../../migrations/sqlite/0004_search.sql"),
];

/// Why a schema cannot be brought up to date.
#[derive(Debug)]
pub(super) enum MigrationError {
    Newer { found: i64, known: i64 },
    Foreign,
    Refused(sqlx::Error),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error)
    }
}

/// Runs the migrations that the database has not seen, all or none.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrationError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = version(connection).await?;
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    let seen = usize::try_from(found).map_err(|_| MigrationError::Foreign)?;
    let missing = MIGRATIONS.get(seen..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    // Pragmas take no bound values; these two are numbers of this program.
    let script = format!(
        "BEGIN IMMEDIATE;\n{}\nPRAGMA application_id = {APPLICATION_ID};\n\
         PRAGMA user_version = {known};\nCOMMIT;",
        missing.join("\n"),
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(connection).await?;
    Ok(())
}

/// Reads how many migrations the database has seen; an empty one has seen none.
pub(super) async fn version(connection: &mut SqliteConnection) -> Result<i64, MigrationError> {
    let row = sqlx::query(
        "SELECT application_id, user_version, (SELECT COUNT(*) FROM sqlite_schema) \
         FROM pragma_application_id, pragma_user_version",
    )
    .fetch_one(connection)
    .await?;
    match (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?) {
        (APPLICATION_ID, version, _) => Ok(version),
        (0_i64, 0_i64, 0_i64) => Ok(0),
        _ => Err(MigrationError::Foreign),
    }
}
