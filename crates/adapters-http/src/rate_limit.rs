//! How often a key may call.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use use_cases::ApiKeyId;

/// How many requests of one key are answered in a second, a minute or an hour. So many may come at once; each comes back
/// after its share of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(Quota);

impl RateLimit {
    const MOST: u32 = 1_000_000;

    /// Reads a limit such as `100/s`.
    ///
    /// # Errors
    /// What the text must be, as the rest of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let must_be = || {
            format!(
                "must be a number of requests from 1 to {} and /s, /m or /h behind it, such as 100/s, or off",
                Self::MOST
            )
        };
        let (count, unit) = text.split_once('/').ok_or_else(must_be)?;
        let count = count.parse::<NonZeroU32>().ok().filter(|count| count.get() <= Self::MOST).ok_or_else(must_be)?;
        match unit {
            "s" => Ok(Self(Quota::per_second(count))),
            "m" => Ok(Self(Quota::per_minute(count))),
            "h" => Ok(Self(Quota::per_hour(count))),
            _ => Err(must_be()),
        }
    }
}

/// What the keys have used of their limit. In memory: each process counts for itself.
pub(crate) struct CallsOfKeys<C: Clock = MonotonicClock>(
    RateLimiter<ApiKeyId, HashMapStateStore<ApiKeyId>, C, NoOpMiddleware<C::Instant>>,
);

impl<C: Clock> CallsOfKeys<C> {
    /// Beyond this those are forgotten that have all of their limit again. It bounds what revoked keys leave behind: of keys
    /// that are in use there are as many as an operator makes.
    const MANY_KEYS: usize = 1_000;

    pub(crate) fn new(limit: RateLimit, clock: C) -> Self {
        Self(RateLimiter::hashmap_with_clock(limit.0, clock))
    }

    /// Counts a call. Where it is one too many it is not counted, and this is how long the key has to wait.
    pub(crate) fn count(&self, key: ApiKeyId) -> Result<(), Duration> {
        if self.0.len() > Self::MANY_KEYS {
            self.0.retain_recent();
        }
        self.0.check_key(&key).map_err(|not_until| not_until.wait_time_from(self.0.clock().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    const KEY: ApiKeyId = ApiKeyId(Uuid::from_u128(1));
    const OTHER: ApiKeyId = ApiKeyId(Uuid::from_u128(2));

    fn calls(limit: &str) -> (CallsOfKeys<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (CallsOfKeys::new(RateLimit::parse(limit).unwrap(), clock.clone()), clock)
    }

    #[test]
    fn who_has_used_his_limit_waits_for_his_share_of_the_time_and_nobody_else_does() {
        let (calls, clock) = calls("60/m");
        for _ in 0..60 {
            assert_eq!(calls.count(KEY), Ok(()));
        }
        assert_eq!(calls.count(KEY), Err(Duration::from_secs(1)));
        assert_eq!(calls.count(OTHER), Ok(()));
        clock.advance(Duration::from_millis(400));
        assert_eq!(calls.count(KEY), Err(Duration::from_millis(600)), "what was refused is not counted");
        clock.advance(Duration::from_millis(600));
        assert_eq!((calls.count(KEY), calls.count(KEY)), (Ok(()), Err(Duration::from_secs(1))));
        clock.advance(Duration::from_hours(1));
        let answered = (0..100).filter(|_| calls.count(KEY).is_ok()).count();
        assert_eq!(answered, 60, "what was not used is not saved up");
    }

    #[test]
    fn whoever_waits_as_long_as_he_is_told_gets_through() {
        for (limit, count) in [("1/s", 1), ("7/s", 7), ("333/m", 333), ("1/h", 1), ("99999/h", 99_999)] {
            let (calls, clock) = calls(limit);
            for _ in 0..count {
                assert_eq!(calls.count(KEY), Ok(()), "{limit}");
            }
            for _ in 0..10 {
                let wait = calls.count(KEY).unwrap_err();
                clock.advance(wait.saturating_sub(Duration::from_nanos(1)));
                assert_eq!(calls.count(KEY), Err(Duration::from_nanos(1)), "{limit}: not earlier");
                clock.advance(Duration::from_nanos(1));
                assert_eq!(calls.count(KEY), Ok(()), "{limit} after {wait:?}");
            }
        }
    }

    #[test]
    fn keys_that_are_used_no_more_are_forgotten() {
        let (calls, clock) = calls("10/s");
        let most = CallsOfKeys::<FakeRelativeClock>::MANY_KEYS;
        for round in 0..3 {
            for n in 0..=most {
                calls.count(ApiKeyId(Uuid::from_u128((round * 10_000 + n) as u128))).unwrap();
            }
            clock.advance(Duration::from_secs(2));
        }
        calls.count(KEY).unwrap();
        assert_eq!(calls.0.len(), 1);
    }

    #[test]
    fn a_limit_is_a_number_and_a_unit() {
        assert!(RateLimit::parse("100/s").is_ok());
        assert_ne!(RateLimit::parse("60/m"), RateLimit::parse("1/s"), "more may come at once");
        for text in ["", "100", "/s", "0/s", "-1/s", "1.5/s", "100/d", "100 /s", "100/S", "1000001/h", "100/s/s"] {
            assert!(RateLimit::parse(text).unwrap_err().starts_with("must be"), "{text}");
        }
    }
}
