//! `customers events` and `customers endpoints`: what the API does, for whoever sits beside the database.

use domain::{EventType, WebhookEndpoint};
use serde::Serialize;
use serde_json::Value;
use use_cases::{Answer, Caller, CreateEndpoint, EventQuery};
use wire::{TestOutcome, WireTime};

use crate::cli::{CreateEndpointArguments, EndpointsCommand, EventsCommand, ListEventsArguments};
use crate::commands::{Failure, print};
use crate::settings::Settings;
use crate::table::print_table;
use crate::wiring;

pub(crate) async fn events(settings: &Settings, command: EventsCommand) -> Result<(), Failure> {
    let EventsCommand::List(ListEventsArguments { after, customer_id, limit, json }) = command;
    let query = EventQuery { after, customer_id, limit };
    let events = wiring::service(settings, true).await?.read_events(query).await?.events;
    if json {
        let documents: Vec<&str> = events.iter().map(|event| event.payload.as_str()).collect();
        return print(&format!("[{}]", documents.join(",")));
    }
    let rows: Vec<[String; 6]> = events
        .iter()
        .map(|event| {
            let document: Value = serde_json::from_str(&event.payload).unwrap_or_default();
            let of_data = |name: &str| match document.get("data").and_then(|data| data.get(name)) {
                None => "-".to_owned(),
                Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            };
            [
                event.id.to_string(),
                event.event_type.clone(),
                of_data("status"),
                event.customer_id.to_string(),
                of_data("sequence"),
                WireTime(event.occurred_at).to_string(),
            ]
        })
        .collect();
    print_table(["EVENT", "TYPE", "STATUS", "CUSTOMER", "SEQUENCE", "TIME"], &rows)
}

pub(crate) async fn endpoints(settings: &Settings, command: EndpointsCommand) -> Result<(), Failure> {
    match command {
        EndpointsCommand::List { json } => {
            let endpoints = wiring::service(settings, true).await?.list_endpoints().await?;
            if json {
                let objects: Vec<_> = endpoints.iter().map(wire::WebhookEndpoint::new).collect();
                return print_json(&objects);
            }
            let rows: Vec<[String; 5]> = endpoints.iter().map(row).collect();
            print_table(["ENDPOINT", "STATE", "EVENT TYPES", "URL", "DESCRIPTION"], &rows)
        }
        EndpointsCommand::Create(arguments) => create_endpoint(settings, arguments).await,
        EndpointsCommand::Test { id, json } => {
            let service = wiring::service(settings, true).await?;
            let ping = |id, at| wire::Ping::new(id, at).to_string();
            let (event_id, tried) = done(service.test_endpoint(Caller::OPERATOR, id, ping, None).await?)?;
            if json {
                print_json(&TestOutcome::new(event_id, &tried))?;
            } else {
                let what = tried
                    .status_code
                    .map_or_else(|| tried.error.clone().unwrap_or_default(), |code| format!("status {code}"));
                let verdict = if tried.is_accepted() { "accepted" } else { "not accepted" };
                print(&format!("{event_id} {verdict}: {what} after {} ms", tried.duration.num_milliseconds()))?;
                if let Some(answer) = &tried.answer {
                    print(&shown(answer))?;
                }
            }
            if tried.is_accepted() { Ok(()) } else { Err(Failure::failed("the endpoint did not accept the ping")) }
        }
    }
}

async fn create_endpoint(settings: &Settings, arguments: CreateEndpointArguments) -> Result<(), Failure> {
    let service = wiring::service(settings, true).await?;
    let url =
        service.check_webhook_url(&arguments.url).map_err(|must_be| Failure::unusable(format!("--url {must_be}")))?;
    let event_types = if arguments.event_types.is_empty() { EventType::ALL.to_vec() } else { arguments.event_types };
    let command = CreateEndpoint { url, event_types, description: arguments.description };
    let (endpoint, secret) = done(service.create_endpoint(Caller::OPERATOR, command, None).await?)?;
    if arguments.json {
        return print_json(&wire::WebhookEndpoint::new(&endpoint).with_secret(secret.to_text()));
    }
    print_table(["ENDPOINT", "SECRET, SHOWN THIS ONCE"], &[[endpoint.id.to_string(), secret.to_text()]])
}

/// What was done: without an idempotency key nothing is a repeat.
fn done<T>(answer: Answer<T>) -> Result<T, Failure> {
    answer.fresh().ok_or_else(|| Failure::failed("it was done before"))
}

fn row(endpoint: &WebhookEndpoint) -> [String; 5] {
    let state = match (endpoint.disabled, endpoint.failing_since) {
        (Some(disabled), _) => format!("disabled ({})", disabled.reason.as_str()),
        (None, Some(since)) => format!("failing since {}", WireTime(since)),
        (None, None) => "enabled".to_owned(),
    };
    let types: Vec<&str> = endpoint.event_types.iter().map(|kind| kind.as_str()).collect();
    [
        endpoint.id.to_string(),
        state,
        types.join(","),
        endpoint.url.clone(),
        endpoint.description.clone().unwrap_or_default(),
    ]
}

/// What an endpoint answered, for a terminal, which obeys control characters: they are shown instead.
fn shown(answer: &str) -> String {
    let show = |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    answer.chars().map(show).collect()
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?)
}
