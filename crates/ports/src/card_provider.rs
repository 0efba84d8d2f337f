//! Who keeps cards: a payment provider.

use std::fmt;

use async_trait::async_trait;
use domain::{CustomerId, LinkId};

/// A payment provider, which takes the card's number on a page of its own and tells this service the rest.
///
/// A card comes by a *setup*: made here for a customer at the provider, finished by the customer in his browser with
/// the provider's script, and then looked up here. Every call ends within ten seconds: who takes several cards to be
/// removed counts on it. Every call may be made again after a failure, and what it did the first time is not done twice.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CardProvider: Send + Sync {
    /// Its name, under which cards are stored: never changes.
    fn name(&self) -> &'static str;

    /// What the page needs for the customer's side.
    fn browser(&self) -> CardBrowser;

    /// Makes a customer at the provider and returns his id there. For one customer always the same, as long as the
    /// provider remembers that it was asked. `replacing` is his earlier id there, where nobody has that any more: then a
    /// new one is made.
    ///
    /// # Errors
    /// See [`CardProviderError`].
    async fn create_customer(&self, id: CustomerId, replacing: Option<String>) -> Result<String, CardProviderError>;

    /// Makes a setup for a customer at the provider. For one link always the same, as long as the provider remembers
    /// that it was asked. `replacing` is the id of the link's earlier setup, where that one came to nothing: then a new
    /// one is made.
    ///
    /// # Errors
    /// [`CardProviderError::UnknownCustomer`] when there is no such customer there; see [`CardProviderError`].
    async fn create_setup(
        &self,
        provider_customer: &str,
        link: LinkId,
        replacing: Option<String>,
    ) -> Result<CardSetup, CardProviderError>;

    /// Where a setup stands; `None` when the provider has none of that id.
    ///
    /// # Errors
    /// See [`CardProviderError`].
    async fn find_setup(&self, id: &str) -> Result<Option<CardSetup>, CardProviderError>;

    /// Ends a setup, so that it brings no card, or removes the card that it has brought. One that is not there or is over is
    /// ended.
    ///
    /// # Errors
    /// [`CardProviderError::Unavailable`] while the provider has not decided about a card; see [`CardProviderError`].
    async fn abandon_setup(&self, id: &str) -> Result<(), CardProviderError>;

    /// Removes a card from its customer at the provider. One that is not there any more is removed.
    ///
    /// # Errors
    /// See [`CardProviderError`].
    async fn detach(&self, payment_method: &str) -> Result<(), CardProviderError>;
}

/// The customer's side of a provider: a script with the interface of Stripe.js (`Stripe(key).elements()`, a `card`
/// element, `confirmCardSetup`), and where it may load from and connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardBrowser {
    /// The address of the script; one that begins with a slash is on this service.
    pub script_url: String,
    /// What the script is started with. Public.
    pub publishable_key: String,
    /// Origins of the scripts that this is, and loads.
    pub script_origins: Vec<String>,
    /// Origins of the frames that the script opens (for the page's content security policy).
    pub frame_origins: Vec<String>,
    /// Origins that the script connects to.
    pub connect_origins: Vec<String>,
    /// Its name as customers know it, where they do: the page says to whom the card's number goes.
    pub display_name: Option<&'static str>,
    /// Whether cards are not real: the page says so.
    pub is_test: bool,
}

/// A procedure that brings a card.
#[derive(Clone, PartialEq, Eq)]
pub struct CardSetup {
    /// The provider's id of it.
    pub id: String,
    /// With this the customer's browser may finish it.
    pub client_secret: String,
    /// For which customer at the provider it is.
    pub provider_customer: Option<String>,
    /// Where it stands.
    pub state: CardSetupState,
}

/// Where a setup stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardSetupState {
    /// A card is to be entered, first or again. `refusal` is the provider's code for why the last one was refused, such
    /// as `card_declined`.
    AwaitsCard {
        /// Why the last card was refused.
        refusal: Option<String>,
    },
    /// The customer has yet to prove to his bank that it is he (3-D Secure).
    AwaitsCustomer,
    /// The provider has not decided yet.
    Processing,
    /// It came to nothing, for good.
    Canceled,
    /// The card is there.
    Succeeded(ProvidedCard),
}

/// A card as its provider tells it.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `domain::CardParts`")]
pub struct ProvidedCard {
    pub payment_method: String,
    pub brand: String,
    pub last4: String,
    pub exp_month: u8,
    pub exp_year: u16,
}

/// Why a provider did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardProviderError {
    /// It gave no answer in time, or said that it cannot right now. Trying again later helps.
    #[error("the card provider is unavailable: {0}")]
    Unavailable(String),
    /// It has no customer of that id, or none any more: the account there may be another one now.
    #[error("the card provider does not know the customer")]
    UnknownCustomer,
    /// It refused, or what it answered makes no sense: a defect, or wrong keys. The text holds no secret and nothing
    /// about a person.
    #[error("the card provider refused: {0}")]
    Rejected(String),
}

impl fmt::Debug for CardSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardSetup").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl fmt::Debug for ProvidedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProvidedCard(redacted)")
    }
}
