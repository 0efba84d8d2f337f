//! What is old goes; what waits stays.

use serde_json::json;
use test_support::{Answering, DatabaseKind, TestReceiver};

use super::{SOON, deliveries, endpoint};
use crate::world::{World, until};

crate::on_both_databases!(
    events_that_nobody_waits_for_are_removed_after_their_time,
    what_a_deleted_endpoint_leaves_is_removed,
);

fn events_that_nobody_waits_for_are_removed_after_their_time(kind: DatabaseKind) {
    let world =
        World::with(kind, &[("CUSTOMERS_EVENT_RETENTION", "2s"), ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "24h,24h")]);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    for _ in 0..5 {
        world.create();
    }
    receiver.until_accepted(5, SOON);
    receiver.answer(Answering::Status(500));
    let waiting = world.create();
    let left = until("what was accepted is removed", SOON, || Some(world.events()).filter(|events| events.len() == 1));
    assert_eq!(left[0]["data"]["customer"]["id"], waiting["id"], "what an endpoint waits for stays");
    until("its deliveries too", SOON, || (deliveries(&world, &endpoint).len() == 1).then_some(()));
    assert_eq!(world.database.count("SELECT delivery_id FROM delivery_tries"), 1);
    assert_eq!(world.http.get(&crate::world::path_of(&waiting)).status, 200, "customers are not events");
}

fn what_a_deleted_endpoint_leaves_is_removed(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_EVENT_RETENTION", "10s")]);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    world.create();
    receiver.until_accepted(1, SOON);
    assert_eq!(world.http.send("DELETE", &endpoint, &[], "").status, 204);
    assert_eq!(world.http.get(&endpoint).json()["code"], json!("webhook_endpoint_not_found"));
    for table in ["deliveries", "delivery_tries", "webhook_endpoints"] {
        let rows = format!("SELECT * FROM {table}");
        until(table, SOON, || (world.database.count(&rows) == 0).then_some(()));
    }
    world.create();
    assert_eq!(receiver.count(), 1);
}
