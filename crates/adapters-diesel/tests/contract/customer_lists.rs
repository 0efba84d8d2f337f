//! Listing customers: what is found, in which order, and that pages hold everybody once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use domain::{
    Change, Customer, CustomerId, Email, Member, NewCustomer, NumberMemory, PhoneNumber, Profile, ProfileEdits,
    Timestamp,
};
use ports::{Beside, CustomerFilter, CustomerPage, CustomerPlace, CustomerQuery};
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::making::{at, changed, fresh_uuid, moment, new_customer, policy, renamed, token};

crate::on_both_databases!(
    the_newest_comes_first_and_of_one_time_the_highest_id,
    every_filter_alone_and_with_others_finds_whom_it_fits,
    an_address_is_found_in_any_case_as_it_was_last_saved,
    addresses_that_another_release_saved_are_found,
    addresses_from_before_the_migration_are_found,
    both_numbers_of_a_pending_change_find_the_customer,
    the_bounds_of_a_range_meet_without_gap_or_overlap,
    a_place_is_gone_on_from_whether_anybody_is_there_or_not,
    a_list_sees_what_has_been_saved,
    pages_hold_everybody_once_while_others_come,
);

fn place(customer: &Customer) -> CustomerPlace {
    CustomerPlace { created_at: customer.parts().created_at, id: customer.id() }
}

async fn page(db: &Fixture, filter: &CustomerFilter, after: Option<CustomerPlace>, limit: u32) -> CustomerPage {
    let query = CustomerQuery { filter: filter.clone(), after, limit };
    db.database.customers.list(query).await.unwrap()
}

/// Everybody whom the filter fits, in pages of this size.
async fn all(db: &Fixture, filter: &CustomerFilter, limit: u32) -> Vec<Customer> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let CustomerPage { customers, more } = page(db, filter, after, limit).await;
        assert!(customers.len() <= limit as usize && (!more || customers.len() == limit as usize));
        after = customers.last().map(place);
        all.extend(customers);
        if !more {
            return all;
        }
    }
}

async fn ids(db: &Fixture, filter: CustomerFilter) -> Vec<CustomerId> {
    all(db, &filter, 100).await.iter().map(Customer::id).collect()
}

fn everybody() -> CustomerFilter {
    CustomerFilter::default()
}

fn with_email(text: &str) -> CustomerFilter {
    CustomerFilter { email: Some(Email::parse(text).unwrap()), ..everybody() }
}

fn of_number(number: &str) -> CustomerFilter {
    CustomerFilter { phone_number: Some(PhoneNumber::from_e164(number).unwrap()), ..everybody() }
}

/// A customer who is created at this time.
fn created(confirmed: bool, email: Option<&str>, seconds: i64) -> Change {
    let email = email.map(|email| Email::parse(email).unwrap());
    let new = NewCustomer { profile: Profile { email, ..Profile::default() }, ..new_customer() };
    changed(if confirmed {
        Customer::create_confirmed(new, at(seconds))
    } else {
        Customer::create(new, &NumberMemory::default(), token(42), moment(seconds), &policy())
    })
}

fn with_new_email(customer: &Customer, email: Member<Email>, seconds: i64) -> Change {
    changed(customer.update(ProfileEdits { email, ..ProfileEdits::default() }, moment(seconds)))
}

async fn the_newest_comes_first_and_of_one_time_the_highest_id(db: Fixture) {
    assert_eq!(page(&db, &everybody(), None, 10).await, CustomerPage::default());
    let mut saved = Vec::new();
    for seconds in [5, 1, 3, 3, 3, 2, 5] {
        saved.push(db.save(&created(seconds % 2 == 0, None, seconds)).await);
    }
    saved.sort_by_key(|customer| (customer.parts().created_at, customer.id().uuid()));
    saved.reverse();
    for limit in 1..=8 {
        assert_eq!(all(&db, &everybody(), limit).await, saved, "pages of {limit}");
    }
}

