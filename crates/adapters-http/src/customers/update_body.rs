//! The body of an update, read into a command. What is wrong travels with it: see [`UpdateCustomer::invalid`].

use domain::{Asserted, ProfileEdits};
use use_cases::UpdateCustomer;

use super::create_body::{COUNTRY_CODE, EMAIL, FIRST_NAME, LAST_NAME, PHONE_NUMBER, email, name};
use crate::body::Members;
use crate::operation::{Kind, Parameter};

/// What [`update_command`] reads.
pub(super) const UPDATE_BODY: [Parameter; 15] = [
    FIRST_NAME,
    LAST_NAME,
    EMAIL,
    repeated("id"),
    repeated("phone_number").nullable(),
    repeated(PHONE_NUMBER.name),
    repeated(COUNTRY_CODE.name),
    ignored(IGNORED[0]),
    ignored(IGNORED[1]),
    ignored(IGNORED[2]),
    ignored(IGNORED[3]),
    ignored(IGNORED[4]),
    ignored(IGNORED[5]),
    ignored(IGNORED[6]),
    ignored(IGNORED[7]),
];

const fn repeated(name: &'static str) -> Parameter {
    Parameter::new(name, Kind::Text, "Not changed by this: leave it out, or repeat what is stored.")
}

const fn ignored(name: &'static str) -> Parameter {
    Parameter::new(name, Kind::Anything, "Not looked at.")
}

/// Members of the object that a caller may repeat and whose values are not looked at: they are the service's alone.
const IGNORED: [&str; 8] = [
    "confirmation_token",
    "billing_address_url",
    "shipping_address_url",
    "card_url",
    "confirmed_at",
    "confirmation_sent_at",
    "created_at",
    "updated_at",
];

pub(super) fn update_command(mut members: Members) -> UpdateCustomer {
    let edits = ProfileEdits {
        first_name: name(&mut members, "first_name"),
        last_name: name(&mut members, "last_name"),
        email: email(&mut members),
    };
    let asserted = Asserted {
        id: members.text("id"),
        phone_number: members.text("phone_number"),
        unconfirmed_phone_number: members.text("unconfirmed_phone_number"),
        country_code: members.text("country_code"),
    };
    members.ignore(&IGNORED);
    UpdateCustomer { edits, asserted, invalid: members.into_errors() }
}
