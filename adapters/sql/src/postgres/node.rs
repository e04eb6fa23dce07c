//! The name of a node, which only one process may write under.
//!
//! A lock of the session keeps it. PostgreSQL gives the lock free when the session has ended, and
//! with it its last transaction, whichever way that went.

use kmip_ports::audit::Link;
use sqlx::{PgConnection, Row};

use super::{
    connection::{self, Attempts, Backend},
    script::{Reuse, Script, in_time},
};
use crate::{row, statement};

/// Takes the name for this session, from what is left of `before` if need be, and returns how far
/// the node's chain goes.
pub(super) async fn take(
    connection: &mut PgConnection,
    name: &str,
    before: Option<&Backend>,
) -> Result<Link, sqlx::Error> {
    let number = number(&[b"node", &[0], name.as_bytes()]);
    let mut attempts = Attempts::new();
    while !try_lock(connection, number).await? {
        if let Some(before) = before {
            connection::end(connection, before).await?;
        }
        if !attempts.next().await {
            let taken = format!("another process writes under the name of this node, {name:?}");
            return Err(sqlx::Error::InvalidArgument(taken));
        }
    }
    let mut newest = Link::default();
    for place in [statement::newest_block(name), statement::anchor_of(name)] {
        let rows = Script::of(&place).fetch(connection, Reuse::Unlikely).await?;
        for row in &rows {
            let link = row::link(row, 0, 1)?;
            if link.number > newest.number {
                newest = link;
            }
        }
    }
    Ok(newest)
}

async fn try_lock(connection: &mut PgConnection, number: i64) -> Result<bool, sqlx::Error> {
    // Another schema is another store.
    let query = sqlx::query("SELECT pg_try_advisory_lock(hashtextextended(current_schema(), $1))")
        .bind(number);
    in_time(query.fetch_one(connection)).await?.try_get(0)
}

/// Turns a name into the number of its lock (FNV-1a).
pub(super) fn number(parts: &[&[u8]]) -> i64 {
    let hash = parts.iter().copied().flatten().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    hash.cast_signed()
}
