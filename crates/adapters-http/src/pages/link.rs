//! `/l/{code}`: what a link opens, and the forms that are sent to it.

use actix_web::http::header::{HeaderValue, SET_COOKIE, USER_AGENT};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::AddressPurpose;
use use_cases::{LinkState, Service};

use super::visit::Visit;
use super::{address_form, bots, card_form, session};
use crate::State;
use crate::body::Body;
use crate::problem::Problem;

/// Where a form stands.
pub(super) struct FormPlace<'a> {
    pub(super) visit: Visit<'a>,
    /// The code of the link.
    pub(super) code: &'a str,
    /// What the form is believed by.
    pub(super) token: String,
}

/// The link's page; for a link that opens nothing, a page that says how to get one that does, and nothing else. Nothing is
/// changed by it, whoever opens it.
pub(super) async fn open(
    state: web::Data<State>,
    request: HttpRequest,
    code: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (visit, service) = (state.pages.visit(request.headers())?, &state.service);
    let open = match service.open_link(&code).await? {
        LinkState::Unknown => return Ok(visit.unknown()),
        LinkState::Gone => return Ok(visit.gone()),
        LinkState::Live(open) => open,
    };
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    if user_agent.is_some_and(bots::is_bot) {
        return Ok(visit.preview(StatusCode::OK));
    }
    let session = service.form_session(open.link.id);
    let is_new = session::of(request.headers()).as_ref() != Some(&session);
    let place = FormPlace { visit, code: &code, token: service.form_token(open.link.id) };
    let asked = request.query_string();
    let mut response = match open.link.purpose.address() {
        Some(purpose) => address_form::show(&place, &open, purpose, asked == "saved"),
        None => card_form::show(&place, &open, service.card_browser().as_ref(), asked),
    };
    if is_new && request.method() == Method::GET {
        // As long as what was filled in may still be sent.
        let remaining = open.remaining + Service::CARD_LATENESS;
        let cookie = session::cookie(&session, &code, remaining, state.pages.is_https());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

/// A form that was filled in, or a part of it.
pub(super) async fn submit(
    state: web::Data<State>,
    request: HttpRequest,
    code: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (visit, service) = (state.pages.visit(request.headers())?, &state.service);
    let is_ours = session::is_from(&state.pages.origin, request.headers());
    let session = session::of(request.headers()).filter(|_| is_ours);
    // What can be told without the body does not wait for it.
    let opened = match (service.open_link(&code).await, &session) {
        (Ok(LinkState::Unknown), _) => return Ok(visit.unknown()),
        // Who has been here before may have missed how it ended.
        (Ok(LinkState::Gone), Some(session)) => {
            let form = body.form().await?;
            return card_form::submit_late(service, &visit, &code, session, &form).await;
        }
        (Ok(LinkState::Gone), None) => return Ok(visit.gone()),
        (Ok(LinkState::Live(open)), _) => Ok(open),
        (Err(failure), _) => Err(failure),
    };
    let Some(session) = session else { return Ok(visit.forbidden(&code)) };
    let form = body.form().await?;
    let place = FormPlace { visit, code: &code, token: form.text("form_token").to_owned() };
    let open = match opened {
        Ok(open) => open,
        Err(failure) => {
            let problem = Problem::from(failure);
            // Whether the form is believed cannot be told now; it is given back to whom it came from, nothing more.
            return match AddressPurpose::parse(form.text("purpose")) {
                Some(purpose) => address_form::give_back(&place, purpose, &form, problem),
                None => Err(problem),
            };
        }
    };
    if !service.is_form(open.link.id, &session, &place.token) {
        return Ok(visit.forbidden(&code));
    }
    match open.link.purpose.address() {
        Some(purpose) => address_form::submit(service, &place, &open, purpose, &form).await,
        None => card_form::submit(service, &place, &open, &form).await,
    }
}
