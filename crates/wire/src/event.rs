//! The event document.

use std::borrow::Cow;
use std::marker::PhantomData;

use domain::{ConfirmationToken, EventBody, EventType, PendingReason, VerificationStatus};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::{Customer, Secrecy, WireTime, as_text, schema};

/// An event as it is stored and delivered. Later releases add types, and members of `data`: ignore those that you do not
/// know.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    /// The same in every delivery of it.
    #[serde(serialize_with = "as_text")]
    id: domain::EventId,
    /// What kind of event it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it happened.
    timestamp: WireTime,
    /// What happened.
    data: Data<'a>,
}

/// One of each type, so that programs know the data by the type.
impl JsonSchema for Event<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An event as it is stored and delivered. Later releases add types, and members of `data`: ignore \
                            those that you do not know.",
            "anyOf": [
                generator.subschema_for::<Typed<Verification<'_>>>(),
                generator.subschema_for::<Typed<Updated<'_>>>(),
                generator.subschema_for::<Typed<Erased>>(),
            ],
        })
    }
}

/// An event of one type, for the API's document.
struct Typed<D>(PhantomData<D>);

/// What is said of a type of event.
trait EventKind: JsonSchema {
    /// The name of its schema.
    const NAME: &'static str;
    const TYPE: EventType;
    /// What it tells.
    const TEXT: &'static str;
}

impl EventKind for Verification<'_> {
    const NAME: &'static str = "VerificationEvent";
    const TYPE: EventType = EventType::Verification;
    const TEXT: &'static str = "A phone number is to be proved, or has been.";
}

impl EventKind for Updated<'_> {
    const NAME: &'static str = "CustomerUpdatedEvent";
    const TYPE: EventType = EventType::CustomerUpdated;
    const TEXT: &'static str = "Something that is kept about a customer has changed.";
}

impl EventKind for Erased {
    const NAME: &'static str = "CustomerErasedEvent";
    const TYPE: EventType = EventType::CustomerErased;
    const TEXT: &'static str = "A customer is erased: all that was kept about him is gone.";
}

impl<D: EventKind> JsonSchema for Typed<D> {
    fn schema_name() -> Cow<'static, str> {
        D::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let described = |mut schema: Schema, text: &str| {
            schema.insert("description".to_owned(), text.into());
            schema
        };
        let kind = json_schema!({"type": "string", "const": D::TYPE.as_str(), "examples": [D::TYPE.as_str()]});
        let data = generator.subschema_for::<D>();
        json_schema!({
            "description": D::TEXT,
            "type": "object",
            "properties": {
                "id": described(schema::event_id(generator), "The same in every delivery of it."),
                "type": described(kind, "What kind of event it is."),
                "timestamp": described(generator.subschema_for::<WireTime>(), "When it happened."),
                "data": described(data, "What happened."),
            },
            "required": ["id", "type", "timestamp", "data"],
        })
    }
}

/// What happened, by the type of event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Verification(Verification<'a>),
    Updated(Updated<'a>),
    Erased(Erased),
}

/// Of `customer.erased`: all that was kept about the customer is gone.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CustomerErasedData")]
struct Erased {
    /// Counts the events of this customer from 1 without a gap.
    #[schemars(range(min = 1), example = 3)]
    sequence: i64,
    /// Who he was.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::customer_id")]
    customer_id: domain::CustomerId,
}

/// Of `customer.updated`: something that is kept about the customer changed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CustomerUpdatedData")]
struct Updated<'a> {
    /// Counts the events of this customer from 1 without a gap.
    #[schemars(range(min = 1), example = 2)]
    sequence: i64,
    /// What did.
    #[schemars(length(min = 1), extend("examples" = [["billing_address"]]))]
    changed: Vec<&'static str>,
    /// As he was at that moment.
    customer: Customer<'a>,
}

