//! Request bodies: read within limits, then taken apart member by member with all errors gathered.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, dev};
use domain::{FieldCode, FieldError, Member};
use futures_util::StreamExt;
use serde_json::{Map, Value};

use crate::connection::Requests;
use crate::operation::Parameter;
use crate::problem::{Code, Problem};

/// A body that nobody has read yet, so that the key is checked before a byte of it is waited for.
pub(crate) struct Body {
    /// Where it goes back to when it is dropped before its end.
    unread: UnreadBody,
    payload: Option<dev::Payload>,
    /// Whom to tell that it is being read.
    requests: Option<Requests>,
    content_length: Option<u64>,
    is_json: bool,
    is_form: bool,
    is_encoded: bool,
}

/// Where a request's body is until somebody has read it to its end.
#[derive(Clone, Default)]
pub(crate) struct UnreadBody(Rc<RefCell<Option<dev::Payload>>>);

impl UnreadBody {
    /// Takes the body out of a request and notes, at the request, where it is.
    pub(crate) fn of(request: &mut ServiceRequest) -> Self {
        let unread = Self::default();
        unread.put(request.take_payload());
        request.extensions_mut().insert(unread.clone());
        unread
    }

    /// The body, if there is one that nobody has read to its end.
    pub(crate) fn take(&self) -> Option<dev::Payload> {
        self.0.borrow_mut().take().filter(|payload| !matches!(payload, dev::Payload::None))
    }

    fn put(&self, payload: dev::Payload) {
        *self.0.borrow_mut() = Some(payload);
    }
}

/// For routes that read bodies by the HTTP library's own means, and within limits of their own: gives theirs back.
pub(crate) async fn hand_over_body(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let unread = request.extensions().get::<UnreadBody>().cloned().unwrap_or_default();
    if let Some(payload) = unread.take() {
        request.set_payload(payload);
    }
    let _reading = request.conn_data::<Requests>().map(Requests::read_body);
    next.call(request).await
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take() {
            self.unread.put(payload);
        }
    }
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let media_type = header(CONTENT_TYPE).and_then(|value| value.split(';').next()).map(str::trim);
        let unread = request.extensions().get::<UnreadBody>().cloned().unwrap_or_default();
        ready(Ok(Self {
            payload: unread.take(),
            unread,
            requests: request.conn_data::<Requests>().cloned(),
            content_length: header(CONTENT_LENGTH).and_then(|value| value.parse().ok()),
            is_json: media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/json")),
            is_form: media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/x-www-form-urlencoded")),
            is_encoded: header(CONTENT_ENCODING).is_some_and(|value| !value.eq_ignore_ascii_case("identity")),
        }))
    }
}

impl Body {
    const MAX_BYTES: usize = 64 * 1024;
    /// A body within the limit that takes longer than this is not worth a connection.
    const MAX_TIME: Duration = Duration::from_secs(10);

    /// The members of the object that the body must be.
    pub(crate) async fn object(self, known: &[Parameter]) -> Result<Members, Problem> {
        self.read(known).await?.ok_or_else(|| Problem::new(Code::MalformedRequest, "Send a JSON object as the body."))
    }

    /// The members of the object that the body may be; none where there is no body.
    pub(crate) async fn optional_object(self, known: &[Parameter]) -> Result<Members, Problem> {
        Ok(self.read(known).await?.unwrap_or_default())
    }

    /// What was filled into a form; nothing, where the body is no form.
    pub(crate) async fn form(mut self) -> Result<Form, Problem> {
        let bytes = self.bytes().await?;
        Ok(if self.is_form && !self.is_encoded { Form::read(&bytes) } else { Form(Vec::new()) })
    }

    async fn read(mut self, known: &[Parameter]) -> Result<Option<Members>, Problem> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if !self.is_json || self.is_encoded {
            let detail = "Send the body as JSON, with `Content-Type: application/json` and no `Content-Encoding`.";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        Members::parse(&bytes, known).map(Some)
    }

    /// The whole of it, within the limits.
    async fn bytes(&mut self) -> Result<BytesMut, Problem> {
        if self.content_length.is_some_and(|length| length > Self::MAX_BYTES as u64) {
            return Err(Self::too_large());
        }
        let _reading = self.requests.as_ref().map(Requests::read_body);
        tokio::time::timeout(Self::MAX_TIME, self.collect())
            .await
            .map_err(|_| Problem::new(Code::RequestTimeout, "Send the whole body within 10 seconds of the headers."))?
    }

    async fn collect(&mut self) -> Result<BytesMut, Problem> {
        let mut bytes = BytesMut::new();
        let Some(payload) = &mut self.payload else { return Ok(bytes) };
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|_| Problem::new(Code::MalformedRequest, "Send the body whole: it broke off."))?;
            if bytes.len() + chunk.len() > Self::MAX_BYTES {
                return Err(Self::too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        self.payload = None;
        Ok(bytes)
    }

    fn too_large() -> Problem {
        Problem::new(Code::PayloadTooLarge, "Send at most 64 KiB: no operation needs more.")
    }
}

/// Errors of the parameters that an operation does not know. The answer is for a person who looks for his mistake: of
/// names without end, and of a name that is itself an essay, he is shown the beginning.
pub(crate) fn unknown_parameters(names: impl Iterator<Item = String>) -> impl Iterator<Item = FieldError> {
    names.take(100).map(|name| {
        let name: String = name.chars().take(100).collect();
        FieldError::new(name, FieldCode::Unknown, "is not a parameter of this operation")
    })
}

/// What a form says. Parameters that nobody asks for are ignored, since browsers and what people add to them send more than
/// a form has; of those that come twice the last counts.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The text of a parameter; empty where it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The members of an object, taken one by one. What is not described is not there to be taken, and unknown; what is wrong
/// is gathered.
#[derive(Default)]
pub(crate) struct Members {
    raw: Bytes,
    members: Map<String, Value>,
    unknown: Vec<String>,
    errors: Vec<FieldError>,
}

impl Members {
    fn new(raw: Bytes, members: Map<String, Value>, known: &[Parameter]) -> Self {
        let is_known = |name: &str| known.iter().any(|parameter| parameter.name == name);
        let (members, unknown): (Map<_, _>, Map<_, _>) = members.into_iter().partition(|(name, _)| is_known(name));
        let unknown = unknown.into_iter().map(|(name, _)| name).collect();
        Self { raw, members, unknown, errors: Vec::new() }
    }

