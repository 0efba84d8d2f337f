//! The document: OpenAPI 3.1.

use std::collections::BTreeMap;

use domain::AddressPurpose;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::example::of_schema;
use super::samples::samples;
use crate::events::EVENT_ID;
use crate::operation::{Access, Content, Description, Example, Header, Kind, Operation, Parameter};
use crate::problem::Code;
use crate::router::operations;

/// What comes below which path: name and text.
const GROUPS: [(&str, &str, &str); 4] = [
    ("/v1/customers", "Customers", "Customers, the proof of their phone numbers, and what is kept about them."),
    ("/v1/events", "Events", "What happened, to be read or followed."),
    ("/v1/webhook_endpoints", "Webhooks", "Where events are sent to, and what became of them."),
    ("/", "Health", "For whatever watches the process."),
];

const INTRODUCTION: &str = "\
Keeps customers and proves their phone numbers.\n\n\
Send `Authorization: Bearer KEY` with a key that an operator has made (`customers keys create`). A key has the scope \
`write`, which includes `read`, or `read`, which opens only what changes nothing. Bodies are JSON, and a member that an operation does not know is refused; so \
is such a parameter of a query, where the operation has a query.\n\n\
Every error is a problem document (RFC 9457). Programs go by its `code`; its `type` is the address of an explanation. \
`X-Request-Id` of the answer names the request in the service's log; send one of your own to choose it.\n\n\
The samples for the shell have the key in `$KEY`. Those in JavaScript are modules for the client `dirtylemon`, which finds the \
key in `DIRTYLEMON_API_KEY` and where the service is in `DIRTYLEMON_BASE_URL`.";

/// What may stand in a path.
const PATH_PARAMETERS: [Parameter; 5] = [
    Parameter::new("customer_id", Kind::format("uuid"), "The customer.")
        .example("0193573c-5c2b-7c3a-9d0e-1f2a3b4c5d6e"),
    Parameter::new("purpose", Kind::OneOf(purposes), "Which address.").example("billing"),
    Parameter::new("event_id", EVENT_ID, "The event.").example("evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"),
    Parameter::new("endpoint_id", Kind::pattern("^we_[0-9A-Fa-f]{32}$"), "The webhook endpoint.")
        .example("we_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"),
    Parameter::new("delivery_id", Kind::pattern("^dlv_[0-9A-Fa-f]{32}$"), "The delivery.")
        .example("dlv_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"),
];

fn purposes() -> Vec<&'static str> {
    AddressPurpose::ALL.map(AddressPurpose::as_str).to_vec()
}

/// The document as it is served and printed.
pub fn document() -> String {
    // A value of maps with texts as keys is always written.
    serde_json::to_string_pretty(&value(&operations())).unwrap_or_default() + "\n"
}

/// The document of these operations.
pub(super) fn value(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator =
        settings.with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator();
    let mut responses = BTreeMap::new();
    let mut paths = Map::new();
    generator.subschema_for::<wire::Problem>();
    for operation in operations {
        let described = describe(operation, &mut generator, &mut responses);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described;
    }
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Customers",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "Where this document is."}],
        "tags": GROUPS.map(|(_, name, text)| json!({"name": name, "description": text})),
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": responses,
            "headers": {
                "X-Request-Id": {
                    "description": "Names the request in the service's log.",
                    "required": true,
                    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
                },
            },
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key that an operator has made, with the scope `read` or `write`.",
                },
            },
        },
    });
    add_examples(&mut document);
    document
}

/// The name of the group that a path belongs to.
pub(super) fn group(path: &str) -> &'static str {
    GROUPS.iter().find(|(prefix, ..)| path.starts_with(prefix)).map_or("", |(_, name, _)| name)
}

/// The groups: name and text.
pub(super) fn groups() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.into_iter().map(|(_, name, text)| (name, text))
}

/// What may stand in the path of an operation.
pub(super) fn path_parameters(path: &str) -> impl Iterator<Item = &'static Parameter> {
    let names: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    PATH_PARAMETERS.iter().filter(move |parameter| names.contains(&parameter.name))
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator, responses: &mut BTreeMap<String, Value>) -> Value {
    let Description { id, client, summary, text, access, query, headers, body, .. } = operation.description;
    let mut described = json!({
        "operationId": id,
        "x-client-call": client,
        "tags": [group(operation.path)],
        "summary": summary,
        "description": text,
        "security": match access {
            Access::Anyone => json!([]),
            Access::Read => json!([{"api_key": ["read"]}]),
            Access::Write => json!([{"api_key": ["write"]}]),
        },
    });
    let in_path = path_parameters(operation.path).map(|parameter| sent("path", &parameter.required()));
    let in_query = query.iter().flat_map(|known| known.iter()).map(|parameter| sent("query", parameter));
    let in_headers = headers.iter().map(|parameter| sent("header", parameter));
    let parameters: Vec<Value> = in_path.chain(in_query).chain(in_headers).collect();
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        described["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": object(body), "example": body_example(body)}},
        });
    }
    let mut answers = Map::new();
    let success = &operation.description.success;
    answers.insert(success.status.to_string(), succeeded(operation.description, generator));
    for codes in operation.description.errors().chunk_by(|one, other| one.status() == other.status()) {
        let name = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(".");
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        answers.insert(codes[0].status().to_string(), reference);
        responses.entry(name).or_insert_with(|| failed(codes));
    }
    described["responses"] = answers.into();
    let samples = samples(operation).into_iter();
    described["x-codeSamples"] = samples
        .map(|sample| json!({"lang": sample.language, "label": sample.label, "source": sample.source}))
        .collect();
    described
}