async fn every_filter_alone_and_with_others_finds_whom_it_fits(db: Fixture) {
    let mut saved = Vec::new();
    for (number, email) in [Some("one@a.example"), Some("two@a.example"), None].iter().cycle().take(24).enumerate() {
        let seconds = i64::try_from(number / 4).unwrap();
        saved.push(db.save(&created(number % 2 == 0, *email, seconds)).await);
    }
    saved.sort_by_key(|customer| (customer.parts().created_at, customer.id().uuid()));
    saved.reverse();
    let number = saved[7].unconfirmed_phone_number().clone();
    let numbers = [None, Some(number), PhoneNumber::from_e164("+14180000000").ok()];
    let emails = [None, Email::parse("ONE@a.example").ok(), Email::parse("nobody@a.example").ok()];
    let mut found = 0;
    for phone_number in &numbers {
        for email in &emails {
            for confirmed in [None, Some(true), Some(false)] {
                for created_after in [None, Some(at(2)), Some(at(9))] {
                    for created_before in [None, Some(at(4)), Some(at(0))] {
                        let filter = CustomerFilter {
                            phone_number: phone_number.clone(),
                            email: email.clone(),
                            confirmed,
                            created_after,
                            created_before,
                        };
                        let expected: Vec<_> =
                            saved.iter().filter(|customer| fits(customer, &filter)).cloned().collect();
                        for limit in [2, 100] {
                            assert_eq!(all(&db, &filter, limit).await, expected, "{filter:?}");
                        }
                        found += usize::from(!expected.is_empty());
                    }
                }
            }
        }
    }
    assert!(found > 20, "{found} of the combinations find somebody");
}

fn fits(customer: &Customer, filter: &CustomerFilter) -> bool {
    let created_at = customer.parts().created_at;
    let email = customer.parts().profile.email.as_ref().map(Email::folded);
    filter.phone_number.as_ref().is_none_or(|number| customer.unconfirmed_phone_number() == number)
        && filter.email.as_ref().is_none_or(|sought| email == Some(sought.folded()))
        && filter.confirmed.is_none_or(|confirmed| customer.phone_number().is_some() == confirmed)
        && filter.created_after.is_none_or(|time| created_at >= time)
        && filter.created_before.is_none_or(|time| created_at < time)
}

async fn an_address_is_found_in_any_case_as_it_was_last_saved(db: Fixture) {
    let customer = db.save(&created(false, Some("Zo\u{cb}@Berra.Example"), 0)).await;
    let other = db.save(&created(true, Some("zoe@berra.example"), 1)).await;
    for spelling in ["zo\u{eb}@berra.example", "ZO\u{cb}@BERRA.EXAMPLE"] {
        assert_eq!(ids(&db, with_email(spelling)).await, [customer.id()], "{spelling}");
    }
    assert_eq!(ids(&db, with_email("ZOE@berra.example")).await, [other.id()]);

    let email = Member::Value(Email::parse("New@Berra.Example").unwrap());
    let customer = db.save(&with_new_email(&customer, email, 1)).await;
    assert_eq!(ids(&db, with_email("zo\u{eb}@berra.example")).await, []);
    assert_eq!(ids(&db, with_email("new@berra.example")).await, [customer.id()]);
    let customer = db.save(&with_new_email(&customer, Member::Null, 2)).await;
    assert_eq!(ids(&db, with_email("new@berra.example")).await, []);
    assert_eq!(ids(&db, everybody()).await, [other.id(), customer.id()]);
}

/// As a release does that does not know how addresses are looked up: it changes the address and nothing that is made of it.
fn save_by_another_release(db: &Fixture, customer: &Customer, email: Option<&str>) {
    let email = email.map_or("NULL".to_owned(), |email| format!("'{email}'"));
    let id = db.literal(customer.id().uuid());
    db.execute(&format!("UPDATE customers SET email = {email}, version = version + 1 WHERE id = {id}"));
}

async fn addresses_that_another_release_saved_are_found(db: Fixture) {
    let changed = db.save(&created(false, Some("old@berra.example"), 0)).await;
    let cleared = db.save(&created(false, Some("gone@berra.example"), 1)).await;
    let new = db.save(&created(false, None, 2)).await;
    let nonsense = db.save(&created(false, None, 3)).await;
    save_by_another_release(&db, &changed, Some("Ber\u{c9}@Berra.Example"));
    save_by_another_release(&db, &cleared, None);
    save_by_another_release(&db, &new, Some("NEW@berra.example"));
    save_by_another_release(&db, &nonsense, Some("no address"));
    assert_eq!(ids(&db, with_email("ber\u{e9}@berra.example")).await, [changed.id()]);
    for nobody in ["old@berra.example", "gone@berra.example"] {
        assert_eq!(ids(&db, with_email(nobody)).await, [], "{nobody}");
    }
    assert_eq!(ids(&db, with_email("new@berra.example")).await, [new.id()]);
    let version = db.find(changed.id()).await.unwrap().parts().version;
    assert_eq!(version, changed.parts().version + 1, "nobody's version was moved by it");

    // More than are made up for at once.
    db.execute(&format!(
        "UPDATE customers SET email = NULL WHERE id = {}; \
         INSERT INTO customers (id, unconfirmed_phone_number, country_code, email, confirmation_token, \
             token_generated_at, token_wrong_tries, wrong_tries, tokens_in_row, sequence, revision, version, \
             created_at, updated_at) {NUMBERS} \
         SELECT {}, unconfirmed_phone_number, country_code, 'Many@berra.example', confirmation_token, \
             token_generated_at, token_wrong_tries, wrong_tries, tokens_in_row, sequence, revision, version, \
             created_at, updated_at FROM customers, numbers WHERE customers.id = {} AND n <= 1200",
        db.literal(nonsense.id().uuid()),
        numbered_id(&db),
        db.literal(new.id().uuid()),
    ));
    assert_eq!(ids(&db, with_email("many@berra.example")).await.len(), 1_200);
}

