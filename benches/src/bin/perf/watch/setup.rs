//! Measures the cost of starting to follow a store, beyond the refresh of the index, against adding
//! a watch for every directory of the store.

#![expect(clippy::disallowed_methods, reason = "the comparison lists all directories itself")]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use scrollback_benches::{Size, Store, StoreFormat};
use scrollback_flow::{RefreshOptions, SessionMaterializer, Snapshots};
use scrollback_source::Source;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use super::{JudgedValue, Report, continue_build, cpu_time, micros, source};

/// The number of rounds; the two sides take turns.
const ROUNDS: usize = 25;

/// Measures the start of following store M.
pub(super) fn measure(seed: u64) -> Result<Report> {
    let store = Store::open(Size::M, StoreFormat::Files, seed)?;
    let (source, kept) = (source(&store.storage)?, TempDir::new()?);
    let snapshots = || Snapshots::new(kept.path());
    open(&source, snapshots(), LiveOptions::default().refresh)?.save_snapshot()?;
    let all = directories(&store.storage)?;
    // Two cases: the store was written long ago and nothing in it is hot; or all of it counts as
    // just written.
    let calm = LiveOptions::default().refresh;
    let long = Duration::from_secs(100 * 365 * 86_400);
    let hot = RefreshOptions { recent: long, stalled: long, ..calm };
    let mut report = Report {
        about: format!("beginning to follow store M, seed {seed}: processor time"),
        ..Report::default()
    };
    for (name, refresh) in [("nothing hot", calm), ("everything hot", hot)] {
        let (mut opens, mut begins, mut raws) = (Vec::new(), Vec::new(), Vec::new());
        let mut watches = 0;
        for round in 0..ROUNDS {
            // In a thread of its own, as when following.
            let mut open_alone = || -> Result<()> {
                let begun = cpu_time();
                let opened = thread::scope(|scope| {
                    scope.spawn(|| open(&source, snapshots(), refresh)).join()
                });
                opens.push(cpu_time() - begun);
                opened.map_err(|_| anyhow!("opening failed"))?.map(drop)
            };
            // The side that comes first finds the caches as the watches left them, so the sides
            // take turns.
            let is_first = round % 2 == 0;
            if is_first {
                open_alone()?;
            }
            let options = LiveOptions {
                feed: FeedChoice::Only(FeedKind::Inotify),
                refresh,
                ..LiveOptions::default()
            };
            let begun = cpu_time();
            let live =
                Live::start(Arc::clone(&source), Some(snapshots()), options, &continue_build)?;
            begins.push(cpu_time() - begun);
            watches = live.stats().feed_stats.watches;
            live.stop();
            if !is_first {
                open_alone()?;
            }

            let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let begun = cpu_time();
            for path in &all {
                add_watch(&queue, path, WatchFlags::CLOSE_WRITE | WatchFlags::CREATE)?;
            }
            raws.push(cpu_time() - begun);
        }
        let [open, begin, raw] = [opens, begins, raws].map(fastest_fifth_mean);
        report.lines.push(format!(
            "{name}: {:.1} ms, of which the index takes {:.1} ms; {} watches alone: {:.1} ms",
            micros(begin) / 1e3,
            micros(open) / 1e3,
            all.len(),
            micros(raw) / 1e3,
        ));
        let ratio = micros(begin.saturating_sub(open)) / micros(raw);
        report.judged.push(JudgedValue::new(
            format!("{name}: beyond the index / watches"),
            ratio,
            "",
            0.5,
        ));
        let watches = watches as f64;
        report.judged.push(JudgedValue::new(format!("{name}: watches"), watches, "", 3100.0));
    }
    Ok(report)
}

fn open(
    source: &Arc<dyn Source>,
    snapshots: Snapshots,
    options: RefreshOptions,
) -> Result<SessionMaterializer> {
    let opened =
        SessionMaterializer::open(Arc::clone(source), Some(snapshots), options, &continue_build)?;
    match opened {
        ControlFlow::Continue(opened) => Ok(opened.value),
        ControlFlow::Break(()) => anyhow::bail!("the build was cancelled"),
    }
}

/// Returns the mean of the fastest fifth. Disturbances only add time, and from one round to the
/// next they add more than the difference that is measured.
fn fastest_fifth_mean(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    let fastest = &all[..ROUNDS / 5];
    fastest.iter().sum::<Duration>() / fastest.len() as u32
}

/// Returns every directory of a tree.
fn directories(at: &Path) -> Result<Vec<PathBuf>> {
    let mut all = vec![at.to_owned()];
    let mut next = 0;
    while next < all.len() {
        for entry in fs::read_dir(&all[next]).context("cannot list the store")? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                all.push(entry.path());
            }
        }
        next += 1;
    }
    Ok(all)
}