/// Of `verification`: a phone number is to be proved, or has been.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VerificationData")]
struct Verification<'a> {
    /// `pending`: send the token to the number; `confirmed`: the number is the customer's.
    #[schemars(extend("enum" = ["pending", "confirmed"]), example = &"pending")]
    status: &'static str,
    /// Why.
    #[schemars(extend("enum" = ["created", "regenerated", "confirmed"]), example = &"created")]
    reason: &'static str,
    /// Counts the events of this customer from 1 without a gap.
    #[schemars(range(min = 1), example = 1)]
    sequence: i64,
    /// As he was at that moment.
    customer: Customer<'a>,
    /// The token to send, while `pending`. `null` for a key with the scope `read`.
    #[schemars(regex(pattern = "^[0-9]{6}$"), example = &"042917")]
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_token: Option<String>,
    /// Until when the token lives, while `pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<WireTime>,
}

impl<'a> Event<'a> {
    /// The document of an event, token included.
    pub fn new(event: &'a domain::Event) -> Self {
        let data = match &event.body {
            EventBody::Verification { status, customer } => {
                Data::Verification(Verification::new(status, event.sequence, customer))
            }
            EventBody::Updated { changed, customer } => Data::Updated(Updated {
                sequence: event.sequence,
                changed: changed.iter().map(|changed| changed.as_str()).collect(),
                customer: Customer::new(customer, Secrecy::Shown),
            }),
            EventBody::Erased => Data::Erased(Erased { sequence: event.sequence, customer_id: event.customer_id }),
        };
        Self { id: event.id, kind: event.body.event_type().as_str(), timestamp: WireTime(event.occurred_at), data }
    }
}

impl<'a> Verification<'a> {
    fn new(status: &VerificationStatus, sequence: i64, customer: &'a domain::Customer) -> Self {
        let (status, reason, token, expires_at) = match status {
            VerificationStatus::Pending { reason, token, expires_at } => {
                let reason = match reason {
                    PendingReason::Created => "created",
                    PendingReason::Regenerated => "regenerated",
                };
                ("pending", reason, Some(*token), Some(*expires_at))
            }
            VerificationStatus::Confirmed => ("confirmed", "confirmed", None, None),
        };
        Self {
            status,
            reason,
            sequence,
            customer: Customer::new(customer, Secrecy::Shown),
            confirmation_token: token.map(ConfirmationToken::expose),
            expires_at: expires_at.map(WireTime),
        }
    }
}

/// What is left of an event whose customer was erased.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErasedEvent<'a> {
    /// The same as before.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::event_id")]
    id: domain::EventId,
    /// What kind of event it was.
    #[serde(rename = "type")]
    #[schemars(example = &"verification")]
    kind: &'a str,
    /// When it happened.
    timestamp: WireTime,
    /// All that is left of what it told.
    data: ErasedData,
}

/// All that is left of what an event told.
#[derive(Debug, Serialize, JsonSchema)]
struct ErasedData {
    /// Counts the events of this customer from 1 without a gap.
    #[schemars(range(min = 1), example = 1)]
    sequence: i64,
    /// `true`.
    #[schemars(extend("const" = true, "examples" = [true]))]
    erased: bool,
}

/// An event as it is read: whole, or what is left of it. For the API's document: what is read is the stored text.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum StoredEvent<'a> {
    /// As it was delivered.
    Whole(Box<Event<'a>>),
    /// After its customer was erased.
    Erased(ErasedEvent<'a>),
}

impl<'a> ErasedEvent<'a> {
    /// The document of what is left.
    pub fn new(id: domain::EventId, kind: &'a str, at: domain::Timestamp, sequence: i64) -> Self {
        Self { id, kind, timestamp: WireTime(at), data: ErasedData { sequence, erased: true } }
    }
}

impl std::fmt::Display for ErasedEvent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// An event that says nothing but that it arrives: sent to try an endpoint, and stored nowhere.
#[derive(Debug, Serialize)]
pub struct Ping {
    #[serde(serialize_with = "as_text")]
    id: domain::EventId,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: WireTime,
    data: serde_json::Map<String, serde_json::Value>,
}

impl Ping {
    /// The document of a ping.
    pub fn new(id: domain::EventId, at: domain::Timestamp) -> Self {
        Self { id, kind: "ping", timestamp: WireTime(at), data: serde_json::Map::new() }
    }
}

impl std::fmt::Display for Ping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}
