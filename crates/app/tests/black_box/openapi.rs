//! The API's document, held against the service that it describes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use test_support::{Answer, DatabaseKind, Http, Schemathesis};

use crate::cards::with_test_card;
use crate::world::{World, new_customer, number, other_token, path_of, token_of, until};

crate::on_both_databases!(
    each_operations_example_is_answered_as_the_document_says,
    each_member_of_a_wrong_type_is_refused_by_name_and_so_is_one_that_is_not_described,
    each_parameter_of_a_query_that_makes_no_sense_is_refused_by_name_and_so_is_one_that_is_not_described,
    each_header_that_makes_no_sense_is_refused_by_name_where_the_document_has_it_and_nowhere_else,
    each_operation_is_open_to_the_scopes_that_the_document_says,
    each_address_refuses_the_methods_that_the_document_does_not_have_with_those_that_it_has,
    schemathesis_finds_nothing,
);

/// An operation of the document.
struct Operation {
    method: String,
    path: String,
    described: Value,
}

impl Operation {
    fn id(&self) -> &str {
        self.described["operationId"].as_str().unwrap()
    }

    /// Whether its answer has no end.
    fn is_stream(&self) -> bool {
        !self.described["responses"]["200"]["content"]["text/event-stream"].is_null()
    }

    fn body(&self) -> &Value {
        &self.described["requestBody"]["content"]["application/json"]
    }

    fn parameters(&self, place: &str) -> Vec<&Value> {
        let parameters = self.described["parameters"].as_array().into_iter().flatten();
        parameters.filter(|parameter| parameter["in"] == place).collect()
    }

    fn scope(&self) -> Option<&str> {
        self.described["security"][0]["api_key"][0].as_str()
    }
}

fn document(world: &World) -> Value {
    let answer = world.service.client().get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
    answer.json()
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, described)| Operation {
            method: method.to_ascii_uppercase(),
            path: path.clone(),
            described: described.clone(),
        })
    });
    operations.collect()
}

/// What the paths of the examples are filled in with: things that are there.
struct Things {
    ids: Map<String, Value>,
    token: String,
}

impl Things {
    /// A customer with addresses, a card and a number that waits for its token, an endpoint, an event and a delivery of it.
    fn new(world: &World) -> Self {
        let body = json!({"url": "https://bot.example.com/customers", "event_types": ["verification"]});
        let endpoint = until("an endpoint is made", Duration::from_secs(10), || {
            let made = world.http.post("/v1/webhook_endpoints", &body);
            (made.status == 201).then(|| made.json())
        });
        let customer = world.create();
        with_test_card(world, &path_of(&customer));
        let address = json!({"name": "Yogi Berra", "line1": "1 Wellington St", "postal_code": "K1A 0A6",
            "city": "Ottawa", "region": "ON", "country": "CA"});
        let saved = world.http.send_json("PUT", &format!("{}/addresses/billing", path_of(&customer)), &address);
        assert_eq!(saved.status, 200, "{saved:?}");
        let event = until("his events are read", Duration::from_secs(10), || {
            let read = world.http.get(&format!("/v1/events?customer_id={}", customer["id"].as_str().unwrap()));
            Some(read.json()).filter(|events| events.get(0).is_some())
        });
        let deliveries = format!("/v1/webhook_endpoints/{}/deliveries", endpoint["id"].as_str().unwrap());
        let delivery = until("a delivery is queued", Duration::from_secs(10), || {
            world.http.get(&deliveries).json().get(0).cloned()
        });
        let ids = json!({
            "customer_id": customer["id"], "purpose": "billing", "event_id": event[0]["id"],
            "endpoint_id": endpoint["id"], "delivery_id": delivery["id"],
        });
        let token = json!({"confirmation_token": token_of(&customer)});
        assert_eq!(world.http.post(&format!("{}/confirm", path_of(&customer)), &token).status, 200);
        let changed = world.http.post(&format!("{}/phone_number", path_of(&customer)), &new_customer(&number()));
        let token = token_of(&changed.json()).to_owned();
        Self { ids: ids.as_object().unwrap().clone(), token }
    }

