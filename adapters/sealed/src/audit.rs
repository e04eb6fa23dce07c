//! The audit trail: events as bytes, and the chain that binds each block to the one before it.
//!
//! A block is a byte for the version of the layout and its events one after the other. Its seal is
//! a keyed hash over its place, its bytes and the seal before it, so that only who has the data keys
//! can add, remove or change one. Blocks that are removed by age leave an anchor, which is sealed
//! too. The layout is frozen by a golden file.

use std::sync::Arc;

use kmip_model::{
    DateTime, Material, UniqueIdentifier,
    enumeration::{Operation, ResultReason},
};
use kmip_ports::{
    audit::{Anchor, AuditBlock, AuditEvent, Link, Notary},
    record::AtRestCipher,
    store::Revision,
};
use subtle::ConstantTimeEq as _;

use crate::{
    canonical::Canonical,
    reading::{long, number, perhaps, text},
};

/// The version of the layout.
const LAYOUT: u8 = 1;

/// Seals the blocks of one node, and the sums of usage limits.
pub(crate) struct Chain {
    cipher: Arc<dyn AtRestCipher>,
    key: Material,
    node: String,
}

impl Chain {
    /// Continues the chain of a node under the key that seals all chains.
    pub(crate) fn new(cipher: Arc<dyn AtRestCipher>, key: Material, node: String) -> Self {
        Self { cipher, key, node }
    }

    /// Says whether a block follows `before` in the chain of its node, as it was written.
    pub(crate) fn follows(&self, before: &Link, block: &AuditBlock) -> bool {
        let seal = self.seal_of(before, block);
        before.number.checked_add(1) == Some(block.link.number)
            && bool::from(seal.ct_eq(&block.link.seal))
    }

    /// Makes the anchor after which a chain may begin.
    pub(crate) fn anchor(&self, node: &str, link: &Link) -> Anchor {
        let data = Canonical::default().bytes(node.as_bytes()).long(link.number).bytes(&link.seal);
        let seal = self.hash("audit anchor", data);
        Anchor { node: node.to_owned(), link: link.clone(), seal }
    }

    /// Says whether an anchor was made by who may.
    pub(crate) fn holds(&self, anchor: &Anchor) -> bool {
        self.anchor(&anchor.node, &anchor.link).seal.ct_eq(&anchor.seal).into()
    }

    fn seal_of(&self, before: &Link, block: &AuditBlock) -> [u8; 32] {
        let data = Canonical::default()
            .bytes(block.node.as_bytes())
            .long(before.number)
            .bytes(&before.seal)
            .number(block.events)
            .long(block.last_at.0.cast_unsigned())
            .bytes(&block.bytes);
        self.hash("audit block", data)
    }

    fn hash(&self, purpose: &str, data: Canonical) -> [u8; 32] {
        self.cipher.keyed_hash(&self.key, &Canonical::of(purpose).finish(), &data.finish())
    }
}

impl Notary for Chain {
    fn node(&self) -> &str {
        &self.node
    }

    fn block(&self, before: &Link, events: &[AuditEvent]) -> AuditBlock {
        let mut block = AuditBlock {
            node: self.node.clone(),
            link: Link { number: before.number.saturating_add(1), seal: [0; 32] },
            events: u32::try_from(events.len()).unwrap_or(u32::MAX),
            last_at: events.iter().map(|event| event.at).max().unwrap_or(DateTime(0)),
            bytes: encode(events),
        };
        block.link.seal = self.seal_of(before, &block);
        block
    }

    fn spent(&self, identifier: &UniqueIdentifier, amount: i64) -> [u8; 32] {
        let data =
            Canonical::default().bytes(identifier.as_str().as_bytes()).long(amount.cast_unsigned());
        self.hash("spent", data)
    }
}

/// Writes events.
fn encode(events: &[AuditEvent]) -> Vec<u8> {
    let start = Canonical::default().byte(LAYOUT);
    let text = |this: Canonical, text: &str| this.bytes(text.as_bytes());
    let write = |this: Canonical, event: &AuditEvent| {
        let AuditEvent { at, user, operation, identifier, revision, reason, correlation } = event;
        text(this.long(at.0.cast_unsigned()), user)
            .number(operation.0)
            .perhaps(identifier.as_ref(), |this, it| text(this, it.as_str()))
            .perhaps(*revision, |this, Revision(revision)| this.long(revision))
            .perhaps(*reason, |this, reason| this.number(reason.0))
            .perhaps(correlation.as_deref(), text)
    };
    events.iter().fold(start, write).finish()
}

