//! The time.

use domain::Timestamp;

/// The time, as an argument of everything that depends on it.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now, in whole milliseconds (cut, not rounded).
    fn now(&self) -> Timestamp;
}
