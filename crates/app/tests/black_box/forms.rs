//! The pages behind links, as a browser without scripts uses them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::DatabaseKind;

use crate::visitor::{Visitor, assert_page, links};
use crate::world::{World, path_of};

crate::on_both_databases!(
    one_post_of_all_fields_saves_an_address_of_any_country,
    what_is_wrong_is_told_beside_its_field_and_nothing_that_was_typed_is_lost,
    a_post_that_the_page_did_not_make_is_refused,
    a_link_that_ended_while_its_form_was_open_saves_nothing,
    billing_copies_shipping_with_one_button,
    preview_bots_see_nothing_of_a_person,
    who_guesses_codes_is_stopped_for_a_while,
    without_a_provider_the_card_page_says_so,
);

/// An address of a country, as the form names its fields.
const LISBON: [(&str, &str); 8] = [
    ("name", "Yogi Berra"),
    ("company", ""),
    ("line1", "Rua <b>Augusta</b> 1"),
    ("line2", "2º \"Dto\""),
    ("postal_code", "1100-048"),
    ("city", "Lisboa"),
    ("region", ""),
    ("country", "PT"),
];

fn addresses(world: &World, customer: &str) -> Value {
    world.http.get(&format!("{customer}/addresses")).json()
}

fn one_post_of_all_fields_saves_an_address_of_any_country(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let [billing, shipping, _] = links(&world, &customer);
    for (link, purpose) in [(&billing, "billing"), (&shipping, "shipping")] {
        let visitor = Visitor::open(&world, link);
        let saved = visitor.post(&LISBON);
        assert_eq!(saved.status, 303, "{saved:?}");
        assert!(saved.header("location").unwrap().starts_with(link.as_str()), "{saved:?}");
        let kept = addresses(&world, &customer);
        let expected = json!({
            "name": "Yogi Berra", "company": null, "line1": "Rua <b>Augusta</b> 1", "line2": "2º \"Dto\"",
            "postal_code": "1100-048", "city": "Lisboa", "region": null, "country": "PT",
        });
        assert_eq!(kept[purpose], expected);
        let again = visitor.reload();
        assert_page(&again, 200);
        assert!(again.text.contains("Lisboa") && again.text.contains("1100-048"), "prefilled: {}", again.text);
        assert!(!again.text.contains("<b>Augusta"), "what was typed is text: {}", again.text);
        // He corrects himself by the same link.
        let mut corrected = LISBON;
        corrected[2].1 = "Rua Augusta 2";
        assert_eq!(visitor.post(&corrected).status, 303);
        assert_eq!(addresses(&world, &customer)[purpose]["line1"], "Rua Augusta 2");
    }
    let changed: Vec<Value> = world.events().iter().map(|event| event["data"]["changed"].clone()).collect();
    let (billing, shipping) = (json!(["billing_address"]), json!(["shipping_address"]));
    assert_eq!(changed, [Value::Null, billing.clone(), billing, shipping.clone(), shipping]);
}

fn what_is_wrong_is_told_beside_its_field_and_nothing_that_was_typed_is_lost(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let [billing, ..] = links(&world, &customer);
    let visitor = Visitor::open(&world, &billing);
    let mut wrong = LISBON;
    wrong[0].1 = "";
    wrong[4].1 = "11-\"><script>alert(1)</script>";
    let refused = visitor.post(&wrong);
    assert_page(&refused, 422);
    assert_eq!(refused.text.matches("aria-invalid=\"true\"").count(), 2, "{}", refused.text);
    assert!(!refused.text.contains("<script>alert"), "{}", refused.text);
    assert!(refused.text.contains("value=\"Lisboa\"") && refused.text.contains("Rua &#60;b&#62;"), "{}", refused.text);
    assert!(refused.text.contains("autofocus"), "the first wrong field has the focus: {}", refused.text);
    assert_eq!(addresses(&world, &customer)["billing"], Value::Null);
    let card = visitor.post(&[("name", "4242 4242 4242 4242"), ("line1", "x"), ("country", "FR")]);
    assert_page(&card, 422);
    for nonsense in ["", "ZZ", "<script>"] {
        let mut fields = LISBON;
        fields[7].1 = nonsense;
        assert_page(&visitor.post(&fields), 422);
    }
    let large = "x".repeat(70_000);
    assert_page(&visitor.post(&[("name", &large)]), 413);
}

fn a_post_that_the_page_did_not_make_is_refused(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let [billing, shipping, _] = links(&world, &customer);
    let visitor = Visitor::open(&world, &billing);
    let other = Visitor::open(&world, &shipping);
    let (cookie, token) = (visitor.cookie.as_str(), visitor.form_token.as_str());
    let origin = visitor.origin.as_str();
    let evil = "https://evil.example.com";
    let host = evil.trim_start_matches("https://");
    let forged: [(&[(&str, &str)], &str); 10] = [
        (&[("Origin", origin)], token),
        (&[("Cookie", cookie), ("Origin", origin)], ""),
        (&[("Cookie", cookie), ("Origin", origin)], &other.form_token),
        (&[("Cookie", &other.cookie), ("Origin", origin)], token),
        (&[("Cookie", cookie), ("Origin", evil)], token),
        (&[("Cookie", cookie), ("Origin", evil), ("Host", host)], token),
        (&[("Cookie", cookie), ("Origin", "null")], token),
        (&[("Cookie", cookie), ("Origin", origin), ("Sec-Fetch-Site", "cross-site")], token),
        (&[("Cookie", cookie), ("Sec-Fetch-Site", "cross-site")], token),
        (&[("Cookie", "form=00000000000000000000000000000000"), ("Origin", origin)], token),
    ];
    for (headers, token) in forged {
        let refused = visitor.post_with(headers, token, &LISBON);
        assert_page(&refused, 403);
    }
    assert_eq!(addresses(&world, &customer)["billing"], Value::Null);
    assert_eq!(visitor.post(&LISBON).status, 303, "and the page's own still goes");
    let set_cookie = visitor.page.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", &format!("Path={billing}"), "Max-Age="] {
        assert!(set_cookie.contains(attribute), "{set_cookie}");
    }
    assert_eq!(visitor.reload().header("set-cookie"), None, "a second window keeps the first one's form good");
}

