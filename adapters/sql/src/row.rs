//! Rows of either database, and what they are read into.

use std::sync::Arc;

use kmip_model::{DateTime, UniqueIdentifier};
use kmip_ports::{
    audit::{Anchor, AuditBlock, Link},
    record::{Columns, KeyCount, Record, Sealed, Spent, Term, WrappedKey},
    store::{Revision, StoreError, Stored},
};
use tracing::{debug, error};

#[cfg(feature = "sqlite")]
use crate::search::taken_apart;

/// What is in the columns of a row.
pub(crate) trait Cells {
    /// Reads a number that may be absent.
    fn number_if_any(&self, index: usize) -> Result<Option<i64>, sqlx::Error>;

    /// Reads bytes that may be absent.
    fn bytes_if_any(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error>;

    /// Reads text that may be absent.
    fn text_if_any(&self, index: usize) -> Result<Option<String>, sqlx::Error>;

    /// Reads what is true or false.
    fn flag(&self, index: usize) -> Result<bool, sqlx::Error>;

    /// Reads a number.
    fn number(&self, index: usize) -> Result<i64, sqlx::Error> {
        self.number_if_any(index)?.ok_or_else(absent)
    }

    /// Reads text.
    fn text(&self, index: usize) -> Result<String, sqlx::Error> {
        self.text_if_any(index)?.ok_or_else(absent)
    }

    /// Reads bytes.
    fn bytes(&self, index: usize) -> Result<Vec<u8>, sqlx::Error> {
        self.bytes_if_any(index)?.ok_or_else(absent)
    }
}

fn absent() -> sqlx::Error {
    sqlx::Error::Decode("a value is absent".into())
}

/// Logs what the database says and keeps it from the caller.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub(crate) fn unavailable(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolClosed) {
        // The store is being closed, and whoever still reads is about to end.
        debug!(%error, "database not read");
    } else {
        error!(%error, "database not read");
    }
    StoreError::Unavailable
}

/// Reads the number that an aggregate returns; none stands for zero.
pub(crate) fn first_number(rows: &[impl Cells]) -> Result<i64, sqlx::Error> {
    rows.first().map_or(Ok(None), |row| row.number_if_any(0)).map(Option::unwrap_or_default)
}

/// Reads a number that has no sign.
pub(crate) fn unsigned<T: TryFrom<i64>>(row: &impl Cells, index: usize) -> Result<T, sqlx::Error> {
    narrow(row.number(index)?)
}

/// Makes a number smaller, or says that the row cannot be of ours.
fn narrow<T: TryFrom<i64>>(wide: i64) -> Result<T, sqlx::Error> {
    T::try_from(wide).map_err(|_| sqlx::Error::Decode("a number is out of range".into()))
}

fn narrow_if_any<T: TryFrom<i64>>(
    row: &impl Cells,
    index: usize,
) -> Result<Option<T>, sqlx::Error> {
    row.number_if_any(index)?.map(narrow).transpose()
}

/// Reads the one row of a page of SQLite's; no identifier makes it a row without values.
#[cfg(feature = "sqlite")]
pub(crate) fn identifiers(row: &impl Cells) -> Result<Vec<UniqueIdentifier>, sqlx::Error> {
    match (row.text_if_any(0)?, row.text_if_any(1)?) {
        (Some(joined), Some(lengths)) => taken_apart(&joined, &lengths)
            .ok_or_else(|| sqlx::Error::Decode("identifiers do not have their lengths".into())),
        _ => Ok(Vec::new()),
    }
}

/// Reads an identifier.
pub(crate) fn identifier(row: &impl Cells, index: usize) -> Result<UniqueIdentifier, sqlx::Error> {
    row.text(index).map(UniqueIdentifier::new)
}

/// Reads a term from two columns.
pub(crate) fn term(row: &impl Cells, index: usize) -> Result<Term, sqlx::Error> {
    Ok(Term { attribute: unsigned(row, index)?, value: row.bytes(index.saturating_add(1))? })
}

