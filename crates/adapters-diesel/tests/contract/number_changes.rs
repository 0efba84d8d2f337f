//! A customer who is to get another number: both are his until a token decides.

use domain::{Change, ConfirmationPolicy, Customer, NewCustomer, NumberMemory, Phone, PhoneState, Proof, Timestamp};
use ports::{Beside, Lease, SaveError, StoredEvent};

use crate::delivering::{event, held_endpoint, held_receiver, one_due, queue};
use crate::fixture::Fixture;
use crate::making::{
    at, changed, creation, creation_of, full_profile, moment, new_customer, policy, regenerated, renamed, token,
};

crate::on_both_databases!(
    a_pending_change_is_found_as_it_was_saved_in_every_part,
    a_confirmed_change_takes_the_place_of_the_old_number_which_is_free,
    a_withdrawn_change_leaves_the_old_number_as_it_was,
    when_the_held_number_was_sent_to_is_kept_however_late_it_was_noted,
    while_a_change_is_pending_only_its_own_token_is_marked_as_sent,
    a_second_change_gives_way_to_the_first_number_only,
    a_corrected_number_is_free_at_once,
    a_taken_number_is_told_with_whether_it_was_proved,
    of_many_changes_to_one_number_one_applies,
    two_who_swap_their_numbers_wait_for_each_other_and_come_to_an_end,
    what_is_due_knows_the_token_of_a_pending_change,
);

/// The change of a customer's number.
fn to_number(customer: &Customer, phone: &Phone, number: u32, seconds: i64) -> Change {
    let (phone, memory) = (phone.clone(), NumberMemory::default());
    changed(customer.change_number(phone, &memory, token(number), moment(seconds), &policy()))
}

fn confirmed(customer: &Customer, number: u32, seconds: i64) -> Change {
    changed(customer.confirm(token(number), moment(seconds), &policy()))
}

fn withdrawn(customer: &Customer, seconds: i64) -> Change {
    customer.withdraw_number(moment(seconds)).change.unwrap()
}

fn wrong_try(customer: &Customer, seconds: i64) -> Change {
    customer.confirm(token(1), moment(seconds), &policy()).change.unwrap()
}

/// A customer with a proved number, and that number.
async fn proved(db: &Fixture) -> (Customer, Phone) {
    let new = NewCustomer { profile: full_profile(), ..new_customer() };
    let phone = new.phone.clone();
    let customer = db.save(&creation(new)).await;
    (db.save(&confirmed(&customer, 42, 1)).await, phone)
}

fn other_phone(country: &str) -> Phone {
    Phone { country: domain::CountryCode::parse(country).unwrap(), ..new_customer().phone }
}

/// What becomes of a claim of this number by somebody else.
async fn claim(db: &Fixture, phone: &Phone) -> Result<(), SaveError> {
    let change = creation(NewCustomer { phone: phone.clone(), ..new_customer() });
    db.database.customers.save(&change, Beside::default()).await
}

fn taken(holder: &Customer, confirmed: bool) -> Result<(), SaveError> {
    Err(SaveError::PhoneNumberTaken { holder: holder.id(), confirmed })
}

/// Notes when a customer's token was sent as others do it: without a new version.
fn note_sent(db: &Fixture, customer: &Customer, seconds: i64) {
    let time = at(seconds).timestamp_millis();
    let time = if db.is_sqlite() { time.to_string() } else { format!("to_timestamp({time} / 1000.0)") };
    let id = db.literal(customer.id().uuid());
    db.execute(&format!("UPDATE customers SET confirmation_sent_at = {time} WHERE id = {id}"));
}

