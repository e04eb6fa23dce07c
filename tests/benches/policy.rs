//! Benches of the policy: one decision, and what a user may see in a search.

use criterion::{Criterion, criterion_group, criterion_main};
use kmip_model::{
    Principal,
    enumeration::{ObjectType, Operation},
    policy::{Policies, Question},
};
use std::{hint::black_box, time::Duration};

fn policy(criterion: &mut Criterion) {
    let policies = Policies::default();
    let mut principal = Principal::user("alice");
    let question = Question {
        policy: "default",
        owner: "alice",
        object_type: ObjectType::SymmetricKey,
        operation: Operation::Get,
    };
    assert!(policies.allows(&principal, &question), "owners get their keys");
    criterion.bench_function("policy/owner without groups", |bencher| {
        bencher.iter(|| policies.allows(black_box(&principal), &question));
    });
    criterion.bench_function("policy/what is visible", |bencher| {
        bencher.iter(|| policies.visible(black_box(&principal)));
    });
    principal.groups = Some((0..20).map(|number| format!("group-{number}")).collect());
    criterion.bench_function("policy/owner in 20 groups", |bencher| {
        bencher.iter(|| policies.allows(black_box(&principal), &question));
    });
}

criterion_group! {
    name = benches;
    // Many short samples: most of them are over before another program gets the processor.
    config = Criterion::default().sample_size(300).measurement_time(Duration::from_secs(1));
    targets = policy
}
criterion_main!(benches);
