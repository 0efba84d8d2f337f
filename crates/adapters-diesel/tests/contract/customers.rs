//! Finding and saving customers.

use domain::{Change, Customer, CustomerId, Member, NewCustomer, NumberMemory, ProfileEdits};
use ports::{Beside, EventQuery, SaveError, StoreError};
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::making::{
    at, changed, creation, fresh_uuid, full_profile, moment, new_customer, policy, regenerated, renamed, token,
};

crate::on_both_databases!(
    a_customer_who_was_never_saved_is_not_found,
    a_customer_is_found_as_he_was_saved_in_every_state,
    a_cleared_profile_is_found_cleared,
    a_used_id_is_refused_even_where_the_number_is_taken_too,
    a_held_number_is_refused_with_its_holder_and_whether_he_is_confirmed,
    a_change_of_an_old_version_is_a_conflict_and_stores_nothing,
    a_change_of_a_customer_who_is_not_there_is_a_conflict,
    a_save_that_fails_at_its_event_leaves_neither_customer_nor_claim,
    a_save_leaves_the_time_of_sending_alone_until_there_is_a_new_token,
);

fn anybody() -> CustomerId {
    CustomerId::from(fresh_uuid())
}

async fn a_customer_who_was_never_saved_is_not_found(db: Fixture) {
    assert_eq!(db.find(anybody()).await, None);
    assert_eq!(db.find(CustomerId::from(Uuid::nil())).await, None);
    assert_eq!(db.find(CustomerId::from(Uuid::max())).await, None);
}

async fn a_customer_is_found_as_he_was_saved_in_every_state(db: Fixture) {
    let unconfirmed = NewCustomer { profile: full_profile(), ..new_customer() };
    let trusted = changed(Customer::create_confirmed(new_customer(), at(3)));
    let mut customer = creation(unconfirmed).customer().clone();
    let wrong_try = |customer: &Customer, seconds| {
        let decision = customer.confirm(token(1), moment(seconds), &policy());
        decision.change.unwrap()
    };
    let mut changes = vec![trusted.clone(), renamed(trusted.customer(), "Trusted", 4), {
        let id = customer.id();
        let new = NewCustomer { id, profile: full_profile(), ..new_customer() };
        let change = creation(new);
        customer = change.customer().clone();
        change
    }];
    for change in [
        wrong_try as fn(&Customer, i64) -> domain::Change,
        wrong_try,
        |customer, seconds| regenerated(customer, 7, seconds),
        wrong_try,
        |customer, seconds| renamed(customer, "Yogi", seconds),
        |customer, seconds| changed(customer.confirm(token(7), moment(seconds), &policy())),
        |customer, seconds| renamed(customer, "Boo-Boo", seconds),
    ] {
        let change = change(&customer, i64::try_from(changes.len()).unwrap() * 10);
        customer = change.customer().clone();
        changes.push(change);
    }
    for change in changes {
        let saved = db.save(&change).await;
        assert_eq!(db.find(saved.id()).await.as_ref(), Some(&saved));
    }
    assert!(db.find(customer.id()).await.unwrap().confirmed().is_some());
}

async fn a_cleared_profile_is_found_cleared(db: Fixture) {
    let new = NewCustomer { profile: full_profile(), ..new_customer() };
    let customer = db.save(&creation(new)).await;
    let edits = ProfileEdits { first_name: Member::Null, last_name: Member::Null, email: Member::Null };
    let cleared = db.save(&changed(customer.update(edits, moment(1)))).await;
    assert_eq!(db.find(customer.id()).await, Some(cleared));
}

async fn a_used_id_is_refused_even_where_the_number_is_taken_too(db: Fixture) {
    let first = creation(new_customer());
    db.save(&first).await;
    let same_id = creation(NewCustomer { id: first.customer().id(), ..new_customer() });
    assert_eq!(db.database.customers.save(&same_id, Beside::default()).await, Err(SaveError::CustomerIdTaken));
    assert_eq!(db.database.customers.save(&first, Beside::default()).await, Err(SaveError::CustomerIdTaken));
    assert_eq!(db.find(first.customer().id()).await.as_ref(), Some(first.customer()));
}