const NUMBERS: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 3000)";

/// An id for each number.
fn numbered_id(db: &Fixture) -> &'static str {
    if db.is_sqlite() { "unhex(printf('%032x', n))" } else { "CAST(lpad(to_hex(n), 32, '0') AS UUID)" }
}

async fn addresses_from_before_the_migration_are_found(db: Fixture) {
    let ascii = db.save(&created(false, Some("Yogi{Bear}~@Berra.Example"), 0)).await;
    let other = db.save(&created(false, Some("Zo\u{cb}@Berra.Example"), 1)).await;
    db.execute("UPDATE customers SET email_folded = NULL, email_folded_of = NULL");
    db.execute(if db.is_sqlite() {
        include_str!("../../../../migrations/sqlite/2026-11-30-000303_fold_emails_in_ascii/up.sql")
    } else {
        include_str!("../../../../migrations/postgresql/2026-11-30-000303_fold_emails_in_ascii/up.sql")
    });
    let folded = "SELECT count(*) AS number FROM customers WHERE email_folded = 'yogi{bear}~@berra.example'";
    assert_eq!(
        (db.number(folded), db.is_true("EXISTS (SELECT 1 FROM customers WHERE email_folded IS NULL)")),
        (1, true)
    );
    assert_eq!(ids(&db, with_email("yogi{bear}~@berra.example")).await, [ascii.id()]);
    assert_eq!(ids(&db, with_email("zo\u{eb}@berra.example")).await, [other.id()]);
}

async fn both_numbers_of_a_pending_change_find_the_customer(db: Fixture) {
    let customer = db.save(&created(true, None, 0)).await;
    let other = db.save(&created(false, None, 1)).await;
    let old = customer.unconfirmed_phone_number().clone();
    let next = new_customer().phone;
    let change = customer.change_number(next.clone(), &NumberMemory::default(), token(7), moment(2), &policy());
    let customer = db.save(&changed(change)).await;
    for number in [old.as_str(), next.number.as_str()] {
        assert_eq!(ids(&db, of_number(number)).await, [customer.id()], "{number}");
        let confirmed = CustomerFilter { confirmed: Some(true), ..of_number(number) };
        assert_eq!(page(&db, &confirmed, None, 9).await.customers, std::slice::from_ref(&customer), "{number}");
    }
    let customer = db.save(&changed(customer.confirm(token(7), moment(3), &policy()))).await;
    assert_eq!(ids(&db, of_number(old.as_str())).await, []);
    assert_eq!(ids(&db, of_number(next.number.as_str())).await, [customer.id()]);
    assert_eq!(ids(&db, of_number(other.unconfirmed_phone_number().as_str())).await, [other.id()]);
    assert_eq!(ids(&db, of_number("+14180000000")).await, []);
}

async fn the_bounds_of_a_range_meet_without_gap_or_overlap(db: Fixture) {
    let millisecond = chrono::TimeDelta::milliseconds(1);
    let customer = db.save(&created(false, None, 0)).await;
    let range = |from: Timestamp, to: Timestamp| CustomerFilter {
        created_after: Some(from),
        created_before: Some(to),
        ..everybody()
    };
    let created_at = at(0);
    for (filter, is_found) in [
        (range(created_at, created_at + millisecond), true),
        (range(created_at - millisecond, created_at), false),
        (range(created_at + millisecond, created_at + millisecond * 2), false),
        (range(created_at, created_at), false),
    ] {
        assert_eq!(!ids(&db, filter.clone()).await.is_empty(), is_found, "{filter:?}");
    }
    // The ends of time.
    let [first, last] = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"].map(|time| time.parse().unwrap());
    assert_eq!(ids(&db, range(first, last)).await, [customer.id()]);
    assert_eq!(ids(&db, range(last, first)).await, []);
}

