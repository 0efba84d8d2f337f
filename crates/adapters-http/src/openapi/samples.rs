//! An operation as it is called.

use std::fmt::Write;

use actix_web::http::Method;
use serde_json::Value;

use super::document::{body_example, path_parameters};
use crate::operation::{Access, Content, Example, Operation, Parameter};

/// Where the samples look for the service.
const ORIGIN: &str = "http://127.0.0.1:8080";

/// What calls an operation by its example.
pub(super) struct Sample {
    /// As highlighters name it.
    pub(super) language: &'static str,
    pub(super) label: &'static str,
    pub(super) source: String,
}

/// All samples of an operation.
pub(super) fn samples(operation: &Operation) -> Vec<Sample> {
    vec![
        Sample { language: "Shell", label: "curl", source: curl(operation) },
        Sample { language: "JavaScript", label: "JavaScript", source: javascript(operation) },
    ]
}

fn curl(operation: &Operation) -> String {
    let mut call = match (&operation.method, &operation.description.success.content) {
        (_, Content::EventStream) => "curl --no-buffer".to_owned(),
        (&Method::GET, _) => "curl".to_owned(),
        (&Method::HEAD, _) => "curl --head".to_owned(),
        (method, _) => format!("curl -X {method}"),
    };
    // Writing into a string does not fail.
    if operation.description.access != Access::Anyone {
        let _ = write!(call, " -H \"Authorization: Bearer $KEY\"");
    }
    if let Some(body) = example(operation) {
        let _ = write!(call, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'");
    }
    let path = path_examples(operation)
        .fold(operation.path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
    let _ = write!(call, " \\\n  {ORIGIN}{path}");
    call
}

/// A call of the client in `clients/node`, as a module that is run as it stands.
fn javascript(operation: &Operation) -> String {
    let path = path_examples(operation).map(|(_, value)| literal(&value.into(), ""));
    let body = example(operation).map(|body| literal(&body, ""));
    let arguments: Vec<String> = path.chain(body).collect();
    let call = format!("dirtylemon.{}({})", operation.description.client, arguments.join(", "));
    let statement = match operation.description.success.content {
        Content::EventStream => format!("for await (const event of {call}) {{\n  console.log(event);\n}}"),
        Content::Json(_) if operation.description.has_pages() => {
            format!("for await (const found of {call}) {{\n  console.log(found);\n}}")
        }
        Content::Json(_) => format!("const answer = await {call};\nconsole.log(answer);"),
        Content::Nothing if operation.method == Method::HEAD => format!("console.log(await {call});"),
        Content::Nothing => format!("await {call};"),
    };
    format!("import dirtylemon from 'dirtylemon';\n\n{statement}")
}

/// The body of an operation's example, where it has one.
fn example(operation: &Operation) -> Option<Value> {
    operation.description.body.filter(|body| !body.is_empty()).map(body_example)
}

/// What stands in the path of an operation's example: names and values.
fn path_examples(operation: &Operation) -> impl Iterator<Item = (&'static str, &'static str)> {
    path_parameters(operation.path).filter_map(|Parameter { name, example, .. }| match example {
        Some(Example::Text(example)) => Some((*name, *example)),
        _ => None,
    })
}

/// A value as people write it in JavaScript. The names of members are identifiers.
fn literal(value: &Value, indent: &str) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(item, indent)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let deeper = format!("{indent}  ");
            let member = |(name, value)| format!("{deeper}{name}: {},\n", literal(value, &deeper));
            format!("{{\n{}{indent}}}", members.iter().map(member).collect::<String>())
        }
        other => other.to_string(),
    }
}
