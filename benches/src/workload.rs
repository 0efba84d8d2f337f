//! What is asked for: the requests of each measurement.

use std::cell::Cell;
use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::rc::Rc;

use uuid::Uuid;

use crate::load::Requests;
use crate::random::Random;
use crate::seed::CONFIRMABLE;

/// Area codes of numbers that are valid and that nobody was seeded with, each good for eight million.
const AREAS: [u64; 12] = [202, 203, 205, 206, 207, 208, 209, 212, 213, 214, 215, 216];
const AREA: u64 = 8_000_000;

/// The number of the n-th customer that is created.
fn new_number(n: u64) -> String {
    let area = AREAS.iter().cycle().nth(usize::try_from(n / AREA).unwrap_or_default()).unwrap_or(&202);
    // Not one after the other: numbers come from everywhere.
    format!("+1{area}{}", 2_000_000 + n * 5_005_001 % AREA)
}

/// The id of the n-th customer that was seeded.
fn seeded_id(n: u64) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))
}

/// What a request does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// The baseline's fixed document.
    Fixed,
    Get,
    Create,
    CreateWithKey,
    Confirm,
    Patch,
    List,
    /// Four reads to a create.
    Mixed,
}

/// How many of what was seeded are used up already, for all that runs on a database.
#[derive(Default)]
pub(crate) struct Used {
    created: Cell<u64>,
    confirmed: Cell<u64>,
}

/// Makes the requests of a measurement.
pub(crate) struct Workload {
    pub(crate) work: Work,
    pub(crate) key: String,
    pub(crate) random: Random,
    /// How many customers were seeded to be read and changed.
    pub(crate) rows: u64,
    pub(crate) used: Rc<Used>,
    pub(crate) body: String,
}

impl Workload {
    fn get(&self, path: Arguments<'_>, out: &mut Vec<u8>) -> u16 {
        let _ = write!(out, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", self.key);
        200
    }

    fn send(&mut self, method_and_path: Arguments<'_>, headers: Arguments<'_>, body: Arguments<'_>, out: &mut Vec<u8>) {
        self.body.clear();
        let _ = self.body.write_fmt(body);
        let _ = write!(
            out,
            "{method_and_path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n{headers}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
            self.key,
            self.body.len(),
            self.body
        );
    }

    fn create(&mut self, with_key: bool, out: &mut Vec<u8>) -> u16 {
        let n = self.used.created.replace(self.used.created.get() + 1);
        let number = new_number(n);
        let body = format_args!(r#"{{"unconfirmed_phone_number":"{number}","country_code":"US"}}"#);
        if with_key {
            self.send(format_args!("POST /v1/customers"), format_args!("Idempotency-Key: bench-{n}\r\n"), body, out);
        } else {
            self.send(format_args!("POST /v1/customers"), format_args!(""), body, out);
        }
        201
    }
}

impl Requests for Workload {
    fn next(&mut self, out: &mut Vec<u8>) -> u16 {
        let id = seeded_id(self.random.below(self.rows));
        match self.work {
            Work::Fixed => self.get(format_args!("/fixed"), out),
            Work::List => self.get(format_args!("/v1/customers?limit=20"), out),
            Work::Create => self.create(false, out),
            Work::CreateWithKey => self.create(true, out),
            Work::Mixed if self.random.below(5) == 0 => self.create(false, out),
            Work::Get | Work::Mixed => self.get(format_args!("/v1/customers/{id}"), out),
            Work::Patch => {
                let name = self.random.below(1_000_000);
                let body = format_args!(r#"{{"first_name":"N{name}"}}"#);
                self.send(format_args!("PATCH /v1/customers/{id}"), format_args!(""), body, out);
                200
            }
            Work::Confirm => {
                let n = self.used.confirmed.replace(self.used.confirmed.get() + 1);
                let id = seeded_id(CONFIRMABLE + n);
                let body = format_args!(r#"{{"confirmation_token":"123456"}}"#);
                self.send(format_args!("POST /v1/customers/{id}/confirm"), format_args!(""), body, out);
                200
            }
        }
    }
}
