//! What the API answers with, as far as it is needed.

use ports::{CardSetup, CardSetupState, ProvidedCard};
use serde::Deserialize;

use super::failure::is_code;
use crate::refusal::telling_code;

/// A customer.
#[derive(Deserialize)]
pub(super) struct Customer {
    pub(super) id: String,
}

/// A reference: an id, or the object itself where that was asked for.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Reference<T> {
    Id(String),
    Object(T),
}

/// Something that has an id.
#[derive(Deserialize)]
pub(super) struct Identified {
    id: String,
}

/// A setup.
#[derive(Deserialize)]
pub(super) struct SetupIntent {
    pub(super) id: String,
    client_secret: Option<String>,
    customer: Option<Reference<Identified>>,
    status: String,
    payment_method: Option<Reference<PaymentMethod>>,
    last_setup_error: Option<SetupError>,
}

#[derive(Deserialize)]
struct SetupError {
    code: Option<String>,
    decline_code: Option<String>,
}

/// A card with its id.
#[derive(Deserialize)]
pub(super) struct PaymentMethod {
    id: String,
    card: Option<Card>,
    /// With whom it is; nobody when it was removed.
    pub(super) customer: Option<Reference<Identified>>,
}

#[derive(Deserialize)]
struct Card {
    brand: String,
    last4: String,
    exp_month: u8,
    exp_year: u16,
}

impl SetupIntent {
    /// The card that is still to be looked up: a service that does not know how to put it in names it only.
    pub(super) fn card_to_look_up(&self) -> Option<&str> {
        match &self.payment_method {
            Some(Reference::Id(id)) if self.status == "succeeded" => Some(id),
            _ => None,
        }
    }

    /// The setup as the port has it; `card` is what was looked up. `None` when it makes no sense.
    pub(super) fn into_setup(self, card: Option<PaymentMethod>) -> Option<CardSetup> {
        let state = match self.status.as_str() {
            "requires_payment_method" | "requires_confirmation" => {
                let refusal = self.last_setup_error.and_then(|error| telling_code(error.code, error.decline_code));
                CardSetupState::AwaitsCard { refusal: refusal.filter(|code| is_code(code)) }
            }
            "requires_action" => CardSetupState::AwaitsCustomer,
            "processing" => CardSetupState::Processing,
            "canceled" => CardSetupState::Canceled,
            "succeeded" => {
                let within = match self.payment_method {
                    Some(Reference::Object(card)) => Some(card),
                    _ => None,
                };
                CardSetupState::Succeeded(card.or(within)?.into_card()?)
            }
            _ => return None,
        };
        let is_over = matches!(state, CardSetupState::Canceled | CardSetupState::Succeeded(_));
        let client_secret = match self.client_secret {
            Some(secret) if (1..=500).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_graphic()) => secret,
            // Nothing is left for the browser to do with it.
            None if is_over => String::new(),
            _ => return None,
        };
        let provider_customer = self.customer.map(|customer| match customer {
            Reference::Id(id) | Reference::Object(Identified { id }) => id,
        });
        Some(CardSetup { id: self.id, client_secret, provider_customer, state })
    }
}

impl PaymentMethod {
    fn into_card(self) -> Option<ProvidedCard> {
        let Card { brand, last4, exp_month, exp_year } = self.card?;
        Some(ProvidedCard { payment_method: self.id, brand, last4, exp_month, exp_year })
    }
}
