//! Which address is answered by which handler.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, web};

use crate::operation::Operation;
use crate::problem::Problem;
use crate::{customers, event_stream, events, health, openapi, pages, webhook_endpoints};

/// All operations of the API: the routes and the document are made of this. Of two paths that fit an address the one that
/// is named first answers.
#[rustfmt::skip]
pub(crate) fn operations() -> Vec<Operation> {
    const CUSTOMERS: &str = "/v1/customers";
    const CUSTOMER: &str = "/v1/customers/{customer_id}";
    const VERIFICATION: &str = "/v1/customers/{customer_id}/verification";
    const PHONE_NUMBER: &str = "/v1/customers/{customer_id}/phone_number";
    const ADDRESS: &str = "/v1/customers/{customer_id}/addresses/{purpose}";
    const CARD: &str = "/v1/customers/{customer_id}/card";
    const ENDPOINTS: &str = "/v1/webhook_endpoints";
    const ENDPOINT: &str = "/v1/webhook_endpoints/{endpoint_id}";
    vec![
        Operation::new(Method::GET, CUSTOMERS, customers::list, &customers::LIST),
        Operation::new(Method::POST, CUSTOMERS, customers::create, &customers::CREATE),
        Operation::new(Method::GET, CUSTOMER, customers::retrieve, &customers::RETRIEVE),
        Operation::new(Method::HEAD, CUSTOMER, customers::peek, &customers::PEEK),
        Operation::new(Method::POST, CUSTOMER, customers::create_with_id, &customers::CREATE_WITH_ID),
        Operation::new(Method::PATCH, CUSTOMER, customers::update, &customers::UPDATE),
        Operation::new(Method::PUT, CUSTOMER, customers::update, &customers::UPDATE_BY_PUT),
        Operation::new(Method::DELETE, CUSTOMER, customers::erase, &customers::ERASE),
        Operation::new(Method::GET, "/v1/customers/{customer_id}/export", customers::export, &customers::EXPORT),
        Operation::new(Method::POST, "/v1/customers/{customer_id}/confirm", customers::confirm, &customers::CONFIRM),
        Operation::new(Method::POST, "/v1/customers/{customer_id}/generate_confirmation", customers::generate_confirmation, &customers::GENERATE_CONFIRMATION),
        Operation::new(Method::GET, VERIFICATION, customers::read_verification, &customers::READ_VERIFICATION),
        Operation::new(Method::POST, "/v1/customers/{customer_id}/verification/unlock", customers::unlock_verification, &customers::UNLOCK_VERIFICATION),
        Operation::new(Method::POST, PHONE_NUMBER, customers::change_phone_number, &customers::CHANGE_PHONE_NUMBER),
        Operation::new(Method::DELETE, PHONE_NUMBER, customers::withdraw_phone_number, &customers::WITHDRAW_PHONE_NUMBER),
        Operation::new(Method::GET, "/v1/customers/{customer_id}/addresses", customers::read_addresses, &customers::READ_ADDRESSES),
        Operation::new(Method::PUT, ADDRESS, customers::put_address, &customers::PUT_ADDRESS),
        Operation::new(Method::DELETE, ADDRESS, customers::delete_address, &customers::DELETE_ADDRESS),
        Operation::new(Method::GET, CARD, customers::read_card, &customers::READ_CARD),
        Operation::new(Method::DELETE, CARD, customers::delete_card, &customers::DELETE_CARD),
        Operation::new(Method::GET, "/v1/events", events::list, &events::LIST),
        Operation::new(Method::GET, "/v1/events/stream", event_stream::stream, &event_stream::STREAM),
        Operation::new(Method::GET, "/v1/events/{event_id}", events::retrieve, &events::RETRIEVE),
        Operation::new(Method::GET, ENDPOINTS, webhook_endpoints::list, &webhook_endpoints::LIST),
        Operation::new(Method::POST, ENDPOINTS, webhook_endpoints::create, &webhook_endpoints::CREATE),
        Operation::new(Method::GET, ENDPOINT, webhook_endpoints::retrieve, &webhook_endpoints::RETRIEVE),
        Operation::new(Method::PATCH, ENDPOINT, webhook_endpoints::update, &webhook_endpoints::UPDATE),
        Operation::new(Method::DELETE, ENDPOINT, webhook_endpoints::delete, &webhook_endpoints::DELETE),
        Operation::new(Method::POST, "/v1/webhook_endpoints/{endpoint_id}/rotate_secret", webhook_endpoints::rotate_secret, &webhook_endpoints::ROTATE_SECRET),
        Operation::new(Method::POST, "/v1/webhook_endpoints/{endpoint_id}/test", webhook_endpoints::test, &webhook_endpoints::TEST),
        Operation::new(Method::POST, "/v1/webhook_endpoints/{endpoint_id}/replay", webhook_endpoints::replay, &webhook_endpoints::REPLAY),
        Operation::new(Method::GET, "/v1/webhook_endpoints/{endpoint_id}/deliveries", webhook_endpoints::list_deliveries, &webhook_endpoints::LIST_DELIVERIES),
        Operation::new(Method::POST, "/v1/webhook_endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver", webhook_endpoints::redeliver, &webhook_endpoints::REDELIVER),
        Operation::new(Method::GET, "/healthz", health::healthz, &health::HEALTHZ),
        Operation::new(Method::HEAD, "/healthz", health::healthz, &health::HEALTHZ_HEAD),
        Operation::new(Method::GET, "/readyz", health::readyz, &health::READYZ),
        Operation::new(Method::HEAD, "/readyz", health::readyz, &health::READYZ_HEAD),
    ]
}

/// All routes. What they do not take is answered with a problem document, below `/l/` with a page.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let mut operations = operations();
    while let Some(path) = operations.first().map(|operation| operation.path) {
        config.service(resource(path, operations.extract_if(.., |operation| operation.path == path)));
    }
    config.configure(openapi::routes).configure(pages::routes).default_service(web::to(not_found));
}

/// An address with all its operations.
fn resource(path: &str, operations: impl Iterator<Item = Operation>) -> Resource {
    let mut allow: Vec<String> = Vec::new();
    let resource = operations.fold(web::resource(path), |resource, operation| {
        allow.push(operation.method.to_string());
        resource.route(operation.route)
    });
    resource.default_service(only(allow.join(", ")))
}

/// An address that is read and nothing else.
pub(crate) fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let resource = web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler));
    resource.default_service(only("GET, HEAD".to_owned()))
}

/// Answers every other method of an address.
fn only(allow: String) -> Route {
    web::to(move || std::future::ready(Err::<HttpResponse, _>(Problem::method_not_allowed(&allow))))
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::route_not_found())
}
