//! The cards that the stand-in knows. The browser has their numbers; here are the tokens that stand for them.

/// What comes of entering a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is saved.
    Accepted,
    /// The bank wants to hear from the customer first.
    Challenge,
    /// The bank refuses it.
    Declined(Decline),
}

/// How a bank refuses, in the provider's codes and in words for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decline {
    pub(super) code: &'static str,
    pub(super) decline_code: &'static str,
    pub(super) message: &'static str,
}

/// One card to try with.
#[derive(Debug, Clone, Copy)]
pub(super) struct TestCard {
    pub(super) token: &'static str,
    pub(super) brand: &'static str,
    pub(super) last4: &'static str,
    pub(super) outcome: Outcome,
}

const fn card(token: &'static str, brand: &'static str, last4: &'static str, outcome: Outcome) -> TestCard {
    TestCard { token, brand, last4, outcome }
}

const fn declined(code: &'static str, decline_code: &'static str, message: &'static str) -> Outcome {
    Outcome::Declined(Decline { code, decline_code, message })
}

use Outcome::{Accepted, Challenge};

/// All of them. `assets/test-cards/element.js` has the number of each.
pub(super) const CARDS: [TestCard; 11] = [
    card("pm_card_visa", "visa", "4242", Accepted),
    card("pm_card_visa_debit", "visa", "5556", Accepted),
    card("pm_card_mastercard", "mastercard", "4444", Accepted),
    card("pm_card_amex", "amex", "0005", Accepted),
    card("pm_card_authenticationRequiredOnSetup", "visa", "3155", Challenge),
    card("pm_card_authenticationRequired", "visa", "3184", Challenge),
    card(
        "pm_card_chargeDeclined",
        "visa",
        "0002",
        declined("card_declined", "generic_decline", "Your card was declined."),
    ),
    card(
        "pm_card_chargeDeclinedInsufficientFunds",
        "visa",
        "9995",
        declined("card_declined", "insufficient_funds", "Your card does not have enough money on it."),
    ),
    card(
        "pm_card_chargeDeclinedExpiredCard",
        "visa",
        "0069",
        declined("expired_card", "expired_card", "Your card has expired."),
    ),
    card(
        "pm_card_chargeDeclinedIncorrectCvc",
        "visa",
        "0127",
        declined("incorrect_cvc", "incorrect_cvc", "The security code of your card is not right."),
    ),
    card(
        "pm_card_chargeDeclinedProcessingError",
        "visa",
        "0119",
        declined("processing_error", "processing_error", "Something went wrong with your card. Please try again."),
    ),
];

/// The card that a token stands for.
pub(super) fn by_token(token: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.token == token)
}