async fn a_pending_change_is_found_as_it_was_saved_in_every_part(db: Fixture) {
    let strict = ConfirmationPolicy::default();
    let trusted = changed(Customer::create_confirmed(new_customer(), at(0)));
    let trusted = db.save(&trusted).await;
    let (of_token, _) = proved(&db).await;
    note_sent(&db, &of_token, 2);
    let of_token = db.find(of_token.id()).await.unwrap();
    for customer in [trusted, of_token] {
        let held = customer.confirmed().unwrap().clone();
        let phone = other_phone("US");
        let memory = NumberMemory { wrong_tries: vec![at(-70), at(-60)], tokens: vec![at(-90), at(-80)] };
        let change = customer.change_number(phone.clone(), &memory, token(7), moment(100), &strict);
        let mut customer = db.save(&changed(change)).await;
        assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
        let PhoneState::Changing(change) = &customer.parts().phone else { panic!("it is pending") };
        assert_eq!((&change.held, &change.next.phone, change.requested_at), (&held, &phone, at(100)));
        let counted = NumberMemory { tokens: vec![at(-90), at(-80), at(100)], ..memory };
        assert_eq!(customer.parts().throttle.number, counted);
        // Each save over it, the last of which makes a new token.
        for save in [wrong_try as fn(&Customer, i64) -> Change, |customer, seconds| renamed(customer, "Yogi", seconds)]
        {
            customer = db.save(&save(&customer, 110)).await;
            assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
        }
        customer = db.save(&regenerated(&customer, 8, 120)).await;
        assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
        let PhoneState::Changing(change) = &customer.parts().phone else { panic!("it is pending") };
        assert_eq!((&change.held, change.requested_at, change.next.wrong_tries), (&held, at(100), 0));
    }
}

async fn a_confirmed_change_takes_the_place_of_the_old_number_which_is_free(db: Fixture) {
    let (customer, old) = proved(&db).await;
    let new = other_phone("US");
    let customer = db.save(&to_number(&customer, &new, 7, 10)).await;
    assert_eq!(claim(&db, &old).await, taken(&customer, true));
    assert_eq!(claim(&db, &new).await, taken(&customer, false));
    note_sent(&db, &customer, 11);
    // Decided before it was known when the token was sent.
    let customer = db.save(&confirmed(&customer, 7, 12)).await;
    let found = db.find(customer.id()).await.unwrap();
    assert_eq!(found.phone_number(), Some(&new.number));
    assert_eq!((found.country_code(), found.confirmation_sent_at()), (new.country, Some(at(11))));
    let PhoneState::Confirmed(proof) = &found.parts().phone else { panic!("nothing is pending") };
    assert_eq!(proof.proof, Proof::Token { token: token(7), sent_at: Some(at(11)) });
    assert_eq!(claim(&db, &new).await, taken(&customer, true));
    assert_eq!(claim(&db, &old).await, Ok(()));
}

async fn a_withdrawn_change_leaves_the_old_number_as_it_was(db: Fixture) {
    for sent in [None, Some(at(2))] {
        let (customer, old) = proved(&db).await;
        if sent.is_some() {
            note_sent(&db, &customer, 2);
        }
        let before = db.find(customer.id()).await.unwrap();
        assert_eq!(before.confirmation_sent_at(), sent);
        let new = other_phone("US");
        let customer = db.save(&to_number(&before, &new, 7, 10)).await;
        note_sent(&db, &customer, 11);
        let customer = db.save(&wrong_try(&db.find(customer.id()).await.unwrap(), 12)).await;
        let customer = db.save(&withdrawn(&customer, 13)).await;
        let after = db.find(customer.id()).await.unwrap();
        assert_eq!(after, customer);
        assert_eq!(after.parts().phone, before.parts().phone, "with its token, and when that was sent");
        assert_eq!(claim(&db, &old).await, taken(&customer, true));
        assert_eq!(claim(&db, &new).await, Ok(()));
        // What is saved over it finds the old token.
        let customer = db.save(&renamed(&after, "Yogi", 14)).await;
        assert_eq!(db.find(customer.id()).await, Some(customer));
    }
}

/// Between what was read and what is saved over it, it may be noted when a token was sent.
async fn when_the_held_number_was_sent_to_is_kept_however_late_it_was_noted(db: Fixture) {
    let (customer, _) = proved(&db).await;
    let change = to_number(&customer, &other_phone("US"), 7, 10);
    note_sent(&db, &customer, 2);
    db.save(&change).await;
    let sent_to = |customer: &Customer| (customer.confirmed().unwrap().sent_at(), customer.confirmation_sent_at());
    let pending = db.find(customer.id()).await.unwrap();
    assert_eq!(sent_to(&pending), (Some(at(2)), None), "the old one was sent, and the new one was not");
    let again = regenerated(&pending, 8, 12);
    note_sent(&db, &customer, 11);
    let pending = db.save(&again).await;
    assert_eq!(sent_to(&db.find(customer.id()).await.unwrap()), (Some(at(2)), None));
    // Another number instead.
    let pending = db.save(&to_number(&pending, &other_phone("FR"), 9, 13)).await;
    assert_eq!(sent_to(&db.find(customer.id()).await.unwrap()), (Some(at(2)), None));
    let withdrawal = withdrawn(&pending, 14);
    note_sent(&db, &customer, 13);
    db.save(&withdrawal).await;
    assert_eq!(sent_to(&db.find(customer.id()).await.unwrap()), (Some(at(2)), Some(at(2))));
}

