//! What is kept of an endpoint's answer.

use std::time::{Duration, UNIX_EPOCH};

use domain::{DeliveryTry, TimeDelta, Timestamp};
use http::header::{HeaderMap, RETRY_AFTER};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

/// The most bytes of a body that are read. A connection whose answer has more is closed, and not used again.
const MAX_READ: usize = 4096;

/// The beginning of a body as text, as far as it comes within `wait`; `None` when nothing does.
pub(super) async fn beginning(mut body: Incoming, wait: Duration) -> Option<String> {
    let end = Instant::now() + wait;
    let mut read = Vec::new();
    // Read to its end where that is near, so that the connection can be used again.
    while read.len() < MAX_READ
        && let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await
    {
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data[..data.len().min(MAX_READ - read.len())]);
        }
    }
    text(&read)
}

/// Up to [`DeliveryTry::MAX_ANSWER`] bytes of text. What is not UTF-8 is replaced, and so are NUL characters, which
/// PostgreSQL does not store.
fn text(read: &[u8]) -> Option<String> {
    let mut text = String::from_utf8_lossy(read).replace('\0', "\u{fffd}");
    text.truncate(text.floor_char_boundary(DeliveryTry::MAX_ANSWER));
    (!text.is_empty()).then_some(text)
}

/// How long the endpoint wants to be left alone, from `now` on: it says so in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<TimeDelta> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Whoever says more than fits wants to be left alone for good.
        let seconds = value.parse().ok().and_then(TimeDelta::try_seconds);
        return Some(seconds.unwrap_or(TimeDelta::MAX));
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let date = TimeDelta::from_std(date).ok()?;
    let wait = date - TimeDelta::milliseconds(now.timestamp_millis());
    Some(wait.max(TimeDelta::zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<TimeDelta> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        // Sun, 06 Nov 1994 08:49:37 GMT is 784,111,777 seconds after the epoch.
        let now = Timestamp::UNIX_EPOCH + TimeDelta::seconds(784_111_777);
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(asked("120"), Some(TimeDelta::seconds(120)));
        assert_eq!(asked(" 0 "), Some(TimeDelta::zero()));
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT"), Some(TimeDelta::seconds(120)));
        assert_eq!(asked("Sunday, 06-Nov-94 08:51:37 GMT"), Some(TimeDelta::seconds(120)), "an older form");
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(TimeDelta::zero()), "it has passed");
        assert_eq!(asked("99999999999999999999"), Some(TimeDelta::MAX));
        for other in ["", "-1", "1.5", "soon", "+3", "1e3"] {
            assert_eq!(asked(other), None, "{other}");
        }
    }

    #[test]
    fn an_answer_is_cut_between_characters_and_holds_no_nul() {
        let kept = text("ä".repeat(2000).as_bytes()).unwrap();
        assert_eq!(kept, "ä".repeat(512));
        let kept = text(format!("x{}", "ä".repeat(2000)).as_bytes()).unwrap();
        assert_eq!(kept.len(), 1023, "half a character is left out");
        assert_eq!(text(b"a\0b\xffc").as_deref(), Some("a\u{fffd}b\u{fffd}c"));
        assert_eq!(text(&[0; 4096]).unwrap().len(), 1023, "what replaces is longer than what it replaces");
        assert_eq!(text(b""), None);
    }
}
