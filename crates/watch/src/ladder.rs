//! Feeds, the best first: down when one cannot go on, and up again once it can.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::feed::{
    Answer, Feed, FeedClock, FeedError, FeedKind, Heard, NativeFeed, PollFeed, Watched,
    WatchmanFeed,
};
use crate::live::{FeedChoice, LiveError, LiveOptions};
use crate::stats::Demotion;

/// Feeds, the best first.
pub(crate) struct Ladder {
    watched: Watched,
    rungs: Vec<FeedKind>,
    poll: (Duration, Duration),
    /// Whether the first rung has to hold at the beginning.
    is_strict: bool,
    /// Where a server was when all that it had said was looked at, for the first feed that is one.
    since: Option<FeedClock>,
    at: usize,
    /// The best one that ever began.
    best: usize,
    /// How long a feed may take to begin.
    patience: Duration,
    /// How long a feed that could not go on is left alone, at first.
    retry: Duration,
    /// When a better one is tried, and how long it was waited for.
    next: Option<(Instant, Duration)>,
}

/// How long it waits at most before it tries a better feed again.
const LONGEST: Duration = Duration::from_secs(600);

impl Ladder {
    pub(crate) fn new(watched: Watched, options: &LiveOptions) -> Self {
        let rungs = match options.feed {
            FeedChoice::Best if cfg!(target_os = "linux") => {
                vec![FeedKind::Watchman, FeedKind::Inotify, FeedKind::Poll]
            }
            FeedChoice::Best => vec![FeedKind::Watchman, FeedKind::Notify, FeedKind::Poll],
            FeedChoice::Only(FeedKind::Poll) => vec![FeedKind::Poll],
            FeedChoice::Only(kind) => vec![kind, FeedKind::Poll],
        };
        let is_strict = options.feed != FeedChoice::Best;
        let since = options.since.clone().filter(WatchmanFeed::remembers);
        Self {
            watched,
            rungs,
            poll: options.poll,
            is_strict,
            since,
            patience: options.patience,
            retry: options.retry,
            at: 0,
            best: 0,
            next: None,
        }
    }

    /// The best feed that begins.
    pub(crate) async fn begin(
        &mut self,
        demotions: &mut Vec<Demotion>,
    ) -> Result<(Box<dyn Feed>, Heard), LiveError> {
        let begun = self.first_from(0, demotions).await;
        self.since = None;
        self.best = self.at;
        // That nobody runs watchman is nothing to speak of.
        demotions.retain(|demotion| demotion.from != FeedKind::Watchman || self.is_strict);
        begun
    }

    /// The next feed below one that cannot go on.
    pub(crate) async fn descend(
        &mut self,
        from: FeedKind,
        error: FeedError,
        demotions: &mut Vec<Demotion>,
    ) -> Result<(Box<dyn Feed>, Heard), LiveError> {
        let below = (self.at + 1).min(self.rungs.len() - 1);
        let why = error.to_string();
        let begun = self.first_from(below, demotions).await;
        demotions.insert(0, Demotion { from, to: self.rungs[self.at], why });
        let wait = self.next.map_or(self.retry, |(_, wait)| (wait * 2).min(LONGEST));
        self.next = Some((Instant::now() + wait, wait));
        begun
    }

    /// A better feed, if it is time to try, and one begins.
    pub(crate) async fn climb(&mut self) -> Option<(Box<dyn Feed>, Heard)> {
        let (due, wait) = self.next.filter(|_| self.at > self.best)?;
        if Instant::now() < due {
            return None;
        }
        for at in self.best..self.at {
            if let Ok(begun) = self.rung(at).await {
                self.at = at;
                return Some(begun);
            }
        }
        let wait = (wait * 2).min(LONGEST);
        self.next = Some((Instant::now() + wait, wait));
        None
    }

    async fn first_from(
        &mut self,
        from: usize,
        demotions: &mut Vec<Demotion>,
    ) -> Result<(Box<dyn Feed>, Heard), LiveError> {
        let mut at = from;
        loop {
            match self.rung(at).await {
                Ok(begun) => {
                    self.at = at;
                    return Ok(begun);
                }
                Err(why) if self.is_strict || at + 1 == self.rungs.len() => {
                    return Err(LiveError::Feed { kind: self.rungs[at], why });
                }
                Err(why) => {
                    let (from, to) = (self.rungs[at], self.rungs[at + 1]);
                    demotions.push(Demotion { from, to, why: why.to_string() });
                    at += 1;
                }
            }
        }
    }

    /// Makes a feed and begins with it, unless that takes too long.
    async fn rung(&self, at: usize) -> Result<(Box<dyn Feed>, Heard), FeedError> {
        let begun = timeout(self.patience, self.begun(at)).await;
        begun.unwrap_or_else(|_| Err(FeedError::Silent(self.patience)))
    }

    async fn begun(&self, at: usize) -> Result<(Box<dyn Feed>, Heard), FeedError> {
        let watched = self.watched.clone();
        if let (FeedKind::Watchman, Some(clock)) = (self.rungs[at], self.since.clone()) {
            let mut feed = WatchmanFeed::connect(watched, self.is_strict).await?;
            feed.begin(Some(&clock)).await?;
            let heard = Heard { scopes: Vec::new(), clock, answer: Answer::Complete };
            return Ok((Box::new(feed), heard));
        }
        let mut feed: Box<dyn Feed> = match self.rungs[at] {
            FeedKind::Watchman => Box::new(WatchmanFeed::connect(watched, self.is_strict).await?),
            #[cfg(target_os = "linux")]
            FeedKind::Inotify => Box::new(NativeFeed::inotify(watched)?),
            FeedKind::Poll => Box::new(PollFeed::between(watched, self.poll.0, self.poll.1)),
            _ => Box::new(NativeFeed::notify(watched)?),
        };
        let heard = feed.next(None).await?;
        Ok((feed, heard))
    }
}
