//! A customer's profile changes.

use super::{Customer, Profile};
use crate::{Changed, Decision, Email, FieldCode, FieldError, Moment, PersonName, PhoneNumber};

/// What an input says of one member: nothing, that it has no value, or its value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Member<T> {
    /// Nothing. In an update: the member stays as it is.
    #[default]
    Absent,
    /// `null`. In an update: the member's value goes.
    Null,
    /// A value. In an update: it becomes the member's.
    Value(T),
}

impl<T> Member<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    fn apply(self, stored: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *stored = None,
            Self::Value(value) => *stored = Some(value),
        }
    }
}

/// What happens to the profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileEdits {
    /// First name.
    pub first_name: Member<PersonName>,
    /// Last name.
    pub last_name: Member<PersonName>,
    /// E-mail address.
    pub email: Member<Email>,
}

/// Members that an update repeats but cannot change, as the caller wrote them. They must equal what is stored, so that
/// a caller who gets, edits and puts the whole object is told when he edited the wrong thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asserted {
    /// The id.
    pub id: Member<String>,
    /// The confirmed number.
    pub phone_number: Member<String>,
    /// The number to be proved.
    pub unconfirmed_phone_number: Member<String>,
    /// The country code, in either case.
    pub country_code: Member<String>,
}

impl Customer {
    /// Applies `edits` and fires `customer.updated`. Edits that change nothing are no change: nothing is stored, nothing
    /// moves and nothing is fired.
    pub fn update(&self, edits: ProfileEdits, moment: Moment) -> Decision<Self> {
        let mut profile: Profile = self.0.profile.clone();
        edits.first_name.apply(&mut profile.first_name);
        edits.last_name.apply(&mut profile.last_name);
        edits.email.apply(&mut profile.email);
        // Taken apart, so that no member that is added is forgotten here, where it would never change.
        let Profile { first_name, last_name, email } = &self.0.profile;
        let changed: Vec<Changed> = [
            (Changed::FirstName, profile.first_name != *first_name),
            (Changed::LastName, profile.last_name != *last_name),
            (Changed::Email, profile.email != *email),
        ]
        .into_iter()
        .filter_map(|(member, has_changed)| has_changed.then_some(member))
        .collect();
        if changed.is_empty() {
            return Decision { change: None, outcome: Ok(self.clone()) };
        }
        let at = self.not_before_last_change(moment.now);
        let mut next = self.clone();
        next.0.profile = profile;
        Decision::accept(self.visible_change(next, at, |next| vec![next.updated(moment, at, changed)]))
    }

    /// The members of `asserted` that differ from what is stored.
    pub fn contradictions(&self, asserted: &Asserted) -> Vec<FieldError> {
        let id = self.id().to_string();
        let phone_number = self.phone_number().map(PhoneNumber::as_str);
        let unconfirmed = self.unconfirmed_phone_number().as_str();
        let country = self.country_code();
        [
            ("id", &asserted.id, Some(id.as_str())),
            ("phone_number", &asserted.phone_number, phone_number),
            ("unconfirmed_phone_number", &asserted.unconfirmed_phone_number, Some(unconfirmed)),
            ("country_code", &asserted.country_code, Some(country.as_str())),
        ]
        .into_iter()
        .filter(|(_, asserted, stored)| match asserted {
            Member::Absent => false,
            // Ids and country codes are read in either case everywhere; numbers have none.
            Member::Value(text) => !stored.is_some_and(|stored| stored.eq_ignore_ascii_case(text)),
            Member::Null => stored.is_some(),
        })
        .map(|(name, ..)| {
            FieldError::new(
                name,
                FieldCode::ReadOnly,
                "cannot be changed by an update; leave it out or send what is stored",
            )
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventBody;
    use crate::customer::properties::{at, confirmed, moment};

    #[test]
    fn absent_keeps_and_clear_clears() {
        let customer = confirmed();
        let edits = ProfileEdits {
            first_name: Member::Value(PersonName::parse("Yogi").unwrap()),
            email: Member::Value(Email::parse("yogi@berra.com").unwrap()),
            ..ProfileEdits::default()
        };
        let named = customer.update(edits, moment(at(1))).outcome.unwrap();
        let cleared = named.update(ProfileEdits { email: Member::Null, ..ProfileEdits::default() }, moment(at(2)));
        let cleared = cleared.outcome.unwrap();
        assert_eq!(cleared.profile().first_name.as_ref().unwrap().as_str(), "Yogi");
        assert_eq!(cleared.profile().email, None);
        assert_eq!((cleared.parts().revision, cleared.parts().updated_at), (3, at(2)));
    }

    #[test]
    fn an_event_tells_which_members_changed_and_no_others() {
        let edits = ProfileEdits {
            first_name: Member::Value(PersonName::parse("Yogi").unwrap()),
            last_name: Member::Null,
            email: Member::Value(Email::parse("yogi@berra.com").unwrap()),
        };
        let change = confirmed().update(edits, moment(at(1))).change.unwrap();
        let [event] = change.events() else { panic!("one event") };
        let EventBody::Updated { changed, customer } = &event.body else { panic!("an update") };
        assert_eq!((changed.as_slice(), &**customer), (&[Changed::FirstName, Changed::Email][..], change.customer()));
        assert_eq!((event.sequence, event.occurred_at), (1, at(1)));
    }

    #[test]
    fn an_update_that_changes_nothing_stores_nothing() {
        let customer = confirmed();
        let decision = customer.update(ProfileEdits { email: Member::Null, ..ProfileEdits::default() }, moment(at(9)));
        assert_eq!(decision, Decision { change: None, outcome: Ok(customer) });
    }

    #[test]
    fn all_members_that_differ_from_what_is_stored_are_named_at_once() {
        let customer = confirmed();
        let asserted = Asserted {
            id: Member::Value(customer.id().to_string().to_uppercase()),
            phone_number: Member::Null,
            unconfirmed_phone_number: Member::Value("+14185810828".into()),
            country_code: Member::Value("ca".into()),
        };
        let fields: Vec<_> = customer.contradictions(&asserted).into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["phone_number", "unconfirmed_phone_number"]);
    }
}
