//! `/v1/customers/{customer_id}/addresses`: read, save and remove a customer's addresses.

use actix_web::{HttpResponse, web};
use domain::{AddressPurpose, CustomerId};

use super::address_body::{ADDRESS_BODY, address};
use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::{Authenticated, AuthenticatedWriter};
use crate::operation::{Access, Content, Description, Success, schema};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition};
use crate::problem::{Code, Problem};

pub(crate) const READ_ADDRESSES: Description = Description {
    id: "read_addresses",
    client: "addresses.retrieve",
    summary: "Read a customer's addresses",
    text: "Billing and shipping address, whoever saved them.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "Both addresses, `null` where there is none.",
        headers: &[],
        content: Content::Json(schema::<wire::Addresses<'_>>),
    },
    errors: &[Code::CustomerNotFound],
};

pub(crate) const PUT_ADDRESS: Description = Description {
    id: "save_address",
    client: "addresses.save",
    summary: "Save an address",
    text: "Saves the address in the place of the one that is there, by the rules of its country. A change fires the event \
           `customer.updated`.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: Some(&ADDRESS_BODY),
    success: Success {
        status: 200,
        text: "The address as it is spelled in its country.",
        headers: &[],
        content: Content::Json(schema::<wire::Address<'_>>),
    },
    errors: &[Code::CustomerNotFound, Code::RouteNotFound],
};

pub(crate) const DELETE_ADDRESS: Description = Description {
    id: "delete_address",
    client: "addresses.del",
    summary: "Remove an address",
    text: "Removes the address. The event `customer.updated` tells of it.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: None,
    success: Success { status: 204, text: "The address was removed.", headers: &[], content: Content::Nothing },
    errors: &[Code::CustomerNotFound, Code::AddressNotFound, Code::RouteNotFound],
};

/// Both addresses.
pub(crate) async fn read_addresses(
    _: Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let addresses = state.service.find_addresses(id_in_path(&path)?).await?;
    Ok(present::detail(&wire::Addresses::new(&addresses)).respond())
}

/// Saves an address in the place of the one that is there.
pub(crate) async fn put_address(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    Precondition(if_match): Precondition,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (id, purpose) = address_in_path(&path)?;
    let address = address(body.object(&ADDRESS_BODY).await?);
    let address = state.service.put_address(caller, id, &if_match, purpose, address).await?;
    Ok(present::detail(&wire::Address::new(&address)).respond())
}

/// Removes an address.
pub(crate) async fn delete_address(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<(String, String)>,
    Precondition(if_match): Precondition,
) -> Result<HttpResponse, Problem> {
    let (id, purpose) = address_in_path(&path)?;
    state.service.delete_address(caller, id, &if_match, purpose).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn address_in_path((id, purpose): &(String, String)) -> Result<(CustomerId, AddressPurpose), Problem> {
    let purpose = AddressPurpose::parse(purpose).ok_or_else(Problem::route_not_found)?;
    Ok((id_in_path(id)?, purpose))
}
