//! A customer, and the proof of his phone number: unconfirmed → confirmed.

mod confirm;
mod create;
mod details;
#[cfg(test)]
mod properties;
mod regenerate;
mod throttle;
mod update;

pub use create::NewCustomer;
pub use details::Addresses;
pub use throttle::Throttle;
pub use update::{Asserted, Member, ProfileEdits};

use crate::event::{Changed, Event, EventBody, PendingReason, VerificationStatus};
use crate::{
    Change, ConfirmationPolicy, ConfirmationToken, CountryCode, CustomerId, Email, Moment, PersonName, Phone,
    PhoneNumber, Timestamp,
};

/// A customer as he is stored. Only transitions change one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer(CustomerParts);

/// All that makes up a customer, for stores that keep him and give him back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerParts {
    /// Who he is.
    pub id: CustomerId,
    /// His number, and where its proof stands.
    pub phone: PhoneState,
    /// What he told about himself.
    pub profile: Profile,
    /// The memory behind the limits on tries and tokens.
    pub throttle: Throttle,
    /// How many events there have been about him.
    pub sequence: i64,
    /// Counts the changes that callers can see (a member of the object moved), from 1.
    pub revision: i64,
    /// Counts everything that was stored, from 1: what a save compares.
    pub version: i64,
    /// When he was created.
    pub created_at: Timestamp,
    /// When a member of the object last moved.
    pub updated_at: Timestamp,
}

/// Where the proof of the phone number stands. Each variant owns just what exists in that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneState {
    /// A token is out, or has died.
    Unconfirmed(Challenge),
    /// The number is his.
    Confirmed(Confirmed),
}

/// A number whose holder is asked for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The number to be proved.
    pub phone: Phone,
    /// The token that proves it.
    pub token: ConfirmationToken,
    /// When the token was made.
    pub generated_at: Timestamp,
    /// Wrong tries at this token.
    pub wrong_tries: u32,
    /// When the event that carries this token was accepted by a receiver.
    pub sent_at: Option<Timestamp>,
}

/// A number that is the customer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// The number.
    pub phone: Phone,
    /// Since when.
    pub confirmed_at: Timestamp,
    /// What it rests on.
    pub proof: Proof,
}

/// What a confirmed number rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The caller's word: the customer was created without confirmation.
    Trusted,
    /// A token that was presented in time.
    Token {
        /// The token.
        token: ConfirmationToken,
        /// When the event that carried it was accepted by a receiver.
        sent_at: Option<Timestamp>,
    },
}

/// What a customer told about himself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// First name.
    pub first_name: Option<PersonName>,
    /// Last name.
    pub last_name: Option<PersonName>,
    /// E-mail address. Unlike the number, it is not proved.
    pub email: Option<Email>,
}

impl Challenge {
    fn new(phone: Phone, token: ConfirmationToken, generated_at: Timestamp) -> Self {
        Self { phone, token, generated_at, wrong_tries: 0, sent_at: None }
    }

    /// Until when the token lives. It is accepted a little longer, see [`ConfirmationPolicy::grace`].
    pub fn expires_at(&self, policy: &ConfirmationPolicy) -> Timestamp {
        self.generated_at + policy.ttl
    }
}

impl Customer {
    /// The customer that a store kept.
    pub fn from_parts(parts: CustomerParts) -> Self {
        Self(parts)
    }

    /// All of him, for a store to keep.
    pub fn parts(&self) -> &CustomerParts {
        &self.0
    }

    /// Who he is.
    pub fn id(&self) -> CustomerId {
        self.0.id
    }

    /// What he told about himself.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// Whether a number is proved to be his.
    pub fn is_confirmed(&self) -> bool {
        matches!(self.0.phone, PhoneState::Confirmed(_))
    }

    /// The number that is proved to be his.
    pub fn phone_number(&self) -> Option<&PhoneNumber> {
        match &self.0.phone {
            PhoneState::Unconfirmed(_) => None,
            PhoneState::Confirmed(confirmed) => Some(&confirmed.phone.number),
        }
    }

