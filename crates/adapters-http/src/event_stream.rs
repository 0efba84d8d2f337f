//! `GET /v1/events/stream`: events as they come, as Server-Sent Events (HTML Living Standard, 9.2).

use std::convert::Infallible;
use std::fmt::Write;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{EventId, FieldCode, FieldError, Refusal};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use use_cases::{EventQuery, Failure, StoreError};

use crate::State;
use crate::caller::{Authenticated, bearer};
use crate::events::{EVENT_ID, document};
use crate::operation::{Access, Content, Description, Parameter, Success};
use crate::problem::Problem;
use crate::query::Query;

pub(crate) const STREAM: Description = Description {
    id: "stream_events",
    client: "events.stream",
    summary: "Follow events",
    text: "Events as they come, as Server-Sent Events: `event` is the type, `id` the event's id and `data` the event, on one \
           line. A client that comes back sends the last id that it has seen as `Last-Event-ID`, as browsers do.",
    access: Access::Read,
    query: Some(&STREAM_QUERY),
    headers: &[Parameter::new(
        LAST_EVENT_ID,
        EVENT_ID,
        "The same, said by a client that comes back: it has the last word.",
    )],
    body: None,
    success: Success { status: 200, text: "A stream without an end.", headers: &[], content: Content::EventStream },
    errors: &[],
};

const STREAM_QUERY: [Parameter; 1] =
    [Parameter::new(AFTER, EVENT_ID, "Begin after this event; without it, with what comes from now on.")];

/// How many streams a process serves at once: each looks into the database now and then.
pub(crate) const MAX_STREAMS: usize = 256;

const AFTER: &str = "after";
const LAST_EVENT_ID: &str = "Last-Event-ID";
const MUST_BE: &str = "must be the id of an event; leave it out to begin with what comes from now on";
/// How many events are read at once, and with [`BUFFERED`] what a slow client can make the service hold.
const PAGE: u32 = 50;
/// How many pieces wait for a client.
const BUFFERED: usize = 1;
/// How long a client may take no piece before it is cut off. It comes back with the last id that it has seen.
const SLOW: Duration = Duration::from_secs(20);
/// How long nothing is sent at most.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether the key still works.
const CHECK: Duration = Duration::from_secs(1);

/// Events from the last one that the client has seen, or from now on.
pub(crate) async fn stream(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (after, said_by) = begin_after(&request)?;
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable_because(
            "Close a live stream, or read `GET /v1/events`: this process serves no more streams.",
        )
    })?;
    let query = EventQuery { after, customer_id: None, limit: PAGE };
    let query = match after {
        // An id that is none is told before the stream begins.
        Some(_) => {
            let first = state.service.read_events(EventQuery { limit: 1, ..query.clone() }).await;
            first.map_err(|failure| match failure {
                Failure::Refused(Refusal::InvalidFields(_)) => no_event(said_by),
                other => other.into(),
            })?;
            query
        }
        None => EventQuery { after: state.service.last_event().await?, ..query },
    };
    let key = bearer(&request).unwrap_or_default().to_owned();
    let (pieces, client) = mpsc::channel(BUFFERED);
    let stopping = state.stopping.clone();
    let feed = Feed { state, key, is_shown: caller.may_write(), query, pieces, _permit: permit };
    actix_web::rt::spawn(feed.run(stopping));

    let body = stream::unfold(client, |mut client: mpsc::Receiver<Bytes>| async move {
        client.recv().await.map(|piece| (Ok::<_, Infallible>(piece), client))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    // Proxies of nginx's kind would gather the pieces otherwise.
    response.insert_header((HeaderName::from_static("x-accel-buffering"), "no"));
    Ok(response.content_type("text/event-stream").streaming(body))
}

/// The event to begin after, and what said so. The header has the last word: a browser that comes back sends it, with the
/// address that it began with.
fn begin_after(request: &HttpRequest) -> Result<(Option<EventId>, &'static str), Problem> {
    let mut query = Query::parse(request.query_string(), &STREAM_QUERY);
    let after = query.take(AFTER, MUST_BE, EventId::parse);
    query.finish()?;
    let Some(header) = request.headers().get(LAST_EVENT_ID) else { return Ok((after, AFTER)) };
    let id = header.to_str().ok().and_then(EventId::parse).ok_or_else(|| no_event(LAST_EVENT_ID))?;
    Ok((Some(id), LAST_EVENT_ID))
}

fn no_event(field: &'static str) -> Problem {
    Problem::invalid_parameters(vec![FieldError::new(field, FieldCode::Invalid, MUST_BE)])
}

/// Feeds one client, until he or the service goes, his key works no more, or he is too slow.
struct Feed {
    state: web::Data<State>,
    key: String,
    /// Whether he may see tokens.
    is_shown: bool,
    query: EventQuery,
    pieces: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let client = self.pieces.clone();
        tokio::select! {
            () = self.feed() => {}
            () = client.closed() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }

    async fn feed(&mut self) {
        // The first piece makes the headers go out at once. Its id, by which nothing is dispatched, is what a client that is
        // cut off before any event comes back with.
        let begin = self.query.after.map(|id| format!("id: {id}\n")).unwrap_or_default();
        if !self.send(format!("retry: 1000\n{begin}\n")).await {
            return;
        }
        let mut sent = Instant::now();
        loop {
            let page = self.state.service.await_events(self.query.clone(), CHECK).await;
            let piece = match page {
                Ok(page) => page.events.iter().try_fold(String::new(), |mut piece, event| {
                    self.query.after = Some(event.id);
                    let data = document(event, self.is_shown)?;
                    // Writing into a string does not fail.
                    let _ = write!(piece, "id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.event_type);
                    Ok::<_, Problem>(piece)
                }),
                Err(Failure::Store(StoreError::Unavailable(_))) => {
                    sleep(CHECK).await;
                    Ok(String::new())
                }
                Err(failure) => Err(failure.into()),
            };
            let Ok(mut piece) = piece else { return };
            if let Err(Failure::Unauthorized) = self.state.service.authenticate(&self.key).await {
                return;
            }
            if piece.is_empty() && sent.elapsed() >= HEARTBEAT {
                ": heartbeat\n\n".clone_into(&mut piece);
            }
            if !piece.is_empty() {
                if !self.send(piece).await {
                    return;
                }
                sent = Instant::now();
            }
        }
    }

    /// Whether the client takes it in time.
    async fn send(&self, piece: String) -> bool {
        match timeout(SLOW, self.pieces.reserve()).await {
            Ok(Ok(place)) => {
                place.send(Bytes::from(piece));
                true
            }
            Ok(Err(_)) => false,
            Err(_) => {
                tracing::info!("a client of the live stream was too slow and is cut off");
                false
            }
        }
    }
}
