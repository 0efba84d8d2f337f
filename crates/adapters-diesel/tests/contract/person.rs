//! A person about whom everything is stored that can be, and what would give him away.

use domain::{
    Address, AddressInput, AddressPurpose, AfterTry, Card, CardParts, Change, ConfirmationToken, CountryCode, Customer,
    CustomerId, Email, Link, LinkId, LinkPolicy, LinkPurpose, NewCustomer, NumberMemory, PersonName, Phone,
    PhoneNumber, Profile,
};
use ports::{Beside, Digest, EventQuery, IdempotencyRecord, KeyedHash, Lease, Sealed, StoredLink};
use uuid::Uuid;

use crate::delivering::{due, queue, record, tried};
use crate::fixture::Fixture;
use crate::making::{at, changed, creation_of, fresh_number, fresh_uuid, moment, policy, relocated, token, with_card};

/// The person of a number, whose data are like nobody else's.
pub(crate) struct Person {
    number: u32,
    pub(crate) customer: Customer,
    pub(crate) card: Card,
}

impl Person {
    /// Somebody whose id is in no order with those of others.
    pub(crate) fn new() -> Self {
        let number = fresh_number();
        // Of letters alone: no six digits of it are anybody's token.
        let scrambled = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let id = Uuid::from_bytes(scrambled.to_be_bytes().map(|byte| 0xAA + byte % 6 + (byte / 6 % 6) * 16));
        let name = |part: &str| Some(PersonName::parse(&mark(part, number)).unwrap());
        let new = NewCustomer {
            id: CustomerId::from(id),
            phone: phone(1, number),
            profile: Profile {
                first_name: name("first"),
                last_name: name("last"),
                email: Some(Email::parse(&format!("{}@mail.example", mark("mail", number))).unwrap()),
            },
        };
        let customer = creation_of(new, first_token(number)).customer().clone();
        let text = |part: &str| mark(part, number);
        let card = CardParts {
            provider: "test".to_owned(),
            payment_method: text("pm"),
            setup: text("seti"),
            brand: "visa".to_owned(),
            last4: "0042".to_owned(),
            exp_month: 12,
            exp_year: 2030,
            updated_at: at(0),
        };
        Self { number, customer, card: Card::new(card).unwrap() }
    }

    pub(crate) fn id(&self) -> CustomerId {
        self.customer.id()
    }

    fn address(&self, purpose: &str) -> Address {
        let text = |part: &str| Some(mark(&format!("{purpose}{part}"), self.number));
        let input = AddressInput {
            name: text("name"),
            company: text("company"),
            line1: text("line1"),
            line2: text("line2"),
            city: text("city"),
            ..AddressInput::of(CountryCode::parse("DM").unwrap())
        };
        Address::parse(input).unwrap()
    }

    /// Stores what a customer has who was created, gave his addresses and his card, and has two events.
    pub(crate) async fn settle(&mut self, db: &Fixture) {
        let phone = phone(1, self.number);
        let new = NewCustomer { id: self.id(), phone, profile: self.customer.profile().clone() };
        self.customer = db.save(&creation_of(new, first_token(self.number))).await;
        for (purpose, name) in [(AddressPurpose::Billing, "billing"), (AddressPurpose::Shipping, "shipping")] {
            self.customer = db.save(&relocated(&self.customer, purpose, Some(self.address(name)), 1)).await;
        }
        self.customer = db.save(&with_card(&self.customer, None, Some(self.card.clone()), 2)).await;
    }

    /// The same, and everything else: he is confirmed and is to get another number, at whose token he failed once; he has
    /// links and is known at the provider; what came of a request of his is kept; and of his events the endpoint of
    /// `lease` accepted one, and is to get the others.
    pub(crate) async fn settle_in_full(&mut self, db: &Fixture, lease: Lease) {
        self.settle(db).await;
        let confirmed = changed(self.customer.confirm(first_token(self.number), moment(3), &policy()));
        let beside = Beside { record: Some(self.record()), ..Beside::default() };
        db.database.customers.save(&confirmed, beside).await.unwrap();
        self.customer = confirmed.customer().clone();
        self.customer = db.save(&self.change_of_number(4)).await;
        self.customer = db.save(&self.customer.confirm(token(1), moment(5), &policy()).change.unwrap()).await;
        let query = EventQuery { after: None, customer_id: Some(self.id()), limit: 100 };
        let events = db.database.events.page(query).await.unwrap().unwrap().events;
        queue(db, lease, &events.iter().collect::<Vec<_>>(), 5).await;
        let mut his = due(db, lease, 5).await.deliveries;
        his.retain(|due| due.event.customer_id == self.id());
        let mut accepted = tried(&his[0], 6, AfterTry::Accepted);
        accepted.tried.answer = Some(mark("answer", self.number));
        record(db, lease, vec![accepted], 6).await;
        let links: Vec<StoredLink> = LinkPurpose::ALL.iter().map(|purpose| self.link(*purpose)).collect();
        db.database.links.issue(links, at(0)).await.unwrap();
        let known = mark("cus", self.number);
        db.database.provider_customers.keep_provider_customer(self.id(), "test", None, known).await.unwrap();
    }

