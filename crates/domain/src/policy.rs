//! The limits that guard people and numbers, as an operator sets them.

use chrono::TimeDelta;

/// How a number is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmationPolicy {
    /// How long a token lives, from its generation.
    pub ttl: TimeDelta,
    /// How long it is still accepted after that: delivery takes time.
    pub grace: TimeDelta,
    /// Wrong tries before a token is dead.
    pub attempts: u32,
    /// Wrong tries of one customer in 24 hours, over all his tokens.
    pub daily_attempts: u32,
    /// Least time between a customer's first two tokens. It doubles with each further one, up to
    /// [`MAX_RESEND_INTERVAL`](Self::MAX_RESEND_INTERVAL), and is forgotten after
    /// [`RESEND_MEMORY`](Self::RESEND_MEMORY). Zero turns it off.
    pub resend_interval: TimeDelta,
    /// How long a confirmed customer's other number may wait for its token, from when it was asked for.
    pub pending_number_ttl: TimeDelta,
}

impl ConfirmationPolicy {
    /// Tokens made for one number in 24 hours, whoever holds it, where
    /// [`resend_interval`](Self::resend_interval) does not turn the limits on new tokens off.
    pub const DAILY_TOKENS: usize = 20;
    /// The window in which wrong tries are counted over all tokens.
    pub const DAY: TimeDelta = TimeDelta::hours(24);
    /// The resend interval doubles up to this (or stays at what was set, where that is more).
    pub const MAX_RESEND_INTERVAL: TimeDelta = TimeDelta::minutes(10);
    /// After so long without a new token (or as long as the interval that was set, where that is more), the next one is
    /// a first one again.
    pub const RESEND_MEMORY: TimeDelta = TimeDelta::hours(1);
}

impl Default for ConfirmationPolicy {
    fn default() -> Self {
        Self {
            ttl: TimeDelta::minutes(5),
            grace: TimeDelta::seconds(30),
            attempts: 5,
            daily_attempts: 10,
            resend_interval: TimeDelta::seconds(30),
            pending_number_ttl: TimeDelta::hours(24),
        }
    }
}

/// How long the links to the customer's own pages live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkPolicy {
    /// Of links to the address forms.
    pub ttl: TimeDelta,
    /// Of links to the card form.
    pub card_ttl: TimeDelta,
}

impl Default for LinkPolicy {
    fn default() -> Self {
        Self { ttl: TimeDelta::minutes(60), card_ttl: TimeDelta::minutes(15) }
    }
}
