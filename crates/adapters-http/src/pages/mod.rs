//! The pages that customers open from a chat, below `/l/`. People read here: every answer is HTML.
//!
//! [`link`] finds out what a link opens and whether a form may be believed; [`address_form`] and [`card_form`] are what is
//! behind links. Every answer is given by [`visit::Visit`], in the visitor's language.

mod address_form;
mod assets;
mod bots;
mod brand;
mod card_form;
mod language;
mod link;
mod session;
#[cfg(test)]
mod tests;
mod texts;
mod visit;

use std::io;
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use url::Url;

pub use self::brand::{Brand, BrandColor, LogoUrl};

use self::assets::Assets;
use self::texts::Texts;
use self::visit::Visit;
use crate::State;
use crate::guessing::Misses;
use crate::problem::{Code, Problem};

/// What all pages share.
pub(crate) struct Pages {
    /// The origin of the pages, as browsers write it.
    origin: String,
    brand: Brand,
    /// One for each language; never empty.
    texts: Vec<Texts>,
    assets: Assets,
    misses: Misses,
}

impl Pages {
    /// From so many wrong links a minute on a block of addresses has to wait.
    const MOST_MISSES: u32 = 30;

    /// Pages at `public_url`.
    ///
    /// # Errors
    /// Texts that cannot be read, which a test rules out.
    pub(crate) fn new(public_url: &str, brand: Brand) -> io::Result<Self> {
        let origin =
            Url::parse(public_url).map_or_else(|_| public_url.to_owned(), |url| url.origin().ascii_serialization());
        let (assets, texts, misses) = (Assets::new(brand.color), Texts::all()?, Misses::new(Self::MOST_MISSES));
        Ok(Self { origin, brand, texts, assets, misses })
    }

    fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    fn visit(&self, headers: &HeaderMap) -> Result<Visit<'_>, Problem> {
        Visit::new(self, headers).ok_or_else(Problem::internal_error)
    }
}

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.configure(assets::routes).service(
        web::scope("/l")
            .wrap(from_fn(limit_guesses))
            .service(
                web::resource("/{code}")
                    .route(web::get().to(link::open))
                    .route(web::head().to(link::open))
                    .route(web::post().to(link::submit))
                    .default_service(web::to(method_not_allowed)),
            )
            .default_service(web::to(unknown)),
    );
}

/// Whether what is answered at this path is a page.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/l" || path.starts_with("/l/")
}

/// A failure as a page, for whoever sent these headers.
pub(crate) fn problem(pages: &Pages, headers: &HeaderMap, problem: &Problem) -> HttpResponse {
    let Ok(visit) = pages.visit(headers) else { return problem.respond("") };
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let messages = &visit.texts.catalogue.pages;
    let mut response = match problem.code {
        Code::CustomerNotFound => visit.unknown(),
        Code::Unavailable => visit.message(status, &messages.unavailable),
        _ => visit.message(status, &messages.failed),
    };
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Counts what opens nothing, and lets who came upon too much of it wait.
async fn limit_guesses(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let pages = &state.pages;
    let client = state.trusted_proxies.client_of(request.peer_addr(), request.headers());
    if let Some(wait) = pages.misses.wait(client, Instant::now())
        && !has_been_here(&state, &request).await
    {
        let visit = pages.visit(request.headers())?;
        let mut response = visit.message(StatusCode::TOO_MANY_REQUESTS, &visit.texts.catalogue.pages.too_many);
        // Rounded up, so that who waits so long does not come too early.
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        return Ok(request.into_response(response));
    }
    let response = next.call(request).await?;
    if response.status() == StatusCode::NOT_FOUND {
        pages.misses.count(client, Instant::now());
    }
    Ok(response)
}

/// Whether the browser brings the session of the link that it opens: then it is no guess, though many share its address.
async fn has_been_here(state: &State, request: &ServiceRequest) -> bool {
    let (Some(code), Some(session)) = (request.path().strip_prefix("/l/"), session::of(request.headers())) else {
        return false;
    };
    state.service.is_session(code, &session).await.unwrap_or(false)
}

async fn method_not_allowed(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let visit = state.pages.visit(request.headers())?;
    let mut response = visit.message(StatusCode::METHOD_NOT_ALLOWED, &visit.texts.catalogue.pages.method);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    Ok(response)
}

async fn unknown(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(state.pages.visit(request.headers())?.unknown())
}
