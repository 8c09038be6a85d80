//! The fallback chain: feeds in order of preference. The driver moves down when a feed fails, and
//! up again when a better feed works.

#[cfg(not(target_os = "linux"))]
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::error::LiveError;
use crate::feed::{
    BatchCoverage, CustomFeed, Feed, FeedBatch, FeedClock, FeedContext, FeedError, FeedKind,
    NativeFeed, PollFeed, WatchmanFeed,
};
use crate::options::{FeedChoice, LiveOptions, OnSlowStart};
use crate::stats::Demotion;

/// The feeds in order of preference, the present level, and the attempts to start a better feed.
pub(crate) struct FallbackChain {
    levels: Arc<FallbackLevels>,
    current_level: usize,
    /// The first wait before a failed feed is tried again; later waits double.
    retry_wait: Duration,
    /// The time of the next attempt to start a better feed, and the wait before that attempt.
    next_attempt: Option<(Instant, Duration)>,
    /// The running attempt. Dropping the chain ends the attempt.
    attempts: JoinSet<Option<StartedFeed>>,
}

/// The settings that every attempt needs; shared with the task of an attempt.
struct FallbackLevels {
    context: FeedContext,
    kinds: Vec<FeedKind>,
    /// The caller's own feed, if [`FeedChoice::Custom`] names one.
    custom: Option<CustomFeed>,
    poll: (Duration, Duration),
    /// Whether the first level has to start: the caller chose a feed by name.
    is_strict: bool,
    /// The longest time that a feed may take to start.
    timeout: Duration,
    /// The longest time that a watchman server may take to start.
    server_timeout: Duration,
    on_slow_start: Option<OnSlowStart>,
}

/// A feed that has started, its level, and its first batch.
pub(crate) struct StartedFeed {
    level: usize,
    pub(crate) feed: Box<dyn Feed>,
    pub(crate) first_batch: FeedBatch,
}

/// The longest wait before a better feed is tried again.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(600);

/// The longest time that the start waits for a watchman server that the caller did not choose, and
/// that it waits in silence for a feed that the caller chose.
const SHORT_WAIT: Duration = Duration::from_secs(1);

impl FallbackChain {
    pub(crate) fn new(context: FeedContext, options: &LiveOptions) -> Self {
        let mut custom = None;
        let kinds = match &options.feed {
            FeedChoice::Best if cfg!(target_os = "linux") => {
                vec![FeedKind::Watchman, FeedKind::Inotify, FeedKind::Poll]
            }
            FeedChoice::Best => vec![FeedKind::Watchman, FeedKind::Notify, FeedKind::Poll],
            FeedChoice::Only(FeedKind::Poll) => vec![FeedKind::Poll],
            FeedChoice::Only(kind) => vec![*kind, FeedKind::Poll],
            FeedChoice::Custom(feed) => {
                custom = Some(feed.clone());
                vec![feed.kind(), FeedKind::Poll]
            }
        };
        let is_strict = options.feed != FeedChoice::Best;
        let levels = FallbackLevels {
            context,
            kinds,
            custom,
            poll: options.poll_intervals,
            is_strict,
            timeout: options.timeout,
            server_timeout: options.server_start_timeout,
            on_slow_start: options.on_slow_start.clone(),
        };
        Self {
            levels: Arc::new(levels),
            retry_wait: options.retry_wait,
            current_level: 0,
            next_attempt: None,
            attempts: JoinSet::new(),
        }
    }

