//! The document says what the routes do, and its examples are what it describes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::document::value;
use super::errors::section;
use super::*;
use crate::operation::Operation;

/// Every operation of the document: method, path and what is said of it.
fn described(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, described)| (method.to_ascii_uppercase(), path.clone(), described.clone()))
    });
    operations.collect()
}

/// A schema of the document, with the schemas that it refers to.
fn validator(schema: &Value, document: &Value) -> jsonschema::Validator {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::draft202012::new(&whole).unwrap()
}

#[test]
fn the_document_has_the_operations_of_the_routes_each_under_a_name_of_its_own() {
    let operations = operations();
    let document = value(&operations);
    let routed: BTreeSet<_> =
        operations.iter().map(|operation| (operation.method.to_string(), operation.path.to_owned())).collect();
    assert_eq!(routed.len(), operations.len(), "no operation is routed twice");
    let described = described(&document);
    let names: BTreeSet<_> =
        described.iter().map(|(.., described)| described["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), described.len());
    assert_eq!(described.into_iter().map(|(method, path, _)| (method, path)).collect::<BTreeSet<_>>(), routed);
}

#[test]
fn only_operations_of_one_path_share_a_call_of_the_client() {
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    for Operation { path, description, .. } in operations() {
        let call = description.client;
        assert!(call.split_once('.').is_some_and(|(resource, method)| !resource.is_empty() && !method.contains('.')));
        assert_eq!(*paths.entry(call).or_insert(path), path, "{call}");
    }
}

#[test]
fn every_part_of_a_path_is_described_and_has_an_example() {
    for operation in operations() {
        let described = document::path_parameters(operation.path).filter(|parameter| parameter.example.is_some());
        assert_eq!(described.count(), operation.path.matches('{').count(), "{}", operation.path);
    }
}

#[test]
fn every_example_is_what_its_schema_describes() {
    let document = value(&operations());
    let mut seen = 0;
    for (method, path, operation) in described(&document) {
        let responses = operation["responses"].as_object().unwrap().values();
        let bodies = responses.chain([&operation["requestBody"]]);
        for content in bodies.filter_map(|body| body["content"].as_object()).flat_map(|content| content.values()) {
            if let Some(example) = content.get("example") {
                let validator = validator(&content["schema"], &document);
                let errors: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
                assert_eq!(errors, Vec::<String>::new(), "{method} {path}: {example:#}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let content = &response["content"]["application/problem+json"];
        for example in content["examples"].as_object().unwrap().values() {
            assert!(validator(&content["schema"], &document).is_valid(&example["value"]), "{name}: {example:#}");
        }
    }
}

#[test]
fn every_code_has_its_entry_and_its_page() {
    for code in Code::ALL {
        assert!(section(code).is_some_and(|text| text.contains(&code.status().to_string())), "{}", code.as_str());
    }
    let api = Api::new();
    assert!(api.texts().is_ok_and(|texts| texts.errors.len() == Code::ALL.len()));
}
