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
    pub(crate) fn new(watched: FeedContext, options: &LiveOptions) -> Self {
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
        let (is_strict, patience) = (options.feed != FeedChoice::Best, options.timeout);
        let rungs = FallbackLevels {
            context: watched,
            kinds,
            custom,
            poll: options.poll_intervals,
            is_strict,
            timeout: patience,
        };
        Self {
            levels: Arc::new(rungs),
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
        let rungs = Arc::clone(&self.levels);
        let since = since.filter(WatchmanFeed::is_server_clock);
        let (mut at, mut best) = (0, 0);
        let begun = loop {
            let is_guest = rungs.kinds[at] == FeedKind::Watchman && !rungs.is_strict;
            let patience =
                if is_guest { rungs.timeout.min(OPTIONAL_SERVER_TIMEOUT) } else { rungs.timeout };
            match rungs.start_level(at, patience, since.as_ref()).await {
                Ok(begun) => break begun,
                // A store that is still to come is waited for by another.
                Err(why) if rungs.is_last(at) || rungs.is_strict && !why.is_not_found() => {
                    return Err(LiveError::Feed { kind: rungs.kinds[at], why });
                }
                // That nobody runs watchman is nothing to speak of, and no reason to ask again; that
                // there is nothing yet to watch is one.
                Err(FeedError::Server(_) | FeedError::System(_)) if is_guest => best = at + 1,
                Err(why) if is_guest && why.is_not_found() => {}
                Err(why) => {
                    let (from, to) = (rungs.kinds[at], rungs.kinds[at + 1]);
                    demotions.push(Demotion { from, to, reason: why.to_string() });
                }
            }
            at += 1;
        };
        (self.current_level, self.best_level) = (at, best);
        if at > best {
            self.next_attempt = Some((Instant::now() + self.retry_wait, self.retry_wait));
        }
        Ok(begun)
    }

    /// The next feed below one that cannot go on.
    pub(crate) async fn fall_back(
        &mut self,
        error: FeedError,
        demotions: &mut Vec<Demotion>,
    ) -> Result<StartedFeed, LiveError> {
        let rungs = Arc::clone(&self.levels);
        let mut why = error;
        let wait =
            self.next_attempt.map_or(self.retry_wait, |(_, wait)| (wait * 2).min(MAX_RETRY_WAIT));
        self.next_attempt = Some((Instant::now() + wait, wait));
        loop {
            let below = (self.current_level + 1).min(rungs.kinds.len() - 1);
            let (from, to) = (rungs.kinds[self.current_level], rungs.kinds[below]);
            demotions.push(Demotion { from, to, reason: why.to_string() });
            let is_last = rungs.is_last(self.current_level);
            self.current_level = below;
            match rungs.start_level(below, rungs.timeout, None).await {
                Ok(begun) => return Ok(begun),
                Err(why) if is_last => return Err(LiveError::Feed { kind: to, why }),
                Err(error) => why = error,
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
        let (rungs, better) = (Arc::clone(&self.levels), self.best_level..self.current_level);
        self.attempts.spawn(async move {
            for at in better {
                if let Ok(begun) = rungs.start_level(at, rungs.timeout, None).await {
                    return Some(begun);
                }
            }
            None
        });
    }

    /// Waits for a better feed.
    pub(crate) async fn wait_for_better_feed(&mut self) -> StartedFeed {
        loop {
            match self.attempts.join_next().await {
                Some(Ok(Some(begun))) if begun.level < self.current_level => {
                    self.current_level = begun.level;
                    return begun;
                }
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl FallbackLevels {
    fn is_last(&self, at: usize) -> bool {
        at + 1 >= self.kinds.len()
    }

    /// Makes a feed and begins with it, unless that takes too long.
    async fn start_level(
        &self,
        at: usize,
        patience: Duration,
        since: Option<&FeedClock>,
    ) -> Result<StartedFeed, FeedError> {
        let begun = timeout(patience, self.start_feed(at, since)).await;
        let (feed, heard) = begun.unwrap_or(Err(FeedError::Silent(patience)))?;
        Ok(StartedFeed { level: at, feed, first_batch: heard })
    }

    async fn start_feed(
        &self,
        at: usize,
        since: Option<&FeedClock>,
    ) -> Result<(Box<dyn Feed>, FeedBatch), FeedError> {
        let watched = self.context.clone();
        if let (FeedKind::Watchman, Some(clock)) = (self.kinds[at], since) {
            let mut feed = WatchmanFeed::connect(watched, self.is_strict).await?;
            feed.begin(Some(clock)).await?;
            let (scopes, clock) = (Vec::new(), clock.clone());
            return Ok((
                Box::new(feed),
                FeedBatch { scopes, clock, coverage: BatchCoverage::Complete },
            ));
        }
        let mut feed: Box<dyn Feed> = match self.kinds[at] {
            FeedKind::Watchman => Box::new(WatchmanFeed::connect(watched, self.is_strict).await?),
            #[cfg(target_os = "linux")]
            FeedKind::Inotify => Box::new(NativeFeed::inotify(watched)?),
            #[cfg(not(target_os = "linux"))]
            FeedKind::Inotify => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
            FeedKind::Notify => Box::new(NativeFeed::notify(watched)?),
            FeedKind::Poll => Box::new(PollFeed::with_intervals(watched, self.poll.0, self.poll.1)),
            FeedKind::Custom(_) => {
                self.custom.as_ref().ok_or(FeedError::NotSupplied)?.make(watched)?
            }
        };
        let heard = feed.next(None).await?;
        Ok((feed, heard))
    }
}