fn sent(place: &str, parameter: &Parameter) -> Value {
    let mut sent = json!({
        "name": parameter.name,
        "in": place,
        "description": parameter.text,
        "required": parameter.is_required,
        "schema": of_parameter(parameter),
    });
    if let Some(example) = parameter.example {
        sent["example"] = of_example(example);
    }
    sent
}

/// The schema of a body.
fn object(parameters: &[Parameter]) -> Value {
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|parameter| {
            let mut schema = of_parameter(parameter);
            schema["description"] = parameter.text.into();
            (parameter.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> =
        parameters.iter().filter(|parameter| parameter.is_required).map(|parameter| parameter.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn of_parameter(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::TextLike { format, pattern, max_length } => {
            let mut schema = json!({"type": "string"});
            for (name, value) in [
                ("format", format.map(Value::from)),
                ("pattern", pattern.map(Value::from)),
                ("maxLength", max_length.map(Value::from)),
            ] {
                if let Some(value) = value {
                    schema[name] = value;
                }
            }
            schema
        }
        Kind::OneOf(names) => json!({"type": "string", "enum": names()}),
        Kind::SomeOf(names) => json!({"type": "array", "items": {"type": "string", "enum": names()}, "minItems": 1}),
        Kind::Flag { default: None } => json!({"type": "boolean"}),
        Kind::Flag { default: Some(default) } => json!({"type": "boolean", "default": default}),
        Kind::Number { min, max, default } => {
            json!({"type": "integer", "minimum": min, "maximum": max, "default": default})
        }
        Kind::Anything => json!({}),
    };
    if parameter.is_nullable {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

pub(super) fn of_example(example: Example) -> Value {
    match example {
        Example::Text(text) => text.into(),
        Example::Texts(texts) => texts.into(),
    }
}

/// The body of an operation's example.
pub(super) fn body_example(parameters: &[Parameter]) -> Value {
    let members = parameters
        .iter()
        .filter_map(|parameter| parameter.example.map(|example| (parameter.name.to_owned(), of_example(example))));
    members.collect::<Map<_, _>>().into()
}

fn succeeded(description: &Description, generator: &mut SchemaGenerator) -> Value {
    let success = &description.success;
    let mut response = json!({"description": success.text, "headers": request_id()});
    if description.has_header("Idempotency-Key") {
        response["headers"]["Idempotency-Replayed"] = json!({
            "description": "`true` where the request was done before, and this is its answer of then.",
            "schema": {"type": "string", "const": "true"},
        });
    }
    for Header { name, text, is_always_there } in success.headers {
        response["headers"][name] =
            json!({"description": text, "required": is_always_there, "schema": {"type": "string"}});
    }
    match success.content {
        Content::Nothing => {}
        Content::Json(schema) => {
            response["content"] = json!({"application/json": {"schema": schema(generator)}});
        }
        Content::EventStream => {
            response["content"] = json!({"text/event-stream": {"schema": {"type": "string"}}});
        }
    }
    response
}

/// The problem documents of codes that share a status.
fn failed(codes: &[Code]) -> Value {
    let status = codes[0].status();
    let titles: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let mut response = json!({"description": titles.join("\n\n"), "headers": request_id()});
    let mut header = |name: &str, text: &str, is_always_there: bool| {
        response["headers"][name] =
            json!({"description": text, "required": is_always_there, "schema": {"type": "string"}});
    };
    match status {
        401 => header("WWW-Authenticate", "`Bearer`.", true),
        409 if codes.contains(&Code::IdempotencyInProgress) => {
            header("Retry-After", "How many seconds to wait, where waiting helps.", false);
        }
        // Of all refusals this one is kept: it cost a try.
        422 if codes.contains(&Code::ConfirmationTokenInvalid) => {
            header(
                "Idempotency-Replayed",
                "`true` where the request was refused before, and this is its answer of then.",
                false,
            );
        }
        429 => header("Retry-After", "How many seconds to wait, where waiting helps.", false),
        503 => header("Retry-After", "How many seconds to wait.", true),
        _ => {}
    }
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let example = json!({"summary": code.title(), "value": {
                "type": format!("/errors/{}", code.as_str()),
                "title": code.title(),
                "status": status,
                "detail": format!("{}.", code.title()),
                "code": code.as_str(),
                "request_id": "01a20a51-dbef-70a7-b111-971fe019a818",
            }});
            (code.as_str().to_owned(), example)
        })
        .collect();
    response["content"] = json!({"application/problem+json": {
        "schema": {
            "allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {
                    "type": "object",
                    "properties": {"status": {"const": status}, "code": {"enum": names}},
                },
            ],
        },
        "examples": examples,
    }});
    response
}

fn request_id() -> Value {
    json!({"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}})
}

/// Gives each answer in JSON an example, made of those of its members.
fn add_examples(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let operations = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = operations.filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    let responses = operations.filter_map(|operation| operation["responses"].as_object_mut());
    for response in responses.flat_map(|responses| responses.values_mut()) {
        if let Some(content) = response.pointer_mut("/content/application~1json") {
            content["example"] = of_schema(&content["schema"], &schemas);
        }
    }
}