    /// The change to another number.
    pub(crate) fn change_of_number(&self, seconds: i64) -> Change {
        let (phone, memory) = (phone(2, self.number), NumberMemory::default());
        let next = second_token(self.number);
        changed(self.customer.change_number(phone, &memory, next, moment(seconds), &policy()))
    }

    /// That he goes, with the memory of his last number.
    pub(crate) fn erasure(&self, seconds: i64) -> (Change, Beside) {
        let change = self.customer.erase(Some(&self.card), moment(seconds)).change.unwrap();
        let memories = change.releases().iter().map(|(_, memory)| (self.number_hash(), memory.clone()));
        let memories = memories.filter(|(_, memory)| !memory.is_empty()).collect();
        (change, Beside { memories, ..Beside::default() })
    }

    /// Erases him as he was stored last.
    pub(crate) async fn erase(&self, db: &Fixture, seconds: i64) {
        let (change, beside) = self.erasure(seconds);
        db.database.customers.save(&change, beside).await.unwrap();
    }

    /// What came of a request about him.
    pub(crate) fn record(&self) -> IdempotencyRecord {
        IdempotencyRecord {
            id: digest("record", self.number),
            fingerprint: digest("fingerprint", self.number),
            customer_id: Some(self.id()),
            outcome: Some(Sealed(mark("outcome", self.number).into_bytes())),
            created_at: at(3),
        }
    }

    /// The hash of his number, as far as the store knows.
    pub(crate) fn number_hash(&self) -> KeyedHash {
        KeyedHash { current: digest("number", self.number), previous: None }
    }

    pub(crate) fn link(&self, purpose: LinkPurpose) -> StoredLink {
        let link = Link::next(None, LinkId::from(fresh_uuid()), self.id(), purpose, at(4), &LinkPolicy::default());
        StoredLink { link, code: digest(purpose.as_str(), self.number) }
    }

    /// What nobody may find of him, as text and as bytes: all that is marked, his numbers, his tokens, the digests of
    /// his links' codes, and what is said in the records of his requests.
    pub(crate) fn traces(&self) -> Vec<Trace> {
        let text = |text: String| Trace { bytes: text.clone().into_bytes(), text };
        let mut traces = vec![text(mark("", self.number))];
        for phone in [phone(1, self.number), phone(2, self.number)] {
            traces.push(text(phone.number.as_str().to_owned()));
        }
        for token in [first_token(self.number), second_token(self.number)] {
            traces.push(text(token.expose()));
        }
        for purpose in LinkPurpose::ALL {
            let Digest(bytes) = digest(purpose.as_str(), self.number);
            traces.push(Trace { text: hex(&bytes), bytes: bytes.to_vec() });
        }
        let outcome = mark("outcome", self.number).into_bytes();
        traces.push(Trace { text: hex(&outcome), bytes: outcome });
        traces
    }
}

/// Something that gives a person away.
pub(crate) struct Trace {
    /// As [`Fixture::rows`] would show it.
    pub(crate) text: String,
    /// As it would lie in a file.
    pub(crate) bytes: Vec<u8>,
}

/// A text that ends like all of this person's, and like nobody else's.
fn mark(part: &str, number: u32) -> String {
    format!("{part}-zq{number:06}qz")
}

fn phone(kind: u32, number: u32) -> Phone {
    // In no order with others', and without a digit that a token begins with.
    let scrambled = format!("{:012o}", number.wrapping_mul(0x9E37_79B1));
    let number = PhoneNumber::from_e164(&format!("+1{kind}{scrambled}")).unwrap();
    Phone { number, country: CountryCode::parse("CA").unwrap() }
}

fn first_token(number: u32) -> ConfirmationToken {
    ConfirmationToken::from_number(910_000 + number % 20_000).unwrap()
}

fn second_token(number: u32) -> ConfirmationToken {
    ConfirmationToken::from_number(930_000 + number % 20_000).unwrap()
}

/// Digests that are like no others in each part.
fn digest(part: &str, number: u32) -> Digest {
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let name = part.as_bytes();
        *byte = name[index % name.len()] ^ u8::try_from(index * 7).unwrap();
    }
    bytes[4..8].copy_from_slice(&number.to_be_bytes());
    bytes[20..24].copy_from_slice(&number.to_be_bytes());
    Digest(bytes)
}

/// Bytes as both databases write them out.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
