//! The form of a card. The card is entered into a field of the provider's, and what is sent here is that it was.
//!
//! `card.js` sends the form twice: before the card is confirmed with the provider, for what that needs (`action=begin`),
//! and after it, for the card to be looked up there (`action=finish`).

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use domain::Card;
use use_cases::{CardBrowser, CardStep, Failure, LinkState, OpenLink, Service};

use super::link::FormPlace;
use super::texts::{Refusals, Texts, fill};
use super::visit::Visit;
use crate::body::Form;
use crate::problem::{Code, Problem};

#[derive(Template)]
#[template(path = "card_form.html")]
struct FormPage<'a> {
    visit: &'a Visit<'a>,
    title: &'a str,
    text: String,
    code: &'a str,
    token: &'a str,
    browser: &'a CardBrowser,
    current: Option<String>,
    client_secret: Option<&'a str>,
    alert: Option<&'a str>,
    refusals: [(&'static str, &'a str); 20],
}

/// A page on the way to a card or at its end: a sentence, and perhaps a button by which to look how far it is.
#[derive(Template)]
#[template(path = "card_step.html")]
struct StepPage<'a> {
    visit: &'a Visit<'a>,
    title: &'a str,
    text: &'a str,
    card: Option<String>,
    is_test: bool,
    is_saved: bool,
    look: Option<Look<'a>>,
}

/// A button by which to look how far it is.
struct Look<'a> {
    code: &'a str,
    token: &'a str,
    label: &'a str,
    /// Whether the script presses it at once.
    at_once: bool,
}

/// The page as it is opened, or as a bank sends the customer back to it.
pub(super) fn show(place: &FormPlace, open: &OpenLink, browser: Option<&CardBrowser>, asked: &str) -> HttpResponse {
    let texts = &place.visit.texts.catalogue.card;
    let is_return =
        asked.split('&').any(|pair| pair.starts_with("setup_intent=") || pair.starts_with("redirect_status="));
    match browser {
        None => not_offered(place),
        Some(browser) if is_return => {
            let look = Look { code: place.code, token: &place.token, label: &texts.go_on, at_once: true };
            step(place, browser, &texts.returning_title, &texts.returning, look)
        }
        Some(browser) => form(place, browser, open.card.as_ref(), None, None, HttpResponse::Ok()),
    }
}

