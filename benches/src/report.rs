//! What was measured: a table for the terminal, a page with plots for `docs/benchmarks/`.

use std::fmt::Write as _;
use std::fs;
use std::io::Result;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a turn of a measurement gave.
pub(crate) struct Taken {
    /// Answers a second.
    pub(crate) rate: f64,
    /// The latencies' median and 99th percentile, in milliseconds.
    pub(crate) latencies: Option<(f64, f64)>,
    /// The percentage of the processors that nobody used.
    pub(crate) idle: Option<f64>,
}

/// One measurement.
pub(crate) struct Row {
    pub(crate) database: &'static str,
    pub(crate) who: String,
    pub(crate) work: String,
    pub(crate) connections: usize,
    pub(crate) taken: Vec<Taken>,
}

impl Row {
    pub(crate) fn is(&self, who: &str, work: &str, database: &str, connections: usize) -> bool {
        self.who == who && self.work == work && self.database == database && self.connections == connections
    }

    /// How many times as many answers a second as the other, the turns' median.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        median(self.taken.iter().zip(&other.taken).map(|(taken, other)| taken.rate / other.rate).collect())
    }

    /// Answers a second, the turns' median.
    pub(crate) fn rate(&self) -> f64 {
        median(self.taken.iter().map(|taken| taken.rate).collect())
    }

    /// The percentage of the processors that nobody used, the turns' median.
    fn idle(&self) -> Option<f64> {
        let idle: Vec<f64> = self.taken.iter().filter_map(|taken| taken.idle).collect();
        (!idle.is_empty()).then(|| median(idle))
    }

    /// The turns' medians.
    pub(crate) fn percentiles(&self) -> Option<(f64, f64)> {
        let latencies: Vec<(f64, f64)> = self.taken.iter().filter_map(|taken| taken.latencies).collect();
        let of = |which: fn(&(f64, f64)) -> f64| median(latencies.iter().map(which).collect());
        (!latencies.is_empty()).then(|| (of(|pair| pair.0), of(|pair| pair.1)))
    }
}

/// A number, or a dash where there is none.
fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What was measured among so many rows.
pub(crate) struct Growth {
    pub(crate) database: &'static str,
    pub(crate) work: String,
    pub(crate) rows: u64,
    pub(crate) rates: Vec<f64>,
}

impl Growth {
    pub(crate) fn rate(&self) -> f64 {
        median(self.rates.clone())
    }
}

/// What the service takes by itself: the time from its start to its first answer, in milliseconds, and memory, in MiB.
pub(crate) struct Process {
    pub(crate) database: &'static str,
    pub(crate) starts: Vec<f64>,
    pub(crate) idle: Option<f64>,
    /// After a thousand connections have used it.
    pub(crate) busy: Option<f64>,
}

impl Process {
    /// The starts' median.
    pub(crate) fn start(&self) -> f64 {
        median(self.starts.clone())
    }
}

/// What was asked for.
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) bar: f64,
    pub(crate) value: f64,
    /// Whether less is better.
    pub(crate) is_most: bool,
}

impl Bar {
    fn is_met(&self) -> bool {
        if self.is_most { self.value <= self.bar } else { self.value >= self.bar }
    }
}

/// All of it.
pub(crate) struct Report {
    seed: u64,
    turns: u64,
    duration: Duration,
    pub(crate) rows: Vec<Row>,
    pub(crate) open_loop: Vec<Row>,
    pub(crate) webhooks: Vec<Row>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) processes: Vec<Process>,
    /// The percentage of windows in which the machine was slow.
    pub(crate) slow_windows: f64,
    pub(crate) bars: Vec<Bar>,
}

impl Report {
    pub(crate) fn new(seed: u64, turns: u64, duration: Duration) -> Self {
        Self {
            seed,
            turns,
            duration,
            rows: Vec::new(),
            open_loop: Vec::new(),
            webhooks: Vec::new(),
            growth: Vec::new(),
            processes: Vec::new(),
            slow_windows: f64::NAN,
            bars: Vec::new(),
        }
    }

    /// The fewest and the most rows of each kind of growth.
    pub(crate) fn growth_ends(&self) -> Vec<(&Growth, &Growth)> {
        let firsts = self.growth.iter().filter(|row| row.rows == 10_000);
        let last = |first: &&Growth| {
            let alike = self.growth.iter().filter(|row| row.database == first.database && row.work == first.work);
            alike.max_by_key(|row| row.rows)
        };
        firsts.filter_map(|first| Some((first, last(&first)?))).filter(|(first, last)| first.rows < last.rows).collect()
    }

