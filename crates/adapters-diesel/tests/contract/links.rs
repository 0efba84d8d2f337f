//! Links to the customer's own pages.

use chrono::TimeDelta;
use domain::{Customer, Link, LinkId, LinkPolicy, LinkPurpose};
use ports::{DetachedCard, Digest, StoredLink};

use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_number, fresh_uuid, new_card, new_customer, with_card};

crate::on_both_databases!(
    a_customer_without_links_has_none,
    links_are_found_as_they_were_issued,
    the_latest_link_of_each_purpose_is_the_one_of_the_highest_generation,
    of_many_who_issue_the_next_link_all_get_the_same,
    long_expired_links_of_the_customer_are_forgotten_and_nobody_elses,
    what_was_begun_with_a_link_that_is_forgotten_is_ended_unless_it_brought_the_card,
    nothing_issued_is_nothing_stored,
    a_setup_is_noted_at_its_link_alone,
    a_setup_takes_the_place_of_the_one_that_it_replaces_and_of_no_other,
    of_many_setups_of_one_link_all_get_the_one_that_was_noted_first,
    of_many_setups_that_replace_one_all_get_the_one_that_was_noted_first,
    at_no_link_nothing_is_noted,
);

fn digest() -> Digest {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&fresh_number().to_be_bytes());
    Digest(bytes)
}

fn next(customer: &Customer, last: Option<&Link>, purpose: LinkPurpose, seconds: i64) -> StoredLink {
    let id = LinkId::from(fresh_uuid());
    let link = Link::next(last, id, customer.id(), purpose, at(seconds), &LinkPolicy::default());
    StoredLink { link, code: digest() }
}

fn one_of_each(customer: &Customer, seconds: i64) -> Vec<StoredLink> {
    LinkPurpose::ALL.map(|purpose| next(customer, None, purpose, seconds)).into()
}

async fn a_customer_without_links_has_none(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    assert_eq!(db.database.links.latest(customer.id()).await.unwrap(), []);
    assert_eq!(db.database.links.find_by_code(&digest()).await.unwrap(), None);
}

async fn links_are_found_as_they_were_issued(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let mut links = one_of_each(&customer, 0);
    links[1].link.revoked_at = Some(at(1));
    links.rotate_left(1);
    assert_eq!(db.database.links.issue(links.clone(), at(0)).await.unwrap(), links, "in the order of the asking");
    for stored in &links {
        assert_eq!(db.database.links.find_by_code(&stored.code).await.unwrap().as_ref(), Some(&stored.link));
    }
    let latest = db.database.links.latest(customer.id()).await.unwrap();
    assert_eq!(latest.len(), 3);
    assert!(links.iter().all(|link| latest.contains(link)));
}

async fn the_latest_link_of_each_purpose_is_the_one_of_the_highest_generation(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let mut last = next(&customer, None, LinkPurpose::Card, 0);
    let billing = next(&customer, None, LinkPurpose::BillingAddress, 0);
    db.database.links.issue(vec![last.clone(), billing.clone()], at(0)).await.unwrap();
    for seconds in 1..12 {
        last = next(&customer, Some(&last.link), LinkPurpose::Card, seconds);
        db.database.links.issue(vec![last.clone()], at(0)).await.unwrap();
    }
    assert_eq!(last.link.generation, 12, "a number, not a text");
    let latest = db.database.links.latest(customer.id()).await.unwrap();
    assert_eq!(latest.len(), 2);
    assert!(latest.contains(&last) && latest.contains(&billing));
}

