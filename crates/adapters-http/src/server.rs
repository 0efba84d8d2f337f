//! The HTTP server.

use std::io;
use std::net::TcpListener;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use tokio::sync::{Semaphore, watch};
use use_cases::Service;

use crate::State;
use crate::body::hand_over_body;
use crate::caller::Callers;
use crate::client_address::TrustedProxies;
use crate::connection::{Connection, HEADERS_TIME};
use crate::event_stream::MAX_STREAMS;
use crate::observe::observe;
use crate::openapi::Api;
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

/// How many connections a process has at most. Each costs about 20 KiB; further ones wait until one ends, and whoever says
/// nothing on his is cut off.
const MAX_CONNECTIONS: usize = 20_000;

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
        api: Api::new(),
        public_url: config.public_url,
        stopping: config.stopping,
        streams: Arc::new(Semaphore::new(MAX_STREAMS)),
    });
    let app = move || {
        let app = App::new().app_data(state.clone()).wrap(from_fn(observe));
        app.configure(|config| {
            if let Some(CardRoutes { path, configure }) = &card_routes {
                config.service(web::scope(path).wrap(from_fn(hand_over_body)).configure(|config| configure(config)));
            }
            routes(config);
        })
    };
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let server = Server::build()
        .workers(workers)
        .max_concurrent_connections(MAX_CONNECTIONS.div_ceil(workers))
        // Signals are the application's business: a second one must end it at once.
        .disable_signals()
        .shutdown_timeout(config.shutdown_timeout.as_secs());
    let stopping = server.graceful_shutdown_signal();
    // What `HttpServer` of the HTTP library does, with connections of our own.
    let server = server.listen("http", listener, move || {
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(HEADERS_TIME)
            .client_disconnect_timeout(Duration::from_secs(1))
            .keep_alive(Duration::from_secs(75))
            .on_connect_ext(Connection::note)
            .h1(map_config(app(), |()| AppConfig::default()));
        let connect = |stream: TcpStream| async {
            let peer = stream.peer_addr().ok();
            // An answer is written in one piece: to wait whether more comes delays what is longer than a packet.
            let _ = stream.set_nodelay(true);
            Ok::<_, DispatchError>((Connection::new(stream), peer))
        };
        fn_service(connect).and_then(http)
    })?;
    Ok(server.run())
}
