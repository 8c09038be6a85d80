//! Follows a store on a thread, and reports when each write arrived as an event.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use scrollback_source::Source;
use scrollback_watch::{FeedChoice, FeedKind, Follower, Live, LiveOptions, Subject};
use tokio::runtime::{Builder, Runtime};

use super::{continue_build, live};

/// The pause between two writes. Callers vary it a little, because real writers are not periodic.
const WRITE_PAUSE: Duration = Duration::from_micros(1500);

/// The place of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// A task in the thread of the follower.
    Task,
    /// Its own thread.
    Thread,
}

/// The number of a write, and the time when it arrived.
pub(super) type Arrival = (usize, Instant);

/// Follows a store on a new thread, until the receiver is dropped.
pub(super) fn spawn(
    source: Arc<dyn Source>,
    feed: FeedKind,
    driver: Driver,
    sender: Sender<Arrival>,
) -> Result<JoinHandle<Result<()>>> {
    Ok(match driver {
        Driver::Task => {
            let options = LiveOptions { feed: FeedChoice::Only(feed), ..LiveOptions::default() };
            thread::spawn(move || {
                runtime()?.block_on(async {
                    let live = Live::spawn(source, None, options, &continue_build).await?;
                    follow(live.follow(None, None), &sender).await
                })
            })
        }
        Driver::Thread => {
            let live = live(&source, None, feed)?;
            thread::spawn(move || runtime()?.block_on(follow(live.follow(None, None), &sender)))
        }
    })
}

/// Writes `turn` numbers, and returns for each the time from the end of the write until its
/// arrival. A sender that does not know the number sends `usize::MAX`.
pub(super) fn measure_turn(
    turn: usize,
    number: &mut usize,
    arrivals: &Receiver<Arrival>,
    mut write: impl FnMut(usize) -> Result<Instant>,
) -> Result<Vec<Duration>> {
    let mut all = Vec::with_capacity(turn);
    for _ in 0..turn {
        thread::sleep(WRITE_PAUSE + Duration::from_micros(*number as u64 * 7 % 100));
        let written = write(*number)?;
        let at = loop {
            let waited = arrivals.recv_timeout(Duration::from_secs(10));
            let (arrived, at) = waited.context("a write did not arrive within 10 s")?;
            if arrived == *number || arrived == usize::MAX {
                break at;
            }
        };
        all.push(at.saturating_duration_since(written));
        *number += 1;
    }
    Ok(all)
}

/// Writes until an event arrives, then waits until recent files are settled.
pub(super) fn wait_for_first_event(
    arrivals: &Receiver<Arrival>,
    mut write: impl FnMut() -> Result<()>,
) -> Result<()> {
    for _ in 0..100 {
        write()?;
        if arrivals.recv_timeout(Duration::from_millis(100)).is_ok() {
            thread::sleep(Duration::from_millis(500));
            while arrivals.try_recv().is_ok() {}
            return Ok(());
        }
    }
    anyhow::bail!("no event arrived")
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Sends the number of each event, until the receiver is dropped.
async fn follow(mut follower: Follower, sender: &Sender<Arrival>) -> Result<()> {
    let mut text = String::new();
    loop {
        for event in follower.next().await? {
            let Subject::Part { text: Some(edit), .. } = &event.subject else { continue };
            edit.apply(&mut text);
            let number = text.split(' ').next().unwrap_or_default().parse()?;
            if sender.send((number, Instant::now())).is_err() {
                return Ok(());
            }
        }
    }
}

/// Returns the median and the 99th percentile.
pub(super) fn quantiles(all: &mut [Duration]) -> [Duration; 2] {
    all.sort_unstable();
    [all[all.len() / 2], all[all.len() * 99 / 100]]
}
