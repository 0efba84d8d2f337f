//! A webhook's URL, read and judged.

use std::net::IpAddr;

use http::Uri;
use url::{Host, Url};

use crate::networks::{AllowedNetworks, Scheme};

/// The setting that operators allow networks by.
const SETTING: &str = "CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS";

/// A URL that events may be sent to, as far as the URL tells.
#[derive(Debug)]
pub(crate) struct Target {
    /// The URL in its normal form.
    pub(crate) url: Url,
    /// The same, as the HTTP library takes it.
    pub(crate) uri: Uri,
}

/// Why a URL is no target.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotATarget {
    /// It is not the URL of a webhook, whatever networks are allowed: what it must be.
    Malformed(&'static str),
    /// It is, and leads to where nothing may be sent: the kind of address.
    NotAllowed(&'static str),
}

impl Target {
    const MAX_BYTES: usize = 2048;

    /// Reads a URL. The library spells hosts one way: an IPv4 address in decimal, octal, hexadecimal or with parts left
    /// out becomes four decimal parts, so that what is judged is what is dialled.
    pub(crate) fn read(text: &str, networks: &AllowedNetworks) -> Result<Self, NotATarget> {
        use NotATarget::{Malformed, NotAllowed};
        const TOO_LONG: NotATarget = Malformed("must be at most 2048 bytes long");
        const NO_URL: NotATarget = Malformed("must be a whole https URL, such as https://example.com/events");
        if text.len() > Self::MAX_BYTES {
            return Err(TOO_LONG);
        }
        // The library drops some of them, and what was stored would not be what was sent.
        if text.chars().any(char::is_control) {
            return Err(Malformed("must not hold control characters"));
        }
        let url = Url::parse(text).map_err(|_| NO_URL)?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(NO_URL),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Malformed("must not hold a user name or a password: what is sent is signed instead"));
        }
        if url.fragment().is_some() {
            return Err(Malformed("must not have a fragment (what follows a #): it is never sent"));
        }
        if url.port() == Some(0) {
            return Err(Malformed("must not have the port 0: nothing listens there"));
        }
        match url.host().ok_or(NO_URL)? {
            Host::Ipv4(address) => networks.check(scheme, address.into()).map_err(NotAllowed)?,
            Host::Ipv6(address) => networks.check(scheme, address.into()).map_err(NotAllowed)?,
            Host::Domain(name) => check_name(name, scheme, networks).map_err(NotAllowed)?,
        }
        if url.as_str().len() > Self::MAX_BYTES {
            return Err(TOO_LONG);
        }
        let uri = url.as_str().parse().map_err(|_| Malformed("must have its unusual characters percent-encoded"))?;
        Ok(Self { url, uri })
    }
}

impl NotATarget {
    /// What the URL must be, as the rest of a sentence.
    pub(crate) fn requirement(&self) -> String {
        match self {
            Self::Malformed(requirement) => (*requirement).to_owned(),
            Self::NotAllowed(HTTP) => format!("must be an https URL: http is for networks that {SETTING} lists"),
            Self::NotAllowed(kind) => {
                format!("must lead to a public address, or {SETTING} must list its network; this one is {kind}")
            }
        }
    }
}

const HTTP: &str = "a name, and http is for allowed networks only";

/// What can be said of a name before it is resolved.
fn check_name(name: &str, scheme: Scheme, networks: &AllowedNetworks) -> Result<(), &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    // RFC 6761, 6.3: these are the machine itself, whatever a name server says.
    if name == "localhost" || name.ends_with(".localhost") {
        return if networks.allow_loopback() { Ok(()) } else { Err("loopback") };
    }
    match scheme {
        Scheme::Http if networks.is_empty() => Err(HTTP),
        Scheme::Http | Scheme::Https => Ok(()),
    }
}

/// The host of a URI, where it is an address.
pub(crate) fn literal(uri: &Uri) -> Option<IpAddr> {
    let host = uri.host()?;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}
