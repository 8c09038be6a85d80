//! Measures the time from an append to an open log until its event, in turns with the rewrite of a
//! part of a JSON tree.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use scrollback_core_id::{SourceId, SystemClock};
use scrollback_source_test::jsonl::{JsonlSource, LogWriter};
use scrollback_watch::FeedKind;
use tempfile::TempDir;

use super::follower::{Driver, measure_turn, quantiles, spawn, wait_for_first_event};
use super::latency::{SinglePartTree, TEXT_BYTES};
use super::{JudgedValue, Report, micros};

/// The writes of one turn.
const WRITES_PER_TURN: usize = 100;
/// The limit of the ratio of the medians: log to JSON tree.
const MAX_RATIO: f64 = 2.0;

/// Measures appends and rewrites with one feed.
pub(super) fn measure(feed: FeedKind) -> Result<Report> {
    // A watchman server waits until a store is quiet for 20 ms or more.
    let (writes, turns) =
        if feed == FeedKind::Watchman { (200, 20) } else { (2000, WRITES_PER_TURN) };
    let dir = TempDir::new()?;
    let tree = SinglePartTree::create(&dir.path().join("storage"))?;
    let logs = dir.path().join("home/sessions");
    let mut log = Log::create(&logs)?;
    let (sender, tree_arrivals) = channel();
    let rewritten = spawn(super::source(&tree.storage)?, feed, Driver::Task, sender)?;
    let (sender, log_arrivals) = channel();
    let source = JsonlSource::new(&logs, SourceId::new("logs")?, Arc::new(SystemClock));
    let appended = spawn(Arc::new(source), feed, Driver::Task, sender)?;
    wait_for_first_event(&tree_arrivals, || tree.write(0).map(drop))?;
    wait_for_first_event(&log_arrivals, || log.append(0).map(drop))?;
    let (mut rewrites, mut appends, mut number) = (Vec::new(), Vec::new(), 1);
    while appends.len() < writes {
        rewrites
            .extend(measure_turn(turns, &mut number, &tree_arrivals, |number| tree.write(number))?);
        appends
            .extend(measure_turn(turns, &mut number, &log_arrivals, |number| log.append(number))?);
    }
    drop((tree_arrivals, log_arrivals));
    tree.write(0)?; // wakes the follower, whose receiver is gone: the follower ends
    log.append(0)?;
    for followed in [rewritten, appended] {
        followed.join().map_err(|_| anyhow!("the follower failed"))??;
    }
    let [rewrite, rewrite_late] = quantiles(&mut rewrites);
    let [append, append_late] = quantiles(&mut appends);
    let line = |name: &str, median: Duration, late: Duration| {
        format!("{name:<12} median {:>8.1} µs, p99 {:>8.1} µs", micros(median), micros(late))
    };
    let ratio = micros(append) / micros(rewrite);
    Ok(Report {
        about: format!(
            "{writes} appends to an open log, a message with a part of {TEXT_BYTES} bytes each, until \
             its event is there; feed {feed}"
        ),
        lines: vec![
            line("append", append, append_late),
            line("JSON rewrite", rewrite, rewrite_late),
        ],
        judged: vec![JudgedValue::new("append / JSON rewrite, median", ratio, "", MAX_RATIO)],
    })
}

/// A log that stays open.
struct Log(LogWriter);

impl Log {
    fn create(root: &std::path::Path) -> Result<Self> {
        let mut log = LogWriter::open(root, "2026/11/30/ses_1")?;
        log.append_session("a log")?;
        Ok(Self(log))
    }

    /// Appends a message with a part whose text begins with the number. Returns the time after the
    /// write.
    fn append(&mut self, number: usize) -> Result<Instant> {
        let message = fs::metadata(self.0.path())?.len();
        let text = format!("{number} {}", "x".repeat(TEXT_BYTES));
        let lines = format!(
            "{{\"record\":\"message\",\"role\":\"user\",\"time\":{{\"created\":{message}}}}}\n\
             {{\"record\":\"part\",\"message\":{message},\"type\":\"text\",\"text\":\"{text}\"}}\n"
        );
        self.0.append_raw(lines.as_bytes())?;
        Ok(Instant::now())
    }
}
