//! A generation: a base that never changes, and an overlay of what changed since. A version in the
//! overlay hides the base's row. When the overlay has grown, both become the base of the next
//! generation; views of this one keep it.

use std::sync::Arc;

use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, OrderKey, ProjectId, Revision, SessionId, SessionKey,
};
use scrollback_core_type::{RecordedTotals, UsageSum};

use crate::snapshot::Snapshot;
use crate::sorted_runs::SortedRuns;
use crate::sync::{ConcurrentMap, Mutex, lock};
use crate::version_chain::{Version, VersionChain};
use crate::{MessageMeta, ObservedStamp, ProjectMeta, RefreshState, SessionState};

pub(crate) struct Layers {
    pub(crate) base: Option<Snapshot>,
    pub(crate) projects: ConcurrentMap<ProjectId, VersionChain<ProjectMeta>>,
    pub(crate) sessions: ConcurrentMap<SessionId, VersionChain<SessionState>>,
    pub(crate) messages: ConcurrentMap<MessageKey, VersionChain<MessageMeta>>,
    /// What the messages of a session used, of each session that a message was changed of. Its
    /// versions have no number: who sees the messages change sees the sum change.
    pub(crate) usage: ConcurrentMap<SessionId, VersionChain<UsageSum>>,
    /// Which messages of a session the overlay may have something to say of. Hints: they only
    /// grow, and what a revision shows is said by the cells.
    pub(crate) session_messages: ConcurrentMap<SessionId, SortedRuns<MessageId>>,
    /// Which sessions the overlay may have this message in. Hints, too.
    message_sessions: ConcurrentMap<MessageId, SortedRuns<SessionId>>,
    /// Every change since the base, in order. Entries of versions that were replaced stay until
    /// they are half of it.
    log: Mutex<Vec<(u64, EntityKey)>>,
}

/// Where a key's value is.
pub(crate) enum ValueLocation<V> {
    /// In the overlay; removed if it has no value.
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
        }
    }

    /// From which revision on it is known what was removed.
    pub(crate) fn floor(&self) -> Revision {
        self.base.as_ref().map_or(Revision(0), |base| base.info().floor)
    }

    /// How many keys the overlay has.
    pub(crate) fn overlay_len(&self) -> usize {
        self.projects.len() + self.sessions.len() + self.messages.len()
    }

    /// How many projects, sessions and messages the base has.
    pub(crate) fn base_len(&self) -> usize {
        self.base.as_ref().map_or(0, |base| {
            (base.project_count() + base.session_count()) as usize + base.message_count() as usize
        })
    }

    // What a revision shows of a key

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

    // Values, wherever they are

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

    /// The number of the last change of what was found.
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

    /// What the messages of a session used.
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

    /// What the record of a session counts, if it does.
    pub(crate) fn recorded_totals(&self, id: &SessionId, at: u64) -> Option<RecordedTotals> {
        match self.session(id, at)? {
            ValueLocation::Overlay(version) => version.value?.record.as_ref()?.recorded_totals,
            ValueLocation::Base(row) => self.base.as_ref()?.recorded_totals(row),
        }
    }

    /// Where a session stands; none if it has no record.
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

    /// The sessions of the overlay that a revision shows, with or without records.
    pub(crate) fn overlay_sessions(&self, at: u64) -> Vec<(SessionId, Arc<SessionState>)> {
        let mut sessions = Vec::new();
        self.sessions.for_each(|id, cell| {
            if let Some(Version { value: Some(state), .. }) = cell.visible_at(at) {
                sessions.push((id.clone(), Arc::clone(state)));
            }
        });
        sessions
    }

    /// Whether the overlay says something else of a session than the base, from this revision on
    /// or before.
    pub(crate) fn hides_session(&self, id: &SessionId, at: u64) -> bool {
        self.sessions.len() > 0
            && self.sessions.get(id).is_some_and(|cell| cell.visible_at(at).is_some())
    }

    /// The messages of a session that a revision shows, in order.
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

    /// Every message of this id that a revision shows: one, unless a session was copied by hand.
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

    // For the writer

    /// Makes a message findable by its session and by its id.
    pub(crate) fn register_message(&self, key: &MessageKey) {
        add(&self.session_messages, &key.session, &key.message);
        add(&self.message_sessions, &key.message, &key.session);
    }

    pub(crate) fn with_log<R>(&self, act: impl FnOnce(&mut Vec<(u64, EntityKey)>) -> R) -> R {
        act(&mut lock(&self.log))
    }

    /// The number of the newest version of a key in the overlay.
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

/// Adds to a set that is kept under a key.
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
