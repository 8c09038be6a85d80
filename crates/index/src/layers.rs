//! The two layers of an index: a base that never changes, and an overlay with the changes since. A
//! version in the overlay hides the row of the base. When the overlay has grown, `rebase` merges both
//! into the base of new layers; views that were taken before keep the old layers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, ProjectId, Revision, SessionId, SessionKey,
};
use scrollback_core_type::{RecordedTotals, UsageSum};

use crate::snapshot::Snapshot;
use crate::sorted_runs::SortedRuns;
use crate::sync::{ConcurrentMap, Mutex, lock};
use crate::version_chain::{Version, VersionChain};
use crate::{MessageMeta, ObservedStamp, ProjectMeta, RefreshState, SessionState};

/// A base and its overlay.
pub(crate) struct Layers {
    pub(crate) base: Option<Snapshot>,
    pub(crate) projects: ConcurrentMap<ProjectId, VersionChain<ProjectMeta>>,
    pub(crate) sessions: ConcurrentMap<SessionId, VersionChain<SessionState>>,
    pub(crate) messages: ConcurrentMap<MessageKey, VersionChain<MessageMeta>>,
    /// The usage of all messages of a session, for each session with a changed message. The versions
    /// have no change number: followers see the changes of the messages instead.
    pub(crate) usage: ConcurrentMap<SessionId, VersionChain<UsageSum>>,
    /// The messages of a session that may be in the overlay. The sets only grow, so they are hints:
    /// the version chain of a key decides what a revision shows.
    pub(crate) session_messages: ConcurrentMap<SessionId, SortedRuns<MessageId>>,
    /// The sessions that the overlay may have a message in. These sets are hints, too.
    message_sessions: ConcurrentMap<MessageId, SortedRuns<SessionId>>,
    /// The change number and key of every change since the base, in order. Entries of replaced
    /// versions stay until they are half of the log.
    log: Mutex<Vec<(u64, EntityKey)>>,
    /// Whether a session of the base has a recorded copy. Counted once.
    base_has_recorded_copies: OnceLock<bool>,
    /// Whether the overlay ever had a recorded copy.
    overlay_has_recorded_copies: AtomicBool,
}

/// The place of a key's value.
pub(crate) enum ValueLocation<V> {
    /// In the overlay. The key was removed if the version has no value.
    Overlay(Version<V>),
    /// In this row of the base.
    Base(u32),
}

impl<V> ValueLocation<V> {
    fn is_removed(&self) -> bool {
        matches!(self, Self::Overlay(Version { value: None, .. }))
    }
}

impl Layers {
    pub(crate) fn new(base: Option<Snapshot>) -> Self {
        Self {
            base,
            projects: ConcurrentMap::new(),
            sessions: ConcurrentMap::new(),
            messages: ConcurrentMap::new(),
            usage: ConcurrentMap::new(),
            session_messages: ConcurrentMap::new(),
            message_sessions: ConcurrentMap::new(),
            log: Mutex::new(Vec::new()),
            base_has_recorded_copies: OnceLock::new(),
            overlay_has_recorded_copies: AtomicBool::new(false),
        }
    }

    /// Returns the revision from which on all removals are known.
    pub(crate) fn floor(&self) -> Revision {
        self.base.as_ref().map_or(Revision(0), |base| base.info().floor)
    }

    /// Returns the number of keys in the overlay.
    pub(crate) fn overlay_len(&self) -> usize {
        self.projects.len() + self.sessions.len() + self.messages.len()
    }

    /// Returns the number of projects, sessions and messages in the base.
    pub(crate) fn base_len(&self) -> usize {
        self.base.as_ref().map_or(0, |base| {
            (base.project_count() + base.session_count()) as usize + base.message_count() as usize
        })
    }

    // Locations of values, at the revision `at`

    pub(crate) fn project(&self, id: &ProjectId, at: u64) -> Option<ValueLocation<ProjectMeta>> {
        let cell = self.projects.get(id);
        let version = cell.as_ref().and_then(|cell| cell.visible_at(at));
        let base = || self.base.as_ref()?.find_project(id);
        version.cloned().map(ValueLocation::Overlay).or_else(|| base().map(ValueLocation::Base))
    }

    pub(crate) fn session(&self, id: &SessionId, at: u64) -> Option<ValueLocation<SessionState>> {
        let cell = self.sessions.get(id);
        let version = cell.as_ref().and_then(|cell| cell.visible_at(at));
        let base = || self.base.as_ref()?.find_session(id);
        version.cloned().map(ValueLocation::Overlay).or_else(|| base().map(ValueLocation::Base))
    }

    pub(crate) fn message(&self, key: &MessageKey, at: u64) -> Option<ValueLocation<MessageMeta>> {
        let cell = self.messages.get(key);
        let version = cell.as_ref().and_then(|cell| cell.visible_at(at));
        let base = || self.base.as_ref()?.find_message(key);
        version.cloned().map(ValueLocation::Overlay).or_else(|| base().map(ValueLocation::Base))
    }

