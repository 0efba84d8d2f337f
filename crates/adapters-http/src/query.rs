//! Query strings, taken apart parameter by parameter with all errors gathered.

use actix_web::web;
use domain::{FieldCode, FieldError};

use crate::body::unknown_parameters;
use crate::operation::{Kind, Parameter};
use crate::problem::Problem;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// [`Query::limit`].
pub(crate) const LIMIT: Parameter = Parameter::new(
    "limit",
    Kind::Number { min: 1, max: MAX_LIMIT, default: DEFAULT_LIMIT },
    "How many are answered at most.",
);

/// The parameters of a query string, taken one by one. What nobody takes is unknown.
pub(crate) struct Query {
    parameters: Vec<(String, String)>,
    known: &'static [Parameter],
    errors: Vec<FieldError>,
}

impl Query {
    /// What is not described is not there to be taken, and unknown.
    pub(crate) fn parse(query_string: &str, known: &'static [Parameter]) -> Self {
        let parameters = web::Query::from_query(query_string).map(web::Query::into_inner).unwrap_or_default();
        Self { parameters, known, errors: Vec::new() }
    }

    /// Reads a parameter; `None` when it is absent, or wrong, which is noted: given twice, or refused by `read` with
    /// what it must be.
    pub(crate) fn take<T>(
        &mut self,
        name: &'static str,
        must_be: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if !self.known.iter().any(|parameter| parameter.name == name) {
            return None;
        }
        let mut values = self.parameters.extract_if(.., |(key, _)| key == name).map(|(_, value)| value);
        let (first, second) = (values.next()?, values.next());
        drop(values);
        let value = if second.is_none() { read(&first) } else { None };
        if value.is_none() {
            self.errors.push(FieldError::new(name, FieldCode::Invalid, must_be));
        }
        value
    }

    /// A text. One that is given twice is noted, and absent.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.take(name, "must be given once", |text| Some(text.to_owned()))
    }

    /// Notes that a parameter is wrong.
    pub(crate) fn refuse(&mut self, name: &'static str, code: FieldCode, detail: impl std::fmt::Display) {
        self.errors.push(FieldError::new(name, code, detail));
    }

    /// How many things a page has.
    pub(crate) fn limit(&mut self) -> u32 {
        let limit = self.take(LIMIT.name, "must be a whole number from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit))
        });
        limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Refuses the request when anything is wrong.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        self.errors.extend(unknown_parameters(self.parameters.into_iter().map(|(name, _)| name)));
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(self.errors)) }
    }
}
