//! List customers, newest first, page by page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Customer, CustomerId, Email, FieldCode, FieldError, PhoneNumber, Refusal, Timestamp};
use ports::{CustomerFilter, CustomerPage, CustomerPlace, CustomerQuery, Digest, HashPurpose, KeyedHash, Secrets};
use uuid::Uuid;

use crate::{Failure, Service};

/// Which customers to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCustomers {
    /// Those of whom all of this is true.
    pub filter: CustomerFilter,
    /// The [`next`](CustomerList::next) of the page before, as text; the first page without it.
    pub after: Option<String>,
    /// How many at most, from 1.
    pub limit: u32,
}

/// A page of customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerList {
    /// Newest first.
    pub customers: Vec<Customer>,
    /// The cursor of the next page; `None` where this one is the last.
    pub next: Option<String>,
}

impl Service {
    /// A page of the customers of whom the filter is true, newest first. Following the cursors, everybody is met once who
    /// was there at the first page and whom the filter fits all the while; whoever comes meanwhile is newer than all of
    /// them and stands before.
    ///
    /// # Errors
    /// [`Failure::Refused`] when `after` is no cursor of a list by the same filter, or the store's.
    pub async fn list_customers(&self, wanted: ListCustomers) -> Result<CustomerList, Failure> {
        let ListCustomers { filter, after, limit } = wanted;
        let secrets = self.ports.secrets.as_ref();
        let after = after.map(|cursor| read_cursor(secrets, &filter, &cursor).ok_or_else(wrong_cursor)).transpose()?;
        let query = CustomerQuery { filter: filter.clone(), after, limit };
        let CustomerPage { customers, more } = self.ports.customers.list(query).await?;
        let last = customers.last().filter(|_| more);
        let next = last.map(|last| write_cursor(secrets, &filter, &place_of(last)));
        let mut shown = Vec::with_capacity(customers.len());
        for customer in customers {
            shown.extend(self.as_he_is_now(customer, &filter).await?);
        }
        Ok(CustomerList { customers: shown, next })
    }

    /// The customer, whose change of number is withdrawn where it has waited for too long; nobody, where he is not one of
    /// those who are sought then.
    async fn as_he_is_now(&self, customer: Customer, filter: &CustomerFilter) -> Result<Option<Customer>, Failure> {
        if !customer.is_change_overdue(self.ports.clock.now(), &self.policies.confirmation) {
            return Ok(Some(customer));
        }
        let customer = match self.find_customer(customer.id()).await {
            Err(Failure::CustomerNotFound) => return Ok(None),
            found => found?,
        };
        let holds = |number| customer.phone_number() == Some(number) || customer.unconfirmed_phone_number() == number;
        Ok(filter.phone_number.as_ref().is_none_or(holds).then_some(customer))
    }
}

fn place_of(customer: &Customer) -> CustomerPlace {
    CustomerPlace { created_at: customer.parts().created_at, id: customer.id() }
}

fn wrong_cursor() -> Failure {
    let detail = "must come from the `Link` of a page of this list, asked for with the same filters; leave it out to begin \
                  with the newest";
    Refusal::InvalidFields(vec![FieldError::new("after", FieldCode::Invalid, detail)]).into()
}

// A cursor, in base64url: FORM, the time in microseconds, the id, the signature. The signature is of these and of the
// filter, so that a cursor goes on with the list that it came from and with no other: who forgets a filter on the way is
// told, rather than shown other customers.
const FORM: u8 = 1;
const TIME: usize = 8;
const ID: usize = 16;
const SIGNATURE: usize = 32;
const PLACE: usize = 1 + TIME + ID;

fn write_cursor(secrets: &dyn Secrets, filter: &CustomerFilter, place: &CustomerPlace) -> String {
    let time = place.created_at.timestamp_micros().to_be_bytes();
    let place = [[FORM].as_slice(), &time, place.id.uuid().as_bytes()].concat();
    let Digest(signature) = signature_of(secrets, &place, filter).current;
    URL_SAFE_NO_PAD.encode([place.as_slice(), &signature].concat())
}

/// `None` for what [`write_cursor`] did not write for this filter.
fn read_cursor(secrets: &dyn Secrets, filter: &CustomerFilter, cursor: &str) -> Option<CustomerPlace> {
    let bytes: [u8; PLACE + SIGNATURE] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    let (place, signature) = bytes.split_first_chunk::<PLACE>()?;
    let signature = Digest(signature.try_into().ok()?);
    let is_ours = signature_of(secrets, place, filter).all().iter().any(|ours| is_same(ours, &signature));
    let [form, rest @ ..] = place;
    let (time, id) = rest.split_first_chunk::<TIME>()?;
    if !is_ours || *form != FORM {
        return None;
    }
    Some(CustomerPlace {
        created_at: Timestamp::from_timestamp_micros(i64::from_be_bytes(*time))?,
        id: CustomerId::from(Uuid::from_slice(id).ok()?),
    })
}

