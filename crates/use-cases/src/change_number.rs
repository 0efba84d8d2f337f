//! Change a customer's number.

use domain::{Customer, CustomerId, Decision, FieldError, NumberMemory, Phone, Refusal};

use crate::{Answer, Caller, Failure, IfMatch, Service, Terms};

/// What a change of number asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNumber {
    /// The number.
    pub phone: Phone,
    /// Whether it is to be proved. If not, the caller vouches for it.
    pub confirmation: bool,
}

impl Service {
    /// Asks for the proof of another number, or takes it on the caller's word. A confirmed customer keeps his number
    /// until the other one is proved. What cannot be a number comes as what is wrong with it: it is refused, where there
    /// is such a customer at all.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PhoneNumberTaken`], [`Failure::Refused`] with
    /// all bad fields, when the number is his already or it is too soon for another token, what `terms` bring,
    /// [`Failure::Contended`], or the store's.
    pub async fn change_number(
        &self,
        caller: Caller,
        id: CustomerId,
        command: Result<ChangeNumber, Vec<FieldError>>,
        terms: Terms<'_, Customer>,
    ) -> Result<Answer<Customer>, Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let token = self.ports.tokens.confirmation_token();
        let policy = &self.policies.confirmation;
        let memory = match &command {
            Ok(command) if command.confirmation => self.memory_of(&command.phone.number).await?,
            Ok(_) | Err(_) => NumberMemory::default(),
        };
        self.change_once(caller, id, terms, |customer| match &command {
            Ok(ChangeNumber { phone, confirmation: true }) => {
                customer.change_number(phone.clone(), &memory, token, moment, policy)
            }
            Ok(ChangeNumber { phone, confirmation: false }) => customer.trust_number(phone.clone(), moment),
            Err(errors) => Decision { change: None, outcome: Err(Refusal::InvalidFields(errors.clone())) },
        })
        .await
    }

    /// Gives up the number that is to take the place of the customer's.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::Refused`] when
    /// there is none, [`Failure::Contended`], or the store's.
    pub async fn withdraw_number(&self, caller: Caller, id: CustomerId, if_match: &IfMatch) -> Result<(), Failure> {
        caller.require_write()?;
        let moment = self.moment();
        self.change(id, if_match, |customer| customer.withdraw_number(moment)).await
    }
}
