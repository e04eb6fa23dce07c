//! Looks at a database that servers may be at work in, without changing it.

use kmip_model::DateTime;
use sqlx::{PgConnection, Row as _};

use super::{
    PostgresOpenError, PostgresOptions, PostgresRecords, connection,
    migration::{self, MigrationError},
    script::{self, Reuse, Script},
};
use crate::{
    inspection::{Inspection, NEWEST_EVENT},
    row, statement,
};

impl PostgresRecords {
    /// Looks at a database. Nothing is made or migrated.
    ///
    /// # Errors
    ///
    /// See [`PostgresOpenError`].
    pub async fn inspect(
        options: &PostgresOptions,
        node: &str,
    ) -> Result<Inspection, PostgresOpenError> {
        let place = options.place();
        let unusable = |source| PostgresOpenError::Unusable { place: place.clone(), source };
        // Whoever looks wants to know how it is now, and does not wait for it to come back.
        let (mut connection, server) =
            connection::connect(&options.connect).await.map_err(unusable)?;
        if !server.suitable {
            return Err(PostgresOpenError::Unsuitable { place });
        }
        let found = look(&mut connection, node).await;
        connection::close(connection).await;
        let found = found.map_err(|error| match error {
            MigrationError::Missing => PostgresOpenError::Missing { place: place.clone() },
            MigrationError::Newer { found, known } => {
                PostgresOpenError::Newer { place: place.clone(), found, known }
            }
            MigrationError::Foreign => PostgresOpenError::Foreign { place: place.clone() },
            MigrationError::Refused(source) => unusable(source),
        })?;
        Ok(Inspection { durable: server.durable, ..found })
    }
}

async fn look(connection: &mut PgConnection, node: &str) -> Result<Inspection, MigrationError> {
    let known = migration::known();
    let schema = migration::version(connection).await?;
    if schema == 0 {
        return Err(MigrationError::Missing);
    }
    let rows = Script::of(&statement::load_keys());
    let rows = rows.fetch(&mut *connection, Reuse::Unlikely).await?;
    let keys = rows.iter().map(row::wrapped_key).collect::<Result<_, _>>()?;
    let newest =
        sqlx::query(NEWEST_EVENT).bind(script::escaped(node)).fetch_optional(connection).await?;
    let newest_event = newest.map(|row| row.try_get(0).map(DateTime)).transpose()?;
    Ok(Inspection { schema, known, keys, newest_event, durable: true })
}
