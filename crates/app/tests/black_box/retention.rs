//! What is kept for a time only: customers who never confirm.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{DatabaseKind, TestReceiver};

use crate::errors::assert_problem;
use crate::world::{World, new_customer, number, path_of, token_of, until};

crate::on_both_databases!(
    who_never_confirms_is_erased_in_his_time_and_nobody_else,
    by_default_nobody_is_erased_by_time,
    who_confirms_at_the_last_moment_stays,
    several_processes_erase_each_once,
);

const SOON: Duration = Duration::from_mins(1);

fn who_never_confirms_is_erased_in_his_time_and_nobody_else(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_UNCONFIRMED_TTL", "1s")]);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    let confirmed = world.confirmed();
    let mut body = new_customer(&number());
    body["confirmation"] = json!(false);
    let trusted = world.http.post("/v1/customers", &body).json();
    let changing = world.confirmed();
    assert_eq!(world.change_number(&changing, &number()).status, 200);
    // More than are dealt with at once.
    let unconfirmed: Vec<Value> = (0..120).map(|_| world.create()).collect();
    until("they are erased", SOON, || {
        let held = world.database.count("SELECT id FROM customers WHERE phone_number IS NULL");
        (held == 0).then_some(())
    });
    for customer in &unconfirmed[118..] {
        assert_problem(&world.http.get(&path_of(customer)), 404, "customer_not_found", "he never confirmed");
        let again = world.http.post(&path_of(customer), &new_customer(&number()));
        assert_problem(&again, 409, "customer_id_taken", "he had it");
        let free =
            world.http.post("/v1/customers", &new_customer(customer["unconfirmed_phone_number"].as_str().unwrap()));
        assert_eq!(free.status, 201, "{free:?}");
        let last = world.events_of(customer).pop().unwrap();
        assert_eq!(last["type"], "customer.erased");
        let age = milliseconds(&last["timestamp"]) - milliseconds(&customer["created_at"]);
        assert!(age.rem_euclid(86_400_000) >= 1_000, "erased after {age} ms");
    }
    for customer in [&confirmed, &trusted, &changing] {
        assert_eq!(world.http.get(&path_of(customer)).status, 200);
    }
    let expected: BTreeSet<&str> = unconfirmed.iter().map(|customer| customer["id"].as_str().unwrap()).collect();
    receiver.until("each end is told", SOON, |requests| {
        let ends = requests.iter().map(test_support::Received::json).filter(|event| event["type"] == "customer.erased");
        let told: BTreeSet<String> =
            ends.map(|event| event["data"]["customer_id"].as_str().unwrap().to_owned()).collect();
        expected.iter().all(|id| told.contains(*id))
    });
}

/// The part of a time that is below a day, in milliseconds.
fn milliseconds(time: &Value) -> i64 {
    let time = time.as_str().unwrap();
    let [hours, minutes, seconds] = [11, 14, 17].map(|from| time[from..from + 2].parse::<i64>().unwrap());
    ((hours * 60 + minutes) * 60 + seconds) * 1000 + time[20..23].parse::<i64>().unwrap()
}

fn by_default_nobody_is_erased_by_time(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let customer = world.create();
    let years_ago = match kind {
        DatabaseKind::Sqlite => "UPDATE customers SET created_at = 1000",
        DatabaseKind::Postgresql => "UPDATE customers SET created_at = timestamptz 'epoch' + interval '1 s'",
    };
    world.database.execute(years_ago);
    // What a start looks for is looked for before its second round, which what is waited for below needs.
    world.service.kill();
    world.start_again();
    let other = world.confirmed();
    assert_eq!(world.delete(&path_of(&other)).status, 204);
    until("a round is over", SOON, || {
        (!world.database.dump().contains(&other["phone_number"].as_str().unwrap()[2..])).then_some(())
    });
    assert_eq!(world.http.get(&path_of(&customer)).status, 200);
}

fn who_confirms_at_the_last_moment_stays(kind: DatabaseKind) {
    // On a busy machine all may be too late before the first is confirmed: then they get more time.
    assert!(["1s", "4s", "16s"].into_iter().any(|ttl| some_confirm_at_the_last_moment(kind, ttl)));
}

/// Whether some of those who were confirmed while their time ran out were not too late.
fn some_confirm_at_the_last_moment(kind: DatabaseKind, ttl: &str) -> bool {
    let world = World::with(kind, &[("CUSTOMERS_UNCONFIRMED_TTL", ttl)]);
    let (mut stay, mut went) = (0, 0);
    let customers: Vec<Value> = (0..30).map(|_| world.create()).collect();
    for customer in &customers {
        let answer = until("he is told", SOON, || {
            // Each a little later than the one before, until they are too late.
            let answer = world.confirm(customer);
            (answer.status != 503).then_some(answer)
        });
        if answer.status == 200 {
            stay += 1;
        } else {
            assert_problem(&answer, 404, "customer_not_found", "he never confirmed");
            went += 1;
        }
        let object = world.http.get(&path_of(customer));
        assert_eq!(object.status, if answer.status == 200 { 200 } else { 404 }, "{object:?}");
        let events = world.events_of(customer);
        let last = if answer.status == 200 { "verification" } else { "customer.erased" };
        assert_eq!((events.len(), &events[1]["type"]), (2, &json!(last)));
        assert_eq!(token_of(customer).len(), 6);
    }
    assert_eq!(stay + went, 30);
    stay > 0
}

fn several_processes_erase_each_once(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_UNCONFIRMED_TTL", "1s")]);
    let _others = [world.another(), world.another()];
    let customers: Vec<Value> = (0..60).map(|_| world.create()).collect();
    until("they are erased", SOON, || (world.database.count("SELECT id FROM customers") == 0).then_some(()));
    for customer in &customers {
        assert_eq!(world.events_of(customer).len(), 2);
    }
    assert_eq!(world.database.count("SELECT id FROM erased_customers"), 60);
}
