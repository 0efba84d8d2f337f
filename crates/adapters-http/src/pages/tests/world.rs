//! What the tests of the pages start from: a link, its customer, and a visitor.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::App;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use domain::{
    Address, AddressInput, Addresses, Card, CardParts, ConfirmationPolicy, ConfirmationToken, CountryCode, Customer,
    CustomerId, EventId, Link, LinkId, LinkPolicy, LinkPurpose, Moment, NewCustomer, NumberMemory, Phone,
    PhoneValidation, Profile, TimeDelta, Timestamp,
};
use ports::{
    CardProvider, Digest, MockApiKeyRepository, MockCardProvider, MockClock, MockCustomerRepository,
    MockDeliveryRepository, MockDetachmentQueue, MockEndpointRepository, MockEventOutbox, MockEventSignal,
    MockIdGenerator, MockIdempotencyStore, MockInstallationRepository, MockLinkRepository,
    MockProviderCustomerRepository, MockReceiverRepository, MockRetentionRepository, MockSecrets, MockTokenGenerator,
    MockWebhookSender, StoreError,
};
use use_cases::{Policies, Ports, Service};
use uuid::Uuid;

use crate::State;
use crate::caller::Callers;
use crate::client_address::TrustedProxies;
use crate::observe::observe;
use crate::pages::{Brand, Pages};
use crate::router::routes;

/// The code of the link that there is.
pub(super) const CODE: &str = "abcdefGHIJ12";
/// Its page.
pub(super) const PATH: &str = "/l/abcdefGHIJ12";
pub(super) const ORIGIN: &str = "https://customers.example.com";
/// The session that is given to who has none.
pub(super) const SESSION: &str = "token-of-the-cookie";

/// What is stored.
pub(super) struct World {
    pub(super) purpose: LinkPurpose,
    /// How long the link still lives.
    pub(super) remaining: TimeDelta,
    pub(super) addresses: Addresses,
    pub(super) card: Option<Card>,
    /// From which question for the link on the store is away.
    pub(super) store_fails_from: usize,
    pub(super) provider: Option<MockCardProvider>,
    pub(super) brand: Brand,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: actix_web::http::header::HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(super) fn country(code: &str) -> CountryCode {
    CountryCode::parse(code).unwrap()
}

pub(super) fn address() -> Address {
    let text = |text: &str| Some(text.to_owned());
    Address::parse(AddressInput {
        name: text("Yogi \"Lawrence\" <Berra>"),
        line1: text("8 Yogi Berra Drive"),
        postal_code: text("07424"),
        city: text("Little Falls"),
        region: text("NJ"),
        ..AddressInput::of(country("US"))
    })
    .unwrap()
}

pub(super) fn card(setup: &str) -> Card {
    Card::new(CardParts {
        provider: "mock".to_owned(),
        payment_method: "pm_1".to_owned(),
        setup: setup.to_owned(),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 3,
        exp_year: 2031,
        updated_at: Timestamp::UNIX_EPOCH,
    })
    .unwrap()
}

fn customer() -> Customer {
    let phone = Phone::read("+14185810827", country("CA"), PhoneValidation::Possible).unwrap();
    let new = NewCustomer { id: CustomerId::from(Uuid::from_u128(1)), phone, profile: Profile::default() };
    let moment = Moment { now: Timestamp::UNIX_EPOCH, event_id: EventId::from(Uuid::from_u128(2)) };
    let token = ConfirmationToken::parse("123456").unwrap();
    Customer::create(new, &NumberMemory::default(), token, moment, &ConfirmationPolicy::default()).outcome.unwrap()
}

fn digest(text: &str) -> Digest {
    let mut digest = [0; 32];
    for (place, byte) in text.bytes().enumerate() {
        digest[place % 32] ^= byte.rotate_left(u32::try_from(place / 32).unwrap());
    }
    Digest(digest)
}

impl World {
    pub(super) fn new(purpose: LinkPurpose) -> Self {
        Self {
            purpose,
            remaining: TimeDelta::seconds(90),
            addresses: Addresses::default(),
            card: None,
            store_fails_from: usize::MAX,
            provider: None,
            brand: Brand::default(),
        }
    }

