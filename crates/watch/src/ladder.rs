//! Feeds, the best first: down when one cannot go on, and up again once it can.

#[cfg(not(target_os = "linux"))]
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::error::LiveError;
use crate::feed::{
    Answer, CustomFeed, Feed, FeedClock, FeedError, FeedKind, Heard, NativeFeed, PollFeed, Watched,
    WatchmanFeed,
};
use crate::options::{FeedChoice, LiveOptions};
use crate::stats::Demotion;

/// Feeds, the best first.
pub(crate) struct Ladder {
    rungs: Arc<Rungs>,
    at: usize,
    /// The best one that is worth another try.
    best: usize,
    /// How long a feed that could not go on is left alone, at first.
    retry: Duration,
    /// When a better one is tried, and how long it was waited for.
    next: Option<(Instant, Duration)>,
    /// A better one that is being tried. Ends with the ladder.
    climbing: JoinSet<Option<Begun>>,
}

/// What every try needs.
struct Rungs {
    watched: Watched,
    kinds: Vec<FeedKind>,
    /// The feed of somebody else's that is one of them.
    custom: Option<CustomFeed>,
    poll: (Duration, Duration),
    /// Whether the first rung has to hold at the beginning.
    is_strict: bool,
    /// How long a feed may take to begin.
    patience: Duration,
}

/// A feed that began, with the rung that it is on.
pub(crate) struct Begun {
    at: usize,
    pub(crate) feed: Box<dyn Feed>,
    pub(crate) heard: Heard,
}

/// How long it waits at most before it tries a better feed again.
const LONGEST: Duration = Duration::from_secs(600);

/// How long the start waits for a server that nobody asked for.
const SERVER: Duration = Duration::from_secs(1);

impl Ladder {
    pub(crate) fn new(watched: Watched, options: &LiveOptions) -> Self {
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
        let (is_strict, patience) = (options.feed != FeedChoice::Best, options.patience);
        let rungs = Rungs { watched, kinds, custom, poll: options.poll, is_strict, patience };
        Self {
            rungs: Arc::new(rungs),
            retry: options.retry,
            at: 0,
            best: 0,
            next: None,
            climbing: JoinSet::new(),
        }
    }

    /// The best feed that begins; a server that all was looked at until `since`, from there on.
    pub(crate) async fn begin(
        &mut self,
        since: Option<FeedClock>,
        demotions: &mut Vec<Demotion>,
    ) -> Result<Begun, LiveError> {
        let rungs = Arc::clone(&self.rungs);
        let since = since.filter(WatchmanFeed::remembers);
        let (mut at, mut best) = (0, 0);
        let begun = loop {
            let is_guest = rungs.kinds[at] == FeedKind::Watchman && !rungs.is_strict;
            let patience = if is_guest { rungs.patience.min(SERVER) } else { rungs.patience };
            match rungs.rung(at, patience, since.as_ref()).await {
                Ok(begun) => break begun,
                // A store that is still to come is waited for by another.
                Err(why) if rungs.is_last(at) || rungs.is_strict && !why.is_absence() => {
                    return Err(LiveError::Feed { kind: rungs.kinds[at], why });
                }
                // That nobody runs watchman is nothing to speak of, and no reason to ask again; that
                // there is nothing yet to watch is one.
                Err(FeedError::Server(_) | FeedError::System(_)) if is_guest => best = at + 1,
                Err(why) if is_guest && why.is_absence() => {}
                Err(why) => {
                    let (from, to) = (rungs.kinds[at], rungs.kinds[at + 1]);
                    demotions.push(Demotion { from, to, why: why.to_string() });
                }
            }
            at += 1;
        };
        (self.at, self.best) = (at, best);
        if at > best {
            self.next = Some((Instant::now() + self.retry, self.retry));
        }
        Ok(begun)
    }

    /// The next feed below one that cannot go on.
    pub(crate) async fn descend(
        &mut self,
        error: FeedError,
        demotions: &mut Vec<Demotion>,
    ) -> Result<Begun, LiveError> {
        let rungs = Arc::clone(&self.rungs);
        let mut why = error;
        let wait = self.next.map_or(self.retry, |(_, wait)| (wait * 2).min(LONGEST));
        self.next = Some((Instant::now() + wait, wait));
        loop {
            let below = (self.at + 1).min(rungs.kinds.len() - 1);
            let (from, to) = (rungs.kinds[self.at], rungs.kinds[below]);
            demotions.push(Demotion { from, to, why: why.to_string() });
            let is_last = rungs.is_last(self.at);
            self.at = below;
            match rungs.rung(below, rungs.patience, None).await {
                Ok(begun) => return Ok(begun),
                Err(why) if is_last => return Err(LiveError::Feed { kind: to, why }),
                Err(error) => why = error,
            }
        }
    }

    /// Tries a better feed if it is time to, beside the one that there is.
    pub(crate) fn try_better(&mut self) {
        let Some((_, wait)) = self.next.filter(|(due, _)| *due <= Instant::now()) else { return };
        if self.at <= self.best || !self.climbing.is_empty() {
            return;
        }
        let wait = (wait * 2).min(LONGEST);
        self.next = Some((Instant::now() + wait, wait));
        let (rungs, better) = (Arc::clone(&self.rungs), self.best..self.at);
        self.climbing.spawn(async move {
            for at in better {
                if let Ok(begun) = rungs.rung(at, rungs.patience, None).await {
                    return Some(begun);
                }
            }
            None
        });
    }

    /// Waits for a better feed.
    pub(crate) async fn climbed(&mut self) -> Begun {
        loop {
            match self.climbing.join_next().await {
                Some(Ok(Some(begun))) if begun.at < self.at => {
                    self.at = begun.at;
                    return begun;
                }
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl Rungs {
    fn is_last(&self, at: usize) -> bool {
        at + 1 >= self.kinds.len()
    }

    /// Makes a feed and begins with it, unless that takes too long.
    async fn rung(
        &self,
        at: usize,
        patience: Duration,
        since: Option<&FeedClock>,
    ) -> Result<Begun, FeedError> {
        let begun = timeout(patience, self.begun(at, since)).await;
        let (feed, heard) = begun.unwrap_or(Err(FeedError::Silent(patience)))?;
        Ok(Begun { at, feed, heard })
    }

    async fn begun(
        &self,
        at: usize,
        since: Option<&FeedClock>,
    ) -> Result<(Box<dyn Feed>, Heard), FeedError> {
        let watched = self.watched.clone();
        if let (FeedKind::Watchman, Some(clock)) = (self.kinds[at], since) {
            let mut feed = WatchmanFeed::connect(watched, self.is_strict).await?;
            feed.begin(Some(clock)).await?;
            let (scopes, clock) = (Vec::new(), clock.clone());
            return Ok((Box::new(feed), Heard { scopes, clock, answer: Answer::Complete }));
        }
        let mut feed: Box<dyn Feed> = match self.kinds[at] {
            FeedKind::Watchman => Box::new(WatchmanFeed::connect(watched, self.is_strict).await?),
            #[cfg(target_os = "linux")]
            FeedKind::Inotify => Box::new(NativeFeed::inotify(watched)?),
            #[cfg(not(target_os = "linux"))]
            FeedKind::Inotify => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
            FeedKind::Notify => Box::new(NativeFeed::notify(watched)?),
            FeedKind::Poll => Box::new(PollFeed::between(watched, self.poll.0, self.poll.1)),
            FeedKind::Custom(_) => {
                self.custom.as_ref().ok_or(FeedError::NotSupplied)?.make(watched)?
            }
        };
        let heard = feed.next(None).await?;
        Ok((feed, heard))
    }
}
