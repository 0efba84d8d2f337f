//! The client against a server that plays the provider and its faults.

mod faults;
mod kept_answers;
mod mapping;
mod tls;

use std::time::Duration;

use domain::{CustomerId, LinkId};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::client::Limits;
use super::*;

const KEY: &str = "sk_test_hunter2";

/// Pauses that are short enough to be waited for.
const LIMITS: Limits = Limits {
    whole: Duration::from_secs(9),
    one: Duration::from_secs(5),
    connecting: Duration::from_secs(5),
    pause: Duration::from_millis(2),
};

/// The same, with one answer waited for a little while only.
const HASTY: Limits = Limits { one: Duration::from_millis(300), ..LIMITS };

fn settings(url: &str) -> StripeSettings {
    StripeSettings {
        api_url: check_stripe_url(url).unwrap(),
        ..StripeSettings::new(check_stripe_secret_key(KEY).unwrap(), check_stripe_publishable_key("pk_test_1").unwrap())
    }
}

fn cards_at(url: &str) -> StripeCards {
    StripeCards::with(&settings(url), LIMITS).unwrap()
}

/// A provider and a client of it.
async fn provider() -> (MockServer, StripeCards) {
    let server = MockServer::start().await;
    let cards = cards_at(&server.uri());
    (server, cards)
}

fn customer() -> CustomerId {
    CustomerId::from(Uuid::from_u128(7))
}

fn link(number: u128) -> LinkId {
    LinkId::from(Uuid::from_u128(number))
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn made_customer() -> ResponseTemplate {
    answer(200, &json!({"id": "cus_1", "object": "customer"}))
}

/// Answers the POST of a customer this way, so many times.
async fn customers_answer(server: &MockServer, response: ResponseTemplate, times: u64) {
    Mock::given(method("POST"))
        .and(path("/v1/customers"))
        .respond_with(response)
        .up_to_n_times(times)
        .mount(server)
        .await;
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, CardProviderError>) -> String {
    match result {
        Err(CardProviderError::Unavailable(sentence)) => sentence,
        other => panic!("not unavailable: {other:?}"),
    }
}

fn rejected<T: std::fmt::Debug>(result: Result<T, CardProviderError>) -> String {
    match result {
        Err(CardProviderError::Rejected(sentence)) => sentence,
        other => panic!("not rejected: {other:?}"),
    }
}
