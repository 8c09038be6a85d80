//! What the index keeps: metas, which are all that lists, queries and sums of usage need.

use std::sync::Arc;

use scrollback_core_id::{
    MessageId, MessageKey, OrderKey, PartId, ProjectId, SessionId, SessionKey, Stamp, UnixNanos,
};
use scrollback_core_type::{Cost, PartKind, Provenance, RecordedTotals, Role, TokenCounts, Usage};

use crate::Name;

/// How a file, a row or a set of them was when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObservedStamp {
    /// What it looked like.
    pub stamp: Stamp,
    /// Whether an equal stamp means that nothing changed. Not so for what was younger than the
    /// look, was in the middle of a write, or could not be read.
    pub clean: bool,
}

impl ObservedStamp {
    /// Whether something that looks like `now` need not be read again.
    pub fn is_unchanged(&self, now: &Stamp) -> bool {
        self.clean && self.stamp == *now
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMeta {
    /// Names it.
    pub id: ProjectId,
    /// The directory of its work tree.
    pub worktree: Option<Name>,
    /// The record when it was read.
    pub observed: ObservedStamp,
}

/// A session's own record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionMeta {
    /// Names it.
    pub key: SessionKey,
    /// Where it stands among all sessions: the newest has the greatest.
    pub order: OrderKey,
    /// The project that it belongs to, by its place, else by its record.
    pub project: Option<ProjectId>,
    /// The session that started it.
    pub parent: Option<SessionId>,
    /// The session that it is a fork of.
    pub forked_from: Option<SessionId>,
    /// The directory that the agent was started in.
    pub directory: Option<Name>,
    /// The title.
    pub title: Option<Box<str>>,
    /// The version of the program that made it.
    pub version: Option<Name>,
    /// Which store it is from, where this index is of several as one.
    pub origin: Option<Name>,
    /// The agent, the storage format it was read from, and what else there is of it.
    pub provenance: Provenance,
    /// What it used, where the record itself counts all of that: in 2.x. Else it is the sum of its
    /// messages.
    pub recorded_totals: Option<RecordedTotals>,
    /// When it was made, in Unix milliseconds.
    pub created: Option<i64>,
    /// When it last changed, in Unix milliseconds.
    pub updated: Option<i64>,
    /// When it was archived, in Unix milliseconds.
    pub archived: Option<i64>,
    /// Whether the record could not be parsed; only its key and its place are known then.
    pub damaged: bool,
    /// The record when it was read.
    pub observed: ObservedStamp,
}

impl SessionMeta {
    /// A session of which only the key is known.
    pub fn new(key: SessionKey) -> Self {
        Self {
            key,
            order: OrderKey::default(),
            project: None,
            parent: None,
            directory: None,
            title: None,
            version: None,
            forked_from: None,
            origin: None,
            provenance: Provenance::default(),
            recorded_totals: None,
            created: None,
            updated: None,
            archived: None,
            damaged: false,
            observed: ObservedStamp::default(),
        }
    }

    /// Whether a reader sees no difference between the two.
    pub(crate) fn is_visibly_equal(&self, other: &Self) -> bool {
        let visible = |meta: &Self| Self {
            observed: ObservedStamp { clean: true, ..meta.observed },
            ..meta.clone()
        };
        visible(self) == visible(other)
    }
}

/// What a refresh needs to know of a session and its messages. No reader sees a change of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshState {
    /// The set of its messages; none if there was none.
    pub message_set: Option<ObservedStamp>,
    /// When every file of it was last looked at.
    pub checked_at: UnixNanos,
    /// The newest change of any of them.
    pub newest_change: UnixNanos,
    /// How many of its messages are answers that have neither ended nor failed.
    pub unfinished_messages: u32,
    /// How many of its messages have to be read again, whatever their stamps say: their record, a part
    /// or the set of their parts is not clean.
    pub unclean_messages: u32,
    /// How many of its messages have parts that were not listed, or not looked at.
    pub unlisted_messages: u32,
    /// Whether something in it has to be read again, whatever its stamp says: it could not be
    /// read, or may have been in the middle of a write.
    pub unsettled: bool,
}

/// All that is known of a session, apart from its messages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionState {
    /// Its own record; none if there are messages and no record.
    pub record: Option<Arc<SessionMeta>>,
    /// What a refresh needs to know.
    pub refresh_state: RefreshState,
    /// How far its log was read, in the words of its Source; none if it is no log.
    pub resume: Option<Arc<[u8]>>,
}

impl RefreshState {
    /// Counts a message.
    pub fn add(&mut self, message: &MessageMeta) {
        let [unfinished, unclean, unlisted] = refresh_counts(message);
        self.unfinished_messages = self.unfinished_messages.saturating_add(unfinished);
        self.unclean_messages = self.unclean_messages.saturating_add(unclean);
        self.unlisted_messages = self.unlisted_messages.saturating_add(unlisted);
    }

