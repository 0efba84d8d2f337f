//! A provider within this process, to try the service with: it takes no real card.

mod answer;
mod cards;
mod routes;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::ServiceConfig;
use async_trait::async_trait;
use domain::{CustomerId, LinkId};
use hmac::{Hmac, KeyInit, Mac};
use ports::{CardBrowser, CardProvider, CardProviderError, CardSetup, ProvidedCard};
use sha2::{Digest, Sha256};

use self::answer::{Answer, Failed};
use self::cards::{Outcome, TestCard};
use self::store::{Setup, State, Store};
use crate::refusal::telling_code;

/// How many setups are remembered.
const MOST_SETUPS: usize = 10_000;

/// A payment provider to try the service with: it behaves as Stripe does, takes only well-known test numbers, and
/// forgets everything with the process. Its side of the browser is served by [`routes`](Self::routes).
pub struct TestCards {
    key: [u8; 32],
    store: Mutex<Store>,
}

impl TestCards {
    /// The path below which the routes are to be.
    pub const PATH: &str = "/test-cards";

    /// One that makes its ids and secrets with this key. The key must be another in every process: what a process
    /// makes is then never taken for what an earlier one made.
    pub fn new(key: [u8; 32]) -> Self {
        Self::remembering(MOST_SETUPS, key)
    }

    fn remembering(most: usize, key: [u8; 32]) -> Self {
        Self { key, store: Mutex::new(Store::new(most)) }
    }

    /// The routes of the browser's side, for a scope at [`PATH`](Self::PATH).
    pub fn routes(self: Arc<Self>) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
        move |config| routes::configure(&self, config)
    }

    /// What nobody guesses who has not the key: 32 hexadecimal digits.
    fn derive(&self, purpose: &str, parts: &[&str]) -> String {
        // HMAC takes keys of any length, so there always is one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        for part in std::iter::once(&purpose).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        crate::hex(&mac.finalize().into_bytes()[..16])
    }

    /// Nothing panics while it holds the store, so it is whole.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the setup whose secret this is.
    fn with_setup(
        &self,
        client_secret: &str,
        act: impl FnOnce(&mut Setup) -> Result<Answer, Failed>,
    ) -> Result<Answer, Failed> {
        let mut store = self.store();
        let (id, _) = client_secret.split_once("_secret_").ok_or(Failed::Missing)?;
        let setup = store.get_mut(id).ok_or(Failed::Missing)?;
        // By their digests, so that how long it takes tells nothing about the secret.
        if Sha256::digest(client_secret) != Sha256::digest(&setup.client_secret) {
            return Err(Failed::Missing);
        }
        act(setup)
    }

    /// A card was entered.
    fn confirm(&self, client_secret: &str, card: &TestCard, expiry: (u8, u16)) -> Result<Answer, Failed> {
        self.with_setup(client_secret, |setup| {
            if matches!(setup.state, State::Succeeded(_)) {
                return Err(Failed::Unexpected(Answer::of(setup)));
            }
            setup.entered += 1;
            let (exp_month, exp_year) = expiry;
            let provided = ProvidedCard {
                payment_method: format!(
                    "pm_test_{}",
                    self.derive("payment method", &[&setup.id, &setup.entered.to_string()])
                ),
                brand: card.brand.to_owned(),
                last4: card.last4.to_owned(),
                exp_month,
                exp_year,
            };
            match card.outcome {
                Outcome::Accepted => setup.state = State::Succeeded(provided),
                Outcome::Challenge => setup.state = State::AwaitsCustomer(provided),
                Outcome::Declined(decline) => {
                    setup.state =
                        State::AwaitsCard { refusal: telling_code(Some(decline.code), Some(decline.decline_code)) };
                    return Err(Failed::Declined(decline, Answer::of(setup)));
                }
            }
            Ok(Answer::of(setup))
        })
    }

    /// The customer has answered his bank, rightly or not.
    fn authenticate(&self, client_secret: &str, is_he: bool) -> Result<Answer, Failed> {
        self.with_setup(client_secret, |setup| match &setup.state {
            State::AwaitsCustomer(card) if is_he => {
                setup.state = State::Succeeded(card.clone());
                Ok(Answer::of(setup))
            }
            State::AwaitsCustomer(_) => {
                setup.state = State::AwaitsCard { refusal: Some(answer::AUTHENTICATION_FAILURE) };
                Err(Failed::Authentication(Answer::of(setup)))
            }
            State::AwaitsCard { .. } | State::Succeeded(_) => Err(Failed::Unexpected(Answer::of(setup))),
        })
    }
}

impl std::fmt::Debug for TestCards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestCards")
    }
}

#[async_trait]
impl CardProvider for TestCards {
    fn name(&self) -> &'static str {
        "test"
    }

    fn browser(&self) -> CardBrowser {
        CardBrowser {
            script_url: format!("{}/v3.js", Self::PATH),
            publishable_key: "pk_test_nothing".to_owned(),
            script_origins: Vec::new(),
            frame_origins: Vec::new(),
            connect_origins: Vec::new(),
            display_name: None,
            is_test: true,
        }
    }

    async fn create_customer(&self, id: CustomerId, _: Option<String>) -> Result<String, CardProviderError> {
        Ok(format!("cus_test_{}", self.derive("customer", &[&id.to_string()])))
    }

    async fn create_setup(
        &self,
        provider_customer: &str,
        link: LinkId,
        replacing: Option<String>,
    ) -> Result<CardSetup, CardProviderError> {
        let mut store = self.store();
        let purpose = (link, replacing);
        if let Some(setup) = store.by_purpose(&purpose) {
            return Ok(setup.present());
        }
        let number = store.next_number().to_string();
        let id = format!("seti_test_{}", self.derive("setup", &[&link.uuid().to_string(), &number]));
        let setup = Setup {
            client_secret: format!("{id}_secret_{}", self.derive("client secret", &[&id])),
            id,
            customer: provider_customer.to_owned(),
            purpose,
            entered: 0,
            state: State::AwaitsCard { refusal: None },
        };
        let made = setup.present();
        store.insert(setup);
        Ok(made)
    }

    async fn find_setup(&self, id: &str) -> Result<Option<CardSetup>, CardProviderError> {
        Ok(self.store().get(id).map(Setup::present))
    }

    async fn abandon_setup(&self, _id: &str) -> Result<(), CardProviderError> {
        Ok(())
    }

    async fn detach(&self, _payment_method: &str) -> Result<(), CardProviderError> {
        // Cards are with nobody here: a setup remembers what it brought, as Stripe's does, and that is all.
        Ok(())
    }
}
