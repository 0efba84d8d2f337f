//! An operation of the API: a method of a path, and who answers it.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, Route, web};

/// A line of the table in [`router`](crate::router).
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) route: Route,
}

impl Operation {
    pub(crate) fn new<F, Args>(method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        Self { method, path, route }
    }
}