/// What the script sends.
pub(super) async fn submit(
    service: &Service,
    place: &FormPlace<'_>,
    open: &OpenLink,
    sent: &Form,
) -> Result<HttpResponse, Problem> {
    let (catalogue, browser) = (&place.visit.texts.catalogue, service.card_browser());
    let Some(browser) = &browser else { return Ok(not_offered(place)) };
    let current = open.card.as_ref();
    let outcome = match service.card_step(place.code).await {
        Ok(LinkState::Unknown) => return Ok(place.visit.unknown()),
        // It ended just now.
        Ok(LinkState::Gone) => {
            let session = service.form_session(open.link.id);
            return submit_late(service, &place.visit, place.code, &session, sent).await;
        }
        Ok(LinkState::Live(outcome)) => outcome,
        Err(failure) => {
            // Whatever a provider answers: what was entered there is not lost, and its next answer may be better.
            let is_providers = matches!(failure, Failure::CardProvider(_));
            let problem = Problem::from(failure);
            if problem.code != Code::Unavailable && !is_providers {
                return Err(problem);
            }
            let alert = Some(&*catalogue.card.unavailable);
            let mut response = form(place, browser, current, None, alert, HttpResponse::ServiceUnavailable());
            if let Some(seconds) = problem.retry_after {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            return Ok(response);
        }
    };
    Ok(match outcome {
        CardStep::NotOffered => not_offered(place),
        CardStep::Saved(card) => saved(&place.visit, &card, Some(browser)),
        CardStep::Processing => {
            let (texts, token) = (&catalogue.card, &*place.token);
            let look = Look { code: place.code, token, label: &texts.look_again, at_once: false };
            step(place, browser, &texts.processing_title, &texts.processing, look)
        }
        CardStep::Enter { refusal, .. } if sent.text("action") == "finish" => {
            let alert = refusal_text(&catalogue.refusals, refusal.as_deref());
            form(place, browser, current, None, Some(alert), HttpResponse::UnprocessableEntity())
        }
        CardStep::Enter { client_secret, .. } => {
            form(place, browser, current, Some(&client_secret), None, HttpResponse::Ok())
        }
    })
}

fn form(
    place: &FormPlace,
    browser: &CardBrowser,
    current: Option<&Card>,
    client_secret: Option<&str>,
    alert: Option<&str>,
    response: HttpResponseBuilder,
) -> HttpResponse {
    let visit = &place.visit;
    let texts = &visit.texts.catalogue;
    let page = FormPage {
        visit,
        title: &texts.card.title,
        text: fill(&texts.card.text, &[("provider", browser.display_name.unwrap_or(&texts.card.provider))]),
        code: place.code,
        token: &place.token,
        browser,
        current: current.map(|card| fill(&texts.card.current, &[("card", &described(visit.texts, card))])),
        client_secret,
        alert,
        refusals: refusals(&texts.refusals),
    };
    visit.respond(response, &page, Some(browser))
}

fn step(place: &FormPlace, browser: &CardBrowser, title: &str, text: &str, look: Look) -> HttpResponse {
    let (visit, is_test) = (&place.visit, browser.is_test);
    let page = StepPage { visit, title, text, card: None, is_test, is_saved: false, look: Some(look) };
    visit.respond(HttpResponse::Ok(), &page, None)
}

/// What is sent to a link that opens nothing any more: it was pressed twice, or in two windows, and the card that it
/// brought has used it up; or the link expired while the customer was with the provider.
pub(super) async fn submit_late(
    service: &Service,
    visit: &Visit<'_>,
    code: &str,
    session: &str,
    sent: &Form,
) -> Result<HttpResponse, Problem> {
    let card = service.finish_card_late(code, session, sent.text("form_token")).await?;
    Ok(card.map_or_else(|| visit.gone(), |card| saved(visit, &card, service.card_browser().as_ref())))
}

/// The end of the way.
fn saved(visit: &Visit, card: &Card, browser: Option<&CardBrowser>) -> HttpResponse {
    let texts = &visit.texts.catalogue.card;
    let page = StepPage {
        visit,
        title: &texts.saved_title,
        text: &texts.saved,
        card: Some(described(visit.texts, card)),
        is_test: browser.is_some_and(|browser| browser.is_test),
        is_saved: true,
        look: None,
    };
    visit.respond(HttpResponse::Ok(), &page, None)
}

fn not_offered(place: &FormPlace) -> HttpResponse {
    let (visit, texts) = (&place.visit, &place.visit.texts.catalogue.card);
    let (title, text) = (&texts.title, &texts.not_offered);
    let page = StepPage { visit, title, text, card: None, is_test: false, is_saved: false, look: None };
    visit.respond(HttpResponse::Ok(), &page, None)
}

/// What the page says of the codes by which providers tell why there is no card. They are those of Stripe; `network` is our
/// script's own, and the last is for all others.
fn refusals(texts: &Refusals) -> [(&'static str, &str); 20] {
    [
        ("card_declined", &texts.declined),
        ("insufficient_funds", &texts.insufficient_funds),
        ("expired_card", &texts.expired),
        ("incorrect_number", &texts.number),
        ("invalid_number", &texts.number),
        ("invalid_expiry_month", &texts.expiry),
        ("invalid_expiry_year", &texts.expiry),
        ("invalid_expiry_month_past", &texts.expired),
        ("invalid_expiry_year_past", &texts.expired),
        ("incorrect_cvc", &texts.security_code),
        ("invalid_cvc", &texts.security_code),
        ("incomplete_number", &texts.incomplete),
        ("incomplete_expiry", &texts.incomplete),
        ("incomplete_cvc", &texts.incomplete),
        ("incomplete_zip", &texts.incomplete),
        ("authentication_required", &texts.authentication),
        ("setup_intent_authentication_failure", &texts.authentication),
        ("processing_error", &texts.processing),
        ("network", &texts.network),
        ("other", &texts.other),
    ]
}

/// What the page says of a provider's code.
fn refusal_text<'a>(texts: &'a Refusals, code: Option<&str>) -> &'a str {
    let known = refusals(texts).into_iter().find(|(known, _)| Some(*known) == code);
    known.map_or(&texts.other, |(_, text)| text)
}

/// A card in words.
fn described(texts: &Texts, card: &Card) -> String {
    let card = card.parts();
    let brand = match card.brand.as_str() {
        "amex" => "American Express",
        "cartes_bancaires" => "Cartes Bancaires",
        "diners" => "Diners Club",
        "discover" => "Discover",
        "jcb" => "JCB",
        "mastercard" => "Mastercard",
        "unionpay" => "UnionPay",
        "visa" => "Visa",
        other => other,
    };
    let expiry = format!("{:02}/{}", card.exp_month, card.exp_year);
    fill(&texts.catalogue.card.ending, &[("brand", brand), ("last4", &card.last4), ("expiry", &expiry)])
}
