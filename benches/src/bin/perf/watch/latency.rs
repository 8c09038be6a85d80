//! Measures the time from the end of a write to the typed value, in turns with a lower bound: a
//! thread that only waits for inotify's event of the same kind of write.

#![expect(clippy::disallowed_methods, reason = "it writes a temporary store")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use scrollback_watch::FeedKind;
use tempfile::TempDir;

use super::follower::{Arrival, Driver, measure_turn, quantiles, spawn, wait_for_first_event};
use super::{JudgedValue, Report, micros, source};

/// The number of writes for each side.
const WRITES: usize = 2000;
/// The writes of one turn.
const WRITES_PER_TURN: usize = 100;
/// The length of the part's text: 4 KB.
pub(super) const TEXT_BYTES: usize = 4000;

/// Measures the latency of one feed, with the driver in one place.
pub(super) fn measure(feed: FeedKind, driver: Driver) -> Result<Report> {
    let dir = TempDir::new()?;
    let aside = dir.path().join("aside");
    let tree = SinglePartTree::create(&dir.path().join("storage"))?;
    let other = aside.join("prt_1.json");
    put(&other, &record(0))?;

    let raw = inotify_events(&aside)?;
    let (sender, arrivals) = channel();
    let watching = spawn(source(&tree.storage)?, feed, driver, sender)?;
    let (mut raw_times, mut library_times) = (Vec::new(), Vec::new());
    // Wait until the follower receives events of the part.
    wait_for_first_event(&arrivals, || tree.write(0).map(drop))?;
    let mut number = 1;
    while library_times.len() < WRITES {
        raw_times.extend(measure_turn(WRITES_PER_TURN, &mut number, &raw, |number| {
            timed_write(&other, number)
        })?);
        library_times.extend(measure_turn(WRITES_PER_TURN, &mut number, &arrivals, |number| {
            tree.write(number)
        })?);
    }
    drop(arrivals);
    tree.write(0)?; // wakes the follower, whose receiver is gone: the follower ends
    let followed = watching.join();
    followed.map_err(|_| anyhow!("the follower failed"))??;

    let [raw_median, raw_late] = quantiles(&mut raw_times);
    let [median, late] = quantiles(&mut library_times);
    let line = |name: &str, median: Duration, late: Duration| {
        format!("{name:<9} median {:>8.1} µs, p99 {:>8.1} µs", micros(median), micros(late))
    };
    let ratios = [micros(median) / micros(raw_median), micros(late) / micros(raw_late)];
    let mut report = Report {
        about: format!(
            "{WRITES} rewrites of a part of {TEXT_BYTES} bytes, each until its value is there; feed \
             {feed}, the driver as a {}",
            format!("{driver:?}").to_lowercase()
        ),
        lines: vec![line("library", median, late), line("inotify", raw_median, raw_late)],
        ..Report::default()
    };
    match (driver, feed) {
        (Driver::Task, FeedKind::Inotify) => report.judged.extend([
            JudgedValue::new("library / inotify, median", ratios[0], "", 5.0),
            JudgedValue::new("library / inotify, p99", ratios[1], "", 8.0),
        ]),
        _ => {
            let [median, late] = ratios;
            report.lines.push(format!("library / inotify: median {median:.3}, p99 {late:.3}"));
        }
    }
    Ok(report)
}

/// A JSON tree of one session with one part, which is rewritten.
pub(super) struct SinglePartTree {
    pub(super) storage: PathBuf,
    part: PathBuf,
}

impl SinglePartTree {
    pub(super) fn create(storage: &Path) -> Result<Self> {
        let part = storage.join("part/msg_1/prt_1.json");
        for (path, record) in [
            (
                "session/p/ses_1.json",
                r#"{"id":"ses_1","projectID":"p","time":{"created":1,"updated":1}}"#,
            ),
            (
                "message/ses_1/msg_1.json",
                r#"{"id":"msg_1","sessionID":"ses_1","role":"assistant"}"#,
            ),
        ] {
            put(&storage.join(path), record)?;
        }
        put(&part, &record(0))?;
        Ok(Self { storage: storage.to_owned(), part })
    }

    /// Rewrites the part with a text that begins with the number. Returns the time after the write.
    pub(super) fn write(&self, number: usize) -> Result<Instant> {
        timed_write(&self.part, number)
    }
}

fn put(path: &Path, record: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a path in a directory")?)?;
    Ok(fs::write(path, record)?)
}

fn record(number: usize) -> String {
    let text = format!("{number} {}", "x".repeat(TEXT_BYTES));
    format!(
        r#"{{"id":"prt_1","sessionID":"ses_1","messageID":"msg_1","type":"text","text":"{text}"}}"#
    )
}

/// Writes a record in place. Returns the time after the write.
fn timed_write(path: &Path, number: usize) -> Result<Instant> {
    let record = record(number);
    let mut file = File::options().write(true).truncate(true).open(path)?;
    file.write_all(record.as_bytes())?;
    let written = Instant::now();
    drop(file);
    Ok(written)
}

/// Returns a receiver of inotify's events, and starts the thread that waits for them.
fn inotify_events(dir: &Path) -> Result<Receiver<Arrival>> {
    let queue = init(CreateFlags::CLOEXEC)?;
    add_watch(&queue, dir, WatchFlags::CLOSE_WRITE)?;
    let (sender, arrivals) = channel();
    thread::spawn(move || {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&queue, &mut buffer);
        while reader.next().is_ok() && sender.send((usize::MAX, Instant::now())).is_ok() {}
    });
    Ok(arrivals)
}
