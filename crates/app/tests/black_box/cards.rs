//! A customer's card, from the form to the API and away again.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind, FaultProxy, Http, Localstripe};

use crate::visitor::{Visitor, links};
use crate::world::{World, path_of, until};

crate::on_both_databases!(
    a_test_card_is_saved_and_uses_up_its_link,
    a_declined_test_card_is_told_and_another_is_taken,
    what_is_pressed_twice_brings_one_card,
    a_card_is_replaced_at_its_provider_and_removed,
    a_card_that_was_entered_before_a_crash_is_not_lost,
    a_card_is_removed_at_its_provider_once_that_can_be_reached,
    while_the_provider_is_down_nothing_is_lost,
    a_new_account_at_the_provider_gets_its_customers_anew,
    of_two_links_cards_the_one_that_came_too_late_is_not_left_at_the_provider,
);

/// The secret with which the browser may finish what it has begun.
pub(crate) fn begin(visitor: &Visitor) -> String {
    let begun = visitor.post(&[("action", "begin")]);
    assert_eq!(begun.status, 200, "{begun:?}");
    secret_in(&begun)
}

fn secret_in(page: &Answer) -> String {
    let secret = page.text.split("data-client-secret=\"").nth(1).unwrap_or_else(|| panic!("no secret: {}", page.text));
    secret.split('"').next().unwrap().to_owned()
}

pub(crate) fn finish(visitor: &Visitor) -> Answer {
    visitor.post(&[("action", "finish")])
}

/// Enters a card with the stand-in, as its frame does.
fn enter(world: &World, client_secret: &str, token: &str) -> Answer {
    let body = json!({"client_secret": client_secret, "token": token, "exp_month": 12, "exp_year": 2034});
    world.service.client().post("/test-cards/setups/confirm", &body)
}

/// Gives a customer a card of the stand-in.
pub(crate) fn with_test_card(world: &World, customer: &str) {
    let visitor = Visitor::open(world, &card_link(world, customer));
    assert_eq!(enter(world, &begin(&visitor), "pm_card_visa").status, 200);
    assert_eq!(finish(&visitor).status, 200);
}

fn card(world: &World, customer: &str) -> Value {
    let answer = world.http.get(&format!("{customer}/card"));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    answer.json()
}

pub(crate) fn card_link(world: &World, customer: &str) -> String {
    let [.., card] = links(world, customer);
    card
}

fn changes(world: &World) -> Vec<Value> {
    let events = world.events();
    let updates = events.iter().filter(|event| event["type"] == "customer.updated");
    updates.map(|event| event["data"]["changed"].clone()).collect()
}

pub(crate) fn with_stripe(kind: DatabaseKind, stripe: &Localstripe) -> World {
    with_stripe_at(kind, stripe, stripe.url().to_owned())
}

/// The same with a Stripe that is reached at another URL.
pub(crate) fn with_stripe_at(kind: DatabaseKind, stripe: &Localstripe, url: String) -> World {
    let mut settings = stripe.settings();
    settings[2].1 = url;
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    World::with(kind, &settings)
}

fn a_test_card_is_saved_and_uses_up_its_link(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let link = card_link(&world, &customer);
    let visitor = Visitor::open(&world, &link);
    let secret = begin(&visitor);
    assert_eq!(begin(&visitor), secret, "what was begun is gone on with");
    assert_eq!(finish(&visitor).status, 422, "there is no card yet");
    let entered = enter(&world, &secret, "pm_card_visa");
    assert_eq!(entered.status, 200, "{entered:?}");
    let saved = finish(&visitor);
    assert_eq!(saved.status, 200, "{saved:?}");
    assert!(saved.text.contains("4242"), "{}", saved.text);
    let kept = card(&world, &customer);
    let members: Vec<&String> = kept.as_object().unwrap().keys().collect();
    assert_eq!(members, ["brand", "last4", "exp_month", "exp_year", "updated_at"]);
    assert_eq!((&kept["brand"], &kept["last4"]), (&json!("visa"), &json!("4242")));
    assert_eq!((&kept["exp_month"], &kept["exp_year"]), (&json!(12), &json!(2034)));
    assert_eq!(changes(&world), [json!(["card"])]);
    assert_eq!(world.service.client().get(&link).status, 410, "the link is used up");
    let next = card_link(&world, &customer);
    assert_ne!(next, link);
    assert!(Visitor::open(&world, &next).page.text.contains("4242"), "the card that is there is shown");
    let text = world.http.get("/v1/events").text;
    assert!(!text.contains("4242\"") && !text.contains("pm_"), "an event holds nothing of the card: {text}");
}

