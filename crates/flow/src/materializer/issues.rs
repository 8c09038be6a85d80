//! The issues of a store: those of the last reads, and those that the index itself shows.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, MessageId, SessionId};
use scrollback_core_type::{StageIssue, StageName};
use scrollback_index::View;

use super::dirty::Dirty;
use super::state::SessionMaterializer;
use crate::indexing::kept_issues;

impl SessionMaterializer {
    /// Returns the issues of the store as far as it was read, in any order.
    ///
    /// A record that could not be read is read again by each refresh, which reports its issue again. All
    /// other issues are in the index, so a warm start reports them without reading.
    pub fn issues(&self) -> Vec<StageIssue> {
        let mut issues = self.lock_found_issues().clone();
        let view = self.view();
        let known: HashSet<&Option<EntityKey>> = issues.iter().map(|issue| &issue.key).collect();
        // A session whose record cannot be read has an issue that says so.
        let mut kept = self.orphans(&view);
        kept.retain(|kept| !known.contains(&kept.key));
        for (key, text) in view.kept_issues() {
            let path = self.source.locate(&key);
            kept.extend(kept_issues(&text).into_iter().map(|mut issue| {
                issue.place.path.clone_from(&path);
                StageIssue { stage: StageName::Index, key: Some(key.clone()), issue }
            }));
        }
        issues.extend(kept);
        issues
    }

    /// Returns one issue for each session that has messages and no record.
    fn orphans(&self, view: &View) -> Vec<StageIssue> {
        let orphans = view.sessions_without_record().into_iter().filter(|(_, count)| *count > 0);
        let issue = |(id, count): (SessionId, u64)| {
            let place = Place { path: self.locate_messages(view, &id), ..Place::default() };
            let kind = IssueKind::OrphanMessages { count: usize::try_from(count).ok()? };
            let (key, issue) = (Some(EntityKey::Session(id.into())), Issue::new(place, kind));
            Some(StageIssue { stage: StageName::Index, key, issue })
        };
        orphans.filter_map(issue).collect()
    }

    /// Returns the directory or file that has the messages of a session without a record.
    fn locate_messages(&self, view: &View, session: &SessionId) -> Option<PathBuf> {
        let first = view.observed_messages(session)?.0.into_iter().next()?;
        let key = view.message(&first)?.key.clone();
        let path = self.source.locate(&EntityKey::Message(key))?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => Some(parent.to_owned()),
            _ => Some(path),
        }
    }

    /// Replaces the issues of all reads by those of a refresh, which read everything that had issues.
    pub(super) fn replace_found_issues(&self, issues: &[StageIssue]) {
        // Several steps of a refresh can meet the same directory.
        let mut known = HashSet::with_capacity(issues.len());
        let unique = issues.iter().filter(|issue| known.insert(*issue)).cloned().collect();
        *self.lock_found_issues() = unique;
    }

    /// Replaces the issues of records that were verified by those of the verification.
    pub(super) fn update_found_issues(&self, verified: &Dirty, issues: &[StageIssue]) {
        let mut found = self.lock_found_issues();
        if found.is_empty() && issues.is_empty() {
            return;
        }
        let verified = VerifiedKeys::new(verified);
        found.retain(|found| !found.key.as_ref().is_some_and(|key| verified.contains(key)));
        let mut known: HashSet<&StageIssue> = found.iter().collect();
        let new: Vec<StageIssue> =
            issues.iter().filter(|issue| known.insert(issue)).cloned().collect();
        found.extend(new);
    }

    fn lock_found_issues(&self) -> MutexGuard<'_, Vec<StageIssue>> {
        self.found_issues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of records that a verification read.
struct VerifiedKeys<'d> {
    sessions: HashSet<&'d SessionId>,
    messages: HashSet<&'d MessageId>,
    records: HashSet<&'d EntityKey>,
}

impl<'d> VerifiedKeys<'d> {
    fn new(dirty: &'d Dirty) -> Self {
        Self {
            sessions: dirty.sessions.iter().map(|key| &key.session).collect(),
            messages: dirty.messages.iter().collect(),
            records: dirty.records.iter().collect(),
        }
    }

    fn contains(&self, key: &EntityKey) -> bool {
        self.records.contains(key)
            || match key {
                EntityKey::Session(key) => self.sessions.contains(&key.session),
                EntityKey::Message(key) => {
                    self.sessions.contains(&key.session) || self.messages.contains(&key.message)
                }
                _ => false,
            }
    }
}
