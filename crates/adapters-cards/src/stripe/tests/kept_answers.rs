//! What becomes of a call when the provider keeps the first answer to a key, its own failures too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ports::CardSetupState;
use wiremock::{Request, Respond};

use super::*;

/// Answers to POSTs as Stripe gives them: the first one to a key is kept, and given again to whoever comes with it.
#[derive(Clone)]
struct Keeper(Arc<Mutex<Answers>>);

struct Answers {
    /// Those that were not given yet. The last one is for all keys to come.
    fresh: Vec<ResponseTemplate>,
    kept: HashMap<String, ResponseTemplate>,
    /// The keys that came, in their order.
    keys: Vec<String>,
}

impl Keeper {
    async fn start(at: &str, fresh: impl Into<Vec<ResponseTemplate>>) -> (MockServer, Self) {
        let server = MockServer::start().await;
        let answers = Answers { fresh: fresh.into(), kept: HashMap::new(), keys: Vec::new() };
        let keeper = Self(Arc::new(Mutex::new(answers)));
        Mock::given(method("POST")).and(path(at)).respond_with(keeper.clone()).mount(&server).await;
        (server, keeper)
    }

    /// How many requests there were since this was asked last, and how many keys there were at all.
    fn counted(&self) -> (usize, usize) {
        let mut answers = self.0.lock().unwrap();
        (std::mem::take(&mut answers.keys).len(), answers.kept.len())
    }
}

impl Respond for Keeper {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let key = request.headers["idempotency-key"].to_str().unwrap().to_owned();
        let mut answers = self.0.lock().unwrap();
        answers.keys.push(key.clone());
        if let Some(kept) = answers.kept.get(&key) {
            return kept.clone().insert_header("idempotent-replayed", "true");
        }
        let fresh = if answers.fresh.len() > 1 { answers.fresh.remove(0) } else { answers.fresh[0].clone() };
        answers.kept.insert(key, fresh.clone());
        fresh
    }
}

fn failed() -> ResponseTemplate {
    ResponseTemplate::new(500)
}

/// A failure as Stripe mostly marks it.
fn failed_for_good() -> ResponseTemplate {
    failed().insert_header("stripe-should-retry", "false")
}

#[tokio::test]
async fn a_kept_failure_is_left_behind_with_its_key() {
    let (server, keeper) = Keeper::start("/v1/customers", [failed_for_good(), made_customer()]).await;
    let cards = cards_at(&server.uri());
    let sentence = unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: it answered 500");
    assert_eq!(keeper.counted(), (1, 1), "a failure that is new leaves the key");

    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
    assert_eq!(keeper.counted(), (2, 2), "the failure, and success with the next key");
}

#[tokio::test]
async fn later_calls_come_to_the_same_key() {
    let answers = [failed_for_good(), failed_for_good(), made_customer(), answer(200, &json!({"id": "cus_2"}))];
    let (server, keeper) = Keeper::start("/v1/customers", answers).await;
    for _ in 0..2 {
        unavailable(cards_at(&server.uri()).create_customer(customer(), None).await);
    }
    for _ in 0..3 {
        // Of another process, too.
        assert_eq!(cards_at(&server.uri()).create_customer(customer(), None).await.unwrap(), "cus_1");
    }
    assert_eq!(keeper.counted(), (1 + 2 + 3 * 3, 3), "nothing is made twice");
    // Another customer's keys are others.
    let other = cards_at(&server.uri()).create_customer(CustomerId::from(Uuid::from_u128(8)), None).await;
    assert_eq!(other.unwrap(), "cus_2");
    assert_eq!(keeper.counted(), (1, 4));
}

