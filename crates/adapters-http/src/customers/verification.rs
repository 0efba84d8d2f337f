//! `/v1/customers/{customer_id}/verification`: see where the proof of a number stands, and give tries back.

use actix_web::{HttpResponse, web};
use domain::Verification;

use super::{id_in_path, present};
use crate::State;
use crate::answer::{Idempotency, REPEATABLE};
use crate::body::Body;
use crate::caller::{Authenticated, AuthenticatedWriter};
use crate::operation::{Access, Content, Description, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const READ_VERIFICATION: Description = Description {
    id: "read_verification",
    client: "customers.verification",
    summary: "See where the proof of a number stands",
    text: "What a program needs to say the right sentence to the customer. There is no token in it.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "Where it stands.",
        headers: &[],
        content: Content::Json(schema::<wire::Verification>),
    },
    errors: &[Code::CustomerNotFound],
};

pub(crate) const UNLOCK_VERIFICATION: Description = Description {
    id: "unlock_verification",
    client: "customers.unlock_verification",
    summary: "Give a locked customer his tries back",
    text: "For a customer who has no try left, once somebody has made sure that it is he who asks. The log tells who did it.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&[]),
    success: Success {
        status: 200,
        text: "Where the proof stands.",
        headers: &[],
        content: Content::Json(schema::<wire::Verification>),
    },
    errors: &[Code::CustomerNotFound],
};

/// Where the proof stands. There is no token in it.
pub(crate) async fn read_verification(
    _: Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let verification = state.service.find_verification(id_in_path(&path)?).await?;
    Ok(present::detail(&wire::Verification::new(&verification)).respond())
}

/// Gives the tries back of a customer who has none left.
pub(crate) async fn unlock_verification(
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
    let present = |verification: &Verification| present::detail(&wire::Verification::new(verification));
    request.answer(present, async |once| state.service.unlock_verification(caller, id, once).await).await
}
