//! Hearing on PostgreSQL that other processes have stored events, and telling them of one's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::{Connection as _, PgConnection};

use crate::failure::Failure;
use crate::signal::Signal;

/// The channel. It carries no data: who hears it looks into the table.
const LISTEN: &str = "LISTEN customers_events";
const NOTIFY: &str = "NOTIFY customers_events";

/// How often the connection is looked at. That costs no round trip.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a lost connection is left alone. Meanwhile everybody polls.
const RECONNECT: Duration = Duration::from_secs(2);

/// A thread with a connection of its own, which ends when this is dropped.
///
/// What many requests of a process say within a glance is told once: `NOTIFY` within each transaction would make all
/// commits of the server wait for each other.
pub(crate) struct Listener {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn start(url: String, signal: Arc<Signal>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = spawn(move || listen(&url, &signal, &stopped));
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // It is not waited for: a connection that is being made takes its time.
        drop(self.thread.take());
    }
}

fn listen(url: &str, signal: &Signal, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        if let Err(failure) = pass_on(url, signal, stop) {
            tracing::debug!(%failure, "notifications are not heard; events are polled for");
        }
        let mut waited = Duration::ZERO;
        while waited < RECONNECT && !stop.load(Ordering::Relaxed) {
            sleep(GLANCE);
            waited += GLANCE;
        }
    }
}

/// Passes on in both directions until told to stop or the connection is lost.
fn pass_on(url: &str, signal: &Signal, stop: &AtomicBool) -> Result<(), Failure> {
    let mut connection = PgConnection::establish(url).map_err(|error| Failure::Unavailable(error.to_string()))?;
    diesel::sql_query(LISTEN).execute(&mut connection)?;
    let me: i32 = diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
        .get_result(&mut connection)?;
    let mut told = signal.own_count();
    // What was said while nobody listened.
    signal.pass_on();
    while !stop.load(Ordering::Relaxed) {
        let own = signal.own_count();
        if own != told {
            told = own;
            diesel::sql_query(NOTIFY).execute(&mut connection)?;
        }
        let mut is_news = false;
        for notification in connection.notifications_iter() {
            is_news |= notification?.process_id != me;
        }
        if is_news {
            signal.pass_on();
        }
        sleep(GLANCE);
    }
    Ok(())
}
