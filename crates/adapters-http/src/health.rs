//! `/healthz` and `/readyz`: for whatever watches the process.

use actix_web::{HttpResponse, web};
use use_cases::Readiness;

use crate::State;
use crate::operation::{Access, Content, Description, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const HEALTHZ: Description = Description {
    id: "check_liveness",
    client: "health.live",
    summary: "See whether the process answers",
    text: "For whatever restarts the process when it does not.",
    access: Access::Anyone,
    query: None,
    headers: &[],
    body: None,
    success: HEALTHY,
    errors: &[],
};

pub(crate) const READYZ: Description = Description {
    id: "check_readiness",
    client: "health.ready",
    summary: "See whether requests can be served",
    text: "Whether the database answers and its schema is this release's: for whatever sends requests here.",
    access: Access::Anyone,
    query: None,
    headers: &[],
    body: None,
    success: HEALTHY,
    errors: &[Code::Unavailable],
};

pub(crate) const HEALTHZ_HEAD: Description = Description {
    id: "check_liveness_by_head",
    client: "health.live",
    summary: "See whether the process answers, without a body",
    success: HEALTHY_HEAD,
    ..HEALTHZ
};

pub(crate) const READYZ_HEAD: Description = Description {
    id: "check_readiness_by_head",
    client: "health.ready",
    summary: "See whether requests can be served, without a body",
    success: HEALTHY_HEAD,
    ..READYZ
};

const HEALTHY: Success =
    Success { status: 200, text: "It is.", headers: &[], content: Content::Json(schema::<wire::Health>) };
const HEALTHY_HEAD: Success = Success { status: 200, text: "It is.", headers: &[], content: Content::Nothing };

/// The process answers.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(wire::Health { status: "ok" })
}

/// The database answers and its schema is this release's.
pub(crate) async fn readyz(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    match state.service.readiness().await? {
        Readiness::Ready => Ok(HttpResponse::Ok().json(wire::Health { status: "ready" })),
        Readiness::MigrationsPending => {
            let detail = "Run `customers migrate`: the database is of an older release.";
            Err(Problem::unavailable_because(detail))
        }
    }
}
