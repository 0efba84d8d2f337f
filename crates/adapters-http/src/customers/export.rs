//! `GET /v1/customers/{customer_id}/export`: all that is stored about a customer.

use actix_web::{HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::caller::Authenticated;
use crate::events;
use crate::operation::{Access, Content, Description, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const EXPORT: Description = Description {
    id: "export_customer",
    client: "customers.export",
    summary: "Export all that is stored about a customer",
    text: "One document for the person himself (GDPR, article 20). A key with the scope `read` sees no tokens.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "All that is stored.",
        headers: &[],
        content: Content::Json(schema::<wire::PersonalData<'_>>),
    },
    errors: &[Code::CustomerNotFound],
};

/// One document with all that is stored, for a caller who may only read without tokens.
pub(crate) async fn export(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let data = state.service.export_customer(id_in_path(&path)?).await?;
    let events: Result<Vec<_>, _> =
        data.events.iter().map(|event| events::document(event, caller.may_write())).collect();
    let raw: Result<Vec<_>, _> = events?.into_iter().map(serde_json::value::RawValue::from_string).collect();
    let events = raw.map_err(|_| {
        tracing::error!("a stored event is not JSON");
        Problem::internal_error()
    })?;
    let secrecy = present::secrecy(caller);
    let document = wire::PersonalData {
        customer: wire::Customer::new(&data.customer, secrecy),
        verification: wire::Verification::new(&data.verification),
        proof: wire::ProofData::new(&data.customer, secrecy),
        addresses: wire::Addresses::new(&data.addresses),
        card: data.card.as_ref().map(wire::Card::new),
        card_at_provider: data.card.as_ref().map(wire::CardAtProvider::new),
        card_provider_customer: data.provider_customer.as_deref(),
        links: data.links.iter().map(wire::Link::new).collect(),
        events,
        deliveries: data.deliveries.iter().map(|delivery| wire::Delivery::new(delivery, secrecy)).collect(),
    };
    Ok(present::detail(&document).respond())
}
