//! The members of an endpoint in a request's body.

use domain::{CARD_NUMBER_REFUSED, EventType, FieldCode, Member, contains_card_number};
use use_cases::{Service, WebhookUrl};

use crate::body::Members;
use crate::operation::{Kind, Parameter};

pub(super) const URL: Parameter = Parameter::new(
    "url",
    Kind::TextLike { format: Some("uri"), pattern: None, max_length: Some(MAX_URL) },
    "Where events are sent: `https`, at a public address unless the operator allows more.",
);

pub(super) const EVENT_TYPES: Parameter =
    Parameter::new("event_types", Kind::SomeOf(known_event_types), "The types of events that it takes.");

pub(super) const DESCRIPTION: Parameter =
    Parameter::new("description", Kind::at_most(MAX_DESCRIPTION), "Whatever you want to say about it.").nullable();

pub(super) const DISABLED: Parameter = Parameter::new(
    "disabled",
    Kind::Flag { default: None },
    "`true`: nothing is sent, and what comes waits. `false`: all that waits goes out.",
);

fn known_event_types() -> Vec<&'static str> {
    EventType::ALL.map(EventType::as_str).to_vec()
}

const MAX_DESCRIPTION: usize = 255;
/// As much as a URL may have; more than one that is stored ever has.
const MAX_URL: usize = 2048;

/// The URL. One that is wrong is noted, and absent.
pub(super) fn url(members: &mut Members, service: &Service) -> Option<WebhookUrl> {
    match members.text("url") {
        Member::Absent => None,
        Member::Null => {
            members.refuse("url", FieldCode::WrongType, "must be a string");
            None
        }
        Member::Value(url) => {
            let code = if url.len() > MAX_URL { FieldCode::TooLong } else { FieldCode::Invalid };
            service.check_webhook_url(&url).map_err(|must_be| members.refuse("url", code, must_be)).ok()
        }
    }
}

/// Whether nothing is sent. What is wrong is noted, and absent.
pub(super) fn disabled(members: &mut Members) -> Option<bool> {
    match members.flag("disabled") {
        Member::Absent => None,
        Member::Null => {
            members.refuse("disabled", FieldCode::WrongType, "must be true or false");
            None
        }
        Member::Value(disabled) => Some(disabled),
    }
}

/// The types of events, each once. Those that are wrong are noted, and absent.
pub(super) fn event_types(members: &mut Members) -> Option<Vec<EventType>> {
    let names = members.texts("event_types")?;
    let types: Option<Vec<EventType>> = names.iter().map(|name| EventType::parse(name)).collect();
    let Some(mut types) = types.filter(|types| !types.is_empty()) else {
        let known: Vec<String> = EventType::ALL.iter().map(|kind| format!("\"{}\"", kind.as_str())).collect();
        let must_be = format!("must be a list of one or more of {}", known.join(", "));
        members.refuse("event_types", FieldCode::Invalid, must_be);
        return None;
    };
    types.sort_unstable();
    types.dedup();
    Some(types)
}

/// What is said about the endpoint. What is wrong is noted, and absent.
pub(super) fn description(members: &mut Members) -> Member<String> {
    let text = match members.text("description") {
        Member::Value(text) => text.trim().to_owned(),
        none => return none,
    };
    if text.chars().count() > MAX_DESCRIPTION {
        let must_be = format!("must have at most {MAX_DESCRIPTION} characters");
        members.refuse("description", FieldCode::TooLong, must_be);
        Member::Absent
    } else if text.is_empty() || text.chars().any(char::is_control) {
        members.refuse("description", FieldCode::Invalid, "must be text without control characters, or null");
        Member::Absent
    } else if contains_card_number(&text) {
        members.refuse("description", FieldCode::Invalid, CARD_NUMBER_REFUSED);
        Member::Absent
    } else {
        Member::Value(text)
    }
}
