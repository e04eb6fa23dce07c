//! Rotations of a store that is open, and what opens it afterwards.

use std::{path::Path, sync::Arc};

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet},
    enumeration::OpaqueDataType,
    object::Object,
};
use kmip_ports::store::{ChangeSet, ObjectStore as _, Revision, Stored};
use tempfile::TempDir;

use super::*;
use crate::{
    config::{PassphraseCost, RootKey},
    wire::storage::{Creation, Storage},
};

/// A store in a directory of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("keys/root.key")
    }

    fn section(&self) -> RootKey {
        RootKey { file: Some(self.key().display().to_string()), ..RootKey::default() }
    }

    fn config(&self, root_key: RootKey) -> Config {
        let url = format!("sqlite:{}", self.0.path().join("data/kmip-app.db").display());
        let storage = config::Storage { url, ..config::Storage::default() };
        Config { storage, root_key, ..Config::default() }
    }

    async fn open(&self, root_key: RootKey) -> Result<Storage, String> {
        let opened = Storage::open(&self.config(root_key), Creation::First).await;
        opened.map_err(|report| report.to_string())
    }

    /// Makes the store, with objects in it.
    async fn filled(&self) -> Storage {
        let storage = self.open(self.section()).await.unwrap();
        for number in 0..3 {
            put(&storage, number).await;
        }
        storage
    }
}

fn object(number: u32) -> ManagedObject {
    let mut attributes = AttributeSet::default();
    attributes.set(Attribute::InitialDate(DateTime(1)));
    let held = Object::OpaqueObject {
        opaque_data_type: OpaqueDataType(1),
        opaque_data_value: Material::new(number.to_be_bytes().to_vec()),
    };
    ManagedObject::new(UniqueIdentifier::new(number.to_string()), "alice", held, attributes)
}

async fn put(storage: &Storage, number: u32) {
    let value = Arc::new(object(number));
    let identifier = value.identifier().clone();
    let stored = Stored { value, revision: Revision(0) };
    let changes = ChangeSet { put: vec![(identifier, stored)], ..ChangeSet::default() };
    storage.store.apply(changes).await.unwrap();
}

async fn assert_readable(storage: &Storage) {
    for number in 0..3 {
        let identifier = UniqueIdentifier::new(number.to_string());
        let stored = storage.store.load(&identifier).await.unwrap().unwrap();
        assert_eq!(*stored.value, object(number));
    }
}

async fn rotate_all(storage: &Storage, section: &RootKey) -> Result<Rotation, String> {
    let rotation =
        rotate(&storage.store, storage.root_key.as_ref(), section, Rotate::Change, &mut |_| {})
            .await;
    rotation.map_err(|report| report.to_string())
}

/// A passphrase that costs as little as may be.
fn passphrase(file: &Path) -> RootKey {
    RootKey {
        passphrase_file: Some(file.display().to_string()),
        passphrase_cost: PassphraseCost { memory_kib: 19_456, passes: 2, lanes: 1 },
        ..RootKey::default()
    }
}

#[tokio::test]
async fn a_root_key_in_a_file_is_made_anew_in_its_place() {
    let place = Place::new();
    let storage = place.filled().await;
    let before = std::fs::read(place.key()).unwrap();
    let rotation = rotate_all(&storage, &place.section()).await.unwrap();
    assert_eq!((rotation.data_key, rotation.anew.sealed), (Some(2), 3));
    let old = rotation.kept.clone().unwrap();
    assert_eq!(std::fs::read(&old).unwrap(), before);
    assert_ne!(std::fs::read(place.key()).unwrap(), before);
    assert!(rotation.to_string().contains("backups made under it"));
    assert_readable(&storage).await;
    storage.close().await;

    let storage = place.open(place.section()).await.unwrap();
    assert_readable(&storage).await;
    let status = status(&storage.store, storage.root_key.as_ref()).await.unwrap();
    assert!(status.ring.opens() && status.ring.left() == 0);
    let text = status.to_string();
    assert!(text.contains("data key 2: opened by the root key, 3 records, seals"), "{text}");
    assert!(text.contains("sealing anew: complete"), "{text}");
    storage.close().await;

    // The old root key alone opens nothing any more.
    let section = RootKey { file: Some(old.display().to_string()), ..RootKey::default() };
    let refused = place.open(section).await.err().unwrap();
    assert!(refused.contains("another root key (data key 1 does not unwrap)"), "{refused}");
}

