//! Examples of what a schema describes.

use serde_json::{Map, Value};

/// An example of a schema, made of those of its parts. `schemas` are those that references name.
pub(super) fn of_schema(schema: &Value, schemas: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return of_schema(&schemas[name], schemas);
    }
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if let Some(first) = schema["anyOf"].get(0) {
        return of_schema(first, schemas);
    }
    match main_type(schema) {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, member)| (name.clone(), of_schema(member, schemas))).collect::<Map<_, _>>().into()
        }
        Some("array") => vec![of_schema(&schema["items"], schemas)].into(),
        Some("boolean") => false.into(),
        _ => Value::Null,
    }
}

/// What it is, unless it must be `null`-able text of which there is no example.
fn main_type(schema: &Value) -> Option<&str> {
    schema["type"].as_str()
}
