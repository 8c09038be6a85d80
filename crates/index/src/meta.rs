//! The values that the index keeps. They hold all fields that lists, queries and sums of usage need,
//! and what a refresh compares with the store.

use std::sync::Arc;

use scrollback_core_id::{
    MessageId, MessageKey, OrderKey, PartId, ProjectId, SessionId, SessionKey, Stamp, UnixNanos,
};
use scrollback_core_type::{
    Cost, PartKind, Provenance, RecordedTotals, Role, StepTotals, TokenCounts, Usage, UsageSum,
};

use crate::Name;

/// The stamp of a file, a row or a set of them, as it was last observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObservedStamp {
    /// The stamp.
    pub stamp: Stamp,
    /// Whether an equal stamp means that the content is unchanged. False if the content could have
    /// changed after the observation without a new stamp, because it was too young or in the middle
    /// of a write, or if it could not be read.
    pub clean: bool,
}

impl ObservedStamp {
    /// Checks whether content with the stamp `now` is unchanged, so that it need not be read again.
    pub fn is_unchanged(&self, now: &Stamp) -> bool {
        self.clean && self.stamp == *now
    }
}

/// A project, as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMeta {
    /// The id.
    pub id: ProjectId,
    /// The directory of its work tree.
    pub worktree: Option<Name>,
    /// The stamp of the record when it was read.
    pub observed: ObservedStamp,
}

/// A session's own record, as the index keeps it.
///
/// ```
/// use scrollback_core_id::{SessionId, SessionKey};
/// use scrollback_index::SessionMeta;
///
/// let key = SessionKey::from(SessionId::new("ses_1")?);
/// let record = SessionMeta { title: Some("Fix the build".into()), ..SessionMeta::new(key) };
/// assert_eq!(record.title.as_deref(), Some("Fix the build"));
/// # Ok::<(), scrollback_core_id::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionMeta {
    /// The key.
    pub key: SessionKey,
    /// The place among all sessions. The newest session has the greatest key.
    pub order: OrderKey,
    /// The project of the session: the one that its place in the store names, else its record.
    pub project: Option<ProjectId>,
    /// The session that started this session.
    pub parent: Option<SessionId>,
    /// The session that this session is a fork of.
    pub forked_from: Option<SessionId>,
    /// The directory that the agent was started in.
    pub directory: Option<Name>,
    /// The title.
    pub title: Option<Box<str>>,
    /// The version of the program that created the session.
    pub version: Option<Name>,
    /// The store of the session, if this index merges several stores.
    pub origin: Option<Name>,
    /// The agent, the storage format that was read, and the other copies of the session.
    pub provenance: Provenance,
    /// The totals in the session's record, if they are exact. The session never counts less.
    /// Otherwise the usage is the sum of its messages.
    pub recorded_totals: Option<RecordedTotals>,
    /// The creation time, in Unix milliseconds.
    pub created: Option<i64>,
    /// The time of the last change, in Unix milliseconds.
    pub updated: Option<i64>,
    /// The time when the session was archived, in Unix milliseconds.
    pub archived: Option<i64>,
    /// Whether the record could not be parsed. Only the key and the fields that come from its place in
    /// the store are set then.
    pub damaged: bool,
    /// The issues of single fields of the record, in the encoding of the caller; `None` if there are none.
    pub issues: Option<Name>,
    /// The stamp of the record when it was read.
    pub observed: ObservedStamp,
}

impl SessionMeta {
    /// Returns a session with a key and no other field.
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
            issues: None,
            observed: ObservedStamp::default(),
        }
    }

    /// Checks whether two values are equal for readers. Ignores what only a refresh uses.
    pub(crate) fn is_visibly_equal(&self, other: &Self) -> bool {
        let visible = |meta: &Self| Self {
            observed: ObservedStamp { clean: true, ..meta.observed },
            ..meta.clone()
        };
        visible(self) == visible(other)
    }
}

