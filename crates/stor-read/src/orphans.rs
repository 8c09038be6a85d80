//! What belongs to something that is not there: messages without their session, parts without
//! their message. A committed revert leaves such parts behind, and a deleted session may.

use std::collections::HashSet;

use scrollback_core_id::{MessageId, ProjectId, SessionId, SessionKey};
use scrollback_stor_mmap::Arena;
use scrollback_stor_path::layout::{MESSAGE, PART, SESSION};

use crate::look::{FileLook, Note, open_if_there};
use crate::messages::open_message;
use crate::names::{Names, ids};
use scrollback_source::Entry;

impl FileLook<'_> {
    pub(crate) fn lost(&mut self, note: &mut Note<'_>) -> Vec<Entry> {
        let sessions = self.all_sessions(note);
        let mut messages: HashSet<MessageId> = HashSet::new();
        let mut lost = Vec::new();
        if let Some(dir) = open_if_there(&self.root, MESSAGE, || MESSAGE.into(), note) {
            let owners: Vec<SessionId> =
                ids(&dir, Names::Directories, || MESSAGE.into(), &mut self.buffer, note);
            for owner in owners {
                let path = || [MESSAGE, owner.as_str()].iter().collect();
                if let Some(dir) = open_if_there(&dir, owner.as_str(), path, note) {
                    messages.extend(ids(&dir, Names::Records, path, &mut self.buffer, note));
                }
                if !sessions.contains(&owner) {
                    lost.extend(self.messages(&SessionKey::from(owner), note));
                }
            }
        }
        lost.extend(self.lost_parts(&messages, note));
        self.set = None; // several were listed, and none is what the caller asked for
        lost
    }

    pub(crate) fn all_sessions(&mut self, note: &mut Note<'_>) -> HashSet<SessionId> {
        let mut sessions = HashSet::new();
        let Some(dir) = open_if_there(&self.root, SESSION, || SESSION.into(), note) else {
            return sessions;
        };
        let projects: Vec<ProjectId> =
            ids(&dir, Names::Directories, || SESSION.into(), &mut self.buffer, note);
        for project in projects {
            let path = || [SESSION, project.as_str()].iter().collect();
            if let Some(dir) = open_if_there(&dir, project.as_str(), path, note) {
                sessions.extend(ids(&dir, Names::Records, path, &mut self.buffer, note));
            }
        }
        sessions
    }

    fn lost_parts(&mut self, messages: &HashSet<MessageId>, note: &mut Note<'_>) -> Vec<Entry> {
        let path = || PART.into();
        let Some(all) = open_if_there(&self.root, PART, path, note) else { return Vec::new() };
        let mut owners: Vec<MessageId> =
            ids(&all, Names::Directories, path, &mut self.buffer, note);
        owners.retain(|owner| !messages.contains(owner));
        owners.sort_unstable();
        let mut arena = Arena::new();
        let mut found = Vec::new();
        for owner in owners {
            if let Some(dir) = open_message(&all, &owner, note) {
                found.extend(self.read_parts(&mut arena, &dir, &owner, note));
            }
        }
        let arena = arena.freeze();
        found
            .into_iter()
            .map(|(key, order, it)| Entry::new(key, order, it.into_span(&arena)))
            .collect()
    }
}
