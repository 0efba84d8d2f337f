//! Which of the codes of a refused card tells the customer more.

/// The decline codes that say more than the code they come with, which mostly is `card_declined`. The page has words for
/// each. All others say no more (`generic_decline`, `do_not_honor`), or what is not for the customer to read
/// (`stolen_card`).
const TELLING: [&str; 10] = [
    "authentication_required",
    "expired_card",
    "incorrect_cvc",
    "incorrect_number",
    "insufficient_funds",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "processing_error",
];

/// The decline code where it says more than the code, else the code.
pub(crate) fn telling_code<T: AsRef<str>>(code: Option<T>, decline_code: Option<T>) -> Option<T> {
    match decline_code {
        Some(decline) if TELLING.contains(&decline.as_ref()) => Some(decline),
        untelling => code.or(untelling),
    }
}
