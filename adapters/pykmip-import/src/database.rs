//! Opens a database for reading only, finds out which of the tables it has, and reads it in one
//! transaction, so that what is read belongs together even while PyKMIP's server runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use kmip_model::{Material, UniqueIdentifier};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection, TypeInfo as _,
    ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use thiserror::Error;

use crate::{
    mapping::{self, FoundObject, Unreadable},
    record::{Cell, Record, TABLES},
};

/// How many objects are asked for at once.
const PAGE: i64 = 256;

/// How long to wait for a server that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a database holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The objects, in the order of their numbers.
    pub objects: Vec<FoundObject>,
    /// What cannot be read as an object.
    pub skipped: Vec<Skipped>,
    /// How many destroyed objects have left rows behind; what they held is gone.
    pub destroyed: u64,
}

/// A row that is not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The identifier that the object had.
    pub unique_identifier: UniqueIdentifier,
    /// Why.
    pub reason: Unreadable,
}

/// Why a database cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no file {path}", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be looked at.
    #[error("{path} cannot be opened", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is a database, but not one of PyKMIP's server.
    #[error("{path} is not a database of PyKMIP's server: it has no {missing}", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// A table or column that every one has.
        missing: &'static str,
    },
    /// SQLite cannot read it.
    #[error("{path} cannot be read", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
}

/// Reads a whole database. `progress` is told how many objects are read and how many there are.
/// Needs a Tokio runtime.
///
/// # Errors
///
/// See [`ReadError`]. A single row that cannot be read is no error; see [`Contents::skipped`].
pub async fn read(
    path: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Contents, ReadError> {
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(ReadError::Missing { path: path.to_owned() }),
        Err(source) => return Err(ReadError::Unreadable { path: path.to_owned(), source }),
    }
    let unusable = |source| ReadError::Unusable { path: path.to_owned(), source };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(PATIENCE)
        .pragma("query_only", "ON")
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(unusable)?;
    let contents = read_all(&mut connection, progress).await;
    connection.close().await.map_err(unusable)?;
    match contents.map_err(unusable)? {
        Ok(contents) => Ok(contents),
        Err(missing) => Err(ReadError::Foreign { path: path.to_owned(), missing }),
    }
}

/// Reads everything, or names what the database has not and every one of PyKMIP's has.
async fn read_all(
    connection: &mut SqliteConnection,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Result<Contents, &'static str>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let layout = Layout::of(&mut transaction).await?;
    if let Err(missing) = layout.check() {
        return Ok(Err(missing));
    }
    let total: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM managed_objects")
        .fetch_one(&mut *transaction)
        .await?;
    let total = total.unsigned_abs();
    let mut beside = Beside::read(&mut transaction, &layout).await?;
    let mut contents = Contents {
        destroyed: layout.count_destroyed(&mut transaction).await?,
        ..Contents::default()
    };
    let mut done: u64 = 0;
    let mut after = i64::MIN;
    let statement = layout.page();
    loop {
        progress(done, total);
        let rows = sqlx::query(AssertSqlSafe(statement.clone()))
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut *transaction)
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let mut record = layout.record(row)?;
            after = record.uid;
            beside.move_to(&mut record);
            match mapping::object(&record) {
                Ok(object) => contents.objects.push(object),
                Err(reason) => contents.skipped.push(Skipped {
                    unique_identifier: UniqueIdentifier::new(record.uid.to_string()),
                    reason,
                }),
            }
            done = done.saturating_add(1);
        }
    }
    transaction.rollback().await?;
    Ok(Ok(contents))
}

/// Which tables and columns a database has: they have become more from version to version.
struct Layout {
    columns: BTreeMap<String, BTreeSet<String>>,
}

