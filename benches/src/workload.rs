//! What is asked for: the requests of each measurement.

use std::fmt::Write as _;
use std::io::Write as _;

use uuid::Uuid;

use crate::load::Requests;
use crate::random::Random;

/// Area codes of numbers that are valid and that nobody was seeded with, each good for eight million.
const AREAS: [u64; 12] = [202, 203, 205, 206, 207, 208, 209, 212, 213, 214, 215, 216];
const AREA: u64 = 8_000_000;

/// The number of the n-th customer that is created.
pub(crate) fn new_number(n: u64) -> String {
    let area = AREAS.get(usize::try_from(n / AREA).unwrap_or_default() % AREAS.len()).unwrap_or(&202);
    format!("+1{area}{}", 2_000_000 + n % AREA)
}

/// The id of the n-th customer that was seeded.
pub(crate) fn seeded_id(n: u64) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))
}

/// Writes a request.
pub(crate) struct Writer {
    /// The header lines of every request.
    headers: String,
    body: String,
}

impl Writer {
    pub(crate) fn new(key: &str) -> Self {
        Self { headers: format!("Host: localhost\r\nAuthorization: Bearer {key}\r\n"), body: String::new() }
    }

    fn get(&self, path: std::fmt::Arguments<'_>, out: &mut Vec<u8>) {
        let _ = write!(out, "GET {path} HTTP/1.1\r\n{}\r\n", self.headers);
    }

    fn send(&self, method: &str, path: std::fmt::Arguments<'_>, more: std::fmt::Arguments<'_>, out: &mut Vec<u8>) {
        let _ = write!(
            out,
            "{method} {path} HTTP/1.1\r\n{}{more}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
            self.headers,
            self.body.len(),
            self.body
        );
    }
}

/// Retrieves customers that were seeded, at random.
pub(crate) struct Retrieve {
    pub(crate) writer: Writer,
    pub(crate) random: Random,
    pub(crate) rows: u64,
}

impl Requests for Retrieve {
    fn next(&mut self, out: &mut Vec<u8>) -> u16 {
        let id = seeded_id(self.random.below(self.rows));
        self.writer.get(format_args!("/v1/customers/{id}"), out);
        200
    }
}

/// Creates customers.
pub(crate) struct Create {
    pub(crate) writer: Writer,
    /// How many there are already.
    pub(crate) made: std::rc::Rc<std::cell::Cell<u64>>,
    pub(crate) with_key: bool,
}

impl Requests for Create {
    fn next(&mut self, out: &mut Vec<u8>) -> u16 {
        let n = self.made.replace(self.made.get() + 1);
        self.writer.body.clear();
        let _ = write!(self.writer.body, r#"{{"unconfirmed_phone_number":"{}","country_code":"US"}}"#, new_number(n));
        if self.with_key {
            self.writer.send("POST", format_args!("/v1/customers"), format_args!("Idempotency-Key: bench-{n}\r\n"), out);
        } else {
            self.writer.send("POST", format_args!("/v1/customers"), format_args!(""), out);
        }
        201
    }
}