#[tokio::test]
async fn a_failure_within_the_call_is_left_behind_once_it_comes_back() {
    let (server, keeper) = Keeper::start("/v1/customers", [failed(), made_customer()]).await;
    let cards = cards_at(&server.uri());
    assert_eq!(cards.create_customer(customer(), None).await.unwrap(), "cus_1");
    let keys = keeper.0.lock().unwrap().keys.clone();
    assert!(keys.len() == 3 && keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
    assert!(keys[2].len() == 64 && keys[2].bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[tokio::test]
async fn new_failures_are_tries_with_whatever_key() {
    let (server, keeper) = Keeper::start("/v1/customers", [failed()]).await;
    let sentence = unavailable(cards_at(&server.uri()).create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: it answered 500");
    assert_eq!(keeper.counted(), (5, 3), "three that are new, two that come back");
}

#[tokio::test]
async fn the_keys_come_to_an_end() {
    let (server, keeper) =
        Keeper::start("/v1/customers", [failed_for_good().insert_header("request-id", "req_7")]).await;
    let cards = cards_at(&server.uri());
    for number in 1..=9 {
        unavailable(cards.create_customer(customer(), None).await);
        assert_eq!(keeper.counted(), (number, number));
    }
    let sentence = unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: it answered 500 as before (request req_7)");
    assert_eq!(keeper.counted(), (9, 9));
}

#[tokio::test]
async fn the_keys_are_tried_within_the_limit_of_the_call() {
    let (server, _) = provider().await;
    let slow = failed().insert_header("idempotent-replayed", "true").set_delay(Duration::from_millis(150));
    customers_answer(&server, slow, 99).await;
    let limits = Limits { whole: Duration::from_millis(400), ..LIMITS };
    let cards = StripeCards::with(&settings(&server.uri()), limits).unwrap();
    unavailable(cards.create_customer(customer(), None).await);
    assert!(requests(&server).await <= 3);
}

#[tokio::test]
async fn a_pause_before_the_next_key_is_kept() {
    let (server, _) = provider().await;
    let kept = failed().insert_header("idempotent-replayed", "true").insert_header("retry-after", "3600");
    customers_answer(&server, kept, 9).await;
    unavailable(cards_at(&server.uri()).create_customer(customer(), None).await);
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn what_is_not_a_kept_failure_never_changes_the_key() {
    let new = |status| ResponseTemplate::new(status);
    let replayed = |status, value| new(status).insert_header("idempotent-replayed", value);
    for response in [new(500), new(503), replayed(500, "false"), replayed(500, ""), replayed(409, "true"), new(429)] {
        let (server, cards) = provider().await;
        customers_answer(&server, response, 9).await;
        for _ in 0..2 {
            unavailable(cards.create_customer(customer(), None).await);
        }
        let sent = server.received_requests().await.unwrap();
        assert_eq!(sent.len(), 6);
        assert!(sent.iter().all(|one| one.headers["idempotency-key"] == sent[0].headers["idempotency-key"]));
    }
}

#[tokio::test]
async fn a_refusal_that_comes_back_is_a_refusal() {
    let refused = answer(400, &json!({"error": {"type": "invalid_request_error"}}));
    let (server, keeper) = Keeper::start("/v1/customers", [refused]).await;
    let cards = cards_at(&server.uri());
    for _ in 0..2 {
        rejected(cards.create_customer(customer(), None).await);
    }
    assert_eq!(keeper.counted(), (2, 1));
}

#[tokio::test]
async fn a_setup_that_a_later_key_made_is_looked_up_as_it_is_now() {
    let setup = |status: &str| {
        answer(200, &json!({"id": "seti_1", "client_secret": "seti_1_secret_2", "customer": "cus_1", "status": status}))
    };
    let answers = [failed_for_good(), setup("requires_payment_method")];
    let (server, keeper) = Keeper::start("/v1/setup_intents", answers).await;
    let now = setup("requires_action");
    Mock::given(method("GET")).and(path("/v1/setup_intents/seti_1")).respond_with(now).mount(&server).await;
    let cards = cards_at(&server.uri());
    unavailable(cards.create_setup("cus_1", link(1), None).await);
    let made = cards.create_setup("cus_1", link(1), None).await.unwrap();
    assert_eq!(made.state, CardSetupState::AwaitsCard { refusal: None });
    let found = cards.create_setup("cus_1", link(1), None).await.unwrap();
    assert_eq!((found.id.as_str(), found.state), ("seti_1", CardSetupState::AwaitsCustomer));
    assert_eq!(keeper.counted(), (1 + 2 + 2, 2));
}

#[tokio::test]
async fn a_card_that_a_failed_key_has_removed_is_removed() {
    let refused = answer(400, &json!({"error": {"type": "invalid_request_error"}}));
    let (server, keeper) = Keeper::start("/v1/payment_methods/pm_1/detach", [failed_for_good(), refused]).await;
    let alone = answer(200, &json!({"id": "pm_1", "customer": null}));
    Mock::given(method("GET")).and(path("/v1/payment_methods/pm_1")).respond_with(alone).mount(&server).await;
    let cards = cards_at(&server.uri());
    unavailable(cards.detach("pm_1").await);
    assert_eq!(cards.detach("pm_1").await, Ok(()));
    assert_eq!(keeper.counted(), (3, 2));
}

#[tokio::test]
async fn what_is_looked_up_has_no_key_that_could_fail() {
    let (server, cards) = provider().await;
    let replayed = failed().insert_header("idempotent-replayed", "true");
    Mock::given(method("GET")).respond_with(replayed).mount(&server).await;
    unavailable(cards.find_setup("seti_1").await);
    let sent = server.received_requests().await.unwrap();
    assert!(sent.len() == 1 && !sent[0].headers.contains_key("idempotency-key"));
}
