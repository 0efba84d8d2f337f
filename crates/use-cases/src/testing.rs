//! What the tests of use cases start from: mocked ports and a few customers.
//!
//! A mock panics at a call that was not expected, so a test that passes has also shown what was *not* done.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::{
    Address, AddressInput, Card, CardParts, ConfirmationPolicy, ConfirmationToken, CountryCode, Customer, CustomerId,
    DeliveryId, DeliveryTry, EndpointId, EventId, EventType, Link, LinkId, LinkPolicy, LinkPurpose, Moment,
    NewCustomer, NumberMemory, Phone, PhoneValidation, Profile, Timestamp, WebhookEndpoint,
};
use ports::{
    ApiKeyId, CardProvider, Digest, DueDelivery, EventSignal, KeyedHash, LeaseHolder, LinkCode, MockApiKeyRepository,
    MockCardProvider, MockClock, MockCustomerRepository, MockDeliveryRepository, MockDetachmentQueue,
    MockEndpointRepository, MockEventOutbox, MockIdGenerator, MockIdempotencyStore, MockInstallationRepository,
    MockLinkRepository, MockProviderCustomerRepository, MockReceiverRepository, MockRetentionRepository, MockSecrets,
    MockTokenGenerator, MockWebhookSender, Scope, Sealed, StoredEndpoint, StoredEvent, Unsealed, WebhookReply,
    WebhookSecret,
};
use uuid::Uuid;

use crate::{Caller, Policies, Ports, Service};

pub(crate) const WRITER: Caller = Caller { key_id: ApiKeyId(Uuid::nil()), scope: Scope::Write };
pub(crate) const READER: Caller = Caller { key_id: ApiKeyId(Uuid::nil()), scope: Scope::Read };

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

pub(crate) fn customer_id() -> CustomerId {
    CustomerId::from(Uuid::from_u128(0x00c0_ffee))
}

pub(crate) fn phone() -> Phone {
    Phone::read("+14185810827", CountryCode::parse("CA").unwrap(), PhoneValidation::Possible).unwrap()
}

pub(crate) fn token() -> ConfirmationToken {
    ConfirmationToken::parse("123456").unwrap()
}

pub(crate) fn other_token() -> ConfirmationToken {
    ConfirmationToken::parse("654321").unwrap()
}

pub(crate) fn unconfirmed() -> Customer {
    unconfirmed_at(World::NOW)
}

pub(crate) fn unconfirmed_at(now: Timestamp) -> Customer {
    let new = NewCustomer { id: customer_id(), phone: phone(), profile: Profile::default() };
    let moment = Moment { now, event_id: EventId::from(Uuid::from_u128(1)) };
    Customer::create(new, &NumberMemory::default(), token(), moment, &ConfirmationPolicy::default()).outcome.unwrap()
}

pub(crate) fn confirmed() -> Customer {
    let moment = Moment { now: World::NOW, event_id: EventId::from(Uuid::from_u128(2)) };
    unconfirmed().confirm(token(), moment, &ConfirmationPolicy::default()).outcome.unwrap()
}

pub(crate) fn address(number: u8) -> Address {
    let input = AddressInput {
        name: Some("Yogi Berra".to_owned()),
        line1: Some(format!("{number} Rue Cler")),
        postal_code: Some("75007".to_owned()),
        city: Some("Paris".to_owned()),
        ..AddressInput::of(CountryCode::parse("FR").unwrap())
    };
    Address::parse(input).unwrap()
}

/// A card at the provider `test`, which the setup of the same number brought.
pub(crate) fn card(number: u8) -> Card {
    let parts = CardParts {
        provider: "test".to_owned(),
        payment_method: format!("pm_{number}"),
        setup: format!("seti_{number}"),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 12,
        exp_year: 2030,
        updated_at: World::NOW,
    };
    Card::new(parts).unwrap()
}

/// A link of the customer's that was made so long ago.
pub(crate) fn link(purpose: LinkPurpose, age: TimeDelta) -> Link {
    let id = LinkId::from(Uuid::from_u128(1));
    Link::next(None, id, customer_id(), purpose, World::NOW - age, &LinkPolicy::default())
}

/// What can be a link's code.
pub(crate) const CODE: &str = "abcdefGHIJ12";

