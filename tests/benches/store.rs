//! Benches of the sealed store over SQLite: a record from the cache and from the file, one change and
//! 64 at once, and a search by Name among ten thousand objects, from its terms to its answer.

use std::{hint::black_box, path::Path, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kmip_host::FileRootKey;
use kmip_model::{
    DateTime, Principal, UniqueIdentifier,
    attribute::{Attribute, AttributeReference, Name},
    enumeration::Tag,
    locate::{Filter, Locate},
    policy::Policies,
};
use kmip_ports::{
    record::AtRestCipher,
    store::{ChangeSet, ObjectStore as _, Revision, Stored},
};
use kmip_sealed::{AuditReads, Backing, Opening, SealedStore, WhenEmpty};
use kmip_sql::{Location, Options, SqliteRecords};
use kmip_tests::{population, server::Directory};
use kmip_ttlv::StoredForm;
use tokio::{runtime::Runtime, task::JoinSet};

const OBJECTS: u64 = 10_000;
const NOW: i64 = 1_700_000_000;

/// A store and what it is kept in, which must be closed before it is opened again.
struct Opened {
    store: Arc<SealedStore>,
    records: Arc<SqliteRecords>,
}

async fn open(directory: &Path, cache_bytes: Option<u64>) -> Opened {
    let cipher: Arc<dyn AtRestCipher> = Arc::new(kmip_aws_lc::at_rest());
    let root_key = FileRootKey::load(&directory.join("root.key"), Arc::clone(&cipher));
    let mut options = Options::new(Location::File(directory.join("kmip-app.db")));
    options.cache_bytes = cache_bytes.unwrap_or(options.cache_bytes);
    let records = Arc::new(SqliteRecords::open(&options).await.expect("init made it"));
    let opening = Opening {
        when_empty: WhenEmpty::Refuse,
        node: format!("bench-{cache_bytes:?}"),
        audit_reads: AuditReads::Off,
    };
    let (backing, form) = (Backing::of(&records), Arc::new(StoredForm));
    let root_key = Arc::new(root_key.expect("init made it"));
    let store = SealedStore::open(backing, cipher, root_key, form, opening).await;
    Opened { store: Arc::new(store.expect("it is as init made it")), records }
}

fn changes(numbers: impl Iterator<Item = u64>) -> ChangeSet {
    let mut changes = ChangeSet::default();
    for number in numbers {
        let object = population::object(number, OBJECTS, NOW);
        let identifier = object.identifier().clone();
        let stored = Stored { value: Arc::new(object), revision: Revision::default() };
        changes.put.push((identifier, stored));
    }
    changes
}

/// Applies changes at once, so that they are committed together.
async fn apply(store: &Arc<SealedStore>, all: Vec<ChangeSet>) {
    let mut tasks = JoinSet::new();
    for changes in all {
        let store = Arc::clone(store);
        tasks.spawn(async move { store.apply(changes).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("it does not panic").expect("every object is new");
    }
}

fn by_name(number: u64) -> Locate {
    let attribute = Attribute::Name(Name::text(population::name(number)));
    Locate {
        filters: vec![Filter {
            reference: AttributeReference::Standard(Tag::Name),
            value: attribute.to_value(),
        }],
        ..Locate::default()
    }
}

/// Loads one object again and again.
fn load(criterion: &mut Criterion, name: &str, runtime: &Runtime, store: &SealedStore) {
    let identifier = UniqueIdentifier::new(population::identifier(1));
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let loaded = runtime.block_on(store.load(black_box(&identifier)));
            loaded.expect("the store is there").expect("the object is there")
        });
    });
}

fn store(criterion: &mut Criterion) {
    let directory = Directory::make();
    let runtime = Runtime::new().expect("a runtime can be made");
    let Opened { store, records } = runtime.block_on(open(&directory.path(), None));
    for from in (0..OBJECTS).step_by(1_000) {
        let changes = changes(from..from.saturating_add(1_000));
        runtime.block_on(store.apply(changes)).expect("they are new");
    }
    load(criterion, "store/load, cached", &runtime, &store);
    let visible = Policies::default().visible(&Principal::user(population::owner(5, OBJECTS)));
    let query = by_name(5);
    criterion.bench_function("store/locate by Name", |bencher| {
        bencher.iter(|| {
            let found = runtime.block_on(store.locate(&query, &visible, DateTime(NOW)));
            assert_eq!(found.expect("the store is there").items.len(), 1);
        });
    });
    let mut numbers = OBJECTS..;
    for count in [1, 64] {
        criterion.bench_function(&format!("store/apply, {count} at once"), |bencher| {
            bencher.iter_batched(
                || numbers.by_ref().take(count).map(|number| changes(number..=number)).collect(),
                |all| runtime.block_on(apply(&store, all)),
                BatchSize::SmallInput,
            );
        });
    }
    drop(store);
    runtime.block_on(records.close());
    let uncached = runtime.block_on(open(&directory.path(), Some(0)));
    load(criterion, "store/load, from the file", &runtime, &uncached.store);
    runtime.block_on(uncached.records.close());
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3));
    targets = store
}
criterion_main!(benches);
