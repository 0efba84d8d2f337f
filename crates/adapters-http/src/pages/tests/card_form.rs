//! The form of a card.

use domain::{LinkPurpose, TimeDelta};
use ports::{CardBrowser, CardProviderError, CardSetup, CardSetupState, MockCardProvider, ProvidedCard};
use use_cases::Service;

use super::world::{PATH, World, card, get, post};

const SECRET: &str = "seti_1_secret_2";

fn browser() -> CardBrowser {
    CardBrowser {
        script_url: "https://js.provider.example/v3/".to_owned(),
        publishable_key: "pk_test_1".to_owned(),
        script_origins: vec!["https://js.provider.example".to_owned()],
        frame_origins: vec!["https://js.provider.example".to_owned(), "https://hooks.provider.example".to_owned()],
        connect_origins: vec!["https://api.provider.example".to_owned()],
        display_name: None,
        is_test: true,
    }
}

/// A provider whose setup stands so; none that is asked for one, where nothing is said.
fn provider(state: Option<Result<CardSetupState, CardProviderError>>) -> MockCardProvider {
    let mut provider = MockCardProvider::new();
    provider.expect_name().return_const("mock");
    provider.expect_browser().returning(browser);
    if let Some(state) = state {
        let setup = state.map(|state| CardSetup {
            id: "seti_1".to_owned(),
            client_secret: SECRET.to_owned(),
            provider_customer: Some("cus_1".to_owned()),
            state,
        });
        provider.expect_create_setup().returning(move |_, _, _| setup.clone());
    }
    provider
}

fn world(state: Option<Result<CardSetupState, CardProviderError>>) -> World {
    World { provider: Some(provider(state)), ..World::new(LinkPurpose::Card) }
}

#[actix_web::test]
async fn opening_the_page_begins_nothing_and_lets_the_provider_in_alone() {
    let page = World { card: Some(card("seti_0")), ..world(None) }.answer(get(PATH)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "script-src 'self' https://js.provider.example;",
        "frame-src https://js.provider.example https://hooks.provider.example;",
        "connect-src 'self' https://api.provider.example",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(page.text.contains("Visa ending in 4242, expires 03/2031"), "{}", page.text);
    assert!(page.text.contains("Test mode: no real cards"), "{}", page.text);
    assert!(page.text.contains("<noscript>") && page.text.contains("data-key=\"pk_test_1\""), "{}", page.text);
    assert!(!page.text.contains("data-client-secret"), "{}", page.text);
    // A script in the page would let our own wait for as long as it does not come.
    assert!(page.text.contains("data-script=\"https://js.provider.example/v3/\""), "{}", page.text);
    assert_eq!(page.text.matches("<script").count(), 1, "{}", page.text);
}

#[actix_web::test]
async fn a_script_of_this_service_needs_no_other_origin() {
    let mut provider = MockCardProvider::new();
    let own = CardBrowser {
        script_url: "/test-cards/v3.js".to_owned(),
        script_origins: Vec::new(),
        frame_origins: Vec::new(),
        connect_origins: Vec::new(),
        ..browser()
    };
    provider.expect_browser().return_const(own);
    let page = World { provider: Some(provider), ..World::new(LinkPurpose::Card) }.answer(get(PATH)).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-src 'self';"), "{policy}");
    assert!(policy.ends_with("connect-src 'self'"), "{policy}");
}

#[actix_web::test]
async fn without_a_provider_the_page_says_that_cards_cannot_be_taken() {
    for request in [get(PATH), post("action=begin")] {
        let page = World::new(LinkPurpose::Card).answer(request).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("We cannot take cards yet") && !page.text.contains("<form"), "{}", page.text);
    }
}

#[actix_web::test]
async fn beginning_brings_the_secret_for_the_providers_script() {
    let page = world(Some(Ok(CardSetupState::AwaitsCard { refusal: None }))).answer(post("action=begin")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(&format!("data-client-secret=\"{SECRET}\"")), "{}", page.text);
}

