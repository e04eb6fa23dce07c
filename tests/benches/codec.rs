//! Benches of the codec: a Get is read, and its answer is written.

use criterion::{Criterion, criterion_group, criterion_main};
use kmip_model::{
    DateTime,
    enumeration::{ObjectType, Operation},
};
use kmip_operations::{
    message::{Outcome, ResponseItem, ResponseMessage},
    ops::{self, get},
};
use kmip_tests::{load::workload, population};
use kmip_ttlv::{
    Limits, Version,
    message::{request, response},
};
use std::{hint::black_box, time::Duration};

/// Made when the time of the population does not matter.
const NOW: i64 = 1_700_000_000;

fn answer() -> ResponseMessage {
    let stored = (0..100)
        .map(|number| population::object(number, 1_000, NOW))
        .find(|stored| {
            stored.object().is_some_and(|held| held.object_type() == ObjectType::SymmetricKey)
        })
        .expect("nine in ten are keys");
    let object = stored.object().expect("it was found by that").clone();
    let response = get::Response {
        object_type: object.object_type(),
        unique_identifier: stored.identifier().clone(),
        object,
    };
    ResponseMessage {
        time_stamp: DateTime(NOW),
        client_correlation_value: None,
        server_correlation_value: None,
        measured: Vec::new(),
        items: vec![ResponseItem {
            operation: Some(Operation::Get),
            unique_batch_item_id: None,
            outcome: Outcome::Success(Box::new(ops::Response::Get(response))),
        }],
    }
}

fn codec(criterion: &mut Criterion) {
    let (message, limits, answer) =
        (workload::get(&population::identifier(1)), Limits::default(), answer());
    assert!(request::read(&message, &limits).is_ok(), "the message can be read");
    criterion.bench_function("codec/read Get", |bencher| {
        bencher.iter(|| request::read(black_box(&message), &limits).is_ok());
    });
    criterion.bench_function("codec/write the answer to Get", |bencher| {
        bencher.iter(|| response::write(Version::V1_4, black_box(&answer)));
    });
    criterion.bench_function("codec/read Get and write its answer", |bencher| {
        bencher.iter(|| {
            let read = request::read(black_box(&message), &limits).is_ok();
            (read, response::write(Version::V1_4, black_box(&answer)))
        });
    });
}

criterion_group! {
    name = benches;
    // Many short samples: most of them are over before another program gets the processor.
    config = Criterion::default().sample_size(300).measurement_time(Duration::from_secs(1));
    targets = codec
}
criterion_main!(benches);
