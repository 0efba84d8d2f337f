//! The problem document (RFC 9457) with this service's own members.

use schemars::JsonSchema;
use serde::Serialize;

/// What went wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Where the code is explained: `/errors/CODE`.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri-reference"), example = &"/errors/invalid_parameters")]
    pub kind: String,
    /// What the code means, always the same for one code.
    #[schemars(example = &"Some parameters are invalid")]
    pub title: &'static str,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599), example = 422)]
    pub status: u16,
    /// A sentence that says what to do about this occurrence.
    #[schemars(example = &"Correct these and send the request again: email.")]
    pub detail: String,
    /// What programs go by. A code never changes its meaning.
    #[schemars(example = &"invalid_parameters")]
    pub code: &'static str,
    /// The request, for whoever reads the logs.
    #[schemars(example = &"01a20a51-dbef-70a7-b111-971fe019a818")]
    pub request_id: String,
    /// All fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Of `phone_number_taken`: who holds the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_customer_id: Option<String>,
    /// Of `phone_number_taken`: whether it was proved to be his.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_customer_confirmed: Option<bool>,
    /// Of `confirmation_token_invalid`: tries left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts_remaining: Option<u32>,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldProblem {
    /// The field.
    #[schemars(example = &"email")]
    pub field: String,
    /// What kind of wrong.
    #[schemars(example = &"too_long")]
    pub code: &'static str,
    /// A sentence that says what it must be.
    #[schemars(example = &"email must be at most 254 characters.")]
    pub detail: String,
}
