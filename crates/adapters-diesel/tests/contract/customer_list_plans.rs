//! How the databases find the customers of a list, among many: by an index for each filter, from where a page begins.

use diesel::connection::set_default_instrumentation;
use domain::{CustomerId, Email, PhoneNumber};
use ports::{CustomerFilter, CustomerPlace, CustomerQuery};
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::making::{at, creation, new_customer};
use crate::plans::{expect_index, expect_no_scan, expect_no_sort, plans, watch, watch_for};

crate::on_both_databases!(
    each_filter_of_customers_is_served_by_an_index,
    of_few_confirmed_ones_and_of_one_time_a_page_is_read_from_an_index_too,
);

/// By what the statements of a test are known: the limit, which is one more than that of the page.
const PAGES: [u32; 2] = [36, 46];
const OTHER_PAGES: [u32; 2] = [56, 66];

/// Twenty thousand customers, a second apart or all at one time, each with a number and an address; of fifty of them one
/// is confirmed, or all but one.
async fn many(mut db: Fixture, is_mostly_confirmed: bool, is_one_time: bool) -> Fixture {
    set_default_instrumentation(watch).unwrap();
    // Only connections that are made from now on are watched.
    db.database = db.second().await;
    db.save(&creation(new_customer())).await;
    let (id, start) = if db.is_sqlite() {
        ("unhex(printf('%032x', n))", at(0).timestamp_millis().to_string())
    } else {
        let start = format!("to_timestamp({} / 1000.0)", at(0).timestamp_millis());
        ("CAST(lpad(to_hex(n), 32, '0') AS UUID)", start)
    };
    let created_at = match (is_one_time, db.is_sqlite()) {
        (true, _) => start,
        (false, true) => format!("{start} + n * 1000"),
        (false, false) => format!("{start} + n * interval '1 second'"),
    };
    let confirmed = if is_mostly_confirmed { "n % 50 > 0" } else { "n % 50 = 0" };
    db.execute(&format!(
        "INSERT INTO customers (id, phone_number, unconfirmed_phone_number, country_code, email, email_folded, \
             email_folded_of, confirmation_token, token_generated_at, token_wrong_tries, confirmed_at, wrong_tries, \
             tokens_in_row, sequence, revision, version, created_at, updated_at) \
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000) \
         SELECT {id}, CASE WHEN {confirmed} THEN '+49' || (1000000 + n) END, '+49' || (1000000 + n), country_code, \
             n || '@a.example', n || '@a.example', n || '@a.example', confirmation_token, token_generated_at, \
             token_wrong_tries, CASE WHEN {confirmed} THEN created_at END, wrong_tries, tokens_in_row, sequence, \
             revision, version, {created_at}, updated_at FROM customers, numbers; \
         INSERT INTO phone_number_claims (phone_number, customer_id) \
             SELECT unconfirmed_phone_number, id FROM customers WHERE email IS NOT NULL; \
         ANALYZE"
    ));
    db
}

/// The plan of a page, which holds so many customers, or is full.
async fn plan(
    db: &Fixture,
    pages: [u32; 2],
    filter: CustomerFilter,
    after: Option<CustomerPlace>,
    found: usize,
) -> String {
    let limit = pages[usize::from(db.is_sqlite())];
    let text = format!("{}]", limit + 1);
    watch_for(db, vec![text]);
    let query = CustomerQuery { filter: filter.clone(), after, limit };
    let page = db.database.customers.list(query).await.unwrap();
    assert_eq!(page.customers.len(), found.min(limit as usize), "{filter:?}");
    let [plan] = &plans(db, "ORDER BY customers.created_at DESC")[..] else { panic!("one statement") };
    plan.clone()
}

fn everybody() -> CustomerFilter {
    CustomerFilter::default()
}

/// That the statement begins at a place within the index, and does not read what stands before.
fn expect_beginning(db: &Fixture, plan: &str) {
    let conditions: &[&str] = if db.is_sqlite() {
        &["SEARCH customers", "(created_at,id)<(?,?)"]
    } else {
        &["Index Cond: ", "ROW(created_at, id) < ROW("]
    };
    assert!(conditions.iter().all(|condition| plan.contains(condition)), "{plan}");
}