    /// The body that they were read from, as it came.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The members of the object that these bytes must be.
    pub(crate) fn parse(bytes: &[u8], known: &[Parameter]) -> Result<Self, Problem> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self::new(Bytes::copy_from_slice(bytes), members, known)),
            Ok(_) => Err(Problem::new(Code::MalformedRequest, "Send a JSON object: the body is another JSON value.")),
            Err(error) => {
                // The parser's own words may quote the body, so only the place is told.
                let (line, column) = (error.line(), error.column());
                let detail =
                    format!("Send valid JSON in UTF-8: the body stops being that at line {line}, column {column}.");
                Err(Problem::new(Code::MalformedRequest, detail))
            }
        }
    }

    /// A text. One that is wrong is noted, and absent.
    pub(crate) fn text(&mut self, name: &'static str) -> Member<String> {
        match self.members.shift_remove(name) {
            None => Member::Absent,
            Some(Value::Null) => Member::Null,
            Some(Value::String(text)) => Member::Value(text),
            Some(_) => {
                self.refuse(name, FieldCode::WrongType, "must be a string");
                Member::Absent
            }
        }
    }

    /// A text that must be there; `None` when it is not, which is noted.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Option<String> {
        let wrong_before = self.errors.len();
        let text = self.text(name).value();
        if text.is_none() && self.errors.len() == wrong_before {
            self.refuse(name, FieldCode::Missing, "is required");
        }
        text
    }

    /// Notes each of these that is not there, or `null`, and takes it.
    pub(crate) fn require(&mut self, names: &[&'static str]) {
        for name in names {
            if self.members.get(*name).is_none_or(Value::is_null) {
                self.members.shift_remove(*name);
                self.refuse(name, FieldCode::Missing, "is required");
            }
        }
    }

    /// A list of texts; `None` when it is absent, or wrong, which is noted.
    pub(crate) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.members.shift_remove(name)?;
        let texts = value.as_array().and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        if texts.is_none() {
            self.refuse(name, FieldCode::WrongType, "must be a list of strings");
        }
        texts
    }

    /// Yes or no. What is wrong is noted, and absent.
    pub(crate) fn flag(&mut self, name: &'static str) -> Member<bool> {
        match self.members.shift_remove(name) {
            None => Member::Absent,
            Some(Value::Null) => Member::Null,
            Some(Value::Bool(flag)) => Member::Value(flag),
            Some(_) => {
                self.refuse(name, FieldCode::WrongType, "must be true or false");
                Member::Absent
            }
        }
    }

    /// Members that are taken and not looked at.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.members.shift_remove(*name);
        }
    }

    /// Notes that a member is wrong.
    pub(crate) fn refuse(&mut self, name: &'static str, code: FieldCode, detail: impl std::fmt::Display) {
        self.errors.push(FieldError::new(name, code, detail));
    }

    /// All that is wrong, members that nobody took included.
    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        let left = self.members.into_iter().map(|(name, _)| name);
        let unknown = unknown_parameters(left.chain(self.unknown));
        self.errors.into_iter().chain(unknown).collect()
    }

    /// Refuses the request when anything is wrong.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let errors = self.into_errors();
        if errors.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::error::PayloadError;
    use futures_util::stream;

    fn body(payload: impl futures_util::Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Body {
        Body {
            unread: UnreadBody::default(),
            payload: Some(dev::Payload::Stream { payload: Box::pin(payload) }),
            requests: None,
            content_length: None,
            is_json: true,
            is_form: false,
            is_encoded: false,
        }
    }

    async fn refused(body: Body) -> Code {
        body.object(&[]).await.err().unwrap().code
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for_long() {
        let first = stream::iter([Ok(Bytes::from_static(b"{"))]);
        assert_eq!(refused(body(first.chain(stream::pending()))).await, Code::RequestTimeout);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_cut_at_the_limit() {
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 1024])));
        assert_eq!(refused(body(endless)).await, Code::PayloadTooLarge);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_malformed() {
        let broken = stream::iter([Ok(Bytes::from_static(b"{}")), Err(PayloadError::Incomplete(None))]);
        assert_eq!(refused(body(broken)).await, Code::MalformedRequest);
    }

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = Form::read(b"city=Fort+Worth&line1=1%2B1+%26+%C3%A9&empty=&bare&city=Gdynia&&a=b=c");
        assert_eq!(form.text("city"), "Gdynia", "the last counts");
        assert_eq!(form.text("line1"), "1+1 & \u{e9}");
        assert_eq!(form.text("a"), "b=c");
        assert_eq!((form.text("empty"), form.text("bare"), form.text("absent")), ("", "", ""));
        assert_eq!(Form::read(b"city=%ff").text("city"), "\u{fffd}", "what is not in UTF-8 is told as that");
    }
}
