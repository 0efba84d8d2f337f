//! A customer, and the proof of his phone number: unconfirmed → confirmed.

mod change_number;
mod confirm;
mod create;
mod details;
mod erase;
#[cfg(test)]
mod properties;
mod regenerate;
mod throttle;
mod update;
mod verification;

pub use create::NewCustomer;
pub use details::Addresses;
pub use throttle::{NumberMemory, Throttle};
pub use update::{Asserted, Member, ProfileEdits};
pub use verification::{Verification, VerificationStanding};

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
    /// A number is his, and he is to get another.
    Changing(NumberChange),
}

/// A number that is the customer's, and the one that is to take its place. Both are his until a token decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberChange {
    /// The number that is his.
    pub held: Confirmed,
    /// The one to be proved.
    pub next: Challenge,
    /// When the change to this number was asked for: new tokens for it do not prolong the change.
    pub requested_at: Timestamp,
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

impl Confirmed {
    /// The token that confirmed the number.
    pub fn token(&self) -> Option<ConfirmationToken> {
        match self.proof {
            Proof::Trusted => None,
            Proof::Token { token, .. } => Some(token),
        }
    }

    /// When its event was accepted by a receiver.
    pub fn sent_at(&self) -> Option<Timestamp> {
        match self.proof {
            Proof::Trusted => None,
            Proof::Token { sent_at, .. } => sent_at,
        }
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

    /// The number that is proved to be his, with what it rests on.
    pub fn confirmed(&self) -> Option<&Confirmed> {
        match &self.0.phone {
            PhoneState::Unconfirmed(_) => None,
            PhoneState::Confirmed(confirmed) => Some(confirmed),
            PhoneState::Changing(change) => Some(&change.held),
        }
    }

    /// The number that waits for its token.
    pub fn challenge(&self) -> Option<&Challenge> {
        match &self.0.phone {
            PhoneState::Unconfirmed(challenge) => Some(challenge),
            PhoneState::Confirmed(_) => None,
            PhoneState::Changing(change) => Some(&change.next),
        }
    }

    fn challenge_mut(&mut self) -> Option<&mut Challenge> {
        match &mut self.0.phone {
            PhoneState::Unconfirmed(challenge) => Some(challenge),
            PhoneState::Confirmed(_) => None,
            PhoneState::Changing(change) => Some(&mut change.next),
        }
    }

    /// The number that waits for its token, unless it has waited too long.
    fn pending(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Option<&Challenge> {
        self.challenge().filter(|_| !self.is_change_overdue(now, policy))
    }

    /// The number that is proved to be his.
    pub fn phone_number(&self) -> Option<&PhoneNumber> {
        self.confirmed().map(|confirmed| &confirmed.phone.number)
    }

    /// The number that is to be proved. It stays after it was.
    pub fn unconfirmed_phone_number(&self) -> &PhoneNumber {
        match &self.0.phone {
            PhoneState::Unconfirmed(challenge) => &challenge.phone.number,
            PhoneState::Confirmed(confirmed) => &confirmed.phone.number,
            PhoneState::Changing(change) => &change.next.phone.number,
        }
    }

    /// The region of his number: of the one that is proved, where there is one.
    pub fn country_code(&self) -> CountryCode {
        match &self.0.phone {
            PhoneState::Unconfirmed(challenge) => challenge.phone.country,
            PhoneState::Confirmed(confirmed) => confirmed.phone.country,
            PhoneState::Changing(change) => change.held.phone.country,
        }
    }

    /// The token that is to be presented, or that confirmed him.
    pub fn confirmation_token(&self) -> Option<ConfirmationToken> {
        match self.challenge() {
            Some(challenge) => Some(challenge.token),
            None => self.confirmed().and_then(Confirmed::token),
        }
    }

    /// When the token's event was accepted by a receiver.
    pub fn confirmation_sent_at(&self) -> Option<Timestamp> {
        match self.challenge() {
            Some(challenge) => challenge.sent_at,
            None => self.confirmed().and_then(Confirmed::sent_at),
        }
    }

    /// Since when his number is proved.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed().map(|confirmed| confirmed.confirmed_at)
    }

    /// The numbers that are his or to be his: nobody else can have one of them.
    fn numbers(&self) -> Vec<&PhoneNumber> {
        let proved = self.phone_number().into_iter();
        proved.chain(self.challenge().map(|challenge| &challenge.phone.number)).collect()
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
        let (before, after) = (self.numbers(), next.numbers());
        let missing = |these: &[&PhoneNumber], those: &[&PhoneNumber]| -> Vec<PhoneNumber> {
            these.iter().filter(|number| !those.contains(number)).map(|number| (*number).clone()).collect()
        };
        let (taken, left) = (missing(&after, &before), missing(&before, &after));
        let left = left.into_iter().map(|number| self.remembered(number)).collect();
        Change::update(next, self.0.version, events).moving_number(moves_number).moving_claims(taken, left)
    }

    /// A number that the customer gives up, with what is to be remembered of it.
    fn remembered(&self, number: PhoneNumber) -> (PhoneNumber, NumberMemory) {
        // Tries and tokens are those of the number that waits, or waited last.
        let is_of_tokens = self.unconfirmed_phone_number() == &number;
        let memory = if is_of_tokens { self.0.throttle.memory() } else { NumberMemory::default() };
        (number, memory)
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