    /// In Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "| bar | asked for | measured | |\n| --- | --- | --- | --- |")?;
        for bar in &self.bars {
            let sign = if bar.is_most { "≤" } else { "≥" };
            let met = if bar.is_met() { "met" } else { "**not met**" };
            writeln!(out, "| {} | {sign} {} | {:.2} | {met} |", bar.what, bar.bar, bar.value)?;
        }
        write_rows(out, self.rows.iter().chain(&self.webhooks))?;
        let slow = self.slow_windows;
        writeln!(
            out,
            "\nOpen loop: the service and the baseline each at 70 % of their own highest throughput, the fixed answer at \
             the rate of the service's GET; latencies count from when each request was due. Of windows of 50 ms, {slow:.1} % \
             were such that a processor with nothing else to do did less than half of what it usually does."
        )?;
        write_rows(out, self.open_loop.iter())?;
        if !self.growth.is_empty() {
            writeln!(out, "\n| database | what | rows | per second |\n| --- | --- | --- | --- |")?;
            for row in &self.growth {
                writeln!(out, "| {} | {} | {} | {:.0} |", row.database, row.work, row.rows, row.rate())?;
            }
        }
        let head = "| database | start to first answer ms | idle MiB | after 1,000 connections MiB |";
        writeln!(out, "\n{head}\n| --- | --- | --- | --- |")?;
        for process in &self.processes {
            let (start, idle, busy) = (process.start(), figure(process.idle, 1), figure(process.busy, 1));
            writeln!(out, "| {} | {start:.0} | {idle} | {busy} |", process.database)?;
        }
        Ok(())
    }

    /// Writes the page and its plots.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        // First, since what is written makes the tree differ from its commit.
        let text = format!(
            "# Benchmarks\n\nWritten by `make bench`; what is measured and how to read it is in \
             [decision 0022](../decisions/0022-what-is-measured.md). Compare figures of one run only.\n\n{}\n\
             ![Throughput](throughput.svg)\n\n![Latency](latency.svg)\n\n![Growth](growth.svg)\n\n{}",
            self.machine(),
            self.text()
        );
        fs::create_dir_all(directory)?;
        fs::write(directory.join("throughput.svg"), self.throughput())?;
        fs::write(directory.join("latency.svg"), self.latency())?;
        fs::write(directory.join("growth.svg"), self.growth_plot())?;
        fs::write(directory.join("README.md"), text)
    }

    fn machine(&self) -> String {
        let first = |text: String, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            line.unwrap_or_default().trim_start_matches([' ', '\t', ':']).to_owned()
        };
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let said = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output();
            output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let postgres =
            std::env::var("TEST_POSTGRES_BIN").map_or_else(|_| "postgres".to_owned(), |bin| bin + "/postgres");
        let commit = said("git", &["describe", "--always", "--dirty", "--abbrev=12"]);
        format!(
            "- machine: {} × {}, {} of memory, Linux {}; databases on {}\n- {}; {}; SQLite {}\n\
             - commit {commit}, seed {}, {} turns of {:.1} s each; load generator and databases on the same cores\n",
            std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            first(read("/proc/cpuinfo"), "model name"),
            first(read("/proc/meminfo"), "MemTotal"),
            said("uname", &["-r"]),
            // Where it is tmpfs, to wait for the disk costs nothing.
            said("findmnt", &["-nro", "FSTYPE", "-T", &std::env::temp_dir().to_string_lossy()]),
            said("rustc", &["--version"]),
            said(&postgres, &["--version"]),
            sqlite_version(),
            self.seed,
            self.turns,
            self.duration.as_secs_f64(),
        )
    }

    /// A bar for each measurement over 32 connections.
    fn throughput(&self) -> String {
        let rows = self.rows.iter().filter(|row| row.connections == 32);
        let bars = rows.map(|row| (name(row), row.rate(), format!("{:.0}/s", row.rate())));
        plot("Requests a second, 32 connections", &bars.collect::<Vec<_>>())
    }

    fn latency(&self) -> String {
        let mut bars = Vec::new();
        for row in &self.open_loop {
            if let Some((p50, p99)) = row.percentiles() {
                bars.push((format!("{} p50", name(row)), p50, format!("{p50:.2} ms")));
                bars.push((format!("{} p99", name(row)), p99, format!("{p99:.2} ms")));
            }
        }
        plot("Latency at 70 % of the highest throughput", &bars)
    }

    fn growth_plot(&self) -> String {
        let bars = self.growth.iter().map(|row| {
            (format!("{} {}, {} rows", row.database, row.work, row.rows), row.rate(), format!("{:.0}/s", row.rate()))
        });
        plot("Requests a second among many customers", &bars.collect::<Vec<_>>())
    }
}

fn write_rows<'a>(out: &mut String, rows: impl Iterator<Item = &'a Row>) -> std::fmt::Result {
    writeln!(out, "\n| database | who | what | connections | per second | p50 ms | p99 ms | processor idle % |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for row in rows {
        let Row { database, who, work, connections, .. } = row;
        let (p50, p99) = row.percentiles().unzip();
        let figures = [figure(Some(row.rate()), 0), figure(p50, 2), figure(p99, 2), figure(row.idle(), 0)].join(" | ");
        writeln!(out, "| {database} | {who} | {work} | {connections} | {figures} |")?;
    }
    Ok(())
}

fn name(row: &Row) -> String {
    format!("{} {} {}", row.database, row.who, row.work)
}

fn sqlite_version() -> String {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let version = SqliteConnection::establish(":memory:").ok().and_then(|mut connection| {
        diesel::sql_query("SELECT sqlite_version() AS version").get_result::<Version>(&mut connection).ok()
    });
    version.map_or_else(String::new, |found| found.version)
}

/// Horizontal bars, the longest as long as the plot.
fn plot(title: &str, bars: &[(String, f64, String)]) -> String {
    const LINE: usize = 20;
    let most = bars.iter().map(|(_, value, _)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let height = 50 + LINE * bars.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 {height}\" role=\"img\" aria-label=\"{title}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"760\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"15\">{title}</text>\n"
    );
    for (index, (name, value, label)) in bars.iter().enumerate() {
        let (top, length) = (40 + LINE * index, value / most * 360.0);
        let color = match name {
            name if name.contains("Service") || name.contains("rows") => "#2563eb",
            name if name.contains("TwoProcesses") => "#60a5fa",
            _ => "#9ca3af",
        };
        let _ = writeln!(
            svg,
            "<text x=\"290\" y=\"{}\" text-anchor=\"end\">{name}</text><rect x=\"300\" y=\"{top}\" width=\"{length:.1}\" \
             height=\"14\" fill=\"{color}\"/><text x=\"{:.1}\" y=\"{}\">{label}</text>",
            top + 11,
            306.0 + length,
            top + 11
        );
    }
    svg + "</svg>\n"
}
