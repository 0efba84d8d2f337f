//! The HTTP server.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tokio::sync::{Semaphore, watch};
use use_cases::Service;

use crate::State;
use crate::body::hand_over_body;
use crate::caller::Callers;
use crate::client_address::TrustedProxies;
use crate::event_stream::MAX_STREAMS;
use crate::observe::observe;
use crate::pages::{Brand, Pages};
use crate::rate_limit::RateLimit;
use crate::router::routes;

/// Routes of another crate, for the browser's side of a card provider that this service plays itself.
#[derive(Clone)]
pub struct CardRoutes {
    /// The path below which all of them are.
    pub path: &'static str,
    /// Makes them.
    pub configure: Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>,
}

/// What the server needs to know.
#[derive(Clone)]
pub struct Config {
    /// The origin of the URLs that customers open, without a slash at its end.
    pub public_url: String,
    /// Whose the pages are.
    pub brand: Brand,
    /// From whom `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How often each key may call; as often as it likes where there is none.
    pub rate_limit: Option<RateLimit>,
    /// Another crate's routes, where there are some.
    pub card_routes: Option<CardRoutes>,
    /// Turns true when the service stops: live streams end then.
    pub stopping: watch::Receiver<bool>,
    /// How long requests that run may go on once the server is told to stop.
    pub shutdown_timeout: Duration,
}

/// Starts to serve on a listener that is bound already. The server ends when the returned future's handle is told to
/// stop: it then takes no new connection and lets requests that run finish.
///
/// # Errors
/// When the listener cannot be used.
pub fn start(listener: TcpListener, service: Arc<Service>, config: Config) -> io::Result<Server> {
    let pages = Pages::new(&config.public_url, config.brand)?;
    let card_routes = config.card_routes;
    let state = web::Data::new(State {
        service,
        pages,
        trusted_proxies: config.trusted_proxies,
        callers: Callers::new(config.rate_limit),
        public_url: config.public_url,
        stopping: config.stopping,
        streams: Arc::new(Semaphore::new(MAX_STREAMS)),
    });
    let server = HttpServer::new(move || {
        let app = App::new().app_data(state.clone()).wrap(from_fn(observe));
        app.configure(|config| {
            if let Some(CardRoutes { path, configure }) = &card_routes {
                config.service(web::scope(path).wrap(from_fn(hand_over_body)).configure(|config| configure(config)));
            }
            routes(config);
        })
    });
    Ok(server
        // Signals are the application's business: a second one must end it at once.
        .disable_signals()
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .client_request_timeout(Duration::from_secs(10))
        .keep_alive(Duration::from_secs(75))
        .listen(listener)?
        .run())
}
