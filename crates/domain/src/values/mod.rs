//! Value types: made by one constructor each, right from then on.

mod confirmation_token;
mod country_code;
mod email;
mod ids;
mod person_name;
mod phone;

pub use confirmation_token::{ConfirmationToken, ConfirmationTokenError};
pub use country_code::{CountryCode, CountryCodeError};
pub use email::{Email, EmailError};
pub use ids::{CustomerId, DeliveryId, EndpointId, EventId, LinkId};
pub use person_name::{PersonName, PersonNameError};
pub use phone::{PHONE_METADATA_VERSION, Phone, PhoneNumber, PhoneNumberError, PhoneValidation, load_phone_metadata};
