//! How Stripe is reached and what it is shown: the keys and the URLs, each checked when it is read.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// How Stripe, or a service with its interface, is reached.
#[derive(Debug, Clone)]
pub struct StripeSettings {
    /// The key of this service.
    pub secret_key: StripeSecretKey,
    /// The key of customers' browsers. Public.
    pub publishable_key: StripePublishableKey,
    /// Where the API is.
    pub api_url: StripeUrl,
    /// Where the browser's script is.
    pub js_url: StripeUrl,
}

impl StripeSettings {
    /// Stripe itself, with these keys.
    pub fn new(secret_key: StripeSecretKey, publishable_key: StripePublishableKey) -> Self {
        Self { secret_key, publishable_key, api_url: StripeUrl::api(), js_url: StripeUrl::js() }
    }
}

/// A secret key. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct StripeSecretKey(String);

impl StripeSecretKey {
    /// The key, for the header that proves who asks.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is of a live or a test account, where it says so.
    pub(super) fn is_test(&self) -> Option<bool> {
        is_test(&self.0)
    }
}

impl fmt::Debug for StripeSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StripeSecretKey(redacted)")
    }
}

/// A publishable key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripePublishableKey(String);

impl StripePublishableKey {
    /// The key, as the browser's script takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of a live or a test account, where it says so.
    pub(super) fn is_test(&self) -> Option<bool> {
        is_test(&self.0)
    }
}

/// Both kinds of keys have it in their second part: `pk_test_…`, `rk_live_…`.
fn is_test(key: &str) -> Option<bool> {
    match key.split('_').nth(1)? {
        "test" => Some(true),
        "live" => Some(false),
        _ => None,
    }
}

/// A URL of Stripe's, or of a service with its interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeUrl {
    text: String,
    origin: String,
}

/// The origin of Stripe's own API.
const API: &str = "https://api.stripe.com";
/// The origin of Stripe's own script.
const JS: &str = "https://js.stripe.com";

impl StripeUrl {
    /// Stripe's own API.
    pub fn api() -> Self {
        Self { text: API.to_owned(), origin: API.to_owned() }
    }

