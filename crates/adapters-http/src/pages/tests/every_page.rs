//! What holds for every page.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use domain::{LinkPurpose, TimeDelta};

use super::world::{Answer, PATH, SESSION, World, address, bare_post, get, post};
use crate::pages::{Brand, LogoUrl};

fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=31536000"),
        ("vary", "Accept-Language"),
        ("content-language", "en"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let policy = answer.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(answer.text.contains("<meta property=\"og:title\" content=\"Your details\">"), "{}", answer.text);
    assert_eq!(answer.text.matches("<h1>").count(), 1);
}

fn billing() -> World {
    World::new(LinkPurpose::BillingAddress)
}

#[actix_web::test]
async fn what_opens_nothing_is_a_page_that_tells_nothing() {
    let dead = World { remaining: TimeDelta::zero(), ..billing() };
    let gone = dead.answer(get(PATH)).await;
    assert_page(&gone, 410);
    assert!(gone.text.contains("ask us for a new one"), "{}", gone.text);
    for path in ["/l/zzzzzzzzzzzz", "/l/short", "/l/", "/l", "/l/a/b"] {
        let unknown = billing().answer(get(path)).await;
        assert_page(&unknown, 404);
        assert_eq!(unknown.header("set-cookie"), None, "{path}");
    }
}

#[actix_web::test]
async fn a_first_visit_gets_a_session_for_the_link_and_a_later_one_keeps_its_own() {
    let first = billing().answer(get(PATH)).await;
    assert_page(&first, 200);
    let cookie = first.header("set-cookie").unwrap();
    let expected = format!("form_session={SESSION}; Path={PATH}; Max-Age=990; HttpOnly; SameSite=Strict; Secure");
    assert_eq!(cookie, expected);
    assert!(first.text.contains("value=\"token-of-the-form\""), "{}", first.text);
    let second = billing().answer(get(PATH).insert_header(("cookie", format!("form_session={SESSION}")))).await;
    assert_eq!(second.header("set-cookie"), None);
    let forged = billing().answer(get(PATH).insert_header(("cookie", "form_session=mine"))).await;
    assert!(forged.header("set-cookie").is_some());
}

#[actix_web::test]
async fn looking_with_head_leaves_no_cookie() {
    let answer = billing().answer(TestRequest::default().method(Method::HEAD).uri(PATH)).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
}

#[actix_web::test]
async fn other_methods_are_told_which_ones_there_are() {
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = billing().answer(TestRequest::default().method(method).uri(PATH)).await;
        assert_page(&answer, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    }
}

#[actix_web::test]
async fn programs_that_preview_links_learn_nothing_and_get_no_cookie() {
    let mut world = billing();
    world.addresses.billing = Some(address());
    let answer = world.answer(get(PATH).insert_header(("user-agent", "WhatsApp/2.23.20.0 A"))).await;
    assert_page(&answer, 200);
    assert_eq!(answer.header("set-cookie"), None);
    for secret in ["Berra", "07424", "billing", "form"] {
        assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
    }
}

#[actix_web::test]
async fn a_form_that_does_not_come_from_our_page_saves_nothing() {
    let fields = "country=US&name=A&line1=B&postal_code=07424&city=C&region=NJ";
    let token = format!("form_token=token-of-the-form&{fields}");
    let cookie = ("cookie", format!("form_session={SESSION}"));
    let evil = ("origin", "https://evil.example");
    let requests = vec![
        bare_post(fields),
        bare_post(&token),
        bare_post(fields).insert_header(cookie.clone()),
        bare_post(&token).insert_header(("cookie", "form_session=ffffffffffffffffffffffffffffffff")),
        bare_post(&token).insert_header(cookie.clone()).insert_header(evil),
        bare_post(&token).insert_header(cookie.clone()).insert_header(("origin", "null")),
        bare_post(&token).insert_header(cookie.clone()).insert_header(("sec-fetch-site", "cross-site")),
    ];
    for answer in billing().answers(requests).await {
        assert_page(&answer, 403);
        assert!(answer.text.contains(&format!("href=\"{PATH}\"")), "{}", answer.text);
    }
    let believed = vec![
        bare_post(&token).insert_header(cookie.clone()),
        bare_post(&token)
            .insert_header(cookie)
            .insert_header(("origin", "null"))
            .insert_header(("sec-fetch-site", "same-origin")),
        post(fields),
    ];
    for answer in billing().answers(believed).await {
        assert_eq!(answer.status, 303, "{}", answer.text);
    }
}

