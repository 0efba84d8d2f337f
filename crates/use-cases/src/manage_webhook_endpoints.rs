//! Make, change, rotate and remove webhook endpoints, and try one.

use domain::{
    DeliveryTry, Disabled, DisabledReason, EndpointId, EventId, EventType, Member, Timestamp, WebhookEndpoint,
};
use ports::{
    EndpointEdits, IdempotencyRecord, OutgoingEvent, PreviousSecret, SealPurpose, Sealed, StoreError, StoredEndpoint,
    WebhookMessage, WebhookSecret,
};

use crate::{Answer, Caller, Failure, Once, Service};

/// A URL that events may be sent to, as [`Service::check_webhook_url`] reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// What is told about a new endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateEndpoint {
    /// Where events are sent.
    pub url: WebhookUrl,
    /// The events that it takes.
    pub event_types: Vec<EventType>,
    /// What its maker says about it.
    pub description: Option<String>,
}

/// What is to change of an endpoint. What is `None` (or absent) stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateEndpoint {
    /// Where events are sent.
    pub url: Option<WebhookUrl>,
    /// The events that it takes.
    pub event_types: Option<Vec<EventType>>,
    /// What is said about it.
    pub description: Member<String>,
    /// Whether nothing is sent to it.
    pub disabled: Option<bool>,
}

/// The secrets of an endpoint, each with the time until which it signs, where it has one.
pub(crate) struct SigningSecrets(Vec<(WebhookSecret, Option<Timestamp>)>);

impl SigningSecrets {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that sign at `now`, newest first.
    pub(crate) fn at(&self, now: Timestamp) -> Vec<WebhookSecret> {
        let live = self.0.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        live.map(|(secret, _)| secret.clone()).collect()
    }
}

impl Service {
    /// Each endpoint has a worker of its own, so they are not without number.
    pub const MAX_ENDPOINTS: usize = 100;

    /// Reads a URL that events may be sent to.
    ///
    /// # Errors
    /// What it must be, as the rest of a sentence that begins with the field's name.
    pub fn check_webhook_url(&self, url: &str) -> Result<WebhookUrl, String> {
        self.ports.webhooks.check_url(url).map(WebhookUrl)
    }

    /// Makes an endpoint, which gets the events from now on, and the secret that its deliveries are signed with, which
    /// is shown this once.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::TooManyEndpoints`], what `once` brings, or the store's.
    pub async fn create_endpoint(
        &self,
        caller: Caller,
        command: CreateEndpoint,
        once: Option<Once<'_, (WebhookEndpoint, WebhookSecret)>>,
    ) -> Result<Answer<(WebhookEndpoint, WebhookSecret)>, Failure> {
        caller.require_write()?;
        self.once(caller, once, async |recorder| {
            if self.ports.endpoints.list().await?.len() >= Self::MAX_ENDPOINTS {
                return Err(Failure::TooManyEndpoints);
            }
            let now = self.ports.clock.now();
            let endpoint = WebhookEndpoint {
                id: self.ports.ids.endpoint_id(),
                url: command.url.0,
                event_types: command.event_types,
                description: command.description,
                disabled: None,
                failing_since: None,
                created_at: now,
                updated_at: now,
            };
            let secret = self.ports.tokens.webhook_secret();
            let sealed = self.seal_secret(endpoint.id, &secret);
            let stored = StoredEndpoint { endpoint: endpoint.clone(), secret: sealed, previous_secret: None };
            let made = (endpoint, secret);
            self.ports.endpoints.insert(stored, recorder.record(None, Ok(&made))).await?;
            self.endpoints_changed.notify_one();
            Ok(made)
        })
        .await
    }

