//! One visit to a page: the language of the visitor, and the answer with what every page has.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, HeaderMap, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use use_cases::CardBrowser;

use super::brand::Brand;
use super::texts::{Message, Texts};
use super::{Pages, language};

/// A visit. Templates have it as `visit`.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub(super) pages: &'a Pages,
    pub(super) texts: &'a Texts,
}

/// A page of a title and a sentence, and perhaps a link.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    visit: &'a Visit<'a>,
    title: &'a str,
    text: &'a str,
    link: Option<(&'a str, &'a str)>,
}

impl<'a> Visit<'a> {
    /// A visit by whoever sends these headers.
    pub(super) fn new(pages: &'a Pages, headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get_all(ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok());
        let available: Vec<&str> = pages.texts.iter().map(|texts| texts.language).collect();
        let texts = pages.texts.get(language::choose(accepted, &available))?;
        Some(Self { pages, texts })
    }

    pub(super) fn brand(&self) -> &Brand {
        &self.pages.brand
    }

    /// A page of a title and a sentence.
    pub(super) fn message(&self, status: StatusCode, message: &Message) -> HttpResponse {
        let page = MessagePage { visit: self, title: &message.title, text: &message.text, link: None };
        self.respond(HttpResponse::build(status), &page, None)
    }

    /// A link that opens nothing.
    pub(super) fn unknown(&self) -> HttpResponse {
        self.message(StatusCode::NOT_FOUND, &self.texts.catalogue.pages.unknown)
    }

    /// A link that opens nothing any more.
    pub(super) fn gone(&self) -> HttpResponse {
        self.message(StatusCode::GONE, &self.texts.catalogue.pages.gone)
    }

    /// A form that did not come from a page of ours.
    pub(super) fn forbidden(&self, code: &str) -> HttpResponse {
        let message = &self.texts.catalogue.pages.forbidden;
        let link = format!("/l/{code}");
        let link = Some((&*link, &*message.action));
        let page = MessagePage { visit: self, title: &message.title, text: &message.text, link };
        self.respond(HttpResponse::Forbidden(), &page, None)
    }

    /// What programs see that preview links: nothing of anybody's.
    pub(super) fn preview(&self, status: StatusCode) -> HttpResponse {
        let texts = &self.texts.catalogue;
        let page = MessagePage { visit: self, title: &texts.neutral_title, text: &texts.preview, link: None };
        self.respond(HttpResponse::build(status), &page, None)
    }

    /// The way to another page.
    pub(super) fn redirect(&self, location: &str) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        self.insert_headers(&mut response, None);
        response.insert_header((LOCATION, location)).finish()
    }

    /// The answer. `cards` is whose script the page loads besides our own.
    pub(super) fn respond(
        &self,
        mut response: HttpResponseBuilder,
        page: &impl Template,
        cards: Option<&CardBrowser>,
    ) -> HttpResponse {
        self.insert_headers(&mut response, cards);
        response.body(page.render().unwrap_or_else(|error| {
            tracing::error!(%error, "a page could not be written");
            String::new()
        }))
    }

    /// What every answer has: it is the customer's alone, so nothing on the way keeps, frames, indexes or passes on its
    /// address.
    fn insert_headers(&self, response: &mut HttpResponseBuilder, cards: Option<&CardBrowser>) {
        response
            .content_type("text/html; charset=utf-8")
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CONTENT_LANGUAGE, self.texts.language))
            .insert_header((VARY, "Accept-Language"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header(("X-Robots-Tag", "noindex"))
            // A bank that opens a window of its own for its question must stay able to close it.
            .insert_header(("Cross-Origin-Opener-Policy", "same-origin-allow-popups"))
            .insert_header(("Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()"))
            .insert_header((CONTENT_SECURITY_POLICY, self.policy(cards)));
        if self.pages.is_https() {
            response.insert_header((STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
        }
    }

    fn policy(&self, cards: Option<&CardBrowser>) -> String {
        let mut policy = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
                          style-src 'self'; script-src 'self'"
            .to_owned();
        let mut connect = " 'self'".to_owned();
        if let Some(cards) = cards {
            let is_ours = cards.script_url.starts_with('/');
            append(&mut policy, &cards.script_origins);
            append(&mut connect, &cards.connect_origins);
            if is_ours || !cards.frame_origins.is_empty() {
                policy.push_str("; frame-src");
                append(&mut policy, is_ours.then_some("'self'"));
                append(&mut policy, &cards.frame_origins);
            }
        }
        policy = policy + "; connect-src" + &connect;
        if let Some(logo) = &self.pages.brand.logo_url {
            policy.push_str("; img-src");
            append(&mut policy, [&logo.origin()]);
        }
        policy
    }
}

fn append<T: AsRef<str>>(policy: &mut String, sources: impl IntoIterator<Item = T>) {
    for source in sources {
        policy.push(' ');
        policy.push_str(source.as_ref());
    }
}
