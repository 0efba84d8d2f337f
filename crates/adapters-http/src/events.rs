//! `GET /v1/events`: read events, oldest first, or one of them.

use actix_web::http::header::{CACHE_CONTROL, LINK};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{CustomerId, EventId};
use serde_json::Value;
use use_cases::{EventPage, EventQuery, StoredEvent};

use crate::State;
use crate::caller::Authenticated;
use crate::operation::{Access, Content, Description, Kind, NEXT_PAGE, Parameter, Success, schema, schemas};
use crate::problem::{Code, Problem};
use crate::query::{LIMIT, Query};

pub(crate) const LIST: Description = Description {
    id: "list_events",
    client: "events.list",
    summary: "Read events",
    text: "The events of all customers, or of one, oldest first. Whoever reads on after the last one that he has seen misses \
           none. A key with the scope `read` sees no tokens.",
    access: Access::Read,
    query: Some(&EVENT_QUERY),
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "A page of events.",
        headers: &[NEXT_PAGE],
        content: Content::Json(schemas::<wire::StoredEvent<'_>>),
    },
    errors: &[],
};

pub(crate) const RETRIEVE: Description = Description {
    id: "retrieve_event",
    client: "events.retrieve",
    summary: "Read an event",
    text: "One event.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "The event.",
        headers: &[],
        content: Content::Json(schema::<wire::StoredEvent<'_>>),
    },
    errors: &[Code::EventNotFound],
};

const EVENT_QUERY: [Parameter; 3] = [
    Parameter::new("after", EVENT_ID, "Begin after this event; without it, with the first."),
    Parameter::new("customer_id", Kind::format("uuid"), "Only this customer's."),
    LIMIT,
];

/// The id of an event, as callers may write it.
pub(crate) const EVENT_ID: Kind = Kind::pattern("^evt_[0-9A-Fa-f]{32}$");

/// A page of events, and the address of the next one where there is more.
pub(crate) async fn list(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = event_query(request.query_string())?;
    let page = state.service.read_events(query.clone()).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let (true, Some(last)) = (page.more, page.events.last()) {
        response.insert_header((LINK, next(&query, last.id)));
    }
    let body = if caller.may_write() { documents(page) } else { documents_without_tokens(&page)? };
    Ok(response.content_type("application/json").body(body))
}

/// One event.
pub(crate) async fn retrieve(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = EventId::parse(&path).ok_or_else(Problem::event_not_found)?;
    let event = state.service.retrieve_event(id).await?;
    let body = document(&event, caller.may_write())?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    Ok(response.content_type("application/json").body(body))
}

fn event_query(query_string: &str) -> Result<EventQuery, Problem> {
    let mut query = Query::parse(query_string, &EVENT_QUERY);
    let must_be = "must be the id of an event; leave it out to begin with the first";
    let after = query.take("after", must_be, EventId::parse);
    let customer_id = query.take("customer_id", "must be the id of a customer", CustomerId::parse);
    let limit = query.limit();
    query.finish()?;
    Ok(EventQuery { after, customer_id, limit })
}

/// The stored document; for a caller who may only read, without tokens.
pub(crate) fn document(event: &StoredEvent, is_shown: bool) -> Result<String, Problem> {
    if is_shown { Ok(event.payload.clone()) } else { Ok(document_without_tokens(event)?.to_string()) }
}

/// The link to the next page (RFC 8288), relative, so that it is right behind any proxy.
fn next(query: &EventQuery, last: EventId) -> String {
    let customer = query.customer_id.map(|id| format!("&customer_id={id}")).unwrap_or_default();
    format!("</v1/events?after={last}&limit={}{customer}>; rel=\"next\"", query.limit)
}

/// The stored documents in an array, as they are.
fn documents(page: EventPage) -> String {
    let documents: Vec<String> = page.events.into_iter().map(|event| event.payload).collect();
    format!("[{}]", documents.join(","))
}

/// The same for a caller who may only read.
fn documents_without_tokens(page: &EventPage) -> Result<String, Problem> {
    let documents: Result<_, _> = page.events.iter().map(document_without_tokens).collect();
    Ok(Value::Array(documents?).to_string())
}

fn document_without_tokens(event: &StoredEvent) -> Result<Value, Problem> {
    let mut document = serde_json::from_str(&event.payload).map_err(|_| {
        tracing::error!(event = %event.id, "the stored event is not JSON");
        Problem::internal_error()
    })?;
    hide_tokens(&mut document);
    Ok(document)
}

/// At every depth, whatever the type of event: a new type cannot forget it.
fn hide_tokens(value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match name.as_str() {
            "confirmation_token" => *value = Value::Null,
            _ => hide_tokens(value),
        }),
        Value::Array(values) => values.iter_mut().for_each(hide_tokens),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
