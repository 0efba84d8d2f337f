//! The way of a card at a stand-in for Stripe that others wrote: localstripe.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use adapters_cards::{
    StripeCards, StripeSettings, check_stripe_publishable_key, check_stripe_secret_key, check_stripe_url,
};
use domain::{CustomerId, LinkId};
use ports::{CardProvider, CardProviderError, CardSetup, CardSetupState};
use test_support::Localstripe;
use uuid::Uuid;

/// A Stripe with which these tests speak.
struct Provider(Arc<Localstripe>);

impl Provider {
    fn start() -> Self {
        Self(Arc::new(Localstripe::start()))
    }

    fn cards(&self) -> StripeCards {
        self.cards_with(Localstripe::SECRET_KEY)
    }

    fn cards_with(&self, secret_key: &str) -> StripeCards {
        let settings = StripeSettings {
            api_url: check_stripe_url(self.0.url()).unwrap(),
            ..StripeSettings::new(
                check_stripe_secret_key(secret_key).unwrap(),
                check_stripe_publishable_key(Localstripe::PUBLISHABLE_KEY).unwrap(),
            )
        };
        StripeCards::new(&settings).unwrap()
    }

    /// The customer enters his card.
    async fn enter(&self, setup: &CardSetup, number: &'static str) -> u16 {
        self.browse(setup, move |stripe, secret| stripe.enter(secret, number)).await
    }

    /// The customer answers his bank.
    async fn authenticate(&self, setup: &CardSetup) -> u16 {
        self.browse(setup, Localstripe::authenticate).await
    }

    async fn cards_of(&self, customer: &str) -> usize {
        let (stripe, customer) = (self.0.clone(), customer.to_owned());
        tokio::task::spawn_blocking(move || stripe.cards_of(&customer)).await.unwrap()
    }

    /// Beside the runtime: what plays the browser waits for its answers.
    async fn browse(&self, setup: &CardSetup, act: impl Fn(&Localstripe, &str) -> u16 + Send + 'static) -> u16 {
        let (stripe, secret) = (self.0.clone(), setup.client_secret.clone());
        tokio::task::spawn_blocking(move || act(&stripe, &secret)).await.unwrap()
    }
}

fn link(number: u128) -> LinkId {
    LinkId::from(Uuid::from_u128(number))
}

async fn new_setup(cards: &StripeCards) -> CardSetup {
    let customer = cards.create_customer(CustomerId::from(Uuid::from_u128(7)), None).await.unwrap();
    let setup = cards.create_setup(&customer, link(1), None).await.unwrap();
    assert_eq!(setup.provider_customer, Some(customer));
    assert_eq!(setup.state, CardSetupState::AwaitsCard { refusal: None });
    setup
}

async fn state(cards: &StripeCards, setup: &CardSetup) -> CardSetupState {
    cards.find_setup(&setup.id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_card_is_entered_found_and_removed_twice() {
    let provider = Provider::start();
    let cards = provider.cards();
    let setup = new_setup(&cards).await;
    assert_eq!(provider.enter(&setup, "4242424242424242").await, 200);

    let CardSetupState::Succeeded(card) = state(&cards, &setup).await else { panic!("no card") };
    assert_eq!((card.brand.as_str(), card.last4.as_str()), ("visa", "4242"));
    assert_eq!((card.exp_month, card.exp_year), (11, 2034));
    assert!(card.payment_method.starts_with("pm_"));

    for _ in 0..2 {
        assert_eq!(cards.detach(&card.payment_method).await, Ok(()));
    }
    assert_eq!(cards.detach("pm_unknown").await, Ok(()));
}

#[tokio::test]
async fn a_declined_card_leaves_the_setup_open_for_another() {
    let provider = Provider::start();
    let cards = provider.cards();
    let setup = new_setup(&cards).await;
    assert_eq!(provider.enter(&setup, "4000000000000002").await, 402);
    let refusal = Some("card_declined".to_owned());
    assert_eq!(state(&cards, &setup).await, CardSetupState::AwaitsCard { refusal });
    assert_eq!(provider.enter(&setup, "5555555555554444").await, 200);
    assert!(matches!(state(&cards, &setup).await, CardSetupState::Succeeded(card) if card.last4 == "4444"));

    let customer = setup.provider_customer.as_deref().unwrap();
    let next = cards.create_setup(customer, link(1), Some(setup.id.clone())).await.unwrap();
    assert_ne!(next.id, setup.id);
}

#[tokio::test]
async fn a_bank_that_asks_is_waited_for() {
    let provider = Provider::start();
    let cards = provider.cards();
    let setup = new_setup(&cards).await;
    assert_eq!(provider.enter(&setup, "4000002500003155").await, 200);
    assert_eq!(state(&cards, &setup).await, CardSetupState::AwaitsCustomer);
    assert_eq!(provider.authenticate(&setup).await, 200);
    assert!(matches!(state(&cards, &setup).await, CardSetupState::Succeeded(card) if card.last4 == "3155"));
}

#[tokio::test]
async fn a_setup_that_is_abandoned_brings_no_card_and_loses_the_one_that_it_brought() {
    let provider = Provider::start();
    let cards = provider.cards();
    let customer = cards.create_customer(CustomerId::from(Uuid::from_u128(7)), None).await.unwrap();
    let begin = async |number| cards.create_setup(&customer, link(number), None).await.unwrap();
    let (open, asked, entered) = (begin(1).await, begin(2).await, begin(3).await);
    assert_eq!(provider.enter(&asked, "4000002500003155").await, 200);
    assert_eq!(provider.enter(&entered, "4242424242424242").await, 200);
    assert_eq!(provider.cards_of(&customer).await, 1);
    for setup in [&open, &asked, &entered] {
        for _ in 0..2 {
            assert_eq!(cards.abandon_setup(&setup.id).await, Ok(()));
        }
    }
    assert_eq!(provider.cards_of(&customer).await, 0);
    assert_ne!(provider.enter(&open, "4242424242424242").await, 200, "it is over");
    assert_ne!(provider.authenticate(&asked).await, 200);
    assert_eq!(provider.cards_of(&customer).await, 0);
    assert_eq!(cards.abandon_setup("seti_unknown").await, Ok(()));
    assert_eq!(cards.abandon_setup("of another form").await, Ok(()));
}

#[tokio::test]
async fn what_is_not_there_is_none_and_a_wrong_key_is_told() {
    let provider = Provider::start();
    assert_eq!(provider.cards().find_setup("seti_unknown").await, Ok(None));
    let refused = provider.cards_with("wrong_key").find_setup("seti_unknown").await;
    let Err(CardProviderError::Rejected(sentence)) = refused else { panic!("{refused:?}") };
    assert!(sentence.contains("CUSTOMERS_STRIPE_SECRET_KEY"), "{sentence}");
}
