//! The floor of the index: plain vectors of plain structs. It builds the index, saves it as a
//! snapshot, and checks whether the snapshot is current.

mod build;
mod contestants;
mod head;
mod names;
mod refresh;
mod rows;
mod scan;
mod snapshot;

pub use build::{Depth, build};
pub(super) use build::{merge, message_row};
pub use contestants::{FloorIndex, FloorSnapshot, RefreshMode};
pub(super) use head::MessageHead;
pub(super) use names::Names;
pub use rows::{Id, Index, Message, PartSet, Role, Session};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result};

/// Runs jobs 0 to `jobs - 1` on several threads, and returns the worker state of each thread.
pub(super) fn run_jobs<W: Send>(
    jobs: usize,
    threads: usize,
    start: impl Fn() -> W + Sync,
    job: impl Fn(&mut W, usize) -> Result<()> + Sync,
) -> Result<Vec<W>> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<W> {
        let mut worker = start();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= jobs {
                return Ok(worker);
            }
            job(&mut worker, at)?;
        }
    };
    thread::scope(|scope| {
        // This thread is a worker too.
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = vec![work()?];
        for other in others {
            done.push(other.join().ok().context("a thread panicked")??);
        }
        Ok(done)
    })
}
