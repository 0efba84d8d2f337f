//! What is measured, and in which turns.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::load::{Plan, run as run_load};
use crate::machine::{Processors, slow_windows};
use crate::pgbench;
use crate::random::Random;
use crate::report::{Bar, Growth, Process, Report, Row, Taken};
use crate::seed::{CONFIRMABLE, seed};
use crate::server::{Database, Server, make_key, post, time_to_first_answer};
use crate::workload::{Used, Work, Workload};

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Quick,
    Full { rows: u64 },
}

/// How many customers are read and changed, where it is not about how many there are.
const ROWS: u64 = 10_000;
/// Between two measurements: what the first one left to be done is done then.
const PAUSE: Duration = Duration::from_millis(300);
const SEED: u64 = 20_261_130;
/// Over so many connections requests are sent at a rate: more than wait at the same time.
const OPEN_CONNECTIONS: usize = 256;
/// How often the service is started to see how long that takes.
const STARTS: u32 = 7;
/// How long the machine itself is looked at.
const STEADINESS: Duration = Duration::from_secs(10);

/// Tokens that were seeded live as long as the measurement may take, and webhooks may go to this machine.
const SETTINGS: [(&str, &str); 2] =
    [("CUSTOMERS_CONFIRMATION_TTL", "1d"), ("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")];

/// A database with the service on it, and another of the same content with the baseline.
struct World {
    database: Database,
    plain: Database,
    service: Server,
    baseline: Server,
    directory: PathBuf,
    write_key: String,
    read_key: String,
    used: Rc<Used>,
}

impl World {
    fn new((database, plain): (Database, Database), directory: &Path, rows: u64, confirmable: u64) -> Result<Self> {
        let write_key = make_key(&database, "write")?;
        let read_key = make_key(&database, "read")?;
        seed(&database, 0, rows)?;
        // The key is not used, but with it the schema is made.
        make_key(&plain, "read")?;
        seed(&plain, 0, ROWS)?;
        for database in [&database, &plain] {
            seed(database, CONFIRMABLE, CONFIRMABLE + confirmable)?;
        }
        Ok(Self {
            service: Server::service(&database, &SETTINGS, directory)?,
            baseline: Server::baseline(&plain)?,
            directory: directory.to_owned(),
            database,
            plain,
            write_key,
            read_key,
            used: Rc::default(),
        })
    }
}

/// Who is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Service,
    /// With the key that gets links.
    ServiceWithLinks,
    TwoProcesses,
    Baseline,
    Pgbench,
}

/// One measurement, taken in each turn.
#[derive(Clone, Copy)]
struct Cell {
    world: usize,
    who: Who,
    work: Work,
    connections: usize,
}

fn cell(world: usize, who: Who, work: Work, connections: usize) -> Cell {
    Cell { world, who, work, connections }
}

struct Timing {
    turns: u64,
    warm_up: Duration,
    duration: Duration,
}

impl Timing {
    /// A turn of a closed loop.
    fn closed(&self, addresses: Vec<SocketAddr>, connections: usize) -> Plan {
        Plan { addresses, connections, warm_up: self.warm_up, duration: self.duration, rate: None }
    }
}

/// Measures all, prints it, and after a full measurement writes the report.
///
/// # Errors
/// When something does not run, or answers what it should not.
pub(crate) fn run(extent: Extent) -> Result<()> {
    let timing = match extent {
        Extent::Quick => Timing { turns: 3, warm_up: Duration::from_millis(300), duration: Duration::from_secs(1) },
        Extent::Full { .. } => {
            Timing { turns: 5, warm_up: Duration::from_millis(400), duration: Duration::from_secs(1) }
        }
    };
    let confirmable = if extent == Extent::Quick { 100_000 } else { 500_000 };
    let directory = TempDir::new()?;
    let steady = slow_windows(STEADINESS);
    let worlds = vec![
        World::new(Database::two_sqlite(directory.path()), directory.path(), ROWS, confirmable)?,
        World::new(Database::two_postgresql("bench")?, directory.path(), ROWS, confirmable)?,
    ];
    let mut report = Report::new(SEED, timing.turns, timing.duration);
    report.slow_windows = steady;
    for world in &worlds {
        sleep(PAUSE);
        let idle = world.service.resident();
        let starts = (0..STARTS).map(|_| time_to_first_answer(&world.database)).collect::<Result<_>>()?;
        report.processes.push(Process { database: world.database.name(), starts, idle, busy: None });
    }
    report.rows = measure(&worlds, &cells(extent), &timing)?;
    report.open_loop = open_loop(&worlds, &report.rows, extent)?;
    report.webhooks = webhooks(directory.path(), &timing)?;
    if let Extent::Full { rows } = extent {
        for (world, process) in worlds.iter().zip(&mut report.processes) {
            let plan = timing.closed(vec![world.service.address], 1_000);
            run_load(&plan, workload(world, Who::ServiceWithLinks, Work::Mixed, 0))?;
            process.busy = world.service.resident();
        }
        drop(worlds);
        report.growth = growth(directory.path(), rows, &timing)?;
    }
    report.bars = bars(&report);
    print!("{}", report.text());
    if extent == Extent::Quick { Ok(()) } else { report.write(Path::new("docs/benchmarks")) }
}

