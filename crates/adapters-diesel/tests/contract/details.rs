//! What is kept beside the customer object, and what a save does with it in its one transaction.

use domain::{
    Address, AddressPurpose, Addresses, Card, CardParts, Customer, CustomerId, Link, LinkId, LinkPolicy, LinkPurpose,
};
use ports::{Beside, Detachment, Digest, SaveError, StoreError, StoredLink};

use crate::cards::cards;
use crate::fixture::Fixture;
use crate::making::{
    at, creation, fresh_number, fresh_uuid, full_address, new_card, new_customer, relocated, renamed, sparse_address,
    with_card,
};

crate::on_both_databases!(
    an_address_is_found_as_it_was_saved,
    an_address_takes_the_place_of_the_one_of_its_purpose_and_leaves_nothing_of_it,
    a_removed_address_is_gone_and_the_other_stays,
    a_card_is_found_as_it_was_saved_replaced_and_removed,
    a_stranger_has_neither_address_nor_card,
    what_is_saved_otherwise_leaves_addresses_and_card_alone,
    a_card_that_goes_is_queued_with_the_change,
    a_card_that_stays_is_not_queued,
    a_new_card_revokes_the_customers_links_to_the_card_and_no_others,
    what_is_no_new_card_revokes_nothing,
    of_a_change_that_is_refused_nothing_is_stored,
    of_a_change_of_which_a_part_cannot_be_stored_nothing_is,
    of_many_who_save_a_card_one_does_and_each_old_card_is_queued_once,
);

use AddressPurpose::{Billing, Shipping};

async fn addresses(db: &Fixture, id: CustomerId) -> (Option<Address>, Option<Address>) {
    let Addresses { billing, shipping } = db.database.customers.find_addresses(id).await.unwrap();
    (billing, shipping)
}

async fn card(db: &Fixture, id: CustomerId) -> Option<Card> {
    db.database.customers.find_card(id).await.unwrap()
}

/// What is queued at the provider `test`, however far ahead.
async fn queued(db: &Fixture) -> Vec<Detachment> {
    db.database.detachments.take_due_detachments("test", at(1_000_000), at(2_000_000), 100).await.unwrap()
}

async fn customer(db: &Fixture) -> Customer {
    db.save(&creation(new_customer())).await
}

async fn an_address_is_found_as_it_was_saved(db: Fixture) {
    for address in [full_address(), sparse_address()] {
        let (first, other) = (customer(&db).await, customer(&db).await);
        let first = db.save(&relocated(&first, Shipping, Some(address.clone()), 1)).await;
        assert_eq!(addresses(&db, first.id()).await, (None, Some(address.clone())));
        let first = db.save(&relocated(&first, Billing, Some(sparse_address()), 2)).await;
        assert_eq!(addresses(&db, first.id()).await, (Some(sparse_address()), Some(address)));
        assert_eq!(addresses(&db, other.id()).await, (None, None), "nobody else's");
        assert_eq!(db.find(first.id()).await, Some(first));
    }
}

async fn an_address_takes_the_place_of_the_one_of_its_purpose_and_leaves_nothing_of_it(db: Fixture) {
    let first = customer(&db).await;
    let first = db.save(&relocated(&first, Billing, Some(full_address()), 1)).await;
    let first = db.save(&relocated(&first, Shipping, Some(full_address()), 2)).await;
    let first = db.save(&relocated(&first, Billing, Some(sparse_address()), 3)).await;
    assert_eq!(addresses(&db, first.id()).await, (Some(sparse_address()), Some(full_address())));
    assert_eq!(sparse_address().company(), None, "what the new one does not have is cleared");
    let rows = "(SELECT count(*) FROM addresses)";
    assert!(db.is_true(&format!("{rows} = 2")));
}

async fn a_removed_address_is_gone_and_the_other_stays(db: Fixture) {
    let [mut first, mut other] = [customer(&db).await, customer(&db).await];
    for customer in [&mut first, &mut other] {
        for (purpose, seconds) in [(Billing, 1), (Shipping, 2)] {
            *customer = db.save(&relocated(customer, purpose, Some(full_address()), seconds)).await;
        }
    }
    let first = db.save(&relocated(&first, Billing, None, 3)).await;
    assert_eq!(addresses(&db, first.id()).await, (None, Some(full_address())));
    assert_eq!(addresses(&db, other.id()).await, (Some(full_address()), Some(full_address())));
    // Removed again, by whoever did not see that it was gone.
    db.save(&relocated(&first, Billing, None, 4)).await;
    assert_eq!(addresses(&db, first.id()).await, (None, Some(full_address())));
}