/// A link's code in these tests, and its digest.
pub(crate) fn code_of(id: LinkId) -> (LinkCode, Digest) {
    let code = format!("{:012}", id.uuid().as_u128() % 1_000_000_000_000);
    let digest = digest_of(&code);
    (LinkCode::parse(&code).unwrap(), digest)
}

fn digest_of(secret: &str) -> Digest {
    let mut digest = [0xd1; 32];
    digest[..secret.len()].copy_from_slice(secret.as_bytes());
    Digest(digest)
}

/// The end of a message stands for its keyed hash.
pub(crate) fn keyed_hash_of(message: &[u8]) -> KeyedHash {
    let mut digest = [0x4b; 32];
    for (byte, of_message) in digest.iter_mut().zip(message.iter().rev()) {
        *byte = *of_message;
    }
    KeyedHash { current: Digest(digest), previous: None }
}

/// A signal that nobody ever hears: who waits has to look by himself.
struct Silence;

#[async_trait]
impl EventSignal for Silence {
    fn announce(&self) {}

    fn count(&self) -> u64 {
        1
    }

    async fn heard(&self, count: u64) -> u64 {
        if count == 1 { std::future::pending().await } else { 1 }
    }
}

/// Every port as a mock. The clock stands still at [`World::NOW`]; ids and tokens are always the same.
pub(crate) struct World {
    pub(crate) customers: MockCustomerRepository,
    pub(crate) events: MockEventOutbox,
    pub(crate) receivers: MockReceiverRepository,
    pub(crate) endpoints: MockEndpointRepository,
    pub(crate) deliveries: MockDeliveryRepository,
    pub(crate) webhooks: MockWebhookSender,
    pub(crate) links: MockLinkRepository,
    pub(crate) card_provider: Option<MockCardProvider>,
    pub(crate) provider_customers: MockProviderCustomerRepository,
    pub(crate) detachments: MockDetachmentQueue,
    pub(crate) idempotency: MockIdempotencyStore,
    pub(crate) retention: MockRetentionRepository,
    pub(crate) api_keys: MockApiKeyRepository,
    pub(crate) installation: MockInstallationRepository,
    pub(crate) clock: MockClock,
    pub(crate) tokens: MockTokenGenerator,
    pub(crate) secrets: MockSecrets,
    pub(crate) policies: Policies,
}

impl World {
    pub(crate) const NOW: Timestamp = match Timestamp::from_timestamp(1_700_000_000, 0) {
        Some(now) => now,
        None => Timestamp::UNIX_EPOCH,
    };

    pub(crate) fn new() -> Self {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(Self::NOW);
        let mut tokens = MockTokenGenerator::new();
        tokens.expect_confirmation_token().return_const(token());
        // Nothing is remembered of any number.
        let mut customers = MockCustomerRepository::new();
        customers.expect_find_number_memory().returning(|_| Ok(NumberMemory::default()));
        let mut secrets = MockSecrets::new();
        secrets.expect_keyed_hash().returning(|_, message| keyed_hash_of(message));
        Self {
            customers,
            events: MockEventOutbox::new(),
            receivers: MockReceiverRepository::new(),
            endpoints: MockEndpointRepository::new(),
            deliveries: MockDeliveryRepository::new(),
            webhooks: MockWebhookSender::new(),
            links: MockLinkRepository::new(),
            card_provider: None,
            provider_customers: MockProviderCustomerRepository::new(),
            detachments: MockDetachmentQueue::new(),
            idempotency: MockIdempotencyStore::new(),
            retention: MockRetentionRepository::new(),
            api_keys: MockApiKeyRepository::new(),
            installation: MockInstallationRepository::new(),
            clock,
            tokens,
            secrets,
            policies: Policies::default(),
        }
    }

    /// A world in which this customer is stored.
    pub(crate) fn holding(customer: Customer) -> Self {
        let mut world = Self::new();
        world.customers.expect_find().returning(move |_| Ok(Some(customer.clone())));
        world
    }

    /// Gives links codes.
    pub(crate) fn with_codes(&mut self) {
        self.secrets.expect_link_code().returning(|id| code_of(id).0);
        self.secrets.expect_digest().returning(digest_of);
    }

