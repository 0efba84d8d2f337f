//! The log: what goes to standard error, and in which form.

use std::io::{BufWriter, IsTerminal, Result, Stderr, Write, stderr};
use std::thread::sleep;
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, Settings};

/// The target of the line that says where the service listens. It is written whatever the filter: with port 0 nobody
/// would know otherwise.
pub(crate) const START: &str = "start";

/// Lines that may wait to be written. Past that they are dropped: a log that nobody reads must not hold up requests.
const WAITING_LINES: usize = 8_192;

/// How long lines gather after some were written.
const GATHERING: Duration = Duration::from_millis(10);
/// How many bytes of them are written at once.
const BUFFER: usize = 64 * 1024;

/// Standard error for a thread that flushes it whenever no more lines wait. It is kept there for a moment each time, in which
/// nobody who has a line needs to wake it: on a busy service that costs more than the line.
struct Unhurried(BufWriter<Stderr>);

impl Write for Unhurried {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        self.0.write(line)
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush()?;
        sleep(GATHERING);
        Ok(())
    }
}

/// Begins to log, until the guard is dropped, which writes what still waits. Panics are logged too, as errors, by their
/// place alone: their message may quote what a caller wrote.
pub(crate) fn start(settings: &Settings) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(true)
        .finish(Unhurried(BufWriter::with_capacity(BUFFER, stderr())));
    // Where the log cannot be written, it cannot be told there either.
    let lines = tracing_subscriber::fmt::layer().log_internal_errors(false).with_writer(writer);
    let log = tracing_subscriber::registry().with(filter(&settings.log));
    // A second start within one process (in tests) keeps the first one's log.
    let _ = match settings.log_format {
        LogFormat::Text => log.with(lines.with_ansi(stderr().is_terminal())).try_init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
    guard
}

/// What is written: what the setting says of levels and modules, which has the last word.
fn filter(setting: &str) -> Targets {
    // The HTTP library's own start lines say again what ours says, and its lines about connections are strangers'
    // doing; what the NATS library says of its connection, ours says when it matters.
    let quiet = "actix_server=warn,actix_http=off,async_nats=off";
    // The setting is one that can be read: it was looked at when it was taken.
    format!("{quiet},{START}=info,{setting}").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_setting_has_the_last_word_of_the_libraries_and_the_address_is_told_whatever_it_says() {
        let filter = filter("error,use_cases=debug,actix_http=trace");
        for (target, level, is_written) in [
            ("adapters_http::observe", Level::ERROR, true),
            ("adapters_http::observe", Level::WARN, false),
            ("use_cases::dispatch", Level::DEBUG, true),
            ("use_cases::dispatch", Level::TRACE, false),
            ("actix_http::h1", Level::TRACE, true),
            ("async_nats", Level::ERROR, false),
            (START, Level::INFO, true),
        ] {
            assert_eq!(filter.would_enable(target, &level), is_written, "{target} {level}");
        }
    }
}
