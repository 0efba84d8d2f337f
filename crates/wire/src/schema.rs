//! How the texts of the JSON are described where their Rust type does not say it. All else is derived.

use domain::{DisabledReason, EventType, Repeat};
use schemars::{Schema, SchemaGenerator, json_schema};

pub(crate) fn customer_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "uuid", "examples": ["0193573c-5c2b-7c3a-9d0e-1f2a3b4c5d6e"]})
}

pub(crate) fn event_id(_: &mut SchemaGenerator) -> Schema {
    prefixed_id("evt_")
}

pub(crate) fn endpoint_id(_: &mut SchemaGenerator) -> Schema {
    prefixed_id("we_")
}

pub(crate) fn delivery_id(_: &mut SchemaGenerator) -> Schema {
    prefixed_id("dlv_")
}

fn prefixed_id(prefix: &str) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": format!("^{prefix}[0-9a-f]{{32}}$"),
        "examples": [format!("{prefix}0193573c5c2b7c3a9d0e1f2a3b4c5d6e")],
    })
}

pub(crate) fn country_code(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["CA"]})
}

pub(crate) fn event_types(_: &mut SchemaGenerator) -> Schema {
    let names = EventType::ALL.map(EventType::as_str);
    json_schema!({
        "type": "array",
        "items": {"type": "string", "enum": names},
        "minItems": 1,
        "uniqueItems": true,
        "examples": [names],
    })
}

pub(crate) fn disabled_reason(_: &mut SchemaGenerator) -> Schema {
    nullable(DisabledReason::ALL.map(DisabledReason::as_str))
}

pub(crate) fn repeat(_: &mut SchemaGenerator) -> Schema {
    nullable(Repeat::ALL.map(Repeat::as_str))
}

fn nullable<const N: usize>(names: [&str; N]) -> Schema {
    let names: Vec<Option<&str>> = names.into_iter().map(Some).chain([None]).collect();
    json_schema!({"type": ["string", "null"], "enum": names, "examples": [null]})
}