#[tokio::test]
async fn a_rotation_that_ended_before_the_file_was_swapped_ends_at_the_next_start() {
    let place = Place::new();
    let storage = place.filled().await;
    let before = std::fs::read(place.key()).unwrap();
    let beside = root_key::new_beside(&place.key());
    let new = root_key::create(&beside, crypto::at_rest()).unwrap();
    let made = std::fs::read(&beside).unwrap();
    storage.close().await;

    // Made, and not used yet: the old one opens, and the new one waits.
    let storage = place.open(place.section()).await.unwrap();
    assert_eq!(std::fs::read(place.key()).unwrap(), before);
    assert!(beside.exists());
    storage.store.change_root_key(new).await.unwrap();
    storage.close().await;

    let storage = place.open(place.section()).await.unwrap();
    assert_eq!(std::fs::read(place.key()).unwrap(), made);
    assert!(!beside.exists());
    assert_readable(&storage).await;
    let shown = status(&storage.store, storage.root_key.as_ref()).await.unwrap();
    assert_eq!(shown.ring.left(), 3);
    assert!(shown.to_string().contains("3 records are left"), "{shown}");
    // What is left is sealed anew without anybody asking.
    storage.go_on_sealing().unwrap().await.unwrap();
    assert_eq!(status(&storage.store, storage.root_key.as_ref()).await.unwrap().ring.left(), 0);
    assert_readable(&storage).await;
    storage.close().await;
}

#[tokio::test]
async fn a_rotation_that_was_prepared_takes_the_key_that_lies_there() {
    let place = Place::new();
    let storage = place.filled().await;
    let beside = root_key::new_beside(&place.key());
    root_key::create(&beside, crypto::at_rest()).unwrap();
    let prepared = std::fs::read(&beside).unwrap();
    rotate_all(&storage, &place.section()).await.unwrap();
    assert_eq!(std::fs::read(place.key()).unwrap(), prepared);
    storage.close().await;
}

#[tokio::test]
async fn the_root_key_can_become_a_passphrase_and_a_file_again() {
    let place = Place::new();
    let storage = place.filled().await;
    let file = place.0.path().join("passphrase");
    kmip_host::secret_file::create(&file, &b"correct horse battery"[..].into()).unwrap();
    let to_passphrase = RootKey { next: Some(passphrase(&file).into()), ..place.section() };
    let rotation = rotate_all(&storage, &to_passphrase).await.unwrap();
    assert!(rotation.to_string().contains("now make it the root key"), "{rotation}");
    storage.close().await;

    // Both configurations open it: the one with the next root key, and the one after it.
    for section in [to_passphrase, passphrase(&file)] {
        let storage = place.open(section).await.unwrap();
        assert_readable(&storage).await;
        storage.close().await;
    }
    assert!(place.open(place.section()).await.is_err());

    let other = place.0.path().join("keys/other.key");
    let next = RootKey { file: Some(other.display().to_string()), ..RootKey::default() };
    let to_file = RootKey { next: Some(next.clone().into()), ..passphrase(&file) };
    let storage = place.open(to_file.clone()).await.unwrap();
    rotate_all(&storage, &to_file).await.unwrap();
    storage.close().await;
    let storage = place.open(next).await.unwrap();
    assert_readable(&storage).await;
    storage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_served_while_the_root_key_changes() {
    const ROTATIONS: usize = 3;
    const MORE: u32 = 120;
    let place = Place::new();
    let storage = Arc::new(place.filled().await);
    let writer = Arc::clone(&storage);
    let writing = tokio::spawn(async move {
        for number in 3..MORE {
            put(&writer, number).await;
            assert_readable(&writer).await;
        }
    });
    for _ in 0..ROTATIONS {
        let rotation = rotate_all(&storage, &place.section()).await.unwrap();
        assert!(rotation.anew.damaged.is_empty() && rotation.anew.left == 0);
        assert_readable(&storage).await;
    }
    writing.await.unwrap();
    storage.close().await;
    let storage = place.open(place.section()).await.unwrap();
    for number in 0..MORE {
        let identifier = UniqueIdentifier::new(number.to_string());
        let stored = storage.store.load(&identifier).await.unwrap().unwrap();
        assert_eq!(*stored.value, object(number));
    }
    let ring = status(&storage.store, storage.root_key.as_ref()).await.unwrap().ring;
    assert_eq!((ring.keys.len(), ring.homeless, ring.opens()), (1 + ROTATIONS, 0, true));
    storage.close().await;
}

#[tokio::test]
async fn a_rotation_to_nowhere_or_to_the_same_is_refused() {
    let place = Place::new();
    let storage = place.filled().await;
    let same = RootKey { next: Some(place.section().into()), ..place.section() };
    let refused = rotate_all(&storage, &same).await.unwrap_err();
    assert!(refused.contains("already"), "{refused}");
    storage.close().await;

    let file = place.0.path().join("passphrase");
    kmip_host::secret_file::create(&file, &b"correct horse battery"[..].into()).unwrap();
    let elsewhere = Place::new();
    // A root key that is not in a file cannot tell whether this is the first start.
    assert!(elsewhere.open(passphrase(&file)).await.err().unwrap().contains("--create-store"));
    let config = elsewhere.config(passphrase(&file));
    let storage = Storage::open(&config, Creation::Asked).await.unwrap();
    let refused = rotate_all(&storage, &passphrase(&file)).await.unwrap_err();
    assert!(refused.contains("[root_key.next]"), "{refused}");
    storage.close().await;
}