async fn a_held_number_is_refused_with_its_holder_and_whether_he_is_confirmed(db: Fixture) {
    let [unconfirmed, trusted] = [new_customer(), new_customer()];
    for (change, phone, confirmed) in [
        (creation(unconfirmed.clone()), unconfirmed.phone, false),
        (changed(Customer::create_confirmed(trusted.clone(), at(0))), trusted.phone, true),
    ] {
        let holder = db.save(&change).await;
        let second = creation(NewCustomer { phone, ..new_customer() });
        let taken = SaveError::PhoneNumberTaken { holder: holder.id(), confirmed };
        assert_eq!(db.database.customers.save(&second, Beside::default()).await, Err(taken));
        assert_eq!(db.find(second.customer().id()).await, None);
    }
}

async fn a_change_of_an_old_version_is_a_conflict_and_stores_nothing(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let (first, second) = (regenerated(&customer, 1, 1), regenerated(&customer, 2, 1));
    let winner = db.save(&first).await;
    assert_eq!(db.database.customers.save(&second, Beside::default()).await, Err(SaveError::VersionConflict));
    assert_eq!(db.find(customer.id()).await, Some(winner));
    let query = EventQuery { after: None, customer_id: None, limit: 100 };
    let page = db.database.events.page(query).await.unwrap().unwrap();
    assert_eq!(page.events.len(), 2, "no event of the change that lost");
}

async fn a_change_of_a_customer_who_is_not_there_is_a_conflict(db: Fixture) {
    let customer = creation(new_customer()).customer().clone();
    let change = renamed(&customer, "Nobody", 1);
    assert_eq!(db.database.customers.save(&change, Beside::default()).await, Err(SaveError::VersionConflict));
}

async fn a_save_that_fails_at_its_event_leaves_neither_customer_nor_claim(db: Fixture) {
    let moment = moment(0);
    let create = |new| changed(Customer::create(new, &NumberMemory::default(), token(1), moment, &policy()));
    let first = db.save(&create(new_customer())).await;
    let new = new_customer();
    let same_event = create(new.clone());
    let refused = db.database.customers.save(&same_event, Beside::default()).await;
    let Err(SaveError::Store(StoreError::Rejected(message))) = refused else { panic!("{refused:?}") };
    assert!(!message.contains("+1418"), "no personal data: {message}");
    assert_eq!(db.find(new.id).await, None);
    // An update fails whole too.
    let update = changed(first.regenerate_token(token(2), moment, &policy()));
    assert!(db.database.customers.save(&update, Beside::default()).await.is_err());
    assert_eq!(db.find(first.id()).await, Some(first));
    // Id and number are free still.
    db.save(&creation(new)).await;
}

async fn a_save_leaves_the_time_of_sending_alone_until_there_is_a_new_token(db: Fixture) {
    let [confirming, regenerating] =
        [db.save(&creation(new_customer())).await, db.save(&creation(new_customer())).await];
    // Bookkeeping as others do it: without a new version. What follows was decided before it was known.
    let sent_at = at(5).timestamp_millis();
    let sent_at = if db.is_sqlite() { sent_at.to_string() } else { format!("to_timestamp({sent_at} / 1000.0)") };
    db.execute(&format!("UPDATE customers SET confirmation_sent_at = {sent_at}"));
    let sent_after = async |change: Change| {
        let customer = db.save(&change).await;
        (db.find(customer.id()).await.unwrap().confirmation_sent_at(), customer)
    };

    let wrong = |customer: &Customer| customer.confirm(token(1), moment(6), &policy()).change.unwrap();
    let (sent, confirming) = sent_after(wrong(&confirming)).await;
    assert_eq!(sent, Some(at(5)));
    let (sent, confirming) = sent_after(changed(confirming.confirm(token(42), moment(7), &policy()))).await;
    assert_eq!(sent, Some(at(5)));
    let (sent, _) = sent_after(renamed(&confirming, "Yogi", 8)).await;
    assert_eq!(sent, Some(at(5)));

    // The same six digits again are a new token all the same.
    let (sent, regenerating) = sent_after(regenerated(&regenerating, 42, 7)).await;
    assert_eq!(sent, None);
    let (sent, _) = sent_after(wrong(&regenerating)).await;
    assert_eq!(sent, None);
}