/// The signature of a place in the list by a filter. No value of a filter holds a line break, so that no two filters read
/// the same.
fn signature_of(secrets: &dyn Secrets, place: &[u8], filter: &CustomerFilter) -> KeyedHash {
    let CustomerFilter { phone_number, email, confirmed, created_after, created_before } = filter;
    let time = |time: &Option<Timestamp>| time.map(|time| time.timestamp_micros().to_string()).unwrap_or_default();
    let filter = [
        "customers".to_owned(),
        phone_number.as_ref().map(PhoneNumber::as_str).unwrap_or_default().to_owned(),
        email.as_ref().map(Email::folded).unwrap_or_default(),
        confirmed.map(|confirmed| confirmed.to_string()).unwrap_or_default(),
        time(created_after),
        time(created_before),
    ];
    secrets.keyed_hash(HashPurpose::Cursor, &[place, filter.join("\n").as_bytes()].concat())
}

/// In constant time: no early exit at a byte that differs.
fn is_same(one: &Digest, other: &Digest) -> bool {
    let differences = one.0.iter().zip(&other.0).fold(0, |sum, (one, other)| sum | (one ^ other));
    std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, at, confirmed, phone, unconfirmed};
    use ports::{MockSecrets, StoreError};

    /// A world that signs by adding up every byte.
    fn signing() -> World {
        let mut world = World::new();
        world.secrets = MockSecrets::new();
        world.secrets.expect_keyed_hash().returning(|purpose, message| {
            assert_eq!(purpose, HashPurpose::Cursor);
            let mut sum = [7_u8; 32];
            for (index, byte) in message.iter().enumerate() {
                sum[index % 32] = sum[index % 32].rotate_left(1) ^ byte;
            }
            KeyedHash { current: Digest(sum), previous: None }
        });
        world
    }

    /// A world that lists this page and notes nothing.
    fn world(more: bool) -> World {
        let mut world = signing();
        world.customers.expect_list().returning(move |query| {
            let customers = if query.after.is_none() { vec![confirmed(), unconfirmed()] } else { Vec::new() };
            Ok(CustomerPage { customers, more: more && query.after.is_none() })
        });
        world
    }

    fn list(filter: CustomerFilter, after: Option<String>) -> ListCustomers {
        ListCustomers { filter, after, limit: 2 }
    }

    fn filters() -> Vec<CustomerFilter> {
        let everybody = CustomerFilter::default;
        vec![
            everybody(),
            CustomerFilter { phone_number: Some(phone().number), ..everybody() },
            CustomerFilter { email: Email::parse("yogi@berra.com").ok(), ..everybody() },
            CustomerFilter { confirmed: Some(true), ..everybody() },
            CustomerFilter { confirmed: Some(false), ..everybody() },
            CustomerFilter { created_after: Some(at(1)), ..everybody() },
            CustomerFilter { created_before: Some(at(1)), ..everybody() },
            CustomerFilter { created_after: Some(at(1)), created_before: Some(at(2)), ..everybody() },
            CustomerFilter { created_after: Some(at(2)), created_before: Some(at(1)), ..everybody() },
        ]
    }

    fn is_refused(outcome: &Result<CustomerList, Failure>) -> bool {
        match outcome {
            Err(Failure::Refused(Refusal::InvalidFields(errors))) => errors.iter().all(|error| error.field == "after"),
            _ => false,
        }
    }

    #[tokio::test]
    async fn the_next_page_begins_after_the_last_of_this_one() {
        let mut world = signing();
        let filter = filters().remove(2);
        let expected = filter.clone();
        world.customers.expect_list().times(2).returning(move |query| {
            assert_eq!((&query.filter, query.limit), (&expected, 2));
            let last = unconfirmed();
            let place = CustomerPlace { created_at: World::NOW, id: last.id() };
            match query.after {
                None => Ok(CustomerPage { customers: vec![confirmed(), last], more: true }),
                Some(after) => {
                    assert_eq!(after, place);
                    Ok(CustomerPage::default())
                }
            }
        });
        let service = world.service();
        let page = service.list_customers(list(filter.clone(), None)).await.unwrap();
        assert_eq!(page.customers, [confirmed(), unconfirmed()]);
        assert!(page.next.is_some());
        let page = service.list_customers(list(filter, page.next)).await;
        assert_eq!(page, Ok(CustomerList { customers: Vec::new(), next: None }));
    }

    #[tokio::test]
    async fn the_last_page_has_no_next_one() {
        let page = world(false).service().list_customers(list(CustomerFilter::default(), None)).await.unwrap();
        assert_eq!((page.customers.len(), page.next), (2, None));
    }

    #[tokio::test]
    async fn a_cursor_goes_on_with_the_filter_that_it_came_from_and_no_other() {
        let service = world(true).service();
        for (one, filter) in filters().into_iter().enumerate() {
            let next = service.list_customers(list(filter, None)).await.unwrap().next;
            for (other, filter) in filters().into_iter().enumerate() {
                let outcome = service.list_customers(list(filter, next.clone())).await;
                assert_eq!(outcome.is_ok(), one == other, "filter {one} then {other}: {outcome:?}");
                assert!(outcome.is_ok() || is_refused(&outcome));
            }
        }
        // The same address in another case is the same filter.
        let [lower, upper] = ["yogi@berra.com", "Yogi@Berra.com"]
            .map(|email| CustomerFilter { email: Email::parse(email).ok(), ..CustomerFilter::default() });
        let next = service.list_customers(list(lower, None)).await.unwrap().next;
        assert!(service.list_customers(list(upper, next)).await.is_ok());
    }

    #[tokio::test]
    async fn a_cursor_that_was_changed_in_any_character_is_refused() {
        let service = world(true).service();
        let everybody = CustomerFilter::default;
        let next = service.list_customers(list(everybody(), None)).await.unwrap().next.unwrap();
        for at in 0..next.len() {
            for other in ["A", "_", "=", "\u{e9}"] {
                let changed = format!("{}{other}{}", &next[..at], &next[at + 1..]);
                let outcome = service.list_customers(list(everybody(), Some(changed.clone()))).await;
                assert_eq!(is_refused(&outcome), changed != next, "{changed}");
            }
            let outcome = service.list_customers(list(everybody(), Some(next[..at].to_owned()))).await;
            assert!(is_refused(&outcome), "{at} characters");
        }
        let outcome = service.list_customers(list(everybody(), Some(format!("{next}A")))).await;
        assert!(is_refused(&outcome));
    }

    #[tokio::test]
    async fn a_signed_cursor_of_another_form_or_of_no_time_is_refused() {
        let service = signing().service();
        let cursor = |form: u8, time: i64| {
            let place = [[form].as_slice(), &time.to_be_bytes(), &[0; ID]].concat();
            let Digest(signature) =
                signature_of(service.ports.secrets.as_ref(), &place, &CustomerFilter::default()).current;
            Some(URL_SAFE_NO_PAD.encode([place.as_slice(), &signature].concat()))
        };
        for after in [cursor(2, 0), cursor(0, 0), cursor(FORM, i64::MAX), cursor(FORM, i64::MIN)] {
            let outcome = service.list_customers(list(CustomerFilter::default(), after)).await;
            assert!(is_refused(&outcome), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_no_empty_page() {
        let mut world = signing();
        let error = StoreError::Unavailable("down".into());
        let failure = Failure::Store(error.clone());
        world.customers.expect_list().return_once(move |_| Err(error));
        let outcome = world.service().list_customers(list(CustomerFilter::default(), None)).await;
        assert_eq!(outcome, Err(failure));
    }

    /// See `scripts/fuzz`.
    mod fuzz {
        use proptest::prelude::*;

        use super::*;

        fn cursor_like() -> impl Strategy<Value = String> {
            let bytes = |length: std::ops::Range<usize>| prop::collection::vec(any::<u8>(), length);
            let encoded = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
            prop_oneof![
                "\\PC{0,90}",
                "[A-Za-z0-9_=-]{0,90}",
                bytes(0..90).prop_map(encoded),
                bytes(PLACE + SIGNATURE..PLACE + SIGNATURE + 1).prop_map(move |mut bytes| {
                    bytes[0] = FORM;
                    encoded(bytes)
                }),
            ]
        }

        proptest! {
            #[test]
            fn garbage_is_no_cursor(text in cursor_like()) {
                let world = signing();
                prop_assert_eq!(read_cursor(&world.secrets, &CustomerFilter::default(), &text), None);
            }

            #[test]
            fn a_cursor_is_read_as_it_was_written_and_no_longer_once_a_character_is_another(
                microseconds in -62_135_596_800_000_000_i64..253_402_300_799_999_999,
                id in any::<u128>(),
                index in 0_usize..76,
                other in "[A-Za-z0-9_-]",
            ) {
                let world = signing();
                let filter = CustomerFilter { confirmed: Some(true), ..CustomerFilter::default() };
                let created_at = Timestamp::from_timestamp_micros(microseconds).unwrap();
                let place = CustomerPlace { created_at, id: CustomerId::from(Uuid::from_u128(id)) };
                let mut cursor = write_cursor(&world.secrets, &filter, &place);
                prop_assert_eq!(read_cursor(&world.secrets, &filter, &cursor), Some(place));
                prop_assert_eq!(read_cursor(&world.secrets, &CustomerFilter::default(), &cursor), None);
                if cursor[index..=index] != other {
                    cursor.replace_range(index..=index, &other);
                    prop_assert_eq!(read_cursor(&world.secrets, &filter, &cursor), None);
                }
            }
        }
    }
}