    // Values by location

    pub(crate) fn project_value(
        &self,
        location: ValueLocation<ProjectMeta>,
    ) -> Option<Arc<ProjectMeta>> {
        match location {
            ValueLocation::Overlay(version) => version.value,
            ValueLocation::Base(row) => self.base.as_ref()?.project(row).map(Arc::new),
        }
    }

    pub(crate) fn session_value(
        &self,
        location: ValueLocation<SessionState>,
    ) -> Option<Arc<SessionState>> {
        match location {
            ValueLocation::Overlay(version) => version.value,
            ValueLocation::Base(row) => Some(Arc::new(self.base.as_ref()?.session_state(row))),
        }
    }

    pub(crate) fn message_value(
        &self,
        location: ValueLocation<MessageMeta>,
    ) -> Option<Arc<MessageMeta>> {
        match location {
            ValueLocation::Overlay(version) => version.value,
            ValueLocation::Base(row) => self.base.as_ref()?.message(row).map(Arc::new),
        }
    }

    /// Returns the number of the last change of a value.
    pub(crate) fn project_sequence(&self, location: &ValueLocation<ProjectMeta>) -> u64 {
        match (location, &self.base) {
            (ValueLocation::Overlay(version), _) => version.sequence,
            (ValueLocation::Base(row), Some(base)) => base.project_sequence(*row),
            _ => 0,
        }
    }

    pub(crate) fn session_sequence(&self, location: &ValueLocation<SessionState>) -> u64 {
        match (location, &self.base) {
            (ValueLocation::Overlay(version), _) => version.sequence,
            (ValueLocation::Base(row), Some(base)) => base.session_sequence(*row),
            _ => 0,
        }
    }

    pub(crate) fn message_sequence(&self, location: &ValueLocation<MessageMeta>) -> u64 {
        match (location, &self.base) {
            (ValueLocation::Overlay(version), _) => version.sequence,
            (ValueLocation::Base(row), Some(base)) => base.message_sequence(*row),
            _ => 0,
        }
    }

    /// Returns the usage of all messages of a session.
    pub(crate) fn usage_of_messages(&self, id: &SessionId, at: u64) -> UsageSum {
        let cell = self.usage.get(id);
        if let Some(Version { value: Some(sum), .. }) =
            cell.as_ref().and_then(|cell| cell.visible_at(at))
        {
            return **sum;
        }
        let base =
            || self.base.as_ref().and_then(|base| Some(base.session_usage(base.find_session(id)?)));
        base().unwrap_or_default()
    }

