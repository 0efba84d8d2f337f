//! The memory behind the limits on wrong tries and new tokens. It outlives tokens: a new one resets nothing.

use chrono::TimeDelta;

use crate::{ConfirmationPolicy, Timestamp};

/// What is remembered of a customer's tries and tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Throttle {
    /// When he presented wrong tokens within the last 24 hours, for whichever number, oldest first.
    pub wrong_tries: Vec<Timestamp>,
    /// How many tokens were made in a row, none of them [`ConfirmationPolicy::RESEND_MEMORY`] after the one before.
    pub tokens_in_row: u32,
    /// When the last token was made.
    pub last_token_at: Option<Timestamp>,
    /// What was counted within the last 24 hours for the number that waits, or waited last, whoever held it.
    pub number: NumberMemory,
}

/// What is counted for a number. It stays with the number when that is given up, so that taking it again, as the same
/// customer or as another, gives no new tries and tokens; and whoever takes another number is not held to it there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberMemory {
    /// When wrong tokens were presented, oldest first.
    pub wrong_tries: Vec<Timestamp>,
    /// When tokens were made, oldest first.
    pub tokens: Vec<Timestamp>,
}

impl NumberMemory {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.wrong_tries.is_empty() && self.tokens.is_empty()
    }

    /// What is remembered by both. What stands in both was one and the same.
    #[must_use]
    pub fn united(&self, other: &Self) -> Self {
        Self { wrong_tries: united(&self.wrong_tries, &other.wrong_tries), tokens: united(&self.tokens, &other.tokens) }
    }

    /// When the last of it is forgotten.
    pub fn forgotten_at(&self) -> Option<Timestamp> {
        self.wrong_tries.iter().chain(&self.tokens).max().map(|last| *last + ConfirmationPolicy::DAY)
    }
}

impl Throttle {
    /// Wrong tries that the day still allows: him, and for the number.
    pub(super) fn tries_left(&self, now: Timestamp, policy: &ConfirmationPolicy) -> u32 {
        let left = |tries: &[Timestamp]| {
            let tried = recent(tries, now).count();
            policy.daily_attempts.saturating_sub(u32::try_from(tried).unwrap_or(u32::MAX))
        };
        left(&self.wrong_tries).min(left(&self.number.wrong_tries))
    }

