//! `GET /v1/customers`: list customers, newest first, and find them by what callers know of them.

use actix_web::http::header::{CACHE_CONTROL, LINK};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use domain::{CountryCode, Email, FieldCode, PhoneNumber, Timestamp};
use url::form_urlencoded;
use use_cases::{CustomerFilter, ListCustomers};

use super::create_body::{COUNTRY_CODE, email_error_code, phone_error_code};
use super::present;
use crate::State;
use crate::caller::Authenticated;
use crate::operation::{Access, Content, Description, Kind, NEXT_PAGE, Parameter, Success, schemas};
use crate::problem::Problem;
use crate::query::{LIMIT, Query};

pub(crate) const LIST: Description = Description {
    id: "list_customers",
    client: "customers.list",
    summary: "List and find customers",
    text: "Customers, newest first, their URLs `null`; of several filters all must be true. Whoever follows `Link` from page \
           to page sees everybody once who was there at the first.",
    access: Access::Read,
    query: Some(&LIST_QUERY),
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "A page of customers.",
        headers: &[NEXT_PAGE],
        content: Content::Json(schemas::<wire::Customer<'_>>),
    },
    errors: &[],
};

/// What [`list_command`] reads.
const LIST_QUERY: [Parameter; 8] = [
    Parameter::new(
        "phone_number",
        Kind::Text,
        "Who holds this number, confirmed or not, in any spelling. In a query `+` is written `%2B`.",
    ),
    Parameter::new("country_code", COUNTRY_CODE.kind, "The country in which `phone_number` is dialled."),
    Parameter::new("email", Kind::Text, "Those with this e-mail address, in whichever case."),
    Parameter::new("confirmed", Kind::OneOf(|| vec!["true", "false"]), "Those whose number is proved, or the others."),
    Parameter::new("created_after", Kind::format("date-time"), "Who was created at this time or later."),
    Parameter::new("created_before", Kind::format("date-time"), "Who was created earlier than this time."),
    Parameter::new("after", Kind::Text, "Where the page begins, as `Link` of the one before says it."),
    LIMIT,
];

const TIME: &str =
    "must be a time as in RFC 3339, such as \"2026-11-25T08:00:00Z\"; a `+` in it is written `%2B` in a query";

/// A page of customers, and the address of the next one where there is more.
pub(crate) async fn list(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query_string = request.query_string();
    let list = state.service.list_customers(list_command(query_string)?).await?;
    let objects: Vec<_> =
        list.customers.iter().map(|customer| wire::Customer::new(customer, present::secrecy(caller))).collect();
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    if let Some(cursor) = list.next {
        response.insert_header((LINK, next(query_string, &cursor)));
    }
    Ok(response.json(objects))
}

fn list_command(query_string: &str) -> Result<ListCustomers, Problem> {
    let mut query = Query::parse(query_string, &LIST_QUERY);
    let filter = CustomerFilter {
        phone_number: phone_number(&mut query),
        email: email(&mut query),
        confirmed: query.take("confirmed", "must be true or false", |text| text.parse().ok()),
        created_after: query.take("created_after", TIME, time),
        created_before: query.take("created_before", TIME, time),
    };
    let after = query.text("after");
    let limit = query.limit();
    query.finish()?;
    Ok(ListCustomers { filter, after, limit })
}

/// The number, whichever rules it was stored by.
fn phone_number(query: &mut Query) -> Option<PhoneNumber> {
    const NUMBER: &str = "phone_number";
    const COUNTRY: &str = "country_code";
    let spelling = query.text(NUMBER);
    let country = query.text(COUNTRY);
    let Some(spelling) = spelling else {
        if country.is_some() {
            let detail = "is the country in which `phone_number` is dialled, and says nothing without it";
            query.refuse(COUNTRY, FieldCode::Invalid, detail);
        }
        return None;
    };
    let country = match country.map(|code| CountryCode::parse(&code)).transpose() {
        Ok(country) => country,
        Err(error) => {
            query.refuse(COUNTRY, FieldCode::Invalid, error);
            return None;
        }
    };
    // In a query a `+` that was not written `%2B` is a space. Alone it can have been nothing else.
    let unescaped = spelling.strip_prefix(' ').filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let spelling = match (unescaped, country) {
        (None, _) => spelling,
        (Some(rest), None) => format!("+{rest}"),
        (Some(_), Some(_)) => {
            let detail = "begins with a space, which may have been a `+`: write `+` as `%2B` in a query, and no space before \
                          a number of `country_code`";
            query.refuse(NUMBER, FieldCode::Invalid, detail);
            return None;
        }
    };
    match PhoneNumber::sought(&spelling, country) {
        Ok(Some(number)) => Some(number),
        Ok(None) => {
            let detail = "is required beside a number as it is dialled within its country; one that begins with `+`, written \
                          `%2B` in a query, needs none";
            query.refuse(COUNTRY, FieldCode::Missing, detail);
            None
        }
        Err(error) => {
            query.refuse(NUMBER, phone_error_code(error), error);
            None
        }
    }
}

/// The address. One that looks like a card's number may be stored: it may be older than the rule against those.
fn email(query: &mut Query) -> Option<Email> {
    let refused = |error| (email_error_code(error), format!("{error}; a `+` in it is written `%2B` in a query"));
    match Email::sought(&query.text("email")?).map_err(refused) {
        Ok(email) => Some(email),
        Err((code, detail)) => {
            query.refuse("email", code, detail);
            None
        }
    }
}

/// A time, rounded up to whole milliseconds: customers are created at such, so that both bounds mean what they did.
fn time(text: &str) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let part = time.timestamp_subsec_nanos() % 1_000_000;
    Timestamp::from_timestamp_millis(time.timestamp_millis() + i64::from(part > 0))
}

/// The link to the next page (RFC 8288), relative, so that it is right behind any proxy: all parameters as they were
/// sent, with the place from which to go on.
fn next(query_string: &str, cursor: &str) -> String {
    let sent = form_urlencoded::parse(query_string.as_bytes()).filter(|(name, _)| name != "after");
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("after", cursor).extend_pairs(sent).finish();
    format!("</v1/customers?{query}>; rel=\"next\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_to_milliseconds() {
        for (text, time_read) in [
            ("2026-11-25T08:00:00Z", "2026-11-25 08:00:00 UTC"),
            ("2026-11-25t09:00:00.1234+01:00", "2026-11-25 08:00:00.124 UTC"),
            ("2026-11-25T08:00:00.999000001Z", "2026-11-25 08:00:01 UTC"),
            ("2026-12-31T23:59:60.5Z", "2027-01-01 00:00:00.500 UTC"),
            ("0000-01-01T00:00:00.0001Z", "0000-01-01 00:00:00.001 UTC"),
        ] {
            assert_eq!(time(text).map(|time| time.to_string()).as_deref(), Some(time_read), "{text}");
        }
        for text in ["", "2026-11-25", "2026-11-25T08:00:00", "+12026-11-25T08:00:00Z", "1795464000", "now"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let query = "limit=5&after=old&phone_number=%2B1%20418&email=zo%C3%AB%40a.b&created_after=x%3E";
        let link = next(query, "new-_");
        assert_eq!(
            link,
            "</v1/customers?after=new-_&limit=5&phone_number=%2B1+418&email=zo%C3%AB%40a.b&created_after=x%3E>; rel=\"next\""
        );
        assert_eq!(next("", "new"), "</v1/customers?after=new>; rel=\"next\"");
    }
}
