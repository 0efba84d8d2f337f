//! The database goes away and comes back; the service stays.

use std::time::{Duration, Instant};

use test_support::{DatabaseKind, FaultProxy, TestDatabase};

use crate::world::{World, new_customer, number, path_of};

#[test]
fn while_the_database_is_gone_answers_are_503_in_bounded_time_and_then_all_is_well_again() {
    let database = TestDatabase::empty(DatabaseKind::Postgresql);
    let proxy = FaultProxy::before_database(database.url());
    let url = proxy.url(database.url());
    // What is wrong bears its request's id whatever the filter.
    let world = World::on(database, &url, &[("CUSTOMERS_LOG", "warn")]);
    let customer = path_of(&world.create());
    assert_eq!(world.http.get("/readyz").status, 200);

    proxy.cut();
    let page = world.service.client().get("/l/abcdefGHIJ12");
    assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")));
    for _ in 0..3 {
        let started = Instant::now();
        let answer = world.http.post("/v1/customers", &new_customer(&number()));
        assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("unavailable")), "{answer:?}");
        assert!(answer.header("retry-after").is_some());
        assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    }
    assert_eq!(world.http.get("/readyz").status, 503);
    world.until_logged("the reason", |logs| {
        logs.lines().any(|line| line.contains("request_id") && line.contains("the store is unavailable"))
    });
    assert_eq!(world.http.get("/healthz").status, 200, "the process is well");

    proxy.mend();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.http.get(&customer).status != 200 {
        assert!(Instant::now() < deadline, "it does not recover:\n{}", world.service.logs());
    }
    assert_eq!(world.http.post("/v1/customers", &new_customer(&number())).status, 201);
    assert_eq!(world.http.get("/readyz").status, 200);
}
