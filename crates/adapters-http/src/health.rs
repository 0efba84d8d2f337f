//! `/healthz` and `/readyz`: for whatever watches the process.

use actix_web::{HttpResponse, web};
use use_cases::Readiness;

use crate::State;
use crate::problem::Problem;

/// The process answers.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ok"}"#)
}

/// The database answers and its schema is this release's.
pub(crate) async fn readyz(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    match state.service.readiness().await? {
        Readiness::Ready => Ok(HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ready"}"#)),
        Readiness::MigrationsPending => {
            let detail = "Run `customers migrate`: the database is of an older release.";
            Err(Problem::unavailable_because(detail))
        }
    }
}