    /// Starts the best feed that works. A watchman server continues from `since`, the clock of a
    /// saved snapshot, and reports the changes after that clock.
    ///
    /// # Errors
    /// [`LiveError::Feed`] if the chosen feed does not start, or if no feed starts.
    pub(crate) async fn begin(
        &mut self,
        since: Option<FeedClock>,
        demotions: &mut Vec<Demotion>,
    ) -> Result<StartedFeed, LiveError> {
        let levels = Arc::clone(&self.levels);
        let since = since.filter(WatchmanFeed::is_server_clock);
        let (mut level, mut first_wait) = (0, self.retry_wait);
        let started = loop {
            // With `FeedChoice::Best` most machines have no server. The short time limit keeps the
            // start fast there.
            let is_optional_server = levels.kinds[level] == FeedKind::Watchman && !levels.is_strict;
            let time_limit = match is_optional_server {
                true => levels.time_limit(level).min(SHORT_WAIT),
                false => levels.time_limit(level),
            };
            match levels.start_first(level, time_limit, since.as_ref()).await {
                Ok(started) => break started,
                // A missing store is an exception for a chosen feed: polling follows a pending
                // store, and the chosen feed is tried again once the store exists.
                Err(error)
                    if levels.is_last_level(level) || levels.is_strict && !error.is_not_found() =>
                {
                    return Err(LiveError::Feed { kind: levels.kinds[level], reason: error });
                }
                // A machine without watchman is the usual case, and no demotion. The server may
                // start later, so the level stays worth another attempt.
                Err(FeedError::Server(_) | FeedError::System(_)) if is_optional_server => {}
                Err(error) if is_optional_server && error.is_not_found() => {}
                Err(error) => {
                    // The server is there and is still starting: wait for it in the background.
                    if matches!(error, FeedError::NotStarted(_)) {
                        first_wait = Duration::ZERO;
                    }
                    let (from, to) = (levels.kinds[level], levels.kinds[level + 1]);
                    demotions.push(Demotion { from, to, reason: error.to_string() });
                }
            }
            level += 1;
        };
        self.current_level = level;
        if level > 0 {
            self.next_attempt = Some((Instant::now() + first_wait, self.retry_wait));
        }
        Ok(started)
    }

    /// Starts the next feed below a feed that failed, and records each demotion.
    ///
    /// # Errors
    /// [`LiveError::Feed`] if the last level fails as well.
    pub(crate) async fn fall_back(
        &mut self,
        error: FeedError,
        demotions: &mut Vec<Demotion>,
    ) -> Result<StartedFeed, LiveError> {
        let levels = Arc::clone(&self.levels);
        let mut reason = error;
        // The wait doubles with each failure and is never reset, so a feed that starts and fails in
        // turns costs one switch in ten minutes in the end.
        let wait =
            self.next_attempt.map_or(self.retry_wait, |(_, wait)| (wait * 2).min(MAX_RETRY_WAIT));
        self.next_attempt = Some((Instant::now() + wait, wait));
        loop {
            // A failed poll feed is replaced by a new poll feed: no lower level exists.
            let next_level = (self.current_level + 1).min(levels.kinds.len() - 1);
            let (from, to) = (levels.kinds[self.current_level], levels.kinds[next_level]);
            demotions.push(Demotion { from, to, reason: reason.to_string() });
            let is_last = levels.is_last_level(self.current_level);
            self.current_level = next_level;
            let time_limit = levels.time_limit(next_level);
            match levels.start_level(next_level, time_limit, None).await {
                Ok(started) => return Ok(started),
                Err(reason) if is_last => return Err(LiveError::Feed { kind: to, reason }),
                Err(error) => reason = error,
            }
        }
    }

    /// Starts an attempt for a better feed if it is due. The present feed stays in use during the
    /// attempt.
    pub(crate) fn try_better_feed(&mut self) {
        let Some((_, wait)) = self.next_attempt.filter(|(due, _)| *due <= Instant::now()) else {
            return;
        };
        // At most one attempt at a time: a slow server would otherwise collect connections.
        if self.current_level == 0 || !self.attempts.is_empty() {
            return;
        }
        let wait = (wait * 2).min(MAX_RETRY_WAIT);
        self.next_attempt = Some((Instant::now() + wait, wait));
        let (levels, better_levels) = (Arc::clone(&self.levels), 0..self.current_level);
        // A task of its own, because a connection may take the whole time limit and the driver has
        // to go on.
        self.attempts.spawn(async move {
            for level in better_levels {
                let time_limit = levels.time_limit(level);
                if let Ok(started) = levels.start_level(level, time_limit, None).await {
                    return Some(started);
                }
            }
            None
        });
    }

