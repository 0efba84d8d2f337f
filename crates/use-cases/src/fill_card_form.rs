//! The customer saves a card in the form behind his link.
//!
//! The card is entered in a frame of the provider's. Here a procedure at the provider (a *setup*) is begun, which the
//! customer's browser finishes with the provider, and then what came of it is looked up there and stored. A link has
//! one setup, so that whatever is pressed twice, in one window or two, brings one card.

use std::fmt;
use std::sync::Arc;

use domain::{Card, CardParts, CustomerId, Decision, Link, LinkPurpose, Moment, TimeDelta};
use ports::{CardBrowser, CardProvider, CardProviderError, CardSetup, CardSetupState, ProvidedCard};

use crate::{Failure, IfMatch, LinkState, Service};

/// How far the customer is on his way to a card. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum CardStep {
    /// There is no card provider.
    NotOffered,
    /// A card is to be entered, or, where one was, its holder is to prove to his bank that it is he: with this secret
    /// the provider's script does either.
    Enter {
        /// The setup's secret.
        client_secret: String,
        /// The provider's code for why the last card was refused.
        refusal: Option<String>,
    },
    /// The provider has not decided yet.
    Processing,
    /// The card is the customer's.
    Saved(Card),
}

impl Service {
    /// What the card's page needs for the provider's side; `None` where there is no provider.
    pub fn card_browser(&self) -> Option<CardBrowser> {
        self.ports.card_provider.as_ref().map(|provider| provider.browser())
    }

    /// So long after a link has expired a card is still stored that was entered with it: the bank may have kept the
    /// customer waiting.
    pub const CARD_LATENESS: TimeDelta = TimeDelta::minutes(15);

    /// The step at which the customer is. May be asked again and again, before and after the provider's script ran:
    /// what was begun is gone on with, and a card that is there is stored. The card that the link brought, which
    /// revoked it, is told until the link would have expired.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::Contended`], [`Failure::CardProvider`], or the store's.
    pub async fn card_step(&self, code: &str) -> Result<LinkState<CardStep>, Failure> {
        let link = self.find_link(code).await?;
        let Some(link) = link.filter(|link| link.purpose == LinkPurpose::Card) else { return Ok(LinkState::Unknown) };
        // Who comes in time is in time, however long the provider takes.
        let moment = self.moment();
        if moment.now >= link.expires_at {
            return Ok(LinkState::Gone);
        }
        if let Some(card) = self.card_of(&link).await? {
            return Ok(LinkState::Live(CardStep::Saved(card)));
        }
        if !link.is_live(moment.now) {
            return Ok(LinkState::Gone);
        }
        let Some(provider) = &self.ports.card_provider else { return Ok(LinkState::Live(CardStep::NotOffered)) };
        let provider_customer = self.provider_customer(provider, link.customer_id).await?;
        let setup = match self.usable_setup(provider, &link, &provider_customer).await? {
            Some(setup) => setup,
            None => self.new_setup(provider, &link, &provider_customer).await?,
        };
        match setup.state {
            CardSetupState::AwaitsCard { refusal } => {
                Ok(LinkState::Live(CardStep::Enter { client_secret: setup.client_secret, refusal }))
            }
            CardSetupState::AwaitsCustomer => {
                let refusal = Some("authentication_required".to_owned());
                Ok(LinkState::Live(CardStep::Enter { client_secret: setup.client_secret, refusal }))
            }
            CardSetupState::Processing => Ok(LinkState::Live(CardStep::Processing)),
            // It was not when it was found; who asks again gets a new one.
            CardSetupState::Canceled => Err(Failure::Contended),
            CardSetupState::Succeeded(told) => {
                let card = card(told, provider.name(), setup.id, moment)?;
                self.store_card(code, &link, card, moment).await
            }
        }
    }

    /// The card that was brought by a link that opens nothing any more, for a browser that opened it while it was live:
    /// the one that used the link up, or one that the provider has while the link expired a short time ago, which is
    /// stored. Nothing is begun at the provider.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::Contended`], [`Failure::CardProvider`], or the store's.
    pub async fn finish_card_late(&self, code: &str, session: &str, token: &str) -> Result<Option<Card>, Failure> {
        let moment = self.moment();
        let in_time =
            |link: &Link| link.purpose == LinkPurpose::Card && moment.now < link.expires_at + Self::CARD_LATENESS;
        let link = self.find_link(code).await?.filter(in_time);
        let Some(link) = link.filter(|link| self.is_form(link.id, session, token)) else { return Ok(None) };
        if let Some(card) = self.card_of(&link).await? {
            return Ok(Some(card));
        }
        let Some(provider) = &self.ports.card_provider else { return Ok(None) };
        let known = self.ports.provider_customers.find_provider_customer(link.customer_id, provider.name()).await?;
        let Some(known) = known else { return Ok(None) };
        let setup = self.usable_setup(provider, &link, &known).await?;
        let Some(CardSetup { id, state: CardSetupState::Succeeded(told), .. }) = setup else { return Ok(None) };
        let card = card(told, provider.name(), id, moment)?;
        match self.store_card(code, &link, card, moment).await? {
            LinkState::Live(CardStep::Saved(card)) => Ok(Some(card)),
            _ => Ok(None),
        }
    }

    /// Has a card removed at its provider that came too late to be the customer's: nobody would ever know of it.
    async fn send_away(&self, link: &Link, card: &Card, moment: Moment) -> Result<(), Failure> {
        let parts = card.parts();
        // One link brings one card, however often it is asked for.
        let id = link.id.uuid();
        self.ports.detachments.queue_detachment(&parts.provider, id, &parts.payment_method, moment.now).await?;
        self.card_to_detach.notify_one();
        Ok(())
    }

