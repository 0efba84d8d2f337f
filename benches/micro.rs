//! What the parts of a request cost by themselves: the check of a token, the reading of a number, a customer as JSON, his
//! row read and made a customer again.
//!
//!     cargo bench --package benches --bench micro

#![expect(clippy::expect_used, reason = "a benchmark says what is wrong by panicking")]

use std::hint::black_box;

use adapters_diesel::{DatabaseUrl, connect};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{
    Change, ConfirmationPolicy, ConfirmationToken, CountryCode, Customer, CustomerId, EventId, Moment, NewCustomer,
    NumberMemory, Phone, PhoneValidation, Profile, Timestamp,
};
use ports::Beside;
use uuid::Uuid;
use wire::Secrecy;

fn now() -> Timestamp {
    Timestamp::from_timestamp_millis(1_796_040_000_123).expect("a time")
}

fn moment() -> Moment {
    Moment { now: now(), event_id: EventId::from(Uuid::from_u128(2)) }
}

fn phone() -> Phone {
    let canada = CountryCode::parse("CA").expect("a country");
    Phone::read("+1 418 581 0827", canada, PhoneValidation::Valid).expect("a number")
}

fn token(digits: &str) -> ConfirmationToken {
    ConfirmationToken::parse(digits).expect("a token")
}

fn creation() -> Change {
    let new = NewCustomer { id: CustomerId::from(Uuid::from_u128(1)), phone: phone(), profile: Profile::default() };
    let memory = NumberMemory::default();
    let decision = Customer::create(new, &memory, token("042917"), moment(), &ConfirmationPolicy::default());
    decision.change.expect("nothing speaks against it")
}

fn benchmarks(criterion: &mut Criterion) {
    let created = creation();
    let (customer, policy) = (created.customer(), ConfirmationPolicy::default());
    for (name, token) in [("the right token", token("042917")), ("a wrong token", token("111111"))] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| black_box(customer).confirm(black_box(token), moment(), &policy));
        });
    }
    criterion.bench_function("a number", |bencher| bencher.iter(|| black_box(phone())));

    let mut group = criterion.benchmark_group("JSON");
    let json = || serde_json::to_string(&wire::Customer::new(black_box(customer), Secrecy::Shown)).expect("JSON");
    group.throughput(Throughput::Bytes(u64::try_from(json().len()).expect("short")));
    group.bench_function("a customer", |bencher| bencher.iter(json));
    group.finish();

    let directory = tempfile::tempdir().expect("a directory");
    let url = DatabaseUrl::parse(&format!("sqlite:{}", directory.path().join("micro.db").display())).expect("a URL");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let database = runtime.block_on(async {
        let database = connect(&url).await.expect("a database");
        database.migrate().await.expect("a schema");
        database.customers.save(&created, Beside::default()).await.expect("a row");
        database
    });
    // With the hand-over to the database's thread and back, which is most of it for one caller.
    criterion.bench_function("a row by its id, alone", |bencher| {
        bencher.iter(|| runtime.block_on(database.customers.find(customer.id())).expect("a customer"));
    });
    criterion.bench_function("64 rows by their ids, together", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let finds: Vec<_> = (0..64)
                    .map(|_| {
                        let (customers, id) = (database.customers.clone(), customer.id());
                        tokio::spawn(async move { customers.find(id).await })
                    })
                    .collect();
                for find in finds {
                    black_box(find.await.expect("it ran").expect("a customer"));
                }
            });
        });
    });
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
