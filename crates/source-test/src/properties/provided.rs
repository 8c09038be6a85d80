//! The provided methods of a reader: a store may override them, and their results stay the same.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, MessageId, Scope, SourceId};
use scrollback_source::{
    DirtyScope, Entry, Reader, Result, ScanVisitor, Source, Survey, SurveyVisitor, WatchRoot,
};

use super::{bytes, sessions};
use crate::Expectations;
use crate::calls::{orphans, session_key, tree};

/// A store that has the required methods of its inner store only.
struct RequiredMethodsSource<'s>(&'s dyn Source);

impl Source for RequiredMethodsSource<'_> {
    fn id(&self) -> &SourceId {
        self.0.id()
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        self.0.clock()
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(RequiredMethodsReader(self.0.open()?)))
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        self.0.watch_plan()
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        self.0.scope_of_path(path)
    }
}

struct RequiredMethodsReader<'r>(Box<dyn Reader + 'r>);

impl Reader for RequiredMethodsReader<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.0.clock()
    }

    fn scan(&mut self, scope: &Scope, visitor: &mut ScanVisitor<'_>) -> Result<()> {
        self.0.scan(scope, visitor)
    }

    fn survey(&mut self, survey: &Survey<'_>, visitor: &mut SurveyVisitor<'_>) -> Result<()> {
        self.0.survey(survey, visitor)
    }

    fn spans(&mut self, keys: &[EntityKey], visitor: &mut ScanVisitor<'_>) -> Result<()> {
        self.0.spans(keys, visitor)
    }
}

/// `tree`, `has_session` and `orphans` return the same as their defaults, which use the required
/// methods only.
pub fn provided_methods_agree_with_the_required_ones(store: &dyn Source, _: &Expectations) {
    let required = RequiredMethodsSource(store);
    let records = |entries: &[Entry]| -> Vec<_> {
        entries
            .iter()
            .map(|entry| (entry.key.clone(), entry.order, bytes(entry).to_vec()))
            .collect()
    };
    for session in sessions(store).into_iter().chain([session_key("ses_gone")]) {
        let (direct, derived) = (tree(store, &session), tree(&required, &session));
        assert_eq!(records(&direct.entries), records(&derived.entries), "{session}");
        assert!(derived.issues.is_empty());
        let holds = |store: &dyn Source| store.open().unwrap().has_session(&session).unwrap();
        assert_eq!(holds(store), holds(&required), "{session}");
    }
    assert_eq!(orphan_records(store), orphan_records(&required));
}

/// Returns the orphans without the parts of orphaned messages, because a store may return such parts
/// with their message.
fn orphan_records(store: &dyn Source) -> Vec<(EntityKey, Vec<u8>)> {
    let all = orphans(store).entries;
    let messages: HashSet<MessageId> =
        all.iter().filter_map(|entry| message_of(&entry.key)).collect();
    let is_with_message = |key: &EntityKey| match key {
        EntityKey::Part(key) => messages.contains(&key.message),
        _ => false,
    };
    let orphans = all.iter().filter(|entry| !is_with_message(&entry.key));
    let mut orphans: Vec<_> =
        orphans.map(|entry| (entry.key.clone(), bytes(entry).to_vec())).collect();
    orphans.sort_unstable();
    orphans
}

fn message_of(key: &EntityKey) -> Option<MessageId> {
    match key {
        EntityKey::Message(key) => Some(key.message.clone()),
        _ => None,
    }
}
