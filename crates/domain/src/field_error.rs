//! What is wrong with one field of an input.

use std::borrow::Cow;

/// One bad field of an input. All of them are reported at once, so the caller mends them in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name as the caller wrote it.
    pub field: Cow<'static, str>,
    /// What kind of wrong.
    pub code: FieldCode,
    /// The rest of a sentence that begins with the field's name: "must be …".
    pub detail: String,
}

/// The kinds of wrong that a field can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldCode {
    /// Required, and not there.
    Missing,
    /// No such field.
    Unknown,
    /// Of another JSON type.
    WrongType,
    /// Of the right type, and not a value that the field takes.
    Invalid,
    /// Longer than the field takes.
    TooLong,
    /// A phone number with fewer digits than any of its country has.
    TooShort,
    /// A phone number with a number of digits that none of its country has.
    ImpossibleLength,
    /// A phone number that is dialled within its area only.
    AreaCodeMissing,
    /// A phone number outside its country's numbering plan.
    NotInNumberingPlan,
    /// A phone number of a country that does not exist.
    UnknownCallingCode,
    /// A phone number whose first digits may be a dialling prefix.
    AmbiguousPrefix,
    /// A phone number with an extension.
    Extension,
    /// Stored otherwise, and not changed this way.
    ReadOnly,
}

impl FieldError {
    /// A bad field.
    pub fn new(field: impl Into<Cow<'static, str>>, code: FieldCode, detail: impl std::fmt::Display) -> Self {
        Self { field: field.into(), code, detail: format!("{detail}") }
    }
}