/// Puts together what [`crate::statement::load`] returns.
#[derive(Default)]
pub(crate) struct Loading {
    found: Option<Read>,
    terms: Vec<Term>,
}

impl Loading {
    /// Takes the next row.
    pub(crate) fn take(&mut self, row: &impl Cells) -> Result<(), sqlx::Error> {
        const ATTRIBUTE: usize = 15;
        // Only the record's own row has a revision.
        match row.number_if_any(0)? {
            None => self.terms.push(term(row, ATTRIBUTE)?),
            Some(_) => self.found = Some(columns_at(row, 0)?),
        }
        Ok(())
    }

    /// Returns the record, if there was one.
    pub(crate) fn done(mut self) -> Option<Stored<Record>> {
        self.terms.sort_unstable();
        self.found.map(|read| read.with(self.terms))
    }
}

/// A record without its terms.
pub(crate) struct Read {
    revision: Revision,
    columns: Columns,
    sealed: Sealed,
    spent: Spent,
}

impl Read {
    /// Puts the terms to it.
    pub(crate) fn with(self, terms: Vec<Term>) -> Stored<Record> {
        let Self { revision, columns, sealed, spent } = self;
        Stored { value: Arc::new(Record { columns, terms, sealed, spent }), revision }
    }
}

/// Reads the columns of a record, of which the first is at `first`.
pub(crate) fn columns_at(row: &impl Cells, first: usize) -> Result<Read, sqlx::Error> {
    let at = |offset: usize| first.saturating_add(offset);
    let columns = Columns {
        owner: row.text(at(1))?,
        policy: row.text(at(2))?,
        object_type: unsigned(row, at(3))?,
        state: narrow_if_any(row, at(4))?,
        next_change_at: row.number_if_any(at(5))?.map(DateTime),
        initial_date: DateTime(row.number(at(6))?),
        algorithm: narrow_if_any(row, at(7))?,
        length: narrow_if_any(row, at(8))?,
        usage_mask: narrow_if_any(row, at(9))?,
        destroyed: row.flag(at(10))?,
    };
    let sealed = Sealed { key: unsigned(row, at(11))?, bytes: row.bytes(at(12))? };
    let seal = row.bytes_if_any(at(14))?.map(|seal| seal_of(&seal)).transpose()?;
    let spent = Spent { amount: row.number(at(13))?, seal };
    Ok(Read { revision: Revision(unsigned(row, first)?), columns, sealed, spent })
}

/// Reads of how many records a data key is.
pub(crate) fn key_count(row: &impl Cells) -> Result<KeyCount, sqlx::Error> {
    Ok((unsigned(row, 0)?, unsigned(row, 1)?))
}

/// Reads a seal.
fn seal_of(bytes: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode("a seal has not 32 bytes".into()))
}

/// Reads a number of a chain and its seal.
pub(crate) fn link(row: &impl Cells, number: usize, seal: usize) -> Result<Link, sqlx::Error> {
    Ok(Link { number: unsigned(row, number)?, seal: seal_of(&row.bytes(seal)?)? })
}

/// Reads a block of the audit trail.
pub(crate) fn block(row: &impl Cells) -> Result<AuditBlock, sqlx::Error> {
    Ok(AuditBlock {
        node: row.text(0)?,
        link: link(row, 1, 5)?,
        events: unsigned(row, 2)?,
        last_at: DateTime(row.number(3)?),
        bytes: row.bytes(4)?,
    })
}

/// Reads where a chain begins.
pub(crate) fn anchor(row: &impl Cells) -> Result<Anchor, sqlx::Error> {
    Ok(Anchor { node: row.text(0)?, link: link(row, 1, 2)?, seal: seal_of(&row.bytes(3)?)? })
}

/// Reads a wrapped data key.
pub(crate) fn wrapped_key(row: &impl Cells) -> Result<WrappedKey, sqlx::Error> {
    Ok(WrappedKey { number: unsigned(row, 0)?, wrapped: row.bytes(1)? })
}
