//! The API's document ([`document`]), and what shows it: `/openapi.json`, `/docs` and `/errors/CODE`. Nobody needs a key
//! for them.
//!
//! The document is made of [`router::operations`](crate::router::operations), as the routes are, and of the types that
//! answers are written from.

mod document;
mod errors;
mod example;
mod page;
mod samples;
#[cfg(test)]
mod tests;

pub use document::document;

use std::io;

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::State;
use crate::asset::Asset;
use crate::problem::{Code, Problem};
use crate::router::{operations, readable};

/// Nothing but our own style: there is no script.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";

/// All that is served of it, made once.
pub(crate) struct Api {
    document: Asset,
    page: Asset,
    style: Asset,
    errors: Vec<(Code, Asset)>,
    described: Vec<(Method, &'static str, Vec<Code>)>,
}

impl Api {
    const DOCUMENT: &str = "/openapi.json";
    const PAGE: &str = "/docs";
    const STYLE: &str = "/assets/docs.css";

    /// # Errors
    /// A page that cannot be written, which a test rules out.
    pub(crate) fn new() -> io::Result<Self> {
        let operations = operations();
        let style = include_str!("../../assets/docs.css").to_owned();
        let style = Asset::new(Self::STYLE, "text/css; charset=utf-8", style);
        let page = page::page(&operations, &style.url).map_err(io::Error::other)?;
        let errors = Code::ALL.into_iter().map(|code| {
            let page = errors::page(code, &style.url).map_err(io::Error::other)?;
            Ok((code, Asset::new("", HTML, page)))
        });
        Ok(Self {
            document: Asset::new(Self::DOCUMENT, "application/json", document()),
            page: Asset::new(Self::PAGE, HTML, page),
            errors: errors.collect::<io::Result<_>>()?,
            style,
            described: operations
                .into_iter()
                .map(|operation| (operation.method, operation.path, operation.description.errors()))
                .collect(),
        })
    }

    /// Whether the operation that answered so is described as one that may fail with this code.
    pub(crate) fn lists(&self, response: &ServiceResponse, code: Code) -> bool {
        let (method, path) = (response.request().method(), response.request().match_pattern());
        let described =
            self.described.iter().find(|(known, pattern, _)| known == method && Some(*pattern) == path.as_deref());
        described.is_none_or(|(_, _, codes)| codes.contains(&code))
    }
}

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(readable(Api::DOCUMENT, openapi_json))
        .service(readable(Api::PAGE, docs))
        .service(readable(Api::STYLE, style))
        .service(readable("/errors/{code}", error));
}

async fn openapi_json(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.api.document.respond(&request)
}

async fn docs(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    respond(&state.api.page, &request)
}

async fn style(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.api.style.respond(&request)
}

async fn error(
    state: web::Data<State>,
    code: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let entry = state.api.errors.iter().find(|(known, _)| known.as_str() == *code);
    let (_, page) = entry.ok_or_else(Problem::route_not_found)?;
    Ok(respond(page, &request))
}

/// A page.
fn respond(page: &Asset, request: &HttpRequest) -> HttpResponse {
    let mut response = page.respond(request);
    for (name, value) in [(CONTENT_SECURITY_POLICY, POLICY), (REFERRER_POLICY, "no-referrer")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
