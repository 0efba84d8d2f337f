//! A customer goes, and with him all that is kept about him.

use super::{Customer, NumberMemory};
use crate::{Card, Change, Decision, DetailChange, EventBody, Moment, PhoneNumber};

impl Customer {
    /// Removes the customer and all that is kept about him; `card` is his, which is to be removed at its provider too.
    /// Fires `customer.erased`, the one event of his that still goes out. His numbers are free, and his id is used for
    /// ever.
    pub fn erase(&self, card: Option<&Card>, moment: Moment) -> Decision<()> {
        let at = self.not_before_last_change(moment.now);
        let mut gone = self.clone();
        gone.0.version += 1;
        let event = gone.event(moment, at, |_| EventBody::Erased);
        let numbers: Vec<PhoneNumber> = self.numbers().into_iter().cloned().collect();
        let releases: Vec<(PhoneNumber, NumberMemory)> =
            numbers.into_iter().map(|number| self.remembered(number)).collect();
        let change = Change::update(gone, self.0.version, vec![event]).erasing().moving_claims(Vec::new(), releases);
        let change = match card {
            Some(card) => change.with_details(DetailChange::Card { card: None, detaches: Some(card.clone()) }),
            None => change,
        };
        Decision { change: Some(change), outcome: Ok(()) }
    }
}
