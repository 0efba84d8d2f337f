//! The URL that chooses the database.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where the database is: `sqlite:PATH`, or `postgres://…` as libpq reads it. It may hold a password: `Debug` and
/// [`redacted`](Self::redacted) leave it out, and nothing else shows the URL.
///
/// ```
/// use adapters_diesel::DatabaseUrl;
///
/// let url = DatabaseUrl::parse("postgres://yogi:secret@db.example:5432/customers").unwrap();
/// assert_eq!(url.redacted(), "postgres://yogi:***@db.example:5432/customers");
/// assert!(DatabaseUrl::parse("mysql://db.example/customers").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Target);

#[derive(Clone, PartialEq, Eq)]
enum Target {
    Sqlite(PathBuf),
    Postgresql(String),
}

/// Why a text is no database URL. The message says what is allowed and repeats nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither of the two schemes.
    #[error("must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`")]
    UnknownScheme,
    /// No path, or one that is no file's.
    #[error(
        "must name a file after `sqlite:`, such as `sqlite:customers.db` or `sqlite:/var/lib/customers/customers.db`"
    )]
    NoFile,
    /// Where libpq looks for a host and its port there is something else, or what is not encoded as URLs are.
    #[error(
        "must be `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; in user and password, percent-encode what is neither \
         letter nor digit"
    )]
    MalformedHost,
}

/// What the service sets unless the URL does: no connection may hang where the network swallows packets.
const DEFAULTS: [(&str, &str); 6] = [
    ("connect_timeout", "2"),
    ("tcp_user_timeout", "8000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "3"),
    ("keepalives_count", "3"),
    ("application_name", "customers"),
];

/// Parameters of a URL that are shown. Of all others, the value may be a secret.
const SHOWN: [&str; 9] = [
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "sslmode",
    "target_session_attrs",
    "user",
];

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// See [`DatabaseUrlError`].
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            // A database in memory would be another one for each connection; two slashes are a host in most URLs.
            let is_file = !path.trim().is_empty() && path != ":memory:" && !path.starts_with("//");
            let is_file = is_file && !path.contains('\0') && !path.ends_with('/');
            return if is_file { Ok(Self(Target::Sqlite(path.into()))) } else { Err(DatabaseUrlError::NoFile) };
        }
        let (_, rest) = postgresql(text).ok_or(DatabaseUrlError::UnknownScheme)?;
        if has_sane_hosts(rest) && is_well_encoded(rest) {
            Ok(Self(Target::Postgresql(text.to_owned())))
        } else {
            Err(DatabaseUrlError::MalformedHost)
        }
    }

    /// `sqlite` or `postgresql`.
    pub fn kind(&self) -> &'static str {
        match self.0 {
            Target::Sqlite(_) => "sqlite",
            Target::Postgresql(_) => "postgresql",
        }
    }

    /// The database file, of SQLite.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Target::Sqlite(path) => Some(path),
            Target::Postgresql(_) => None,
        }
    }

    /// The URL without its secrets, for logs and people.
    pub fn redacted(&self) -> String {
        match &self.0 {
            Target::Sqlite(path) => format!("sqlite:{}", path.display()),
            Target::Postgresql(url) => redact(url),
        }
    }

    /// The URL for libpq, with the service's defaults.
    pub(crate) fn postgresql_url(&self) -> Option<String> {
        let Target::Postgresql(url) = &self.0 else { return None };
        let given: Vec<&str> = query(url).map(|(key, _)| key).collect();
        let mut url = url.clone();
        for (key, value) in DEFAULTS.iter().filter(|(key, _)| !given.contains(key)) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.extend([separator.to_string().as_str(), key, "=", value]);
        }
        Some(url)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.redacted())
    }
}

/// Scheme and rest of a PostgreSQL URL.
fn postgresql(text: &str) -> Option<(&'static str, &str)> {
    ["postgres://", "postgresql://"].into_iter().find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?)))
}

