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

use std::sync::OnceLock;

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

/// All that is served of it.
pub(crate) struct Api {
    style: Asset,
    /// Made when somebody reads: they take milliseconds, of a start that would be for nobody.
    texts: OnceLock<Result<Texts, askama::Error>>,
    described: Vec<(Method, &'static str, Vec<Code>)>,
}

struct Texts {
    document: Asset,
    page: Asset,
    errors: Vec<(Code, Asset)>,
}

impl Api {
    const DOCUMENT: &str = "/openapi.json";
    const PAGE: &str = "/docs";
    const STYLE: &str = "/assets/docs.css";

    pub(crate) fn new() -> Self {
        let style = include_str!("../../assets/docs.css").to_owned();
        let described = operations()
            .into_iter()
            .map(|operation| (operation.method, operation.path, operation.description.errors()))
            .collect();
        Self { style: Asset::new(Self::STYLE, "text/css; charset=utf-8", style), texts: OnceLock::new(), described }
    }

    fn texts(&self) -> Result<&Texts, Problem> {
        let texts = self.texts.get_or_init(|| Texts::new(&self.style.url));
        texts.as_ref().map_err(|error| {
            tracing::error!(%error, "a page of the API cannot be written");
            Problem::internal_error()
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

impl Texts {
    /// # Errors
    /// A page that cannot be written, which a test rules out.
    fn new(style_url: &str) -> Result<Self, askama::Error> {
        let of_code = |code| errors::page(code, style_url).map(|page| (code, Asset::new("", HTML, page)));
        Ok(Self {
            document: Asset::new(Api::DOCUMENT, "application/json", document()),
            page: Asset::new(Api::PAGE, HTML, page::page(&operations(), style_url)?),
            errors: Code::ALL.into_iter().map(of_code).collect::<Result<_, _>>()?,
        })
    }
}

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(readable(Api::DOCUMENT, openapi_json))
        .service(readable(Api::PAGE, docs))
        .service(readable(Api::STYLE, style))
        .service(readable("/errors/{code}", error));
}

async fn openapi_json(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(state.api.texts()?.document.respond(&request))
}

async fn docs(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(respond(&state.api.texts()?.page, &request))
}

async fn style(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.api.style.respond(&request)
}

async fn error(
    state: web::Data<State>,
    code: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let entry = state.api.texts()?.errors.iter().find(|(known, _)| known.as_str() == *code);
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
