//! Measures the cost of following a store in which nothing changes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use scrollback_benches::{Size, Store, StoreFormat};
use scrollback_flow::Snapshots;
use scrollback_watch::FeedKind;
use tempfile::TempDir;

use super::{JudgedValue, Report, cpu_time, live, source};

/// The time of one complete sweep of the store.
const MEASURE_TIME: Duration = Duration::from_secs(60);

/// Measures the processor time of a minute without changes.
pub(super) fn measure(seed: u64, feed: FeedKind) -> Result<Report> {
    let store = Store::open(Size::M, StoreFormat::Files, seed)?;
    let kept = TempDir::new()?;
    let live = live(&source(&store.storage)?, Some(Snapshots::new(kept.path())), feed)?;
    let (begun, before) = (Instant::now(), cpu_time());
    thread::sleep(MEASURE_TIME);
    let share = (cpu_time() - before).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
    let stats = live.stats();
    ensure!(stats.feed == feed && stats.failures == 0, "{stats:?}");
    let most = if feed == FeedKind::Poll { 1.5 } else { 1.0 };
    Ok(Report {
        about: format!(
            "following store M, seed {seed}, for {} s, the sweep included",
            MEASURE_TIME.as_secs()
        ),
        lines: vec![format!("{stats:?}")],
        judged: vec![JudgedValue::new(format!("feed {feed}, of a core"), share, " %", most)],
    })
}
