//! The stand-in as the service and as a browser see it.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::{App, test, web};
use ports::CardSetupState;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn stand_in() -> Arc<TestCards> {
    Arc::new(TestCards::new([7; 32]))
}

fn link(number: u128) -> LinkId {
    LinkId::from(Uuid::from_u128(number))
}

async fn new_setup(cards: &TestCards) -> CardSetup {
    cards.create_setup("cus_test_1", link(1), None).await.unwrap()
}

async fn state(cards: &TestCards, setup: &CardSetup) -> CardSetupState {
    cards.find_setup(&setup.id).await.unwrap().unwrap().state
}

/// What the routes answer.
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

async fn answered<B: MessageBody>(response: ServiceResponse<B>) -> Answered {
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let status = response.status().as_u16();
    let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
    Answered { status, headers, body }
}

async fn request(cards: &Arc<TestCards>, request: test::TestRequest) -> Answered {
    let scope = web::scope(TestCards::PATH).configure(Arc::clone(cards).routes());
    let app = test::init_service(App::new().service(scope)).await;
    answered(app.call(request.to_request()).await.unwrap()).await
}

async fn get(cards: &Arc<TestCards>, path: &str) -> Answered {
    request(cards, test::TestRequest::get().uri(path)).await
}

async fn post(cards: &Arc<TestCards>, path: &str, body: Value) -> Answered {
    request(cards, test::TestRequest::post().uri(path).set_json(body)).await
}

async fn confirm(cards: &Arc<TestCards>, setup: &CardSetup, token: &str) -> Answered {
    let body = json!({"client_secret": setup.client_secret, "token": token, "exp_month": 12, "exp_year": 2034});
    post(cards, "/test-cards/setups/confirm", body).await
}

async fn authenticate(cards: &Arc<TestCards>, setup: &CardSetup, outcome: &str) -> Answered {
    let body = json!({"client_secret": setup.client_secret, "outcome": outcome});
    post(cards, "/test-cards/setups/authenticate", body).await
}

#[actix_web::test]
async fn every_card_that_is_taken_is_found_with_what_it_shows() {
    for card in cards::CARDS.iter().filter(|card| card.outcome == Outcome::Accepted) {
        let cards = stand_in();
        let setup = new_setup(&cards).await;
        assert_eq!(setup.state, CardSetupState::AwaitsCard { refusal: None });
        assert_eq!(setup.provider_customer.as_deref(), Some("cus_test_1"));
        let answer = confirm(&cards, &setup, card.token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({"id": setup.id, "object": "setup_intent", "status": "succeeded"}));
        let CardSetupState::Succeeded(found) = state(&cards, &setup).await else { panic!("{}", card.token) };
        assert_eq!((found.brand.as_str(), found.last4.as_str()), (card.brand, card.last4));
        assert_eq!((found.exp_month, found.exp_year), (12, 2034));
    }
}

#[actix_web::test]
async fn every_card_that_is_declined_says_why_and_another_may_follow() {
    let cards = stand_in();
    let setup = new_setup(&cards).await;
    let mut codes = Vec::new();
    for card in &cards::CARDS {
        let Outcome::Declined(decline) = card.outcome else { continue };
        let answer = confirm(&cards, &setup, card.token).await;
        assert_eq!(answer.status, 402);
        let error = &answer.json()["error"];
        assert_eq!(error["type"], "card_error");
        assert_eq!((&error["code"], &error["decline_code"]), (&json!(decline.code), &json!(decline.decline_code)));
        assert_eq!(error["setup_intent"]["status"], "requires_payment_method");
        assert!(error["message"].as_str().unwrap().ends_with('.'));
        let CardSetupState::AwaitsCard { refusal } = state(&cards, &setup).await else { panic!("no card is awaited") };
        codes.extend(refusal);
    }
    let expected = ["card_declined", "insufficient_funds", "expired_card", "incorrect_cvc", "processing_error"];
    assert_eq!(codes, expected);
    assert_eq!(confirm(&cards, &setup, "pm_card_visa").await.status, 200);
}