    /// How long until the day allows a try again; `None` where it does.
    pub(super) fn locked_for(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Option<TimeDelta> {
        if self.tries_left(now, policy) > 0 {
            return None;
        }
        // With n tries remembered and n - limit + 1 of them forgotten, one is free.
        let limit = usize::try_from(policy.daily_attempts).unwrap_or(usize::MAX);
        let frees = |tries: &[Timestamp]| {
            let tries: Vec<_> = recent(tries, now).collect();
            tries.len().checked_sub(limit).and_then(|index| tries.get(index).copied())
        };
        let frees = frees(&self.wrong_tries).max(frees(&self.number.wrong_tries));
        Some((frees.unwrap_or(now) + ConfirmationPolicy::DAY - now).min(ConfirmationPolicy::DAY))
    }

    pub(super) fn count_wrong_try(&mut self, now: Timestamp) {
        for tries in [&mut self.wrong_tries, &mut self.number.wrong_tries] {
            *tries = sorted(recent(tries, now).chain([now]));
        }
    }

    /// What is to be remembered of the number that waits, or waited last.
    pub(super) fn memory(&self) -> NumberMemory {
        self.number.clone()
    }

    /// Takes another number on, with what was counted for it.
    pub(super) fn take_number(&mut self, memory: &NumberMemory) {
        self.number = memory.clone();
    }

    /// Gives up the number that waits.
    pub(super) fn leave_number(&mut self) {
        self.number = NumberMemory::default();
    }

    pub(super) fn forget_wrong_tries(&mut self) {
        self.wrong_tries.clear();
        self.number.wrong_tries.clear();
    }

    /// How long until the next token for the number may be made, by both limits; `None` where it may.
    pub(super) fn token_after(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Option<TimeDelta> {
        self.resend_after(now, policy).max(self.daily_token_after(now, policy))
    }

    /// The same by the number's limit of the day.
    pub(super) fn daily_token_after(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Option<TimeDelta> {
        if policy.resend_interval.is_zero() {
            return None;
        }
        let tokens: Vec<_> = recent(&self.number.tokens, now).collect();
        let frees = tokens.len().checked_sub(ConfirmationPolicy::DAILY_TOKENS).and_then(|index| tokens.get(index));
        Some((*frees? + ConfirmationPolicy::DAY - now).min(ConfirmationPolicy::DAY))
    }

    /// How long until the customer's next token may be made; `None` where it may.
    fn resend_after(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Option<TimeDelta> {
        let last = self.last_token_at?;
        if self.is_forgotten(now, policy) || policy.resend_interval.is_zero() {
            return None;
        }
        let doublings = self.tokens_in_row.saturating_sub(1).min(16);
        let longest = policy.resend_interval.max(ConfirmationPolicy::MAX_RESEND_INTERVAL);
        // An operator's interval may be long enough to overflow: the longest is what it would be cut to.
        let interval = policy.resend_interval.checked_mul(1 << doublings).unwrap_or(longest).min(longest);
        // Where the last token is of the future (clocks differ, or one was set back), the wait is no longer than from now.
        Some((last + interval - now).min(interval)).filter(|wait| *wait > TimeDelta::zero())
    }

    pub(super) fn count_token(&mut self, now: Timestamp, policy: &ConfirmationPolicy) {
        self.tokens_in_row = if self.is_forgotten(now, policy) { 1 } else { self.tokens_in_row.saturating_add(1) };
        self.last_token_at = Some(now);
        self.number.tokens = sorted(recent(&self.number.tokens, now).chain([now]));
    }

    fn is_forgotten(&self, now: Timestamp, policy: &ConfirmationPolicy) -> bool {
        let memory = policy.resend_interval.max(ConfirmationPolicy::RESEND_MEMORY);
        self.last_token_at.is_none_or(|last| now - last >= memory)
    }
}

/// Those of the day. A time further ahead than a day is a clock's that was wrong: it must not lock for a year.
fn recent(times: &[Timestamp], now: Timestamp) -> impl Iterator<Item = Timestamp> {
    times.iter().copied().filter(move |at| (now - *at).abs() < ConfirmationPolicy::DAY)
}

/// The times of both, which are in order; one that stands in both stands there as often as where it stands most.
fn united(mut some: &[Timestamp], mut others: &[Timestamp]) -> Vec<Timestamp> {
    let mut all = Vec::with_capacity(some.len().max(others.len()));
    while let ([first, rest @ ..], [other_first, other_rest @ ..]) = (some, others) {
        all.push(*first.min(other_first));
        let (in_some, in_others) = (first <= other_first, other_first <= first);
        (some, others) = (if in_some { rest } else { some }, if in_others { other_rest } else { others });
    }
    all.extend_from_slice(some);
    all.extend_from_slice(others);
    all
}

/// In order: clocks of several processes differ.
fn sorted(times: impl Iterator<Item = Timestamp>) -> Vec<Timestamp> {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_resend_interval_doubles_up_to_ten_minutes_and_is_forgotten_after_an_hour() {
        let policy = ConfirmationPolicy::default();
        let mut throttle = Throttle::default();
        let mut now = at(0);
        throttle.count_token(now, &policy);
        for expected in [30, 60, 120, 240, 480, 600, 600] {
            assert_eq!(throttle.resend_after(now, &policy), Some(TimeDelta::seconds(expected)));
            now += TimeDelta::seconds(expected);
            assert_eq!(throttle.resend_after(now, &policy), None);
            throttle.count_token(now, &policy);
        }
        now += TimeDelta::hours(1);
        throttle.count_token(now, &policy);
        assert_eq!(throttle.resend_after(now, &policy), Some(TimeDelta::seconds(30)));
    }

    #[test]
    fn what_both_remember_counts_once_and_what_happened_twice_at_a_time_twice() {
        let memory = |tries: &[i64], tokens: &[i64]| NumberMemory {
            wrong_tries: tries.iter().copied().map(at).collect(),
            tokens: tokens.iter().copied().map(at).collect(),
        };
        let (some, others) = (memory(&[1, 3, 3], &[1, 2]), memory(&[0, 3, 5], &[]));
        let both = memory(&[0, 1, 3, 3, 5], &[1, 2]);
        assert_eq!((some.united(&others), others.united(&some)), (both.clone(), both.clone()));
        assert_eq!(both.united(&some), both);
        assert_eq!(some.united(&NumberMemory::default()), some);
    }

    #[test]
    fn an_interval_of_zero_turns_the_limit_off() {
        let policy = ConfirmationPolicy { resend_interval: TimeDelta::zero(), ..ConfirmationPolicy::default() };
        let mut throttle = Throttle::default();
        throttle.count_token(at(0), &policy);
        throttle.count_token(at(0), &policy);
        assert_eq!(throttle.resend_after(at(0), &policy), None);
    }

    #[test]
    fn an_interval_above_an_hour_is_remembered_as_long() {
        let policy = ConfirmationPolicy { resend_interval: TimeDelta::hours(2), ..ConfirmationPolicy::default() };
        let mut throttle = Throttle::default();
        throttle.count_token(at(0), &policy);
        assert_eq!(throttle.resend_after(at(3_661), &policy), Some(TimeDelta::seconds(3_539)));
        assert_eq!(throttle.resend_after(at(7_200), &policy), None);
    }

    #[test]
    fn a_clock_that_was_ahead_neither_refuses_nor_locks_for_long() {
        let policy = ConfirmationPolicy { daily_attempts: 1, ..ConfirmationPolicy::default() };
        let off = ConfirmationPolicy { resend_interval: TimeDelta::zero(), ..policy };
        let mut throttle = Throttle::default();
        throttle.count_token(at(500), &policy);
        assert_eq!(throttle.resend_after(at(499), &off), None, "zero turns it off, whatever the clocks");
        assert_eq!(throttle.resend_after(at(0), &policy), Some(TimeDelta::seconds(30)));
        throttle.count_wrong_try(at(500));
        assert_eq!(throttle.locked_for(at(0), &policy), Some(TimeDelta::hours(24)));
        throttle.count_wrong_try(at(0));
        assert_eq!(throttle.wrong_tries, [at(0), at(500)]);
        throttle = Throttle { wrong_tries: vec![at(90_000_000)], ..Throttle::default() };
        assert_eq!(throttle.locked_for(at(0), &policy), None);
    }

    #[test]
    fn an_interval_above_ten_minutes_stays_as_it_was_set() {
        let policy = ConfirmationPolicy { resend_interval: TimeDelta::minutes(20), ..ConfirmationPolicy::default() };
        let mut throttle = Throttle::default();
        throttle.count_token(at(0), &policy);
        throttle.count_token(at(0), &policy);
        assert_eq!(throttle.resend_after(at(0), &policy), Some(TimeDelta::minutes(20)));
    }

    #[test]
    fn the_day_is_a_window_that_slides_with_each_try() {
        let policy = ConfirmationPolicy { daily_attempts: 2, ..ConfirmationPolicy::default() };
        let mut throttle = Throttle::default();
        throttle.count_wrong_try(at(0));
        throttle.count_wrong_try(at(100));
        assert_eq!(throttle.tries_left(at(100), &policy), 0);
        assert_eq!(throttle.locked_for(at(100), &policy), Some(TimeDelta::seconds(86_300)));
        assert_eq!(throttle.tries_left(at(86_400), &policy), 1);
        throttle.count_wrong_try(at(86_400));
        assert_eq!(throttle.locked_for(at(86_400), &policy), Some(TimeDelta::seconds(100)));
        assert_eq!(throttle.wrong_tries.len(), 2);
    }
}