    /// The number that is to be proved. It stays after it was.
    pub fn unconfirmed_phone_number(&self) -> &PhoneNumber {
        &self.phone().number
    }

    /// The region of his number.
    pub fn country_code(&self) -> CountryCode {
        self.phone().country
    }

    /// The token that is to be presented, or that confirmed him.
    pub fn confirmation_token(&self) -> Option<ConfirmationToken> {
        match &self.0.phone {
            PhoneState::Unconfirmed(challenge) => Some(challenge.token),
            PhoneState::Confirmed(Confirmed { proof: Proof::Token { token, .. }, .. }) => Some(*token),
            PhoneState::Confirmed(Confirmed { proof: Proof::Trusted, .. }) => None,
        }
    }

    /// When the token's event was accepted by a receiver.
    pub fn confirmation_sent_at(&self) -> Option<Timestamp> {
        match &self.0.phone {
            PhoneState::Unconfirmed(challenge) => challenge.sent_at,
            PhoneState::Confirmed(Confirmed { proof: Proof::Token { sent_at, .. }, .. }) => *sent_at,
            PhoneState::Confirmed(Confirmed { proof: Proof::Trusted, .. }) => None,
        }
    }

    /// Since when his number is proved.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        match &self.0.phone {
            PhoneState::Unconfirmed(_) => None,
            PhoneState::Confirmed(confirmed) => Some(confirmed.confirmed_at),
        }
    }

    fn phone(&self) -> &Phone {
        match &self.0.phone {
            PhoneState::Unconfirmed(challenge) => &challenge.phone,
            PhoneState::Confirmed(confirmed) => &confirmed.phone,
        }
    }

    /// `now`, or the last change where the clock went back since: a customer's times never do.
    fn not_before_last_change(&self, now: Timestamp) -> Timestamp {
        now.max(self.0.updated_at)
    }

    /// A change that callers see, of a member of the object or of an address or card: `revision` and `updated_at` follow.
    fn visible_change(&self, mut next: Self, at: Timestamp, event: impl FnOnce(&mut Self) -> Vec<Event>) -> Change {
        next.0.revision += 1;
        next.0.updated_at = at;
        next.0.version += 1;
        let events = event(&mut next);
        let numbers = self.phone_number().zip(next.phone_number());
        let moves_number = numbers.is_some_and(|(before, after)| before != after);
        Change::update(next, self.0.version, events).moving_number(moves_number)
    }

    /// A change that only keeps books: nothing that callers see moves.
    fn bookkeeping_change(&self, mut next: Self) -> Change {
        next.0.version += 1;
        Change::update(next, self.0.version, Vec::new())
    }

    /// The `verification` event of the state as it is now, next in sequence.
    fn verification(&mut self, moment: Moment, occurred_at: Timestamp, status: VerificationStatus) -> Event {
        self.event(moment, occurred_at, |customer| EventBody::Verification { status, customer })
    }

    /// The `customer.updated` event of the state as it is now, next in sequence.
    fn updated(&mut self, moment: Moment, occurred_at: Timestamp, changed: Vec<Changed>) -> Event {
        self.event(moment, occurred_at, |customer| EventBody::Updated { changed, customer })
    }

    fn event(&mut self, moment: Moment, occurred_at: Timestamp, body: impl FnOnce(Box<Self>) -> EventBody) -> Event {
        self.0.sequence += 1;
        Event {
            id: moment.event_id,
            customer_id: self.0.id,
            sequence: self.0.sequence,
            occurred_at,
            body: body(Box::new(self.clone())),
        }
    }
}

fn pending(challenge: &Challenge, reason: PendingReason, policy: &ConfirmationPolicy) -> VerificationStatus {
    VerificationStatus::Pending { reason, token: challenge.token, expires_at: challenge.expires_at(policy) }
}
