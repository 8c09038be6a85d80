//! A store that is followed on a thread, which says when it saw which write.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use scrollback_source::Source;
use scrollback_watch::{FeedChoice, FeedKind, Follower, Live, LiveOptions, Subject};
use tokio::runtime::{Builder, Runtime};

use super::{continue_build, live};

/// Between two writes; a little uneven, as no writer keeps time.
const WRITE_PAUSE: Duration = Duration::from_micros(1500);

/// Where the driver runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// Beside who follows, in one thread.
    Task,
    Thread,
}

/// Somebody who saw write number so much, and when.
pub(super) type Arrival = (usize, Instant);

/// Follows a store until nobody listens.
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

/// Writes number after number, `turn` of them, and gives how long it took until each was seen, from
/// the end of the write on. Who only waits for the kernel sees `usize::MAX`.
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
            let (arrived, at) = waited.context("nobody saw a write")?;
            if arrived == *number || arrived == usize::MAX {
                break at;
            }
        };
        all.push(at.saturating_duration_since(written));
        *number += 1;
    }
    Ok(all)
}

/// Writes until somebody sees it, and waits until what was young is not any more.
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
    anyhow::bail!("nobody follows the store")
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Follows until nobody listens.
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

/// The middle one, and the one that one in a hundred is later than.
pub(super) fn quantiles(all: &mut [Duration]) -> [Duration; 2] {
    all.sort_unstable();
    [all[all.len() / 2], all[all.len() * 99 / 100]]
}
