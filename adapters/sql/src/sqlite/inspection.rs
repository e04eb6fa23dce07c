//! Looks at a database without claiming or changing it.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use kmip_model::DateTime;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::{
    Location, OpenError, Place, SqliteRecords, connecting,
    migration::{self, MIGRATIONS, MigrationError},
    script::{Reuse, Script},
};
use crate::{
    inspection::{Inspection, NEWEST_EVENT},
    row, statement,
};

/// The first schema that has a trail in blocks.
const TRAIL: i64 = 3;

impl SqliteRecords {
    /// Looks at the database in a file that nobody has open. Nothing is made, migrated or merged.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn inspect(path: &Path, node: &str) -> Result<Inspection, OpenError> {
        let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
        if !path.try_exists().map_err(unreadable)? {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        // Held until the end: who begins to serve it meanwhile is told that it is in use.
        let _lock = share(path)?;
        let left = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
        // Without a log nothing but the file is read, and no file is made beside it.
        let options = connecting(&Place::of(&Location::File(path.to_owned())))
            .read_only(true)
            .immutable(!left);
        let unusable = |source| super::unusable(path, source);
        let mut connection = options.connect().await.map_err(unusable)?;
        let found = look(&mut connection, node).await.map_err(|error| match error {
            MigrationError::Newer { found, known } => {
                OpenError::Newer { path: path.to_owned(), found, known }
            }
            MigrationError::Foreign => OpenError::Foreign { path: path.to_owned() },
            MigrationError::Refused(source) => unusable(source),
        });
        // What was only read is whole whether or not it is closed politely.
        let _ = connection.close().await;
        found
    }
}

async fn look(connection: &mut SqliteConnection, node: &str) -> Result<Inspection, MigrationError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let schema = migration::version(connection).await?;
    if schema > known {
        return Err(MigrationError::Newer { found: schema, known });
    }
    let mut found =
        Inspection { schema, known, keys: Vec::new(), newest_event: None, durable: true };
    if schema > 0 {
        let rows = Script::of(&statement::load_keys());
        let rows = rows.fetch(&mut *connection, Reuse::Unlikely).await?;
        found.keys = rows.iter().map(row::wrapped_key).collect::<Result<_, _>>()?;
    }
    if schema >= TRAIL {
        let newest = sqlx::query(NEWEST_EVENT).bind(node).fetch_optional(connection).await?;
        found.newest_event = newest.map(|row| row.try_get(0).map(DateTime)).transpose()?;
    }
    Ok(found)
}

/// Makes sure that nobody has the database open; without a lock file nobody ever had.
fn share(path: &Path) -> Result<Option<File>, OpenError> {
    let Ok(lock) = File::open(beside(path, ".lock")) else { return Ok(None) };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => {
            Err(OpenError::Unreadable { path: path.to_owned(), source })
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::{super::Options, *};

    #[tokio::test]
    async fn a_database_is_looked_at_and_nothing_is_made() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.db");
        let missing = SqliteRecords::inspect(&path, "n").await;
        assert!(matches!(missing, Err(OpenError::Missing { .. })), "{missing:?}");
        let options = Options { create: true, ..Options::new(Location::File(path.clone())) };
        let records = SqliteRecords::open(&options).await.unwrap();
        let used = SqliteRecords::inspect(&path, "n").await;
        assert!(matches!(used, Err(OpenError::Locked { .. })), "{used:?}");
        records.close().await;
        drop(records);
        let names = || {
            let names = fs::read_dir(place.path()).unwrap().map(|it| it.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let before = (names(), fs::read(&path).unwrap());
        let found = SqliteRecords::inspect(&path, "n").await.unwrap();
        assert_eq!((found.schema, found.known), (4, 4));
        assert_eq!((found.keys, found.newest_event), (Vec::new(), None));
        assert_eq!((names(), fs::read(&path).unwrap()), before);
    }

    #[tokio::test]
    async fn what_is_no_database_of_ours_is_told() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.db");
        fs::write(&path, "junk".repeat(1000)).unwrap();
        let found = SqliteRecords::inspect(&path, "n").await;
        assert!(matches!(found, Err(OpenError::Unusable { .. })), "{found:?}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