    fn service(self) -> Service {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(1);
        let id = LinkId::from(Uuid::from_u128(9));
        let mut link =
            Link::next(None, id, CustomerId::from(Uuid::from_u128(1)), self.purpose, now, &LinkPolicy::default());
        link.expires_at = now + self.remaining;
        link.card_setup = self.card.as_ref().map(|card| card.parts().setup.clone()).filter(|setup| setup == "seti_1");
        // The card that it brought used it up.
        link.revoked_at = link.card_setup.as_ref().map(|_| now);
        let mut links = MockLinkRepository::new();
        let (asked, fails_from) = (AtomicUsize::new(0), self.store_fails_from);
        links.expect_find_by_code().returning(move |code| {
            if asked.fetch_add(1, Ordering::Relaxed) >= fails_from {
                return Err(StoreError::Unavailable("away".to_owned()));
            }
            Ok((*code == digest(CODE)).then(|| link.clone()))
        });
        links.expect_bind_card_setup().returning(|_, _, setup| Ok(Some(setup)));
        let mut customers = MockCustomerRepository::new();
        let (addresses, card) = (self.addresses, self.card);
        customers.expect_find().returning(|_| Ok(Some(customer())));
        customers.expect_find_addresses().returning(move |_| Ok(addresses.clone()));
        customers.expect_find_card().returning(move |_| Ok(card.clone()));
        customers.expect_save().returning(|_, _| Ok(()));
        let mut clock = MockClock::new();
        clock.expect_now().return_const(now);
        let mut ids = MockIdGenerator::new();
        ids.expect_event_id().return_const(EventId::from(Uuid::from_u128(3)));
        ids.expect_request_id().return_const(Uuid::from_u128(4));
        let tokens = MockTokenGenerator::new();
        let mut secrets = MockSecrets::new();
        secrets.expect_digest().returning(digest);
        secrets.expect_form_token().returning(|_, part| format!("token-of-the-{part}"));
        let mut provider_customers = MockProviderCustomerRepository::new();
        provider_customers.expect_find_provider_customer().returning(|_, _| Ok(Some("cus_1".to_owned())));
        let mut signal = MockEventSignal::new();
        signal.expect_announce().return_const(());
        let ports = Ports {
            customers: Arc::new(customers),
            events: Arc::new(MockEventOutbox::new()),
            signal: Arc::new(signal),
            receivers: Arc::new(MockReceiverRepository::new()),
            endpoints: Arc::new(MockEndpointRepository::new()),
            deliveries: Arc::new(MockDeliveryRepository::new()),
            webhooks: Arc::new(MockWebhookSender::new()),
            broker: None,
            links: Arc::new(links),
            card_provider: self.provider.map(|provider| Arc::new(provider) as Arc<dyn CardProvider>),
            provider_customers: Arc::new(provider_customers),
            detachments: Arc::new(MockDetachmentQueue::new()),
            idempotency: Arc::new(MockIdempotencyStore::new()),
            retention: Arc::new(MockRetentionRepository::new()),
            api_keys: Arc::new(MockApiKeyRepository::new()),
            installation: Arc::new(MockInstallationRepository::new()),
            clock: Arc::new(clock),
            ids: Arc::new(ids),
            tokens: Arc::new(tokens),
            secrets: Arc::new(secrets),
        };
        Service::new(ports, Policies::default())
    }

    /// Asks one thing after another of one server.
    pub(super) async fn answers(self, requests: Vec<TestRequest>) -> Vec<Answer> {
        let pages = Pages::new(ORIGIN, self.brand.clone()).unwrap();
        let state = Data::new(State {
            service: Arc::new(self.service()),
            public_url: ORIGIN.to_owned(),
            pages,
            trusted_proxies: TrustedProxies::default(),
            callers: Callers::new(None),
            api: crate::openapi::Api::new(),
            stopping: tokio::sync::watch::channel(false).1,
            streams: Arc::new(tokio::sync::Semaphore::new(1)),
        });
        let server = init_service(App::new().app_data(state).wrap(from_fn(observe)).configure(routes)).await;
        let mut answers = Vec::new();
        for request in requests {
            let response = actix_web::dev::Service::call(&server, request.to_request()).await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let bytes = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            answers.push(Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() });
        }
        answers
    }

    /// Asks one thing.
    pub(super) async fn answer(self, request: TestRequest) -> Answer {
        self.answers(vec![request]).await.remove(0)
    }
}

/// A look at a page.
pub(super) fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

/// The form of the link's page, as a browser sends it that has the page open.
pub(super) fn post(fields: &str) -> TestRequest {
    bare_post(&format!("form_token=token-of-the-form&{fields}"))
        .insert_header(("cookie", format!("form_session={SESSION}")))
        .insert_header(("origin", ORIGIN))
        .insert_header(("sec-fetch-site", "same-origin"))
}

/// A form with nothing that makes it believed.
pub(super) fn bare_post(fields: &str) -> TestRequest {
    TestRequest::default()
        .method(Method::POST)
        .uri(PATH)
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(fields.to_owned())
}