impl Layout {
    async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
             WHERE t.type = 'table'",
        )
        .fetch_all(connection)
        .await?;
        let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows {
            columns.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?);
        }
        Ok(Self { columns })
    }

    fn has(&self, table: &str, column: &str) -> bool {
        self.columns.get(table).is_some_and(|columns| columns.contains(column))
    }

    /// Checks what every version has.
    fn check(&self) -> Result<(), &'static str> {
        for table in ["managed_objects", "crypto_objects", "keys", "managed_object_names"] {
            if !self.columns.contains_key(table) {
                return Err(table);
            }
        }
        for column in ["uid", "object_type", "value", "owner"] {
            if !self.has("managed_objects", column) {
                return Err(column);
            }
        }
        Ok(())
    }

    /// Writes the query of one page: every column of every table in the order of [`TABLES`], null
    /// where the database has none.
    fn page(&self) -> String {
        let mut selected = vec!["managed_objects.uid".to_owned()];
        let mut joins = String::new();
        for (table, columns) in TABLES {
            for column in columns {
                let known = self.has(table, column);
                selected.push(if known { format!("{table}.{column}") } else { "NULL".to_owned() });
            }
            if table != "managed_objects" && self.has(table, "uid") {
                joins.push_str(" LEFT JOIN ");
                joins.push_str(table);
                joins.push_str(" USING (uid)");
            }
        }
        let selected = selected.join(", ");
        format!(
            "SELECT {selected} FROM managed_objects{joins} \
             WHERE managed_objects.uid > ? ORDER BY managed_objects.uid LIMIT ?"
        )
    }

    /// Takes a row of [`Layout::page`] apart.
    #[expect(clippy::unused_self, reason = "a row is one of this layout")]
    fn record(&self, row: &SqliteRow) -> Result<Record, sqlx::Error> {
        let mut record = Record { uid: row.try_get(0)?, ..Record::default() };
        let columns = TABLES.iter().flat_map(|(_, columns)| columns.iter());
        for (index, column) in (1..).zip(columns) {
            record.cells.insert(column, cell(row, index)?);
        }
        Ok(record)
    }

    /// Counts the objects of which only other rows are left.
    async fn count_destroyed(&self, connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
        let left: Vec<String> = ["crypto_objects", "opaque_objects"]
            .iter()
            .filter(|table| self.has(table, "uid"))
            .map(|table| format!("SELECT uid FROM {table}"))
            .collect();
        let left = left.join(" UNION ");
        let statement = format!(
            "SELECT COUNT(*) FROM ({left}) WHERE uid NOT IN (SELECT uid FROM managed_objects)"
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(connection).await?;
        Ok(count.unsigned_abs())
    }
}

/// What stands in tables that have any number of rows for an object.
#[derive(Default)]
struct Beside {
    names: BTreeMap<i64, Vec<[Cell; 2]>>,
    object_groups: BTreeMap<i64, Vec<[Cell; 2]>>,
    information: BTreeMap<i64, Vec<[Cell; 2]>>,
}

impl Beside {
    /// Reads all of it; the order is that in which PyKMIP shows the values.
    async fn read(connection: &mut SqliteConnection, layout: &Layout) -> Result<Self, sqlx::Error> {
        let mut beside = Self {
            names: pairs(
                connection,
                "SELECT mo_uid, name, name_type FROM managed_object_names \
                 WHERE mo_uid IS NOT NULL ORDER BY id",
            )
            .await?,
            ..Self::default()
        };
        if layout.columns.contains_key("object_group_map") {
            beside.object_groups = pairs(
                connection,
                "SELECT m.managed_object_id, g.object_group, NULL FROM object_group_map AS m \
                 JOIN object_groups AS g ON g.id = m.object_group_id \
                 WHERE m.managed_object_id IS NOT NULL ORDER BY g.id",
            )
            .await?;
        }
        if layout.columns.contains_key("app_specific_info_map") {
            beside.information = pairs(
                connection,
                "SELECT m.managed_object_id, a.application_namespace, a.application_data \
                 FROM app_specific_info_map AS m \
                 JOIN app_specific_info AS a ON a.id = m.app_specific_info_id \
                 WHERE m.managed_object_id IS NOT NULL ORDER BY a.id",
            )
            .await?;
        }
        Ok(beside)
    }

    fn move_to(&mut self, record: &mut Record) {
        record.names = self.names.remove(&record.uid).unwrap_or_default();
        let groups = self.object_groups.remove(&record.uid).unwrap_or_default();
        record.object_groups = groups.into_iter().map(|[group, _]| group).collect();
        record.information = self.information.remove(&record.uid).unwrap_or_default();
    }
}

/// Reads two values for each row, by the object that they belong to.
async fn pairs(
    connection: &mut SqliteConnection,
    statement: &'static str,
) -> Result<BTreeMap<i64, Vec<[Cell; 2]>>, sqlx::Error> {
    let mut found: BTreeMap<i64, Vec<[Cell; 2]>> = BTreeMap::new();
    for row in sqlx::query(statement).fetch_all(connection).await? {
        let pair = [cell(&row, 1)?, cell(&row, 2)?];
        found.entry(row.try_get(0)?).or_default().push(pair);
    }
    Ok(found)
}

/// Reads one column, whatever it holds.
fn cell(row: &SqliteRow, index: usize) -> Result<Cell, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    // What is declared a truth value or a date is stored as the number or the text that it is.
    let stored = value.type_info().name().to_owned();
    Ok(match stored.as_str() {
        "TEXT" => row.try_get_unchecked(index).map_or(Cell::Other, Cell::Text),
        "BLOB" => Cell::Blob(Material::new(row.try_get_unchecked(index)?)),
        "REAL" => Cell::Other,
        _ => Cell::Integer(row.try_get_unchecked(index)?),
    })
}
