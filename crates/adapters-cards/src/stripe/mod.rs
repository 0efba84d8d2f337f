//! Stripe, or a service with its interface.

mod client;
mod failure;
mod objects;
mod settings;
#[cfg(test)]
mod tests;
mod trust;

use async_trait::async_trait;
use domain::{CustomerId, LinkId};
use http::StatusCode;
use ports::{CardBrowser, CardProvider, CardProviderError, CardSetup, CardSetupState};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use self::client::{Answer, Api, Ask, Limits, Refusal};
use self::objects::{Customer, PaymentMethod, SetupIntent};
pub use self::settings::{
    StripePublishableKey, StripeSecretKey, StripeSettings, StripeUrl, check_stripe_publishable_key,
    check_stripe_secret_key, check_stripe_url,
};
use crate::SetupError;

/// Cards at Stripe. Cheap to clone.
#[derive(Clone)]
pub struct StripeCards {
    api: Api,
    browser: CardBrowser,
}

impl StripeCards {
    /// A client of this API. Nothing is sent before it is needed.
    ///
    /// # Errors
    /// When one key is for real cards and the other for test cards, or the TLS library does not take its settings.
    pub fn new(settings: &StripeSettings) -> Result<Self, SetupError> {
        Self::with(settings, Limits::default())
    }

    fn with(settings: &StripeSettings, limits: Limits) -> Result<Self, SetupError> {
        let (secret, publishable) = (settings.secret_key.is_test(), settings.publishable_key.is_test());
        if secret.zip(publishable).is_some_and(|(secret, publishable)| secret != publishable) {
            return Err(SetupError::MixedKeys);
        }
        Ok(Self { api: Api::new(settings, limits)?, browser: browser(settings) })
    }

    /// A setup by its id, with its card.
    async fn look_up(&self, id: &str, deadline: Instant) -> Result<Option<CardSetup>, CardProviderError> {
        const WHAT: &str = "looking up a setup";
        let path = format!("/v1/setup_intents/{id}?expand%5B%5D=payment_method");
        let setup: SetupIntent = match self.call(Ask { path, what: WHAT, form: None, once_for: "" }, deadline).await? {
            Ok(answer) => read(&answer, WHAT)?,
            Err(refusal) if is_missing(&refusal) => return Ok(None),
            Err(refusal) => return Err(refusal.into_error(WHAT)),
        };
        if setup.id != id {
            return Err(senseless(WHAT));
        }
        let card = match setup.card_to_look_up() {
            Some(id) if is_id(id) => self.payment_method(id, deadline).await?,
            Some(_) => return Err(senseless(WHAT)),
            None => None,
        };
        setup.into_setup(card).map(Some).ok_or_else(|| senseless(WHAT))
    }

    /// A card by its id; `None` when there is none.
    async fn payment_method(&self, id: &str, deadline: Instant) -> Result<Option<PaymentMethod>, CardProviderError> {
        const WHAT: &str = "looking up a card";
        let path = format!("/v1/payment_methods/{id}");
        match self.call(Ask { path, what: WHAT, form: None, once_for: "" }, deadline).await? {
            Ok(answer) => read(&answer, WHAT).map(Some),
            Err(refusal) if is_missing(&refusal) => Ok(None),
            Err(refusal) => Err(refusal.into_error(WHAT)),
        }
    }

    /// Removes a card from its customer.
    async fn remove(&self, payment_method: &str, deadline: Instant) -> Result<(), CardProviderError> {
        const WHAT: &str = "removing a card";
        if !is_id(payment_method) {
            return Err(CardProviderError::Rejected(format!("{WHAT}: the card's id is none of its ids")));
        }
        let path = format!("/v1/payment_methods/{payment_method}/detach");
        let refusal = match self.call(Ask { path, what: WHAT, form: Some(&[]), once_for: "" }, deadline).await? {
            Ok(_) => return Ok(()),
            Err(refusal) if is_missing(&refusal) => return Ok(()),
            Err(refusal) => refusal,
        };
        // One that is with no customer is refused, too, by words alone: so ask with whom it is.
        if refusal.status == StatusCode::BAD_REQUEST
            && self.payment_method(payment_method, deadline).await?.is_none_or(|card| card.customer.is_none())
        {
            return Ok(());
        }
        Err(refusal.into_error(WHAT))
    }

    async fn call(&self, ask: Ask<'_>, deadline: Instant) -> Result<Result<Answer, Refusal>, CardProviderError> {
        self.api.call(&ask, deadline).await
    }
}

impl std::fmt::Debug for StripeCards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StripeCards").field("browser", &self.browser).finish_non_exhaustive()
    }
}

#[async_trait]
impl CardProvider for StripeCards {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn browser(&self) -> CardBrowser {
        self.browser.clone()
    }

    async fn create_customer(&self, id: CustomerId, replacing: Option<String>) -> Result<String, CardProviderError> {
        const WHAT: &str = "making a customer";
        let id = id.to_string();
        // Nothing about the person: the id is all that is needed to find one by the other.
        let form = [("metadata[customer_id]", id.as_str())];
        let once_for = replacing.unwrap_or_default();
        let ask = Ask { path: "/v1/customers".to_owned(), what: WHAT, form: Some(&form), once_for: &once_for };
        let answer = self.call(ask, self.api.deadline()).await?.map_err(|refusal| refusal.into_error(WHAT))?;
        let Customer { id } = read(&answer, WHAT)?;
        if is_id(&id) { Ok(id) } else { Err(senseless(WHAT)) }
    }

