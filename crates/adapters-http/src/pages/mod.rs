//! The pages that customers open from a chat, below `/l/`. People read here: every answer is HTML.

mod link;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use askama::Template;

use crate::problem::{Code, Problem};
use crate::router::readable;

const STYLE_PATH: &str = "/assets/page.css";

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(readable(STYLE_PATH, style)).service(
        web::scope("/l")
            .service(
                web::resource("/{code}")
                    .route(web::get().to(link::open))
                    .route(web::head().to(link::open))
                    .default_service(web::to(only_reading)),
            )
            .default_service(web::to(unknown)),
    );
}

/// Whether what is answered at this path is a page.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/l" || path.starts_with("/l/")
}

/// A page of a title and a few sentences.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    style: &'a str,
    title: &'a str,
    sentences: &'a [&'a str],
}

impl Page<'_> {
    fn new<'a>(title: &'a str, sentences: &'a [&'a str]) -> Page<'a> {
        Page { style: STYLE_PATH, title, sentences }
    }

    /// The answer, with the headers that every page has: it is the customer's alone, so nothing on the way keeps,
    /// frames, indexes or passes on its address.
    fn respond(&self, mut response: HttpResponseBuilder) -> HttpResponse {
        response
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header(("X-Robots-Tag", "noindex"))
            .insert_header((
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ))
            .content_type("text/html; charset=utf-8")
            .body(self.render().unwrap_or_else(|_| self.title.to_owned()))
    }
}

/// A failure as a page.
pub(crate) fn problem(problem: &Problem) -> HttpResponse {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = problem.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    let page = match problem.code {
        Code::Unavailable => {
            Page::new("One moment, please", &["We cannot show this page right now. Please try again in a minute."])
        }
        _ => {
            Page::new("Something went wrong", &["We cannot show this page. Please ask us for a new link in the chat."])
        }
    };
    page.respond(response)
}

async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type("text/css; charset=utf-8")
        .body(include_str!("../../assets/page.css"))
}

async fn only_reading() -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed();
    response.insert_header(("Allow", "GET, HEAD"));
    Page::new("This page can only be read", &["Please open the link from the chat again."]).respond(response)
}

async fn unknown() -> HttpResponse {
    Page::new(
        "We cannot find this page",
        &["The link may be incomplete. Please open it from the chat again, or ask us there for a new one."],
    )
    .respond(HttpResponse::NotFound())
}
