//! `POST /v1/webhook_endpoints`: make an endpoint.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::WebhookEndpoint;
use use_cases::{CreateEndpoint, WebhookSecret};

use super::body::{DESCRIPTION, EVENT_TYPES, URL};
use super::{body, present};
use crate::State;
use crate::answer::{Idempotency, REPEATABLE};
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, NEW_LOCATION, Parameter, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const CREATE: Description = Description {
    id: "create_webhook_endpoint",
    client: "webhook_endpoints.create",
    summary: "Make a webhook endpoint",
    text: "Makes an endpoint, which gets the events from now on, and shows the secret that signs them, this once.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&CREATE_BODY),
    success: Success {
        status: 201,
        text: "The endpoint with its secret.",
        headers: &[NEW_LOCATION],
        content: Content::Json(schema::<wire::WebhookEndpointWithSecret<'_>>),
    },
    errors: &[Code::TooManyWebhookEndpoints],
};

const CREATE_BODY: [Parameter; 3] = [
    URL.required().example("https://bot.example.com/customers"),
    EVENT_TYPES.required().examples(&["verification"]),
    DESCRIPTION.example("The chat bot"),
];

/// Makes an endpoint and shows its secret, this once.
pub(crate) async fn create(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let mut members = body.object(&CREATE_BODY).await?;
    let request = idempotency.of(&members);
    members.require(&["url", "event_types"]);
    let url = body::url(&mut members, &state.service);
    let event_types = body::event_types(&mut members);
    let description = body::description(&mut members).value();
    members.finish()?;
    // Without an error both are there; the other arm is never taken.
    let (Some(url), Some(event_types)) = (url, event_types) else { return Err(Problem::internal_error()) };
    let command = CreateEndpoint { url, event_types, description };
    let present = |(endpoint, secret): &(WebhookEndpoint, WebhookSecret)| {
        let location = format!("/v1/webhook_endpoints/{}", endpoint.id);
        present::endpoint_with_secret(StatusCode::CREATED, endpoint, secret).at(location)
    };
    request.answer(present, async |once| state.service.create_endpoint(caller, command, once).await).await
}