    /// The customer's card, if it is the one that this link brought.
    async fn card_of(&self, link: &Link) -> Result<Option<Card>, Failure> {
        let Some(setup) = &link.card_setup else { return Ok(None) };
        let card = self.ports.customers.find_card(link.customer_id).await?;
        Ok(card.filter(|card| card.parts().setup == *setup))
    }

    /// Who the customer is at the provider. He is made there once.
    async fn provider_customer(&self, provider: &Arc<dyn CardProvider>, id: CustomerId) -> Result<String, Failure> {
        let known = self.ports.provider_customers.find_provider_customer(id, provider.name()).await?;
        match known {
            Some(known) => Ok(known),
            None => self.new_provider_customer(provider, id, None).await,
        }
    }

    /// Makes the customer at the provider, first or in place of one that is not there any more.
    async fn new_provider_customer(
        &self,
        provider: &Arc<dyn CardProvider>,
        id: CustomerId,
        replaces: Option<String>,
    ) -> Result<String, Failure> {
        let made = provider.create_customer(id, replaces.clone()).await?;
        Ok(self.ports.provider_customers.keep_provider_customer(id, provider.name(), replaces, made).await?)
    }

    /// The setup that was begun with the link, unless it came to nothing or is another's.
    async fn usable_setup(
        &self,
        provider: &Arc<dyn CardProvider>,
        link: &Link,
        provider_customer: &str,
    ) -> Result<Option<CardSetup>, Failure> {
        let Some(id) = &link.card_setup else { return Ok(None) };
        let setup = provider.find_setup(id).await?;
        Ok(setup.filter(|setup| {
            setup.state != CardSetupState::Canceled && setup.provider_customer.as_deref() == Some(provider_customer)
        }))
    }

    /// A new setup for the link, or the one that another request began first. A customer whom the provider does not know,
    /// because the account there is another one now, is made anew.
    async fn new_setup(
        &self,
        provider: &Arc<dyn CardProvider>,
        link: &Link,
        provider_customer: &str,
    ) -> Result<CardSetup, Failure> {
        let mut provider_customer = provider_customer.to_owned();
        let setup = match provider.create_setup(&provider_customer, link.id, link.card_setup.clone()).await {
            Err(CardProviderError::UnknownCustomer) => {
                provider_customer =
                    self.new_provider_customer(provider, link.customer_id, Some(provider_customer)).await?;
                provider.create_setup(&provider_customer, link.id, link.card_setup.clone()).await
            }
            made => made,
        }?;
        if setup.provider_customer.as_deref() != Some(&*provider_customer) {
            let refused = "it made a setup for another customer than it was asked for".to_owned();
            return Err(CardProviderError::Rejected(refused).into());
        }
        let bound = self.ports.links.bind_card_setup(link.id, link.card_setup.clone(), setup.id.clone()).await?;
        if bound.as_ref() == Some(&setup.id) {
            return Ok(setup);
        }
        let link = Link { card_setup: bound, ..link.clone() };
        self.usable_setup(provider, &link, &provider_customer).await?.ok_or(Failure::Contended)
    }

    /// Stores the card, unless the link is revoked by then; the card is then not left at the provider. What revokes a link
    /// moves its customer's version.
    async fn store_card(
        &self,
        code: &str,
        link: &Link,
        card: Card,
        moment: Moment,
    ) -> Result<LinkState<CardStep>, Failure> {
        let load = async || {
            let is_live = self.find_link(code).await?.is_some_and(|link| link.revoked_at.is_none());
            Ok::<(bool, Option<Card>), Failure>((is_live, self.ports.customers.find_card(link.customer_id).await?))
        };
        let (outcome, is_kept) = self
            .change_after(link.customer_id, &IfMatch::Any, load, |customer, (is_live, stored)| match stored {
                Some(stored) if stored.parts().setup == card.parts().setup => {
                    let outcome = (LinkState::Live(CardStep::Saved(stored)), true);
                    Decision { change: None, outcome: Ok(outcome) }
                }
                stored if !is_live => {
                    let is_kept = stored.is_some_and(|stored| stored.is_same_as(&card));
                    Decision { change: None, outcome: Ok((LinkState::Gone, is_kept)) }
                }
                stored => {
                    let Decision { change, outcome } = customer.set_card(stored.as_ref(), Some(card.clone()), moment);
                    let saved = || (LinkState::Live(CardStep::Saved(card.clone())), true);
                    Decision { change, outcome: outcome.map(|()| saved()) }
                }
            })
            .await?;
        if !is_kept {
            self.send_away(link, &card, moment).await?;
        }
        Ok(outcome)
    }
}

impl fmt::Debug for CardStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("NotOffered"),
            Self::Enter { refusal, .. } => f.debug_struct("Enter").field("refusal", refusal).finish_non_exhaustive(),
            Self::Processing => f.write_str("Processing"),
            Self::Saved(card) => f.debug_tuple("Saved").field(card).finish(),
        }
    }
}

fn card(told: ProvidedCard, provider: &str, setup: String, moment: Moment) -> Result<Card, Failure> {
    let ProvidedCard { payment_method, brand, last4, exp_month, exp_year } = told;
    let card = Card::new(CardParts {
        provider: provider.to_owned(),
        payment_method,
        setup,
        brand,
        last4,
        exp_month,
        exp_year,
        updated_at: moment.now,
    });
    card.map_err(|error| CardProviderError::Rejected(format!("it told of a card whose {error}")).into())
}

#[cfg(test)]
mod tests;
