//! `/v1/customers/{customer_id}/addresses`: read, save and remove a customer's addresses.

use actix_web::{HttpResponse, web};
use domain::{AddressPurpose, CustomerId};

use super::address_body::address;
use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::{Authenticated, AuthenticatedWriter};
use crate::precondition::Precondition;
use crate::problem::Problem;

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
    let address = address(body.object().await?);
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
