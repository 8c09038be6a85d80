//! `cargo xtask perf watch`: measures the latency of events, the cost of starting to follow a
//! store, and the cost of waiting.

mod append;
mod follower;
mod idle;
mod latency;
mod setup;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use rustix::time::{ClockId, clock_gettime};
use scrollback_benches::Verdict;
use scrollback_core_id::SourceId;
use scrollback_core_id::SystemClock;
use scrollback_flow::{Progress, Snapshots};
use scrollback_source::Source;
use scrollback_stor_read::FileReader;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use serde::Serialize;

use self::follower::Driver;

const LATENCY: &str = "watch-latency";
const APPEND: &str = "watch-append";
const SETUP: &str = "watch-setup";
const IDLE: &str = "watch-idle";

/// The tasks: id and description.
pub(crate) const TASKS: [(&str, &str); 5] = [
    ("watch", "all four tasks of `watch`"),
    (LATENCY, "time from a rewrite of a part to its value, against a thread that reads inotify"),
    (APPEND, "time from an append to an open log to its event, against a rewrite of a part"),
    (SETUP, "start of following a store, against a watch for each of its directories"),
    (IDLE, "one minute of following a store without changes"),
];

/// A figure and its limit.
#[derive(Debug, Serialize)]
pub(crate) struct JudgedValue {
    #[serde(rename = "what")]
    name: String,
    value: f64,
    unit: &'static str,
    most: f64,
}

/// The figures of one measurement: lines of text, and figures with a limit.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    about: String,
    #[serde(rename = "seen")]
    lines: Vec<String>,
    judged: Vec<JudgedValue>,
}

impl JudgedValue {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, most: f64) -> Self {
        Self { name: name.into(), value, unit, most }
    }

    fn verdict(&self) -> Verdict {
        if self.value <= self.most { Verdict::Pass } else { Verdict::Fail } // NaN fails
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "watch: {}", self.about)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        for judged in &self.judged {
            let JudgedValue { name, value, unit, most } = judged;
            writeln!(f, "  {name:<52} {value:.3}{unit}, limit {most}{unit}: {}", judged.verdict())?;
        }
        Ok(())
    }
}

/// Runs a task of `watch`, prints its reports, and returns the worst verdict.
pub(crate) fn run(id: &str, seed: u64, is_json: bool) -> Result<Verdict> {
    let mut worst = Verdict::Stretch;
    let mut print = |report: Report| -> Result<()> {
        match is_json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => print!("{report}"),
        }
        worst = report.judged.iter().map(JudgedValue::verdict).fold(worst, Verdict::min);
        Ok(())
    };
    let is_wanted = |task: &str| id == "watch" || id == task;
    if is_wanted(LATENCY) {
        for driver in [Driver::Task, Driver::Thread] {
            for feed in [FeedKind::Inotify, FeedKind::Notify] {
                print(latency::measure(feed, driver)?)?;
            }
        }
    }
    if is_wanted(APPEND) {
        let server = std::env::var_os("WATCHMAN_SOCK").map(|_| FeedKind::Watchman);
        for feed in [FeedKind::Inotify, FeedKind::Notify].into_iter().chain(server) {
            print(append::measure(feed)?)?;
        }
    }
    if is_wanted(SETUP) {
        print(setup::measure(seed)?)?;
    }
    if is_wanted(IDLE) {
        for feed in [FeedKind::Inotify, FeedKind::Notify, FeedKind::Poll] {
            print(idle::measure(seed, feed)?)?;
        }
    }
    Ok(worst)
}

fn source(storage: &std::path::Path) -> Result<Arc<dyn Source>> {
    let id = SourceId::new("a store")?;
    Ok(Arc::new(FileReader::new(storage, id, Arc::new(SystemClock))))
}

fn continue_build(_: Progress) -> std::ops::ControlFlow<()> {
    std::ops::ControlFlow::Continue(())
}

fn live(source: &Arc<dyn Source>, kept: Option<Snapshots>, feed: FeedKind) -> Result<Live> {
    let options = LiveOptions { feed: FeedChoice::Only(feed), ..LiveOptions::default() };
    Live::start(Arc::clone(source), kept, options, &continue_build).map_err(|error| anyhow!(error))
}

/// Returns the processor time of this process until now: all threads, user and kernel mode.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
