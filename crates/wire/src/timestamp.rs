//! Times as the world sees them.

use std::fmt;

use domain::Timestamp;
use serde::{Serialize, Serializer};

/// A time in UTC as RFC 3339 with exactly three decimals and `Z`.
#[derive(Debug, Clone, Copy)]
pub struct WireTime(pub Timestamp);

impl fmt::Display for WireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%dT%H:%M:%S%.3fZ").fmt(f)
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