    /// Notes whether the overlay gets a session with a recorded copy.
    pub(crate) fn note_recorded_copies(&self, sum: &UsageSum) {
        if sum.recorded_copies > 0 {
            self.overlay_has_recorded_copies.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn may_have_recorded_copies(&self) -> bool {
        let in_base = || {
            self.base.as_ref().is_some_and(|base| {
                (0..base.session_count()).any(|row| base.session_usage(row).recorded_copies > 0)
            })
        };
        self.overlay_has_recorded_copies.load(Ordering::Relaxed)
            || *self.base_has_recorded_copies.get_or_init(in_base)
    }

    /// Returns the totals in a session's record, if it has any.
    pub(crate) fn recorded_totals(&self, id: &SessionId, at: u64) -> Option<RecordedTotals> {
        match self.session(id, at)? {
            ValueLocation::Overlay(version) => version.value?.record.as_ref()?.recorded_totals,
            ValueLocation::Base(row) => self.base.as_ref()?.recorded_totals(row),
        }
    }

    /// Returns the order key of a session; `None` if the session has no record.
    pub(crate) fn session_order(&self, id: &SessionId, at: u64) -> Option<OrderKey> {
        match self.session(id, at)? {
            ValueLocation::Overlay(version) => Some(version.value?.record.as_ref()?.order),
            ValueLocation::Base(row) => self.base.as_ref()?.session_order(row),
        }
    }

    pub(crate) fn refresh_state_value(
        &self,
        location: &ValueLocation<SessionState>,
    ) -> Option<(Option<ObservedStamp>, RefreshState)> {
        match location {
            ValueLocation::Overlay(version) => {
                let state = version.value.as_ref()?;
                Some((state.record.as_ref().map(|record| record.observed), state.refresh_state))
            }
            ValueLocation::Base(row) => {
                let base = self.base.as_ref()?;
                Some((base.session_observed(*row), base.refresh_state(*row)))
            }
        }
    }

    // Sets of keys

    pub(crate) fn project_ids(&self, at: u64) -> Vec<ProjectId> {
        let mut ids = Vec::new();
        self.projects.for_each(|id, _| ids.push(id.clone()));
        if let Some(base) = &self.base {
            ids.extend((0..base.project_count()).filter_map(|row| Some(base.project(row)?.id)));
        }
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| self.project(id, at).is_some_and(|location| !location.is_removed()));
        ids
    }

    /// Returns the sessions of the overlay that a revision shows, with or without records.
    pub(crate) fn overlay_sessions(&self, at: u64) -> Vec<(SessionId, Arc<SessionState>)> {
        let mut sessions = Vec::new();
        self.sessions.for_each(|id, cell| {
            if let Some(Version { value: Some(state), .. }) = cell.visible_at(at) {
                sessions.push((id.clone(), Arc::clone(state)));
            }
        });
        sessions
    }

    /// Checks whether a revision shows the overlay's version of a session instead of the base's row.
    pub(crate) fn hides_session(&self, id: &SessionId, at: u64) -> bool {
        self.sessions.len() > 0
            && self.sessions.get(id).is_some_and(|cell| cell.visible_at(at).is_some())
    }

    /// Returns the messages of a session that a revision shows, in order. Merges the rows of the base
    /// with the versions of the overlay.
    pub(crate) fn messages_of(
        &self,
        session: &SessionId,
        at: u64,
    ) -> Vec<ValueLocation<MessageMeta>> {
        let rows = self.base.as_ref().and_then(|base| {
            let row = base.find_session(session)?;
            Some((base, base.messages_of(row)))
        });
        let Some(members) = self.session_messages.get(session) else {
            // No message of this session is in the overlay: the rows are in order already.
            return rows.map_or_else(Vec::new, |(_, rows)| rows.map(ValueLocation::Base).collect());
        };
        let key = |id: &MessageId| MessageKey { session: session.clone(), message: id.clone() };
        let mut messages: Vec<(OrderKey, MessageId, ValueLocation<MessageMeta>)> = Vec::new();
        for id in members.iter() {
            if let Some(cell) = self.messages.get(&key(id))
                && let Some(version) = cell.visible_at(at)
                && let Some(meta) = &version.value
            {
                messages.push((meta.order, id.clone(), ValueLocation::Overlay(version.clone())));
            }
        }
        if let Some((base, rows)) = rows {
            for row in rows {
                let Some(id) = base.message_id(row) else { continue };
                // `members` is a hint: a version may be later than `at`, and then the row still shows.
                let hidden = members.contains(&id)
                    && self
                        .messages
                        .get(&key(&id))
                        .is_some_and(|cell| cell.visible_at(at).is_some());
                if !hidden {
                    messages.push((base.message_order(row), id, ValueLocation::Base(row)));
                }
            }
        }
        messages.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        messages.into_iter().map(|(_, _, location)| location).collect()
    }

    /// Returns every message with this id that a revision shows. There are several only if a session
    /// was copied by hand.
    pub(crate) fn messages_with_id(&self, id: &MessageId, at: u64) -> Vec<MessageKey> {
        let mut keys: Vec<MessageKey> = Vec::new();
        if let Some(base) = &self.base {
            keys.extend(base.find_messages(id).filter_map(|row| base.message_key(row)));
        }
        if let Some(sessions) = self.message_sessions.get(id) {
            let key =
                |session: &SessionId| MessageKey { session: session.clone(), message: id.clone() };
            keys.extend(sessions.iter().map(key));
        }
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.message(key, at).is_some_and(|location| !location.is_removed()));
        keys
    }

    // Functions of the writer

    /// Adds a message to the sets that find it by its session and by its id.
    pub(crate) fn register_message(&self, key: &MessageKey) {
        add(&self.session_messages, &key.session, &key.message);
        add(&self.message_sessions, &key.message, &key.session);
    }

    pub(crate) fn with_log<R>(&self, act: impl FnOnce(&mut Vec<(u64, EntityKey)>) -> R) -> R {
        act(&mut lock(&self.log))
    }

    /// Returns the change number of a key's newest version in the overlay.
    pub(crate) fn newest_sequence(&self, key: &EntityKey) -> Option<u64> {
        match key {
            EntityKey::Project(id) => Some(self.projects.get(id)?.newest().sequence),
            EntityKey::Session(SessionKey { session }) => {
                Some(self.sessions.get(session)?.newest().sequence)
            }
            EntityKey::Message(key) => Some(self.messages.get(key)?.newest().sequence),
            _ => None,
        }
    }
}

/// Adds a value to the set of a key.
fn add<K, V>(sets: &ConcurrentMap<K, SortedRuns<V>>, key: &K, value: &V)
where
    K: std::hash::Hash + Eq + Clone,
    V: Clone + Ord,
{
    let set = sets.get(key).unwrap_or_else(SortedRuns::new);
    if let Some(extended) = set.with_value(value) {
        sets.insert(key.clone(), extended);
    }
}
