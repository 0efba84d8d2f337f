//! Which address is answered by which handler.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, web};

use crate::problem::Problem;
use crate::{customers, events, health, pages};

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
                .service(web::resource("/events").route(web::get().to(events::list)).default_service(only("GET")))
                .service(
                    web::resource("/events/{event_id}")
                        .route(web::get().to(events::retrieve))
                        .default_service(only("GET")),
                ),
        )
        .configure(pages::routes)
        .default_service(web::to(not_found));
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
