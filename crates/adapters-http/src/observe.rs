//! What happens around every request: its id, its log line, its panic, and its errors made documents.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use futures_util::FutureExt;
use tracing::{Instrument, Span};
use use_cases::ApiKeyId;

use crate::body::UnreadBody;
use crate::caller::UsedKey;
use crate::connection::Requests;
use crate::openapi::Api;
use crate::problem::{Code, Problem};
use crate::{State, pages};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The methods that a log line names (RFC 9110, RFC 5789).
const KNOWN_METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
/// Names and values of all headers together.
const MAX_HEADER_BYTES: usize = 16 * 1024;

pub(crate) async fn observe(
    state: web::Data<State>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let _answering = request.conn_data::<Requests>().map(Requests::answer);
    let request_id = sane_request_id(&request).unwrap_or_else(|| state.service.request_id());
    // Kept aside: a request that panics is gone.
    let page_headers = pages::is_page(request.path()).then(|| request.headers().clone());
    let answer = |problem: &Problem| match &page_headers {
        Some(headers) => pages::problem(&state.pages, headers, problem),
        None => problem.respond(&request_id),
    };
    // Of the highest level, so that the id is in every line whatever the filter.
    let span = tracing::error_span!("request", request_id);
    let unread = UnreadBody::of(&mut request);
    let mut line = RequestLine::new(request.method(), span.clone());

    let outcome = if header_bytes(&request) > MAX_HEADER_BYTES {
        let problem = Problem::new(Code::HeadersTooLarge, "Send at most 16 KiB of headers.");
        Ok(request.error_response(problem).map_into_boxed_body())
    } else {
        // Nothing of the handler's own is used after a panic, so nothing broken is seen.
        let handled = AssertUnwindSafe(next.call(request).instrument(span.clone())).catch_unwind().await;
        handled.unwrap_or_else(|_| Err(Problem::internal_error().into())).map(ServiceResponse::map_into_boxed_body)
    };

    let Ok(response) = outcome else {
        // A panic (the panic hook has said where): the request is gone, so the answer is made without it.
        line.status = 500;
        let response = answer(&Problem::internal_error());
        return Err(InternalError::from_response("panicked", response).into());
    };
    let mut response = finish(response, &state.api, &request_id, answer);
    if let Some(payload) = unread.take() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        response = response.map_body(|_, answer| AnswerToUnread { answer, _payload: Box::new(payload) }.boxed());
    }
    line.status = response.status().as_u16();
    line.key_id = response.request().extensions().get::<UsedKey>().map(|key| key.0);
    line.route = response.request().match_pattern();
    Ok(response)
}

/// The body of an answer to a request whose own body nobody has read to its end, which it holds.
///
/// What nobody reads has no bound in bytes or time, so it is to end with the connection. The HTTP library closes a
/// connection while the unread body is held; of one that is dropped before the answer is written, it would go on
/// reading all that comes.
struct AnswerToUnread {
    answer: BoxBody,
    _payload: Box<Payload>,
}

