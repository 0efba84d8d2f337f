//! Files that the service holds.
//!
//! Each has an address that changes with its content, so browsers keep it for good. Asked for by another address, as by a
//! page of another release, it is looked at anew each time.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

/// A file.
pub(crate) struct Asset {
    /// With the version in it.
    pub(crate) url: String,
    version: String,
    media_type: &'static str,
    content: Bytes,
}

impl Asset {
    pub(crate) fn new(path: &str, media_type: &'static str, content: String) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let version = format!("{:016x}", hasher.finish());
        Self { url: format!("{path}?v={version}"), version, media_type, content: content.into() }
    }

    pub(crate) fn respond(&self, request: &HttpRequest) -> HttpResponse {
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
