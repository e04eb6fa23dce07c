//! The bytes of a backup, before they are sealed.
//!
//! Version 1, frozen by golden files. A later version gets functions of its own beside these.

use kmip_ports::{
    audit::{Anchor, AuditBlock, Link},
    maintenance::Entry,
    record::{Columns, Record, Sealed, Spent, Term, WrappedKey},
    store::Stored,
};

use super::{About, Contents};
use crate::{canonical::Canonical, reading};

/// What is in a chunk.
pub(super) enum Chunk {
    /// Where chains begin.
    Anchors(Vec<Anchor>),
    /// Blocks of the audit trail.
    Blocks(Vec<AuditBlock>),
    /// Records.
    Records(Vec<Entry>),
    /// Nothing more; how much there was.
    End(Contents),
}

const ANCHORS: u8 = 1;
const BLOCKS: u8 = 2;
const RECORDS: u8 = 3;
const END: u8 = 4;

pub(super) fn write_header(about: &About, id: &[u8], keys: &[WrappedKey]) -> Vec<u8> {
    Canonical::default()
        .long(about.created.0.cast_unsigned())
        .bytes(about.program.as_bytes())
        .bytes(about.node.as_bytes())
        .bytes(id)
        .list(keys, |this, key| this.number(key.number).bytes(&key.wrapped))
        .finish()
}

pub(super) fn header(mut rest: &[u8]) -> Option<(About, Vec<u8>, Vec<WrappedKey>)> {
    let rest = &mut rest;
    let about = About {
        created: reading::date(rest)?,
        program: reading::text(rest)?,
        node: reading::text(rest)?,
    };
    let id = reading::bytes(rest)?;
    let keys = reading::list(rest, |rest| {
        Some(WrappedKey { number: reading::number(rest)?, wrapped: reading::bytes(rest)? })
    })?;
    rest.is_empty().then_some((about, id, keys))
}

impl Chunk {
    pub(super) fn write(&self) -> Vec<u8> {
        let start = Canonical::default();
        match self {
            Self::Anchors(anchors) => start.byte(ANCHORS).list(anchors, write_anchor),
            Self::Blocks(blocks) => start.byte(BLOCKS).list(blocks, write_block),
            Self::Records(records) => start.byte(RECORDS).list(records, write_record),
            Self::End(Contents { records, blocks, anchors, keys }) => {
                start.byte(END).long(*records).long(*blocks).long(*anchors).long(*keys)
            }
        }
        .finish()
    }

    pub(super) fn read(mut rest: &[u8]) -> Option<Self> {
        let rest = &mut rest;
        let chunk = match reading::byte(rest)? {
            ANCHORS => Self::Anchors(reading::list(rest, anchor)?),
            BLOCKS => Self::Blocks(reading::list(rest, block)?),
            RECORDS => Self::Records(reading::list(rest, record)?),
            END => Self::End(Contents {
                records: reading::long(rest)?,
                blocks: reading::long(rest)?,
                anchors: reading::long(rest)?,
                keys: reading::long(rest)?,
            }),
            _ => return None,
        };
        rest.is_empty().then_some(chunk)
    }
}

fn write_link(this: Canonical, link: &Link) -> Canonical {
    this.long(link.number).bytes(&link.seal)
}

fn link(rest: &mut &[u8]) -> Option<Link> {
    Some(Link { number: reading::long(rest)?, seal: reading::seal(rest)? })
}

fn write_anchor(this: Canonical, anchor: &Anchor) -> Canonical {
    let Anchor { node, link, seal } = anchor;
    write_link(this.bytes(node.as_bytes()), link).bytes(seal)
}

fn anchor(rest: &mut &[u8]) -> Option<Anchor> {
    Some(Anchor { node: reading::text(rest)?, link: link(rest)?, seal: reading::seal(rest)? })
}

fn write_block(this: Canonical, block: &AuditBlock) -> Canonical {
    let AuditBlock { node, link, events, last_at, bytes } = block;
    write_link(this.bytes(node.as_bytes()), link)
        .number(*events)
        .long(last_at.0.cast_unsigned())
        .bytes(bytes)
}

fn block(rest: &mut &[u8]) -> Option<AuditBlock> {
    Some(AuditBlock {
        node: reading::text(rest)?,
        link: link(rest)?,
        events: reading::number(rest)?,
        last_at: reading::date(rest)?,
        bytes: reading::bytes(rest)?,
    })
}

fn write_record(this: Canonical, (identifier, stored): &Entry) -> Canonical {
    // Written out, so that nothing new of a record can be left out of a backup.
    let Record { columns, terms, sealed: Sealed { key, bytes }, spent: Spent { amount, seal } } =
        stored.value.as_ref();
    this.bytes(identifier.as_str().as_bytes())
        .long(stored.revision.0)
        .columns(columns)
        .list(terms, |this, Term { attribute, value }| this.number(*attribute).bytes(value))
        .number(*key)
        .bytes(bytes)
        .long(amount.cast_unsigned())
        .perhaps(seal.as_ref(), |this, seal| this.bytes(seal))
}

fn record(rest: &mut &[u8]) -> Option<Entry> {
    let identifier = reading::identifier(rest)?;
    let revision = reading::revision(rest)?;
    let columns: Columns = reading::columns(rest)?;
    let terms = reading::list(rest, reading::term)?;
    let sealed = Sealed { key: reading::number(rest)?, bytes: reading::bytes(rest)? };
    let spent =
        Spent { amount: reading::signed(rest)?, seal: reading::perhaps(rest, reading::seal)? };
    let value = std::sync::Arc::new(Record { columns, terms, sealed, spent });
    Some((identifier, Stored { value, revision }))
}
