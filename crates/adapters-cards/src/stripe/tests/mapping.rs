//! What is sent, and what the answers are taken for.

use ports::{CardSetupState, ProvidedCard};
use wiremock::matchers::{header, query_param};

use super::*;

fn setup(status: &str, more: &Value) -> Value {
    let mut setup = json!({
        "id": "seti_1", "object": "setup_intent", "client_secret": "seti_1_secret_2", "customer": "cus_1",
        "status": status, "payment_method": null, "last_setup_error": null,
    });
    let more = more.as_object().unwrap().clone();
    setup.as_object_mut().unwrap().extend(more);
    setup
}

fn card() -> Value {
    json!({
        "id": "pm_1", "object": "payment_method", "customer": "cus_1",
        "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034},
    })
}

fn provided() -> ProvidedCard {
    ProvidedCard {
        payment_method: "pm_1".to_owned(),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 12,
        exp_year: 2034,
    }
}

async fn gets(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(response).mount(server).await;
}

async fn posts(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(method("POST")).and(path(at)).respond_with(response).mount(server).await;
}

/// The state of a setup that is looked up and looks like this.
async fn state_of(setup: Value) -> Result<Option<CardSetupState>, CardProviderError> {
    let (server, cards) = provider().await;
    gets(&server, "/v1/setup_intents/seti_1", answer(200, &setup)).await;
    Ok(cards.find_setup("seti_1").await?.map(|setup| setup.state))
}

#[tokio::test]
async fn a_customer_is_made_of_nothing_but_the_id() {
    let (server, cards) = provider().await;
    Mock::given(method("POST"))
        .and(path("/v1/customers"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .and(header("stripe-version", "2024-06-20"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .respond_with(made_customer())
        .mount(&server)
        .await;
    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
    let sent = server.received_requests().await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&sent[0].body),
        "metadata%5Bcustomer_id%5D=00000000-0000-0000-0000-000000000007"
    );
}

#[tokio::test]
async fn a_request_has_the_same_key_whenever_it_is_the_same() {
    let (server, cards) = provider().await;
    posts(&server, "/v1/customers", made_customer()).await;
    posts(&server, "/v1/setup_intents", answer(200, &setup("requires_payment_method", &json!({})))).await;
    let other = cards_at(&server.uri());
    cards.create_customer(customer(), None).await.unwrap();
    other.create_customer(customer(), None).await.unwrap();
    cards.create_customer(CustomerId::from(Uuid::from_u128(8)), None).await.unwrap();
    for (link_id, replacing) in [(1, None), (1, None), (2, None), (1, Some("seti_1")), (1, Some("seti_2"))] {
        cards.create_setup("cus_1", link(link_id), replacing.map(str::to_owned)).await.unwrap();
    }
    let sent = server.received_requests().await.unwrap();
    let key = |number: usize| &sent[number].headers["idempotency-key"];
    assert!(key(0) == key(1) && key(0) != key(2), "customers");
    assert_eq!(key(3), key(4), "one link");
    let distinct: std::collections::HashSet<_> = [2, 3, 5, 6, 7].map(key).into_iter().collect();
    assert_eq!(distinct.len(), 5);
    assert_eq!(
        String::from_utf8_lossy(&sent[3].body),
        "customer=cus_1&payment_method_types%5B%5D=card&usage=off_session"
    );
}

#[tokio::test]
async fn a_setup_that_was_made_before_is_looked_up_as_it_is_now() {
    let (server, cards) = provider().await;
    let then = answer(200, &setup("requires_payment_method", &json!({}))).insert_header("idempotent-replayed", "true");
    posts(&server, "/v1/setup_intents", then).await;
    let now = setup("succeeded", &json!({"payment_method": card()}));
    gets(&server, "/v1/setup_intents/seti_1", answer(200, &now)).await;
    let made = cards.create_setup("cus_1", link(1), None).await.unwrap();
    assert_eq!(made.state, CardSetupState::Succeeded(provided()));
}

#[tokio::test]
async fn every_status_has_its_state() {
    use CardSetupState::{AwaitsCard, AwaitsCustomer, Canceled, Processing};
    let refused = |error: Value| setup("requires_payment_method", &json!({ "last_setup_error": error }));
    let awaits = |code: Option<&str>| AwaitsCard { refusal: code.map(str::to_owned) };
    for (body, state) in [
        (setup("requires_payment_method", &json!({})), awaits(None)),
        (setup("requires_confirmation", &json!({})), awaits(None)),
        (refused(json!({"code": "expired_card"})), awaits(Some("expired_card"))),
        (refused(json!({"code": "not a code"})), awaits(None)),
        (setup("requires_action", &json!({"payment_method": card()})), AwaitsCustomer),
        (setup("processing", &json!({})), Processing),
        (setup("canceled", &json!({})), Canceled),
        (setup("canceled", &json!({"client_secret": null})), Canceled),
        (setup("succeeded", &json!({"payment_method": card()})), CardSetupState::Succeeded(provided())),
    ] {
        assert_eq!(state_of(body).await, Ok(Some(state)));
    }
}

#[tokio::test]
async fn a_decline_code_is_told_where_it_says_more() {
    for (code, decline_code, expected) in [
        (Some("card_declined"), Some("generic_decline"), Some("card_declined")),
        (Some("card_declined"), Some("do_not_honor"), Some("card_declined")),
        (Some("card_declined"), Some("stolen_card"), Some("card_declined")),
        (Some("card_declined"), None, Some("card_declined")),
        (Some("card_declined"), Some("insufficient_funds"), Some("insufficient_funds")),
        (Some("card_declined"), Some("authentication_required"), Some("authentication_required")),
        (Some("incorrect_cvc"), Some("incorrect_cvc"), Some("incorrect_cvc")),
        (Some("setup_intent_authentication_failure"), None, Some("setup_intent_authentication_failure")),
        (None, Some("generic_decline"), Some("generic_decline")),
        (None, None, None),
    ] {
        let error = json!({"code": code, "decline_code": decline_code});
        let state = state_of(setup("requires_payment_method", &json!({ "last_setup_error": error }))).await;
        let refusal = expected.map(str::to_owned);
        assert_eq!(state, Ok(Some(CardSetupState::AwaitsCard { refusal })), "{code:?} {decline_code:?}");
    }
}

#[tokio::test]
async fn a_setup_that_makes_no_sense_is_refused() {
    for body in [
        setup("requires_magic", &json!({})),
        setup("succeeded", &json!({})),
        setup("succeeded", &json!({"payment_method": {"id": "pm_1"}})),
        setup("succeeded", &json!({"payment_method": {"id": "pm_1", "card": {"brand": "visa", "last4": "4242"}}})),
        setup("succeeded", &json!({"payment_method": "../x"})),
        setup("requires_action", &json!({"client_secret": null})),
        setup("requires_action", &json!({"client_secret": "a b"})),
        setup("requires_action", &json!({"id": "seti_2"})),
    ] {
        rejected(state_of(body).await);
    }
}

#[tokio::test]
async fn a_card_that_is_only_named_is_looked_up() {
    let (server, cards) = provider().await;
    Mock::given(method("GET"))
        .and(path("/v1/setup_intents/seti_1"))
        .and(query_param("expand[]", "payment_method"))
        .respond_with(answer(200, &setup("succeeded", &json!({"payment_method": "pm_1", "customer": {"id": "cus_9"}}))))
        .mount(&server)
        .await;
    gets(&server, "/v1/payment_methods/pm_1", answer(200, &card())).await;
    let found = cards.find_setup("seti_1").await.unwrap().unwrap();
    assert_eq!(found.state, CardSetupState::Succeeded(provided()));
    assert_eq!(found.provider_customer.as_deref(), Some("cus_9"));
    assert_eq!(found.client_secret, "seti_1_secret_2");
    assert!(!format!("{found:?}").contains("_secret_"));
}

#[tokio::test]
async fn a_setup_that_is_not_there_is_none() {
    let (server, cards) = provider().await;
    let missing = json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}});
    gets(&server, "/v1/setup_intents/seti_1", answer(404, &missing)).await;
    gets(&server, "/v1/setup_intents/seti_2", ResponseTemplate::new(404).set_body_string("404: Not Found")).await;
    assert_eq!(cards.find_setup("seti_1").await, Ok(None));
    assert!(rejected(cards.find_setup("seti_2").await).contains("CUSTOMERS_STRIPE_API_URL"));
}

