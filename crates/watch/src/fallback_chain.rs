//! Feeds, the best first: down when one cannot go on, and up again once it can.

#[cfg(not(target_os = "linux"))]
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::error::LiveError;
use crate::feed::{
    BatchCoverage, CustomFeed, Feed, FeedBatch, FeedClock, FeedContext, FeedError, FeedKind,
    NativeFeed, PollFeed, WatchmanFeed,
};
use crate::options::{FeedChoice, LiveOptions};
use crate::stats::Demotion;

/// Feeds, the best first.
pub(crate) struct FallbackChain {
    levels: Arc<FallbackLevels>,
    current_level: usize,
    /// The best one that is worth another try.
    best_level: usize,
    /// How long a feed that could not go on is left alone, at first.
    retry_wait: Duration,
    /// When a better one is tried, and how long it was waited for.
    next_attempt: Option<(Instant, Duration)>,
    /// A better one that is being tried. Ends with the ladder.
    attempts: JoinSet<Option<StartedFeed>>,
}

/// What every try needs.
struct FallbackLevels {
    context: FeedContext,
    kinds: Vec<FeedKind>,
    /// The feed of somebody else's that is one of them.
    custom: Option<CustomFeed>,
    poll: (Duration, Duration),
    /// Whether the first rung has to hold at the beginning.
    is_strict: bool,
    /// How long a feed may take to begin.
    timeout: Duration,
}

/// A feed that began, with the rung that it is on.
pub(crate) struct StartedFeed {
    level: usize,
    pub(crate) feed: Box<dyn Feed>,
    pub(crate) first_batch: FeedBatch,
}

/// How long it waits at most before it tries a better feed again.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(600);

/// How long the start waits for a server that nobody asked for.
const OPTIONAL_SERVER_TIMEOUT: Duration = Duration::from_secs(1);

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
        let (is_strict, time_limit) = (options.feed != FeedChoice::Best, options.timeout);
        let levels = FallbackLevels {
            context,
            kinds,
            custom,
            poll: options.poll_intervals,
            is_strict,
            timeout: time_limit,
        };
        Self {
            levels: Arc::new(levels),
            retry_wait: options.retry_wait,
            current_level: 0,
            best_level: 0,
            next_attempt: None,
            attempts: JoinSet::new(),
        }
    }

    /// The best feed that begins; a server that all was looked at until `since`, from there on.
    pub(crate) async fn begin(
        &mut self,
        since: Option<FeedClock>,
        demotions: &mut Vec<Demotion>,
    ) -> Result<StartedFeed, LiveError> {
        let levels = Arc::clone(&self.levels);
        let since = since.filter(WatchmanFeed::is_server_clock);
        let (mut level, mut lowest_useful) = (0, 0);
        let started = loop {
            let is_optional_server = levels.kinds[level] == FeedKind::Watchman && !levels.is_strict;
            let time_limit = if is_optional_server {
                levels.timeout.min(OPTIONAL_SERVER_TIMEOUT)
            } else {
                levels.timeout
            };
            match levels.start_level(level, time_limit, since.as_ref()).await {
                Ok(started) => break started,
                // A store that is still to come is waited for by another.
                Err(error)
                    if levels.is_last_level(level) || levels.is_strict && !error.is_not_found() =>
                {
                    return Err(LiveError::Feed { kind: levels.kinds[level], reason: error });
                }
                // That nobody runs watchman is nothing to speak of, and no reason to ask again; that
                // there is nothing yet to watch is one.
                Err(FeedError::Server(_) | FeedError::System(_)) if is_optional_server => {
                    lowest_useful = level + 1
                }
                Err(error) if is_optional_server && error.is_not_found() => {}
                Err(error) => {
                    let (from, to) = (levels.kinds[level], levels.kinds[level + 1]);
                    demotions.push(Demotion { from, to, reason: error.to_string() });
                }
            }
            level += 1;
        };
        (self.current_level, self.best_level) = (level, lowest_useful);
        if level > lowest_useful {
            self.next_attempt = Some((Instant::now() + self.retry_wait, self.retry_wait));
        }
        Ok(started)
    }

    /// The next feed below one that cannot go on.
    pub(crate) async fn fall_back(
        &mut self,
        error: FeedError,
        demotions: &mut Vec<Demotion>,
    ) -> Result<StartedFeed, LiveError> {
        let levels = Arc::clone(&self.levels);
        let mut reason = error;
        let wait =
            self.next_attempt.map_or(self.retry_wait, |(_, wait)| (wait * 2).min(MAX_RETRY_WAIT));
        self.next_attempt = Some((Instant::now() + wait, wait));
        loop {
            let next_level = (self.current_level + 1).min(levels.kinds.len() - 1);
            let (from, to) = (levels.kinds[self.current_level], levels.kinds[next_level]);
            demotions.push(Demotion { from, to, reason: reason.to_string() });
            let is_last = levels.is_last_level(self.current_level);
            self.current_level = next_level;
            match levels.start_level(next_level, levels.timeout, None).await {
                Ok(started) => return Ok(started),
                Err(reason) if is_last => return Err(LiveError::Feed { kind: to, reason }),
                Err(error) => reason = error,
            }
        }
    }

    /// Tries a better feed if it is time to, beside the one that there is.
    pub(crate) fn try_better_feed(&mut self) {
        let Some((_, wait)) = self.next_attempt.filter(|(due, _)| *due <= Instant::now()) else {
            return;
        };
        if self.current_level <= self.best_level || !self.attempts.is_empty() {
            return;
        }
        let wait = (wait * 2).min(MAX_RETRY_WAIT);
        self.next_attempt = Some((Instant::now() + wait, wait));
        let (levels, better_levels) =
            (Arc::clone(&self.levels), self.best_level..self.current_level);
        self.attempts.spawn(async move {
            for level in better_levels {
                if let Ok(started) = levels.start_level(level, levels.timeout, None).await {
                    return Some(started);
                }
            }
            None
        });
    }

    /// Waits for a better feed.
    pub(crate) async fn wait_for_better_feed(&mut self) -> StartedFeed {
        loop {
            match self.attempts.join_next().await {
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

    /// Makes a feed and begins with it, unless that takes too long.
    async fn start_level(
        &self,
        level: usize,
        time_limit: Duration,
        since: Option<&FeedClock>,
    ) -> Result<StartedFeed, FeedError> {
        let started = timeout(time_limit, self.start_feed(level, since)).await;
        let (feed, first_batch) = started.unwrap_or(Err(FeedError::Silent(time_limit)))?;
        Ok(StartedFeed { level, feed, first_batch })
    }

    async fn start_feed(
        &self,
        level: usize,
        since: Option<&FeedClock>,
    ) -> Result<(Box<dyn Feed>, FeedBatch), FeedError> {
        let context = self.context.clone();
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
