//! The setups that the stand-in remembers: the latest so many, in memory.

use std::collections::{HashMap, VecDeque};

use domain::LinkId;
use ports::{CardSetup, CardSetupState, ProvidedCard};

/// For which link a setup is, and in place of which earlier one.
pub(super) type Purpose = (LinkId, Option<String>);

/// A setup.
pub(super) struct Setup {
    pub(super) id: String,
    pub(super) client_secret: String,
    pub(super) customer: String,
    pub(super) purpose: Purpose,
    /// How many cards were entered.
    pub(super) entered: u32,
    pub(super) state: State,
}

/// Where a setup stands.
pub(super) enum State {
    AwaitsCard { refusal: Option<&'static str> },
    AwaitsCustomer(ProvidedCard),
    Succeeded(ProvidedCard),
}

impl Setup {
    /// The state by the API's name.
    pub(super) fn status(&self) -> &'static str {
        match self.state {
            State::AwaitsCard { .. } => "requires_payment_method",
            State::AwaitsCustomer(_) => "requires_action",
            State::Succeeded(_) => "succeeded",
        }
    }

    /// The setup as the port has it.
    pub(super) fn present(&self) -> CardSetup {
        CardSetup {
            id: self.id.clone(),
            client_secret: self.client_secret.clone(),
            provider_customer: Some(self.customer.clone()),
            state: match &self.state {
                State::AwaitsCard { refusal } => CardSetupState::AwaitsCard { refusal: refusal.map(str::to_owned) },
                State::AwaitsCustomer(_) => CardSetupState::AwaitsCustomer,
                State::Succeeded(card) => CardSetupState::Succeeded(card.clone()),
            },
        }
    }
}

/// The setups, the oldest of which give way to new ones.
pub(super) struct Store {
    most: usize,
    /// How many were ever made: no two have the same number.
    made: u64,
    setups: HashMap<String, Setup>,
    by_purpose: HashMap<Purpose, String>,
    oldest_first: VecDeque<String>,
}

impl Store {
    pub(super) fn new(most: usize) -> Self {
        Self { most, made: 0, setups: HashMap::new(), by_purpose: HashMap::new(), oldest_first: VecDeque::new() }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Setup> {
        self.setups.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Setup> {
        self.setups.get_mut(id)
    }

    pub(super) fn by_purpose(&self, purpose: &Purpose) -> Option<&Setup> {
        self.setups.get(self.by_purpose.get(purpose)?)
    }

    /// The number of the next setup.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Keeps a setup, and forgets the oldest when there are too many.
    pub(super) fn insert(&mut self, setup: Setup) {
        self.by_purpose.insert(setup.purpose.clone(), setup.id.clone());
        self.oldest_first.push_back(setup.id.clone());
        self.setups.insert(setup.id.clone(), setup);
        while self.oldest_first.len() > self.most
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            if let Some(forgotten) = self.setups.remove(&oldest) {
                self.by_purpose.remove(&forgotten.purpose);
            }
        }
    }
}