fn a_declined_test_card_is_told_and_another_is_taken(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let visitor = Visitor::open(&world, &card_link(&world, &customer));
    let secret = begin(&visitor);
    let declined = enter(&world, &secret, "pm_card_chargeDeclinedInsufficientFunds");
    assert_eq!(declined.status, 402, "{declined:?}");
    let told = finish(&visitor);
    assert_eq!(told.status, 422, "{told:?}");
    assert!(told.text.contains("role=\"alert\""), "{}", told.text);
    assert_eq!(world.http.get(&format!("{customer}/card")).status, 404);
    assert_eq!(enter(&world, &begin(&visitor), "pm_card_mastercard").status, 200);
    assert_eq!(finish(&visitor).status, 200);
    assert_eq!(card(&world, &customer)["last4"], "4444");
}

fn what_is_pressed_twice_brings_one_card(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let world = with_stripe(kind, &stripe);
    let customer = path_of(&world.create());
    let link = card_link(&world, &customer);
    let tabs: Vec<Visitor> = (0..4).map(|_| Visitor::open(&world, &link)).collect();
    let secrets: Vec<String> = std::thread::scope(|scope| {
        let begun: Vec<_> = tabs.iter().map(|tab| scope.spawn(|| begin(tab))).collect();
        begun.into_iter().map(|begun| begun.join().unwrap()).collect()
    });
    assert!(secrets.iter().all(|secret| *secret == secrets[0]), "one link, one setup: {secrets:?}");
    assert_eq!(stripe.enter(&secrets[0], "4242424242424242"), 200);
    let saved: Vec<Answer> = std::thread::scope(|scope| {
        let finished: Vec<_> = tabs.iter().map(|tab| scope.spawn(|| finish(tab))).collect();
        finished.into_iter().map(|finished| finished.join().unwrap()).collect()
    });
    assert!(saved.iter().all(|answer| answer.status == 200 && answer.text.contains("4242")), "{saved:?}");
    assert_eq!(finish(&tabs[0]).status, 200, "who looks again is told the same");
    assert_eq!(changes(&world), [json!(["card"])]);
}

fn a_card_is_replaced_at_its_provider_and_removed(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let world = with_stripe(kind, &stripe);
    let customer = path_of(&world.create());
    let holder =
        |payment_method: &str| stripe.get(&format!("/v1/payment_methods/{payment_method}"))["customer"].clone();
    let mut payment_methods = Vec::new();
    for number in ["4242424242424242", "5555555555554444"] {
        let visitor = Visitor::open(&world, &card_link(&world, &customer));
        let secret = begin(&visitor);
        assert_eq!(stripe.enter(&secret, number), 200);
        assert_eq!(finish(&visitor).status, 200);
        assert_eq!(card(&world, &customer)["last4"], number[12..]);
        let setup = secret.split("_secret").next().unwrap();
        let setup = stripe.get(&format!("/v1/setup_intents/{setup}"));
        payment_methods.push((setup["payment_method"].as_str().unwrap().to_owned(), setup["customer"].clone()));
    }
    let [(first, of_first), (second, of_second)] = &payment_methods[..] else { panic!("two cards") };
    assert_eq!(of_first, of_second, "the customer is made once");
    let gone = |payment_method: &str| {
        until("the card is removed", Duration::from_secs(20), || holder(payment_method).is_null().then_some(()));
    };
    gone(first);
    assert_eq!(holder(second), *of_second, "the new one stays");
    let removed = world.http.send("DELETE", &format!("{customer}/card"), &[], "");
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    assert_eq!(world.http.get(&format!("{customer}/card")).status, 404);
    gone(second);
    assert_eq!(changes(&world), [json!(["card"]), json!(["card"]), json!(["card"])]);
}

fn a_card_that_was_entered_before_a_crash_is_not_lost(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let mut world = with_stripe(kind, &stripe);
    let customer = path_of(&world.create());
    let mut visitor = Visitor::open(&world, &card_link(&world, &customer));
    let secret = begin(&visitor);
    world.service.kill();
    assert_eq!(stripe.enter(&secret, "4242424242424242"), 200);
    world.start_again();
    visitor.moved_to(&world);
    assert_eq!(finish(&visitor).status, 200);
    assert_eq!(card(&world, &customer)["last4"], "4242");
}