async fn advance(db: &Fixture, lease: Lease, accepted: &StoredEvent, seconds: i64) {
    let receivers = &db.database.receivers;
    receivers.advance(lease, accepted.position, vec![accepted.id], at(seconds)).await.unwrap();
}

async fn sent(db: &Fixture, customer: &Customer) -> (Option<Timestamp>, Option<Timestamp>) {
    let found = db.find(customer.id()).await.unwrap();
    (found.confirmed().unwrap().sent_at(), found.challenge().and_then(|challenge| challenge.sent_at))
}

async fn while_a_change_is_pending_only_its_own_token_is_marked_as_sent(db: Fixture) {
    let lease = held_receiver(&db).await;
    let new = new_customer();
    let change = creation(new);
    let old = event(&db, &change).await;
    let customer = db.save(&confirmed(change.customer(), 42, 1)).await;
    // The same digits once more.
    let change = to_number(&customer, &other_phone("US"), 42, 10);
    let next = event(&db, &change).await;
    advance(&db, lease, &old, 11).await;
    assert_eq!(sent(&db, &customer).await, (None, None));
    advance(&db, lease, &next, 12).await;
    assert_eq!(sent(&db, &customer).await, (None, Some(at(12))));
    advance(&db, lease, &old, 13).await;
    assert_eq!(sent(&db, &customer).await, (None, Some(at(12))));
    // What was not pending any more when it was sent marks nothing.
    let withdrawal = withdrawn(&db.find(customer.id()).await.unwrap(), 14);
    db.save(&withdrawal).await;
    assert_eq!(sent(&db, &customer).await, (None, None));
}

async fn a_second_change_gives_way_to_the_first_number_only(db: Fixture) {
    let (customer, old) = proved(&db).await;
    let [first, second] = [other_phone("US"), other_phone("FR")];
    let customer = db.save(&to_number(&customer, &first, 7, 10)).await;
    let customer = db.save(&to_number(&customer, &second, 8, 11)).await;
    assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
    assert_eq!(claim(&db, &first).await, Ok(()));
    assert_eq!(claim(&db, &second).await, taken(&customer, false));
    assert_eq!(claim(&db, &old).await, taken(&customer, true));
    // On the caller's word, whatever waits.
    let third = other_phone("GB");
    let customer = db.save(&changed(customer.trust_number(third.clone(), moment(12)))).await;
    assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
    assert_eq!(claim(&db, &third).await, taken(&customer, true));
    for free in [old, second] {
        assert_eq!(claim(&db, &free).await, Ok(()));
    }
}

async fn a_corrected_number_is_free_at_once(db: Fixture) {
    let new = new_customer();
    let [old, next] = [new.phone.clone(), other_phone("US")];
    let customer = db.save(&creation(new)).await;
    note_sent(&db, &customer, 1);
    let customer = db.save(&to_number(&customer, &next, 42, 0)).await;
    let found = db.find(customer.id()).await;
    assert_eq!(found.as_ref(), Some(&customer), "the same digits in the same millisecond were not sent to that number");
    assert_eq!(claim(&db, &old).await, Ok(()));
    assert_eq!(claim(&db, &next).await, taken(&customer, false));
}

async fn a_taken_number_is_told_with_whether_it_was_proved(db: Fixture) {
    let (holder, proved_phone) = proved(&db).await;
    let pending = other_phone("US");
    let holder = db.save(&to_number(&holder, &pending, 7, 10)).await;
    let (customer, _) = proved(&db).await;
    for (phone, is_proved) in [(proved_phone, true), (pending, false)] {
        let change = to_number(&customer, &phone, 8, 11);
        let refused = db.database.customers.save(&change, Beside::default()).await;
        assert_eq!(refused, taken(&holder, is_proved));
        assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
    }
}

