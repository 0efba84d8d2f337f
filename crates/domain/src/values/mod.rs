//! Value types: made by one constructor each, right from then on.

mod address;
mod card_number_guard;
mod confirmation_token;
mod country_code;
mod email;
mod ids;
mod person_name;
mod phone;
mod text;

pub use address::{
    Address, AddressField, AddressFormat, AddressInput, AddressParts, AddressPurpose, AddressRegion, CityKind,
    PostalCodeKind, RegionKind,
};
pub use card_number_guard::{CARD_NUMBER_REFUSED, contains_card_number};
pub use confirmation_token::{ConfirmationToken, ConfirmationTokenError};
pub use country_code::{CountryCode, CountryCodeError};
pub use email::{Email, EmailError};
pub use ids::{CustomerId, DeliveryId, EndpointId, EventId, LinkId};
pub use person_name::{PersonName, PersonNameError};
pub use phone::{PHONE_METADATA_VERSION, Phone, PhoneNumber, PhoneNumberError, PhoneValidation};
