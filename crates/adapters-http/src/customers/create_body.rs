//! The body of a creation, read into a command with all field errors at once.

use domain::{CountryCode, CustomerId, Email, EmailError, FieldCode, Member, PersonName, PersonNameError};
use domain::{Phone, PhoneNumberError, PhoneValidation, Profile};
use use_cases::CreateCustomer;

use crate::body::Members;
use crate::operation::{Kind, Parameter};
use crate::problem::Problem;

/// What [`create_command`] reads.
pub(super) const CREATE_BODY: [Parameter; 6] = [
    PHONE_NUMBER.required().example("(418) 581-0827"),
    COUNTRY_CODE.required().example("CA"),
    FIRST_NAME,
    LAST_NAME,
    EMAIL,
    CONFIRMATION,
];

pub(super) const CONFIRMATION: Parameter = Parameter::new(
    "confirmation",
    Kind::Flag { default: Some(true) },
    "`false`: the number is confirmed on your word. `null` means `true`.",
)
.nullable();

pub(super) const PHONE_NUMBER: Parameter = Parameter::new(
    "unconfirmed_phone_number",
    Kind::Text,
    "The number, in any spelling that its country knows, or as `+`, calling code and number. No two customers have the same.",
);

pub(super) const COUNTRY_CODE: Parameter = Parameter::new(
    "country_code",
    Kind::pattern(r"^\s*[A-Za-z]{2}\s*$"),
    "The country in whose spelling the number is read (ISO 3166-1 alpha-2).",
);

pub(super) const FIRST_NAME: Parameter =
    Parameter::new("first_name", Kind::at_most(PersonName::MAX_CHARACTERS), "His first name.")
        .nullable()
        .example("Yogi");

pub(super) const LAST_NAME: Parameter =
    Parameter::new("last_name", Kind::at_most(PersonName::MAX_CHARACTERS), "His last name.")
        .nullable()
        .example("Berra");

pub(super) const EMAIL: Parameter =
    Parameter::new("email", Kind::at_most(Email::MAX_CHARACTERS), "His e-mail address.")
        .nullable()
        .example("yogi@berra.com");

pub(super) fn create_command(
    mut members: Members,
    id: Option<CustomerId>,
    validation: PhoneValidation,
) -> Result<CreateCustomer, Problem> {
    let phone = phone(&mut members, validation);
    let profile = Profile {
        first_name: name(&mut members, "first_name").value(),
        last_name: name(&mut members, "last_name").value(),
        email: email(&mut members).value(),
    };
    let confirmation = members.flag("confirmation").value().unwrap_or(true);
    members.finish()?;
    // Without an error the phone is there; the other arm is never taken.
    let phone = phone.ok_or_else(Problem::internal_error)?;
    Ok(CreateCustomer { id, phone, profile, confirmation })
}

/// The number. One that is wrong is noted, and absent.
pub(super) fn phone(members: &mut Members, validation: PhoneValidation) -> Option<Phone> {
    let spelling = members.required_text("unconfirmed_phone_number");
    let country = members.required_text("country_code").and_then(|code| {
        CountryCode::parse(&code).map_err(|error| members.refuse("country_code", FieldCode::Invalid, error)).ok()
    });
    // A national spelling says nothing without its country, so a bad country is reported alone.
    let phone = Phone::read(&spelling?, country?, validation);
    phone.map_err(|error| members.refuse("unconfirmed_phone_number", phone_error_code(error), error)).ok()
}

pub(super) fn phone_error_code(error: PhoneNumberError) -> FieldCode {
    match error {
        PhoneNumberError::NotANumber | PhoneNumberError::ControlCharacter => FieldCode::Invalid,
        PhoneNumberError::TooManyCharacters | PhoneNumberError::TooLong { .. } => FieldCode::TooLong,
        PhoneNumberError::TooShort { .. } => FieldCode::TooShort,
        PhoneNumberError::ImpossibleLength { .. } => FieldCode::ImpossibleLength,
        PhoneNumberError::AreaCodeMissing { .. } => FieldCode::AreaCodeMissing,
        PhoneNumberError::NotInNumberingPlan { .. } => FieldCode::NotInNumberingPlan,
        PhoneNumberError::UnknownCallingCode => FieldCode::UnknownCallingCode,
        PhoneNumberError::AmbiguousPrefix => FieldCode::AmbiguousPrefix,
        PhoneNumberError::Extension => FieldCode::Extension,
    }
}

/// A name. One that is wrong is noted, and absent.
pub(super) fn name(members: &mut Members, field: &'static str) -> Member<PersonName> {
    parsed(members, field, PersonName::parse, |error| match error {
        PersonNameError::TooLong => FieldCode::TooLong,
        PersonNameError::Empty | PersonNameError::ControlCharacter | PersonNameError::CardNumber => FieldCode::Invalid,
    })
}

/// The e-mail address. One that is wrong is noted, and absent.
pub(super) fn email(members: &mut Members) -> Member<Email> {
    parsed(members, "email", Email::parse, |error| email_error_code(*error))
}

pub(super) fn email_error_code(error: EmailError) -> FieldCode {
    match error {
        EmailError::TooLong => FieldCode::TooLong,
        EmailError::Malformed | EmailError::CardNumber => FieldCode::Invalid,
    }
}

fn parsed<T, E: std::fmt::Display>(
    members: &mut Members,
    field: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
    code: impl Fn(&E) -> FieldCode,
) -> Member<T> {
    match members.text(field) {
        Member::Absent => Member::Absent,
        Member::Null => Member::Null,
        Member::Value(text) => match parse(&text) {
            Ok(value) => Member::Value(value),
            Err(error) => {
                members.refuse(field, code(&error), error);
                Member::Absent
            }
        },
    }
}
