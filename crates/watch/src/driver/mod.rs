//! The driver: subscribe, look, and then look wherever a feed says.

mod look;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_flow::{OnProgress, RefreshOptions, SessionMaterializer, Snapshots, is_absent};
use scrollback_source::{DirtyScope, Source};
use tokio::sync::watch;
use tokio::time::{self, Instant, MissedTickBehavior};

use self::look::{Looker, is_unsettled};
use crate::again::Again;
use crate::dirty::DirtyTracker;
use crate::error::LiveError;
use crate::feed::{Answer, Feed, FeedError, FeedKind, Heard, Known, Watched};
use crate::ladder::{Begun, Ladder};
use crate::options::LiveOptions;
use crate::shared::Shared;
use crate::stats::LiveStats;

/// How often known sessions are swept, and the feed is checked.
const TICK: Duration = Duration::from_secs(1);
/// Every so many ticks the records are compared, whatever the feed says.
const TICKS: u64 = 5;
/// How long it waits after a look that failed, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Keeps an index equal to its store.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    looker: Looker,
    options: LiveOptions,
    ladder: Ladder,
    feed: Box<dyn Feed>,
    ticks: u64,
    pause: Duration,
}

impl Driver {
    /// Subscribes, then looks.
    pub(crate) async fn begin(
        source: Arc<dyn Source>,
        snapshots: Option<Snapshots>,
        options: LiveOptions,
        progress: &OnProgress<'_>,
    ) -> Result<Self, LiveError> {
        let LiveOptions { scopes, hot, watches, patience, .. } = options;
        let (known, server) = (Known::default(), options.server.clone());
        let watched = Watched {
            source: Arc::clone(&source),
            scopes,
            hot,
            watches,
            server,
            patience,
            known: known.clone(),
        };
        let mut ladder = Ladder::new(watched, &options);
        let mut demotions = Vec::new();
        let Begun { feed, heard, .. } = ladder.begin(options.since.clone(), &mut demotions).await?;

        let materializer = match open(&source, snapshots.clone(), options.refresh, progress) {
            Err(LiveError::Store(error)) if is_absent(&error) => {
                SessionMaterializer::empty(source, snapshots, options.refresh)
            }
            opened => opened?,
        };
        let (moves, moved) = watch::channel(materializer.index().cursor());
        let shared = Arc::new(Shared {
            dirty: Arc::new(DirtyTracker::new(options.scopes)),
            moved,
            stats: Mutex::new(LiveStats::of(&*feed, demotions)),
            materializer,
            looked: Mutex::new(Some(heard.clock)),
            is_stopping: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&shared);
        known.set(move |key, stamp| weak.upgrade().is_some_and(|it| it.is_known(key, stamp)));
        let refresh = options.refresh;
        let looker =
            Looker { shared: Arc::clone(&shared), moves, again: Again::default(), refresh };
        let (ticks, pause) = (0, PAUSES.0);
        let mut driver = Self { shared, looker, options, ladder, feed, ticks, pause };
        if let Err(error) = driver.heat() {
            driver.demote(error).await?;
        }
        let view = driver.shared.materializer.view();
        let sessions = view.session_ids().into_iter().map(SessionKey::from);
        let unsettled = sessions.filter(|key| is_unsettled(&view, key)).collect();
        driver.looker.look_into(unsettled); // before anybody is told
        driver.looker.publish();
        driver.shared.stats().feed_stats = driver.feed.stats();
        Ok(driver)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Goes on until it is told to stop.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut ticks = time::interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (again, looked) = (self.looker.again.next(), self.shared.looked().clone());
            let wake = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => Wake::Tick,
                () = until(again) => Wake::Again,
                begun = self.ladder.climbed() => Wake::Climbed(begun),
                heard = self.feed.next(looked.as_ref()) => Wake::Heard(heard),
            };
            let went_well = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                went_well = self.wake(wake) => went_well,
            };
            self.shared.stats().feed_stats = self.feed.stats();
            if went_well {
                self.pause = PAUSES.0;
            } else {
                let pause = self.pause;
                self.pause = (pause * 2).min(PAUSES.1);
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = time::sleep(pause) => {}
                }
            }
        }
    }

    /// Does what it woke for; whether it could.
    async fn wake(&mut self, wake: Wake) -> bool {
        let went_well = match wake {
            Wake::Tick => self.tick(),
            Wake::Climbed(begun) => self.promote(begun),
            Wake::Again => Ok(self.looker.look_again()),
            Wake::Heard(Ok(heard)) => self.hear(heard).await,
            Wake::Heard(Err(error)) => Err(error),
        };
        match went_well {
            Ok(went_well) => went_well,
            Err(error) => self.demote(error).await.is_ok(),
        }
    }

    /// Looks at what a feed said, once no more of it comes or it has waited for long enough.
    async fn hear(&mut self, mut heard: Heard) -> Result<bool, FeedError> {
        if !self.options.quiet.is_zero() {
            let (end, looked) = (Instant::now() + self.options.dirty, self.shared.looked().clone());
            while Instant::now() < end {
                time::sleep_until(end.min(Instant::now() + self.options.quiet)).await;
                // With the clock of before: all of it is said again, and what came meanwhile.
                let more = time::timeout(Duration::ZERO, self.feed.next(looked.as_ref()));
                match more.await {
                    Ok(more) if more.as_ref().is_ok_and(|more| more.clock == heard.clock) => break,
                    Ok(more) => heard = more?,
                    Err(_) => break,
                }
            }
        }
        let before = self.shared.materializer.index().cursor();
        if !self.looker.look(&heard.scopes) {
            return Ok(false);
        }
        *self.shared.looked() = Some(heard.clock);
        self.feed.found(self.shared.materializer.index().cursor() != before);
        if heard.answer == Answer::Rescan {
            self.heat()?; // it began anew, and follows only what does not come and go
        }
        Ok(true)
    }

    /// What has to be done from time to time.
    fn tick(&mut self) -> Result<bool, FeedError> {
        self.ticks += 1;
        self.feed.check()?;
        self.ladder.try_better();
        if self.feed.kind() != FeedKind::Poll && self.ticks.is_multiple_of(TICKS) {
            self.looker.look(&[DirtyScope::Records]);
        }
        let before = self.shared.materializer.index().cursor();
        let swept = self.shared.materializer.sweep_without_refresh(self.options.sweep);
        let swept = self.looker.told(swept.map(drop));
        let looked = self.looker.look_into(self.looker.unsettled_since(&before));
        self.looker.publish();
        Ok(swept && looked)
    }

    /// Watches the parts of sessions that something was written in lately.
    fn heat(&mut self) -> Result<(), FeedError> {
        let materializer = &self.shared.materializer;
        let view = materializer.view();
        let is_hot = |key: &SessionKey| {
            let upkeep = view.refresh_state(&key.session);
            upkeep.is_some_and(|(_, upkeep)| self.options.refresh.is_hot(&upkeep))
        };
        let source = materializer.source();
        let messages = view
            .sessions()
            .filter(|meta| is_hot(&meta.key))
            .flat_map(|meta| view.by_session(&meta.key.session).into_iter().rev());
        let paths: Vec<PathBuf> = messages
            .filter_map(|meta| source.directory_of(&meta.key.clone().into()))
            .take(self.options.hot)
            .collect();
        self.feed.heat(&mut paths.into_iter())
    }

    /// The next feed takes over from one that cannot go on, and begins with a look at all.
    async fn demote(&mut self, error: FeedError) -> Result<(), LiveError> {
        let mut demotions = Vec::new();
        let begun = self.ladder.descend(error, &mut demotions).await?;
        self.shared.stats().note(demotions);
        self.go_on_with(begun);
        // Who has no watch left for these says so with its next answer.
        self.heat().unwrap_or_default();
        Ok(())
    }

    /// A better feed takes over, and begins with a look at all.
    fn promote(&mut self, begun: Begun) -> Result<bool, FeedError> {
        self.shared.stats().promotions += 1;
        let went_well = self.go_on_with(begun);
        self.heat()?;
        Ok(went_well)
    }

    fn go_on_with(&mut self, Begun { feed, heard, .. }: Begun) -> bool {
        self.feed = feed;
        self.shared.stats().feed = self.feed.kind();
        let went_well = self.looker.look(&heard.scopes);
        *self.shared.looked() = went_well.then_some(heard.clock);
        went_well
    }
}

/// Why the driver woke.
enum Wake {
    Tick,
    Again,
    Climbed(Begun),
    Heard(Result<Heard, FeedError>),
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn open(
    source: &Arc<dyn Source>,
    snapshots: Option<Snapshots>,
    options: RefreshOptions,
    progress: &OnProgress<'_>,
) -> Result<SessionMaterializer, LiveError> {
    let opened = SessionMaterializer::open(Arc::clone(source), snapshots, options, progress)?;
    match opened {
        ControlFlow::Continue(opened) => Ok(opened.value),
        ControlFlow::Break(()) => Err(LiveError::Stopped),
    }
}
