//! The loop of `watch` and `tail`: prints events until a signal arrives or the output is closed. It
//! saves the indexes regularly and at the end, so that cursors stay valid for the next process.

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

use crate::commands;
use crate::failure::{Failure, Kind, Result};
use crate::open;
use crate::out::Out;

/// How often the loop checks for problems to report and indexes to save.
const TICK: Duration = Duration::from_secs(1);
/// The least time between two saves of changed indexes: 5 s, but at least 50 times the duration of
/// the last save, so that saving takes at most 2 % of the time.
const SAVE_INTERVAL: (Duration, u32) = (Duration::from_secs(5), 50);
/// How long the last write may take after a signal.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);
/// How long the end waits for provisional records to be verified.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(500);

/// Follows a store. Writes the text that `print` makes of each batch of events to standard output.
/// Also returns the statistics of the drivers, one for each followed root.
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
    state.save(out); // before the first cursor is printed, so that the saved index continues it
    let followed = runtime.block_on(state.follow(&mut events, out, print));
    runtime.shutdown_background(); // a write may be blocked by a reader that does not read
    let stats = events.stats();
    state.report(&stats, out);
    report_issues(&events, out);
    wait_until_settled(&events);
    drop(events);
    state.save(out);
    (followed, stats)
}

/// The work of the loop beside the events: saving indexes and reporting problems.
struct FollowState<'s> {
    store: &'s Store,
    save_state: SaveState,
    reported: ReportedProblems,
}

/// The last save: the saved cursors, its time and its duration; and whether a save failed.
#[derive(Default)]
struct SaveState {
    last_save: Option<(Vec<Cursor>, Instant, Duration)>,
    failed: bool,
}

/// The problems that were reported. Each is reported once.
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
        // In the background, so that a signal can end the loop while the reader is slow.
        let mut writing = Some(spawn_write(out.take_unwritten()));
        let mut is_paused = false;
        loop {
            tokio::select! {
                biased; // the signal first, so that a busy stream cannot delay the end
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
                    report_issues(events, out);
                    if self.save_state.is_due(&self.cursors()) {
                        self.save(out);
                    }
                }
                written = finish_write(&mut writing) => {
                    writing = None;
                    written?;
                }
                // The next batch waits for the write, so that a slow reader does not fill the memory.
                batch = events.next_batch(), if writing.is_none() && !is_paused => match batch {
                    None => return Ok(()), // the drivers have ended
                    Some(Ok(batch)) => {
                        let mut text = Vec::new();
                        print(batch, &mut text)?;
                        writing = Some(spawn_write(text));
                    }
                    Some(Err(error)) => {
                        is_paused = true; // try again after the next tick, not at once
                        let is_gone = matches!(&error, Error::Store(error) if is_absent(error));
                        if !is_gone {
                            self.reported.report_failure(Failure::from(error).message, out);
                        }
                    }
                },
            }
        }
    }

    /// Reports each failed feed and each store that cannot be read, once.
    fn report(&mut self, all: &[LiveStats], out: &mut Out) {
        for stats in all {
            for demotion in &stats.demotions {
                if !self.reported.demotions.contains(demotion) {
                    let Demotion { from, to, reason } = demotion;
                    out.note_best_effort(&format!(
                        "the feed {from} failed: {reason}; now using {to}"
                    ));
                    self.reported.demotions.push(demotion.clone());
                }
            }
            if let Some(failure) = &stats.last_failure {
                self.reported.report_failure(failure.clone(), out);
            }
        }
    }

    /// Returns the cursors of the present states of the indexes.
    fn cursors(&self) -> Vec<Cursor> {
        let roots = self.store.roots().iter();
        roots.filter_map(|root| Some(root.materializer().ok()?.index().cursor())).collect()
    }

    /// Saves the indexes. A failure is reported once and ends further saves.
    fn save(&mut self, out: &mut Out) {
        if self.save_state.failed {
            return;
        }
        let (start, cursors) = (Instant::now(), self.cursors());
        self.save_state.failed = !open::save(self.store, out);
        self.save_state.last_save = Some((cursors, Instant::now(), start.elapsed()));
    }
}

/// Reports the records that could not be read, each once.
fn report_issues(events: &Events, out: &mut Out) {
    let _ = commands::issues::report(out, &events.take_issues()); // as a note, without an error
}

/// Waits until the last records are settled, at most [`SETTLE_TIMEOUT`]. Otherwise the next process
/// would send their events once more.
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
            out.note_best_effort(&format!("cannot read the store, trying again: {failure}"));
            self.failures.push(failure);
        }
    }
}

/// Writes text in the background, because the reader may be slow.
fn spawn_write(text: Vec<u8>) -> JoinHandle<io::Result<()>> {
    tokio::task::spawn_blocking(move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&text).and_then(|()| stdout.flush())
    })
}

/// Completes when the background write is finished; never without a write.
async fn finish_write(writing: &mut Option<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    match writing {
        Some(writing) => writing.await.unwrap_or_else(|error| Err(io::Error::other(error))),
        None => pending().await,
    }
}

/// Completes on Ctrl-C (SIGINT) or SIGTERM.
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

/// Completes on Ctrl-C.
#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    })
}

/// Completes when the other end of the output pipe is closed. A write would report that only when the
/// next event arrives.
#[cfg(unix)]
async fn reader_closed() {
    use std::os::fd::AsFd;
    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;
    // Unchecked: the checked form would set the shared descriptor to non-blocking mode.
    let stdout =
        io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match stdout {
        Ok(stdout) if stdout.ready(Interest::ERROR).await.is_ok() => {}
        _ => pending().await, // a file, which cannot be closed by a reader
    }
}

#[cfg(not(unix))]
async fn reader_closed() {
    pending().await
}

fn cannot_wait(error: io::Error) -> Failure {
    Failure::new(Kind::Unreadable, format!("cannot wait for events: {error}"))
}
