//! What is kept beside the customer object: two addresses and a card.

use super::Customer;
use crate::{Address, AddressPurpose, Card, Changed, Decision, DetailChange, Moment};

/// A customer's addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Where bills go.
    pub billing: Option<Address>,
    /// Where goods go.
    pub shipping: Option<Address>,
}

impl Addresses {
    /// The address of a purpose.
    pub fn get(&self, purpose: AddressPurpose) -> Option<&Address> {
        match purpose {
            AddressPurpose::Billing => self.billing.as_ref(),
            AddressPurpose::Shipping => self.shipping.as_ref(),
        }
    }

    /// Puts an address in the place of its purpose.
    pub fn set(&mut self, purpose: AddressPurpose, address: Option<Address>) {
        match purpose {
            AddressPurpose::Billing => self.billing = address,
            AddressPurpose::Shipping => self.shipping = address,
        }
    }
}

impl Customer {
    /// Saves, replaces or removes the address of a purpose, of which `stored` is what is kept now, and fires
    /// `customer.updated`. An address that is kept already is no change.
    pub fn set_address(
        &self,
        purpose: AddressPurpose,
        stored: Option<&Address>,
        address: Option<Address>,
        moment: Moment,
    ) -> Decision<()> {
        if stored == address.as_ref() {
            return Decision { change: None, outcome: Ok(()) };
        }
        self.set_detail(Changed::Address(purpose), DetailChange::Address(purpose, address), moment)
    }

    /// Saves, replaces or removes the card, of which `stored` is the one that is kept now, and fires
    /// `customer.updated`. The card that goes is to be removed at its provider too; a new one uses up the links to the
    /// card's form. A card that is kept already is no change.
    pub fn set_card(&self, stored: Option<&Card>, card: Option<Card>, moment: Moment) -> Decision<()> {
        if stored == card.as_ref() {
            return Decision { change: None, outcome: Ok(()) };
        }
        let gone = stored.filter(|stored| !card.as_ref().is_some_and(|card| card.is_same_as(stored)));
        let details = DetailChange::Card { detaches: gone.cloned(), card };
        self.set_detail(Changed::Card, details, moment)
    }

    fn set_detail(&self, changed: Changed, details: DetailChange, moment: Moment) -> Decision<()> {
        let at = self.not_before_last_change(moment.now);
        let change = self.visible_change(self.clone(), at, |next| vec![next.updated(moment, at, vec![changed])]);
        Decision { change: Some(change.with_details(details)), outcome: Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::properties::{address, at, card, confirmed, moment};
    use crate::{EventBody, LinkPurpose};

    fn changed(change: &crate::Change) -> Vec<&'static str> {
        let [event] = change.events() else { panic!("one event") };
        let EventBody::Updated { changed, .. } = &event.body else { panic!("an update") };
        changed.iter().map(|changed| changed.as_str()).collect()
    }

    #[test]
    fn an_address_is_saved_with_an_event_that_names_its_purpose() {
        let customer = confirmed();
        for (purpose, name) in AddressPurpose::ALL.into_iter().zip(["billing_address", "shipping_address"]) {
            let change = customer.set_address(purpose, None, Some(address(1)), moment(at(5))).change.unwrap();
            assert_eq!(change.details(), Some(&DetailChange::Address(purpose, Some(address(1)))));
            assert_eq!(changed(&change), [name]);
            assert_eq!(change.revokes_links(), [], "the person may correct himself");
            assert_eq!(change.customer().parts().updated_at, at(5));
        }
    }

    #[test]
    fn what_is_kept_already_is_no_change() {
        let customer = confirmed();
        let same = customer.set_address(AddressPurpose::Billing, Some(&address(1)), Some(address(1)), moment(at(5)));
        assert_eq!(same, Decision { change: None, outcome: Ok(()) });
        let same = customer.set_card(Some(&card(1)), Some(card(1)), moment(at(5)));
        assert_eq!(same, Decision { change: None, outcome: Ok(()) });
    }

    #[test]
    fn a_new_card_sends_the_old_one_away_and_uses_up_the_links_to_its_form() {
        let change = confirmed().set_card(Some(&card(1)), Some(card(2)), moment(at(5))).change.unwrap();
        let details = DetailChange::Card { card: Some(card(2)), detaches: Some(card(1)) };
        assert_eq!(change.details(), Some(&details));
        assert_eq!(change.revokes_links(), [LinkPurpose::Card]);
        assert_eq!(changed(&change), ["card"]);
    }

    #[test]
    fn a_card_that_comes_by_another_setup_is_not_sent_away() {
        let again = crate::CardParts { setup: "seti_9".to_owned(), ..card(1).parts().clone() };
        let again = Card::new(again).unwrap();
        let change = confirmed().set_card(Some(&card(1)), Some(again.clone()), moment(at(5))).change.unwrap();
        assert_eq!(change.details(), Some(&DetailChange::Card { card: Some(again), detaches: None }));
    }

    #[test]
    fn another_confirmed_number_revokes_all_links_and_the_first_one_none() {
        let canada = crate::CountryCode::parse("CA").unwrap();
        let phone = |number| crate::Phone::read(number, canada, crate::PhoneValidation::Possible).unwrap();
        let with_number = |number| {
            let confirmed =
                crate::Confirmed { phone: phone(number), confirmed_at: at(1), proof: crate::Proof::Trusted };
            let phone = crate::PhoneState::Confirmed(confirmed);
            Customer::from_parts(crate::CustomerParts { phone, ..confirmed_parts() })
        };
        let before = with_number("+14185810827");
        let moved = before.visible_change(with_number("+14185810828"), at(2), |_| Vec::new());
        assert_eq!(moved.revokes_links(), LinkPurpose::ALL);
        let same = before.visible_change(before.clone(), at(2), |_| Vec::new());
        assert_eq!(same.revokes_links(), []);
        let first = crate::customer::properties::unconfirmed().visible_change(before, at(2), |_| Vec::new());
        assert_eq!(first.revokes_links(), [], "nobody else had them");
    }

    fn confirmed_parts() -> crate::CustomerParts {
        confirmed().parts().clone()
    }

    #[test]
    fn a_removed_card_leaves_the_links_as_they_are() {
        let change = confirmed().set_card(Some(&card(1)), None, moment(at(5))).change.unwrap();
        assert_eq!(change.details(), Some(&DetailChange::Card { card: None, detaches: Some(card(1)) }));
        assert_eq!(change.revokes_links(), []);
    }
}
