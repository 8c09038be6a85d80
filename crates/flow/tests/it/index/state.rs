//! The visible state of an index, so that two indexes can be compared.

use std::collections::BTreeMap;

use scrollback_core_id::{EntityKey, SessionKey, Stamp};
use scrollback_index::{Change, EntityValue, MessageMeta, ProjectMeta, SessionMeta, View};

/// The visible value of each key. Cleanness of stamps and numbers of changes are left out, because
/// they depend on the time of reading.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) entities: BTreeMap<EntityKey, String>,
    /// The parts of messages that were listed, with their stamps where known.
    pub(crate) parts: BTreeMap<EntityKey, Vec<(String, Option<Stamp>)>>,
}

impl State {
    pub(crate) fn from_view(view: &View) -> Self {
        let mut state = Self::default();
        for project in view.projects() {
            state.entities.insert(project.id.clone().into(), show_project(&project));
        }
        for session in view.sessions() {
            state.entities.insert(session.key.clone().into(), show_session(&session));
        }
        for id in view.session_ids() {
            state.add_messages(view, &SessionKey::from(id));
        }
        state
    }

    pub(crate) fn add_messages(&mut self, view: &View, session: &SessionKey) {
        for message in view.by_session(&session.session) {
            self.put_message(&message);
        }
    }

    fn put_message(&mut self, message: &MessageMeta) {
        let key = EntityKey::from(message.key.clone());
        self.entities.insert(key.clone(), show_message(message));
        match &message.parts {
            None => self.parts.remove(&key),
            Some(list) => {
                let part = |part: &scrollback_index::PartRef| {
                    (part.id.to_string(), part.observed.map(|observed| observed.stamp))
                };
                self.parts.insert(key, list.refs.iter().map(part).collect())
            }
        };
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        match &change.value {
            Some(EntityValue::Project(meta)) => {
                self.entities.insert(change.key.clone(), show_project(meta));
            }
            Some(EntityValue::Session(meta)) => {
                self.entities.insert(change.key.clone(), show_session(meta));
            }
            Some(EntityValue::Message(meta)) => self.put_message(meta),
            None => {
                self.entities.remove(&change.key);
                self.parts.remove(&change.key);
            }
        }
    }

    /// Checks that the listed parts equal those of `whole`, an index with all parts and stamps.
    pub(crate) fn parts_agree_with(&self, whole: &Self) -> Result<(), String> {
        for (key, listed) in &self.parts {
            let whole_parts = whole.parts.get(key).cloned().unwrap_or_default();
            let names = |parts: &[(String, _)]| -> Vec<String> {
                parts.iter().map(|(id, _)| id.clone()).collect()
            };
            if names(listed) != names(&whole_parts) {
                return Err(format!("{key}: {listed:?}, and there are {whole_parts:?}"));
            }
            for ((id, stamp), (_, whole_stamp)) in listed.iter().zip(&whole_parts) {
                if stamp.is_some() && stamp != whole_stamp {
                    return Err(format!("{key}, {id}: {stamp:?}, and it is {whole_stamp:?}"));
                }
            }
        }
        Ok(())
    }
}

fn show_project(meta: &ProjectMeta) -> String {
    format!("{:?} {:?}", meta.worktree, meta.observed.stamp)
}

fn show_session(meta: &SessionMeta) -> String {
    let mut meta = meta.clone();
    meta.observed.clean = true;
    format!("{meta:?}")
}

fn show_message(meta: &MessageMeta) -> String {
    let mut meta = meta.clone();
    meta.observed.clean = true;
    meta.parts = None;
    format!("{meta:?}")
}
