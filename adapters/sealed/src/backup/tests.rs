//! What was backed up comes back, and what was changed on the way is noticed.

use std::sync::Arc;

use kmip_model::{UniqueIdentifier, enumeration::Operation};
use kmip_ports::{
    audit::{Anchor, AuditBlock, AuditEvent, AuditTrail as _, Link},
    maintenance::{Entry, Maintenance as _},
    record::{Columns, DataKeys as _, Record, Sealed, Spent, Term},
    store::{ChangeSet, Debit, ObjectStore as _, Revision, Stored},
};
use kmip_testkit::{FixedRootKey, HashCipher, MemoryRecords};

use super::{layout::Chunk, *};
use crate::{
    keyring::{SealedError, WhenEmpty},
    store::{
        AuditReads, Opening,
        tests::{Sealed as World, named},
    },
};

fn about() -> About {
    About { created: DateTime(7), program: "kmip-app 1".into(), node: "here".into() }
}

fn event(identifier: &str, revision: Option<u64>) -> AuditEvent {
    AuditEvent {
        at: DateTime(5),
        user: "alice".into(),
        operation: Operation::Create,
        identifier: Some(UniqueIdentifier::new(identifier)),
        revision: revision.map(Revision),
        reason: None,
        correlation: None,
    }
}

/// A store with some objects, one of them used, and a trail that was cut at its beginning.
fn world(objects: u64) -> World {
    let world = World::new();
    pollster::block_on(async {
        for number in 0..objects {
            let identifier = format!("id-{number}");
            let object = Arc::new(named(&identifier, &format!("name-{number}")));
            let put = Stored { value: object, revision: Revision(0) };
            let changes = ChangeSet {
                put: vec![(UniqueIdentifier::new(&*identifier), put)],
                audit: vec![event(&identifier, Some(1))],
                ..ChangeSet::default()
            };
            world.store.apply(changes).await.unwrap();
        }
        let identifier = UniqueIdentifier::new("id-3");
        let debit = Debit { identifier, amount: 4, total: 9, spent: 0 };
        let changes = ChangeSet { debits: vec![debit], ..ChangeSet::default() };
        world.store.apply(changes).await.unwrap();
        assert_eq!(world.store.prune_audit(DateTime(6)).await, Ok(objects));
        world.store.note(vec![event("id-1", None)]).await.unwrap();
    });
    world
}

fn back_up(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = pollster::block_on(world.store.back_up(&mut bytes, &about(), &mut |_| {}));
    let Contents { records: _, blocks, anchors, keys } = written.unwrap();
    assert_eq!((blocks, anchors, keys), (1, 1, 1));
    bytes
}

fn opening() -> Opening {
    Opening {
        when_empty: WhenEmpty::Refuse,
        node: "here".to_owned(),
        audit_reads: AuditReads::Queued,
    }
}

fn open(world: &World, backing: Backing, root_key: u64) -> Result<SealedStore, SealedError> {
    let encoding = Arc::clone(&world.encoding) as Arc<_>;
    let root_key = Arc::new(FixedRootKey::new(root_key));
    let cipher = Arc::new(HashCipher::default());
    pollster::block_on(SealedStore::open(backing, cipher, root_key, encoding, opening()))
}

/// Reads a backup to its end and says what is wrong with it.
fn read(world: &World, bytes: &[u8]) -> Result<crate::Verification, String> {
    let backup = Backup::read(bytes).map_err(|error| error.to_string())?;
    let store = open(world, backup.alone(), 1).map_err(|error| error.to_string())?;
    let mut reader = store.reader(backup);
    let found = pollster::block_on(store.verify_snapshot(&mut reader, &mut |_| {}));
    if let Some(fault) = reader.fault() {
        return Err(fault.to_string());
    }
    assert!(reader.is_whole());
    Ok(found.unwrap())
}

