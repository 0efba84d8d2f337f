//! How the process is.

use schemars::JsonSchema;
use serde::Serialize;

/// That it is well.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// What is well.
    #[schemars(extend("enum" = ["ok", "ready"]), example = &"ok")]
    pub status: &'static str,
}
