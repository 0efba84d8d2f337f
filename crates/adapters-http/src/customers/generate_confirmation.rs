//! `POST /v1/customers/{customer_id}/generate_confirmation`: generate a confirmation token.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use use_cases::Terms;

use super::id_in_path;
use crate::State;
use crate::answer::{Idempotency, Presented, REPEATABLE};
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Success};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition};
use crate::problem::{Code, Problem};

pub(crate) const GENERATE_CONFIRMATION: Description = Description {
    id: "generate_confirmation",
    client: "customers.generate_confirmation",
    summary: "Generate a confirmation token",
    text: "Makes a new token and fires the event `verification` with it; the old one is dead. Tries of the day are not \
           given back by it.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE, IF_MATCH_PARAMETER],
    body: Some(&[]),
    success: Success {
        status: 201,
        text: "The token was made. It comes with the event.",
        headers: &[],
        content: Content::Nothing,
    },
    errors: &[Code::CustomerNotFound, Code::AlreadyConfirmed, Code::ResendTooSoon],
};

/// Replaces the token. The answer is empty: the new token goes out with the event.
pub(crate) async fn generate_confirmation(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    (idempotency, Precondition(if_match)): (Idempotency, Precondition),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.optional_object(&[]).await?;
    let request = idempotency.of(&members);
    members.finish()?;
    let present = |(): &()| Presented::empty(StatusCode::CREATED);
    request
        .answer(present, async |once| state.service.generate_confirmation(caller, id, Terms { if_match, once }).await)
        .await
}