async fn of_many_who_issue_the_next_link_all_get_the_same(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let issues: Vec<_> = (0..16)
        .map(|index| {
            let (links, mut wanted) = (db.database.links.clone(), one_of_each(&customer, 0));
            // Not all ask in one order.
            wanted.rotate_left(index % 3);
            tokio::spawn(async move {
                let purposes: Vec<_> = wanted.iter().map(|stored| stored.link.purpose).collect();
                let issued = links.issue(wanted, at(0)).await.unwrap();
                assert_eq!(issued.iter().map(|stored| stored.link.purpose).collect::<Vec<_>>(), purposes);
                issued
            })
        })
        .collect();
    let latest = db.database.links.latest(customer.id());
    let mut answers = Vec::new();
    for issue in issues {
        answers.extend(issue.await.unwrap());
    }
    drop(latest);
    let latest = db.database.links.latest(customer.id()).await.unwrap();
    assert_eq!((latest.len(), answers.len()), (3, 48));
    assert!(answers.iter().all(|issued| latest.contains(issued)));
}

async fn long_expired_links_of_the_customer_are_forgotten_and_nobody_elses(db: Fixture) {
    let [customer, other] = [db.save(&creation(new_customer())).await, db.save(&creation(new_customer())).await];
    let old = next(&customer, None, LinkPurpose::Card, 0);
    let others = next(&other, None, LinkPurpose::Card, 0);
    db.database.links.issue(vec![old.clone()], at(0)).await.unwrap();
    db.database.links.issue(vec![others.clone()], at(0)).await.unwrap();
    let new = next(&customer, Some(&old.link), LinkPurpose::Card, 5_000);
    let end = old.link.expires_at;
    let kept = db.database.links.issue(vec![new.clone()], end).await.unwrap();
    assert_eq!(kept.first(), Some(&new));
    assert!(db.database.links.find_by_code(&old.code).await.unwrap().is_some(), "it expired just then, not before");
    db.database.links.issue(vec![new.clone()], end + TimeDelta::milliseconds(1)).await.unwrap();
    assert_eq!(db.database.links.find_by_code(&old.code).await.unwrap(), None);
    assert_eq!(db.database.links.latest(customer.id()).await.unwrap(), [new]);
    assert_eq!(db.database.links.latest(other.id()).await.unwrap(), [others]);
}

async fn what_was_begun_with_a_link_that_is_forgotten_is_ended_unless_it_brought_the_card(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let card = new_card("test", 1);
    let customer = db.save(&with_card(&customer, None, Some(card.clone()), 1)).await;
    let known = "cus_1".to_owned();
    db.database.provider_customers.keep_provider_customer(customer.id(), "test", None, known).await.unwrap();
    let mut last = None;
    for (setup, seconds) in [("seti_lost", 0), (card.parts().setup.as_str(), 1), ("seti_late", 2)] {
        let stored = next(&customer, last.as_ref(), LinkPurpose::Card, seconds);
        db.database.links.issue(vec![stored.clone()], at(0)).await.unwrap();
        bind(&db, stored.link.id, None, setup).await;
        last = Some(stored.link);
    }
    let last = last.unwrap();
    let queued =
        async || db.database.detachments.take_due_detachments("test", at(99_999), at(99_999), 9).await.unwrap();
    let new = next(&customer, Some(&last), LinkPurpose::Card, 5_000);
    db.database.links.issue(vec![new], last.expires_at).await.unwrap();
    let setups: Vec<_> = queued().await.into_iter().map(|queued| queued.card).collect();
    assert_eq!(setups, [DetachedCard::OfSetup("seti_lost".to_owned())]);
}

async fn nothing_issued_is_nothing_stored(db: Fixture) {
    assert_eq!(db.database.links.issue(Vec::new(), at(0)).await.unwrap(), []);
}

/// Issues a link to the card and one to an address.
async fn issued(db: &Fixture) -> [StoredLink; 2] {
    let customer = db.save(&creation(new_customer())).await;
    let links = [LinkPurpose::Card, LinkPurpose::BillingAddress].map(|purpose| next(&customer, None, purpose, 0));
    db.database.links.issue(links.to_vec(), at(0)).await.unwrap();
    links
}