#[actix_web::test]
async fn a_bank_that_asks_is_answered_rightly_or_not() {
    let cards = stand_in();
    let setup = new_setup(&cards).await;
    for token in ["pm_card_authenticationRequired", "pm_card_authenticationRequiredOnSetup"] {
        assert_eq!(confirm(&cards, &setup, token).await.json()["status"], "requires_action");
        assert_eq!(state(&cards, &setup).await, CardSetupState::AwaitsCustomer);
        let error = &authenticate(&cards, &setup, "fail").await.json()["error"];
        assert_eq!(error["code"], "setup_intent_authentication_failure");
        let refusal = Some("setup_intent_authentication_failure".to_owned());
        assert_eq!(state(&cards, &setup).await, CardSetupState::AwaitsCard { refusal });
        let error = &authenticate(&cards, &setup, "complete").await.json()["error"];
        assert_eq!(error["code"], "setup_intent_unexpected_state", "it is over");
    }
    confirm(&cards, &setup, "pm_card_authenticationRequired").await;
    assert_eq!(authenticate(&cards, &setup, "complete").await.json()["status"], "succeeded");
    assert!(matches!(state(&cards, &setup).await, CardSetupState::Succeeded(card) if card.last4 == "3184"));
}

#[actix_web::test]
async fn a_setup_that_has_its_card_takes_no_other() {
    let cards = stand_in();
    let setup = new_setup(&cards).await;
    confirm(&cards, &setup, "pm_card_visa").await;
    let before = state(&cards, &setup).await;
    for token in ["pm_card_mastercard", "pm_card_chargeDeclined"] {
        let answer = confirm(&cards, &setup, token).await;
        assert_eq!(answer.status, 400);
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "setup_intent_unexpected_state");
        assert_eq!(error["setup_intent"]["status"], "succeeded");
    }
    assert!(before == state(&cards, &setup).await);
}

#[actix_web::test]
async fn only_the_secret_opens_a_setup() {
    let cards = stand_in();
    let setup = new_setup(&cards).await;
    let forged = |client_secret: &str| CardSetup { client_secret: client_secret.to_owned(), ..setup.clone() };
    let mut wrong = setup.client_secret.clone();
    wrong.pop();
    for secret in ["", &setup.id, &format!("{}_secret_", setup.id), &wrong, "seti_test_1_secret_2"] {
        let answer = confirm(&cards, &forged(secret), "pm_card_visa").await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!("resource_missing")));
        assert_eq!(authenticate(&cards, &forged(secret), "complete").await.status, 404);
    }
    let other = TestCards::new([8; 32]);
    assert_ne!(new_setup(&other).await.client_secret, setup.client_secret, "it hangs on the key, not on the link");
    assert!(!setup.client_secret.contains(&link(1).uuid().to_string()));
}

