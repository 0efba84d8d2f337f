//! That there is something new: heard in the process at once, and on PostgreSQL in others too.

use std::pin::pin;
use std::time::{Duration, Instant};

use adapters_diesel::{Database, DatabaseUrl, connect};
use test_support::FaultProxy;
use tokio::time::timeout;

use crate::fixture::Fixture;

crate::on_both_databases!(
    what_is_announced_wakes_everybody_who_waits,
    what_was_announced_before_the_wait_is_not_missed,
    each_announcement_counts,
    who_listens_hears_his_own_announcements_as_before,
);

/// What somebody who is told is told within.
const BOUND: Duration = Duration::from_secs(10);

async fn what_is_announced_wakes_everybody_who_waits(db: Fixture) {
    let signal = db.database.signal.clone();
    let count = signal.count();
    let mut waiting = pin!(async { tokio::join!(signal.heard(count), signal.heard(count), signal.heard(count)) });
    // They are looked at once, and wait.
    tokio::select! {
        biased;
        heard = &mut waiting => panic!("nothing was said: {heard:?}"),
        () = std::future::ready(()) => {}
    }
    let elsewhere = db.database.clone();
    std::thread::spawn(move || elsewhere.signal.announce()).join().unwrap();
    let heard = timeout(BOUND, waiting).await.unwrap();
    assert_eq!(heard, (count + 1, count + 1, count + 1));
}

async fn what_was_announced_before_the_wait_is_not_missed(db: Fixture) {
    let signal = &db.database.signal;
    let count = signal.count();
    signal.announce();
    signal.announce();
    assert_eq!(timeout(BOUND, signal.heard(count)).await.unwrap(), count + 2);
    assert_eq!(timeout(BOUND, signal.heard(count + 1)).await.unwrap(), count + 2);
}

async fn each_announcement_counts(db: Fixture) {
    let signal = db.database.signal.clone();
    let count = signal.count();
    let tellers: Vec<_> = (0..8)
        .map(|_| {
            let signal = signal.clone();
            tokio::spawn(async move { (0..100).for_each(|_| signal.announce()) })
        })
        .collect();
    let mut heard = count;
    while heard < count + 800 {
        let now = timeout(BOUND, signal.heard(heard)).await.unwrap();
        assert!(now > heard);
        heard = now;
    }
    for teller in tellers {
        teller.await.unwrap();
    }
    assert_eq!(signal.count(), count + 800);
}

async fn who_listens_hears_his_own_announcements_as_before(db: Fixture) {
    let listening = db.database.listen();
    let count = db.database.signal.count();
    db.database.signal.announce();
    assert_eq!(timeout(BOUND, db.database.signal.heard(count)).await.unwrap(), count + 1);
    drop(listening);
    db.database.signal.announce();
    assert_eq!(timeout(BOUND, db.database.signal.heard(count + 1)).await.unwrap(), count + 2);
}

/// Announces again and again until another process hears it: both begin to listen some time after they were told to.
async fn until_heard(teller: &Database, hearer: &Database) {
    let (count, start) = (hearer.signal.count(), Instant::now());
    loop {
        teller.signal.announce();
        if timeout(Duration::from_millis(50), hearer.signal.heard(count)).await.is_ok() {
            return;
        }
        assert!(start.elapsed() < BOUND, "nothing is heard");
    }
}

#[tokio::test]
async fn another_process_hears_it_on_postgresql() {
    let db = Fixture::postgresql().await;
    let (other, deaf) = (db.second().await, db.second().await);
    let _listening = (db.database.listen(), other.listen());
    until_heard(&db.database, &other).await;
    until_heard(&other, &db.database).await;
    assert_eq!(deaf.signal.count(), 0, "who does not listen hears nothing");
}

#[tokio::test]
async fn a_connection_that_was_cut_is_made_again_and_listens() {
    let db = Fixture::postgresql().await;
    let proxy = FaultProxy::before_database(db.raw_url());
    let behind = connect(&DatabaseUrl::parse(&proxy.url(db.raw_url())).unwrap()).await.unwrap();
    let _listening = (db.database.listen(), behind.listen());
    until_heard(&db.database, &behind).await;
    for _ in 0..2 {
        proxy.cut();
        // Meanwhile it hears itself.
        let count = behind.signal.count();
        behind.signal.announce();
        assert!(timeout(BOUND, behind.signal.heard(count)).await.unwrap() > count);
        proxy.mend();
        // More often than what had come through before the cut could account for.
        for _ in 0..3 {
            until_heard(&db.database, &behind).await;
        }
        until_heard(&behind, &db.database).await;
    }
}

#[tokio::test]
async fn who_stops_listening_closes_his_connection() {
    let db = Fixture::postgresql().await;
    let other = db.second().await;
    let listening = other.listen();
    let _listening = db.database.listen();
    until_heard(&db.database, &other).await;
    let connections = "SELECT count(*) AS number FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'customers'";
    assert_eq!(db.number(connections), 2, "two that listen, and nothing else was asked for");
    drop(listening);
    let start = Instant::now();
    while db.number(connections) > 1 {
        assert!(start.elapsed() < BOUND, "it is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