/// The state that a refresh of a session and its messages needs. Readers and followers do not see
/// changes of this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshState {
    /// The stamp of the set of messages; `None` if the store had no such set.
    pub message_set: Option<ObservedStamp>,
    /// The time when every file of the session was last checked.
    pub checked_at: UnixNanos,
    /// The time of the newest change of any of these files.
    pub newest_change: UnixNanos,
    /// The number of messages that are answers and have neither ended nor failed.
    pub unfinished_messages: u32,
    /// The number of messages that must be read again even if their stamps are equal: the record, a
    /// part or the set of parts is not clean.
    pub unclean_messages: u32,
    /// The number of messages with parts that were not listed or have no stamp yet.
    pub unlisted_messages: u32,
    /// The number of messages with issues of single fields.
    pub messages_with_issues: u32,
    /// Whether some content must be read again even if its stamp is equal, because it could not be
    /// read or may have been in the middle of a write.
    pub unsettled: bool,
}

/// A session without its messages: its record, and the state that a refresh needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionState {
    /// The session's own record; `None` if the store has messages of the session and no record.
    pub record: Option<Arc<SessionMeta>>,
    /// The state that a refresh needs.
    pub refresh_state: RefreshState,
    /// The position up to which the session's log was read, in the Source's own encoding; `None` if
    /// the session is not stored as a log.
    pub resume: Option<Arc<[u8]>>,
}

impl RefreshState {
    /// Adds a message to the counts.
    pub fn add(&mut self, message: &MessageMeta) {
        let [unfinished, unclean, unlisted, with_issues] = refresh_counts(message);
        self.unfinished_messages = self.unfinished_messages.saturating_add(unfinished);
        self.unclean_messages = self.unclean_messages.saturating_add(unclean);
        self.unlisted_messages = self.unlisted_messages.saturating_add(unlisted);
        self.messages_with_issues = self.messages_with_issues.saturating_add(with_issues);
    }

    /// Removes a message from the counts.
    pub fn remove(&mut self, message: &MessageMeta) {
        let [unfinished, unclean, unlisted, with_issues] = refresh_counts(message);
        self.unfinished_messages = self.unfinished_messages.saturating_sub(unfinished);
        self.unclean_messages = self.unclean_messages.saturating_sub(unclean);
        self.unlisted_messages = self.unlisted_messages.saturating_sub(unlisted);
        self.messages_with_issues = self.messages_with_issues.saturating_sub(with_issues);
    }
}

/// Returns how much a message adds to the counts of messages that are unfinished, unclean, unlisted or
/// have issues.
fn refresh_counts(message: &MessageMeta) -> [u32; 4] {
    let parts = || message.parts.iter().flat_map(|list| list.refs.iter());
    let part_sets = message.parts.iter().filter_map(|list| list.part_set);
    let observed = parts().filter_map(|part| part.observed);
    let is_clean =
        message.observed.clean && part_sets.chain(observed).all(|observed| observed.clean);
    let is_listed = message.parts.is_some() && parts().all(|part| part.observed.is_some());
    [message.is_unfinished(), !is_clean, !is_listed, message.issues.is_some()].map(u32::from)
}

impl SessionState {
    /// Returns a state with this record and an empty refresh state.
    pub fn with_record(record: SessionMeta) -> Self {
        Self { record: Some(Arc::new(record)), ..Self::default() }
    }
}

/// A message's own record and its parts, as the index keeps them.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageMeta {
    /// The key.
    pub key: MessageKey,
    /// The place in the session.
    pub order: OrderKey,
    /// Whether the message is a copy from another session. Its usage counts in that session only.
    pub is_copy: bool,
    /// Whether the message is a copy that the totals in the session's record include.
    pub is_recorded_copy: bool,
    /// The role of the author.
    pub role: Role,
    /// The creation time, in Unix milliseconds.
    pub created: Option<i64>,
    /// The time when an answer was finished, in Unix milliseconds.
    pub completed: Option<i64>,
    /// The user message that an answer belongs to.
    pub parent: Option<MessageId>,
    /// The agent.
    pub agent: Option<Name>,
    /// The provider: requested in a user message, used in an answer.
    pub provider: Option<Name>,
    /// The model: requested in a user message, used in an answer.
    pub model: Option<Name>,
    /// The tokens of an answer.
    pub tokens: Option<TokenCounts>,
    /// The cost of an answer.
    pub cost: Option<Cost>,
    /// The sum of the steps of an answer, if it was read and differs from `tokens` and `cost`.
    pub steps: Option<Box<StepTotals>>,
    /// The reason why the model stopped.
    pub finish: Option<Name>,
    /// The name of the error that ended an answer.
    pub error: Option<Name>,
    /// Whether an answer is the summary of a compaction.
    pub summary: bool,
    /// Whether the record could not be parsed. Only its key and order are set then.
    pub damaged: bool,
    /// The issues of single fields of the record, in the encoding of the caller; `None` if there are none.
    pub issues: Option<Name>,
    /// The stamp of the record when it was read.
    pub observed: ObservedStamp,
    /// The parts; `None` until they are listed.
    pub parts: Option<PartList>,
}