impl MessageBody for AnswerToUnread {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

/// Makes every error a problem document (a page, below `/l/`) and gives every answer its request id.
/// An error that the operation's description does not list fails, where the service is tested.
fn finish(
    response: ServiceResponse,
    api: &Api,
    request_id: &str,
    answer: impl Fn(&Problem) -> HttpResponse,
) -> ServiceResponse {
    let status = response.status();
    let mut response = if status.is_client_error() || status.is_server_error() {
        let own = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
        match own {
            Some(problem) => {
                debug_assert!(api.lists(&response, problem.code), "{} is not described", problem.code.as_str());
                response.into_response(answer(&problem))
            }
            // An answer that a handler made itself, as pages do.
            None if response.headers().contains_key("content-type") && response.response().error().is_none() => {
                response
            }
            None => response.into_response(answer(&Problem::of_framework(status))),
        }
    } else {
        response
    };
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// The caller's own id of the request, when it is one that may stand in a log: 1 to 128 letters, digits, `.`, `_`, `-`.
fn sane_request_id(request: &ServiceRequest) -> Option<String> {
    let id = request.headers().get(X_REQUEST_ID)?.to_str().ok()?;
    let sane = (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    sane.then(|| id.to_owned())
}

fn header_bytes(request: &ServiceRequest) -> usize {
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// The request's line, written when it is dropped: also of a request that is given up in the middle, because its
/// connection broke or the service ends, though what it asked for may go on.
struct RequestLine {
    span: Span,
    started: Instant,
    method: &'static str,
    /// The route's pattern, which stands for the path: that may hold a link's code or whatever else a caller writes.
    route: Option<String>,
    status: u16,
    key_id: Option<ApiKeyId>,
}

impl RequestLine {
    /// What stands for the status of a request that got no answer.
    const GIVEN_UP: u16 = 499;

    fn new(method: &Method, span: Span) -> Self {
        // A method is any token; one that is not known may be whatever a caller writes.
        let method = KNOWN_METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        Self { span, started: Instant::now(), method, route: None, status: Self::GIVEN_UP, key_id: None }
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let (method, route) = (self.method, self.route.as_deref().unwrap_or("-"));
        let (status, duration_ms) = (self.status, self.started.elapsed().as_secs_f64() * 1_000.0);
        let key_id = self.key_id.map(|id| id.to_string());
        tracing::info!(method, route, status, duration_ms, key_id, "request");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use actix_web::App;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};
    use ports::{
        MockApiKeyRepository, MockClock, MockCustomerRepository, MockDeliveryRepository, MockDetachmentQueue,
        MockEndpointRepository, MockEventOutbox, MockEventSignal, MockIdGenerator, MockIdempotencyStore,
        MockInstallationRepository, MockLinkRepository, MockProviderCustomerRepository, MockReceiverRepository,
        MockRetentionRepository, MockSecrets, MockTokenGenerator, MockWebhookSender,
    };
    use use_cases::{Policies, Ports, Service};

    fn state() -> web::Data<State> {
        let ports = Ports {
            customers: Arc::new(MockCustomerRepository::new()),
            events: Arc::new(MockEventOutbox::new()),
            signal: Arc::new(MockEventSignal::new()),
            receivers: Arc::new(MockReceiverRepository::new()),
            endpoints: Arc::new(MockEndpointRepository::new()),
            deliveries: Arc::new(MockDeliveryRepository::new()),
            webhooks: Arc::new(MockWebhookSender::new()),
            broker: None,
            links: Arc::new(MockLinkRepository::new()),
            card_provider: None,
            provider_customers: Arc::new(MockProviderCustomerRepository::new()),
            detachments: Arc::new(MockDetachmentQueue::new()),
            idempotency: Arc::new(MockIdempotencyStore::new()),
            retention: Arc::new(MockRetentionRepository::new()),
            api_keys: Arc::new(MockApiKeyRepository::new()),
            installation: Arc::new(MockInstallationRepository::new()),
            clock: Arc::new(MockClock::new()),
            ids: Arc::new(MockIdGenerator::new()),
            tokens: Arc::new(MockTokenGenerator::new()),
            secrets: Arc::new(MockSecrets::new()),
        };
        web::Data::new(State {
            service: Arc::new(Service::new(ports, Policies::default())),
            public_url: String::new(),
            pages: pages::Pages::new("http://127.0.0.1:8080", pages::Brand::default()).unwrap(),
            trusted_proxies: crate::TrustedProxies::default(),
            callers: crate::caller::Callers::new(None),
            api: Api::new(),
            stopping: tokio::sync::watch::channel(false).1,
            streams: Arc::new(tokio::sync::Semaphore::new(1)),
        })
    }

    async fn panics() -> HttpResponse {
        panic!("a defect")
    }

    async fn fails() -> Result<HttpResponse, Error> {
        Err(actix_web::error::ErrorBadGateway("an internal message"))
    }

    #[actix_web::test]
    async fn a_panic_and_an_error_of_the_framework_are_problems_with_the_requests_id() {
        let app = App::new()
            .app_data(state())
            .wrap(from_fn(observe))
            .route("/panics", web::get().to(panics))
            .route("/fails", web::get().to(fails));
        let app = init_service(app).await;
        for path in ["/panics", "/fails"] {
            let request = TestRequest::get().uri(path).insert_header((X_REQUEST_ID, "the-request"));
            let response = match actix_web::dev::Service::call(&app, request.to_request()).await {
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                Err(error) => error.error_response(),
            };
            assert_eq!(response.status().as_u16(), 500, "{path}");
            assert_eq!(response.headers().get(X_REQUEST_ID).unwrap(), "the-request");
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&problem["code"], &problem["request_id"]), (&"internal_error".into(), &"the-request".into()));
            assert!(!problem.to_string().contains("an internal message"));
        }
    }
}
