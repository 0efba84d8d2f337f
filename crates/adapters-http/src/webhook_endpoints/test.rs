//! `POST /v1/webhook_endpoints/{endpoint_id}/test`: try an endpoint.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{DeliveryTry, EventId};

use super::id_in_path;
use crate::State;
use crate::answer::{Idempotency, Presented, REPEATABLE};
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const TEST: Description = Description {
    id: "test_webhook_endpoint",
    client: "webhook_endpoints.test",
    summary: "Try a webhook endpoint",
    text: "Sends an event of the type `ping` at once and says what the endpoint answered, or why it did not.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&[]),
    success: Success {
        status: 200,
        text: "What came of it.",
        headers: &[],
        content: Content::Json(schema::<wire::TestOutcome<'_>>),
    },
    errors: &[Code::WebhookEndpointNotFound],
};

/// Sends a ping and says what came of it.
pub(crate) async fn test(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.optional_object(&[]).await?;
    let request = idempotency.of(&members);
    members.finish()?;
    let ping = |id, at| wire::Ping::new(id, at).to_string();
    let present = |(event_id, tried): &(EventId, DeliveryTry)| {
        Presented::json(StatusCode::OK, &wire::TestOutcome::new(*event_id, tried))
    };
    request.answer(present, async |once| state.service.test_endpoint(caller, id, ping, once).await).await
}