    /// Returns the feed that an attempt is starting at present.
    pub(crate) fn attempted_feed(&self) -> Option<FeedKind> {
        (!self.attempts.is_empty()).then(|| self.levels.kinds[0])
    }

    /// Waits until an attempt has started a better feed. Never returns if no attempt succeeds.
    pub(crate) async fn wait_for_better_feed(&mut self) -> StartedFeed {
        loop {
            match self.attempts.join_next().await {
                // The chain may have moved up in the meantime; a feed that is not better any more
                // is dropped.
                Some(Ok(Some(started))) if started.level < self.current_level => {
                    self.current_level = started.level;
                    return started;
                }
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl FallbackLevels {
    fn is_last_level(&self, level: usize) -> bool {
        level + 1 >= self.kinds.len()
    }

    /// Returns the longest time that the feed of a level may take to start.
    fn time_limit(&self, level: usize) -> Duration {
        match self.kinds[level] {
            FeedKind::Watchman => self.server_timeout,
            _ => self.timeout,
        }
    }

    /// Does the same as [`FallbackLevels::start_level`], and reports a feed that is slow to start.
    async fn start_first(
        &self,
        level: usize,
        time_limit: Duration,
        since: Option<&FeedClock>,
    ) -> Result<StartedFeed, FeedError> {
        let mut start = pin!(self.start_level(level, time_limit, since));
        if let Some(on_slow_start) = self.on_slow_start.as_ref().filter(|_| self.is_strict) {
            match timeout(SHORT_WAIT, &mut start).await {
                Ok(started) => return started,
                Err(_) => on_slow_start.call(self.kinds[level]),
            }
        }
        start.await
    }

    /// Creates the feed of a level and takes its first batch.
    ///
    /// # Errors
    /// [`FeedError::NotStarted`] or [`FeedError::Silent`] after the time limit; otherwise the error of
    /// the feed.
    async fn start_level(
        &self,
        level: usize,
        time_limit: Duration,
        since: Option<&FeedClock>,
    ) -> Result<StartedFeed, FeedError> {
        let started = timeout(time_limit, self.start_feed(level, since)).await;
        let late = match self.kinds[level] {
            FeedKind::Watchman => FeedError::NotStarted(time_limit),
            _ => FeedError::Silent(time_limit),
        };
        let (feed, first_batch) = started.unwrap_or(Err(late))?;
        Ok(StartedFeed { level, feed, first_batch })
    }

    async fn start_feed(
        &self,
        level: usize,
        since: Option<&FeedClock>,
    ) -> Result<(Box<dyn Feed>, FeedBatch), FeedError> {
        let context = self.context.clone();
        // The snapshot already contains everything before `clock`, so the first batch is empty: no
        // rescan.
        if let (FeedKind::Watchman, Some(clock)) = (self.kinds[level], since) {
            let mut feed = WatchmanFeed::connect(context, self.is_strict).await?;
            feed.begin(Some(clock)).await?;
            let (scopes, clock) = (Vec::new(), clock.clone());
            return Ok((
                Box::new(feed),
                FeedBatch { scopes, clock, coverage: BatchCoverage::Complete },
            ));
        }
        let mut feed: Box<dyn Feed> = match self.kinds[level] {
            FeedKind::Watchman => Box::new(WatchmanFeed::connect(context, self.is_strict).await?),
            #[cfg(target_os = "linux")]
            FeedKind::Inotify => Box::new(NativeFeed::inotify(context)?),
            #[cfg(not(target_os = "linux"))]
            FeedKind::Inotify => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
            FeedKind::Notify => Box::new(NativeFeed::notify(context)?),
            FeedKind::Poll => Box::new(PollFeed::with_intervals(context, self.poll.0, self.poll.1)),
            FeedKind::Custom(_) => {
                self.custom.as_ref().ok_or(FeedError::NotSupplied)?.make(context)?
            }
        };
        let first_batch = feed.next(None).await?;
        Ok((feed, first_batch))
    }
}
