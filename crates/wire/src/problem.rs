//! The problem document (RFC 9457) with this service's own members.

use serde::Serialize;

/// What went wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where the code is explained: `/errors/CODE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means, always the same for one code.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A sentence that says what to do about this occurrence.
    pub detail: String,
    /// What programs go by. A code never changes its meaning.
    pub code: &'static str,
    /// The request, for whoever reads the logs.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field.
    pub field: String,
    /// What kind of wrong.
    pub code: &'static str,
    /// A sentence that says what it must be.
    pub detail: String,
}