fn a_link_that_ended_while_its_form_was_open_saves_nothing(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LINK_TTL", "700ms")]);
    let customer = path_of(&world.create());
    let [billing, ..] = links(&world, &customer);
    let visitor = Visitor::open(&world, &billing);
    let deadline = Instant::now() + Duration::from_secs(10);
    while visitor.reload().status == 200 {
        assert!(Instant::now() < deadline, "the link does not end");
    }
    let refused = visitor.post(&LISBON);
    assert_page(&refused, 410);
    assert!(!refused.text.contains("Lisboa"), "{}", refused.text);
    assert_eq!(addresses(&world, &customer)["billing"], Value::Null);
}

fn billing_copies_shipping_with_one_button(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let [billing, shipping, _] = links(&world, &customer);
    let visitor = Visitor::open(&world, &billing);
    assert!(!visitor.page.text.contains("copy_shipping"), "there is nothing to copy yet");
    assert_eq!(Visitor::open(&world, &shipping).post(&LISBON).status, 303);
    let visitor = Visitor::open(&world, &billing);
    assert!(visitor.page.text.contains("copy_shipping"), "{}", visitor.page.text);
    assert_eq!(visitor.post(&[("action", "copy_shipping")]).status, 303);
    let kept = addresses(&world, &customer);
    assert_eq!(kept["billing"], kept["shipping"]);
    assert_eq!(kept["billing"]["city"], "Lisboa");
}

fn preview_bots_see_nothing_of_a_person(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let [billing, _, card] = links(&world, &customer);
    assert_eq!(Visitor::open(&world, &billing).post(&LISBON).status, 303);
    let anyone = world.service.client();
    for agent in ["WhatsApp/2.23.20.0", "facebookexternalhit/1.1", "TelegramBot (like TwitterBot)", "Slackbot 1.0"] {
        for link in [&billing, &card] {
            let page = anyone.send("GET", link, &[("User-Agent", agent)], "");
            assert_page(&page, 200);
            assert!(!page.text.contains("Lisboa") && !page.text.contains("<form"), "{agent}: {}", page.text);
            assert!(page.text.contains("og:title"), "{}", page.text);
            assert_eq!(page.header("set-cookie"), None, "{agent}");
        }
    }
    let person = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                  Version/17.4 Mobile/15E148 Safari/604.1";
    let page = anyone.send("GET", &billing, &[("User-Agent", person)], "");
    assert!(page.text.contains("Lisboa"), "{}", page.text);
}

fn who_guesses_codes_is_stopped_for_a_while(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_TRUSTED_PROXIES", "127.0.0.0/8, 10.1.0.0/16")]);
    let [billing, ..] = links(&world, &path_of(&world.create()));
    let visitor = Visitor::open(&world, &billing);
    let anyone = world.service.client();
    let from = |address: &str, path: &str| anyone.send("GET", path, &[("X-Forwarded-For", address)], "");
    // A proxy of ours adds the last entry; what stands before it is the guesser's own invention.
    let guess = |number: usize| from(&format!("198.51.100.{number}, 203.0.113.{number}, 10.1.2.3"), "/l/abcdefGHIJ12");
    let stopped = (1..200).find_map(|number| Some(guess(number)).filter(|answer| answer.status != 404));
    let stopped = stopped.expect("guessing has an end");
    assert_page(&stopped, 429);
    let wait: u64 = stopped.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(from("203.0.113.250", &billing).status, 429, "a right guess is not told either");
    let cookie = |cookie: &str, path: &str| {
        anyone.send("GET", path, &[("X-Forwarded-For", "203.0.113.250"), ("Cookie", cookie)], "").status
    };
    assert_eq!(cookie(&visitor.cookie, &billing), 200, "who has opened his link before is not guessing");
    assert_eq!(cookie("form_session=0123456789", &billing), 429);
    assert_eq!(cookie(&visitor.cookie, "/l/abcdefGHIJ12"), 429);
    assert_eq!(from("203.0.114.1", &billing).status, 200, "others are let in");
    assert_eq!(anyone.get(&billing).status, 200);
    assert_eq!(anyone.get("/healthz").status, 200);
}

fn without_a_provider_the_card_page_says_so(kind: DatabaseKind) {
    let world = World::deployed(kind, &[]);
    let [.., card] = links(&world, &path_of(&world.create()));
    let page = world.service.client().get(&card);
    assert_page(&page, 200);
    assert!(!page.text.contains("<script") && !page.text.contains("<form"), "{}", page.text);
}