async fn bind(db: &Fixture, id: LinkId, replaces: Option<&str>, setup: &str) -> Option<String> {
    db.database.links.bind_card_setup(id, replaces.map(str::to_owned), setup.to_owned()).await.unwrap()
}

async fn a_setup_is_noted_at_its_link_alone(db: Fixture) {
    let [stored, other] = issued(&db).await;
    assert_eq!(bind(&db, stored.link.id, None, "seti_1").await.as_deref(), Some("seti_1"));
    let noted = Link { card_setup: Some("seti_1".to_owned()), ..stored.link.clone() };
    assert_eq!(db.database.links.find_by_code(&stored.code).await.unwrap(), Some(noted.clone()));
    let latest = db.database.links.latest(noted.customer_id).await.unwrap();
    assert_eq!(latest, [other, StoredLink { link: noted.clone(), code: stored.code }]);
    let again = db.database.links.issue(vec![stored.clone()], at(0)).await.unwrap();
    assert_eq!(again, [StoredLink { link: noted, code: stored.code }], "who issues it again takes nothing away");
}

async fn a_setup_takes_the_place_of_the_one_that_it_replaces_and_of_no_other(db: Fixture) {
    let [stored, _] = issued(&db).await;
    let id = stored.link.id;
    assert_eq!(bind(&db, id, None, "seti_1").await.as_deref(), Some("seti_1"));
    assert_eq!(bind(&db, id, None, "seti_2").await.as_deref(), Some("seti_1"), "the first stays");
    assert_eq!(bind(&db, id, None, "seti_1").await.as_deref(), Some("seti_1"));
    assert_eq!(bind(&db, id, Some("seti_1"), "seti_2").await.as_deref(), Some("seti_2"));
    assert_eq!(bind(&db, id, Some("seti_1"), "seti_3").await.as_deref(), Some("seti_2"), "it is replaced already");
    let found = db.database.links.find_by_code(&stored.code).await.unwrap().unwrap();
    assert_eq!(found.card_setup.as_deref(), Some("seti_2"));
}

/// Sixteen at once, in two processes, note a setup each over `replaces`; all are told of the same one.
async fn expect_one_setup(db: &Fixture, stored: &StoredLink, replaces: Option<&str>) {
    let (id, second) = (stored.link.id, db.second().await);
    let binds: Vec<_> = (0..16)
        .map(|number| {
            let links = if number % 2 == 0 { &db.database.links } else { &second.links };
            let (links, replaces) = (links.clone(), replaces.map(str::to_owned));
            tokio::spawn(
                async move { links.bind_card_setup(id, replaces, format!("seti_new_{number}")).await.unwrap() },
            )
        })
        .collect();
    let mut answers = Vec::new();
    for bind in binds {
        answers.push(bind.await.unwrap());
    }
    let noted = db.database.links.find_by_code(&stored.code).await.unwrap().unwrap().card_setup;
    assert!(noted.as_ref().is_some_and(|noted| noted.starts_with("seti_new_")), "{noted:?}");
    assert!(answers.iter().all(|answer| *answer == noted), "{answers:?}");
}

async fn of_many_setups_of_one_link_all_get_the_one_that_was_noted_first(db: Fixture) {
    let [stored, _] = issued(&db).await;
    expect_one_setup(&db, &stored, None).await;
}

async fn of_many_setups_that_replace_one_all_get_the_one_that_was_noted_first(db: Fixture) {
    let [stored, _] = issued(&db).await;
    bind(&db, stored.link.id, None, "seti_1").await;
    expect_one_setup(&db, &stored, Some("seti_1")).await;
}

async fn at_no_link_nothing_is_noted(db: Fixture) {
    let [stored, other] = issued(&db).await;
    let unknown = LinkId::from(fresh_uuid());
    for replaces in [None, Some("seti_1")] {
        assert_eq!(bind(&db, unknown, replaces, "seti_2").await, None);
    }
    assert_eq!(db.database.links.latest(stored.link.customer_id).await.unwrap(), [other, stored]);
}