async fn a_card_is_found_as_it_was_saved_replaced_and_removed(db: Fixture) {
    let [first, other] = [customer(&db).await, customer(&db).await];
    let long = "~".repeat(255);
    let extreme = Card::new(CardParts {
        provider: "another".to_owned(),
        payment_method: long.clone(),
        setup: long.clone(),
        brand: long,
        last4: "0000".to_owned(),
        exp_month: 1,
        exp_year: 9999,
        updated_at: at(7),
    })
    .unwrap();
    let (old, others) = (new_card("test", 1), new_card("test", 2));
    let first = db.save(&with_card(&first, None, Some(old.clone()), 1)).await;
    db.save(&with_card(&other, None, Some(others.clone()), 1)).await;
    assert_eq!(card(&db, first.id()).await.as_ref(), Some(&old));
    let first = db.save(&with_card(&first, Some(&old), Some(extreme.clone()), 2)).await;
    assert_eq!(card(&db, first.id()).await.as_ref(), Some(&extreme));
    let first = db.save(&with_card(&first, Some(&extreme), None, 3)).await;
    assert_eq!(card(&db, first.id()).await, None);
    assert_eq!(card(&db, other.id()).await, Some(others), "nobody else's");
    assert_eq!(db.find(first.id()).await, Some(first));
}

async fn a_stranger_has_neither_address_nor_card(db: Fixture) {
    let stranger = new_customer().id;
    assert_eq!(addresses(&db, stranger).await, (None, None));
    assert_eq!(card(&db, stranger).await, None);
}

async fn what_is_saved_otherwise_leaves_addresses_and_card_alone(db: Fixture) {
    let first = customer(&db).await;
    let kept = new_card("test", 1);
    let first = db.save(&with_card(&first, None, Some(kept.clone()), 1)).await;
    let first = db.save(&relocated(&first, Billing, Some(full_address()), 2)).await;
    let first = db.save(&renamed(&first, "Zoë", 3)).await;
    assert_eq!(addresses(&db, first.id()).await, (Some(full_address()), None));
    assert_eq!(card(&db, first.id()).await, Some(kept));
    assert_eq!(queued(&db).await, []);
}

async fn a_card_that_goes_is_queued_with_the_change(db: Fixture) {
    let first = customer(&db).await;
    let [replaced, removed] = [new_card("test", 1), new_card("test", 2)];
    let first = db.save(&with_card(&first, None, Some(replaced.clone()), 1)).await;
    let first = db.save(&with_card(&first, Some(&replaced), Some(removed.clone()), 2)).await;
    db.save(&with_card(&first, Some(&removed), None, 3)).await;
    let take = |now| db.database.detachments.take_due_detachments("test", at(now), at(100), 10);
    let taken = [take(1).await, take(2).await, take(3).await].map(Result::unwrap);
    let expected: [&[&Card]; 3] = [&[], &[&replaced], &[&removed]];
    for (taken, expected) in taken.iter().zip(expected) {
        let expected: Vec<_> = expected.iter().map(|card| card.parts().payment_method.as_str()).collect();
        assert_eq!(cards(taken), expected, "each is due from the change on");
        assert!(taken.iter().all(|taken| taken.tries == 0));
    }
}

async fn a_card_that_stays_is_not_queued(db: Fixture) {
    let first = customer(&db).await;
    let kept = new_card("test", 1);
    let first = db.save(&with_card(&first, None, Some(kept.clone()), 1)).await;
    let again = CardParts { setup: "seti_again".to_owned(), updated_at: at(2), ..kept.parts().clone() };
    let again = Card::new(again).unwrap();
    db.save(&with_card(&first, Some(&kept), Some(again.clone()), 2)).await;
    assert_eq!(card(&db, first.id()).await, Some(again));
    assert_eq!(queued(&db).await, []);
}

fn next(customer: &Customer, last: Option<&Link>, purpose: LinkPurpose, seconds: i64) -> StoredLink {
    let id = LinkId::from(fresh_uuid());
    let link = Link::next(last, id, customer.id(), purpose, at(seconds), &LinkPolicy::default());
    let mut code = [9; 32];
    code[..4].copy_from_slice(&fresh_number().to_be_bytes());
    StoredLink { link, code: Digest(code) }
}

async fn a_new_card_revokes_the_customers_links_to_the_card_and_no_others(db: Fixture) {
    let [first, other] = [customer(&db).await, customer(&db).await];
    // A link to the card lives for 900 seconds.
    let expired = next(&first, None, LinkPurpose::Card, 100);
    let older = next(&first, Some(&expired.link), LinkPurpose::Card, 101);
    let mut revoked = next(&first, Some(&older.link), LinkPurpose::Card, 800);
    revoked.link.revoked_at = Some(at(900));
    let newer = next(&first, Some(&revoked.link), LinkPurpose::Card, 1_000);
    let billing = next(&first, None, LinkPurpose::BillingAddress, 1_000);
    let shipping = next(&first, None, LinkPurpose::ShippingAddress, 1_000);
    let others = next(&other, None, LinkPurpose::Card, 1_000);
    let all = [expired, older, revoked, newer, billing, shipping, others];
    for link in &all {
        db.database.links.issue(vec![link.clone()], at(0)).await.unwrap();
    }
    db.save(&with_card(&first, None, Some(new_card("test", 1_000)), 1_000)).await;
    let mut ends = Vec::new();
    for stored in &all {
        let found = db.database.links.find_by_code(&stored.code).await.unwrap().unwrap();
        ends.push(found.revoked_at);
        assert_eq!(Link { revoked_at: stored.link.revoked_at, ..found }, stored.link, "nothing else of it changes");
    }
    let now = Some(at(1_000));
    assert_eq!(ends, [now, now, Some(at(900)), now, None, None, None], "by another clock the first lives yet");
}

