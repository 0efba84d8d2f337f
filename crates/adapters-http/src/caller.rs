//! Who is calling: the key in `Authorization`.

use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web};
use futures_util::future::LocalBoxFuture;
use use_cases::{ApiKeyId, Caller};

use crate::State;
use crate::problem::Problem;

/// A caller whose key was checked. A handler that takes it first answers 401 before it looks at anything else.
pub(crate) struct Authenticated(pub(crate) Caller);

/// A caller whose key may write. A handler that takes it first answers 401 or 403 before it looks at anything else; the
/// use case checks again.
pub(crate) struct AuthenticatedWriter(pub(crate) Caller);

/// The key that was used, for the request's log line.
#[derive(Clone, Copy)]
pub(crate) struct UsedKey(pub(crate) ApiKeyId);

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(authenticate(&request).await?)) })
    }
}

impl FromRequest for AuthenticatedWriter {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = authenticate(&request).await?;
            caller.require_write()?;
            Ok(Self(caller))
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let key = bearer(request).ok_or_else(Problem::unauthorized)?;
    let state = request.app_data::<web::Data<State>>().ok_or_else(Problem::internal_error)?;
    let caller = state.service.authenticate(key).await?;
    request.extensions_mut().insert(UsedKey(caller.key_id));
    Ok(caller)
}

/// The credentials of the scheme Bearer (RFC 6750), whose name is case-insensitive.
pub(crate) fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, key) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
