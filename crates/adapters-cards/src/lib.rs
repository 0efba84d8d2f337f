//! Payment providers behind their port: who keeps cards, so that this service need not.
//!
//! [`StripeCards`] speaks to Stripe, or to whatever has its interface. [`TestCards`] is a provider within this process
//! that takes no real card and forgets all with it: with it the whole way of a card can be tried on a laptop.

mod refusal;
mod setup_error;
mod stripe;
mod test_cards;

pub use setup_error::SetupError;
pub use stripe::{
    StripeCards, StripePublishableKey, StripeSecretKey, StripeSettings, StripeUrl, check_stripe_publishable_key,
    check_stripe_secret_key, check_stripe_url,
};
pub use test_cards::TestCards;

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