    /// Stripe's own script.
    pub fn js() -> Self {
        Self { text: format!("{JS}/v3/"), origin: JS.to_owned() }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether what is there is Stripe's own script.
    pub(super) fn is_stripes_script(&self) -> bool {
        self.origin == JS
    }
}

/// Reads a secret key.
///
/// # Errors
/// What the text must be, as the rest of a sentence. Nothing of the text is in it.
pub fn check_stripe_secret_key(text: &str) -> Result<StripeSecretKey, String> {
    if text.starts_with("pk_") {
        return Err("must be the secret key (sk_… or rk_…): this is the publishable one".to_owned());
    }
    Ok(StripeSecretKey(check_key(text)?))
}

/// Reads a publishable key.
///
/// # Errors
/// What the text must be, as the rest of a sentence. Nothing of the text is in it.
pub fn check_stripe_publishable_key(text: &str) -> Result<StripePublishableKey, String> {
    if text.starts_with("sk_") || text.starts_with("rk_") {
        return Err(
            "must be the publishable key (pk_…): this is a secret one, and every customer would see it".to_owned()
        );
    }
    Ok(StripePublishableKey(check_key(text)?))
}

fn check_key(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.len() > 255 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be at most 255 printable ASCII characters without spaces".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the URL of the API or of the script: `https`, or `http` where it stays on this machine or in a private network.
///
/// # Errors
/// What the text must be, as the rest of a sentence. Nothing of the text is in it.
pub fn check_stripe_url(text: &str) -> Result<StripeUrl, String> {
    let whole = || "must be a whole URL, such as https://api.stripe.com".to_owned();
    // The URL stands in a page's content security policy, where some of them would end a rule.
    if text.len() > 2048 || text.contains(|c: char| c.is_control() || c.is_whitespace() || ";,'\"".contains(c)) {
        return Err("must be at most 2048 characters without spaces, quotes, commas and semicolons".to_owned());
    }
    let url = Url::parse(text).map_err(|_| whole())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must be an https URL".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password: the key has a setting of its own".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query (what follows a ?) or a fragment (what follows a #)".to_owned());
    }
    if url.port() == Some(0) {
        return Err("must not have the port 0: nothing listens there".to_owned());
    }
    let host = url.host().ok_or_else(whole)?;
    if let Host::Domain(name) = host
        && !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    {
        return Err(whole());
    }
    if url.scheme() == "http" && !is_near(&host) {
        return Err("must be an https URL: http is for localhost and addresses of private networks".to_owned());
    }
    let text = url.as_str();
    // Only a URL that is nothing but an origin gets a slash that was not written.
    let text = if url.path() == "/" { text.trim_end_matches('/') } else { text };
    Ok(StripeUrl { text: text.to_owned(), origin: url.origin().ascii_serialization() })
}

/// Whether it is surely this machine or a private network.
fn is_near(host: &Host<&str>) -> bool {
    let address = match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            return name == "localhost" || name.ends_with(".localhost");
        }
        Host::Ipv4(address) => IpAddr::from(*address),
        Host::Ipv6(address) => IpAddr::from(*address).to_canonical(),
    };
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_or_stay_near() {
        for (text, read, origin) in [
            ("https://api.stripe.com", "https://api.stripe.com", "https://api.stripe.com"),
            ("https://api.stripe.com/", "https://api.stripe.com", "https://api.stripe.com"),
            ("https://js.stripe.com/v3/", "https://js.stripe.com/v3/", "https://js.stripe.com"),
            ("https://Pay.Example:8443/stripe", "https://pay.example:8443/stripe", "https://pay.example:8443"),
            ("http://127.0.0.1:8420", "http://127.0.0.1:8420", "http://127.0.0.1:8420"),
            ("http://localhost:8420/js/", "http://localhost:8420/js/", "http://localhost:8420"),
            ("http://[::1]:8420", "http://[::1]:8420", "http://[::1]:8420"),
            ("http://192.168.1.7", "http://192.168.1.7", "http://192.168.1.7"),
            ("http://stripe.localhost", "http://stripe.localhost", "http://stripe.localhost"),
        ] {
            let url = check_stripe_url(text).unwrap();
            assert_eq!((url.as_str(), url.origin()), (read, origin), "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused_without_being_repeated() {
        for text in [
            "",
            "api.stripe.com",
            "ftp://hunter2.example",
            "http://hunter2.example",
            "http://8.8.8.8",
            "http://169.254.169.254",
            "http://localhost.hunter2.example",
            "https://me:hunter2@api.stripe.com",
            "https://hunter2@api.stripe.com",
            "https://api.stripe.com?key=hunter2",
            "https://api.stripe.com/#hunter2",
            "https://api.stripe.com:0",
            "https://api.stripe.com; script-src *",
            "https://a;hunter2.example",
            "https://a'b.example",
            "https://a!b.example",
            "https://a.example/x y",
            "javascript:alert(1)",
        ] {
            let error = check_stripe_url(text).unwrap_err();
            assert!(error.starts_with("must ") && !error.contains("hunter"), "{text}: {error}");
        }
    }

    #[test]
    fn stripes_own_urls_pass_their_own_check() {
        assert_eq!(check_stripe_url(StripeUrl::api().as_str()), Ok(StripeUrl::api()));
        assert_eq!(check_stripe_url(StripeUrl::js().as_str()), Ok(StripeUrl::js()));
        assert!(StripeUrl::js().is_stripes_script() && !StripeUrl::api().is_stripes_script());
    }

    #[test]
    fn keys_that_were_mixed_up_are_told() {
        assert!(check_stripe_secret_key("sk_test_1").is_ok() && check_stripe_secret_key("rk_live_1").is_ok());
        assert!(check_stripe_secret_key("pk_test_1").unwrap_err().contains("publishable"));
        assert!(check_stripe_publishable_key("pk_test_1").is_ok());
        assert!(check_stripe_publishable_key("sk_live_1").unwrap_err().contains("secret"));
        assert!(check_stripe_publishable_key("rk_live_1").unwrap_err().contains("secret"));
        for text in ["", "sk test", "sk_\u{e4}", "sk_\n", &"k".repeat(256)] {
            assert!(check_stripe_secret_key(text).is_err() && check_stripe_publishable_key(text).is_err());
        }
    }

    #[test]
    fn no_secret_key_is_in_what_is_said_about_settings() {
        let key = check_stripe_secret_key("sk_test_hunter2").unwrap();
        let settings = StripeSettings::new(key, check_stripe_publishable_key("pk_test_1").unwrap());
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