    /// All endpoints, in the order of their making.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_endpoints(&self) -> Result<Vec<WebhookEndpoint>, Failure> {
        let stored = self.ports.endpoints.list().await?;
        Ok(stored.into_iter().map(|stored| stored.endpoint).collect())
    }

    /// One endpoint.
    ///
    /// # Errors
    /// [`Failure::EndpointNotFound`], or the store's.
    pub async fn find_endpoint(&self, id: EndpointId) -> Result<WebhookEndpoint, Failure> {
        Ok(self.stored_endpoint(id).await?.endpoint)
    }

    /// Changes an endpoint. What waits for one that is disabled is sent when it is enabled again.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], or the store's.
    pub async fn update_endpoint(
        &self,
        caller: Caller,
        id: EndpointId,
        command: UpdateEndpoint,
    ) -> Result<WebhookEndpoint, Failure> {
        caller.require_write()?;
        let endpoint = self.find_endpoint(id).await?;
        let now = self.ports.clock.now();
        let disabled = match (command.disabled, endpoint.disabled) {
            (Some(true), None) => Member::Value(Disabled { at: now, reason: DisabledReason::Requested }),
            (Some(false), Some(_)) => Member::Null,
            _ => Member::Absent,
        };
        let edits = EndpointEdits {
            url: command.url.map(|url| url.0),
            event_types: command.event_types,
            description: command.description,
            disabled,
            secrets: None,
        };
        if edits == EndpointEdits::default() {
            return Ok(endpoint);
        }
        self.edit_endpoint(id, edits, now, None).await
    }

    /// Removes an endpoint and all of its deliveries.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], or the store's.
    pub async fn delete_endpoint(&self, caller: Caller, id: EndpointId) -> Result<(), Failure> {
        caller.require_write()?;
        if !self.ports.endpoints.delete(id).await? {
            return Err(Failure::EndpointNotFound);
        }
        self.endpoints_changed.notify_one();
        Ok(())
    }

    /// Gives an endpoint a new secret, which is shown this once. The old one signs beside it for
    /// [`WebhookEndpoint::ROTATION`].
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], or the store's.
    pub async fn rotate_endpoint_secret(
        &self,
        caller: Caller,
        id: EndpointId,
        once: Option<Once<'_, (WebhookEndpoint, WebhookSecret)>>,
    ) -> Result<Answer<(WebhookEndpoint, WebhookSecret)>, Failure> {
        caller.require_write()?;
        self.once(caller, once, async |recorder| {
            let stored = self.stored_endpoint(id).await?;
            let now = self.ports.clock.now();
            let secret = self.ports.tokens.webhook_secret();
            let previous = PreviousSecret { secret: stored.secret, until: now + WebhookEndpoint::ROTATION };
            let secrets = Some((self.seal_secret(id, &secret), Some(previous)));
            let edits = EndpointEdits { secrets, ..EndpointEdits::default() };
            let rotated = (WebhookEndpoint { updated_at: now, ..stored.endpoint }, secret);
            // What is answered is what is recorded, whatever else was changed beside it: a repeat is told the same.
            self.edit_endpoint(id, edits, now, recorder.record(None, Ok(&rotated))).await?;
            Ok(rotated)
        })
        .await
    }

    /// Sends an event of type `ping` to an endpoint, disabled or not, and says what came of it. `write` writes the
    /// event's document.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], what `once` brings, or the store's.
    pub async fn test_endpoint(
        &self,
        caller: Caller,
        id: EndpointId,
        write: impl Fn(EventId, Timestamp) -> String,
        once: Option<Once<'_, (EventId, DeliveryTry)>>,
    ) -> Result<Answer<(EventId, DeliveryTry)>, Failure> {
        caller.require_write()?;
        self.once(caller, once, async |recorder| {
            let tried = self.send_ping(id, write).await?;
            // It changes nothing here: a process that ends in between has sent one ping more.
            if let Some(record) = recorder.record(None, Ok(&tried)) {
                self.ports.idempotency.keep_record(record).await?;
            }
            Ok(tried)
        })
        .await
    }

    async fn send_ping(
        &self,
        id: EndpointId,
        write: impl Fn(EventId, Timestamp) -> String,
    ) -> Result<(EventId, DeliveryTry), Failure> {
        let stored = self.stored_endpoint(id).await?;
        let (event_id, now) = (self.ports.ids.event_id(), self.ports.clock.now());
        let secrets = self.signing_secrets(&stored).at(now);
        if secrets.is_empty() {
            let id = stored.endpoint.id.to_string();
            return Err(StoreError::Corrupt { table: "webhook_endpoints", column: "secret", id }.into());
        }
        let event = OutgoingEvent {
            id: event_id,
            event_type: "ping".to_owned(),
            customer_id: None,
            occurred_at: now,
            payload: write(event_id, now),
        };
        let message = WebhookMessage { url: stored.endpoint.url, secrets, event, repeat: None, now };
        Ok((event_id, self.ports.webhooks.send(message).await.tried))
    }

    /// Seals anew what the previous secret key sealed, so that it is needed no more.
    ///
    /// # Errors
    /// The store's.
    pub async fn reseal_secrets(&self) -> Result<(), Failure> {
        let now = self.ports.clock.now();
        for stored in self.ports.endpoints.list().await? {
            let id = stored.endpoint.id;
            let anew = |sealed: &Sealed| {
                let opened = self.ports.secrets.unseal(SealPurpose::WebhookSecret, &context(id), sealed)?;
                let sealed = self.ports.secrets.seal(SealPurpose::WebhookSecret, &context(id), &opened.plain);
                opened.by_previous.then_some(sealed)
            };
            let secret = anew(&stored.secret);
            let previous = stored.previous_secret.as_ref().and_then(|previous| anew(&previous.secret));
            if secret.is_some() || previous.is_some() {
                let previous = stored
                    .previous_secret
                    .map(|old| PreviousSecret { secret: previous.unwrap_or(old.secret), until: old.until });
                let secrets = Some((secret.unwrap_or(stored.secret), previous));
                let edits = EndpointEdits { secrets, ..EndpointEdits::default() };
                self.ports.endpoints.update(id, edits, now, None).await.map_err(Failure::from)?;
            }
        }
        Ok(())
    }

    /// Sends nothing more to an endpoint, for a reason of its own.
    pub(crate) async fn disable_endpoint(
        &self,
        id: EndpointId,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let edits = EndpointEdits { disabled: Member::Value(Disabled { at: now, reason }), ..EndpointEdits::default() };
        self.ports.endpoints.update(id, edits, now, None).await?;
        self.endpoints_changed.notify_one();
        Ok(())
    }

    /// What an endpoint's deliveries are signed with; nothing where its secret cannot be opened.
    pub(crate) fn signing_secrets(&self, stored: &StoredEndpoint) -> SigningSecrets {
        let open = |sealed: &Sealed| {
            let context = context(stored.endpoint.id);
            let opened = self.ports.secrets.unseal(SealPurpose::WebhookSecret, &context, sealed)?;
            WebhookSecret::new(opened.plain)
        };
        let Some(secret) = open(&stored.secret) else { return SigningSecrets(Vec::new()) };
        let previous = stored.previous_secret.as_ref();
        let previous = previous.and_then(|previous| Some((open(&previous.secret)?, Some(previous.until))));
        SigningSecrets([(secret, None)].into_iter().chain(previous).collect())
    }

    pub(crate) async fn stored_endpoint(&self, id: EndpointId) -> Result<StoredEndpoint, Failure> {
        self.ports.endpoints.find(id).await?.ok_or(Failure::EndpointNotFound)
    }

    async fn edit_endpoint(
        &self,
        id: EndpointId,
        edits: EndpointEdits,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<WebhookEndpoint, Failure> {
        let stored = self.ports.endpoints.update(id, edits, now, record).await?.ok_or(Failure::EndpointNotFound)?;
        self.endpoints_changed.notify_one();
        Ok(stored.endpoint)
    }

    fn seal_secret(&self, id: EndpointId, secret: &WebhookSecret) -> Sealed {
        self.ports.secrets.seal(SealPurpose::WebhookSecret, &context(id), secret.bytes())
    }
}

