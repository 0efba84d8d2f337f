//! `GET /l/{code}`: the page behind a link.

use actix_web::{HttpResponse, web};
use domain::LinkPurpose;
use use_cases::LinkState;

use super::{Page, unknown};
use crate::State;
use crate::problem::Problem;

/// The link's page; for a link that opens nothing, a page that says how to get one that does, and nothing else.
pub(super) async fn open(state: web::Data<State>, code: web::Path<String>) -> Result<HttpResponse, Problem> {
    Ok(match state.service.open_link(&code).await? {
        LinkState::Unknown => unknown().await,
        LinkState::Gone => {
            let page = Page::new("This link has expired", &["Please ask us for a new one in the chat."]);
            page.respond(HttpResponse::Gone())
        }
        LinkState::Live(link) => {
            let title = match link.purpose {
                LinkPurpose::BillingAddress => "Your billing address",
                LinkPurpose::ShippingAddress => "Your shipping address",
                LinkPurpose::Card => "Your card",
            };
            let sentences =
                ["The form for it comes here soon.", "Until then, please tell us in the chat what to change."];
            Page::new(title, &sentences).respond(HttpResponse::Ok())
        }
    })
}
