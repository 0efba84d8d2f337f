//! What the tests of use cases start from: mocked ports and a few customers.
//!
//! A mock panics at a call that was not expected, so a test that passes has also shown what was *not* done.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::{
    ConfirmationPolicy, ConfirmationToken, CountryCode, Customer, CustomerId, EventId, LinkId, Moment, NewCustomer,
    Phone, PhoneValidation, Profile, Timestamp,
};
use ports::{
    ApiKeyId, Digest, LinkCode, MockApiKeyRepository, MockClock, MockCustomerRepository, MockDeliveryRepository,
    MockEndpointRepository, MockEventOutbox, MockEventSignal, MockIdGenerator, MockInstallationRepository,
    MockLinkRepository, MockReceiverRepository, MockSecrets, MockTokenGenerator, MockWebhookSender, Scope,
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
    Customer::create(new, token(), moment, &ConfirmationPolicy::default()).outcome.unwrap()
}

pub(crate) fn confirmed() -> Customer {
    let moment = Moment { now: World::NOW, event_id: EventId::from(Uuid::from_u128(2)) };
    unconfirmed().confirm(token(), moment, &ConfirmationPolicy::default()).outcome.unwrap()
}

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

/// Every port as a mock. The clock stands still at [`World::NOW`]; ids and tokens are always the same.
pub(crate) struct World {
    pub(crate) customers: MockCustomerRepository,
    pub(crate) events: MockEventOutbox,
    pub(crate) signal: MockEventSignal,
    pub(crate) receivers: MockReceiverRepository,
    pub(crate) endpoints: MockEndpointRepository,
    pub(crate) deliveries: MockDeliveryRepository,
    pub(crate) webhooks: MockWebhookSender,
    pub(crate) links: MockLinkRepository,
    pub(crate) api_keys: MockApiKeyRepository,
    pub(crate) installation: MockInstallationRepository,
    pub(crate) clock: MockClock,
    pub(crate) tokens: MockTokenGenerator,
    pub(crate) secrets: MockSecrets,
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
        let mut signal = MockEventSignal::new();
        signal.expect_announce().return_const(());
        Self {
            customers: MockCustomerRepository::new(),
            events: MockEventOutbox::new(),
            signal,
            receivers: MockReceiverRepository::new(),
            endpoints: MockEndpointRepository::new(),
            deliveries: MockDeliveryRepository::new(),
            webhooks: MockWebhookSender::new(),
            links: MockLinkRepository::new(),
            api_keys: MockApiKeyRepository::new(),
            installation: MockInstallationRepository::new(),
            clock,
            tokens,
            secrets: MockSecrets::new(),
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

    pub(crate) fn service(self) -> Service {
        let mut ids = MockIdGenerator::new();
        ids.expect_customer_id().return_const(customer_id());
        ids.expect_event_id().return_const(EventId::from(Uuid::from_u128(3)));
        ids.expect_link_id().return_const(LinkId::from(Uuid::from_u128(99)));
        ids.expect_api_key_id().return_const(ApiKeyId(Uuid::from_u128(4)));
        let ports = Ports {
            customers: Arc::new(self.customers),
            events: Arc::new(self.events),
            signal: Arc::new(self.signal),
            receivers: Arc::new(self.receivers),
            endpoints: Arc::new(self.endpoints),
            deliveries: Arc::new(self.deliveries),
            webhooks: Arc::new(self.webhooks),
            broker: None,
            links: Arc::new(self.links),
            api_keys: Arc::new(self.api_keys),
            installation: Arc::new(self.installation),
            clock: Arc::new(self.clock),
            ids: Arc::new(ids),
            tokens: Arc::new(self.tokens),
            secrets: Arc::new(self.secrets),
        };
        Service::new(ports, Policies::default())
    }
}