#[test]
fn a_backup_restored_is_the_store_that_it_was() {
    let world = world(300);
    let bytes = back_up(&world);
    let found = read(&world, &bytes).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!((found.records, found.blocks, found.events), (300, 1, 1));

    let records: Arc<MemoryRecords> = Arc::default();
    let target = Backing::of(&records);
    let backup = Backup::read(bytes.as_slice()).unwrap();
    assert_eq!(*backup.about(), about());
    let store = open(&world, backup.over(&target), 1).unwrap();
    let mut reader = store.reader(backup);
    let restored = pollster::block_on(store.restore(&mut reader, &mut |_| {})).unwrap();
    assert_eq!(restored, Contents { records: 300, blocks: 1, anchors: 1, keys: 1 });
    let store = open(&world, target, 1).unwrap();
    assert!(pollster::block_on(store.verify(&mut |_| {})).unwrap().is_sound());
    for identifier in ["id-0", "id-3", "id-299"].map(UniqueIdentifier::new) {
        let load = |store: &SealedStore| pollster::block_on(store.load(&identifier)).unwrap();
        assert_eq!(load(&store), load(&world.store));
    }
    // The chain goes on where it was.
    pollster::block_on(store.note(vec![event("id-2", None)])).unwrap();
    let found = pollster::block_on(store.verify(&mut |_| {})).unwrap();
    assert!(found.is_sound() && found.blocks == 2, "{found:?}");
}

#[test]
fn a_store_that_is_not_empty_is_not_restored_into() {
    let world = world(4);
    let bytes = back_up(&world);
    let backup = Backup::read(bytes.as_slice()).unwrap();
    let other = World::new();
    other.put(named("id-9", "theirs"));
    let target = Backing::of(&other.records);
    let store = open(&world, backup.over(&target), 1).unwrap();
    let mut reader = store.reader(backup);
    let refused = pollster::block_on(store.restore(&mut reader, &mut |_| {}));
    assert_eq!(refused, Err(StoreError::Conflict));
}

#[test]
fn a_backup_that_was_cut_is_refused_wherever_it_was() {
    let world = world(4);
    let bytes = back_up(&world);
    for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let refused = read(&world, &bytes[..length]);
        assert!(refused.is_err(), "{length} of {}", bytes.len());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(read(&world, &longer).unwrap_err().contains("behind the end"));
}

#[test]
fn a_backup_that_was_cut_leaves_no_store_that_opens() {
    let world = world(4);
    let bytes = back_up(&world);
    let records: Arc<MemoryRecords> = Arc::default();
    let target = Backing::of(&records);
    let backup = Backup::read(&bytes[..bytes.len() - 9]).unwrap();
    let store = open(&world, backup.over(&target), 1).unwrap();
    let mut reader = store.reader(backup);
    assert!(pollster::block_on(store.restore(&mut reader, &mut |_| {})).is_err());
    assert!(matches!(reader.fault(), Some(BackupError::Cut)));
    assert_eq!(pollster::block_on(records.load_keys()), Ok(Vec::new()));
    assert_eq!(open(&world, target, 1).err(), Some(SealedError::NoDataKey));
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is() {
    let world = world(4);
    let bytes = back_up(&world);
    for place in (0..bytes.len()).step_by(3) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x20;
        assert!(read(&world, &changed).is_err(), "byte {place} of {}", bytes.len());
    }
}

#[test]
fn parts_of_two_backups_are_not_one() {
    let world = world(4);
    let (first, second) = (back_up(&world), back_up(&world));
    // The beginnings are as long, and so is everything after them.
    assert_eq!(first.len(), second.len());
    let half = first.len() / 2;
    let mixed = [&first[..half], &second[half..]].concat();
    assert!(read(&world, &mixed).is_err());
}

#[test]
fn another_root_key_and_a_later_format_are_named_as_the_reason() {
    let world = world(4);
    let mut bytes = back_up(&world);
    let backup = Backup::read(bytes.as_slice()).unwrap();
    let error = open(&world, backup.alone(), 2).err();
    assert_eq!(error, Some(SealedError::WrongRootKey { number: 1 }));
    bytes[19] = 2;
    assert!(read(&world, &bytes).unwrap_err().contains("has format 2"));
    assert!(read(&world, b"SQLite format 3\0 and so on").unwrap_err().contains("no backup"));
}