fn cells(extent: Extent) -> Vec<Cell> {
    let all: &[usize] = if extent == Extent::Quick { &[32] } else { &[1, 32, 256] };
    let mut cells = Vec::new();
    for connections in all.iter().copied() {
        cells.push(cell(0, Who::Baseline, Work::Fixed, connections));
        // Two hundred connections take pgbench longer to make than a turn lasts.
        if connections <= 32 {
            cells.push(cell(1, Who::Pgbench, Work::Get, connections));
            cells.push(cell(1, Who::Pgbench, Work::Create, connections));
        }
        for world in [0, 1] {
            cells.push(cell(world, Who::Baseline, Work::Get, connections));
            cells.push(cell(world, Who::Baseline, Work::Create, connections));
            cells.push(cell(world, Who::ServiceWithLinks, Work::Get, connections));
            for work in
                [Work::Get, Work::Create, Work::CreateWithKey, Work::Confirm, Work::Patch, Work::List, Work::Mixed]
            {
                cells.push(cell(world, Who::Service, work, connections));
            }
        }
    }
    cells.push(cell(1, Who::TwoProcesses, Work::Get, 32));
    cells.push(cell(1, Who::TwoProcesses, Work::Create, 32));
    if extent == Extent::Quick {
        for world in [0, 1] {
            cells.push(cell(world, Who::Service, Work::Get, 256));
            cells.push(cell(world, Who::Service, Work::Create, 256));
        }
    }
    cells
}

fn workload(world: &World, who: Who, work: Work, turn: u64) -> Workload {
    let reads = matches!(work, Work::Get | Work::List) && who != Who::ServiceWithLinks;
    let key = if reads { &world.read_key } else { &world.write_key };
    let random = Random::new(SEED + turn);
    // Their links are made in the warm-up.
    let rows = if who == Who::ServiceWithLinks { 1_000 } else { ROWS };
    Workload { work, key: key.clone(), random, rows, used: world.used.clone(), body: String::new() }
}

/// Takes each cell in each turn, and keeps the medians.
fn measure(worlds: &[World], cells: &[Cell], timing: &Timing) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for turn in 0..timing.turns {
        for (index, cell) in cells.iter().enumerate() {
            let world = worlds.get(cell.world).ok_or_else(|| Error::other("no such world"))?;
            sleep(PAUSE);
            let name = format!("{:?} {:?}", cell.who, cell.work);
            eprintln!("turn {}: {} {name}, {} connections", turn + 1, world.database.name(), cell.connections);
            let taken = if cell.who == Who::Pgbench {
                let before = Processors::now();
                let rate =
                    pgbench::run(&world.plain.url(), cell.work == Work::Create, cell.connections, timing.duration)?;
                Taken { rate, latencies: None, idle: before.and_then(Processors::idle_since) }
            } else {
                // There only now: it hears of what the first one stores, and would work beside it.
                let second = match cell.who {
                    Who::TwoProcesses => Some(Server::service(&world.database, &SETTINGS, &world.directory)?),
                    _ => None,
                };
                let server = if cell.who == Who::Baseline { &world.baseline } else { &world.service };
                let addresses = second.iter().chain([server]).map(|server| server.address).collect();
                let plan = timing.closed(addresses, cell.connections);
                take(&plan, workload(world, cell.who, cell.work, turn))?
            };
            if turn == 0 {
                rows.push(Row {
                    database: world.database.name(),
                    who: format!("{:?}", cell.who),
                    work: format!("{:?}", cell.work),
                    connections: cell.connections,
                    taken: Vec::new(),
                });
            }
            if let Some(row) = rows.get_mut(index) {
                row.taken.push(taken);
            }
        }
    }
    Ok(rows)
}

