//! The operations on webhook endpoints, a file each.

mod body;
mod create;
mod delete;
mod deliveries;
mod present;
mod read;
mod rotate_secret;
mod test;
mod update;

pub(crate) use create::{CREATE, create};
pub(crate) use delete::{DELETE, delete};
pub(crate) use deliveries::{LIST_DELIVERIES, REDELIVER, REPLAY, list as list_deliveries, redeliver, replay};
pub(crate) use read::{LIST, RETRIEVE, list, retrieve};
pub(crate) use rotate_secret::{ROTATE_SECRET, rotate_secret};
pub(crate) use test::{TEST, test};
pub(crate) use update::{UPDATE, update};

use domain::EndpointId;
use use_cases::Failure;

use crate::problem::Problem;

/// The endpoint id in a path. What is none in form is no endpoint's.
fn id_in_path(text: &str) -> Result<EndpointId, Problem> {
    EndpointId::parse(text).ok_or_else(|| Failure::EndpointNotFound.into())
}
