//! Identifiers. They are made outside (see the port `IdGenerator`) and are arguments here.

use std::fmt;

use uuid::Uuid;

/// A customer's id: a UUID (RFC 9562), version 7 when the service makes it, any other when the caller brings his own.
///
/// ```
/// use domain::CustomerId;
///
/// let id = CustomerId::parse("FFFD7E80-1691-41f5-8946-9deeaf0b8640").unwrap();
/// assert_eq!(id.to_string(), "fffd7e80-1691-41f5-8946-9deeaf0b8640");
/// assert_eq!(CustomerId::parse("6243c9"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(Uuid);

/// An event's id: `evt_` and a version 7 UUID in 32 hexadecimal digits.
///
/// ```
/// use domain::EventId;
///
/// let id = EventId::parse("evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e").unwrap();
/// assert_eq!(EventId::parse(&id.to_string()), Some(id));
/// assert_eq!(EventId::parse("0193573c5c2b7c3a9d0e1f2a3b4c5d6e"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

/// A webhook endpoint's id: `we_` and a version 7 UUID in 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(Uuid);

/// A delivery's id: `dlv_` and a version 7 UUID in 32 hexadecimal digits. Of one endpoint, later deliveries have higher
/// ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(Uuid);

/// A link's id: random, never shown. The code in the link's URL is derived from it with the service's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkId(Uuid);

macro_rules! uuid_id {
    ($($id:ident),*) => {$(
        impl $id {
            /// The UUID within.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $id {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    )*};
}

uuid_id!(CustomerId, EventId, EndpointId, DeliveryId, LinkId);

impl CustomerId {
    /// Reads the 36 characters of a hyphenated UUID, in either case. Other spellings (braces, `urn:`, no hyphens) are
    /// no customer's id: one customer has one URL.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == 36 { Uuid::parse_str(text).ok().map(Self) } else { None }
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

macro_rules! prefixed_id {
    ($($id:ident $prefix:literal),*) => {$(
        impl $id {
            /// Reads an id as [`Display`](fmt::Display) writes it.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?;
                if digits.len() == 32 { Uuid::parse_str(digits).ok().map(Self) } else { None }
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }
    )*};
}

prefixed_id!(EventId "evt_", EndpointId "we_", DeliveryId "dlv_");