    /// Seals by turning bits over, and opens what was sealed so.
    pub(crate) fn with_seals(&mut self) {
        let turned = |bytes: &[u8]| bytes.iter().map(|byte| !byte).collect::<Vec<u8>>();
        self.secrets.expect_seal().returning(move |_, _, plain| Sealed(turned(plain)));
        self.secrets
            .expect_unseal()
            .returning(move |_, _, sealed| Some(Unsealed { plain: turned(&sealed.0), by_previous: false }));
        self.tokens.expect_webhook_secret().returning(|| WebhookSecret::new(vec![7; 32]).unwrap());
    }

    pub(crate) fn service(self) -> Service {
        let mut ids = MockIdGenerator::new();
        ids.expect_customer_id().return_const(customer_id());
        ids.expect_event_id().return_const(EventId::from(Uuid::from_u128(3)));
        ids.expect_link_id().return_const(LinkId::from(Uuid::from_u128(99)));
        ids.expect_endpoint_id().return_const(EndpointId::from(Uuid::from_u128(0xe0)));
        ids.expect_delivery_id().return_const(DeliveryId::from(Uuid::from_u128(0xd0)));
        ids.expect_lease_holder().return_const(LeaseHolder(Uuid::from_u128(5)));
        ids.expect_api_key_id().return_const(ApiKeyId(Uuid::from_u128(4)));
        let ports = Ports {
            customers: Arc::new(self.customers),
            events: Arc::new(self.events),
            signal: Arc::new(Silence),
            receivers: Arc::new(self.receivers),
            endpoints: Arc::new(self.endpoints),
            deliveries: Arc::new(self.deliveries),
            webhooks: Arc::new(self.webhooks),
            broker: None,
            links: Arc::new(self.links),
            card_provider: self.card_provider.map(|provider| Arc::new(provider) as Arc<dyn CardProvider>),
            provider_customers: Arc::new(self.provider_customers),
            detachments: Arc::new(self.detachments),
            idempotency: Arc::new(self.idempotency),
            retention: Arc::new(self.retention),
            api_keys: Arc::new(self.api_keys),
            installation: Arc::new(self.installation),
            clock: Arc::new(self.clock),
            ids: Arc::new(ids),
            tokens: Arc::new(self.tokens),
            secrets: Arc::new(self.secrets),
        };
        Service::new(ports, self.policies)
    }
}

/// An endpoint that is enabled and well.
pub(crate) fn stored_endpoint() -> StoredEndpoint {
    let endpoint = WebhookEndpoint {
        id: EndpointId::from(Uuid::from_u128(0xe0)),
        url: "https://hooks.example.com/".to_owned(),
        event_types: vec![EventType::Verification],
        description: None,
        disabled: None,
        failing_since: None,
        created_at: at(0),
        updated_at: at(0),
    };
    StoredEndpoint { endpoint, secret: Sealed(vec![1; 40]), previous_secret: None }
}

/// An event of the customer of this number, at this place in the log.
pub(crate) fn stored_event(customer: u128, position: i64) -> StoredEvent {
    StoredEvent {
        id: EventId::from(Uuid::from_u128(0xe_0000 + u128::try_from(position).unwrap())),
        customer_id: CustomerId::from(Uuid::from_u128(customer)),
        event_type: "verification".to_owned(),
        occurred_at: World::NOW,
        position,
        token_generated_at: None,
        is_erased: false,
        payload: "{}".to_owned(),
    }
}

/// An event on its way to an endpoint, not tried yet.
pub(crate) fn due_delivery(number: u128) -> DueDelivery {
    DueDelivery {
        id: DeliveryId::from(Uuid::from_u128(number)),
        event: stored_event(number, i64::try_from(number).unwrap()),
        tries: 0,
        repeat: None,
        is_superseded: false,
        wrong_tries: 0,
    }
}

/// What an endpoint answers; nothing, where there is no status.
pub(crate) fn reply(status_code: Option<u16>) -> WebhookReply {
    let error = status_code.is_none().then(|| "the connection was refused".to_owned());
    let duration = TimeDelta::milliseconds(3);
    WebhookReply {
        tried: DeliveryTry { at: World::NOW, duration, status_code, answer: None, error },
        retry_after: None,
    }
}
