//! The driver: subscribes to a feed, brings the index up to date, and then verifies every scope
//! that the feed reports. It runs on one task, so that a refresh never competes with another.

mod refresh;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_core_type::{StageReport, StageResult};
use scrollback_flow::{OnProgress, RefreshOptions, SessionMaterializer, Snapshots, is_absent};
use scrollback_source::{DirtyScope, Source};
use tokio::sync::watch;
use tokio::time::{self, Instant, MissedTickBehavior};

use self::refresh::{Refresher, is_unsettled};
use crate::dirty::DirtyTracker;
use crate::error::LiveError;
use crate::fallback_chain::{FallbackChain, StartedFeed};
use crate::feed::{
    BatchCoverage, Feed, FeedBatch, FeedContext, FeedError, FeedKind, IndexedRecords,
};
use crate::issues::FoundIssues;
use crate::options::LiveOptions;
use crate::retry_queue::RetryQueue;
use crate::shared::Shared;
use crate::stats::LiveStats;

/// The interval of the sweep and of the feed checks.
const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// The number of ticks between two comparisons of the records. These comparisons do not depend on
/// the feed.
const TICKS_PER_REFRESH: u64 = 5;
/// The first and the longest pause after a failed refresh; each failure doubles the pause.
const FAILURE_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A driver: the state of the loop that keeps an index equal to its store.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    refresher: Refresher,
    options: LiveOptions,
    fallback_chain: FallbackChain,
    feed: Box<dyn Feed>,
    ticks: u64,
    pause: Duration,
}

