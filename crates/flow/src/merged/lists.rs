//! What all stores list, put together.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_id::{EntityKey, Scope};
use scrollback_source::{Listing, Observation, Result, Survey, SurveyItem};

use super::transaction::{MergedTransaction, mark_copy, note_copy};

impl MergedTransaction<'_> {
    /// What a scope holds in all stores that counts, newest first.
    pub(super) fn merge(&mut self, scope: &Scope) -> Result<Listing> {
        let mut merged = Listing::default();
        let mut positions: HashMap<EntityKey, usize> = HashMap::new();
        for at in 0..self.members.len() {
            let listing = Listing::collect(|visit| self.owners.readers[at].scan(scope, visit))?;
            for mut entry in listing.entries {
                if let Some(first) = positions.get(&entry.key) {
                    note_copy(&mut merged.entries[*first], self.members[at].number, &entry);
                    continue;
                }
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
        merged.entries.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        Ok(merged)
    }

    /// Whether what is wrong in this store matters: not if a store before it has the session.
    pub(super) fn is_key_visible(&mut self, at: usize, key: Option<&EntityKey>) -> Result<bool> {
        match key {
            Some(EntityKey::Session(key)) => Ok(self.owners.owner_of(key)? >= at),
            Some(EntityKey::Message(key)) => {
                Ok(self.owners.owner_of(&key.session.clone().into())? >= at)
            }
            _ => Ok(true),
        }
    }

    /// Sightings in all stores that count.
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
                    SurveyItem::Observation(Observation {
                        key: key @ EntityKey::Project(_),
                        ..
                    }) => projects.insert(key.clone()),
                    SurveyItem::Observation(observation) => {
                        self.is_key_visible(at, Some(&observation.key))?
                    }
                    SurveyItem::Issue(key, _) => self.is_key_visible(at, key.as_ref())?,
                };
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
