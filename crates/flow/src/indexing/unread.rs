//! Entities that exist, or may exist, and could not be read. The index keeps them as they were: an
//! entity is removed only after its directory or table was read and does not have it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, MessageKey, PartId, PartKey, ProjectId, SessionKey};
use scrollback_core_type::StageIssue;
use scrollback_index::{MessageMeta, ObservedStamp, PartList, PartRef, SessionMeta};

/// The entities that a call of a reader could not read, according to its issues.
#[derive(Debug, Default)]
pub(super) struct UnreadEntities {
    /// Whether a directory or table of unknown content was not read.
    is_any_unread: bool,
    /// Single records, and the owners of directories that were not read.
    keys: HashSet<EntityKey>,
}

impl UnreadEntities {
    /// Collects the entities of issues that were noted.
    pub(super) fn from_issues(issues: &[StageIssue]) -> Self {
        let mut unread = Self::default();
        issues.iter().for_each(|issue| unread.note(issue.key.as_ref(), &issue.issue));
        unread
    }

    /// Takes the issue into account. `key` is the entity that it concerns.
    pub(super) fn note(&mut self, key: Option<&EntityKey>, issue: &Issue) {
        if !issue.is_unread() {
            return;
        }
        match key {
            Some(key) => drop(self.keys.insert(key.clone())),
            None => self.is_any_unread = true,
        }
    }

    /// Checks whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_any_unread && self.keys.is_empty()
    }

    /// Checks whether a project may exist although it was not read.
    pub(super) fn may_have_project(&self, project: &ProjectId) -> bool {
        self.has(|| project.clone().into())
    }

    /// Returns the sessions whose own records, or sets of messages, were not read.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &SessionKey> {
        self.keys.iter().filter_map(|key| match key {
            EntityKey::Session(key) => Some(key),
            _ => None,
        })
    }

    /// Checks whether a session may have a record although it was not read. `project` is the project
    /// of the session's last known record; without one, the record may be in any project.
    pub(super) fn may_have_session(
        &self,
        session: &SessionKey,
        project: Option<&ProjectId>,
    ) -> bool {
        self.has(|| session.clone().into())
            || match project {
                Some(project) => self.keys.contains(&EntityKey::Project(project.clone())),
                None => self.keys.iter().any(|key| matches!(key, EntityKey::Project(_))),
            }
    }

    /// Checks whether the set of messages of a session was not read.
    pub(super) fn may_have_messages(&self, session: &SessionKey) -> bool {
        self.has(|| session.clone().into())
    }

    /// Checks whether a message may exist although it was not read.
    pub(super) fn may_have_message(&self, message: &MessageKey) -> bool {
        self.has(|| message.clone().into()) || self.has(|| session_of(message))
    }

    /// Checks whether the parts of a message were not listed.
    pub(super) fn may_have_parts(&self, message: &MessageKey) -> bool {
        self.has(|| message.clone().into())
    }

    /// Checks whether a part of a message may exist although it was not read.
    pub(super) fn may_have_part(&self, message: &MessageKey, part: &PartId) -> bool {
        let part = || PartKey { message: message.message.clone(), part: part.clone() }.into();
        self.has(part) || self.may_have_parts(message)
    }

    fn has(&self, key: impl FnOnce() -> EntityKey) -> bool {
        self.is_any_unread || !self.keys.is_empty() && self.keys.contains(&key())
    }
}

fn session_of(message: &MessageKey) -> EntityKey {
    EntityKey::Session(message.session.clone().into())
}

/// Returns the stamp as that of something that has to be read again.
pub(super) fn unclean(observed: ObservedStamp) -> ObservedStamp {
    ObservedStamp { clean: false, ..observed }
}

/// Returns the last known record of a session, so marked that it is read again.
pub(super) fn unread_session(known: &Arc<SessionMeta>) -> Arc<SessionMeta> {
    match known.observed.clean {
        true => {
            let observed = unclean(known.observed);
            Arc::new(SessionMeta { observed, ..SessionMeta::clone(known) })
        }
        false => Arc::clone(known), // an equal record does not count as changed
    }
}

/// Returns the last known state of a message, so marked that it is read again.
pub(super) fn unread_message(known: &MessageMeta) -> MessageMeta {
    MessageMeta { observed: unclean(known.observed), ..known.clone() }
}

/// Adds the known parts that were not read to the list of a message's parts, and marks the list so
/// that it is read again.
pub(super) fn keep_unread_parts(
    listed: PartList,
    known: Option<&PartList>,
    is_unread: impl Fn(&PartRef) -> bool,
) -> PartList {
    let mut new: HashMap<&PartId, &PartRef> =
        listed.refs.iter().map(|part| (&part.id, part)).collect();
    // The order of the last complete list, because an unread part has no order of its own. New parts
    // follow, in the order in which they were listed.
    let mut refs = Vec::with_capacity(listed.refs.len());
    for part in known.iter().flat_map(|known| known.refs.iter()) {
        match new.remove(&part.id) {
            Some(listed) => refs.push(listed.clone()),
            None if is_unread(part) => {
                let mut part = part.clone();
                part.observed = part.observed.map(unclean);
                refs.push(part);
            }
            None => {} // gone
        }
    }
    refs.extend(listed.refs.iter().filter(|part| new.contains_key(&part.id)).cloned());
    let part_set = listed.part_set.or(known.and_then(|known| known.part_set)).map(unclean);
    PartList { part_set, refs: refs.into() }
}