/// Whether libpq would find hosts and ports. A password with a bare `/` or `@` ends up in their place, and from there
/// in libpq's messages.
fn has_sane_hosts(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.split_once('@').map_or(authority, |(_, hosts)| hosts);
    hosts.split(',').all(|host| {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (host, ""),
        };
        !name.contains(['@', '#', ' ']) && port.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Whether nothing in a URL's rest is left for libpq to refuse in words that quote it: ASCII without spaces, whole
/// percent-encoded bytes that are not zero, one `@`, which stands before the first `/` and `?`.
fn is_well_encoded(rest: &str) -> bool {
    let whole = |code: &str| {
        let byte = code.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|byte| byte != 0) && !code.starts_with('+')
    };
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    rest.bytes().all(|byte| byte.is_ascii_graphic())
        && rest.split('%').skip(1).all(whole)
        && !user.contains(['@', '/', '?', '#'])
}

/// The parameters behind the first `?`.
fn query(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn redact(url: &str) -> String {
    let Some((scheme, rest)) = postgresql(url) else { return "***".to_owned() };
    let place = rest.split_once('?').map_or(rest, |(place, _)| place);
    let place = match place.rsplit_once('@') {
        Some((user, hosts)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{hosts}"),
            None => format!("{user}@{hosts}"),
        },
        None => place.to_owned(),
    };
    let parameters: Vec<String> = query(url)
        .map(|(key, value)| if SHOWN.contains(&key) { format!("{key}={value}") } else { format!("{key}=***") })
        .collect();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}{place}{separator}{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_database_is_refused_without_repeating_it() {
        for (text, reason) in [
            ("", DatabaseUrlError::UnknownScheme),
            ("customers.db", DatabaseUrlError::UnknownScheme),
            ("mysql://u:hunter2@h/d", DatabaseUrlError::UnknownScheme),
            ("sqlite:", DatabaseUrlError::NoFile),
            ("sqlite::memory:", DatabaseUrlError::NoFile),
            ("sqlite://customers.db", DatabaseUrlError::NoFile),
            ("postgres://u:hun/ter2@h/d", DatabaseUrlError::MalformedHost),
            ("postgres://u:hun@ter2@h/d", DatabaseUrlError::MalformedHost),
            ("postgres://h:54x/d", DatabaseUrlError::MalformedHost),
        ] {
            assert_eq!(DatabaseUrl::parse(text), Err(reason), "{text}");
            assert!(!reason.to_string().contains("ter2"));
        }
    }

    #[test]
    fn a_sqlite_url_is_a_path() {
        let url = DatabaseUrl::parse("sqlite:data/customers.db").unwrap();
        assert_eq!((url.kind(), url.sqlite_path()), ("sqlite", Some(Path::new("data/customers.db"))));
        assert_eq!(url.redacted(), "sqlite:data/customers.db");
        assert_eq!(url.postgresql_url(), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        for (text, shown) in [
            (
                "postgresql://u@h1:1,h2:2/d?target_session_attrs=any",
                "postgresql://u@h1:1,h2:2/d?target_session_attrs=any",
            ),
            ("postgres://u:s3cret@h/d?sslmode=require", "postgres://u:***@h/d?sslmode=require"),
            ("postgres://h/d?user=u&password=s3cret", "postgres://h/d?user=u&password=***"),
            ("postgres://h/d?p%61ssword=s3cret&sslpassword=s3cret", "postgres://h/d?p%61ssword=***&sslpassword=***"),
            ("postgres://[::1]:5432/d", "postgres://[::1]:5432/d"),
            ("postgres:///d?host=/tmp", "postgres:///d?host=/tmp"),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.redacted(), shown);
            assert!(!format!("{url:?}").contains("s3cret"));
            assert_eq!((url.kind(), url.sqlite_path()), ("postgresql", None));
        }
    }

    #[test]
    fn the_url_overrides_the_defaults() {
        let url = DatabaseUrl::parse("postgres://h/d?connect_timeout=7").unwrap().postgresql_url().unwrap();
        assert!(url.starts_with("postgres://h/d?connect_timeout=7&tcp_user_timeout=8000&"), "{url}");
        let url = DatabaseUrl::parse("postgres://h/d").unwrap().postgresql_url().unwrap();
        assert!(url.starts_with("postgres://h/d?connect_timeout=2&"), "{url}");
    }

    #[test]
    fn what_libpq_would_refuse_by_quoting_it_is_refused_here() {
        for secret in
            ["se%zzcret", "se cret", "se%00cret", "12?34", "12/34", "12#34", "12@34", "s\u{e9}cret", "se%+1cret", "se%"]
        {
            let url = format!("postgres://yogi:{secret}@127.0.0.1:1/d");
            assert_eq!(DatabaseUrl::parse(&url).err(), Some(DatabaseUrlError::MalformedHost), "{secret}");
        }
        for url in ["postgres://h/d?password=se%zz", "postgres://h/d?password=a@b"] {
            assert_eq!(DatabaseUrl::parse(url).err(), Some(DatabaseUrlError::MalformedHost), "{url}");
        }
        assert!(DatabaseUrl::parse("postgres://yogi:se%2Fcr%40et@[::1]:5432,h2/d?sslmode=prefer").is_ok());
    }
}
