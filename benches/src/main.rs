//! Measures.

mod load;
mod random;
mod seed;
mod server;
mod workload;

use std::cell::Cell;
use std::io::Result;
use std::rc::Rc;
use std::time::Duration;

// Named for their features alone: both client libraries are compiled in.
use libsqlite3_sys as _;
use pq_sys as _;
use serde_json as _;

use load::{Plan, Requests, run};
use random::Random;
use server::{Database, Server, make_key};
use workload::{Create, Retrieve, Writer};

struct Fixed(Writer);
impl Requests for Fixed {
    fn next(&mut self, out: &mut Vec<u8>) -> u16 {
        out.extend_from_slice(b"GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
        200
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let kind = args.get(1).map_or("sqlite", String::as_str);
    let what: Vec<&str> = args.get(2).map_or("get,create", String::as_str).split(',').collect();
    let seconds: f64 = args.get(3).map_or(3.0, |s| s.parse().unwrap());
    let conns: usize = args.get(4).map_or(32, |s| s.parse().unwrap());
    let directory = tempfile::tempdir()?;
    let database = if kind == "sqlite" { Database::sqlite(directory.path()) } else { Database::postgresql("bench_a")? };
    let key = make_key(&database, "write")?;
    let read_key = make_key(&database, "read")?;
    seed::seed(&database, 10_000)?;
    let made = Rc::new(Cell::new(0));
    let plan = |server: &Server| Plan { address: server.address, connections: conns, warm_up: Duration::from_millis(700), duration: Duration::from_secs_f64(seconds), rate: None };
    let print = |name: &str, outcome: load::Outcome| println!("{kind} {name}: {:.0}/s p50 {:.2} p99 {:.2} errors {} {:?}", outcome.rate, outcome.percentile(50.0), outcome.percentile(99.0), outcome.errors, outcome.first_error);
    for w in what {
        let base = w.starts_with("naive");
        let server = if base { Server::baseline(&database)? } else { Server::service(&database, &[("CUSTOMERS_LOG", &std::env::var("L").unwrap_or("info".into())), ("CUSTOMERS_PHONE_VALIDATION", "valid")], directory.path())? };
        let retrieve = |key: &str| Retrieve { writer: Writer::new(key), random: Random::new(1), rows: 10_000 };
        let create = |k| Create { writer: Writer::new(&key), made: made.clone(), with_key: k };
        let outcome = match w {
            "naive-fixed" => run(plan(&server), Fixed(Writer::new(""))),
            "naive-get" => run(plan(&server), retrieve(&read_key)),
            "get" => run(plan(&server), retrieve(&read_key)),
            "getlinks" => { let _ = run(plan(&server), retrieve(&key)); run(plan(&server), retrieve(&key)) },
            "naive-create" | "create" => run(plan(&server), create(false)),
            "create-key" => run(plan(&server), create(true)),
            _ => panic!(),
        }?;
        print(w, outcome);
        println!("   resident {:?}", server.resident());
    }
    Ok(())
}