/// A sealed secret opens in its own row only.
fn context(id: EndpointId) -> [u8; 16] {
    *id.uuid().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, at, reply, stored_endpoint};
    use ports::Unsealed;

    fn url() -> WebhookUrl {
        WebhookUrl("https://hooks.example.com/".to_owned())
    }

    fn command() -> CreateEndpoint {
        CreateEndpoint { url: url(), event_types: vec![EventType::Verification], description: None }
    }

    fn holding(stored: StoredEndpoint) -> World {
        let mut world = World::new();
        world.with_seals();
        world.endpoints.expect_find().returning(move |_| Ok(Some(stored.clone())));
        world
    }

    #[tokio::test]
    async fn a_new_endpoint_is_stored_with_its_secret_sealed() {
        let mut world = World::new();
        world.with_seals();
        world.endpoints.expect_list().returning(|| Ok(Vec::new()));
        world.endpoints.expect_insert().once().returning(|stored, _| {
            assert_eq!(stored.secret, Sealed(vec![!7; 32]));
            assert_eq!(stored.endpoint.created_at, World::NOW);
            Ok(())
        });
        let (endpoint, secret) =
            world.service().create_endpoint(WRITER, command(), None).await.unwrap().fresh().unwrap();
        assert_eq!((endpoint.url.as_str(), secret.bytes()), ("https://hooks.example.com/", [7; 32].as_slice()));
    }

    #[tokio::test]
    async fn there_are_not_endpoints_without_number() {
        let mut world = World::new();
        world.endpoints.expect_list().returning(|| Ok(vec![stored_endpoint(); Service::MAX_ENDPOINTS]));
        assert_eq!(world.service().create_endpoint(WRITER, command(), None).await, Err(Failure::TooManyEndpoints));
    }

    #[tokio::test]
    async fn a_read_key_manages_nothing() {
        let service = World::new().service();
        let id = stored_endpoint().endpoint.id;
        assert_eq!(service.create_endpoint(READER, command(), None).await, Err(Failure::Forbidden));
        assert_eq!(service.update_endpoint(READER, id, UpdateEndpoint::default()).await, Err(Failure::Forbidden));
        assert_eq!(service.delete_endpoint(READER, id).await, Err(Failure::Forbidden));
        assert_eq!(service.rotate_endpoint_secret(READER, id, None).await, Err(Failure::Forbidden));
        assert_eq!(service.test_endpoint(READER, id, |_, _| String::new(), None).await, Err(Failure::Forbidden));
    }

    #[tokio::test]
    async fn an_endpoint_is_disabled_once_and_what_changes_nothing_is_not_stored() {
        let mut world = holding(stored_endpoint());
        world.endpoints.expect_update().once().returning(|_, edits, _, _| {
            let disabled = Disabled { at: World::NOW, reason: DisabledReason::Requested };
            assert_eq!(edits, EndpointEdits { disabled: Member::Value(disabled), ..EndpointEdits::default() });
            Ok(Some(stored_endpoint()))
        });
        let service = world.service();
        let id = stored_endpoint().endpoint.id;
        let disabling = UpdateEndpoint { disabled: Some(true), ..UpdateEndpoint::default() };
        service.update_endpoint(WRITER, id, disabling).await.unwrap();
        let enabling = UpdateEndpoint { disabled: Some(false), ..UpdateEndpoint::default() };
        assert_eq!(service.update_endpoint(WRITER, id, enabling).await, Ok(stored_endpoint().endpoint));
    }

    #[tokio::test]
    async fn after_a_rotation_the_old_secret_signs_for_a_day() {
        let mut world = holding(stored_endpoint());
        world.endpoints.expect_update().once().returning(|_, edits, _, _| {
            let (secret, previous) = edits.secrets.unwrap();
            assert_eq!(secret, Sealed(vec![!7; 32]));
            let until = World::NOW + WebhookEndpoint::ROTATION;
            assert_eq!(previous, Some(PreviousSecret { secret: stored_endpoint().secret, until }));
            Ok(Some(stored_endpoint()))
        });
        let service = world.service();
        let answer = service.rotate_endpoint_secret(WRITER, stored_endpoint().endpoint.id, None).await.unwrap();
        let endpoint = answer.fresh().unwrap().0;
        assert_eq!(endpoint.updated_at, World::NOW, "what is recorded is answered, whatever is read by then");

        let previous = PreviousSecret { secret: Sealed(vec![2; 24]), until: at(10) };
        let rotated = StoredEndpoint { previous_secret: Some(previous), ..stored_endpoint() };
        let secrets = service.signing_secrets(&rotated);
        assert_eq!((secrets.at(at(9)).len(), secrets.at(at(10)).len()), (2, 1));
        assert_eq!(secrets.at(at(9))[1].bytes(), [!2; 24], "the newest first");
    }

    #[tokio::test]
    async fn what_the_previous_key_sealed_is_sealed_anew_and_nothing_else() {
        let mut world = World::new();
        let (old, new) = (stored_endpoint(), StoredEndpoint { secret: Sealed(vec![9; 40]), ..stored_endpoint() });
        world.endpoints.expect_list().returning(move || Ok(vec![old.clone(), new.clone()]));
        world
            .secrets
            .expect_unseal()
            .returning(|_, _, sealed| Some(Unsealed { plain: sealed.0.clone(), by_previous: sealed.0[0] == 1 }));
        world.secrets.expect_seal().returning(|_, _, _| Sealed(vec![9; 40]));
        world.endpoints.expect_update().once().returning(|_, edits, _, _| {
            assert_eq!(edits.secrets, Some((Sealed(vec![9; 40]), None)));
            Ok(None)
        });
        world.service().reseal_secrets().await.unwrap();
    }

    #[tokio::test]
    async fn a_test_is_sent_signed_and_its_outcome_told() {
        let mut world = holding(stored_endpoint());
        world.webhooks.expect_send().once().returning(|message| {
            assert_eq!((message.event.event_type.as_str(), message.event.payload.as_str()), ("ping", "a ping"));
            assert_eq!((message.event.customer_id, message.secrets.len()), (None, 1));
            reply(Some(418))
        });
        let id = stored_endpoint().endpoint.id;
        let outcome =
            world.service().test_endpoint(WRITER, id, |_, _| "a ping".to_owned(), None).await.unwrap().fresh().unwrap();
        assert_eq!(outcome.1, reply(Some(418)).tried);
    }

    #[tokio::test]
    async fn nothing_is_sent_unsigned() {
        let mut world = World::new();
        world.endpoints.expect_find().returning(|_| Ok(Some(stored_endpoint())));
        world.secrets.expect_unseal().returning(|_, _, _| None);
        let outcome =
            world.service().test_endpoint(WRITER, stored_endpoint().endpoint.id, |_, _| String::new(), None).await;
        assert!(matches!(outcome, Err(Failure::Store(StoreError::Corrupt { column: "secret", .. }))), "{outcome:?}");
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_not_found() {
        let mut world = World::new();
        world.endpoints.expect_find().returning(|_| Ok(None));
        world.endpoints.expect_delete().returning(|_| Ok(false));
        let service = world.service();
        let id = stored_endpoint().endpoint.id;
        assert_eq!(service.find_endpoint(id).await, Err(Failure::EndpointNotFound));
        assert_eq!(service.delete_endpoint(WRITER, id).await, Err(Failure::EndpointNotFound));
    }
}