#[actix_web::test]
async fn a_refused_card_brings_the_form_again_with_why() {
    for (refusal, text) in [
        (Some("insufficient_funds"), "There is not enough money available"),
        (Some("card_declined"), "Your bank declined this card."),
        (Some("made_up"), "The card could not be saved."),
        (None, "The card could not be saved."),
    ] {
        let state = CardSetupState::AwaitsCard { refusal: refusal.map(str::to_owned) };
        let page = world(Some(Ok(state))).answer(post("action=finish")).await;
        assert_eq!(page.status, 422);
        let (_, alert) = page.text.split_once("role=\"alert\"><p>").unwrap();
        assert!(alert.starts_with(text), "{}", page.text);
        assert!(!page.text.contains(SECRET), "{}", page.text);
    }
}

#[actix_web::test]
async fn a_card_that_is_there_is_saved_and_shown() {
    let provided = ProvidedCard {
        payment_method: "pm_1".to_owned(),
        brand: "mastercard".to_owned(),
        last4: "4444".to_owned(),
        exp_month: 12,
        exp_year: 2034,
    };
    let page = world(Some(Ok(CardSetupState::Succeeded(provided)))).answer(post("action=finish")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Mastercard ending in 4444, expires 12/2034"), "{}", page.text);
    assert!(page.text.contains("role=\"status\"") && !page.text.contains("<form"), "{}", page.text);
}

#[actix_web::test]
async fn who_missed_that_his_card_was_saved_is_told_and_a_stranger_is_not() {
    let over = || World { card: Some(card("seti_1")), ..world(None) };
    let told = over().answer(post("action=finish")).await;
    assert_eq!(told.status, 200);
    assert!(told.text.contains("Your card is saved"), "{}", told.text);
    assert_eq!(over().answer(get(PATH)).await.status, 410);
    let expired = World { remaining: -Service::CARD_LATENESS, ..over() };
    assert_eq!(expired.answer(post("action=finish")).await.status, 410);
    let without_cookie = super::world::bare_post("form_token=token-of-the-form&action=finish");
    assert_eq!(over().answer(without_cookie).await.status, 410);
    let another = World { card: Some(card("seti_0")), remaining: TimeDelta::zero(), ..world(None) };
    assert_eq!(another.answer(post("action=finish")).await.status, 410);
}

#[actix_web::test]
async fn a_provider_that_has_not_decided_can_be_asked_again() {
    let page = world(Some(Ok(CardSetupState::Processing))).answer(post("action=finish")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Look again") && page.text.contains("value=\"finish\""), "{}", page.text);
    assert!(!page.text.contains("data-at-once"), "{}", page.text);
}

#[actix_web::test]
async fn a_provider_that_is_away_costs_nothing() {
    let away = CardProviderError::Unavailable("no answer".to_owned());
    let page = world(Some(Err(away))).answer(post("action=begin")).await;
    assert_eq!((page.status, page.header("retry-after")), (503, Some("1")));
    assert!(page.text.contains("safe to try again") && page.text.contains("id=\"card\""), "{}", page.text);
    // What makes no sense now may do so the next time.
    let senseless = CardProviderError::Rejected("no sense".to_owned());
    let page = world(Some(Err(senseless))).answer(post("action=finish")).await;
    assert_eq!(page.status, 503);
    assert!(page.text.contains("safe to try again") && page.text.contains("id=\"card\""), "{}", page.text);
}

#[actix_web::test]
async fn whom_his_bank_sends_back_goes_on_at_once() {
    for asked in ["?setup_intent=seti_1&redirect_status=succeeded", "?redirect_status=failed"] {
        let page = world(None).answer(get(&format!("{PATH}{asked}"))).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("data-at-once") && page.text.contains("value=\"finish\""), "{}", page.text);
    }
}

#[actix_web::test]
async fn a_store_that_is_away_when_the_card_is_saved_leaves_the_form_to_try_again() {
    // The link is asked for once to believe the form.
    let page = World { store_fails_from: 1, ..world(None) }.answer(post("action=finish")).await;
    assert_eq!((page.status, page.header("retry-after")), (503, Some("1")));
    assert!(page.text.contains("id=\"card\"") && page.text.contains("safe to try again"), "{}", page.text);
}
