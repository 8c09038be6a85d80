//! Views: one unchanging state of the index, for readers.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::iter::Peekable;
use std::sync::Arc;

use scrollback_core_id::{
    Cursor, MessageId, MessageKey, OrderKey, PartId, ProjectId, Revision, SessionId,
};
use scrollback_core_type::Usage;

use crate::layers::{Layers, ValueLocation};
use crate::shared::SharedState;
use crate::{
    MessageMeta, MessageOutline, ObservedStamp, PartRef, ProjectMeta, RefreshState, SessionMeta,
    SessionState,
};

/// One state of the index. Every answer of a view is of the same revision.
///
/// Reading takes no lock and does not block the writer. The index keeps the versions that a view shows
/// until the view is dropped. Returned values are owned.
///
/// ```
/// use scrollback_core_id::{SessionId, SessionKey, SourceId};
/// use scrollback_index::{Batch, SessionIndex, SessionMeta, SessionState};
///
/// let index = SessionIndex::new(SourceId::new("a store")?);
/// let key = SessionKey::from(SessionId::new("ses_1")?);
/// let record = SessionMeta { title: Some("Fix the build".into()), ..SessionMeta::new(key.clone()) };
/// let mut batch = Batch::new();
/// batch.put_session(key.clone(), SessionState::with_record(record));
/// index.commit(batch);
///
/// let view = index.view();
/// for session in view.sessions() {
///     let usage = view.usage(&session.key.session);
///     println!("{:?}: {} messages, $ {}", session.title, usage.messages, usage.cost);
/// }
///
/// // A later commit does not change the view.
/// let mut batch = Batch::new();
/// batch.remove_session(key);
/// index.commit(batch);
/// assert_eq!(view.sessions().count(), 1);
/// assert_eq!(index.view().sessions().count(), 0);
/// # Ok::<(), scrollback_core_id::IdError>(())
/// ```
pub struct View {
    shared: Arc<SharedState>,
    pub(crate) layers: Arc<Layers>,
    pub(crate) revision: u64,
}

impl View {
    pub(crate) fn new(shared: Arc<SharedState>) -> Self {
        let (layers, revision) = shared.pins.pin();
        Self { shared, layers, revision }
    }

