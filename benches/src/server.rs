//! The processes that are measured.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use rustix::process::{Pid, Signal, kill_process};

/// How many services were started, of which each has a log.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// How long a process may take to start or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database, as the service and the baseline are told of it.
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgresql(String),
}

impl Database {
    /// Two files in that directory.
    pub(crate) fn two_sqlite(directory: &Path) -> (Self, Self) {
        (Self::Sqlite(directory.join("customers.db")), Self::Sqlite(directory.join("plain.db")))
    }

    /// Two new databases on the server of `TEST_DATABASE_URL`.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(crate) fn two_postgresql(name: &str) -> Result<(Self, Self)> {
        Ok((Self::postgresql(name)?, Self::postgresql(&format!("{name}_plain"))?))
    }

    fn postgresql(name: &str) -> Result<Self> {
        let server = std::env::var("TEST_DATABASE_URL")
            .map_err(|_| Error::other("TEST_DATABASE_URL is not set: run this by scripts/with-postgres"))?;
        let mut connection = PgConnection::establish(&server).map_err(Error::other)?;
        let statements = [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")];
        for statement in statements {
            connection.batch_execute(&statement).map_err(Error::other)?;
        }
        let (server, _) = server.rsplit_once('/').ok_or_else(|| Error::other("TEST_DATABASE_URL names no database"))?;
        Ok(Self::Postgresql(format!("{server}/{name}")))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgresql(_) => "PostgreSQL",
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgresql(url) => url.clone(),
        }
    }
}

/// A process that listens. Dropped, it ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
}

/// What the service is given as its secret.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A command of the service on a database.
fn customers(database: &Database, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(beside("customers")?);
    command.args(arguments).env_clear().envs([
        ("CUSTOMERS_DATABASE_URL", database.url().as_str()),
        ("CUSTOMERS_SECRET_KEY", SECRET),
        ("CUSTOMERS_LISTEN", "127.0.0.1:0"),
    ]);
    Ok(command)
}

/// Another binary of the same build.
fn beside(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Makes a key of the service.
///
/// # Errors
/// When that fails.
pub(crate) fn make_key(database: &Database, scope: &str) -> Result<String> {
    let output = customers(database, &["keys", "create", "--name", "bench", "--scope", scope])?.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let key = text.split_whitespace().find(|word| word.starts_with("ckey_"));
    let failed = || Error::other(format!("no key was made: {}", String::from_utf8_lossy(&output.stderr)));
    key.map(str::to_owned).ok_or_else(failed)
}

/// Sends a document and expects 201.
///
/// # Errors
/// When something else is answered.
pub(crate) fn post(address: SocketAddr, path: &str, key: &str, body: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 201") { Ok(()) } else { Err(Error::other(answer)) }
}

/// How long the service takes from its start to its first answer, in milliseconds.
///
/// # Errors
/// When it does not answer.
pub(crate) fn time_to_first_answer(database: &Database) -> Result<f64> {
    // Free now, so that the address need not be waited for in the log.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = customers(database, &["serve"])?;
    command.env("CUSTOMERS_LISTEN", address.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let _service = Server { address, child: command.spawn()? };
    while begun.elapsed() < PATIENCE {
        if is_ready(address).unwrap_or(false) {
            return Ok(begun.elapsed().as_secs_f64() * 1_000.0);
        }
        sleep(Duration::from_micros(200));
    }
    Err(Error::other("the service does not answer"))
}

fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

impl Server {
    /// The service, with settings beside the database. Its log goes to a file in `directory`, as it would in production.
    ///
    /// # Errors
    /// When it does not listen.
    pub(crate) fn service(database: &Database, settings: &[(&str, &str)], directory: &Path) -> Result<Self> {
        let log = directory.join(format!("service-{}.log", STARTED.fetch_add(1, Ordering::Relaxed)));
        let mut child = customers(database, &["serve"])?
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let text = std::fs::read_to_string(&log)?;
            let address = text.lines().find_map(|line| line.split_once("listening on http://"));
            if let Some(address) = address.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok()) {
                return Ok(Self { address, child });
            }
            if child.try_wait()?.is_some() {
                return Err(Error::other(format!("the service ended: {text}")));
            }
            sleep(Duration::from_millis(2));
        }
        Err(Error::other("the service does not listen"))
    }

    /// The ordinary way on the same database.
    ///
    /// # Errors
    /// When it does not listen.
    pub(crate) fn baseline(database: &Database) -> Result<Self> {
        let mut child = Command::new(beside("baseline")?).arg(database.url()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| Error::other("no output"))?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| Error::other("the baseline does not listen"))?;
        Ok(Self { address, child })
    }

    /// How much memory it holds, in MiB.
    pub(crate) fn resident(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        resident.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = id.is_some_and(|id| kill_process(id, Signal::TERM).is_ok());
        let begun = Instant::now();
        while asked && begun.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