    fn path(&self, operation: &Operation) -> String {
        self.ids
            .iter()
            .fold(operation.path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id.as_str().unwrap()))
    }

    /// The example's body, with the token of the customer that is there.
    fn body(&self, operation: &Operation) -> Option<Value> {
        let mut body = operation.body().get("example")?.clone();
        if body.get("confirmation_token").is_some() {
            body["confirmation_token"] = self.token.clone().into();
        }
        Some(body)
    }
}

fn send(http: &Http, operation: &Operation, path: &str, body: Option<&Value>) -> Answer {
    match body {
        Some(body) => http.send_json(&operation.method, path, body),
        None => http.send(&operation.method, path, &[], ""),
    }
}

/// The answer is one that the document describes: status, headers, body.
fn assert_described(document: &Value, operation: &Operation, answer: &Answer) {
    let told = format!("{} {}: {answer:?}", operation.method, operation.path);
    let mut response = &operation.described["responses"][answer.status.to_string()];
    assert!(!response.is_null(), "the document has no such status: {told}");
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).unwrap();
    }
    for (name, header) in response["headers"].as_object().unwrap() {
        let is_required = header["required"] == true || !header["$ref"].is_null();
        assert!(!is_required || answer.header(name).is_some(), "{name} is not there: {told}");
    }
    for name in ["ETag", "Link", "Location", "Retry-After", "Allow", "WWW-Authenticate", "Idempotency-Replayed"] {
        let is_described = !response["headers"][name].is_null();
        assert!(is_described || answer.header(name).is_none(), "{name} is not described: {told}");
    }
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{told}");
        return;
    };
    let media_type = answer.header("content-type").unwrap();
    let mut schemas = document["components"]["schemas"].clone();
    for schema in schemas.as_object_mut().unwrap().values_mut().filter(|schema| schema["type"] == "object") {
        // Readers shall bear what they do not know; here it is a member that nobody described.
        schema["additionalProperties"] = false.into();
    }
    let schema = json!({"allOf": [content[media_type]["schema"]], "components": {"schemas": schemas}});
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&answer.json()).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new(), "{told}");
}

fn each_operations_example_is_answered_as_the_document_says(kind: DatabaseKind) {
    let world = World::start(kind);
    let document = document(&world);
    for operation in operations(&document).iter().filter(|operation| !operation.is_stream()) {
        // What an operation changes is not there for the next one. Each example is of one number, which can be held once.
        let things = Things::new(&world);
        let world = if operation.id() == "create_customer_with_id" { &World::start(kind) } else { &world };
        let path = match operation.id() {
            "create_customer_with_id" => path_of(&json!({"id": "0193573c-5c2b-7c3a-9d0e-1f2a3b4c5d6e"})),
            _ => things.path(operation),
        };
        let answer = send(&world.http, operation, &path, things.body(operation).as_ref());
        assert!((200..300).contains(&answer.status), "{} {path}: {answer:?}", operation.method);
        assert_described(&document, operation, &answer);
        let reader = world.client_with_scope("read");
        if operation.scope() == Some("read") {
            assert_described(&document, operation, &send(&reader, operation, &path, None));
        }
    }
}

/// The fields that an answer refuses, with their codes.
fn refused(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 422, "{answer:?}");
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no fields: {problem}")).iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors.map(|error| (text(&error["field"]), text(&error["code"]))).collect()
}

