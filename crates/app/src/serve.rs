//! `customers serve`: from settings to a server, until a signal.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use adapters_http::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::ServeArguments;
use crate::commands::Failure;
use crate::settings::Settings;
use crate::wiring::Wired;
use crate::{greeting, telemetry, wiring};

/// How long requests that run may go on after the first signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How many files and connections the process asks to be allowed, more than the server ever has.
const OPEN_FILES: u64 = 65_536;

pub(crate) async fn serve(settings: Settings, arguments: ServeArguments) -> Result<(), Failure> {
    allow_open_files();
    let Wired { service, database, card_routes } = wiring::wire(&settings, !arguments.no_migrate).await?;
    let service = Arc::new(service);

    let listener = TcpListener::bind(settings.listen)
        .map_err(|error| Failure::failed(format!("cannot listen on {}: {error}", settings.listen)))?;
    let address = listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let signals = Signals::listen()?;

    let (stop, stopping) = watch::channel(false);
    let config = Config {
        public_url,
        brand: settings.brand.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        rate_limit: settings.rate_limit,
        card_routes,
        stopping: stopping.clone(),
        shutdown_timeout: SHUTDOWN_TIMEOUT,
    };
    let server = adapters_http::start(listener, service.clone(), config)
        .map_err(|error| Failure::failed(format!("cannot serve on {address}: {error}")))?;
    let stopper = actix_web::rt::spawn(signals.stop(server.handle(), stop.clone()));
    let listening = database.listen();
    let dispatcher = actix_web::rt::spawn(service.clone().dispatch_events(stopping.clone()));
    let detacher = actix_web::rt::spawn(service.clone().detach_cards(stopping.clone()));
    let retainer = actix_web::rt::spawn(service.clone().retain_for_a_time(stopping));
    tracing::info!(
        target: telemetry::START,
        database = %settings.database_url.redacted(),
        phone_validation = settings.policies.phone_validation.as_str(),
        "customers {} listening on http://{address}",
        env!("CARGO_PKG_VERSION"),
    );
    if arguments.dev {
        // Nobody reads it, or the schema is not there yet: the service serves all the same.
        if let Err(failure) = greeting::print(&service, address).await {
            tracing::warn!(%failure, "the greeting could not be printed");
        }
    }

    // With migrations done the secret key has been verified, and there is nothing to watch.
    let verified = async {
        if arguments.no_migrate {
            wiring::verify_once_migrated(&settings, &service).await
        } else {
            std::future::pending().await
        }
    };
    let ended = tokio::select! {
        ended = server => ended.map_err(|error| Failure::failed(format!("the server ended: {error}"))),
        // At once: what a process with a wrong key still does is wrong.
        wrong = verified => Err(wrong),
    };
    // However the server ended, what is delivered right now may finish, and the leases are given up.
    stop.send_replace(true);
    let _ = dispatcher.await;
    let _ = detacher.await;
    let _ = retainer.await;
    drop(listening);
    stopper.abort();
    tracing::info!("stopped");
    ended
}

/// Raises the limit of open files as far as it may be. What processes begin with, mostly 1,024, is that low for the sake of
/// programs that wait by `select`, and whoever held so many connections would keep out all others.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
        if let Err(error) = raised {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
    }
}

/// The signals that end the service.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("cannot wait for signals: {error}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The first signal lets the server finish what runs; the second ends the process at once.
    async fn stop(mut self, server: ServerHandle, stop: watch::Sender<bool>) {
        self.next().await;
        stop.send_replace(true);
        tracing::info!("stopping: no new requests, those that run may finish");
        let stopped = actix_web::rt::spawn(server.stop(true));
        self.next().await;
        tracing::warn!("ended by a second signal");
        drop(stopped);
        std::process::exit(1);
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
