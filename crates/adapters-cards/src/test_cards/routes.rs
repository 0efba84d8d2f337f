//! The browser's side of the stand-in: its script, its frames, and what they send.

use std::sync::Arc;

use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{Data, Json, JsonConfig, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route, error, web};
use serde::Deserialize;

use super::answer::{Answer, Failed};
use super::{TestCards, cards};

/// The most bytes of what a frame sends.
const MAX_BODY: usize = 4096;

/// What a frame may do: run its own script, have its own look, speak to this service, and stand in a page of it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The files: path, type and text.
const FILES: [(&str, &str, &str); 7] = [
    ("/v3.js", JS, include_str!("../../assets/test-cards/v3.js")),
    ("/element", HTML, include_str!("../../assets/test-cards/element.html")),
    ("/element.js", JS, include_str!("../../assets/test-cards/element.js")),
    ("/challenge", HTML, include_str!("../../assets/test-cards/challenge.html")),
    ("/challenge.js", JS, include_str!("../../assets/test-cards/challenge.js")),
    ("/frame.js", JS, include_str!("../../assets/test-cards/frame.js")),
    ("/frame.css", "text/css; charset=utf-8", include_str!("../../assets/test-cards/frame.css")),
];
const JS: &str = "text/javascript; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

pub(super) fn configure(cards: &Arc<TestCards>, config: &mut ServiceConfig) {
    let headers = DefaultHeaders::new()
        .add((CONTENT_SECURITY_POLICY, POLICY))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((REFERRER_POLICY, "no-referrer"))
        .add((HeaderName::from_static("x-robots-tag"), "noindex"))
        // The files are few and small, and are looked at while they change.
        .add((CACHE_CONTROL, "no-store"));
    let json = JsonConfig::default()
        .limit(MAX_BODY)
        .error_handler(|cause, _| error::InternalError::from_response(cause, Failed::Malformed.respond()).into());
    let mut scope = web::scope("")
        .app_data(Data::from(Arc::clone(cards)))
        .app_data(json)
        .service(posted("/setups/confirm").route(web::post().to(confirm)))
        .service(posted("/setups/authenticate").route(web::post().to(authenticate)))
        .default_service(web::to(HttpResponse::NotFound));
    for (path, kind, text) in FILES {
        let read = move || std::future::ready(HttpResponse::Ok().content_type(kind).body(text));
        let resource = web::resource(path).route(web::get().to(read)).route(web::head().to(read));
        scope = scope.service(resource.default_service(only("GET, HEAD")));
    }
    config.service(scope.wrap(headers));
}

fn posted(path: &str) -> Resource {
    web::resource(path).default_service(only("POST"))
}

/// Answers every other method of an address.
fn only(allow: &'static str) -> Route {
    let refused =
        move || HttpResponse::MethodNotAllowed().insert_header((ALLOW, HeaderValue::from_static(allow))).finish();
    web::to(move || std::future::ready(refused()))
}

#[derive(Deserialize)]
struct Confirmation {
    client_secret: String,
    token: String,
    exp_month: u8,
    exp_year: u16,
}

async fn confirm(cards: Data<TestCards>, body: Json<Confirmation>) -> HttpResponse {
    let Confirmation { client_secret, token, exp_month, exp_year } = body.into_inner();
    let is_date = (1..=12).contains(&exp_month) && (2000..=2199).contains(&exp_year);
    respond(match cards::by_token(&token).filter(|_| is_date) {
        Some(card) => cards.confirm(&client_secret, card, (exp_month, exp_year)),
        None => Err(Failed::Malformed),
    })
}

#[derive(Deserialize)]
struct Authentication {
    client_secret: String,
    outcome: AuthenticationOutcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AuthenticationOutcome {
    Complete,
    Fail,
}

async fn authenticate(cards: Data<TestCards>, body: Json<Authentication>) -> HttpResponse {
    let Authentication { client_secret, outcome } = body.into_inner();
    respond(cards.authenticate(&client_secret, matches!(outcome, AuthenticationOutcome::Complete)))
}

fn respond(result: Result<Answer, Failed>) -> HttpResponse {
    match result {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(failed) => failed.respond(),
    }
}
