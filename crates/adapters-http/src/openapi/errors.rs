//! `/errors/CODE`: what `docs/errors.md` says of a code.

use askama::Template;
use pulldown_cmark::{Options, Parser, html};

use crate::problem::Code;

const ERRORS: &str = include_str!("../../../../docs/errors.md");

#[derive(Template)]
#[template(path = "api_error.html")]
struct ErrorPage<'a> {
    style_url: &'a str,
    code: Code,
    text: String,
}

/// The page of a code.
pub(super) fn page(code: Code, style_url: &str) -> Result<String, askama::Error> {
    ErrorPage { style_url, code, text: to_html(section(code).unwrap_or_default()) }.render()
}

/// What stands below the heading of a code.
pub(super) fn section(code: Code) -> Option<&'static str> {
    let (_, text) = ERRORS.split_once(&format!("\n## {}\n", code.as_str()))?;
    Some(text.split_once("\n## ").map_or(text, |(text, _)| text))
}

/// Markdown with tables, as HTML. The text is ours, so what it holds of HTML may stand.
pub(super) fn to_html(markdown: &str) -> String {
    let mut text = String::new();
    html::push_html(&mut text, Parser::new_ext(markdown, Options::ENABLE_TABLES));
    text
}