#[tokio::test]
async fn a_card_that_is_gone_already_is_removed() {
    let (server, cards) = provider().await;
    let missing = json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}});
    let refused = json!({"error": {"type": "invalid_request_error", "message": "in words alone"}});
    let mut detached = card();
    detached["customer"] = Value::Null;
    posts(&server, "/v1/payment_methods/pm_there/detach", answer(200, &card())).await;
    posts(&server, "/v1/payment_methods/pm_missing/detach", answer(404, &missing)).await;
    for id in ["pm_detached", "pm_attached", "pm_vanished"] {
        posts(&server, &format!("/v1/payment_methods/{id}/detach"), answer(400, &refused)).await;
    }
    gets(&server, "/v1/payment_methods/pm_detached", answer(200, &detached)).await;
    gets(&server, "/v1/payment_methods/pm_attached", answer(200, &card())).await;
    gets(&server, "/v1/payment_methods/pm_vanished", answer(404, &missing)).await;
    for id in ["pm_there", "pm_missing", "pm_detached", "pm_vanished"] {
        assert_eq!(cards.detach(id).await, Ok(()), "{id}");
    }
    assert!(rejected(cards.detach("pm_attached").await).contains("it answered 400"));
}

#[test]
fn the_page_learns_where_the_script_may_go() {
    let stripe = StripeSettings { api_url: StripeUrl::api(), ..settings("http://127.0.0.1:1") };
    let browser = StripeCards::new(&stripe).unwrap().browser();
    assert_eq!(browser.script_url, "https://js.stripe.com/v3/");
    assert_eq!(browser.script_origins, ["https://js.stripe.com", "https://*.js.stripe.com"]);
    assert_eq!(browser.frame_origins, ["https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"]);
    assert_eq!(browser.connect_origins, ["https://api.stripe.com"]);
    assert!(browser.is_test && browser.publishable_key == "pk_test_1");

    let url = |text| check_stripe_url(text).unwrap();
    let other = StripeSettings {
        js_url: url("http://localhost:8420/js.stripe.com/v3/"),
        publishable_key: check_stripe_publishable_key("pk_live_1").unwrap(),
        secret_key: check_stripe_secret_key("sk_live_1").unwrap(),
        ..settings("http://127.0.0.1:8420")
    };
    let browser = StripeCards::new(&other).unwrap().browser();
    assert_eq!(browser.script_origins, ["http://localhost:8420"]);
    assert_eq!(browser.frame_origins, ["http://localhost:8420"]);
    assert_eq!(browser.connect_origins, ["http://127.0.0.1:8420", "http://localhost:8420"]);
    assert!(!browser.is_test);
}