impl Driver {
    /// Subscribes to a feed first, and then brings the index up to date. The order matters: a
    /// change during the refresh is reported by the feed afterwards, so no change is lost.
    ///
    /// # Errors
    /// The errors of [`Live::start`](crate::Live::start).
    pub(crate) async fn begin(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: LiveOptions,
        progress: &OnProgress<'_>,
    ) -> Result<Self, LiveError> {
        let indexed = IndexedRecords::default();
        let context = FeedContext {
            source: Arc::clone(&source),
            max_scopes: options.max_scopes,
            max_hot_directories: options.max_hot_directories,
            max_watches: options.max_watches,
            server_socket: options.server_socket.clone(),
            timeout: options.timeout,
            indexed: indexed.clone(),
        };
        let mut fallback_chain = FallbackChain::new(context, &options);
        let mut demotions = Vec::new();
        let StartedFeed { feed, first_batch, .. } =
            fallback_chain.begin(options.since.clone(), &mut demotions).await?;

        let materializer =
            match open_materializer(&source, snapshots.clone(), options.refresh, progress) {
                // A pending store is followed with an empty index until it appears.
                Err(LiveError::Store(error)) if is_absent(&error) => {
                    let empty = SessionMaterializer::empty(source, snapshots, options.refresh);
                    StageResult { value: empty, report: StageReport::default() }
                }
                result => result?,
            };
        let StageResult { value: materializer, report } = materializer;
        let mut issues = FoundIssues::default();
        issues.add(report.issues);
        let (cursor_sender, cursor_updates) = watch::channel(materializer.index().cursor());
        let shared = Arc::new(Shared {
            dirty: Arc::new(DirtyTracker::new(options.max_scopes)),
            cursor_updates,
            stats: Mutex::new(LiveStats::new(&*feed, demotions)),
            issues: Mutex::new(issues),
            materializer,
            checked_clock: Mutex::new(Some(first_batch.clock)),
            is_stopping: AtomicBool::new(false),
        });
        // The feeds hold this check. The reference is weak, so that a feed never keeps the index
        // alive.
        let weak_shared = Arc::downgrade(&shared);
        indexed.set_check(move |key, stamp| {
            weak_shared.upgrade().is_some_and(|shared| shared.is_indexed(key, stamp))
        });
        let refresh = options.refresh;
        let refresher = Refresher {
            shared: Arc::clone(&shared),
            cursor_sender,
            retry_queue: RetryQueue::default(),
            refresh,
        };
        let (ticks, pause) = (0, FAILURE_PAUSES.0);
        let mut driver = Self { shared, refresher, options, fallback_chain, feed, ticks, pause };
        if let Err(error) = driver.watch_hot_sessions() {
            driver.demote(error).await?;
        }
        let view = driver.shared.materializer.view();
        let sessions = view.session_ids().into_iter().map(SessionKey::from);
        // Parts of these sessions are read now: a later read is compared with these bytes, so that
        // a follower gets the rest of a write that was under way.
        let unsettled = sessions.filter(|key| is_unsettled(&view, key)).collect();
        driver.refresher.refresh_sessions(unsettled); // before the first follower can pull
        driver.refresher.publish();
        driver.shared.stats().feed_stats = driver.feed.stats();
        Ok(driver)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs the loop until `stop` becomes `true`. Waits for one reason to wake, handles it, and
    /// pauses after a failure.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut ticks = time::interval_at(Instant::now() + TICK_INTERVAL, TICK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (next_retry, checked_clock) =
                (self.refresher.retry_queue.next_due(), self.shared.checked_clock().clone());
            // The select is biased, in this order: stopping must not wait, and a busy feed must not
            // delay the sweep, the retries or a better feed. Each branch may be dropped and asked
            // again without loss: a feed repeats its batch until the checked clock covers it.
            let wake = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => WakeReason::Tick,
                () = sleep_until_due(next_retry) => WakeReason::Retry,
                started = self.fallback_chain.wait_for_better_feed() => WakeReason::BetterFeed(started),
                batch = self.feed.next(checked_clock.as_ref()) => WakeReason::Batch(batch),
            };
            // A refresh is synchronous and checks `is_stopping` itself; this select interrupts the
            // waits in between, such as the start of a lesser feed.
            let succeeded = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                succeeded = self.handle_wake(wake) => succeeded,
            };
            {
                let mut stats = self.shared.stats();
                stats.feed_stats = self.feed.stats();
                stats.attempted_feed = self.fallback_chain.attempted_feed();
            }
            if succeeded {
                self.pause = FAILURE_PAUSES.0;
            } else {
                // The clock was not advanced, so the feed repeats the batch after the pause. The
                // pause keeps an unreadable store from using a whole core.
                let pause = self.pause;
                self.pause = (pause * 2).min(FAILURE_PAUSES.1);
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = time::sleep(pause) => {}
                }
            }
        }
    }

    /// Handles one reason to wake. Returns whether the refresh succeeded.
    async fn handle_wake(&mut self, wake: WakeReason) -> bool {
        let succeeded = match wake {
            WakeReason::Tick => self.on_tick(),
            WakeReason::BetterFeed(started) => self.promote(started),
            WakeReason::Retry => Ok(self.refresher.retry_due()),
            WakeReason::Batch(Ok(batch)) => self.process_batch(batch).await,
            WakeReason::Batch(Err(error)) => Err(error),
        };
        match succeeded {
            Ok(succeeded) => succeeded,
            // Every error here is an error of the feed. Errors of the store are counted by the
            // refresher and reported as `Ok(false)`.
            Err(error) => self.demote(error).await.is_ok(),
        }
    }

    /// Verifies the scopes of a batch. With a debounce, waits until the feed is quiet or
    /// `max_delay` has passed.
    ///
    /// # Errors
    /// The error of the feed.
    async fn process_batch(&mut self, mut batch: FeedBatch) -> Result<bool, FeedError> {
        if !self.options.debounce.is_zero() {
            let (deadline, checked_clock) =
                (Instant::now() + self.options.max_delay, self.shared.checked_clock().clone());
            while Instant::now() < deadline {
                time::sleep_until(deadline.min(Instant::now() + self.options.debounce)).await;
                // Asked with the old checked clock, the feed returns the earlier scopes again
                // together with the new scopes. An equal clock means that nothing was added: the
                // store is quiet.
                let next_batch =
                    time::timeout(Duration::ZERO, self.feed.next(checked_clock.as_ref()));
                match next_batch.await {
                    Ok(answer) if answer.as_ref().is_ok_and(|next| next.clock == batch.clock) => {
                        break;
                    }
                    Ok(answer) => batch = answer?,
                    Err(_) => break,
                }
            }
        }
        let before = self.shared.materializer.index().cursor();
        if !self.refresher.refresh_scopes(&batch.scopes) {
            return Ok(false);
        }
        // Only after the commit: if this process dies before, the feed repeats the batch.
        *self.shared.checked_clock() = Some(batch.clock);
        self.feed.note_refresh_result(self.shared.materializer.index().cursor() != before);
        if batch.coverage == BatchCoverage::Rescan {
            self.watch_hot_sessions()?; // a restarted feed has lost its watches on hot directories
        }
        Ok(true)
    }

    /// Does the periodic work: checks the feed, tries a better feed, compares the records every 5
    /// seconds, and sweeps a share of the sessions.
    ///
    /// # Errors
    /// The error of the feed.
    fn on_tick(&mut self) -> Result<bool, FeedError> {
        self.ticks += 1;
        self.feed.check()?;
        self.fallback_chain.try_better_feed();
        // The comparison finds changes that a feed has missed. The poll feed makes the same
        // comparison itself.
        if self.feed.kind() != FeedKind::Poll && self.ticks.is_multiple_of(TICKS_PER_REFRESH) {
            self.refresher.refresh_scopes(&[DirtyScope::Records]);
        }
        let before = self.shared.materializer.index().cursor();
        // The sweep compares stamps and reads no parts, so sessions with a write under way are read
        // afterwards.
        let swept = self.shared.materializer.sweep_without_refresh(self.options.sweep_interval);
        let swept = swept.map(|report| self.shared.issues().add(report.issues));
        let swept = self.refresher.note_result(swept);
        let refreshed = self.refresher.refresh_sessions(self.refresher.unsettled_since(&before));
        self.refresher.publish();
        Ok(swept && refreshed)
    }

    /// Asks the feed to watch the part directories of sessions with recent writes, the newest
    /// messages first.
    ///
    /// # Errors
    /// The error of the feed.
    fn watch_hot_sessions(&mut self) -> Result<(), FeedError> {
        let materializer = &self.shared.materializer;
        let view = materializer.view();
        let is_hot = |key: &SessionKey| {
            let state = view.refresh_state(&key.session);
            state.is_some_and(|(_, state)| self.options.refresh.is_hot(&state))
        };
        let source = materializer.source();
        let messages = view
            .sessions()
            .filter(|meta| is_hot(&meta.key))
            .flat_map(|meta| view.by_session(&meta.key.session).into_iter().rev());
        let paths: Vec<PathBuf> = messages
            .filter_map(|meta| source.directory_of(&meta.key.clone().into()))
            .take(self.options.max_hot_directories)
            .collect();
        self.feed.watch_hot_directories(&mut paths.into_iter())
    }

    /// Replaces a feed that failed by the next feed of the fallback chain, and rescans the store
    /// with it.
    ///
    /// # Errors
    /// [`LiveError::Feed`] if no feed starts.
    async fn demote(&mut self, error: FeedError) -> Result<(), LiveError> {
        let mut demotions = Vec::new();
        let started = self.fallback_chain.fall_back(error, &mut demotions).await?;
        self.shared.stats().add_demotions(demotions);
        self.switch_feed(started);
        // A feed without a free watch reports this error with its next batch, and is replaced then.
        self.watch_hot_sessions().unwrap_or_default();
        Ok(())
    }

    /// Replaces the feed by a better feed, and rescans the store with it.
    ///
    /// # Errors
    /// The error of the better feed.
    fn promote(&mut self, started: StartedFeed) -> Result<bool, FeedError> {
        self.shared.stats().promotions += 1;
        let succeeded = self.switch_feed(started);
        self.watch_hot_sessions()?;
        Ok(succeeded)
    }

    fn switch_feed(&mut self, StartedFeed { feed, first_batch, .. }: StartedFeed) -> bool {
        self.feed = feed;
        self.shared.stats().feed = self.feed.kind();
        let succeeded = self.refresher.refresh_scopes(&first_batch.scopes);
        // Without a clock the feed starts again and reports a rescan, so a failed rescan is
        // repeated.
        *self.shared.checked_clock() = succeeded.then_some(first_batch.clock);
        succeeded
    }
}

/// The reason why the driver woke.
enum WakeReason {
    Tick,
    Retry,
    BetterFeed(StartedFeed),
    Batch(Result<FeedBatch, FeedError>),
}

async fn sleep_until_due(due_at: Option<Instant>) {
    match due_at {
        Some(due_at) => time::sleep_until(due_at).await,
        None => std::future::pending().await,
    }
}

fn open_materializer(
    source: &Arc<dyn Source>,
    snapshots: Option<Snapshots>,
    options: RefreshOptions,
    progress: &OnProgress<'_>,
) -> Result<StageResult<SessionMaterializer>, LiveError> {
    let result = SessionMaterializer::open(Arc::clone(source), snapshots, options, progress)?;
    match result {
        ControlFlow::Continue(opened) => Ok(opened),
        ControlFlow::Break(()) => Err(LiveError::Stopped),
    }
}
