//! What tells the customer's own forms from those that another site makes his browser send: where they come from, and a
//! cookie with a token that only a page of ours knows (`use_cases::Service::form_token`).

use actix_web::http::header::{COOKIE, HeaderMap, ORIGIN};
use domain::TimeDelta;

const NAME: &str = "form_session";

/// The session that the browser brings, if it is one of ours by its shape.
pub(super) fn of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut sessions = cookies.filter_map(|cookie| cookie.trim().strip_prefix(NAME)?.strip_prefix('='));
    let is_session = |text: &&str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    sessions.find(is_session).map(str::to_owned)
}

/// The cookie with which a browser keeps a session for the pages of a link, as long as that lives.
pub(super) fn cookie(session: &str, code: &str, remaining: TimeDelta, is_secure: bool) -> String {
    let (seconds, secure) = (remaining.num_seconds().max(1), if is_secure { "; Secure" } else { "" });
    format!("{NAME}={session}; Path=/l/{code}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether a form was sent from a page of `origin`, as far as the browser tells. A program that is no browser tells
/// nothing, and needs the cookie all the same. The header `Host` proves nothing and is not looked at.
pub(super) fn is_from(origin: &str, headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let (claimed, site) = (header(ORIGIN.as_str()), header("sec-fetch-site"));
    if matches!(site, Some("cross-site" | "same-site")) {
        return false;
    }
    match claimed {
        // What a browser says where its page has told it to keep quiet about itself.
        Some("null") => site == Some("same-origin"),
        Some(claimed) => claimed == origin,
        None => matches!(site, None | Some("same-origin")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_form_is_ours_when_the_browser_says_so_or_says_nothing() {
        const OURS: &str = "https://customers.example.com";
        for (origin, site, is_ours) in [
            (Some(OURS), Some("same-origin"), true),
            (Some(OURS), None, true),
            (Some(OURS), Some("cross-site"), false),
            (Some(OURS), Some("same-site"), false),
            (Some("null"), Some("same-origin"), true),
            (Some("null"), Some("none"), false),
            (Some("null"), None, false),
            (None, Some("same-origin"), true),
            (None, None, true),
            (None, Some("none"), false),
            (None, Some("cross-site"), false),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("https://evil.example"), None, false),
            (Some("https://customers.example.com:8443"), None, false),
            (Some("http://customers.example.com"), None, false),
        ] {
            let pairs: Vec<_> = [origin.map(|o| ("origin", o)), site.map(|s| ("sec-fetch-site", s))]
                .into_iter()
                .flatten()
                .chain([("host", "customers.example.com")])
                .collect();
            assert_eq!(is_from(OURS, &headers(&pairs)), is_ours, "{origin:?} {site:?}");
        }
    }

    #[test]
    fn a_session_is_taken_from_the_cookies_when_it_has_the_shape_of_one() {
        const SESSION: &str = "00112233445566778899aabbccddeeff";
        let found = of(&headers(&[("cookie", "a=b; form_session=00112233445566778899aabbccddeeff")]));
        assert_eq!(found.as_deref(), Some(SESSION));
        for cookie in ["form_session=", "form_session=a b", "xform_session=0011"] {
            assert_eq!(of(&headers(&[("cookie", cookie)])), None, "{cookie}");
        }
    }

    #[test]
    fn the_cookie_is_for_the_pages_of_one_link_and_out_of_reach_of_scripts_and_other_sites() {
        let cookie = cookie("5e55", "abcdefGHIJ12", TimeDelta::milliseconds(90_500), true);
        assert_eq!(cookie, "form_session=5e55; Path=/l/abcdefGHIJ12; Max-Age=90; HttpOnly; SameSite=Strict; Secure");
        let over_http = super::cookie("5e55", "abcdefGHIJ12", TimeDelta::zero(), false);
        assert!(over_http.contains("Max-Age=1;") && !over_http.contains("Secure"), "{over_http}");
    }
}
