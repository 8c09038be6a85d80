//! A feed that looks, again and again: more often while something happens.

use std::time::Duration;

use scrollback_source::{DirtyScope, Probe, SourceToken};
use tokio::time::{self, Instant};

use super::clock::{FeedClock, life};
use super::contract::{Answer, Feed, FeedStats, Heard, Hearing};
use super::kind::FeedKind;
use super::watched::Watched;

/// Follows a store without any watch. It says that records may have changed, at intervals, unless
/// the store itself knows better; whoever looks then compares stamps.
#[derive(Debug)]
pub struct PollFeed {
    watched: Watched,
    shortest: Duration,
    longest: Duration,
    /// How long it waits before it says something the next time.
    interval: Duration,
    /// When it looks next, however often whoever waits for that is interrupted.
    due: Option<Instant>,
    /// What the store was like when all that was said of it had been looked at.
    token: Option<SourceToken>,
    /// The number of the last answer, and what the store was like then.
    said: (u64, Option<SourceToken>),
    /// Names this feed among all, so that another's clock is none of its own.
    life: String,
    has_begun: bool,
    stats: FeedStats,
}

impl PollFeed {
    /// A feed that waits so long while something happens, and while nothing does: a tenth of a second
    /// and a second are usual.
    pub fn between(watched: Watched, shortest: Duration, longest: Duration) -> Self {
        Self {
            watched,
            shortest,
            longest,
            interval: shortest,
            due: None,
            token: None,
            said: (0, None),
            life: life(),
            has_begun: false,
            stats: FeedStats::default(),
        }
    }

    fn say(&mut self, scopes: Vec<DirtyScope>, answer: Answer) -> Heard {
        self.said.0 += 1;
        Heard { scopes, clock: self.clock(), answer }
    }

    /// The clock of the last answer.
    fn clock(&self) -> FeedClock {
        FeedClock(format!("{}{}", self.life, self.said.0).into())
    }

    /// What may have changed, by what the store says.
    fn look(&mut self) -> Vec<DirtyScope> {
        let Ok(probed) = self.watched.source.probe(self.token.as_ref()) else {
            self.said.1 = None;
            return vec![DirtyScope::Records]; // whoever looks says what is wrong
        };
        match probed.probe {
            Probe::Unchanged => {
                self.token = probed.token;
                Vec::new()
            }
            _ => {
                self.said.1 = probed.token;
                vec![DirtyScope::Records]
            }
        }
    }

    fn longer(&mut self) {
        self.interval = (self.interval * 3 / 2).min(self.longest);
    }
}

impl Feed for PollFeed {
    fn kind(&self) -> FeedKind {
        FeedKind::Poll
    }

    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> Hearing<'f> {
        Box::pin(async move {
            let is_own = |clock: &FeedClock| self.has_begun && clock.0.starts_with(&self.life);
            if !clock.is_some_and(is_own) {
                self.has_begun = true;
                (self.token, self.said.1) = (None, None);
                self.stats.rescans += 1;
                return Ok(self.say(vec![DirtyScope::Store], Answer::Rescan));
            }
            if clock == Some(&self.clock()) {
                self.token.clone_from(&self.said.1);
            }
            loop {
                let due = *self.due.get_or_insert_with(|| Instant::now() + self.interval);
                time::sleep_until(due).await;
                self.due = None;
                let scopes = self.look();
                self.stats.events += 1;
                if !scopes.is_empty() {
                    return Ok(self.say(scopes, Answer::Complete));
                }
                self.longer();
            }
        })
    }

    fn found(&mut self, anything: bool) {
        match anything {
            true => self.interval = self.shortest,
            false => self.longer(),
        }
    }

    fn stats(&self) -> FeedStats {
        self.stats
    }
}