/// Reads the events of a block; `None` if the bytes are of no layout that is known.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Vec<AuditEvent>> {
    let (LAYOUT, mut rest) = bytes.split_first().map(|(layout, rest)| (*layout, rest))? else {
        return None;
    };
    let mut events = Vec::new();
    while !rest.is_empty() {
        events.push(AuditEvent {
            at: DateTime(long(&mut rest)?.cast_signed()),
            user: text(&mut rest)?,
            operation: Operation(number(&mut rest)?),
            identifier: perhaps(&mut rest, text)?.map(UniqueIdentifier::new),
            revision: perhaps(&mut rest, long)?.map(Revision),
            reason: perhaps(&mut rest, number)?.map(ResultReason),
            correlation: perhaps(&mut rest, text)?,
        });
    }
    Some(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kmip_testkit::HashCipher;

    fn chain(key: u8) -> Chain {
        let cipher = Arc::new(HashCipher::default());
        Chain::new(cipher, Material::new(vec![key; 32]), "here".to_owned())
    }

    fn events() -> Vec<AuditEvent> {
        let full = AuditEvent {
            at: DateTime(-1),
            user: "alice".to_owned(),
            operation: Operation::Destroy,
            identifier: Some(UniqueIdentifier::new("a")),
            revision: Some(Revision(3)),
            reason: Some(ResultReason::PermissionDenied),
            correlation: Some("c".to_owned()),
        };
        let bare = AuditEvent {
            user: String::new(),
            identifier: None,
            revision: None,
            reason: None,
            correlation: None,
            ..full.clone()
        };
        vec![full.clone(), bare, full]
    }

    #[test]
    fn events_are_read_as_they_were_written() {
        for count in 0..=3 {
            let events = events()[..count].to_vec();
            assert_eq!(decode(&encode(&events)), Some(events));
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_layout_is_not_read() {
        let bytes = encode(&events()[..1]);
        for length in (0..bytes.len()).filter(|length| *length != 1) {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
        assert_eq!(decode(&[&[2], &bytes[1..]].concat()), None);
    }

    #[test]
    fn the_layout_is_as_it_was() {
        let golden: [&[u8]; 8] = [
            &[1],
            &[0xFF; 8],
            b"\0\0\0\0\0\0\0\x05alice",
            &[0, 0, 0, 0x14],
            b"\x01\0\0\0\0\0\0\0\x01a",
            &[1, 0, 0, 0, 0, 0, 0, 0, 3],
            &[1, 0, 0, 0, 0x0C],
            b"\x01\0\0\0\0\0\0\0\x01c",
        ];
        assert_eq!(encode(&events()[..1]), golden.concat());
    }

    #[test]
    fn a_block_follows_only_the_one_that_it_was_made_after() {
        let chain = chain(1);
        let first = chain.block(&Link::default(), &events());
        let second = chain.block(&first.link, &events());
        assert!(chain.follows(&Link::default(), &first));
        assert!(chain.follows(&first.link, &second));
        assert!(!chain.follows(&Link::default(), &second));
        assert!(!chain.follows(&second.link, &first));
        assert!(!self::chain(2).follows(&first.link, &second));
        let changes: [fn(&mut AuditBlock); 6] = [
            |block| block.node = "there".to_owned(),
            |block| block.link.number += 1,
            |block| block.link.seal[0] ^= 1,
            |block| block.events -= 1,
            |block| block.last_at = DateTime(0),
            |block| block.bytes[9] ^= 1,
        ];
        for change in changes {
            let mut other = second.clone();
            change(&mut other);
            assert!(!chain.follows(&first.link, &other), "{other:?}");
        }
    }

    #[test]
    fn an_anchor_is_of_its_node_and_place() {
        let chain = chain(1);
        let link = chain.block(&Link::default(), &events()).link;
        let anchor = chain.anchor("here", &link);
        assert!(chain.holds(&anchor));
        assert!(!chain.holds(&Anchor { node: "there".to_owned(), ..anchor.clone() }));
        let later = Link { number: 2, ..link };
        assert!(!chain.holds(&Anchor { link: later, ..anchor }));
    }
}