async fn what_is_no_new_card_revokes_nothing(db: Fixture) {
    let first = customer(&db).await;
    let kept = new_card("test", 1);
    let first = db.save(&with_card(&first, None, Some(kept.clone()), 1)).await;
    let links = LinkPurpose::ALL.map(|purpose| next(&first, None, purpose, 2));
    db.database.links.issue(links.to_vec(), at(0)).await.unwrap();
    let first = db.save(&with_card(&first, Some(&kept), None, 3)).await;
    let first = db.save(&relocated(&first, Billing, Some(full_address()), 4)).await;
    db.save(&renamed(&first, "Zoë", 5)).await;
    assert_eq!(db.database.links.latest(first.id()).await.unwrap(), links);
}

async fn of_a_change_that_is_refused_nothing_is_stored(db: Fixture) {
    let first = customer(&db).await;
    let kept = new_card("test", 1);
    let before = db.save(&with_card(&first, None, Some(kept.clone()), 1)).await;
    let link = next(&before, None, LinkPurpose::Card, 2);
    db.database.links.issue(vec![link.clone()], at(0)).await.unwrap();
    let now = db.save(&relocated(&before, Billing, Some(full_address()), 2)).await;
    let events = db.number("SELECT count(*) AS number FROM events");
    for stale in [
        with_card(&before, Some(&kept), Some(new_card("test", 3)), 3),
        with_card(&before, Some(&kept), None, 3),
        relocated(&before, Billing, Some(sparse_address()), 3),
        relocated(&before, Billing, None, 3),
    ] {
        assert_eq!(db.database.customers.save(&stale, Beside::default()).await, Err(SaveError::VersionConflict));
    }
    assert_eq!(addresses(&db, now.id()).await, (Some(full_address()), None));
    assert_eq!(card(&db, now.id()).await, Some(kept));
    assert_eq!(queued(&db).await, []);
    assert_eq!(db.database.links.find_by_code(&link.code).await.unwrap(), Some(link.link));
    assert_eq!(db.number("SELECT count(*) AS number FROM events"), events);
    assert_eq!(db.find(now.id()).await, Some(now));
}

async fn of_a_change_of_which_a_part_cannot_be_stored_nothing_is(db: Fixture) {
    let first = customer(&db).await;
    let kept = new_card("test", 1);
    let first = db.save(&with_card(&first, None, Some(kept.clone()), 1)).await;
    let link = next(&first, None, LinkPurpose::Card, 2);
    db.database.links.issue(vec![link.clone()], at(0)).await.unwrap();
    let change = with_card(&first, Some(&kept), Some(new_card("test", 3)), 3);
    // The place in the queue is taken.
    let id = db.literal(change.events()[0].id.uuid());
    db.execute(&format!(
        "INSERT INTO card_detachments (id, provider, payment_method, tries, next_try_at) \
         SELECT {id}, 'another', 'pm', 0, created_at FROM customers"
    ));
    let refused = db.database.customers.save(&change, Beside::default()).await;
    assert!(matches!(refused, Err(SaveError::Store(StoreError::Rejected(_)))), "{refused:?}");
    assert_eq!(card(&db, first.id()).await, Some(kept));
    assert_eq!(db.find(first.id()).await, Some(first));
    assert_eq!(db.database.links.find_by_code(&link.code).await.unwrap(), Some(link.link));
}

async fn of_many_who_save_a_card_one_does_and_each_old_card_is_queued_once(db: Fixture) {
    let mut customer = customer(&db).await;
    let mut kept = None;
    let mut gone = Vec::new();
    for round in 1..=3 {
        let saves: Vec<_> = (0..16)
            .map(|_| {
                let customers = db.database.customers.clone();
                let card = new_card("test", round);
                let change = with_card(&customer, kept.as_ref(), Some(card.clone()), round);
                tokio::spawn(async move {
                    (customers.save(&change, Beside::default()).await, change.customer().clone(), card)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for save in saves {
            match save.await.unwrap() {
                (Ok(()), customer, card) => winners.push((customer, card)),
                (refused, ..) => assert_eq!(refused, Err(SaveError::VersionConflict)),
            }
        }
        let [(winner, stored)] = <[_; 1]>::try_from(winners).unwrap();
        gone.extend(kept.replace(stored).map(|card| card.parts().payment_method.clone()));
        customer = winner;
    }
    assert_eq!(card(&db, customer.id()).await, kept);
    assert_eq!(cards(&queued(&db).await), gone);
}
