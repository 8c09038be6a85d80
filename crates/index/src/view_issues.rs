//! What a view knows of incomplete records: sessions without a record, and issues of single fields.

use scrollback_core_id::{EntityKey, SessionId};

use crate::layers::ValueLocation;
use crate::{Name, View};

impl View {
    /// Returns the sessions that have messages and no record, each with the number of its messages, in
    /// any order.
    pub fn sessions_without_record(&self) -> Vec<(SessionId, u64)> {
        let overlay = self.layers.overlay_sessions(self.revision).into_iter();
        let overlay = overlay.filter(|(_, state)| state.record.is_none());
        let mut ids: Vec<SessionId> = overlay.map(|(id, _)| id).collect();
        if let Some(base) = &self.layers.base {
            // They are the last rows.
            let rows = (0..base.session_count()).rev();
            let rows = rows.take_while(|row| base.session_order(*row).is_none());
            let base_ids = rows.filter_map(|row| base.session_id(row));
            ids.extend(base_ids.filter(|id| !self.layers.hides_session(id, self.revision)));
        }
        let count = |id: &SessionId| self.layers.usage_of_messages(id, self.revision).messages;
        let with_count = |id| {
            let count = count(&id);
            (id, count)
        };
        ids.into_iter().map(with_count).collect()
    }

    /// Returns the sessions and messages with issues of single fields, in any order, each with the text
    /// of its issues. Only sessions with such messages are searched for them.
    pub fn kept_issues(&self) -> Vec<(EntityKey, Name)> {
        let mut found = Vec::new();
        for (id, state) in self.layers.overlay_sessions(self.revision) {
            let record_issues = state.record.as_ref().and_then(|record| record.issues.clone());
            let count = state.refresh_state.messages_with_issues;
            self.collect_issues(&id, record_issues, count, &mut found);
        }
        if let Some(base) = &self.layers.base {
            for row in 0..base.session_count() {
                let (record_issues, count) = base.session_issues(row);
                if (record_issues.is_some() || count > 0)
                    && let Some(id) = base.session_id(row)
                    && !self.layers.hides_session(&id, self.revision)
                {
                    self.collect_issues(&id, record_issues, count, &mut found);
                }
            }
        }
        found
    }

    fn collect_issues(
        &self,
        id: &SessionId,
        record_issues: Option<Name>,
        messages_with_issues: u32,
        found: &mut Vec<(EntityKey, Name)>,
    ) {
        found.extend(record_issues.map(|issues| (EntityKey::Session(id.clone().into()), issues)));
        if messages_with_issues == 0 {
            return;
        }
        for location in self.layers.messages_of(id, self.revision) {
            let message = match location {
                ValueLocation::Overlay(version) => {
                    version.value.and_then(|meta| Some((meta.key.clone(), meta.issues.clone()?)))
                }
                ValueLocation::Base(row) => self.layers.base.as_ref().and_then(|base| {
                    let issues = base.message_issues(row)?;
                    Some((base.message_key(row)?, issues))
                }),
            };
            found.extend(message.map(|(key, issues)| (EntityKey::Message(key), issues)));
        }
    }
}
