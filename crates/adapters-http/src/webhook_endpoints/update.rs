//! `PATCH /v1/webhook_endpoints/{endpoint_id}`: change an endpoint, disable or enable it.

use actix_web::{HttpResponse, web};
use use_cases::UpdateEndpoint;

use super::body::{DESCRIPTION, DISABLED, EVENT_TYPES, URL};
use super::{body, id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Parameter, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const UPDATE: Description = Description {
    id: "update_webhook_endpoint",
    client: "webhook_endpoints.update",
    summary: "Change a webhook endpoint",
    text: "Changes the members that are there; disables or enables it.",
    access: Access::Write,
    query: None,
    headers: &[],
    body: Some(&UPDATE_BODY),
    success: Success {
        status: 200,
        text: "The endpoint.",
        headers: &[],
        content: Content::Json(schema::<wire::WebhookEndpoint<'_>>),
    },
    errors: &[Code::WebhookEndpointNotFound],
};

const UPDATE_BODY: [Parameter; 4] = [
    URL,
    EVENT_TYPES.examples(&["verification", "customer.updated"]),
    DESCRIPTION.example("The new chat bot"),
    DISABLED,
];

/// Changes the members that are there.
pub(crate) async fn update(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let mut members = body.object(&UPDATE_BODY).await?;
    let command = UpdateEndpoint {
        url: body::url(&mut members, &state.service),
        event_types: body::event_types(&mut members),
        description: body::description(&mut members),
        disabled: body::disabled(&mut members),
    };
    // Whoever asks for what is not there is told that first.
    state.service.find_endpoint(id).await?;
    members.finish()?;
    Ok(present::endpoint(&state.service.update_endpoint(caller, id, command).await?).respond())
}