impl MessageMeta {
    /// Checks whether the message is an answer that has neither ended nor failed. The agent is still
    /// writing it, or died.
    pub fn is_unfinished(&self) -> bool {
        self.role == Role::Assistant && self.completed.is_none() && self.error.is_none()
    }

    /// Returns the usage of the message.
    pub fn usage(&self) -> Usage {
        let steps = self.steps.as_deref();
        Usage::of_message(self.role, self.is_copy, self.tokens, self.cost, steps)
    }

    /// Returns what the message adds to the totals in its session's record, if these count its steps
    /// exactly.
    pub fn recorded_steps(&self) -> StepTotals {
        let own = StepTotals {
            tokens: self.tokens.unwrap_or_default(),
            cost: self.cost.unwrap_or_default(),
        };
        self.steps.as_deref().copied().unwrap_or(own)
    }

    /// Returns a sum with this message only.
    pub(crate) fn usage_sum(&self) -> UsageSum {
        let recorded_copies = self.is_recorded_copy.into();
        let mut sum = UsageSum { recorded_copies, ..UsageSum::default() };
        sum.add(&self.usage());
        sum
    }

    /// Checks whether two values are equal for readers. Ignores what only a refresh uses.
    pub(crate) fn is_visibly_equal(&self, other: &Self) -> bool {
        let visible = |meta: &Self| Self {
            observed: ObservedStamp { clean: true, ..meta.observed },
            parts: meta.parts.as_ref().map(PartList::visible_value),
            ..meta.clone()
        };
        visible(self) == visible(other)
    }
}

/// The fields of a message that take almost no time to decode.
#[derive(Debug, Clone, Copy)]
pub struct MessageOutline<'a> {
    /// The id of the message.
    pub id: &'a [u8],
    /// The role of the author.
    pub role: Role,
    /// The creation time in Unix milliseconds.
    pub created: Option<i64>,
}

impl<'a> MessageOutline<'a> {
    pub(crate) fn from_meta(id: &'a MessageId, meta: &MessageMeta) -> Self {
        Self { id: id.as_bytes(), role: meta.role, created: meta.created }
    }
}

/// The list of a message's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartList {
    /// The stamp of the set of parts when it was listed; `None` if the store had no such set.
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

/// A part, as the index keeps it in its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRef {
    /// The id, unique within the message.
    pub id: PartId,
    /// The kind; `None` until the part is read.
    pub kind: Option<PartKind>,
    /// The stamp of the record; `None` until it is observed.
    pub observed: Option<ObservedStamp>,
    /// The number of the last change.
    pub(crate) last_change: u64,
}

impl PartRef {
    /// Returns a part with an id and no other field.
    pub fn from_id(id: PartId) -> Self {
        Self { id, kind: None, observed: None, last_change: 0 }
    }

    /// Returns a part whose record was observed and not read.
    pub fn from_observed(id: PartId, observed: ObservedStamp) -> Self {
        Self { observed: Some(observed), ..Self::from_id(id) }
    }

    /// Returns this part with the last change of `known`. Call it when the content is the same as that
    /// of `known`: nothing was read since, or the same bytes.
    #[must_use]
    pub fn with_last_change_of(self, known: &Self) -> Self {
        Self { last_change: known.last_change, ..self }
    }

    /// Returns the number of the last change. The part is new to a follower with a smaller revision.
    pub fn last_change(&self) -> scrollback_core_id::Revision {
        scrollback_core_id::Revision(self.last_change)
    }
}
