//! Merges the lists and surveys of all members, so that each entity appears once.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, Scope};
use scrollback_source::{Listing, Observation, Result, Survey, SurveyItem};

use super::transaction::{MergedTransaction, mark_copy, note_copy};

impl MergedTransaction<'_> {
    /// Lists a scope over all members, without hidden entities, newest first.
    pub(super) fn merge(&mut self, scope: &Scope) -> Result<Listing> {
        let mut merged = Listing::default();
        let mut positions: HashMap<EntityKey, usize> = HashMap::new();
        for at in 0..self.members.len() {
            let listing = Listing::collect(|visit| self.owners.readers[at].scan(scope, visit))?;
            for mut entry in listing.entries {
                // An earlier member listed this key: that entry wins. A session's record notes the
                // copy, because provenance names every storage format that has the session.
                if let Some(first) = positions.get(&entry.key) {
                    note_copy(&mut merged.entries[*first], self.members[at].number, &entry);
                    continue;
                }
                // Not listed before and hidden all the same: an earlier member has the session
                // outside this scope, as in another project, or only as messages.
                if !self.owners.is_visible(at, &entry)? {
                    continue;
                }
                if matches!(entry.key, EntityKey::Session(_)) {
                    entry.origin = Some(self.members[at].source.id().clone());
                }
                positions.insert(entry.key.clone(), merged.entries.len());
                merged.entries.push(entry);
            }
            for (key, issue) in listing.issues {
                if self.is_key_visible(at, key.as_ref())? {
                    merged.issues.push((key, issue));
                }
            }
        }
        // Each member's list is in order, their concatenation is not. Keys break ties, so that the
        // order does not depend on which member has an entry.
        merged.entries.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        Ok(merged)
    }

    /// Checks whether a member's entity or issue counts: no earlier member owns its session. A key
    /// without a session counts.
    pub(super) fn is_key_visible(&mut self, at: usize, key: Option<&EntityKey>) -> Result<bool> {
        match key {
            Some(EntityKey::Session(key)) => Ok(self.owners.owner_of(key)? >= at),
            Some(EntityKey::Message(key)) => {
                Ok(self.owners.owner_of(&key.session.clone().into())? >= at)
            }
            _ => Ok(true),
        }
    }

    /// Surveys all members, without hidden entities.
    pub(super) fn merge_survey(&mut self, survey: &Survey<'_>) -> Result<Vec<SurveyItem>> {
        let mut merged: Vec<SurveyItem> = Vec::new();
        let mut projects: HashSet<EntityKey> = HashSet::new();
        let mut records: HashMap<EntityKey, usize> = HashMap::new();
        for at in 0..self.members.len() {
            let mut items = Vec::new();
            self.owners.readers[at].survey(survey, &mut |item| {
                items.push(item);
                ControlFlow::Continue(())
            })?;
            for item in items {
                let visible = match &item {
                    // A project belongs to no session: the first member that has it wins.
                    SurveyItem::Observation(Observation {
                        key: key @ EntityKey::Project(_),
                        ..
                    }) => projects.insert(key.clone()),
                    SurveyItem::Observation(observation) => {
                        self.is_key_visible(at, Some(&observation.key))?
                    }
                    SurveyItem::Issue(key, _) => self.is_key_visible(at, key.as_ref())?,
                };
                // Hidden records are counted too. A copy that appears or goes away changes the
                // provenance of the session while its own row stays the same, so the copy has to
                // change the stamp, or a refresh would take the record for unchanged. `merge` marks
                // the stamps of records in the same way.
                if let (Survey::Sessions, SurveyItem::Observation(observation)) = (survey, &item) {
                    match records.get(&observation.key) {
                        Some(first) => {
                            if let SurveyItem::Observation(first) = &mut merged[*first] {
                                mark_copy(&mut first.stamp, self.members[at].number);
                            }
                        }
                        None if visible => {
                            records.insert(observation.key.clone(), merged.len());
                        }
                        None => {}
                    }
                }
                if visible {
                    merged.push(item);
                }
            }
        }
        Ok(merged)
    }
}