async fn each_filter_of_customers_is_served_by_an_index(db: Fixture) {
    let db = many(db, true, false).await;
    let email = || Email::parse("9999@A.example").ok();
    let (from, to) = (Some(at(9_000)), Some(at(10_001)));
    let unconfirmed = CustomerFilter { confirmed: Some(false), ..everybody() };
    let after = CustomerPlace { created_at: at(10_000), id: CustomerId::from(Uuid::from_u128(10_000)) };
    for (filter, index, found) in [
        (everybody(), "customers_created_at_idx", 999),
        (CustomerFilter { email: email(), ..everybody() }, "customers_email_folded_idx", 1),
        (CustomerFilter { email: email(), confirmed: Some(true), ..everybody() }, "customers_email_folded_idx", 1),
        (
            CustomerFilter { email: email(), created_after: from, created_before: to, ..everybody() },
            "customers_email",
            1,
        ),
        (CustomerFilter { created_after: from, ..everybody() }, "customers_created_at_idx", 999),
        (CustomerFilter { created_before: to, ..everybody() }, "customers_created_at_idx", 999),
        (CustomerFilter { created_after: from, created_before: to, ..everybody() }, "customers_created_at_idx", 999),
        (unconfirmed.clone(), "customers_unconfirmed_idx", 999),
        (CustomerFilter { created_after: from, ..unconfirmed.clone() }, "customers_unconfirmed_idx", 999),
        (CustomerFilter { created_before: to, ..unconfirmed }, "customers_unconfirmed_idx", 999),
        (CustomerFilter { confirmed: Some(true), ..everybody() }, "customers_c", 999),
    ] {
        for after in [None, Some(after)] {
            let from_there = filter.created_after.is_some() && after.is_some() && filter.confirmed == Some(false);
            let found = if from_there { 20 } else { found };
            let plan = plan(&db, PAGES, filter.clone(), after, found).await;
            assert!(plan.contains(index), "not by {index}: {plan}");
            expect_no_sort(&plan);
            if after.is_some() && !plan.contains("customers_email") {
                expect_beginning(&db, &plan);
            } else if filter != everybody() && filter.confirmed.is_none() {
                expect_no_scan(&plan);
            }
            assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN customers\n"), "{plan}");
        }
    }

    let number = PhoneNumber::from_e164("+491009999").ok();
    for confirmed in [None, Some(true)] {
        for created_after in [None, from] {
            let filter = CustomerFilter { phone_number: number.clone(), confirmed, created_after, ..everybody() };
            for after in [None, Some(after)] {
                let plan = plan(&db, PAGES, filter.clone(), after, 1).await;
                let (claim, customer) = if db.is_sqlite() {
                    (
                        "SEARCH phone_number_claims USING PRIMARY KEY",
                        "customers USING INDEX sqlite_autoindex_customers_1",
                    )
                } else {
                    ("phone_number_claims_pkey", "customers_pkey")
                };
                expect_index(&plan, claim);
                expect_index(&plan, customer);
            }
        }
    }

    // Whose address is to be folded is looked for among those alone.
    watch_for(&db, vec!["IS DISTINCT FROM email_folded_of".to_owned()]);
    db.database
        .customers
        .list(CustomerQuery { filter: CustomerFilter { email: email(), ..everybody() }, after: None, limit: 1 })
        .await
        .unwrap();
    for plan in plans(&db, "IS DISTINCT FROM") {
        assert!(plan.contains("customers_email_unfolded_idx"), "{plan}");
        expect_no_sort(&plan);
    }
}

async fn of_few_confirmed_ones_and_of_one_time_a_page_is_read_from_an_index_too(db: Fixture) {
    let db = many(db, false, true).await;
    let after = CustomerPlace { created_at: at(0), id: CustomerId::from(Uuid::from_u128(10_000)) };
    for (confirmed, index) in
        [(None, "customers_created_at_idx"), (Some(true), "customers_confirmed_idx"), (Some(false), "customers_")]
    {
        for after in [None, Some(after)] {
            let plan = plan(&db, OTHER_PAGES, CustomerFilter { confirmed, ..everybody() }, after, 999).await;
            assert!(plan.contains(index), "not by {index}: {plan}");
            expect_no_sort(&plan);
            if after.is_some() {
                expect_beginning(&db, &plan);
            }
        }
    }
}
