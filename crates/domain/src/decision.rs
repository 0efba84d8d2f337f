//! What a transition answers: a change to store, and an outcome to report.

use chrono::TimeDelta;

use crate::{
    Address, AddressPurpose, Card, Customer, Event, EventId, FieldError, LinkPurpose, NumberMemory, PhoneNumber,
    Timestamp,
};

/// What a transition decided.
///
/// A refusal may carry a change too: a wrong token refuses *and* costs a try. Store `change` first, then report
/// `outcome`; where storing fails, nothing has happened and the outcome is not to be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a decision has effect only once its change is stored"]
pub struct Decision<T> {
    /// What is to be stored, if anything.
    pub change: Option<Change>,
    /// What is to be reported once it is.
    pub outcome: Result<T, Refusal>,
}

impl<T> Decision<T> {
    pub(crate) fn refuse(refusal: Refusal) -> Self {
        Self { change: None, outcome: Err(refusal) }
    }
}

impl Decision<Customer> {
    /// The customer becomes what the change says.
    pub(crate) fn accept(change: Change) -> Self {
        let customer = change.customer.clone();
        Self { change: Some(change), outcome: Ok(customer) }
    }
}

/// A customer's new state and the events that tell of it, stored together or not at all. Only the domain makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    customer: Customer,
    replaces: Option<i64>,
    erases: bool,
    claims: Vec<PhoneNumber>,
    inherits: Option<(PhoneNumber, NumberMemory)>,
    releases: Vec<(PhoneNumber, NumberMemory)>,
    details: Option<DetailChange>,
    moves_number: bool,
    events: Vec<Event>,
}

/// A change of what is kept beside the customer object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailChange {
    /// The address of this purpose is now this one, or none.
    Address(AddressPurpose, Option<Address>),
    /// The card is now this one, or none.
    Card {
        /// The new card.
        card: Option<Card>,
        /// The card before it, which is to be removed at its provider once the change is stored.
        detaches: Option<Card>,
    },
}

impl Change {
    /// A new customer, who claims his number.
    pub(crate) fn insert(customer: Customer, events: Vec<Event>) -> Self {
        let claims = vec![customer.unconfirmed_phone_number().clone()];
        Self { replaces: None, claims, ..Self::update(customer, 0, events) }
    }

    /// A new state of a customer who is stored at version `replaces`.
    pub(crate) fn update(customer: Customer, replaces: i64, events: Vec<Event>) -> Self {
        Self {
            customer,
            replaces: Some(replaces),
            erases: false,
            claims: Vec::new(),
            inherits: None,
            releases: Vec::new(),
            details: None,
            moves_number: false,
            events,
        }
    }

    /// The customer goes, with all that is kept about him.
    pub(crate) fn erasing(self) -> Self {
        Self { erases: true, ..self }
    }

    /// The change gives the customer another confirmed number than the one that he had.
    pub(crate) fn moving_number(self, moves_number: bool) -> Self {
        Self { moves_number, ..self }
    }

    /// The change takes and gives up numbers.
    pub(crate) fn moving_claims(self, claims: Vec<PhoneNumber>, releases: Vec<(PhoneNumber, NumberMemory)>) -> Self {
        Self { claims, releases, ..self }
    }

    /// The customer takes on what is remembered of a number that he takes.
    pub(crate) fn inheriting(self, number: PhoneNumber, memory: NumberMemory) -> Self {
        Self { inherits: Some((number, memory)), ..self }
    }

    pub(crate) fn with_details(self, details: DetailChange) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The customer as he is to be stored; as he was told of last, where he is erased.
    pub fn customer(&self) -> &Customer {
        &self.customer
    }

    /// The version that must be the stored one for this change to apply; `None` where the customer must not exist.
    pub fn replaces(&self) -> Option<i64> {
        self.replaces
    }

    /// The numbers that the customer takes with this change, which nobody else may hold.
    pub fn claims(&self) -> &[PhoneNumber] {
        &self.claims
    }

    /// A number that he takes to prove it, with what was remembered of it when the change was decided and counts with him
    /// from now on. Where anything else is remembered by now, the change does not apply.
    pub fn inherits(&self) -> Option<&(PhoneNumber, NumberMemory)> {
        self.inherits.as_ref()
    }

    /// The numbers that the customer gives up, each with what is to be remembered of it.
    pub fn releases(&self) -> &[(PhoneNumber, NumberMemory)] {
        &self.releases
    }

    /// Whether the customer goes, with all that is kept about him: his addresses, his card, his links, and what events
    /// and deliveries say of him. His id stays used.
    pub fn erases(&self) -> bool {
        self.erases
    }

    /// What changes beside the customer object.
    pub fn details(&self) -> Option<&DetailChange> {
        self.details.as_ref()
    }

    /// The customer's links of these purposes are revoked with this change: all of them where his confirmed number is
    /// another now, since they went to the old one; and a new card uses up those to its form.
    pub fn revokes_links(&self) -> &'static [LinkPurpose] {
        match self.details {
            _ if self.moves_number => &LinkPurpose::ALL,
            Some(DetailChange::Card { card: Some(_), .. }) => &[LinkPurpose::Card],
            _ => &[],
        }
    }

    /// The events that tell of it, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// Why a transition was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The number is proved already, and no other is pending.
    AlreadyConfirmed,
    /// No change of number is pending.
    NothingPending,
    /// A wrong token.
    TokenInvalid {
        /// Tries left: of this token or of the day, whichever is less.
        attempts_remaining: u32,
    },
    /// The token's time is over.
    TokenExpired,
    /// No tries left, of this token or of the day.
    TooManyAttempts {
        /// How long until a try is free again, where waiting helps; else a new token is needed.
        retry_after: Option<TimeDelta>,
    },
    /// The last token is too young for another.
    ResendTooSoon {
        /// How long until the next one may be made.
        retry_after: TimeDelta,
    },
    /// The input contradicts what is stored, or is wrong in itself.
    InvalidFields(Vec<FieldError>),
}

/// The facts that most transitions need, taken once at the start of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// The id of the event, should there be one.
    pub event_id: EventId,
}