/// Sends requests as planned. None is to fail.
fn take(plan: &Plan, workload: Workload) -> Result<Taken> {
    let (work, before) = (workload.work, Processors::now());
    let outcome = run_load(plan, workload)?;
    let idle = before.and_then(Processors::idle_since);
    if let Some(error) = &outcome.first_error {
        return Err(Error::other(format!("{work:?}: {} errors, the first: {error}", outcome.errors)));
    }
    let latencies = Some((outcome.percentile(50.0), outcome.percentile(99.0)));
    Ok(Taken { rate: outcome.rate, latencies, idle })
}

/// Latencies at 70 % of the highest throughput, counted from when each request was due.
fn open_loop(worlds: &[World], rows: &[Row], extent: Extent) -> Result<Vec<Row>> {
    let duration = Duration::from_secs(if extent == Extent::Quick { 3 } else { 10 });
    let mut taken = Vec::new();
    for world in worlds {
        // The baseline, and the fixed answer at the rate of the service: what the machine and the load generator add.
        for (who, work, like) in [
            (Who::Service, Work::Get, (Who::Service, Work::Get)),
            (Who::Service, Work::Create, (Who::Service, Work::Create)),
            (Who::Baseline, Work::Get, (Who::Baseline, Work::Get)),
            (Who::Baseline, Work::Create, (Who::Baseline, Work::Create)),
            (Who::Baseline, Work::Fixed, (Who::Service, Work::Get)),
        ] {
            sleep(PAUSE);
            let (measured, of) = (format!("{:?}", like.0), format!("{:?}", like.1));
            let most = rows.iter().find(|row| row.is(&measured, &of, world.database.name(), 32));
            let rate = most.map(Row::rate).ok_or_else(|| Error::other("not measured"))? * 0.7;
            let server = if who == Who::Baseline { &world.baseline } else { &world.service };
            let plan = Plan {
                addresses: vec![server.address],
                connections: OPEN_CONNECTIONS,
                warm_up: Duration::from_millis(500),
                duration,
                rate: Some(rate),
            };
            taken.push(Row {
                database: world.database.name(),
                who: format!("{who:?}"),
                work: format!("{work:?}"),
                connections: OPEN_CONNECTIONS,
                taken: vec![take(&plan, workload(world, who, work, 99))?],
            });
        }
    }
    Ok(taken)
}

/// Creates while each event is delivered to a webhook, whose receiver is the baseline.
fn webhooks(directory: &Path, timing: &Timing) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let folder = directory.join("webhooks");
    std::fs::create_dir(&folder)?;
    for databases in [Database::two_sqlite(&folder), Database::two_postgresql("bench_webhooks")?] {
        let world = World::new(databases, directory, ROWS, 0)?;
        let body = format!(r#"{{"url":"http://{}/hook","event_types":["verification"]}}"#, world.baseline.address);
        post(world.service.address, "/v1/webhook_endpoints", &world.write_key, &body)?;
        let plan = Plan { duration: timing.duration * 2, ..timing.closed(vec![world.service.address], 32) };
        rows.push(Row {
            database: world.database.name(),
            who: "Webhooks".to_owned(),
            work: "Create".to_owned(),
            connections: 32,
            taken: vec![take(&plan, workload(&world, Who::Service, Work::Create, 0))?],
        });
    }
    Ok(rows)
}