#[actix_web::test]
async fn unknown_comes_before_gone_before_forbidden_before_invalid() {
    let unknown = bare_post("").uri("/l/zzzzzzzzzzzz");
    assert_page(&billing().answer(unknown).await, 404);
    let dead = || World { remaining: TimeDelta::zero(), ..billing() };
    assert_page(&dead().answer(bare_post("")).await, 410);
    assert_page(&dead().answer(post("")).await, 410);
    assert_page(&billing().answer(bare_post("")).await, 403);
    assert_page(&billing().answer(post("country=US")).await, 422);
}

#[actix_web::test]
async fn what_is_no_form_is_refused_as_a_page() {
    let json = post("").insert_header(("content-type", "application/json")).set_payload("{}");
    assert_page(&billing().answer(json).await, 403);
    assert_page(&billing().answer(post("name=%ff")).await, 422);
    let long = "a".repeat(65 * 1024);
    assert_page(&billing().answer(post(&long)).await, 413);
}

#[actix_web::test]
async fn who_guesses_has_to_wait() {
    let from = |path: &str, address: &str| get(path).peer_addr(format!("{address}:4711").parse().unwrap());
    let mut requests: Vec<_> = (0..30).map(|_| from("/l/zzzzzzzzzzzz", "192.0.2.1")).collect();
    requests.push(from(PATH, "192.0.2.77"));
    requests.push(from(PATH, "198.51.100.1"));
    let mut answers = billing().answers(requests).await;
    assert_page(&answers.pop().unwrap(), 200);
    let limited = answers.pop().unwrap();
    assert_page(&limited, 429);
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(answers.iter().all(|answer| answer.status == 404));
}

#[actix_web::test]
async fn a_store_that_is_away_is_a_page_too() {
    let answer = World { store_fails_from: 0, ..billing() }.answer(get(PATH)).await;
    assert_page(&answer, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn the_language_is_the_visitors() {
    let german = billing().answer(get(PATH).insert_header(("accept-language", "de-CH, fr;q=0.9"))).await;
    assert_eq!(german.header("content-language"), Some("de"));
    assert!(german.text.contains("<html lang=\"de\">") && german.text.contains("Ihre Rechnungsadresse"));
    let spanish = billing().answer(get("/l/zzzzzzzzzzzz").insert_header(("accept-language", "es"))).await;
    assert!(spanish.text.contains("No encontramos esta página"), "{}", spanish.text);
}

#[actix_web::test]
async fn the_brand_stands_at_the_head_and_its_logo_may_be_loaded() {
    let brand = Brand {
        name: Some("Ben & <Jerry>".to_owned()),
        logo_url: Some(LogoUrl::parse("https://cdn.example.com/logo.svg").unwrap()),
        ..Brand::default()
    };
    let answer = World { brand, ..billing() }.answer(get(PATH)).await;
    assert_page(&answer, 200);
    assert!(!answer.text.contains("<Jerry>"), "{}", answer.text);
    assert!(answer.text.contains("src=\"https://cdn.example.com/logo.svg\""), "{}", answer.text);
    assert!(answer.header("content-security-policy").unwrap().contains("; img-src https://cdn.example.com"));
}

#[actix_web::test]
async fn what_a_page_loads_is_kept_for_good_and_looked_at_anew_by_any_other_address() {
    let page = billing().answer(get(PATH)).await;
    let (_, rest) = page.text.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let (url, _) = rest.split_once('"').unwrap();
    let tag = format!("\"{}\"", url.split_once("?v=").unwrap().1);
    let requests = vec![
        get(url),
        get("/assets/page.css"),
        get("/assets/form.js"),
        get("/assets/card.js?v=old"),
        get("/assets/page.css").insert_header(("if-none-match", tag)),
    ];
    let answers = billing().answers(requests).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 304]);
    assert!(answers[0].header("cache-control").unwrap().contains("immutable"));
    assert!(answers[1..].iter().all(|answer| answer.header("cache-control") == Some("no-cache")));
    assert!(answers[0].text.contains("--brand:#1f6f5c"), "{}", answers[0].text);
    assert_eq!(answers[2].header("content-type"), Some("text/javascript; charset=utf-8"));
}
