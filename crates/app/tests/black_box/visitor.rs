//! A person with a browser of few abilities: it keeps a cookie and posts the form that it was shown.

use serde_json::Value;
use test_support::{Answer, Http};

use crate::world::World;

/// The members of the customer object that are links.
pub(crate) const LINKS: [&str; 3] = ["billing_address_url", "shipping_address_url", "card_url"];

/// What every answer below `/l/` is.
pub(crate) fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-robots-tag"), Some("noindex"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
}

/// The paths of the three links that *retrieve* hands out: billing address, shipping address, card.
pub(crate) fn links(world: &World, customer: &str) -> [String; 3] {
    let object: Value = world.http.get(customer).json();
    LINKS.map(|name| {
        let url = object[name].as_str().unwrap();
        url[url.find("/l/").unwrap()..].to_owned()
    })
}

/// Somebody who has opened a link.
pub(crate) struct Visitor {
    http: Http,
    pub(crate) link: String,
    pub(crate) origin: String,
    pub(crate) cookie: String,
    pub(crate) form_token: String,
    /// The page as it was first shown.
    pub(crate) page: Answer,
}

impl Visitor {
    /// Opens a link that is live.
    pub(crate) fn open(world: &World, link: &str) -> Self {
        let http = world.service.client();
        let page = http.get(link);
        assert_eq!(page.status, 200, "{page:?}");
        let cookie = page.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {page:?}"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let form_token = hidden(&page.text, "form_token").unwrap_or_else(|| panic!("no form: {}", page.text));
        Self { http, link: link.to_owned(), origin: world.service.url(""), cookie, form_token, page }
    }

    /// The service has started again elsewhere. To a browser it is at the same place.
    pub(crate) fn moved_to(&mut self, world: &World) {
        (self.http, self.origin) = (world.service.client(), world.service.url(""));
    }

    /// Opens the link again, with the cookie.
    pub(crate) fn reload(&self) -> Answer {
        self.http.send("GET", &self.link, &[("Cookie", &self.cookie)], "")
    }

    /// Posts the form with these fields, as the browser does.
    pub(crate) fn post(&self, fields: &[(&str, &str)]) -> Answer {
        self.post_with(&[("Cookie", &self.cookie), ("Origin", &self.origin)], &self.form_token, fields)
    }

    /// The same with other headers and another token.
    pub(crate) fn post_with(&self, headers: &[(&str, &str)], form_token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        let mut all = vec![("form_token", form_token)];
        all.extend_from_slice(fields);
        let body: Vec<String> = all.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        self.http.send("POST", &self.link, &headers, body.join("&"))
    }
}

/// The value of a hidden field.
fn hidden(html: &str, name: &str) -> Option<String> {
    let input = html.split("<input").find(|tag| tag.contains(&format!("name=\"{name}\"")))?;
    Some(input.split("value=\"").nth(1)?.split('"').next()?.to_owned())
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
