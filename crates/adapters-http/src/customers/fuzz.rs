//! Whatever is sent as the body of an operation on a customer: nothing panics, what is wrong is told in bounds, and what is
//! accepted keeps its promises and is accepted again as it was read.

use domain::{AddressParts, CustomerId, FieldError, Member, PhoneNumber, PhoneValidation};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::address_body::{ADDRESS_BODY, address};
use super::confirm::{CONFIRM_BODY, token};
use super::create_body::{CREATE_BODY, create_command};
use super::update_body::{UPDATE_BODY, update_command};
use crate::body::Members;
use crate::operation::Parameter;

/// The members that any of the bodies has, and some that none has.
const NAMES: [&str; 22] = [
    "unconfirmed_phone_number",
    "country_code",
    "confirmation",
    "first_name",
    "last_name",
    "email",
    "confirmation_token",
    "id",
    "phone_number",
    "card_url",
    "created_at",
    "name",
    "company",
    "line1",
    "line2",
    "postal_code",
    "city",
    "region",
    "country",
    "",
    "FIRST_NAME",
    "first_name ",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "\\PC{0,300}",
        "[A-Za-z]{2}",
        "\\+?[0-9 ()-]{4,18}",
        "[0-9]{6}|[0-9 -]{6,12}",
        "[a-z.+\"]{1,20}@[a-z0-9.-]{1,20}",
        "[A-Z0-9]{3}[ -]?[A-Z0-9]{3}|[0-9]{4,6}",
        "(4242 ?){4}|[ -]{1,3}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(text(), inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The bytes of a body: an object with members that are known, mostly, and sometimes with a byte that is another.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![9 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => text()];
    let members = prop::collection::vec((name, value()), 0..12);
    let edit = prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()));
    (members, edit).prop_map(|(members, edit)| {
        let object: Map<String, Value> = members.into_iter().collect();
        let mut bytes = Value::Object(object).to_string().into_bytes();
        if let Some((place, byte)) = edit {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

/// A body of an address that a country may have.
fn address_of_a_country() -> impl Strategy<Value = Vec<u8>> {
    let country =
        prop::sample::select(vec!["CA", "US", "GB", "DE", "FR", "JP", "BR", "CN", "KR", "IE", "AE", "ZZ", "us"]);
    let field = || prop::option::of(text());
    (country, field(), field(), field(), "\\PC{1,20}", "\\PC{1,20}").prop_map(
        |(country, city, postal_code, region, name, line1)| {
            let body = json!({"country": country, "city": city, "postal_code": postal_code, "region": region,
                              "name": name, "line1": line1});
            body.to_string().into_bytes()
        },
    )
}

fn members(bytes: &[u8], known: &[Parameter]) -> Option<Members> {
    Members::parse(bytes, known).ok()
}

fn of(value: &Value, known: &[Parameter]) -> Members {
    Members::parse(value.to_string().as_bytes(), known).ok().unwrap()
}

fn are_bounded(errors: &[FieldError]) -> bool {
    errors.len() <= 200 && errors.iter().all(|error| error.field.len() <= 400 && error.detail.len() <= 400)
}

proptest! {
    #[test]
    fn what_creates_a_customer_creates_the_same_one_again(bytes in body()) {
        for validation in [PhoneValidation::Any, PhoneValidation::Possible, PhoneValidation::Valid] {
            let Some(members) = members(&bytes, &CREATE_BODY) else { continue };
            let Ok(command) = create_command(members, None, validation) else { continue };
            prop_assert!(PhoneNumber::from_e164(command.phone.number.as_str()).is_ok());
            let (profile, text) = (&command.profile, |name: &domain::PersonName| name.as_str().to_owned());
            let again = of(&json!({
                "unconfirmed_phone_number": command.phone.number.as_str(),
                "country_code": command.phone.country.as_str(),
                "confirmation": command.confirmation,
                "first_name": profile.first_name.as_ref().map(text),
                "last_name": profile.last_name.as_ref().map(text),
                "email": profile.email.as_ref().map(|email| email.as_str().to_owned()),
            }), &CREATE_BODY);
            prop_assert_eq!(create_command(again, None, validation).ok(), Some(command));
        }
    }

    #[test]
    fn what_updates_a_customer_is_within_what_he_may_have(bytes in body()) {
        let Some(members) = members(&bytes, &UPDATE_BODY) else { return Ok(()) };
        let command = update_command(members);
        prop_assert!(are_bounded(&command.invalid));
        for name in [command.edits.first_name, command.edits.last_name] {
            if let Member::Value(name) = name {
                prop_assert!((1..=255).contains(&name.as_str().chars().count()));
                prop_assert!(!name.as_str().chars().any(char::is_control));
            }
        }
        if let Member::Value(email) = command.edits.email {
            prop_assert!(email.as_str().len() <= 254 && email.as_str().contains('@'));
        }
    }

    #[test]
    fn an_address_is_read_as_it_was_written_by_its_country(bytes in prop_oneof![body(), address_of_a_country()]) {
        let Some(members) = members(&bytes, &ADDRESS_BODY) else { return Ok(()) };
        match address(members) {
            Err(errors) => prop_assert!(!errors.is_empty() && are_bounded(&errors)),
            Ok(read) => {
                let AddressParts { name, company, line1, line2, postal_code, city, region, country } = read.parts();
                let again = address(of(&json!({
                    "name": name, "company": company, "line1": line1, "line2": line2, "postal_code": postal_code,
                    "city": city, "region": region, "country": country.as_str(),
                }), &ADDRESS_BODY));
                prop_assert_eq!(again.ok(), Some(read));
            }
        }
    }

    #[test]
    fn a_token_is_six_digits_however_they_are_written(bytes in body()) {
        let Some(members) = members(&bytes, &CONFIRM_BODY) else { return Ok(()) };
        match token(members) {
            Err(errors) => prop_assert!(!errors.is_empty() && are_bounded(&errors)),
            Ok(read) => {
                let digits = read.expose();
                prop_assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
                prop_assert_eq!(token(of(&json!({"confirmation_token": digits}), &CONFIRM_BODY)).ok(), Some(read));
            }
        }
    }

    #[test]
    fn an_id_in_a_path_is_read_in_one_spelling(text in prop_oneof![".{0,60}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"]) {
        if let Some(id) = CustomerId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