async fn of_many_changes_to_one_number_one_applies(db: Fixture) {
    let phone = other_phone("US");
    let mut saves = Vec::new();
    for number in 0..16 {
        let (customer, _) = proved(&db).await;
        // Those who have none to give up claim it too.
        let change = if number % 4 == 0 {
            creation_of(NewCustomer { phone: phone.clone(), ..new_customer() }, token(9))
        } else {
            to_number(&customer, &phone, number, 10)
        };
        let customers = db.database.customers.clone();
        saves.push(async move { (customers.save(&change, Beside::default()).await, change.customer().id()) });
    }
    let saves: Vec<_> = saves.into_iter().map(tokio::spawn).collect();
    let (mut winners, mut holders) = (Vec::new(), Vec::new());
    for save in saves {
        match save.await.unwrap() {
            (Ok(()), id) => winners.push(id),
            (Err(SaveError::PhoneNumberTaken { holder, confirmed: false }), _) => holders.push(holder),
            (other, _) => panic!("{other:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert!(holders.iter().all(|holder| *holder == winners[0]), "each who lost was told of the one who won");
}

/// Each gives up the number that the other takes.
async fn two_who_swap_their_numbers_wait_for_each_other_and_come_to_an_end(db: Fixture) {
    let other = db.second().await;
    for round in 0..4 {
        let [first, second] = [new_customer(), new_customer()];
        let phones = [first.phone.clone(), second.phone.clone()];
        let [first, second] = [db.save(&creation(first)).await, db.save(&creation(second)).await];
        let (ours, theirs) = (to_number(&first, &phones[1], 7, 10), to_number(&second, &phones[0], 8, 10));
        let results = tokio::join!(
            db.database.customers.save(&ours, Beside::default()),
            other.customers.save(&theirs, Beside::default())
        );
        let is_told = |result: &Result<(), SaveError>| {
            matches!(result, Ok(()) | Err(SaveError::PhoneNumberTaken { confirmed: false, .. }))
        };
        assert!(is_told(&results.0) && is_told(&results.1), "round {round}: {results:?}");
        let numbers = "(SELECT count(*) FROM phone_number_claims)";
        assert!(db.is_true(&format!("{numbers} = {}", 2 * (round + 1))), "each has one");
    }
}

async fn what_is_due_knows_the_token_of_a_pending_change(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (customer, _) = proved(&db).await;
    let change = to_number(&customer, &other_phone("US"), 7, 10);
    queue(&db, lease, &[&event(&db, &change).await], 10).await;
    let mut customer = change.customer().clone();
    for wrong_tries in 0..3 {
        let due = one_due(&db, lease, 10).await;
        assert_eq!((due.wrong_tries, due.is_superseded), (wrong_tries, false));
        customer = db.save(&wrong_try(&customer, 11)).await;
    }
    let ends: [fn(&Customer) -> Change; 4] = [
        |customer| withdrawn(customer, 12),
        |customer| confirmed(customer, 7, 12),
        |customer| regenerated(customer, 7, 12),
        |customer| to_number(customer, &other_phone("FR"), 7, 12),
    ];
    for end in ends {
        let lease = held_endpoint(&db).await;
        let (customer, _) = proved(&db).await;
        let change = to_number(&customer, &other_phone("US"), 7, 10);
        queue(&db, lease, &[&event(&db, &change).await], 10).await;
        assert!(!one_due(&db, lease, 10).await.is_superseded);
        db.save(&end(change.customer())).await;
        let due = one_due(&db, lease, 10).await;
        assert_eq!((due.wrong_tries, due.is_superseded), (0, true));
    }
    // The token that proved the old number is no token to send.
    let lease = held_endpoint(&db).await;
    let creation = creation(new_customer());
    queue(&db, lease, &[&event(&db, &creation).await], 0).await;
    let customer = db.save(&confirmed(creation.customer(), 42, 1)).await;
    db.save(&to_number(&customer, &other_phone("US"), 42, 1)).await;
    assert!(one_due(&db, lease, 0).await.is_superseded);
}
