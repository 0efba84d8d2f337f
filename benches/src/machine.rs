//! The machine: how much of it is idle, and how steady it is.

use std::fs::read_to_string;
use std::hint::black_box;
use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

/// The processors' time since the start of the system, in ticks: all of it, and what nobody used.
#[derive(Clone, Copy)]
pub(crate) struct Processors {
    all: f64,
    idle: f64,
}

impl Processors {
    /// Now, where the system tells.
    pub(crate) fn now() -> Option<Self> {
        let stat = read_to_string("/proc/stat").ok()?;
        let ticks: Vec<f64> =
            stat.lines().next()?.split_whitespace().skip(1).filter_map(|ticks| ticks.parse().ok()).collect();
        Some(Self { all: ticks.iter().take(8).sum(), idle: ticks.get(3)? + ticks.get(4)? })
    }

    /// The percentage that nobody has used since.
    pub(crate) fn idle_since(self) -> Option<f64> {
        let now = Self::now()?;
        (now.all > self.all).then(|| (now.idle - self.idle) / (now.all - self.all) * 100.0)
    }
}

/// In so long a time a queue builds up that the 99th percentile of the latencies sees.
const WINDOW: Duration = Duration::from_millis(50);

/// The percentage of windows of 50 ms in which a processor with nothing else to do did less than half of what it usually
/// does: the machine is shared, and others had it. Nobody's latency is better than these windows.
#[expect(clippy::cast_precision_loss, reason = "some hundred windows")]
pub(crate) fn slow_windows(duration: Duration) -> f64 {
    let ends = Instant::now() + duration;
    let work = || {
        let mut windows = Vec::new();
        while Instant::now() < ends {
            let window_ends = Instant::now() + WINDOW;
            let mut done = 0_u32;
            while Instant::now() < window_ends {
                black_box((0..10_000_u64).fold(0_u64, |sum, next| black_box(sum.wrapping_mul(31) ^ next)));
                done += 1;
            }
            windows.push(done);
        }
        windows
    };
    let mut slow = 0;
    let mut all = 0;
    scope(|threads| {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let working: Vec<_> = (0..cores).map(|_| threads.spawn(work)).collect();
        for windows in working.into_iter().filter_map(|thread| thread.join().ok()) {
            let mut in_order = windows.clone();
            in_order.sort_unstable();
            let usual = in_order.get(in_order.len() / 2).copied().unwrap_or_default();
            slow += windows.iter().filter(|done| **done * 2 < usual).count();
            all += windows.len();
        }
    });
    slow as f64 / all.max(1) as f64 * 100.0
}
