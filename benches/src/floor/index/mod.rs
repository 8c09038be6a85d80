//! The index of a whole store as plain vectors of plain structs: the floor of building one, of
//! keeping it in a file, and of making sure that it still holds.

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

/// Does jobs number 0, 1, 2, … below `jobs`, side by side, and gives what each thread made.
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
        // This thread is one of them.
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = vec![work()?];
        for other in others {
            done.push(other.join().ok().context("a thread panicked")??);
        }
        Ok(done)
    })
}
