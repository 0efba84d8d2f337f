//! The servers of NATS, and the credentials in their URLs.

use std::fmt;

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;
use url::Url;

/// The servers of one NATS system, with the credentials for them, if any. `Debug` and `Display` leave those out.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsUrl {
    /// Without credentials: the client library logs them.
    pub(super) servers: Vec<ServerAddr>,
    pub(super) credentials: Option<Credentials>,
}

/// Who publishes, as a URL says it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// `nats://USER:PASSWORD@HOST`.
    User { name: String, password: String },
    /// `nats://TOKEN@HOST`.
    Token(String),
}

/// Reads the URLs of NATS servers, separated by commas: `nats://` (TLS where the server asks for it) or `tls://` (never
/// without), with `USER:PASSWORD@` or `TOKEN@` in the first or in all of them.
///
/// # Errors
/// What the text must be, as the rest of a sentence. Nothing of the text is in it.
pub fn check_nats_url(text: &str) -> Result<NatsUrl, String> {
    let mut found = NatsUrl { servers: Vec::new(), credentials: None };
    for url in text.split(',').map(str::trim) {
        let (server, credentials) = read(url)?;
        if let Some(credentials) = credentials {
            if found.credentials.as_ref().is_some_and(|others| *others != credentials) {
                return Err("must give all servers the same credentials: there is one connection".to_owned());
            }
            found.credentials = Some(credentials);
        }
        found.servers.push(server);
    }
    Ok(found)
}

fn read(text: &str) -> Result<(ServerAddr, Option<Credentials>), String> {
    let unreadable = || {
        "must be URLs of NATS servers separated by commas, such as nats://nats.example.com:4222 or \
         tls://USER:PASSWORD@nats.example.com, with unusual characters of a password percent-encoded"
            .to_owned()
    };
    let url = Url::parse(text).map_err(|_| unreadable())?;
    if !matches!(url.scheme(), "nats" | "tls") {
        return Err("must be a nats:// or tls:// URL".to_owned());
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(unreadable)?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("must end with the host or the port of a NATS server".to_owned());
    }
    let decode = |text| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| unreadable());
    let credentials = match (url.username(), url.password()) {
        ("", None) => None,
        (token, None) => Some(Credentials::Token(decode(token)?)),
        (name, Some(password)) => Some(Credentials::User { name: decode(name)?, password: decode(password)? }),
    };
    let server = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(4222));
    Ok((server.parse().map_err(|_| unreadable())?, credentials))
}

impl NatsUrl {
    pub(super) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }
}

impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.servers.iter().map(ServerAddr::as_url_str).collect();
        f.write_str(&servers.join(","))
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NatsUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, password: &str) -> Credentials {
        Credentials::User { name: name.to_owned(), password: password.to_owned() }
    }

    #[test]
    fn servers_and_credentials_are_taken_apart() {
        let read = check_nats_url("nats://a.example").ok().unwrap();
        assert!(read.to_string() == "nats://a.example:4222" && read.credentials.is_none());
        let read = check_nats_url("tls://me:p%40ss%2F@a.example:1, tls://[::1]:2/").ok().unwrap();
        assert_eq!(read.to_string(), "tls://a.example:1,tls://[::1]:2");
        assert!(read.credentials == Some(user("me", "p@ss/")));
        let read = check_nats_url("nats://s3cr3t@10.0.0.1:4222").ok().unwrap();
        assert!(read.credentials == Some(Credentials::Token("s3cr3t".to_owned())));
        assert!(check_nats_url("nats://a:b@x,nats://a:b@y").ok().unwrap().credentials == Some(user("a", "b")));
    }

    #[test]
    fn no_password_is_in_what_is_said_about_a_url() {
        for text in ["nats://me:hunter2@a.example", "nats://hunter2@a.example,tls://b.example"] {
            let read = check_nats_url(text).unwrap();
            assert!(!format!("{read} {read:?} {:?}", read.servers).contains("hunter2"));
        }
        for text in [
            "http://me:hunter2@a.example",
            "nats://me:hunter2@",
            "nats://me:hunter2@a.example:99999",
            "nats://me:hunter2@a.example/x",
            "nats://me:hunter2@a.example?x",
            "nats://me:hunter2#@a.example",
            "nats://me:hunter2@a.example,",
            "nats://me:hunter2@a.example,nats://me:hunter3@a.example",
            "me:hunter2@a.example",
            "a.example:4222",
            "hunter2",
            "",
        ] {
            let error = check_nats_url(text).unwrap_err();
            assert!(error.starts_with("must ") && !error.contains("hunter"), "{text}: {error}");
        }
    }
}
