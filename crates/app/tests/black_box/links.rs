//! The links of *retrieve*: handed out, opened, expired.

use std::time::{Duration, Instant};

use test_support::DatabaseKind;

use crate::visitor::{LINKS, assert_page, links};
use crate::world::{OTHER_KEY, World, path_of};

crate::on_both_databases!(
    a_live_link_is_handed_out_again_and_opens_its_page,
    what_opens_nothing_is_a_page_that_tells_nothing,
    a_link_expires,
    links_bear_the_public_url,
    a_link_made_under_another_secret_is_replaced_and_the_rotated_secret_is_accepted,
);

fn a_live_link_is_handed_out_again_and_opens_its_page(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let path = path_of(&customer);
    let first = links(&world, &path);
    assert_eq!(links(&world, &path), first, "handed out again");
    let anyone = world.service.client();
    for (link, title) in first.iter().zip(["billing address", "shipping address", "card"]) {
        let page = anyone.get(link);
        assert_page(&page, 200);
        assert!(page.text.contains(title), "{}", page.text);
        for secret in [customer["unconfirmed_phone_number"].as_str().unwrap(), customer["id"].as_str().unwrap()] {
            assert!(!page.text.contains(secret), "whoever holds the link learns nothing: {}", page.text);
        }
        assert_eq!(anyone.send("HEAD", link, &[], "").status, 200);
    }
    let style = anyone.get("/assets/page.css");
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
}

fn what_opens_nothing_is_a_page_that_tells_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let [link, ..] = links(&world, &path_of(&world.create()));
    let other_case: String =
        link.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
    let other_case = format!("/l/{}", &other_case[3..]);
    let anyone = world.service.client();
    for path in ["/l/6243c9", "/l/abcdefGHIJ12", "/l/", "/l", "/l/a/b", "/l/%00", "/l/..%2f", &other_case] {
        assert_page(&anyone.get(path), 404);
    }
    assert_page(&anyone.send("POST", &link, &[], ""), 403);
    assert_page(&anyone.send("POST", &link, &[("Content-Type", "text/plain")], "form_token=x"), 403);
    let refused = anyone.send("PUT", &link, &[], "");
    assert_page(&refused, 405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, POST"));
}

fn a_link_expires(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_CARD_LINK_TTL", "40ms")]);
    let path = path_of(&world.create());
    let first = links(&world, &path);
    let anyone = world.service.client();
    let deadline = Instant::now() + Duration::from_secs(5);
    let gone = loop {
        let answer = anyone.get(&first[2]);
        if answer.status != 200 || Instant::now() > deadline {
            break answer;
        }
    };
    assert_page(&gone, 410);
    let second = links(&world, &path);
    assert_ne!(second[2], first[2], "a new one takes its place");
    assert_eq!(second[..2], first[..2], "the others live on");
}

fn links_bear_the_public_url(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_PUBLIC_URL", "https://customers.example.com/")]);
    let object = world.http.get(&path_of(&world.create())).json();
    for name in LINKS {
        assert!(object[name].as_str().unwrap().starts_with("https://customers.example.com/l/"), "{object}");
    }
}

fn a_link_made_under_another_secret_is_replaced_and_the_rotated_secret_is_accepted(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let path = path_of(&world.create());
    let before = links(&world, &path);
    world.service.kill();
    world.rotate_secret(OTHER_KEY);
    world.start_again();
    let after = links(&world, &path);
    assert!(before.iter().all(|link| !after.contains(link)), "made anew under the secret of today");
    for link in before.iter().chain(&after) {
        assert_page(&world.service.client().get(link), 200);
    }
}
