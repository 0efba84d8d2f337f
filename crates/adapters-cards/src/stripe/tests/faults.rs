//! What becomes of a call when the provider is slow, away, overloaded, wrong or hostile.

use std::net::TcpListener;
use std::time::Instant;

use super::*;

#[tokio::test]
async fn a_provider_that_does_not_answer_is_unavailable_in_time() {
    let (server, _) = provider().await;
    customers_answer(&server, made_customer().set_delay(Duration::from_mins(1)), 9).await;
    let cards = StripeCards::with(&settings(&server.uri()), HASTY).unwrap();
    let sentence = unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: no answer in time");
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn all_tries_together_have_a_limit() {
    let (server, _) = provider().await;
    customers_answer(&server, made_customer().set_delay(Duration::from_mins(1)), 9).await;
    let limits = Limits { whole: Duration::from_millis(400), ..LIMITS };
    let cards = StripeCards::with(&settings(&server.uri()), limits).unwrap();
    let begun = Instant::now();
    unavailable(cards.create_customer(customer(), None).await);
    assert!(begun.elapsed() < LIMITS.one, "less than one answer may take");
}

#[tokio::test]
async fn a_slow_try_is_repeated_with_the_same_key() {
    let (server, _) = provider().await;
    customers_answer(&server, made_customer().set_delay(Duration::from_mins(1)), 1).await;
    customers_answer(&server, made_customer(), 9).await;
    let cards = StripeCards::with(&settings(&server.uri()), HASTY).unwrap();
    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
    let sent = server.received_requests().await.unwrap();
    assert!(sent.len() > 1);
    assert_eq!(sent[0].headers["idempotency-key"], sent[1].headers["idempotency-key"]);
    assert_eq!(sent[0].body, sent[1].body);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept() {
    let (server, cards) = provider().await;
    customers_answer(&server, ResponseTemplate::new(429).insert_header("retry-after", "1"), 1).await;
    customers_answer(&server, made_customer(), 9).await;
    let begun = Instant::now();
    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_not_waited_for() {
    let (server, cards) = provider().await;
    customers_answer(&server, ResponseTemplate::new(429).insert_header("retry-after", "3600"), 9).await;
    let begun = Instant::now();
    assert!(unavailable(cards.create_customer(customer(), None).await).ends_with("it answered 429"));
    assert!(begun.elapsed() < LIMITS.whole);
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn errors_of_the_provider_pass_or_do_not() {
    let (server, cards) = provider().await;
    customers_answer(&server, ResponseTemplate::new(500), 2).await;
    customers_answer(&server, made_customer(), 1).await;
    customers_answer(&server, ResponseTemplate::new(503).insert_header("request-id", "req_7"), 9).await;
    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
    assert_eq!(requests(&server).await, 3);
    let sentence = unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: it answered 503 (request req_7)");
    assert_eq!(requests(&server).await, 6, "three tries each");
}

#[tokio::test]
async fn an_error_that_the_provider_would_only_repeat_is_not_asked_for_again() {
    let (server, cards) = provider().await;
    customers_answer(&server, ResponseTemplate::new(500).insert_header("stripe-should-retry", "false"), 9).await;
    unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_key_that_is_in_use_elsewhere_is_waited_for() {
    let (server, cards) = provider().await;
    let in_use = json!({"error": {"type": "invalid_request_error", "code": "idempotency_key_in_use"}});
    customers_answer(&server, answer(409, &in_use), 1).await;
    customers_answer(&server, made_customer(), 9).await;
    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
}

#[tokio::test]
async fn refusals_are_final_and_named_by_their_codes() {
    for (status, error, expected) in [
        (
            400,
            json!({"type": "idempotency_error", "message": "Keys for hunter2"}),
            "making a customer: it answered 400, type idempotency_error",
        ),
        (
            402,
            json!({"type": "card_error", "code": "card_declined", "decline_code": "stolen_card", "message": "hunter2"}),
            "making a customer: it answered 402, type card_error, code card_declined, decline code stolen_card",
        ),
        (
            400,
            json!({"type": "invalid_request_error", "code": "resource_missing", "param": "a[b]", "message": "hunter2"}),
            "making a customer: it answered 400, type invalid_request_error, code resource_missing, parameter a[b]",
        ),
        (
            401,
            json!({"type": "invalid_request_error", "message": "Invalid API Key provided: sk_test_hunter2"}),
            "making a customer: it does not know the key in CUSTOMERS_STRIPE_SECRET_KEY",
        ),
        (
            403,
            json!({"type": "invalid_request_error", "message": "hunter2"}),
            "making a customer: the key in CUSTOMERS_STRIPE_SECRET_KEY may not do this",
        ),
        (
            400,
            json!({"type": "a sentence with hunter2", "code": "x".repeat(101)}),
            "making a customer: it answered 400",
        ),
    ] {
        let (server, cards) = provider().await;
        customers_answer(&server, answer(status, &json!({"error": error})), 9).await;
        assert_eq!(rejected(cards.create_customer(customer(), None).await), expected);
        assert_eq!(requests(&server).await, 1, "{expected}");
    }
}

#[tokio::test]
async fn answers_that_make_no_sense_are_refused() {
    for body in ["", "{", "[]", "<html>", "{\"id\": 7}", "{\"id\": \"cus 1\"}", "{\"id\": \"\"}", "{\"id\": \"../x\"}"]
    {
        let (server, cards) = provider().await;
        customers_answer(&server, ResponseTemplate::new(200).set_body_string(body), 9).await;
        let sentence = rejected(cards.create_customer(customer(), None).await);
        assert_eq!(sentence, "making a customer: the answer makes no sense", "{body}");
    }
}

#[tokio::test]
async fn senseless_errors_of_the_provider_are_still_its_errors() {
    let (server, cards) = provider().await;
    customers_answer(&server, ResponseTemplate::new(502).set_body_string("<html>"), 9).await;
    unavailable(cards.create_customer(customer(), None).await);
}

#[tokio::test]
async fn an_answer_of_something_else_names_the_setting() {
    for status in [400, 404, 418] {
        let (server, cards) = provider().await;
        customers_answer(&server, ResponseTemplate::new(status).set_body_string("Not Found"), 9).await;
        assert!(rejected(cards.create_customer(customer(), None).await).contains("CUSTOMERS_STRIPE_API_URL"));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, cards) = provider().await;
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 307, 308] {
        let redirect =
            ResponseTemplate::new(status).insert_header("location", format!("{}/v1/customers", elsewhere.uri()));
        customers_answer(&server, redirect, 1).await;
    }
    for _ in 0..4 {
        assert!(rejected(cards.create_customer(customer(), None).await).contains("CUSTOMERS_STRIPE_API_URL"));
    }
    assert_eq!(requests(&elsewhere).await, 0, "the key goes nowhere else");
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let (server, cards) = provider().await;
    let long = format!("{{\"id\": \"cus_1\"}}{}", " ".repeat(256 * 1024));
    customers_answer(&server, ResponseTemplate::new(200).set_body_string(long), 9).await;
    let sentence = rejected(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: the answer is longer than 256 KiB");
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let cards = cards_at(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let sentence = unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: the connection was refused");
}

#[tokio::test]
async fn ids_that_are_none_get_into_no_url() {
    let (server, cards) = provider().await;
    for id in ["", "../customers", "seti_1/confirm", "seti_1?x=y", "seti_1#", "seti_%2e", "seti 1", "s\u{e4}", "a\r\nb"]
    {
        assert_eq!(cards.find_setup(id).await, Ok(None));
        rejected(cards.detach(id).await);
        rejected(cards.create_setup(id, link(1), None).await);
    }
    assert_eq!(cards.find_setup(&"a".repeat(256)).await, Ok(None));
    assert_eq!(requests(&server).await, 0);
}

#[test]
fn keys_of_two_worlds_are_refused() {
    let mixed = StripeSettings {
        publishable_key: check_stripe_publishable_key("pk_live_1").unwrap(),
        ..settings("http://127.0.0.1:1")
    };
    let error = StripeCards::new(&mixed).unwrap_err();
    assert!(matches!(error, SetupError::MixedKeys) && !error.to_string().contains("hunter2"));
}
