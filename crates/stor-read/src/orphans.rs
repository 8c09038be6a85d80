//! Reads the orphans: messages without their session, and parts without their message. A committed
//! revert leaves such parts behind, and the deletion of a session may leave both behind.

use std::cell::Cell;
use std::collections::HashSet;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, MessageId, OrderKey, ProjectId, SessionId, SessionKey};
use scrollback_stor_mmap::Arena;
use scrollback_stor_path::layout::{MESSAGE, PART, SESSION, SESSION_DIFF, TODO};

use crate::messages::open_parts_dir;
use crate::name_kind::NameKind;
use crate::names::list_ids;
use crate::transaction::{FileTransaction, IssueSink, open_optional_dir};
use scrollback_source::Entry;

impl FileTransaction<'_> {
    pub(crate) fn read_orphans(&mut self, note: &mut IssueSink<'_>) -> Vec<Entry> {
        // Records that cannot be listed may be the owners: then nothing is known to be an orphan.
        let (mut unread_sessions, unread_messages) = (false, Cell::new(false));
        let sessions = self.list_recorded_sessions(&mut |key, issue| {
            unread_sessions |= issue.is_unread();
            note(key, issue);
        });
        let note = &mut |key: Option<EntityKey>, issue: Issue| {
            let is_message = matches!(key, Some(EntityKey::Message(_)));
            unread_messages.set(unread_messages.get() || issue.is_unread() && !is_message);
            note(key, issue);
        };
        let mut messages: HashSet<MessageId> = HashSet::new();
        let mut orphans = Vec::new();
        if let Some(dir) = open_optional_dir(&self.root, MESSAGE, || MESSAGE.into(), note) {
            let owners: Vec<SessionId> = list_ids(
                &dir,
                NameKind::MESSAGE_SETS,
                || MESSAGE.into(),
                (&mut self.list_buffer, &self.context),
                note,
            );
            for owner in owners {
                let path = || [MESSAGE, owner.as_str()].iter().collect();
                if let Some(dir) = open_optional_dir(&dir, owner.as_str(), path, note) {
                    messages.extend(list_ids(
                        &dir,
                        NameKind::Records,
                        path,
                        (&mut self.list_buffer, &self.context),
                        note,
                    ));
                }
                if !unread_sessions && !sessions.contains(&owner) {
                    orphans.extend(self.messages(&SessionKey::from(owner), note));
                }
            }
        }
        if !unread_messages.get() {
            orphans.extend(self.read_orphan_parts(&messages, note));
        }
        self.listed_set = None; // several sets were listed, and none of them is the caller's
        orphans
    }

    /// Lists the names of the diffs and todo lists of all sessions.
    pub(crate) fn list_attachments(&mut self, note: &mut IssueSink<'_>) -> Vec<Entry> {
        type MakeKey = fn(SessionKey) -> EntityKey;
        let mut attachments = Vec::new();
        for (name, key) in [(SESSION_DIFF, EntityKey::Diff as MakeKey), (TODO, EntityKey::Todo)] {
            let path = || name.into();
            let Some(dir) = open_optional_dir(&self.root, name, path, note) else { continue };
            let buffer = (&mut self.list_buffer, &self.context);
            let sessions: Vec<SessionId> = list_ids(&dir, NameKind::Records, path, buffer, note);
            let entry = |id: SessionId| Entry::without_span(key(id.into()), OrderKey::default());
            attachments.extend(sessions.into_iter().map(entry));
        }
        attachments
    }

    pub(crate) fn list_recorded_sessions(
        &mut self,
        note: &mut IssueSink<'_>,
    ) -> HashSet<SessionId> {
        let mut sessions = HashSet::new();
        let Some(dir) = open_optional_dir(&self.root, SESSION, || SESSION.into(), note) else {
            return sessions;
        };
        let projects: Vec<ProjectId> = list_ids(
            &dir,
            NameKind::Directories,
            || SESSION.into(),
            (&mut self.list_buffer, &self.context),
            note,
        );
        for project in projects {
            let listed = self.list_sessions_of(&dir, &project, note);
            sessions.extend(listed.into_iter().flat_map(|(_, sessions)| sessions));
        }
        sessions
    }

    fn read_orphan_parts(
        &mut self,
        messages: &HashSet<MessageId>,
        note: &mut IssueSink<'_>,
    ) -> Vec<Entry> {
        let path = || PART.into();
        let Some(all) = open_optional_dir(&self.root, PART, path, note) else { return Vec::new() };
        let mut owners: Vec<MessageId> =
            list_ids(&all, NameKind::PART_SETS, path, (&mut self.list_buffer, &self.context), note);
        owners.retain(|owner| !messages.contains(owner));
        owners.sort_unstable();
        let mut arena = Arena::new();
        let mut parts = Vec::new();
        for owner in owners {
            if let Some(dir) = open_parts_dir(&all, &owner, note) {
                parts.extend(self.read_parts(&mut arena, &dir, &owner, note));
            }
        }
        let arena = arena.freeze();
        parts
            .into_iter()
            .map(|(key, order, fetched)| Entry::new(key, order, fetched.into_span(&arena)))
            .collect()
    }
}