fn a_card_is_removed_at_its_provider_once_that_can_be_reached(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let proxy = FaultProxy::before(stripe.address());
    let api = format!("http://{}", proxy.address());
    let mut settings = stripe.settings();
    settings[2].1.clone_from(&api);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut world = World::with(kind, &settings);
    let customer = path_of(&world.create());
    let visitor = Visitor::open(&world, &card_link(&world, &customer));
    let secret = begin(&visitor);
    assert_eq!(stripe.enter(&secret, "4242424242424242"), 200);
    assert_eq!(finish(&visitor).status, 200);
    proxy.cut();
    assert_eq!(world.http.send("DELETE", &format!("{customer}/card"), &[], "").status, 204);
    world.until_logged("the removal that failed", |logs| logs.contains("could not be removed"));
    world.service.kill();
    proxy.mend();
    // It is due again in a minute; nobody waits so long here.
    world.database.execute("UPDATE card_detachments SET next_try_at = (SELECT min(created_at) FROM customers)");
    world.start_again();
    let setup = stripe.get(&format!("/v1/setup_intents/{}", secret.split("_secret").next().unwrap()));
    let path = format!("/v1/payment_methods/{}", setup["payment_method"].as_str().unwrap());
    until("the card is removed", Duration::from_secs(20), || stripe.get(&path)["customer"].is_null().then_some(()));
    until("the queue is empty", Duration::from_secs(20), || {
        (world.database.count("SELECT * FROM card_detachments") == 0).then_some(())
    });
}

fn while_the_provider_is_down_nothing_is_lost(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let proxy = FaultProxy::before(stripe.address());
    let world = with_stripe_at(kind, &stripe, format!("http://{}", proxy.address()));
    let customer = path_of(&world.create());
    let link = card_link(&world, &customer);
    proxy.cut();
    let visitor = Visitor::open(&world, &link);
    let down = visitor.post(&[("action", "begin")]);
    assert_eq!((down.status, down.header("retry-after").is_some()), (503, true), "{down:?}");
    assert!(down.text.contains("role=\"alert\""), "{}", down.text);
    proxy.mend();
    let secret = begin(&visitor);
    assert_eq!(stripe.enter(&secret, "4242424242424242"), 200);
    proxy.cut();
    assert_eq!(finish(&visitor).status, 503);
    assert_eq!(world.http.get(&format!("{customer}/card")).status, 404);
    assert_eq!(world.http.get(&customer).status, 200, "the API needs no card provider");
    proxy.mend();
    assert_eq!(finish(&visitor).status, 200);
    assert_eq!(card(&world, &customer)["last4"], "4242");
}

fn of_two_links_cards_the_one_that_came_too_late_is_not_left_at_the_provider(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let world = with_stripe(kind, &stripe);
    let customer = path_of(&world.create());
    let first = Visitor::open(&world, &card_link(&world, &customer));
    // Past half of its life a second link is handed out beside it.
    let past_half = match kind {
        DatabaseKind::Sqlite => "UPDATE links SET created_at = created_at - 1000000, expires_at = expires_at - 500000",
        DatabaseKind::Postgresql => {
            "UPDATE links SET created_at = created_at - interval '1000 s', expires_at = expires_at - interval '500 s'"
        }
    };
    world.database.execute(past_half);
    let second = Visitor::open(&world, &card_link(&world, &customer));
    assert_ne!(first.link, second.link);
    let secrets = [begin(&first), begin(&second)];
    for (secret, number) in secrets.iter().zip(["4242424242424242", "5555555555554444"]) {
        assert_eq!(stripe.enter(secret, number), 200);
    }
    assert_eq!(finish(&first).status, 200);
    assert_eq!(finish(&second).status, 410);
    assert_eq!(card(&world, &customer)["last4"], "4242");
    let setup = stripe.get(&format!("/v1/setup_intents/{}", secrets[1].split("_secret").next().unwrap()));
    let path = format!("/v1/payment_methods/{}", setup["payment_method"].as_str().unwrap());
    until("it is removed", Duration::from_secs(20), || stripe.get(&path)["customer"].is_null().then_some(()));
}

fn a_new_account_at_the_provider_gets_its_customers_anew(kind: DatabaseKind) {
    let stripe = Localstripe::start();
    let world = with_stripe(kind, &stripe);
    let customer = path_of(&world.create());
    let visitor = Visitor::open(&world, &card_link(&world, &customer));
    begin(&visitor);
    // As when test keys give way to live ones: nobody of old is known there.
    let forget = Http::new(stripe.url()).with_key(Localstripe::SECRET_KEY).send("DELETE", "/_config/data", &[], "");
    assert_eq!(forget.status, 200, "{forget:?}");
    let secret = begin(&visitor);
    assert_eq!(stripe.enter(&secret, "4242424242424242"), 200);
    assert_eq!(finish(&visitor).status, 200);
    assert_eq!(card(&world, &customer)["last4"], "4242");
}
