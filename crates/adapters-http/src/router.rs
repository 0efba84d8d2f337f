//! Which address is answered by which handler.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, web};

use crate::problem::Problem;
use crate::{customers, event_stream, events, health, pages, webhook_endpoints};

/// All routes. What they do not take is answered with a problem document, below `/l/` with a page.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(readable("/healthz", health::healthz))
        .service(readable("/readyz", health::readyz))
        .service(
            web::scope("/v1")
                .service(
                    web::resource("/customers").route(web::post().to(customers::create)).default_service(only("POST")),
                )
                .service(
                    web::resource("/customers/{customer_id}")
                        .route(web::get().to(customers::retrieve))
                        .route(web::head().to(customers::peek))
                        .route(web::post().to(customers::create_with_id))
                        .route(web::patch().to(customers::update))
                        .route(web::put().to(customers::update))
                        .default_service(only("GET, HEAD, POST, PATCH, PUT")),
                )
                .service(
                    web::resource("/customers/{customer_id}/confirm")
                        .route(web::post().to(customers::confirm))
                        .default_service(only("POST")),
                )
                .service(
                    web::resource("/customers/{customer_id}/generate_confirmation")
                        .route(web::post().to(customers::generate_confirmation))
                        .default_service(only("POST")),
                )
                .configure(detail_routes)
                .service(web::resource("/events").route(web::get().to(events::list)).default_service(only("GET")))
                .service(
                    web::resource("/events/stream")
                        .route(web::get().to(event_stream::stream))
                        .default_service(only("GET")),
                )
                .service(
                    web::resource("/events/{event_id}")
                        .route(web::get().to(events::retrieve))
                        .default_service(only("GET")),
                )
                .configure(webhook_endpoint_routes),
        )
        .configure(pages::routes)
        .default_service(web::to(not_found));
}

/// What is kept beside the customer object.
fn detail_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/customers/{customer_id}/addresses")
                .route(web::get().to(customers::read_addresses))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/customers/{customer_id}/addresses/{purpose}")
                .route(web::put().to(customers::put_address))
                .route(web::delete().to(customers::delete_address))
                .default_service(only("PUT, DELETE")),
        )
        .service(
            web::resource("/customers/{customer_id}/card")
                .route(web::get().to(customers::read_card))
                .route(web::delete().to(customers::delete_card))
                .default_service(only("GET, DELETE")),
        );
}

fn webhook_endpoint_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/webhook_endpoints")
                .route(web::get().to(webhook_endpoints::list))
                .route(web::post().to(webhook_endpoints::create))
                .default_service(only("GET, POST")),
        )
        .service(
            web::resource("/webhook_endpoints/{endpoint_id}")
                .route(web::get().to(webhook_endpoints::retrieve))
                .route(web::patch().to(webhook_endpoints::update))
                .route(web::delete().to(webhook_endpoints::delete))
                .default_service(only("GET, PATCH, DELETE")),
        )
        .service(
            web::resource("/webhook_endpoints/{endpoint_id}/rotate_secret")
                .route(web::post().to(webhook_endpoints::rotate_secret))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/webhook_endpoints/{endpoint_id}/test")
                .route(web::post().to(webhook_endpoints::test))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/webhook_endpoints/{endpoint_id}/replay")
                .route(web::post().to(webhook_endpoints::replay))
                .default_service(only("POST")),
        )
        .service(
            web::resource("/webhook_endpoints/{endpoint_id}/deliveries")
                .route(web::get().to(webhook_endpoints::list_deliveries))
                .default_service(only("GET")),
        )
        .service(
            web::resource("/webhook_endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver")
                .route(web::post().to(webhook_endpoints::redeliver))
                .default_service(only("POST")),
        );
}

/// An address that is read and nothing else.
pub(crate) fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let resource = web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler));
    resource.default_service(only("GET, HEAD"))
}

/// Answers every other method of an address.
fn only(allow: &'static str) -> Route {
    web::to(move || std::future::ready(Err::<HttpResponse, _>(Problem::method_not_allowed(allow))))
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::route_not_found())
}
