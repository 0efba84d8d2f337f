//! Where connections may lead. Every connection of the client is made here, whatever its URL said when it was stored.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, ready};
use http::Uri;
use http::uri::Scheme as UriScheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::failure::not_allowed;
use crate::cause::seconds;
use crate::networks::{AllowedNetworks, Scheme};
use crate::target::literal;

/// Looks up the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The machine's own way to look names up, on a thread that may block.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreachable {
    /// Nothing may be sent to the address, or to any of the name's.
    #[error("{}", not_allowed(.0))]
    NotAllowed(&'static str),
    /// The name has no address.
    #[error("the name does not resolve")]
    NoAddress,
    /// The name's addresses were not known in time.
    #[error("the name does not resolve within {}", seconds(*.0))]
    SlowName(Duration),
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Connects to addresses that may be sent to.
#[derive(Clone)]
pub(super) struct Connector {
    networks: Arc<AllowedNetworks>,
    http: HttpConnector<Resolver>,
    https: HttpConnector<Resolver>,
}

impl Connector {
    pub(super) fn new(networks: Arc<AllowedNetworks>, lookup: Lookup, wait: Duration) -> Self {
        let names = Names { lookup, underway: Arc::default() };
        // One for each scheme: the resolver is told the name alone, and what may be sent to depends on the scheme.
        let connector = |scheme| {
            let resolver = Resolver { scheme, networks: Arc::clone(&networks), names: names.clone(), wait };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.enforce_http(false);
            connector.set_connect_timeout(Some(wait));
            connector.set_nodelay(true);
            connector
        };
        Self { http: connector(Scheme::Http), https: connector(Scheme::Https), networks }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (scheme, connector) = if uri.scheme() == Some(&UriScheme::HTTPS) {
            (Scheme::Https, &mut self.https)
        } else {
            (Scheme::Http, &mut self.http)
        };
        // An address is not resolved, so it does not pass the resolver.
        if let Some(address) = literal(&uri)
            && let Err(kind) = self.networks.check(scheme, address)
        {
            return Box::pin(ready(Err(Unreachable::NotAllowed(kind).into())));
        }
        let connecting = connector.call(uri);
        Box::pin(async move { Ok(connecting.await?) })
    }
}

/// Resolves a name once and hands out those of its addresses that may be sent to; the connection goes to one of them.
/// So a name that is resolved another way a moment later, or that leads to two places at once, leads nowhere else.
#[derive(Clone)]
struct Resolver {
    scheme: Scheme,
    networks: Arc<AllowedNetworks>,
    names: Names,
    wait: Duration,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unreachable;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { scheme, networks, names, wait } = self.clone();
        Box::pin(async move {
            let found = timeout(wait, names.addresses(name.as_str()));
            let found = found.await.map_err(|_| Unreachable::SlowName(wait))?.ok_or(Unreachable::NoAddress)?;
            let mut refused = Unreachable::NoAddress;
            let mut allowed = Vec::new();
            for address in found {
                match networks.check(scheme, address) {
                    // The port is the URL's; whoever called puts it in.
                    Ok(()) => allowed.push(SocketAddr::new(address, 0)),
                    Err(kind) => refused = Unreachable::NotAllowed(kind),
                }
            }
            if allowed.is_empty() { Err(refused) } else { Ok(allowed.into_iter()) }
        })
    }
}

/// Looks names up, each once at a time. A lookup occupies a thread until the system gives up on it, however soon nobody
/// waits for it any more: many events for one name whose server does not answer occupy one thread, not one each.
#[derive(Clone)]
struct Names {
    lookup: Lookup,
    underway: Arc<Mutex<HashMap<String, Underway>>>,
}

type Underway = Shared<BoxFuture<'static, Option<Vec<IpAddr>>>>;

impl Names {
    /// The name's addresses; `None` where it has none.
    fn addresses(&self, name: &str) -> Underway {
        let mut underway = lock(&self.underway);
        // One that is answered and still there ended with its runtime.
        if let Some(answer) = underway.get(name).filter(|answer| answer.peek().is_none()) {
            return answer.clone();
        }
        let looking = (self.lookup)(name.to_owned());
        let (table, key) = (Arc::clone(&self.underway), name.to_owned());
        // On a task of its own: whoever waits may stop waiting, and the others go on. It finds its entry in the table,
        // which is locked until it is there.
        let task = tokio::spawn(async move {
            let found = looking.await.ok();
            lock(&table).remove(&key);
            found
        });
        let answer = task.map(|found| found.ok().flatten()).boxed().shared();
        underway.insert(name.to_owned(), answer.clone());
        answer
    }
}

/// Nothing panics while it holds the table, so it is whole.
fn lock(table: &Mutex<HashMap<String, Underway>>) -> MutexGuard<'_, HashMap<String, Underway>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
