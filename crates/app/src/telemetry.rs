//! The log: what goes to standard error, and in which form.

use std::io::{BufWriter, IsTerminal, stderr};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// The target of the line that says where the service listens. It is written whatever the filter: with port 0 nobody
/// would know otherwise.
pub(crate) const START: &str = "start";

/// Lines that may wait to be written. Past that they are dropped: a log that nobody reads must not hold up requests.
const WAITING_LINES: usize = 8_192;

/// Begins to log, until the guard is dropped, which writes what still waits. Panics are logged too, as errors, by their
/// place alone: their message may quote what a caller wrote.
pub(crate) fn start(settings: &Settings) -> WorkerGuard {
    // The HTTP library's own start lines say again what ours says, and its lines about connections are strangers'
    // doing; what the NATS library says of its connection, ours says when it matters. A filter that names them has the
    // last word.
    let quiet = "actix_server=warn,actix_http=off,async_nats=off";
    let filter = EnvFilter::new(format!("{quiet},{START}=info,{}", settings.log));
    // The writer is flushed when no more lines wait: many of them are one system call.
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).lossy(true).finish(BufWriter::new(stderr()));
    // Where the log cannot be written, it cannot be told there either.
    let log = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false).with_writer(writer);
    // A second start within one process (in tests) keeps the first one's log.
    let _ = match settings.log_format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
    guard
}