#[actix_web::test]
async fn what_the_frames_do_not_send_is_refused() {
    let cards = stand_in();
    let setup = new_setup(&cards).await;
    let secret = &setup.client_secret;
    for body in [
        json!({}),
        json!({"client_secret": secret, "token": "4242424242424242", "exp_month": 12, "exp_year": 2034}),
        json!({"client_secret": secret, "token": "pm_card_visa", "exp_month": 0, "exp_year": 2034}),
        json!({"client_secret": secret, "token": "pm_card_visa", "exp_month": 13, "exp_year": 2034}),
        json!({"client_secret": secret, "token": "pm_card_visa", "exp_month": 300, "exp_year": 2034}),
        json!({"client_secret": secret, "token": "pm_card_visa", "exp_month": 12, "exp_year": 34}),
        json!({"client_secret": secret, "token": "x".repeat(5000), "exp_month": 12, "exp_year": 2034}),
    ] {
        let answer = post(&cards, "/test-cards/setups/confirm", body).await;
        assert_eq!((answer.status, &answer.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    }
    assert_eq!(authenticate(&cards, &setup, "perhaps").await.status, 400);
    // What a page of another origin may send without asking first.
    let body = format!(
        "{{\"client_secret\": \"{secret}\", \"token\": \"pm_card_visa\", \"exp_month\": 1, \"exp_year\": 2034}}"
    );
    let plain = test::TestRequest::post().uri("/test-cards/setups/confirm");
    let plain = plain.insert_header(("content-type", "text/plain")).set_payload(body);
    assert_eq!(request(&cards, plain).await.status, 400);
    assert_eq!(state(&cards, &setup).await, CardSetupState::AwaitsCard { refusal: None });
}

#[actix_web::test]
async fn every_answer_has_the_headers_of_a_frame() {
    let cards = stand_in();
    let files = ["v3.js", "element", "element.js", "challenge", "challenge.js", "frame.js", "frame.css"];
    let mut answers = Vec::new();
    for file in files {
        let answer = get(&cards, &format!("/test-cards/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(!answer.body.is_empty());
        answers.push(answer);
    }
    assert_eq!(answers[0].header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(answers[1].header("content-type"), Some("text/html; charset=utf-8"));
    answers.push(get(&cards, "/test-cards/nothing").await);
    answers.push(post(&cards, "/test-cards/setups/confirm", json!({})).await);
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'self'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-robots-tag"), Some("noindex"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[actix_web::test]
async fn other_methods_are_refused() {
    let cards = stand_in();
    for (method, path, allow) in [
        (Method::POST, "/test-cards/v3.js", "GET, HEAD"),
        (Method::GET, "/test-cards/setups/confirm", "POST"),
        (Method::DELETE, "/test-cards/setups/authenticate", "POST"),
    ] {
        let answer = request(&cards, test::TestRequest::default().method(method).uri(path)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED.as_u16());
        assert_eq!(answer.header("allow"), Some(allow));
    }
    assert_eq!(get(&cards, "/test-cards/nothing").await.status, 404);
}

#[actix_web::test]
async fn the_frame_knows_the_same_cards_and_lists_them() {
    let cards = stand_in();
    let script = get(&cards, "/test-cards/element.js").await.body;
    let page = get(&cards, "/test-cards/element").await.body;
    let numbers: Vec<(&str, &str)> = script
        .lines()
        .filter_map(|line| line.trim().strip_prefix('\'')?.strip_suffix("',")?.split_once("': '"))
        .collect();
    assert_eq!(numbers.len(), cards::CARDS.len());
    let listed = page.replace(' ', "");
    for (number, token) in numbers {
        let card = cards::by_token(token).unwrap();
        assert!(number.ends_with(card.last4), "{token}");
        assert!(listed.contains(&format!("<dt>{number}</dt>")), "{number}");
        assert_eq!(number.starts_with('3'), card.brand == "amex");
        assert_eq!(number.starts_with('5'), card.brand == "mastercard");
    }
}

#[actix_web::test]
async fn a_link_has_one_setup_and_another_in_place_of_one_that_came_to_nothing() {
    let cards = stand_in();
    let first = new_setup(&cards).await;
    assert_eq!(new_setup(&cards).await, first);
    let replaced = |id: &CardSetup| cards.create_setup("cus_test_1", link(1), Some(id.id.clone()));
    let second = replaced(&first).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(replaced(&first).await.unwrap(), second);
    assert_ne!(replaced(&second).await.unwrap().id, second.id);
    assert_ne!(cards.create_setup("cus_test_1", link(2), None).await.unwrap().id, first.id);
}

#[actix_web::test]
async fn customers_are_the_same_each_time_and_cards_are_removed_more_than_once() {
    let cards = stand_in();
    let customer = |number| CustomerId::from(Uuid::from_u128(number));
    let id = cards.create_customer(customer(1), None).await.unwrap();
    assert_eq!(cards.create_customer(customer(1), None).await.unwrap(), id);
    assert_ne!(cards.create_customer(customer(2), None).await.unwrap(), id);
    let setup = new_setup(&cards).await;
    confirm(&cards, &setup, "pm_card_visa").await;
    let CardSetupState::Succeeded(card) = state(&cards, &setup).await else { panic!("no card") };
    for id in [card.payment_method.as_str(), card.payment_method.as_str(), "pm_unknown"] {
        assert_eq!(cards.detach(id).await, Ok(()));
    }
}

#[actix_web::test]
async fn the_oldest_setups_give_way() {
    let cards = TestCards::remembering(3, [7; 32]);
    let mut made = Vec::new();
    for number in 0..10 {
        made.push(cards.create_setup("cus_test_1", link(number), None).await.unwrap());
    }
    for (number, setup) in made.iter().enumerate() {
        assert_eq!(cards.find_setup(&setup.id).await.unwrap().is_some(), number >= 7, "{number}");
    }
    let again = cards.create_setup("cus_test_1", link(0), None).await.unwrap();
    assert_ne!(again.id, made[0].id, "what is forgotten is never taken for something else");
}

#[actix_web::test]
async fn nothing_that_opens_is_in_what_is_said_about_it() {
    let cards = stand_in();
    let setup = new_setup(&cards).await;
    assert!(!format!("{cards:?} {setup:?}").contains("_secret_"));
    assert!(cards.browser().is_test && cards.browser().frame_origins.is_empty());
    assert_eq!(cards.name(), "test");
}