async fn a_place_is_gone_on_from_whether_anybody_is_there_or_not(db: Fixture) {
    let first = db.save(&created(false, None, 1)).await;
    let second = db.save(&created(false, None, 2)).await;
    let after = async |seconds, id| {
        let after = CustomerPlace { created_at: at(seconds), id: CustomerId::from(id) };
        let page = page(&db, &everybody(), Some(after), 10).await;
        page.customers.iter().map(Customer::id).collect::<Vec<_>>()
    };
    assert_eq!(after(2, Uuid::max()).await, [second.id(), first.id()]);
    assert_eq!(after(2, second.id().uuid()).await, [first.id()]);
    assert_eq!(after(2, Uuid::nil()).await, [first.id()]);
    assert_eq!(after(1, Uuid::nil()).await, []);
    // A place that the filter does not reach.
    let filter = CustomerFilter { created_before: Some(at(2)), ..everybody() };
    let far = CustomerPlace { created_at: at(9), id: CustomerId::from(Uuid::max()) };
    assert_eq!(page(&db, &filter, Some(far), 10).await.customers, [first]);
}

async fn a_list_sees_what_has_been_saved(db: Fixture) {
    let customer = db.save(&created(false, None, 0)).await;
    let (confirmed, unconfirmed) = (
        CustomerFilter { confirmed: Some(true), ..everybody() },
        CustomerFilter { confirmed: Some(false), ..everybody() },
    );
    assert_eq!(page(&db, &confirmed, None, 9).await.customers, []);
    let customer = db.save(&renamed(&customer, "Yogi", 1)).await;
    assert_eq!(page(&db, &unconfirmed, None, 9).await.customers, std::slice::from_ref(&customer));
    let customer = db.save(&changed(customer.confirm(token(42), moment(2), &policy()))).await;
    assert_eq!(page(&db, &confirmed, None, 9).await.customers, [customer]);
    assert_eq!(page(&db, &unconfirmed, None, 9).await.customers, []);
}

async fn pages_hold_everybody_once_while_others_come(db: Fixture) {
    let sample = db.save(&created(false, None, 0)).await;
    // Three thousand more of three times.
    let time = |seconds: i64| {
        let milliseconds = at(seconds).timestamp_millis();
        if db.is_sqlite() { milliseconds.to_string() } else { format!("to_timestamp({milliseconds} / 1000.0)") }
    };
    db.execute(&format!(
        "INSERT INTO customers (id, unconfirmed_phone_number, country_code, confirmation_token, token_generated_at, \
             token_wrong_tries, wrong_tries, tokens_in_row, sequence, revision, version, created_at, updated_at) {NUMBERS} \
         SELECT {}, unconfirmed_phone_number, country_code, confirmation_token, token_generated_at, \
             token_wrong_tries, wrong_tries, tokens_in_row, sequence, revision, version, \
             CASE n % 3 WHEN 0 THEN {} WHEN 1 THEN {} ELSE {} END, updated_at FROM customers, numbers",
        numbered_id(&db),
        time(0),
        time(1),
        time(2),
    ));
    let mut there: HashSet<Uuid> = (1..=3_000).map(Uuid::from_u128).collect();
    there.insert(sample.id().uuid());

    // Others come at the same times, before and behind the reader, and later.
    let (came, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let others = (0..4_i64).map(|seconds| {
        let (customers, came, stop) = (db.database.customers.clone(), came.clone(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let id = fresh_uuid();
                let id =
                    if came.fetch_add(1, Ordering::Relaxed) % 2 == 0 { id } else { Uuid::from_u128(!id.as_u128()) };
                let new = NewCustomer { id: CustomerId::from(id), ..new_customer() };
                let creation = Customer::create(new, &NumberMemory::default(), token(1), moment(seconds), &policy());
                customers.save(&changed(creation), Beside::default()).await.unwrap();
            }
        })
    });
    let others: Vec<_> = others.collect();
    let mut seen = HashSet::new();
    let mut last: Option<CustomerPlace> = None;
    loop {
        let CustomerPage { customers, more } = page(&db, &everybody(), last, 100).await;
        for customer in &customers {
            let here = place(customer);
            let order = |place: &CustomerPlace| (place.created_at, place.id.uuid());
            assert!(last.as_ref().is_none_or(|last| order(&here) < order(last)), "in order");
            assert!(seen.insert(customer.id().uuid()), "nobody twice");
            last = Some(here);
        }
        if !more {
            break;
        }
        let before = came.load(Ordering::Relaxed);
        while came.load(Ordering::Relaxed) < before + 5 {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
    assert!(there.is_subset(&seen), "nobody is missed: {}", there.difference(&seen).count());
}
