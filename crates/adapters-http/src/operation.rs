//! An operation of the API: a method of a path, who answers it, and what is said of it.
//!
//! A [`Description`] stands beside the handler that it describes. What it lists of queries and bodies is law for those who
//! read them: what is not listed is refused as unknown.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, Route, web};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::problem::Code;

/// A line of the table in [`router`](crate::router).
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) route: Route,
    pub(crate) description: &'static Description,
}

impl Operation {
    pub(crate) fn new<F, Args>(
        method: Method,
        path: &'static str,
        handler: F,
        description: &'static Description,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        Self { method, path, route, description }
    }
}

/// What the world is told of an operation.
pub(crate) struct Description {
    /// Its name in programs; it never changes.
    pub(crate) id: &'static str,
    /// What calls it in the JavaScript client, such as `customers.create`. Of several operations that the client calls in one
    /// way it sends the first.
    pub(crate) client: &'static str,
    /// Its name for people.
    pub(crate) summary: &'static str,
    /// What to know of it, in Markdown.
    pub(crate) text: &'static str,
    pub(crate) access: Access,
    /// What may stand in the query; `None` where it is not looked at.
    pub(crate) query: Option<&'static [Parameter]>,
    /// What its headers may say, besides the key.
    pub(crate) headers: &'static [Parameter],
    /// What may stand in the body; `None` where there is none, or none is looked at.
    pub(crate) body: Option<&'static [Parameter]>,
    pub(crate) success: Success,
    /// How it can fail, besides what follows from the rest: see [`Description::errors`].
    pub(crate) errors: &'static [Code],
}

/// Which keys open it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// None is needed.
    Anyone,
    /// One with the scope `read` or `write`.
    Read,
    /// One with the scope `write`.
    Write,
}

/// The answer when all went well.
pub(crate) struct Success {
    pub(crate) status: u16,
    /// What it is, as a sentence.
    pub(crate) text: &'static str,
    /// Its headers beyond those of every answer.
    pub(crate) headers: &'static [Header],
    pub(crate) content: Content,
}

/// A header of an answer.
pub(crate) struct Header {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// Whether every answer has it.
    pub(crate) is_always_there: bool,
}

/// Where a new thing is.
pub(crate) const NEW_LOCATION: Header =
    Header { name: "Location", text: "The path of what was made.", is_always_there: true };
/// Where the next page is.
pub(crate) const NEXT_PAGE: Header =
    Header { name: "Link", text: "`<PATH>; rel=\"next\"`: the next page, where there is one.", is_always_there: false };

/// What the body of an answer is.
pub(crate) enum Content {
    Nothing,
    /// JSON of a type: [`schema`] or [`schemas`].
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// Server-Sent Events.
    EventStream,
}

/// The schema of a type.
pub(crate) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema of a list of a type.
pub(crate) fn schemas<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Vec<T>>()
}

/// What a caller sends under a name: a member of a body, a parameter of a query, a part of a path.
#[derive(Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    /// Whether `null` may be sent, too.
    pub(crate) is_nullable: bool,
    /// What stands in the operation's example; without one it is left out there.
    pub(crate) example: Option<Example>,
}

/// What a parameter's value is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// A text that a regular expression or a format of JSON Schema describes, or that has a greatest length.
    TextLike {
        format: Option<&'static str>,
        pattern: Option<&'static str>,
        max_length: Option<usize>,
    },
    /// One of these.
    OneOf(fn() -> Vec<&'static str>),
    /// Some of these.
    SomeOf(fn() -> Vec<&'static str>),
    Flag {
        default: Option<bool>,
    },
    Number {
        min: u32,
        max: u32,
        default: u32,
    },
    /// Not looked at.
    Anything,
}

#[derive(Clone, Copy)]
pub(crate) enum Example {
    Text(&'static str),
    Texts(&'static [&'static str]),
}

impl Parameter {
    /// One that may be absent, and not `null`.
    pub(crate) const fn new(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self { name, text, kind, is_required: false, is_nullable: false, example: None }
    }

    pub(crate) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) const fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    pub(crate) const fn example(self, text: &'static str) -> Self {
        Self { example: Some(Example::Text(text)), ..self }
    }

    pub(crate) const fn examples(self, texts: &'static [&'static str]) -> Self {
        Self { example: Some(Example::Texts(texts)), ..self }
    }
}

impl Kind {
    pub(crate) const fn format(format: &'static str) -> Self {
        Self::TextLike { format: Some(format), pattern: None, max_length: None }
    }

    pub(crate) const fn pattern(pattern: &'static str) -> Self {
        Self::TextLike { format: None, pattern: Some(pattern), max_length: None }
    }

    pub(crate) const fn at_most(characters: usize) -> Self {
        Self::TextLike { format: None, pattern: None, max_length: Some(characters) }
    }
}

impl Description {
    /// Whether a header is looked at.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|parameter| parameter.name == name)
    }

    /// Whether its answer is a page of a list.
    pub(crate) fn has_pages(&self) -> bool {
        self.success.headers.iter().any(|header| header.name == NEXT_PAGE.name)
    }

    /// All that it can fail with, each once, in the order of the statuses.
    pub(crate) fn errors(&self) -> Vec<Code> {
        let mut errors = vec![Code::HeadersTooLarge, Code::InternalError];
        if self.access != Access::Anyone {
            errors.extend([Code::Unauthorized, Code::RateLimited, Code::Unavailable]);
        }
        if self.access == Access::Write {
            errors.push(Code::Forbidden);
        }
        if self.body.is_some() {
            errors.extend([Code::MalformedRequest, Code::RequestTimeout]);
            errors.extend([Code::PayloadTooLarge, Code::UnsupportedMediaType]);
        }
        if self.body.is_some() || self.query.is_some() || !self.headers.is_empty() {
            errors.push(Code::InvalidParameters);
        }
        if self.has_header("Idempotency-Key") {
            errors.extend([Code::IdempotencyInProgress, Code::IdempotencyKeyReused]);
        }
        if self.has_header("If-Match") {
            errors.push(Code::PreconditionFailed);
        }
        Code::ALL.into_iter().filter(|code| errors.contains(code) || self.errors.contains(code)).collect()
    }
}
