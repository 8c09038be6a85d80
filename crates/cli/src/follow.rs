//! The loop of commands that do not end by themselves: events in, text out, until a signal comes or
//! nobody reads any more. The index is kept on the way and at the end, so that cursors stay good.

use std::future::{Future, pending};
use std::io::{self, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use scrollback::{Error, Event, Events, Store};
use scrollback_core_id::Cursor;
use scrollback_flow::is_absent;
use scrollback_watch::{Demotion, LiveStats};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::failure::{Failure, Kind, Result};
use crate::open;
use crate::out::Out;

/// How often it is looked whether there is something to say or to keep.
const TICK: Duration = Duration::from_secs(1);
/// An index that changes is kept so often, in seconds, but takes no more than a fiftieth of the
/// time.
const SAVE_INTERVAL: (Duration, u32) = (Duration::from_secs(5), 50);
/// How long what was read last has to get out at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);
/// And how long what may have been in the middle of a write, to be looked at again.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(500);

/// Follows a store: what `print` writes of each batch of events goes to standard output. Returns what
/// the drivers did, too.
pub(crate) fn run(
    store: &Store,
    mut events: Events,
    out: &mut Out,
    print: impl FnMut(Vec<Event>, &mut Vec<u8>) -> io::Result<()>,
) -> (Result<()>, Vec<LiveStats>) {
    let runtime = match Builder::new_current_thread().enable_all().build().map_err(cannot_wait) {
        Ok(runtime) => runtime,
        Err(failure) => return (Err(failure), Vec::new()),
    };
    let mut state = FollowState {
        store,
        save_state: SaveState::default(),
        reported: ReportedProblems::default(),
    };
    state.save(out); // before anybody has a cursor
    let followed = runtime.block_on(state.follow(&mut events, out, print));
    runtime.shutdown_background(); // a write may be stuck where nobody reads
    let stats = events.stats();
    state.report(&stats, out);
    wait_until_settled(&events);
    drop(events);
    state.save(out);
    (followed, stats)
}

/// What has to be done beside the events.
struct FollowState<'s> {
    store: &'s Store,
    save_state: SaveState,
    reported: ReportedProblems,
}

/// What was kept last, when, and how long that took; whether it could not be.
#[derive(Default)]
struct SaveState {
    last_save: Option<(Vec<Cursor>, Instant, Duration)>,
    failed: bool,
}

/// What the user was told.
#[derive(Default)]
struct ReportedProblems {
    demotions: Vec<Demotion>,
    failures: Vec<String>,
}

impl FollowState<'_> {
    async fn follow(
        &mut self,
        events: &mut Events,
        out: &mut Out,
        mut print: impl FnMut(Vec<Event>, &mut Vec<u8>) -> io::Result<()>,
    ) -> Result<()> {
        let (mut end, mut reader_closed) =
            (pin!(signal().map_err(cannot_wait)?), pin!(reader_closed()));
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut writing = Some(spawn_write(out.take_unwritten())); // whoever reads it may want an end at once
        let mut is_paused = false;
        loop {
            tokio::select! {
                biased;
                () = &mut end => {
                    if let Some(writing) = writing
                        && timeout(FLUSH_TIMEOUT, writing).await.is_err()
                    {
                        out.abandon();
                    }
                    return Ok(());
                }
                () = &mut reader_closed => return Ok(()),
                _ = ticks.tick() => {
                    is_paused = false;
                    self.report(&events.stats(), out);
                    if self.save_state.is_due(&self.cursors()) {
                        self.save(out);
                    }
                }
                written = finish_write(&mut writing) => {
                    writing = None;
                    written?;
                }
                batch = events.next_batch(), if writing.is_none() && !is_paused => match batch {
                    None => return Ok(()), // the drivers are gone
                    Some(Ok(batch)) => {
                        let mut text = Vec::new();
                        print(batch, &mut text)?;
                        writing = Some(spawn_write(text));
                    }
                    Some(Err(error)) => {
                        is_paused = true; // until the next tick
                        let is_gone = matches!(&error, Error::Store(error) if is_absent(error));
                        if !is_gone {
                            self.reported.report_failure(Failure::from(error).message, out);
                        }
                    }
                },
            }
        }
    }

    /// Reports, once, which feed cannot go on, and why a store cannot be read.
    fn report(&mut self, all: &[LiveStats], out: &mut Out) {
        for stats in all {
            for demotion in &stats.demotions {
                if !self.reported.demotions.contains(demotion) {
                    let Demotion { from, to, reason } = demotion;
                    out.note_best_effort(&format!(
                        "the feed {from} cannot go on: {reason}; {to} takes its place"
                    ));
                    self.reported.demotions.push(demotion.clone());
                }
            }
            if let Some(failure) = &stats.last_failure {
                self.reported.report_failure(failure.clone(), out);
            }
        }
    }

    /// The states of the indexes that are kept.
    fn cursors(&self) -> Vec<Cursor> {
        let roots = self.store.roots().iter();
        roots.filter_map(|root| Some(root.materializer().ok()?.index().cursor())).collect()
    }

    /// Keeps the indexes. That they cannot be kept is said once.
    fn save(&mut self, out: &mut Out) {
        if self.save_state.failed {
            return;
        }
        let (start, cursors) = (Instant::now(), self.cursors());
        self.save_state.failed = !open::save(self.store, out);
        self.save_state.last_save = Some((cursors, Instant::now(), start.elapsed()));
    }
}

/// Waits until what was written last is known to be whole, so that who goes on from here is not told of
/// it once more.
fn wait_until_settled(events: &Events) {
    let end = Instant::now() + SETTLE_TIMEOUT;
    while events.stats().iter().any(|stats| stats.pending_scopes > 0) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl SaveState {
    fn is_due(&self, now: &[Cursor]) -> bool {
        let is_old =
            |at: Instant, took| at.elapsed() >= SAVE_INTERVAL.0.max(took * SAVE_INTERVAL.1);
        self.last_save.as_ref().is_none_or(|(kept, at, took)| kept != now && is_old(*at, *took))
    }
}

impl ReportedProblems {
    fn report_failure(&mut self, failure: String, out: &mut Out) {
        if !self.failures.contains(&failure) {
            out.note_best_effort(&format!("cannot be read, and is tried again: {failure}"));
            self.failures.push(failure);
        }
    }
}

/// Writes beside the loop: it may have to wait for whoever reads.
fn spawn_write(text: Vec<u8>) -> JoinHandle<io::Result<()>> {
    tokio::task::spawn_blocking(move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&text).and_then(|()| stdout.flush())
    })
}

/// Ends when what is being written is.
async fn finish_write(writing: &mut Option<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    match writing {
        Some(writing) => writing.await.unwrap_or_else(|error| Err(io::Error::other(error))),
        None => pending().await,
    }
}

/// Ends when the user or the system wants an end.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends when the user wants an end.
#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    })
}

/// Ends when the other end of a pipe is closed, which a write would only say when there is
/// something to write.
#[cfg(unix)]
async fn reader_closed() {
    use std::os::fd::AsFd;
    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;
    // Unchecked: it is only asked, and stays as it is for whoever shares it.
    let stdout =
        io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match stdout {
        Ok(stdout) if stdout.ready(Interest::ERROR).await.is_ok() => {}
        _ => pending().await, // a file, of which nobody is told
    }
}

#[cfg(not(unix))]
async fn reader_closed() {
    pending().await
}

fn cannot_wait(error: io::Error) -> Failure {
    Failure::new(Kind::Unreadable, format!("the system does not let it wait: {error}"))
}
