//! Webhook endpoints, and what becomes of an event that is sent to one.

use chrono::TimeDelta;

use crate::{CustomerId, DeliveryId, EndpointId, EventId, EventType, Timestamp};

/// A URL that events are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where events are sent. It may hold a secret of the receiver's own: not for logs.
    pub url: String,
    /// The events that it takes.
    pub event_types: Vec<EventType>,
    /// What its maker said about it.
    pub description: Option<String>,
    /// Since when nothing is sent, and why. Events wait meanwhile.
    pub disabled: Option<Disabled>,
    /// Since when no try has been accepted, where the last one was not.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

impl WebhookEndpoint {
    /// After so long without an accepted try, an endpoint is disabled.
    pub const MAX_FAILING: TimeDelta = TimeDelta::days(5);
    /// How long the secret before the last rotation still signs.
    pub const ROTATION: TimeDelta = TimeDelta::hours(24);
}

/// That an endpoint is sent nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: DisabledReason,
}

/// Why an endpoint is sent nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// Somebody said so.
    Requested,
    /// It answered 410 Gone.
    Gone,
    /// It accepted nothing for [`WebhookEndpoint::MAX_FAILING`].
    Failing,
}

impl DisabledReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Requested, Self::Gone, Self::Failing];

    /// Its name, as the world sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// What is delivered.
    pub event_id: EventId,
    /// Its type, by name: a later release may have stored one that this one does not know.
    pub event_type: String,
    /// Whom the event is about.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Whether somebody asked for it again; then it has no place in the order of the customer's events.
    pub repeat: Option<Repeat>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// The tries, oldest first.
    pub tries: Vec<DeliveryTry>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// To be tried (again).
    Pending {
        /// When; `None` while an earlier event of the customer is waited for.
        next_try_at: Option<Timestamp>,
    },
    /// The endpoint took it.
    Accepted {
        /// When.
        at: Timestamp,
    },
    /// It was given up.
    Failed {
        /// When.
        at: Timestamp,
    },
}

/// Why an event is delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// This one was asked for.
    Redelivery,
    /// It is one of those since a time that was asked for.
    Replay,
}

impl Repeat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Redelivery, Self::Replay];

    /// Its name, as the world sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redelivery => "redelivery",
            Self::Replay => "replay",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|repeat| repeat.as_str() == name)
    }
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryTry {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: TimeDelta,
    /// The HTTP status, where there was an answer.
    pub status_code: Option<u16>,
    /// The beginning of the answer's body: up to [`MAX_ANSWER`](Self::MAX_ANSWER) bytes.
    pub answer: Option<String>,
    /// Why there was no answer, where there was none.
    pub error: Option<String>,
}

impl DeliveryTry {
    /// How many bytes of an answer are kept.
    pub const MAX_ANSWER: usize = 1024;

    /// Whether the endpoint took the event: by any status of success (RFC 9110, 15.3).
    pub fn is_accepted(&self) -> bool {
        self.status_code.is_some_and(|code| (200..300).contains(&code))
    }

    /// Whether the endpoint says that it will never take anything again: 410 Gone.
    pub fn is_gone(&self) -> bool {
        self.status_code == Some(410)
    }
}

/// What happens to a delivery after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterTry {
    /// The endpoint took it.
    Accepted,
    /// It is tried again.
    Retry {
        /// Not before this.
        at: Timestamp,
    },
    /// It is given up.
    GiveUp,
}

/// When failed deliveries are tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// The wait after the first failed try, after the second, and so on; after the last one's try the delivery is given
    /// up.
    pub retries: Vec<TimeDelta>,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        let retries = [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400];
        Self { retries: retries.into_iter().map(TimeDelta::seconds).collect() }
    }
}

impl DeliveryPolicy {
    /// The longest wait that an endpoint can ask for by `Retry-After`.
    pub const MAX_RETRY_AFTER: TimeDelta = TimeDelta::hours(1);
    /// Waits are longer or shorter by up to so many hundredths, so that what failed together does not come back
    /// together.
    const JITTER: i64 = 20;

    /// What happens after a failed try that was the `tries`th, counted from 1. `retry_after` is what the endpoint asked
    /// for; a wait is never shorter than that.
    pub fn after_failure(
        &self,
        delivery: DeliveryId,
        tries: u32,
        now: Timestamp,
        retry_after: Option<TimeDelta>,
    ) -> AfterTry {
        let wait = usize::try_from(tries).ok().and_then(|tries| self.retries.get(tries.checked_sub(1)?));
        let Some(wait) = wait else { return AfterTry::GiveUp };
        let milliseconds = wait.num_milliseconds();
        // The id's last bits are random, and each try takes others of them.
        let bits = delivery.uuid().as_u128() >> (tries % 8 * 6) & 0xfff;
        let hundredths = i64::try_from(bits).unwrap_or(0) % (2 * Self::JITTER + 1) - Self::JITTER;
        let wait = TimeDelta::milliseconds(milliseconds + milliseconds * hundredths / 100);
        let asked = retry_after.unwrap_or_default().min(Self::MAX_RETRY_AFTER);
        AfterTry::Retry { at: now + wait.max(asked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn wait(policy: &DeliveryPolicy, id: u128, tries: u32, retry_after: Option<TimeDelta>) -> Option<TimeDelta> {
        match policy.after_failure(DeliveryId::from(Uuid::from_u128(id)), tries, NOW, retry_after) {
            AfterTry::Retry { at } => Some(at - NOW),
            AfterTry::GiveUp => None,
            AfterTry::Accepted => panic!("it failed"),
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_the_schedules_within_a_fifth(id: u128, tries in 1_u32..=9) {
            let policy = DeliveryPolicy::default();
            let wait = wait(&policy, id, tries, None).unwrap();
            let planned = policy.retries[tries as usize - 1];
            prop_assert!(wait * 5 >= planned * 4 && wait * 5 <= planned * 6, "{wait} for {planned}");
        }
    }

    #[test]
    fn waits_of_many_deliveries_differ() {
        let policy = DeliveryPolicy::default();
        let waits: std::collections::BTreeSet<_> = (0..200).map(|id| wait(&policy, id * 7919, 1, None)).collect();
        assert!(waits.len() > 20, "{}", waits.len());
    }

    #[test]
    fn after_the_last_retry_it_is_given_up() {
        let policy = DeliveryPolicy::default();
        assert!(wait(&policy, 1, 9, None).is_some());
        assert_eq!(wait(&policy, 1, 10, None), None);
        assert_eq!(wait(&DeliveryPolicy { retries: Vec::new() }, 1, 1, None), None);
    }

    #[test]
    fn an_endpoint_is_not_tried_before_it_wants_to_be_up_to_an_hour() {
        let policy = DeliveryPolicy::default();
        assert_eq!(wait(&policy, 1, 1, Some(TimeDelta::minutes(7))), Some(TimeDelta::minutes(7)));
        assert_eq!(wait(&policy, 1, 1, Some(TimeDelta::days(7))), Some(TimeDelta::hours(1)));
        let scheduled = wait(&policy, 1, 9, None);
        assert_eq!(wait(&policy, 1, 9, Some(TimeDelta::minutes(7))), scheduled, "the schedule's wait is longer");
    }
}
