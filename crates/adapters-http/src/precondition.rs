//! Revisions of a customer as callers name them: `ETag` and `If-Match`.

use std::future::{Ready, ready};

use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest, dev};
use domain::{Customer, FieldCode, FieldError};
use use_cases::IfMatch;

use crate::operation::{Header, Kind, Parameter};
use crate::problem::Problem;

/// What [`Precondition`] reads.
pub(crate) const IF_MATCH_PARAMETER: Parameter = Parameter::new(
    "If-Match",
    Kind::pattern(r#"^[ ,\t]*(\*|(W/)?"[!#-~]*"([ \t]*,[ ,\t]*(W/)?"[!#-~]*")*)[ ,\t]*$"#),
    "The `ETag` of the customer whom the request is meant for, or several: at another revision nothing is done.",
);

/// What [`etag`] writes.
pub(crate) const REVISION: Header =
    Header { name: "ETag", text: "The customer's revision, for `If-Match`.", is_always_there: true };

const MUST_BE: &str = "must be `*`, or one or more entity tags in double quotes with commas between, such as \"3\"";

/// The tag of a customer's revision. It names a version to be changed, not these very bytes: links and bookkeeping do not
/// move it.
pub(crate) fn etag(customer: &Customer) -> String {
    format!("\"{}\"", customer.parts().revision)
}

/// Which revisions a request is meant for. A handler that takes it refuses a malformed header before the body is read.
pub(crate) struct Precondition(pub(crate) IfMatch);

impl FromRequest for Precondition {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let values: Option<Vec<&str>> = request.headers().get_all(IF_MATCH).map(|value| value.to_str().ok()).collect();
        let if_match = match values.as_deref() {
            Some([]) => Some(IfMatch::Any),
            Some(values) => read(&values.join(",")),
            None => None,
        };
        let refused = || Problem::invalid_parameters(vec![FieldError::new("If-Match", FieldCode::Invalid, MUST_BE)]);
        ready(if_match.map(Self).ok_or_else(refused))
    }
}

/// A list of entity tags (RFC 9110, 8.8.3 and 13.1.1). Of well-formed ones, those that are weak or were never handed out
/// match nothing.
fn read(value: &str) -> Option<IfMatch> {
    if value.trim() == "*" {
        return Some(IfMatch::Any);
    }
    let mut revisions = Vec::new();
    let (mut rest, mut found) = (value.trim(), 0);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (found > 0).then_some(IfMatch::Revisions(revisions));
        }
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if !tag.bytes().all(|byte| byte == b'!' || (b'#'..=b'~').contains(&byte)) {
            return None;
        }
        // As it is handed out, and in no other spelling of the number.
        let revision = tag.parse::<i64>().ok().filter(|revision| !is_weak && revision.to_string() == tag);
        revisions.extend(revision);
        found += 1;
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_only_strong_ones_match() {
        let revisions = |revisions: &[i64]| Some(IfMatch::Revisions(revisions.to_vec()));
        for (value, expected) in [
            ("*", Some(IfMatch::Any)),
            ("\"3\"", revisions(&[3])),
            (" \"3\" , \"4\" ", revisions(&[3, 4])),
            ("\"3\",,\"4\"", revisions(&[3, 4])),
            ("W/\"3\"", revisions(&[])),
            ("\"03\"", revisions(&[])),
            ("\"a,b\"", revisions(&[])),
            ("\"\"", revisions(&[])),
            ("", None),
            (",", None),
            ("3", None),
            ("\"3", None),
            ("\"3\" \"4\"", None),
            ("\"3\"4", None),
            ("*, \"3\"", None),
            ("w/\"3\"", None),
            ("\"a b\"", None),
        ] {
            assert_eq!(read(value), expected, "{value:?}");
        }
    }
}