    /// Returns the state that this view shows, as a cursor.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.shared.epoch, revision: Revision(self.revision) }
    }

    // Projects

    /// Returns a project.
    pub fn project(&self, id: &ProjectId) -> Option<Arc<ProjectMeta>> {
        self.layers.project_value(self.layers.project(id, self.revision)?)
    }

    /// Returns the projects, sorted by id.
    pub fn projects(&self) -> Vec<Arc<ProjectMeta>> {
        let ids = self.layers.project_ids(self.revision);
        ids.iter().filter_map(|id| self.project(id)).collect()
    }

    // Sessions

    /// Returns a session's record; `None` if the session is unknown or has no record.
    pub fn session(&self, id: &SessionId) -> Option<Arc<SessionMeta>> {
        self.session_state(id)?.record.clone()
    }

    /// Returns the sessions that have a record, newest first. The iterator is lazy: it decodes a session
    /// when it returns it.
    pub fn sessions(&self) -> Sessions<'_> {
        let mut overlay: Vec<Arc<SessionMeta>> = self
            .layers
            .overlay_sessions(self.revision)
            .into_iter()
            .filter_map(|(_, state)| state.record.clone())
            .collect();
        overlay.sort_unstable_by(|a, b| newest_first_key(a).cmp(&newest_first_key(b)));
        let rows = self.layers.base.as_ref().map_or(0, |base| base.session_count());
        Sessions { view: self, overlay: overlay.into_iter().peekable(), row: 0, rows, base: None }
    }

    /// Returns the sessions of a project, newest first.
    pub fn by_project(&self, id: &ProjectId) -> Vec<Arc<SessionMeta>> {
        self.filter_sessions(
            |row| self.layers.base.as_ref().is_some_and(|base| base.session_project_is(row, id)),
            |meta| meta.project.as_ref() == Some(id),
        )
    }

    /// Returns the sessions that a session started, newest first.
    pub fn children(&self, id: &SessionId) -> Vec<Arc<SessionMeta>> {
        self.filter_sessions(
            |row| self.layers.base.as_ref().is_some_and(|base| base.session_parent_is(row, id)),
            |meta| meta.parent.as_ref() == Some(id),
        )
    }

    /// Returns the parent of a session, the parent of that session, and so on. The list ends at a
    /// session that is missing or, in hostile data, already in the list.
    pub fn ancestors(&self, id: &SessionId) -> Vec<Arc<SessionMeta>> {
        let mut visited = HashSet::from([id.clone()]);
        let mut ancestors = Vec::new();
        let mut next = self.session(id).and_then(|meta| meta.parent.clone());
        while let Some(id) = next.filter(|id| visited.insert(id.clone())) {
            let Some(meta) = self.session(&id) else { break };
            next = meta.parent.clone();
            ancestors.push(meta);
        }
        ancestors
    }

    fn filter_sessions(
        &self,
        row_matches: impl Fn(u32) -> bool,
        meta_matches: impl Fn(&SessionMeta) -> bool,
    ) -> Vec<Arc<SessionMeta>> {
        let layers = &self.layers;
        let mut sessions: Vec<Arc<SessionMeta>> = layers
            .overlay_sessions(self.revision)
            .into_iter()
            .filter_map(|(_, state)| state.record.clone().filter(|meta| meta_matches(meta)))
            .collect();
        if let Some(base) = &layers.base {
            let rows = (0..base.session_count()).filter(|row| row_matches(*row));
            let metas = rows.filter_map(|row| base.session_meta(row));
            let visible = metas.filter(|meta| {
                meta_matches(meta) && !layers.hides_session(&meta.key.session, self.revision)
            });
            sessions.extend(visible.map(Arc::new));
        }
        sessions.sort_unstable_by(|a, b| newest_first_key(a).cmp(&newest_first_key(b)));
        sessions
    }

    /// Returns the state of a session. A session with messages can have a state without a record.
    pub fn session_state(&self, id: &SessionId) -> Option<Arc<SessionState>> {
        self.layers.session_value(self.layers.session(id, self.revision)?)
    }

    /// Returns what a refresh compares: the stamp of the record, and the refresh state.
    pub fn refresh_state(&self, id: &SessionId) -> Option<(Option<ObservedStamp>, RefreshState)> {
        self.layers.refresh_state_value(&self.layers.session(id, self.revision)?)
    }

    /// Checks whether a session's record belongs to a project.
    pub fn is_in_project(&self, id: &SessionId, project: &ProjectId) -> bool {
        match self.layers.session(id, self.revision) {
            Some(ValueLocation::Overlay(version)) => {
                let record = version.value.as_ref().and_then(|state| state.record.as_ref());
                record.is_some_and(|record| record.project.as_ref() == Some(project))
            }
            Some(ValueLocation::Base(row)) => {
                let base = self.layers.base.as_ref();
                base.is_some_and(|base| base.session_project_is(row, project))
            }
            None => false,
        }
    }

    /// Returns every session that has a state, with or without a record, in any order.
    pub fn session_ids(&self) -> Vec<SessionId> {
        let overlay = self.layers.overlay_sessions(self.revision);
        let mut ids: Vec<SessionId> = overlay.into_iter().map(|(id, _)| id).collect();
        if let Some(base) = &self.layers.base {
            let base_ids = (0..base.session_count()).filter_map(|row| base.session_id(row));
            ids.extend(base_ids.filter(|id| !self.layers.hides_session(id, self.revision)));
        }
        ids
    }

    // Messages

    /// Returns the message with this key.
    pub fn message_by_key(&self, key: &MessageKey) -> Option<Arc<MessageMeta>> {
        self.layers.message_value(self.layers.message(key, self.revision)?)
    }

    /// Returns the ids and stamps of a session's messages, in order, without decoding the rest. `None`
    /// if the parts of a message were listed: their stamps then matter too.
    pub fn observed_messages(
        &self,
        id: &SessionId,
    ) -> Option<(Vec<MessageId>, Vec<ObservedStamp>)> {
        let locations = self.layers.messages_of(id, self.revision).into_iter();
        locations
            .map(|location| match location {
                ValueLocation::Overlay(version) => {
                    let meta = version.value.filter(|meta| meta.parts.is_none())?;
                    Some((meta.key.message.clone(), meta.observed))
                }
                ValueLocation::Base(row) => {
                    let base = self.layers.base.as_ref()?;
                    Some((base.message_id(row)?, base.message_observed(row)?))
                }
            })
            .collect()
    }

    /// Returns the message with this id. If several sessions have the id, returns the message of the
    /// first session by id.
    pub fn message(&self, id: &MessageId) -> Option<Arc<MessageMeta>> {
        let keys = self.layers.messages_with_id(id, self.revision);
        self.message_by_key(keys.first()?)
    }

    /// Returns the messages of a session, in order.
    pub fn by_session(&self, id: &SessionId) -> Vec<Arc<MessageMeta>> {
        let locations = self.layers.messages_of(id, self.revision).into_iter();
        locations.filter_map(|location| self.layers.message_value(location)).collect()
    }

    /// Returns the time of the newest message of a session, in Unix milliseconds; `None` if no message
    /// has a time. Does not decode the messages.
    pub fn newest_message_time(&self, id: &SessionId) -> Option<i64> {
        let locations = self.layers.messages_of(id, self.revision).into_iter();
        let times = locations.filter_map(|location| match location {
            ValueLocation::Overlay(version) => version.value.as_ref()?.created,
            ValueLocation::Base(row) => self.layers.base.as_ref()?.message_created(row),
        });
        times.max()
    }

    /// Returns the usage of a session, without its subagents: the sum of its messages, which the index
    /// keeps, or the totals in its record if they are exact and larger
    /// ([`Usage::or_recorded_totals`]).
    pub fn usage(&self, id: &SessionId) -> Usage {
        let sum = self.layers.usage_of_messages(id, self.revision);
        let mut record = self.layers.recorded_totals(id, self.revision);
        if sum.recorded_copies > 0 && record.is_some() {
            for message in self.by_session(id).iter().filter(|message| message.is_recorded_copy) {
                record = record.map(|record| record.without_copy(&message.recorded_steps()));
            }
        }
        sum.usage().or_recorded_totals(record)
    }

    /// Returns all messages of the index that `matches` accepts, in any order. Walks every message and
    /// decodes only those.
    pub fn find_messages(
        &self,
        matches: impl Fn(&MessageOutline<'_>) -> bool,
    ) -> Vec<Arc<MessageMeta>> {
        let mut found = Vec::new();
        let mut overlay_messages = 0;
        self.layers.messages.for_each(|key, cell| {
            overlay_messages += 1;
            if let Some(meta) =
                cell.visible_at(self.revision).and_then(|version| version.value.as_ref())
                && matches(&MessageOutline::from_meta(&key.message, meta))
            {
                found.push(Arc::clone(meta));
            }
        });
        if let Some(base) = &self.layers.base {
            let is_visible = |meta: &MessageMeta| {
                let location = || self.layers.message(&meta.key, self.revision);
                overlay_messages == 0 || matches!(location(), Some(ValueLocation::Base(_)))
            };
            let rows = (0..base.message_count()).filter(|row| matches(&base.message_outline(*row)));
            let metas = rows.filter_map(|row| base.message(row));
            found.extend(metas.filter(is_visible).map(Arc::new));
        }
        found
    }

    /// Checks whether the index may have a copy that the totals of its session include. Once it had one,
    /// the answer may stay `true` until the next rebase.
    pub fn may_have_recorded_copies(&self) -> bool {
        self.layers.may_have_recorded_copies()
    }

    /// Checks whether a session has a copy that the totals in its record include.
    pub fn session_has_recorded_copies(&self, id: &SessionId) -> bool {
        self.layers.usage_of_messages(id, self.revision).recorded_copies > 0
    }

    // Parts

    /// Returns the parts of a message, in order; `None` if they were not listed yet.
    pub fn by_message(&self, key: &MessageKey) -> Option<Arc<[PartRef]>> {
        Some(self.message_by_key(key)?.parts.as_ref()?.refs.clone())
    }

    /// Returns the listed part with this id, and its message.
    pub fn part(&self, id: &PartId) -> Option<(MessageKey, PartRef)> {
        let mut keys: Vec<MessageKey> = Vec::new();
        if let Some(base) = &self.layers.base {
            keys.extend(base.find_parts(id).filter_map(|(message, _)| base.message_key(message)));
        }
        // The overlay has no table of parts, so scan its messages. A rebase limits their number.
        self.layers.messages.for_each(|key, cell| {
            let parts = cell
                .visible_at(self.revision)
                .and_then(|version| version.value.as_ref()?.parts.as_ref());
            if parts.is_some_and(|parts| parts.refs.iter().any(|part| part.id == *id)) {
                keys.push(key.clone());
            }
        });
        keys.sort_unstable();
        keys.into_iter().find_map(|key| {
            let part = self.by_message(&key)?.iter().find(|part| part.id == *id)?.clone();
            Some((key, part))
        })
    }
}

