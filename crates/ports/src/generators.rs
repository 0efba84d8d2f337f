//! Fresh ids and tokens.

use domain::{ConfirmationToken, CustomerId, DeliveryId, EndpointId, EventId, LinkId};
use uuid::Uuid;

use crate::{ApiKeyId, ApiKeySecret, LeaseHolder, WebhookSecret};

/// Fresh ids. None is ever given twice.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdGenerator: Send + Sync {
    /// A version 7 UUID, so that keys are in the order of their making on any node.
    fn customer_id(&self) -> CustomerId;
    /// A version 7 UUID.
    fn event_id(&self) -> EventId;
    /// 122 random bits: nothing about one link tells of another.
    fn link_id(&self) -> LinkId;
    /// A version 7 UUID.
    fn api_key_id(&self) -> ApiKeyId;
    /// A version 7 UUID.
    fn endpoint_id(&self) -> EndpointId;
    /// A version 7 UUID.
    fn delivery_id(&self) -> DeliveryId;
    /// 122 random bits.
    fn lease_holder(&self) -> LeaseHolder;
    /// A version 7 UUID for a request that brings no id of its own.
    fn request_id(&self) -> Uuid;
}

/// Fresh secrets, from a cryptographically secure source.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait TokenGenerator: Send + Sync {
    /// A token, each of the million equally likely.
    fn confirmation_token(&self) -> ConfirmationToken;
    /// An API key of 256 random bits with the recognisable prefix [`ApiKeySecret::PREFIX`].
    fn api_key(&self) -> ApiKeySecret;
    /// A webhook secret of 256 random bits.
    fn webhook_secret(&self) -> WebhookSecret;
}