/// Reads and creates among more and more customers, in turns.
fn growth(directory: &Path, most: u64, timing: &Timing) -> Result<Vec<Growth>> {
    let mut sizes: Vec<u64> = [10_000, 100_000, 1_000_000].into_iter().filter(|size| *size < most).collect();
    sizes.push(most);
    let mut worlds = Vec::new();
    for size in sizes {
        let folder = directory.join(format!("rows-{size}"));
        std::fs::create_dir(&folder)?;
        for databases in [Database::two_sqlite(&folder), Database::two_postgresql(&format!("bench_{size}"))?] {
            let begun = Instant::now();
            worlds.push((size, World::new(databases, directory, size, 0)?));
            eprintln!("{size} customers were made in {:.0?}", begun.elapsed());
        }
    }
    let mut taken: Vec<Growth> = Vec::new();
    for turn in 0..timing.turns {
        for (size, world) in &worlds {
            for work in [Work::Get, Work::Create] {
                sleep(PAUSE);
                let plan = timing.closed(vec![world.service.address], 32);
                let workload = Workload { rows: *size, ..workload(world, Who::Service, work, turn) };
                let rate = take(&plan, workload)?.rate;
                let (database, work) = (world.database.name(), format!("{work:?}"));
                let known =
                    taken.iter_mut().find(|row| (row.database, &row.work, row.rows) == (database, &work, *size));
                match known {
                    Some(row) => row.rates.push(rate),
                    None => taken.push(Growth { database, work, rows: *size, rates: vec![rate] }),
                }
            }
        }
    }
    Ok(taken)
}

/// What was asked for, and what there is.
fn bars(report: &Report) -> Vec<Bar> {
    let row = |who: &str, work: &str, database: &str, connections: usize| {
        report.rows.iter().find(|row| row.is(who, work, database, connections))
    };
    let ratio = |measured: Option<&Row>, other: Option<&Row>| {
        measured.zip(other).map_or(f64::NAN, |(measured, other)| measured.ratio(other))
    };
    let (sqlite, postgresql) = ("SQLite", "PostgreSQL");
    let mut bars = Vec::new();
    let mut at_least =
        |what: &str, bar: f64, value: f64| bars.push(Bar { what: what.to_owned(), bar, value, is_most: false });
    let get = |who, database| row(who, "Get", database, 32);
    let create = |who, database| row(who, "Create", database, 32);
    at_least("GET, PostgreSQL ÷ naive handler", 1.8, ratio(get("Service", postgresql), get("Baseline", postgresql)));
    at_least("GET, SQLite ÷ naive pooled handler", 1.0, ratio(get("Service", sqlite), get("Baseline", sqlite)));
    at_least("create, PostgreSQL ÷ pgbench", 2.0, ratio(create("Service", postgresql), create("Pgbench", postgresql)));
    at_least("create, SQLite ÷ naive transactions", 4.0, ratio(create("Service", sqlite), create("Baseline", sqlite)));
    for database in [sqlite, postgresql] {
        let keyed = ratio(row("Service", "CreateWithKey", database, 32), create("Service", database));
        at_least(&format!("create with Idempotency-Key ÷ without, {database}"), 0.8, keyed);
    }
    for database in [sqlite, postgresql] {
        for work in ["Get", "Create"] {
            let many = ratio(row("Service", work, database, 256), row("Service", work, database, 32));
            at_least(&format!("{work}, 256 ÷ 32 connections, {database}"), 0.9, many);
        }
    }
    for work in ["Get", "Create"] {
        let two = ratio(row("TwoProcesses", work, postgresql, 32), row("Service", work, postgresql, 32));
        at_least(&format!("{work}, two processes ÷ one, PostgreSQL"), 1.0, two);
    }
    for (first, last) in report.growth_ends() {
        let what = format!("{}, {} ÷ {} rows, {}", first.work, last.rows, first.rows, first.database);
        at_least(&what, 0.85, last.rate() / first.rate());
    }
    let mut at_most = |what: String, bar: f64, value: f64| bars.push(Bar { what, bar, value, is_most: true });
    for row in report.open_loop.iter().filter(|row| row.who == "Service") {
        let bar = if row.work == "Get" { 20.0 } else { 50.0 };
        let what = format!("{}, p99 at 70 % in ms, {}", row.work, row.database);
        at_most(what, bar, row.percentiles().map_or(f64::NAN, |(_, p99)| p99));
    }
    for process in &report.processes {
        at_most(format!("start to first answer in ms, {}", process.database), 40.0, process.start());
        at_most(format!("idle in MiB, {}", process.database), 25.0, process.idle.unwrap_or(f64::NAN));
        if let Some(busy) = process.busy {
            at_most(format!("after 1,000 connections in MiB, {}", process.database), 150.0, busy);
        }
    }
    bars
}
