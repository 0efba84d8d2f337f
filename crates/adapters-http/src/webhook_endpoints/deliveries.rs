//! `/v1/webhook_endpoints/{endpoint_id}/deliveries` and what delivers again: see and repair.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LINK};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{DeliveryId, EndpointId, FieldCode, Timestamp};
use use_cases::{DeliveryQuery, DeliveryStatusFilter, Failure};
use wire::{Delivery, Secrecy};

use super::id_in_path;
use crate::State;
use crate::answer::{Idempotency, Presented, REPEATABLE};
use crate::body::Body;
use crate::caller::{Authenticated, AuthenticatedWriter};
use crate::operation::{Access, Content, Description, Kind, NEXT_PAGE, Parameter, Success, schema, schemas};
use crate::problem::{Code, Problem};
use crate::query::{LIMIT, Query};

pub(crate) const LIST_DELIVERIES: Description = Description {
    id: "list_deliveries",
    client: "webhook_endpoints.list_deliveries",
    summary: "List a webhook endpoint's deliveries",
    text: "Deliveries, newest first, each with its tries.",
    access: Access::Read,
    query: Some(&DELIVERY_QUERY),
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "A page of deliveries.",
        headers: &[NEXT_PAGE],
        content: Content::Json(schemas::<wire::Delivery<'_>>),
    },
    errors: &[Code::WebhookEndpointNotFound],
};

const DELIVERY_QUERY: [Parameter; 3] = [
    Parameter::new("status", Kind::OneOf(statuses), "Only those of this status."),
    Parameter::new(
        "after",
        Kind::pattern("^dlv_[0-9A-Fa-f]{32}$"),
        "Begin after this delivery to the endpoint; without it, with the newest.",
    ),
    LIMIT,
];

fn statuses() -> Vec<&'static str> {
    STATUSES.map(|(name, _)| name).to_vec()
}

pub(crate) const REDELIVER: Description = Description {
    id: "redeliver",
    client: "webhook_endpoints.redeliver",
    summary: "Deliver an event again",
    text: "Queues a new delivery of the same event to the same endpoint, outside of the order of its customer.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&[]),
    success: Success {
        status: 202,
        text: "The new delivery.",
        headers: &[],
        content: Content::Json(schema::<wire::Delivery<'_>>),
    },
    // The customer is the one who was erased since a request that is sent again.
    errors: &[Code::WebhookEndpointNotFound, Code::DeliveryNotFound, Code::CustomerNotFound],
};

pub(crate) const REPLAY: Description = Description {
    id: "replay_deliveries",
    client: "webhook_endpoints.replay",
    summary: "Deliver all events again since a time",
    text: "Queues a new delivery of each event since then that the endpoint takes.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&REPLAY_BODY),
    success: Success {
        status: 202,
        text: "How many were queued.",
        headers: &[],
        content: Content::Json(schema::<wire::Replay>),
    },
    errors: &[Code::WebhookEndpointNotFound],
};

const REPLAY_BODY: [Parameter; 1] =
    [Parameter::new("since", Kind::format("date-time"), "The time.").required().example("2026-11-25T00:00:00Z")];

/// The filters by their names.
const STATUSES: [(&str, DeliveryStatusFilter); 3] = [
    ("pending", DeliveryStatusFilter::Pending),
    ("accepted", DeliveryStatusFilter::Accepted),
    ("failed", DeliveryStatusFilter::Failed),
];

/// A page of the endpoint's deliveries, newest first, and the address of the next one where there is more.
pub(crate) async fn list(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = delivery_query(id_in_path(&path)?, request.query_string())?;
    let page = state.service.list_deliveries(query.clone()).await?;
    let secrecy = if caller.may_write() { Secrecy::Shown } else { Secrecy::Hidden };
    let objects: Vec<_> = page.deliveries.iter().map(|delivery| Delivery::new(delivery, secrecy)).collect();
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let (true, Some(last)) = (page.more, page.deliveries.last()) {
        response.insert_header((LINK, next(&query, last.id)));
    }
    Ok(response.json(objects))
}

fn delivery_query(endpoint_id: EndpointId, query_string: &str) -> Result<DeliveryQuery, Problem> {
    let mut query = Query::parse(query_string, &DELIVERY_QUERY);
    let status = query.take("status", "must be pending, accepted or failed", |text| {
        STATUSES.iter().find(|(name, _)| *name == text).map(|(_, status)| *status)
    });
    let must_be = "must be the id of a delivery to this endpoint; leave it out to begin with the newest";
    let after = query.take("after", must_be, DeliveryId::parse);
    let limit = query.limit();
    query.finish()?;
    Ok(DeliveryQuery { endpoint_id, status, after, limit })
}

/// The link to the next page (RFC 8288), relative, so that it is right behind any proxy.
fn next(query: &DeliveryQuery, last: DeliveryId) -> String {
    let name = STATUSES.iter().find(|(_, status)| Some(*status) == query.status).map(|(name, _)| *name);
    let status = name.map(|name| format!("&status={name}")).unwrap_or_default();
    let (endpoint, limit) = (query.endpoint_id, query.limit);
    format!("</v1/webhook_endpoints/{endpoint}/deliveries?after={last}&limit={limit}{status}>; rel=\"next\"")
}

/// Delivers one again.
pub(crate) async fn redeliver(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (endpoint, delivery) = path.into_inner();
    let endpoint = id_in_path(&endpoint)?;
    let delivery = DeliveryId::parse(&delivery).ok_or(Failure::DeliveryNotFound)?;
    let members = body.optional_object(&[]).await?;
    let request = idempotency.of(&members);
    members.finish()?;
    let present =
        |queued: &domain::Delivery| Presented::json(StatusCode::ACCEPTED, &Delivery::new(queued, Secrecy::Shown));
    request.answer(present, async |once| state.service.redeliver(caller, endpoint, delivery, once).await).await
}

/// Delivers all again since a time.
pub(crate) async fn replay(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let mut members = body.object(&REPLAY_BODY).await?;
    let request = idempotency.of(&members);
    let since = members.required_text("since").and_then(|text| {
        let time = text.parse::<Timestamp>();
        let must_be = "must be a time as in RFC 3339, such as \"2026-11-25T08:00:00Z\"";
        time.map_err(|_| members.refuse("since", FieldCode::Invalid, must_be)).ok()
    });
    // Whoever asks for what is not there is told that first.
    state.service.find_endpoint(id).await?;
    members.finish()?;
    // Without an error it is there; the other arm is never taken.
    let since = since.ok_or_else(Problem::internal_error)?;
    let present = |queued: &usize| Presented::json(StatusCode::ACCEPTED, &wire::Replay { queued: *queued });
    request.answer(present, async |once| state.service.replay(caller, id, since, once).await).await
}
