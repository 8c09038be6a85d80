//! The loop of `watch` and `tail`: prints events until a signal arrives or the output is closed. It
//! saves the indexes regularly and at the end, so that cursors stay valid for the next process.

use std::future::pending;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use scrollback::{Error, Event, Events, Store};
use scrollback_core_id::Cursor;
use scrollback_flow::is_absent;
use scrollback_watch::{Demotion, FeedKind, LiveStats};
use tokio::sync::mpsc as async_mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::commands;
use crate::failure::{Failure, Result};
use crate::open;
use crate::out::Out;
use crate::waiting::{EndSignal, Waiting, cannot_wait};

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
    waiting: Waiting,
    store: &Store,
    mut events: Events,
    out: &mut Out,
    print: impl FnMut(Vec<Event>, &mut Vec<u8>) -> io::Result<()>,
) -> (Result<()>, Vec<LiveStats>) {
    let (runtime, end_signal) = waiting.into_parts();
    let writer = match Writer::start().map_err(cannot_wait) {
        Ok(writer) => writer,
        Err(failure) => return (Err(failure), Vec::new()),
    };
    let mut state = FollowState {
        store,
        save_state: SaveState::default(),
        reported: ReportedProblems::default(),
    };
    state.save(out); // before the first cursor is printed, so that the saved index continues it
    let followed = runtime.block_on(state.follow(&mut events, out, (end_signal, writer), print));
    drop(runtime);
    let stats = events.stats();
    state.report(&stats, out);
    report_issues(&events, out);
    wait_until_settled(&events);
    drop(events);
    state.save(out);
    (followed, stats)
}

/// Says on standard error that the chosen feed is not ready yet. The start of the feed goes on.
pub(crate) fn note_slow_start(feed: FeedKind) {
    let _ = writeln!(io::stderr(), "the feed {feed} is still starting");
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
    /// The number of promotions of each root.
    promotions: Vec<u64>,
    failures: Vec<String>,
}

impl FollowState<'_> {
    async fn follow(
        &mut self,
        events: &mut Events,
        out: &mut Out,
        (mut end_signal, mut writer): (EndSignal, Writer),
        mut print: impl FnMut(Vec<Event>, &mut Vec<u8>) -> io::Result<()>,
    ) -> Result<()> {
        let mut reader_closed = pin!(reader_closed());
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // In the background, so that a signal can end the loop while the reader is slow.
        writer.write(out.take_unwritten());
        let mut is_paused = false;
        loop {
            tokio::select! {
                biased; // the signal first, so that a busy stream cannot delay the end
                () = &mut end_signal => {
                    if writer.is_writing && timeout(FLUSH_TIMEOUT, writer.finish()).await.is_err() {
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
                written = writer.finish() => written?,
                // The next batch waits for the write, so that a slow reader does not fill the memory.
                batch = events.next_batch(), if !writer.is_writing && !is_paused => match batch {
                    None => return Ok(()), // the drivers have ended
                    Some(Ok(batch)) => {
                        let mut text = Vec::new();
                        print(batch, &mut text)?;
                        writer.write(text);
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
        self.reported.promotions.resize(all.len(), 0);
        for (stats, promotions) in all.iter().zip(&mut self.reported.promotions) {
            for demotion in &stats.demotions {
                if !self.reported.demotions.contains(demotion) {
                    let Demotion { from, to, reason } = demotion;
                    out.note_best_effort(&format!(
                        "the feed {from} failed: {reason}; now using {to}"
                    ));
                    self.reported.demotions.push(demotion.clone());
                }
            }
            if std::mem::replace(promotions, stats.promotions) < stats.promotions {
                out.note_best_effort(&format!("the feed {} works now and is used", stats.feed));
            }
        }
        for stats in all {
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
        thread::sleep(Duration::from_millis(5));
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

/// Writes text on a thread of its own, because the reader may be slow. The thread is not waited for at
/// the end: a reader that does not read blocks it.
struct Writer {
    texts: mpsc::Sender<Vec<u8>>,
    results: async_mpsc::UnboundedReceiver<io::Result<()>>,
    is_writing: bool,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread left.
    fn start() -> io::Result<Self> {
        let (texts, received) = mpsc::channel::<Vec<u8>>();
        let (send, results) = async_mpsc::unbounded_channel();
        thread::Builder::new().spawn(move || {
            let write = |text: Vec<u8>| {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&text).and_then(|()| stdout.flush())
            };
            received.into_iter().map(write).try_for_each(|result| send.send(result))
        })?;
        Ok(Self { texts, results, is_writing: false })
    }

    fn write(&mut self, text: Vec<u8>) {
        self.is_writing = true;
        let _ = self.texts.send(text); // fails only without the thread, which `finish` reports
    }

    /// Completes when the last write is finished; never without a write.
    async fn finish(&mut self) -> io::Result<()> {
        if !self.is_writing {
            pending::<()>().await;
        }
        let written = self.results.recv().await;
        self.is_writing = false;
        written.unwrap_or_else(|| Err(io::Error::other("the output has no writer")))
    }
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
