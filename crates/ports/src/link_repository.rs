//! Where links to the customer's own pages are kept.

use async_trait::async_trait;
use domain::{CustomerId, Link, LinkId, Timestamp};

use crate::{Digest, StoreError};

/// Keeps links by the digest of their code. What it keeps opens nothing: a code is derived from the link's id with the
/// service's secret key.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LinkRepository: Send + Sync {
    /// The customer's link of the highest generation for each purpose that he has had one for, live or not.
    ///
    /// # Errors
    /// When the store fails.
    async fn latest(&self, customer_id: CustomerId) -> Result<Vec<StoredLink>, StoreError>;

    /// All links of the customer that are kept, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    async fn all(&self, customer_id: CustomerId) -> Result<Vec<Link>, StoreError>;

    /// Stores links of one customer and returns, in their order, what is stored under each one's customer, purpose and
    /// generation: the link itself, or the one that another request stored there first. In the same transaction
    /// removes his links that expired before `forget_before`, so that a customer's links stay few. What was begun with one
    /// of them at a card provider and brought no card that is his is put among the due ones of
    /// [`DetachmentQueue`](crate::DetachmentQueue), under the link's id. Returns nothing where the customer is gone.
    ///
    /// # Errors
    /// When the store fails; then none is stored.
    async fn issue(&self, links: Vec<StoredLink>, forget_before: Timestamp) -> Result<Vec<StoredLink>, StoreError>;

    /// The link whose code has this digest, live or not.
    ///
    /// # Errors
    /// When the store fails.
    async fn find_by_code(&self, code: &Digest) -> Result<Option<Link>, StoreError>;

    /// Notes the procedure that was begun with a link, over `replaces`, which is what is noted there now, and returns
    /// what is noted then: `setup`, or what another request noted first. `None` when there is no such link, or nothing
    /// is noted where something was to be replaced. Whether the link is live is not looked at.
    ///
    /// # Errors
    /// When the store fails.
    async fn bind_card_setup(
        &self,
        id: LinkId,
        replaces: Option<String>,
        setup: String,
    ) -> Result<Option<String>, StoreError>;
}

/// A link and the digest that it is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLink {
    /// The link.
    pub link: Link,
    /// The digest of its code, under the secret key that it was made with.
    pub code: Digest,
}