    async fn create_setup(
        &self,
        provider_customer: &str,
        link: LinkId,
        replacing: Option<String>,
    ) -> Result<CardSetup, CardProviderError> {
        const WHAT: &str = "making a setup";
        let deadline = self.api.deadline();
        if !is_id(provider_customer) {
            return Err(CardProviderError::Rejected(format!("{WHAT}: the customer's id there is none of its ids")));
        }
        let form = [("customer", provider_customer), ("payment_method_types[]", "card"), ("usage", "off_session")];
        let once_for = format!("{} {}", link.uuid(), replacing.unwrap_or_default());
        let ask = Ask { path: "/v1/setup_intents".to_owned(), what: WHAT, form: Some(&form), once_for: &once_for };
        let answer = match self.call(ask, deadline).await? {
            Ok(answer) => answer,
            // Of all that the request names only the customer can be missing.
            Err(refusal) if is_missing(&refusal) => return Err(CardProviderError::UnknownCustomer),
            Err(refusal) => return Err(refusal.into_error(WHAT)),
        };
        let setup: SetupIntent = read(&answer, WHAT)?;
        if !is_id(&setup.id) {
            return Err(senseless(WHAT));
        }
        // What was answered to the same request before says where the setup stood then.
        if answer.is_replayed
            && let Some(setup) = self.look_up(&setup.id, deadline).await?
        {
            return Ok(setup);
        }
        setup.into_setup(None).ok_or_else(|| senseless(WHAT))
    }

    async fn find_setup(&self, id: &str) -> Result<Option<CardSetup>, CardProviderError> {
        if is_id(id) { self.look_up(id, self.api.deadline()).await } else { Ok(None) }
    }

    async fn abandon_setup(&self, id: &str) -> Result<(), CardProviderError> {
        const WHAT: &str = "ending a setup";
        let deadline = self.api.deadline();
        // Nothing of another form was ever made there.
        let setup = if is_id(id) { self.look_up(id, deadline).await? } else { None };
        match setup.map(|setup| setup.state) {
            None | Some(CardSetupState::Canceled) => Ok(()),
            Some(CardSetupState::Succeeded(card)) => self.remove(&card.payment_method, deadline).await,
            // It cannot be canceled now.
            Some(CardSetupState::Processing) => {
                Err(CardProviderError::Unavailable(format!("{WHAT}: it has not decided about the card yet")))
            }
            // Where a card comes meanwhile this is refused, and the next call finds it.
            Some(CardSetupState::AwaitsCard { .. } | CardSetupState::AwaitsCustomer) => {
                let path = format!("/v1/setup_intents/{id}/cancel");
                match self.call(Ask { path, what: WHAT, form: Some(&[]), once_for: "" }, deadline).await? {
                    Ok(_) => Ok(()),
                    Err(refusal) if is_missing(&refusal) => Ok(()),
                    Err(refusal) => Err(refusal.into_error(WHAT)),
                }
            }
        }
    }

    async fn detach(&self, payment_method: &str) -> Result<(), CardProviderError> {
        self.remove(payment_method, self.api.deadline()).await
    }
}

/// The customer's side.
fn browser(settings: &StripeSettings) -> CardBrowser {
    let js = settings.js_url.origin();
    let (mut script_origins, mut frame_origins) = (vec![js.to_owned()], vec![js.to_owned()]);
    let mut connect_origins = vec![settings.api_url.origin().to_owned()];
    if settings.js_url.is_stripes_script() {
        // The bank's page for 3-D Secure, and parts of the script and its frames that are on names below its own.
        script_origins.push("https://*.js.stripe.com".to_owned());
        frame_origins.extend(["https://*.js.stripe.com".to_owned(), "https://hooks.stripe.com".to_owned()]);
    }
    // A script that is not Stripe's may speak to where it came from.
    if js != settings.api_url.origin() && !settings.js_url.is_stripes_script() {
        connect_origins.push(js.to_owned());
    }
    CardBrowser {
        script_url: settings.js_url.as_str().to_owned(),
        publishable_key: settings.publishable_key.as_str().to_owned(),
        script_origins,
        frame_origins,
        connect_origins,
        display_name: settings.js_url.is_stripes_script().then_some("Stripe"),
        is_test: settings.publishable_key.as_str().starts_with("pk_test_"),
    }
}

/// Whether a text is an id of Stripe's: nothing else gets into a URL.
fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_missing(refusal: &Refusal) -> bool {
    // Any other 404 is a page of something that is not the API.
    match &refusal.error {
        Some(error) => refusal.status == StatusCode::NOT_FOUND || error.is_missing(),
        None => false,
    }
}

fn read<T: DeserializeOwned>(answer: &Answer, what: &'static str) -> Result<T, CardProviderError> {
    // The error of the JSON library quotes the answer.
    serde_json::from_slice(&answer.body).map_err(|_| senseless(what))
}

fn senseless(what: &'static str) -> CardProviderError {
    tracing::warn!(call = what, "the card provider's answer makes no sense");
    CardProviderError::Rejected(format!("{what}: the answer makes no sense"))
}
