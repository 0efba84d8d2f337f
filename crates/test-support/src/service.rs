//! The real binary as a process of its own.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::Http;

/// How long a service may take to listen. A busy machine that migrates is slow; one that hangs is told.
const START: Duration = Duration::from_secs(30);

/// How long a command that answers and ends may take.
const COMMAND: Duration = Duration::from_secs(90);

/// How often a condition that nobody tells of is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// What comes before the address in the line that a service logs when it listens.
const LISTENING: &str = "listening on http://";

/// A running service. Dropped, it is killed.
#[derive(Debug)]
pub struct Service {
    process: Process,
    address: String,
    directory: PathBuf,
    /// Dropping it removes it, after the process has been killed.
    _own_directory: Option<TempDir>,
}

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Service {
    /// Starts `BINARY ARGUMENTS` in a working directory of its own and waits until it listens.
    ///
    /// The settings are all that it has: `CUSTOMERS_…` variables of the test's own environment do not reach it. It
    /// listens on a free port unless a setting says where. Panics with its output when it does not come to listen.
    pub fn start(binary: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let own = TempDir::new().expect("a test needs a temporary directory");
        let started = Self::start_in(own.path(), binary, arguments, settings);
        Self { _own_directory: Some(own), ..started }
    }

    /// Like [`Service::start`], in a directory that stays: for a service that is started again where another was.
    pub fn start_in(directory: &Path, binary: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("CUSTOMERS_LISTEN", "127.0.0.1:0")];
        all.extend_from_slice(settings);
        let process = Process::spawn(binary, arguments, &all, directory);
        let deadline = Instant::now() + START;
        let address = loop {
            // Whether it has ended comes first: what it wrote until then is complete and still counts.
            let ended = process.ended();
            if let Some(address) = listening_address(&process.stderr.text()) {
                break address;
            }
            assert!(!ended, "the service ended before it listened:\n{}", process.output());
            assert!(Instant::now() < deadline, "the service does not listen:\n{}", process.output());
            thread::sleep(GLANCE);
        };
        Self { process, address, directory: directory.to_owned(), _own_directory: None }
    }

    /// Runs a command that answers and ends, such as `keys create`, in a directory (else in an empty one of its own).
    pub fn run(binary: &Path, arguments: &[&str], settings: &[(&str, &str)], directory: Option<&Path>) -> Output {
        let own = TempDir::new().expect("a test needs a temporary directory");
        let process = Process::spawn(binary, arguments, settings, directory.unwrap_or(own.path()));
        let status = process.wait(COMMAND);
        Output { status, stdout: process.stdout.text().clone(), stderr: process.stderr.text().clone() }
    }

    /// The URL of a path on this service.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client of this service.
    pub fn client(&self) -> Http {
        Http::new(&self.url(""))
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it has written to standard error until now.
    pub fn logs(&self) -> String {
        self.process.stderr.text().clone()
    }

    /// What it has written to standard output until now.
    pub fn stdout(&self) -> String {
        self.process.stdout.text().clone()
    }

    /// How much memory it holds, in KiB, as Linux tells it.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        resident.and_then(|text| text.split_whitespace().next()?.parse().ok()).expect("a process has a size")
    }

    /// Sends a signal by its name without `SIG`, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {}", self.process.id())]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal {name} could not be sent");
    }

    /// Ends it as a power cut would (`SIGKILL`).
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Waits for it to end by itself; panics when it has not after that time.
    pub fn wait(&self, bound: Duration) -> ExitStatus {
        self.process.wait(bound)
    }
}

/// A child process of which the output is collected. Dropped, it is killed.
#[derive(Debug)]
struct Process {
    child: Mutex<Child>,
    stdout: Collected,
    stderr: Collected,
}

impl Process {
    fn spawn(binary: &Path, arguments: &[&str], settings: &[(&str, &str)], directory: &Path) -> Self {
        let mut command = Command::new(binary);
        command.args(arguments).current_dir(directory).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in inherited_settings() {
            command.env_remove(name);
        }
        command.envs(settings.iter().copied());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{} cannot be started: {error}", binary.display()));
        let stdout = Collected::from(child.stdout.take().expect("it was piped"));
        let stderr = Collected::from(child.stderr.take().expect("it was piped"));
        Self { child: Mutex::new(child), stdout, stderr }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().expect("no holder of the process panics")
    }

    fn id(&self) -> u32 {
        self.child().id()
    }

    /// Whether it has ended and all that it wrote was read.
    fn ended(&self) -> bool {
        self.try_wait().is_some() && self.stdout.complete() && self.stderr.complete()
    }

    fn try_wait(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("a child can be waited for")
    }

    fn wait(&self, bound: Duration) -> ExitStatus {
        let deadline = Instant::now() + bound;
        while !self.ended() {
            assert!(Instant::now() < deadline, "it still runs after {bound:?}:\n{}", self.output());
            thread::sleep(GLANCE);
        }
        self.try_wait().expect("it has ended")
    }

    fn kill(&self) {
        let mut child = self.child();
        // Neither fails but for a child that has ended already.
        let _ = child.kill();
        let _ = child.wait();
    }

    fn output(&self) -> String {
        format!("standard output:\n{}\nstandard error:\n{}", self.stdout.text(), self.stderr.text())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a stream has said until now, line by line.
#[derive(Debug)]
struct Collected {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Collected {
    fn from(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let collecting = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while let Ok(1..) = stream.read_until(b'\n', &mut line) {
                lock(&collecting).push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> MutexGuard<'_, String> {
        lock(&self.text)
    }

    fn complete(&self) -> bool {
        self.reader.is_finished()
    }
}

fn lock(text: &Mutex<String>) -> MutexGuard<'_, String> {
    text.lock().expect("no holder of the text panics")
}

fn inherited_settings() -> impl Iterator<Item = OsString> {
    env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("CUSTOMERS_"))
}

/// The address in the line that says where the service listens.
fn listening_address(logs: &str) -> Option<String> {
    let (_, after) = logs.split_once(LISTENING)?;
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || ".:[]-".contains(c)))?;
    Some(after[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_text_and_json() {
        let read = |logs: &str| listening_address(logs);
        assert_eq!(read("INFO listening on http://127.0.0.1:4711\n"), Some("127.0.0.1:4711".to_owned()));
        assert_eq!(read("x\n{\"message\":\"listening on http://[::1]:80\"}\n"), Some("[::1]:80".to_owned()));
        assert_eq!(read("listening on http://127.0.0.1:1\u{1b}[0m\n"), Some("127.0.0.1:1".to_owned()));
        assert_eq!(read("starting\n"), None);
    }
}
