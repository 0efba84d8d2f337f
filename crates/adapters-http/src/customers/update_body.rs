//! The body of an update, read into a command. What is wrong travels with it: see [`UpdateCustomer::invalid`].

use domain::{Asserted, ProfileEdits};
use use_cases::UpdateCustomer;

use super::create_body::{email, name};
use crate::body::Members;

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
