//! Values of settings, read from their text. What each refuses with is what the setting must be.

use std::net::SocketAddr;
use std::path::PathBuf;

use actix_web::http::Uri;
use adapters_diesel::DatabaseUrl;
use adapters_system::SecretKey;
use chrono::TimeDelta;
use domain::{CARD_NUMBER_REFUSED, PhoneValidation, contains_card_number};

pub(super) const SECRET_KEY_ALLOWED: &str = "32 bytes in base64, as `openssl rand -base64 32` prints them";

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let allowed = || "an origin, such as https://customers.example.com, without a path".to_owned();
    let uri: Uri = text.parse().map_err(|_| allowed())?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(allowed)?;
    let authority =
        uri.authority().filter(|a| !a.as_str().contains('@') && !a.host().is_empty()).ok_or_else(allowed)?;
    let has_port = authority.as_str().len() == authority.host().len() || authority.port_u16().is_some();
    if has_port && uri.path().trim_matches('/').is_empty() && uri.query().is_none() && !text.contains('#') {
        Ok(format!("{scheme}://{authority}"))
    } else {
        Err(allowed())
    }
}

pub(super) fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    let allowed = "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE, user and password percent-encoded";
    DatabaseUrl::parse(text).map_err(|_| allowed.to_owned())
}

pub(super) fn secret_key(text: &str) -> Result<SecretKey, String> {
    SecretKey::from_base64(text).map_err(|_| SECRET_KEY_ALLOWED.to_owned())
}

/// A text of one line, at most so many characters.
pub(crate) fn line(text: &str, most: usize) -> Result<String, String> {
    let line = text.trim();
    let usable = (1..=most).contains(&line.chars().count()) && !line.chars().any(char::is_control);
    if usable && contains_card_number(line) {
        Err(CARD_NUMBER_REFUSED.to_owned())
    } else if usable {
        Ok(line.to_owned())
    } else {
        Err(format!("must be 1 to {most} characters, none of them a control character"))
    }
}

pub(super) fn phone_validation(text: &str) -> Result<PhoneValidation, String> {
    PhoneValidation::parse(text).ok_or_else(|| "valid, possible or any".to_owned())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json".to_owned()),
    }
}

/// A filter as it is documented, without the white space that may surround its parts. What else the library would take, such
/// as a module's name alone, is most likely a slip, and would silence all others.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let is_level = |text: &str| LEVELS.iter().any(|level| text.eq_ignore_ascii_case(level));
    let is_module = |text: &str| text.split("::").all(|part| !part.is_empty() && part.bytes().all(is_of_a_name));
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_directive = |part: &&str| match part.split_once('=') {
        None => is_level(part),
        Some((module, level)) => is_module(module) && is_level(level),
    };
    if parts.iter().all(is_directive) {
        Ok(parts.join(","))
    } else {
        Err("error, warn, info, debug, trace, or a filter such as info,use_cases=debug".to_owned())
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

pub(super) fn count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=1000).contains(count));
    count.ok_or_else(|| "a whole number from 1 to 1000".to_owned())
}

/// A duration, zero included. A year is more than any setting needs, and keeps sums of times within their range.
pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    let allowed = || "an integer and ms, s, m, h or d, such as 30s, up to 365d".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds: i64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(allowed()),
    };
    let total = number.parse::<i64>().ok().and_then(|number| number.checked_mul(milliseconds));
    total.map(TimeDelta::milliseconds).filter(|total| *total <= TimeDelta::days(365)).ok_or_else(allowed)
}

/// The waits of a schedule, a comma between.
pub(super) fn durations(text: &str) -> Result<Vec<TimeDelta>, String> {
    let waits: Option<Vec<TimeDelta>> = text.split(',').map(|wait| duration(wait.trim()).ok()).collect();
    waits.filter(|waits| waits.len() <= 100).ok_or_else(|| {
        "durations with commas between, such as 5s,30s,2m, at most 100, each an integer and ms, s, m, h or d".to_owned()
    })
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() { Err("the path of a file".to_owned()) } else { Ok(text.into()) }
}

/// A duration above zero.
pub(crate) fn positive_duration(text: &str) -> Result<TimeDelta, String> {
    let allowed = "an integer above 0 and ms, s, m, h or d, such as 90d, up to 365d";
    duration(text).ok().filter(|duration| *duration > TimeDelta::zero()).ok_or_else(|| allowed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_an_integer_and_a_unit() {
        assert_eq!(duration("250ms"), Ok(TimeDelta::milliseconds(250)));
        assert_eq!(duration("90d"), Ok(TimeDelta::days(90)));
        assert_eq!(duration("0s"), Ok(TimeDelta::zero()));
        for text in ["", "5", "m", "-5m", "1.5h", "5 m", "5M", "366d", "99999999999999999999s", "9223372036854775807d"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn an_origin_has_a_scheme_and_a_host_and_nothing_else() {
        assert_eq!(origin("https://c.example.com/"), Ok("https://c.example.com".to_owned()));
        assert_eq!(origin("http://[::1]:8080"), Ok("http://[::1]:8080".to_owned()));
        for text in [
            "",
            "c.example.com",
            "ftp://c.example.com",
            "https://c.example.com/path",
            "https://u:p@c.example.com",
            "https://c.example.com?x",
            "https://c.example.com/#x",
            "https://c.example.com:99999",
            "https://c.example.com:",
            "//c.example.com",
            "https://",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }
}
