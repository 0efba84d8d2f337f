//! The log: what goes to standard error, and in which form.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Settings};

/// The target of the line that says where the service listens. It is written whatever the filter: with port 0 nobody
/// would know otherwise.
pub(crate) const START: &str = "start";

/// Begins to log. Panics are logged too, as errors, by their place alone: their message may quote what a caller wrote.
pub(crate) fn start(settings: &Settings) {
    // The HTTP library's own start lines say again what ours says. A filter that names it has the last word.
    let filter = EnvFilter::new(format!("actix_server=warn,{START}=info,{}", settings.log));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // A second start within one process (in tests) keeps the first one's log.
    let _ = match settings.log_format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}
