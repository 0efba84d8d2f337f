//! An operation as it is called.

use std::fmt::Write;

use actix_web::http::Method;

use super::document::{body_example, path_parameters};
use crate::operation::{Access, Content, Example, Operation};

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
    vec![Sample { language: "Shell", label: "curl", source: curl(operation) }]
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
    if let Some(body) = operation.description.body.filter(|body| !body.is_empty()) {
        let body = body_example(body);
        let _ = write!(call, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'");
    }
    let _ = write!(call, " \\\n  {ORIGIN}{}", example_path(operation.path));
    call
}

/// The path of an operation's example.
fn example_path(path: &str) -> String {
    path_parameters(path).fold(path.to_owned(), |path, parameter| match parameter.example {
        Some(Example::Text(example)) => path.replace(&format!("{{{}}}", parameter.name), example),
        _ => path,
    })
}