    /// Does not count a message any more.
    pub fn remove(&mut self, message: &MessageMeta) {
        let [unfinished, unclean, unlisted] = refresh_counts(message);
        self.unfinished_messages = self.unfinished_messages.saturating_sub(unfinished);
        self.unclean_messages = self.unclean_messages.saturating_sub(unclean);
        self.unlisted_messages = self.unlisted_messages.saturating_sub(unlisted);
    }
}

/// Whether a message counts as unfinished, unclean and unlisted.
fn refresh_counts(message: &MessageMeta) -> [u32; 3] {
    let parts = || message.parts.iter().flat_map(|list| list.refs.iter());
    let part_sets = message.parts.iter().filter_map(|list| list.part_set);
    let observed = parts().filter_map(|part| part.observed);
    let is_clean =
        message.observed.clean && part_sets.chain(observed).all(|observed| observed.clean);
    let is_listed = message.parts.is_some() && parts().all(|part| part.observed.is_some());
    [message.is_unfinished(), !is_clean, !is_listed].map(u32::from)
}

impl SessionState {
    /// A record, of which nothing is known that a refresh would need.
    pub fn with_record(record: SessionMeta) -> Self {
        Self { record: Some(Arc::new(record)), ..Self::default() }
    }
}

/// A message's own record.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageMeta {
    /// Names it.
    pub key: MessageKey,
    /// Where it stands in its session.
    pub order: OrderKey,
    /// Whether it is a copy of a message of another session. What it used counts there.
    pub is_copy: bool,
    /// Who speaks.
    pub role: Role,
    /// When it was made, in Unix milliseconds.
    pub created: Option<i64>,
    /// When an answer was finished, in Unix milliseconds.
    pub completed: Option<i64>,
    /// The user message that an answer answers.
    pub parent: Option<MessageId>,
    /// The agent.
    pub agent: Option<Name>,
    /// The provider: asked for, or that answered.
    pub provider: Option<Name>,
    /// The model: asked for, or that answered.
    pub model: Option<Name>,
    /// Tokens of an answer.
    pub tokens: Option<TokenCounts>,
    /// Cost of an answer.
    pub cost: Option<Cost>,
    /// Why the model stopped.
    pub finish: Option<Name>,
    /// The name of the error that ended an answer.
    pub error: Option<Name>,
    /// Whether an answer is the summary of a compaction.
    pub summary: bool,
    /// Whether the record could not be parsed; only its key and order are known then.
    pub damaged: bool,
    /// The record when it was read.
    pub observed: ObservedStamp,
    /// Its parts, once they were listed.
    pub parts: Option<PartList>,
}

impl MessageMeta {
    /// Whether it is an answer that has neither ended nor failed: it is being written, or the
    /// program died.
    pub fn is_unfinished(&self) -> bool {
        self.role == Role::Assistant && self.completed.is_none() && self.error.is_none()
    }

    /// What it used.
    pub fn usage(&self) -> Usage {
        Usage::of_message(self.role, self.is_copy, self.tokens, self.cost)
    }

    /// Whether a reader sees no difference between the two.
    pub(crate) fn is_visibly_equal(&self, other: &Self) -> bool {
        let visible = |meta: &Self| Self {
            observed: ObservedStamp { clean: true, ..meta.observed },
            parts: meta.parts.as_ref().map(PartList::visible_value),
            ..meta.clone()
        };
        visible(self) == visible(other)
    }
}

/// The parts of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartList {
    /// The set of them when it was listed; none if there was none.
    pub part_set: Option<ObservedStamp>,
    /// The parts, in order.
    pub refs: Arc<[PartRef]>,
}

impl PartList {
    fn visible_value(&self) -> Self {
        let visible = |part: &PartRef| PartRef {
            observed: part.observed.map(|observed| ObservedStamp { clean: true, ..observed }),
            ..part.clone()
        };
        Self { part_set: None, refs: self.refs.iter().map(visible).collect() }
    }
}

/// A part, as its message keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRef {
    /// Names it within its message.
    pub id: PartId,
    /// Its kind, once it was read.
    pub kind: Option<PartKind>,
    /// The record, once it was looked at.
    pub observed: Option<ObservedStamp>,
    /// The number of its last change.
    pub(crate) last_change: u64,
}

impl PartRef {
    /// A part of which only the name is known.
    pub fn from_id(id: PartId) -> Self {
        Self { id, kind: None, observed: None, last_change: 0 }
    }

    /// A part whose file was looked at and not read.
    pub fn from_observed(id: PartId, observed: ObservedStamp) -> Self {
        Self { observed: Some(observed), ..Self::from_id(id) }
    }

    /// The same as it was told of as `known`: nothing was read since, or the same bytes.
    #[must_use]
    pub fn with_last_change_of(self, known: &Self) -> Self {
        Self { last_change: known.last_change, ..self }
    }

    /// The number of its last change: it is new to whoever has seen less.
    pub fn last_change(&self) -> scrollback_core_id::Revision {
        scrollback_core_id::Revision(self.last_change)
    }
}
