//! `/docs`: the document for people. It is written once and needs no script.

use askama::Template;
use serde_json::Value;

use super::document::{group, groups, path_parameters, value};
use super::errors::to_html;
use super::samples::{Sample, samples};
use crate::operation::{Access, Content, Kind, Operation, Parameter};
use crate::problem::Code;

#[derive(Template)]
#[template(path = "api_docs.html")]
struct DocsPage<'a> {
    style_url: &'a str,
    version: &'static str,
    introduction: String,
    groups: Vec<Group<'a>>,
}

struct Group<'a> {
    name: &'static str,
    text: &'static str,
    operations: Vec<Shown<'a>>,
}

struct Shown<'a> {
    operation: &'a Operation,
    text: String,
    access: &'static str,
    parameters: Vec<Row>,
    members: Vec<Row>,
    answer_headers: Vec<Row>,
    answer: Option<String>,
    answer_members: Vec<Row>,
    errors: Vec<Code>,
    samples: Vec<Sample>,
}

/// What is said of a parameter, or of a member of an answer.
struct Row {
    name: String,
    kind: String,
    note: &'static str,
    text: String,
}

/// The page of these operations.
pub(super) fn page(operations: &[Operation], style_url: &str) -> Result<String, askama::Error> {
    let document = value(operations);
    let of_group = |name| operations.iter().filter(move |operation| group(operation.path) == name);
    let page = DocsPage {
        style_url,
        version: env!("CARGO_PKG_VERSION"),
        introduction: to_html(document["info"]["description"].as_str().unwrap_or_default()),
        groups: groups()
            .map(|(name, text)| {
                let operations = of_group(name).map(|operation| shown(operation, &document)).collect();
                Group { name, text, operations }
            })
            .collect(),
    };
    page.render()
}

fn shown<'a>(operation: &'a Operation, document: &Value) -> Shown<'a> {
    let description = operation.description;
    let in_path = path_parameters(operation.path).map(|parameter| row("path", &parameter.required()));
    let in_query = description.query.iter().flat_map(|known| known.iter()).map(|parameter| row("query", parameter));
    let in_headers = description.headers.iter().map(|parameter| row("header", parameter));
    let method = operation.method.as_str().to_ascii_lowercase();
    let response = &document["paths"][operation.path][method]["responses"][description.success.status.to_string()];
    let content = &response["content"]["application/json"];
    let is_json = matches!(description.success.content, Content::Json(_));
    Shown {
        operation,
        text: to_html(description.text),
        access: match description.access {
            Access::Anyone => "no key",
            Access::Read => "scope read",
            Access::Write => "scope write",
        },
        parameters: in_path.chain(in_query).chain(in_headers).collect(),
        members: description.body.iter().flat_map(|body| body.iter()).map(|parameter| row("body", parameter)).collect(),
        answer_headers: response["headers"].as_object().into_iter().flatten().filter_map(answer_header).collect(),
        answer: is_json.then(|| format!("{:#}", content["example"])),
        answer_members: answer_members(&content["schema"], &document["components"]["schemas"]),
        errors: description.errors(),
        samples: samples(operation),
    }
}

fn row(place: &str, parameter: &Parameter) -> Row {
    let kind = match parameter.kind {
        Kind::Text | Kind::TextLike { .. } => "text".to_owned(),
        Kind::OneOf(names) => format!("one of {}", names().join(", ")),
        Kind::SomeOf(names) => format!("list of {}", names().join(", ")),
        Kind::Flag { .. } => "true or false".to_owned(),
        Kind::Number { min, max, default } => format!("whole number from {min} to {max}, else {default}"),
        Kind::Anything => "anything".to_owned(),
    };
    let kind = if parameter.is_nullable { format!("{kind}, or null") } else { kind };
    let kind = if place == "body" { kind } else { format!("{place}, {kind}") };
    let note = if parameter.is_required { "required" } else { "" };
    Row { name: parameter.name.to_owned(), kind, note, text: inline(parameter.text) }
}

/// A header that this answer has, and not every one.
fn answer_header((name, header): (&String, &Value)) -> Option<Row> {
    let text = header["description"].as_str()?;
    Some(Row { name: name.clone(), kind: "header".to_owned(), note: "", text: inline(text) })
}

/// The members of the object that a schema is, or is a list of.
fn answer_members(schema: &Value, schemas: &Value) -> Vec<Row> {
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let schema = name.map_or(schema, |name| &schemas[name]);
    if let Some(first) = schema["anyOf"].get(0) {
        return answer_members(first, schemas);
    }
    let members = schema["properties"].as_object().into_iter().flatten();
    let row = |(name, member): (&String, &Value)| Row {
        name: name.clone(),
        kind: type_name(member),
        note: "",
        text: inline(member["description"].as_str().unwrap_or_default()),
    };
    members.map(row).collect()
}

fn type_name(schema: &Value) -> String {
    let name = |name: &str| match name {
        "string" => "text".to_owned(),
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::String(kind) => name(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(name).collect::<Vec<_>>().join(" or "),
        _ => "object".to_owned(),
    }
}

/// A sentence as HTML that stands in a line.
fn inline(markdown: &str) -> String {
    let html = to_html(markdown);
    html.trim().trim_start_matches("<p>").trim_end_matches("</p>").to_owned()
}