#[test]
fn a_snapshot_after_the_backup_is_not_in_it() {
    let world = world(4);
    let snapshot = pollster::block_on(world.records.snapshot());
    assert!(snapshot.is_ok());
    let bytes = back_up(&world);
    world.put(named("later", "later"));
    assert_eq!(read(&world, &bytes).unwrap().records, 4);
}

fn link(number: u64) -> Link {
    Link { number, seal: [7; 32] }
}

/// One of everything, with and without what may be absent.
fn samples() -> Vec<Chunk> {
    let full = Columns {
        owner: "alice".into(),
        policy: "default".into(),
        object_type: 2,
        state: Some(1),
        next_change_at: Some(DateTime(-1)),
        initial_date: DateTime(9),
        algorithm: Some(3),
        length: Some(256),
        usage_mask: Some(12),
        destroyed: true,
    };
    let bare = Columns {
        state: None,
        next_change_at: None,
        algorithm: None,
        length: None,
        usage_mask: None,
        destroyed: false,
        ..full.clone()
    };
    let entry = |name: &str, columns, spent| -> Entry {
        let record = Record {
            columns,
            terms: vec![Term { attribute: 0x42_0053, value: vec![1, 2] }],
            sealed: Sealed { key: 2, bytes: vec![3, 4, 5] },
            spent,
        };
        let stored = Stored { value: Arc::new(record), revision: Revision(8) };
        (UniqueIdentifier::new(name), stored)
    };
    let spent = Spent { amount: 6, seal: Some([9; 32]) };
    let block = AuditBlock {
        node: "here".into(),
        link: link(4),
        events: 1,
        last_at: DateTime(11),
        bytes: vec![1, 0],
    };
    let anchor = Anchor { node: "here".into(), link: link(3), seal: [8; 32] };
    vec![
        Chunk::Anchors(vec![anchor]),
        Chunk::Blocks(vec![block]),
        Chunk::Records(vec![entry("a", full, spent), entry("b", bare, Spent::default())]),
        Chunk::End(Contents { records: 2, blocks: 1, anchors: 1, keys: 1 }),
    ]
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn the_layout_of_format_1_is_what_it_always_was() {
    let keys = [WrappedKey { number: 1, wrapped: vec![1, 2, 3] }];
    let header = layout::write_header(&about(), &[5; 4], &keys);
    let mut lines = vec![hex(&header)];
    lines.extend(samples().iter().map(|chunk| hex(&chunk.write())));
    let golden = include_str!("../../tests/golden/backup-v1-layout.hex");
    assert_eq!(lines.join("\n"), golden.trim_end());
    let (read_about, id, read_keys) = layout::header(&header).unwrap();
    assert_eq!((read_about, id, read_keys), (about(), vec![5; 4], keys.to_vec()));
    for chunk in samples() {
        let bytes = chunk.write();
        let again = Chunk::read(&bytes).expect("what was written can be read");
        assert_eq!(again.write(), bytes);
        for length in 0..bytes.len() {
            assert!(Chunk::read(&bytes[..length]).is_none());
        }
        assert!(Chunk::read(&[bytes.as_slice(), &[0]].concat()).is_none());
    }
}

#[test]
fn no_bytes_are_too_strange_to_be_refused() {
    let header = layout::write_header(&about(), &[5; 4], &[]);
    let mut all: Vec<Vec<u8>> = samples().iter().map(Chunk::write).collect();
    all.push(header);
    for bytes in all {
        for place in 0..bytes.len() {
            for strange in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[place] = strange;
                // What comes of it is no matter, as long as something does.
                let _ = Chunk::read(&changed);
                let _ = layout::header(&changed);
                let whole = [BEGINNING.as_slice(), &VERSION.to_be_bytes(), &changed].concat();
                let _ = Backup::read(whole.as_slice());
            }
        }
    }
}