/// Returns the key that sorts sessions newest first.
fn newest_first_key(meta: &SessionMeta) -> (Reverse<OrderKey>, &SessionId) {
    (Reverse(meta.order), &meta.key.session)
}

/// An iterator over sessions, newest first. It merges the sessions of the base and the overlay.
pub struct Sessions<'v> {
    view: &'v View,
    overlay: Peekable<std::vec::IntoIter<Arc<SessionMeta>>>,
    row: u32,
    rows: u32,
    /// The next session of the base, if it was decoded already.
    base: Option<Arc<SessionMeta>>,
}

impl Sessions<'_> {
    fn next_base_session(&mut self) -> Option<Arc<SessionMeta>> {
        let layers = &self.view.layers;
        let base = layers.base.as_ref()?;
        while self.row < self.rows {
            let row = self.row;
            self.row += 1;
            if let Some(meta) = base.session_meta(row)
                && !layers.hides_session(&meta.key.session, self.view.revision)
            {
                return Some(Arc::new(meta));
            }
        }
        None
    }
}

impl Iterator for Sessions<'_> {
    type Item = Arc<SessionMeta>;

    fn next(&mut self) -> Option<Arc<SessionMeta>> {
        // Both inputs are sorted: return the newer head, and keep the decoded session of the base.
        let base = self.base.take().or_else(|| self.next_base_session());
        match (base, self.overlay.peek()) {
            (Some(base), Some(overlay)) if newest_first_key(overlay) < newest_first_key(&base) => {
                self.base = Some(base);
                self.overlay.next()
            }
            (Some(base), _) => Some(base),
            (None, _) => self.overlay.next(),
        }
    }
}

impl Clone for View {
    fn clone(&self) -> Self {
        self.shared.pins.add_pin(self.revision);
        let (shared, layers) = (Arc::clone(&self.shared), Arc::clone(&self.layers));
        Self { shared, layers, revision: self.revision }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if self.shared.pins.unpin(self.revision) {
            self.shared.try_collect_garbage();
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", self.cursor())
    }
}
