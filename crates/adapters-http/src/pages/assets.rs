//! The look and the scripts of the pages.
//!
//! Each has an address that changes with its content, so browsers keep it for good. Asked for by another address, as by a
//! page of another release, it is looked at anew each time.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};

use super::brand::BrandColor;
use crate::State;
use crate::router::readable;

/// What the pages load.
pub(crate) struct Assets {
    pub(super) style: Asset,
    pub(super) form_script: Asset,
    pub(super) card_script: Asset,
}

/// A file.
pub(super) struct Asset {
    /// With the version in it.
    pub(super) url: String,
    version: String,
    media_type: &'static str,
    content: String,
}

impl Assets {
    const STYLE: &str = "/assets/page.css";
    const FORM_SCRIPT: &str = "/assets/form.js";
    const CARD_SCRIPT: &str = "/assets/card.js";

    pub(super) fn new(color: BrandColor) -> Self {
        let style = color.style() + "\n" + include_str!("../../assets/page.css");
        let script = |path, text: &str| Asset::new(path, "text/javascript; charset=utf-8", text.to_owned());
        Self {
            style: Asset::new(Self::STYLE, "text/css; charset=utf-8", style),
            form_script: script(Self::FORM_SCRIPT, include_str!("../../assets/form.js")),
            card_script: script(Self::CARD_SCRIPT, include_str!("../../assets/card.js")),
        }
    }
}

impl Asset {
    fn new(path: &str, media_type: &'static str, content: String) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let version = format!("{:016x}", hasher.finish());
        Self { url: format!("{path}?v={version}"), version, media_type, content }
    }

    fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let is_this_version = request.query_string().strip_prefix("v=") == Some(&*self.version);
        let caching = if is_this_version { "public, max-age=31536000, immutable" } else { "no-cache" };
        let tag = format!("\"{}\"", self.version);
        let is_known = request.headers().get_all(IF_NONE_MATCH).any(|value| value.as_bytes() == tag.as_bytes());
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((CACHE_CONTROL, caching))
            .insert_header((ETAG, tag))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if is_known { response.finish() } else { response.content_type(self.media_type).body(self.content.clone()) }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(readable(Assets::STYLE, style))
        .service(readable(Assets::FORM_SCRIPT, form_script))
        .service(readable(Assets::CARD_SCRIPT, card_script));
}

async fn style(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.pages.assets.style.respond(&request)
}

async fn form_script(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.pages.assets.form_script.respond(&request)
}

async fn card_script(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    state.pages.assets.card_script.respond(&request)
}