fn each_member_of_a_wrong_type_is_refused_by_name_and_so_is_one_that_is_not_described(kind: DatabaseKind) {
    let world = World::start(kind);
    let document = document(&world);
    let things = Things::new(&world);
    let mut seen = 0;
    for operation in &operations(&document) {
        let reads_body = !operation.described["responses"]["415"].is_null();
        if !reads_body {
            continue;
        }
        let example = things.body(operation).unwrap_or_else(|| json!({}));
        let path = things.path(operation);
        let fields = |name: &str, value: Value| {
            let mut body = example.clone();
            if body.get("unconfirmed_phone_number").is_some() {
                body["unconfirmed_phone_number"] = number().into();
            }
            body[name] = value;
            let answer = send(&world.http, operation, &path, Some(&body));
            assert_described(&document, operation, &answer);
            refused(&answer)
        };
        assert_eq!(
            fields("no_such_member", json!(1)),
            [("no_such_member".to_owned(), "unknown".to_owned())],
            "{} {path}",
            operation.method
        );
        let members = operation.body()["schema"]["properties"].as_object().into_iter().flatten();
        for (name, _) in members.filter(|(_, schema)| !schema["type"].is_null()) {
            let wrong = fields(name, json!({}));
            assert_eq!(wrong, [(name.clone(), "wrong_type".to_owned())], "{} {path}", operation.method);
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

fn each_parameter_of_a_query_that_makes_no_sense_is_refused_by_name_and_so_is_one_that_is_not_described(
    kind: DatabaseKind,
) {
    let world = World::start(kind);
    let document = document(&world);
    let things = Things::new(&world);
    for operation in operations(&document).iter().filter(|operation| operation.method == "GET") {
        if operation.described["responses"]["422"].is_null() {
            continue;
        }
        let known = operation.parameters("query").into_iter().map(|parameter| parameter["name"].as_str().unwrap());
        for (name, code) in known.map(|name| (name, "invalid")).chain([("no_such_parameter", "unknown")]) {
            let path = format!("{}?{name}=~", things.path(operation));
            let answer = send(&world.http, operation, &path, None);
            assert_described(&document, operation, &answer);
            assert_eq!(refused(&answer), [(name.to_owned(), code.to_owned())], "{path}");
        }
    }
}

fn each_header_that_makes_no_sense_is_refused_by_name_where_the_document_has_it_and_nowhere_else(kind: DatabaseKind) {
    let world = World::start(kind);
    let document = document(&world);
    for operation in operations(&document).iter().filter(|operation| !operation.is_stream()) {
        for name in ["Idempotency-Key", "If-Match"] {
            let things = Things::new(&world);
            let body = things.body(operation).map(|body| body.to_string()).unwrap_or_default();
            let headers = [("Content-Type", "application/json"), (name, "\"")];
            let answer = world.http.send(&operation.method, &things.path(operation), &headers, body);
            let is_described = operation.parameters("header").iter().any(|parameter| parameter["name"] == name);
            let is_refused = answer.status == 422 && refused(&answer) == [(name.to_owned(), "invalid".to_owned())];
            assert_eq!(is_refused, is_described, "{name} of {} {}: {answer:?}", operation.method, operation.path);
            assert_described(&document, operation, &answer);
        }
    }
}

fn each_operation_is_open_to_the_scopes_that_the_document_says(kind: DatabaseKind) {
    let world = World::start(kind);
    let document = document(&world);
    let things = Things::new(&world);
    let (nobody, reader) = (world.service.client(), world.client_with_scope("read"));
    for operation in &operations(&document) {
        let path = things.path(operation);
        let Some(scope) = operation.scope() else {
            assert_eq!(send(&nobody, operation, &path, None).status, 200, "{path}");
            continue;
        };
        let told = format!("{} {path}", operation.method);
        let answer = send(&nobody, operation, &path, None);
        assert_eq!(answer.status, 401, "{told}");
        if !operation.is_stream() {
            let status = send(&reader, operation, &path, things.body(operation).as_ref()).status;
            assert_eq!(status == 403, scope == "write", "{told}: {status}");
        }
    }
}

fn each_address_refuses_the_methods_that_the_document_does_not_have_with_those_that_it_has(kind: DatabaseKind) {
    let world = World::start(kind);
    let document = document(&world);
    let things = Things::new(&world);
    let operations = operations(&document);
    for path in operations.iter().map(|operation| &operation.path).collect::<BTreeSet<_>>() {
        let known: Vec<&str> =
            operations.iter().filter(|one| one.path == *path).map(|one| one.method.as_str()).collect();
        let address = things
            .ids
            .iter()
            .fold(path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id.as_str().unwrap()));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if !known.contains(&method) {
                let answer = world.http.send(method, &address, &[], "");
                assert_eq!((answer.status, answer.header("allow")), (405, Some(&*known.join(", "))), "{method} {path}");
            }
        }
    }
}

/// `TEST_SCHEMATHESIS_EXAMPLES` says how many requests an operation gets, `TEST_SCHEMATHESIS_SEEDS` which they are.
fn schemathesis_finds_nothing(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_TRUSTED_PROXIES", "127.0.0.0/8")]);
    let things = Things::new(&world);
    let schemathesis = Schemathesis::new(&world.service.url("/openapi.json"), &world.key);
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    let customers: Vec<String> = (0..20).map(|_| id(&world.create())).collect();
    let endpoint = json!({"url": "https://bot.example.com/customers", "event_types": ["customer.updated"]});
    let endpoints = (0..5).map(|_| id(&world.http.post("/v1/webhook_endpoints", &endpoint).json())).collect();
    let mut there = vec![("customers_to_erase", customers), ("endpoints_to_delete", endpoints)];
    for name in ["customer_id", "event_id", "endpoint_id", "delivery_id"] {
        there.push((name, vec![things.ids[name].as_str().unwrap().to_owned()]));
    }
    if let Err(report) = schemathesis.run(&there) {
        let log = world.service.logs();
        // Deliveries to what it made up are given up, of course.
        let is_told = |line: &&str| line.contains("ERROR") || line.contains("WARN") && !line.contains("was given up");
        let told: Vec<&str> = log.lines().filter(is_told).collect();
        panic!("schemathesis finds, {report}\n{}", told.join("\n"));
    }
}

#[test]
fn the_document_is_printed_as_it_is_served_and_needs_no_setting() {
    let world = World::start(DatabaseKind::Sqlite);
    let served = world.service.client().get("/openapi.json");
    let printed =
        test_support::Service::run(crate::world::binary(), &["openapi"], &[("CUSTOMERS_LISTEN", "nonsense")], None);
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!((printed.stdout, printed.stderr), (served.text, String::new()));
}

#[test]
fn the_document_and_its_pages_are_there_for_everybody_and_looked_at_anew_when_they_change() {
    let world = World::start(DatabaseKind::Sqlite);
    let client = world.service.client();
    for path in ["/openapi.json", "/docs", "/errors/phone_number_taken"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-cache")), "{path}");
        let tag = answer.header("etag").unwrap();
        let again = client.send("GET", path, &[("If-None-Match", tag)], "");
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        let head = client.send("HEAD", path, &[], "");
        assert_eq!((head.status, head.header("content-type")), (200, answer.header("content-type")), "{path}");
        assert_eq!(client.send("POST", path, &[], "").status, 405, "{path}");
        if path != "/openapi.json" {
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        }
    }
}

#[test]
fn the_type_of_a_problem_is_the_address_of_its_explanation() {
    let world = World::start(DatabaseKind::Sqlite);
    let customer = world.create();
    let problem =
        world.http.post("/v1/customers", &new_customer(customer["unconfirmed_phone_number"].as_str().unwrap()));
    let explanation = world.service.client().get(problem.json()["type"].as_str().unwrap());
    assert_eq!(explanation.status, 200);
    assert!(explanation.text.contains("<code>existing_customer_id</code>"), "{}", explanation.text);
    let wrong = json!({"confirmation_token": other_token(token_of(&customer))});
    let problem = world.http.post(&format!("{}/confirm", path_of(&customer)), &wrong).json();
    let explanation = world.service.client().get(problem["type"].as_str().unwrap());
    assert!(explanation.text.contains("<code>attempts_remaining</code>"), "{}", explanation.text);
    let unknown = world.service.client().get("/errors/no_such_code");
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("route_not_found")));
}
