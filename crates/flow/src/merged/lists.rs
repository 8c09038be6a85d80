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
        let mut all = Listing::default();
        let mut there: HashMap<EntityKey, usize> = HashMap::new();
        for at in 0..self.members.len() {
            let listing = Listing::collect(|each| self.owners.readers[at].scan(scope, each))?;
            for mut entry in listing.entries {
                if let Some(first) = there.get(&entry.key) {
                    note_copy(&mut all.entries[*first], self.members[at].number, &entry);
                    continue;
                }
                if !self.owners.is_visible(at, &entry)? {
                    continue;
                }
                if matches!(entry.key, EntityKey::Session(_)) {
                    entry.origin = Some(self.members[at].source.id().clone());
                }
                there.insert(entry.key.clone(), all.entries.len());
                all.entries.push(entry);
            }
            for (key, issue) in listing.issues {
                if self.is_key_visible(at, key.as_ref())? {
                    all.issues.push((key, issue));
                }
            }
        }
        all.entries.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        Ok(all)
    }

    /// Whether what is wrong in this store matters: not if a store before it has the session.
    pub(super) fn is_key_visible(&mut self, at: usize, about: Option<&EntityKey>) -> Result<bool> {
        match about {
            Some(EntityKey::Session(key)) => Ok(self.owners.owner_of(key)? >= at),
            Some(EntityKey::Message(key)) => {
                Ok(self.owners.owner_of(&key.session.clone().into())? >= at)
            }
            _ => Ok(true),
        }
    }

    /// Sightings in all stores that count.
    pub(super) fn merge_survey(&mut self, what: &Survey<'_>) -> Result<Vec<SurveyItem>> {
        let mut all: Vec<SurveyItem> = Vec::new();
        let mut projects: HashSet<EntityKey> = HashSet::new();
        let mut records: HashMap<EntityKey, usize> = HashMap::new();
        for at in 0..self.members.len() {
            let mut seen = Vec::new();
            self.owners.readers[at].survey(what, &mut |it| {
                seen.push(it);
                ControlFlow::Continue(())
            })?;
            for it in seen {
                let counts = match &it {
                    SurveyItem::Observation(Observation {
                        key: key @ EntityKey::Project(_),
                        ..
                    }) => projects.insert(key.clone()),
                    SurveyItem::Observation(sighting) => {
                        self.is_key_visible(at, Some(&sighting.key))?
                    }
                    SurveyItem::Issue(key, _) => self.is_key_visible(at, key.as_ref())?,
                };
                if let (Survey::Sessions, SurveyItem::Observation(seen)) = (what, &it) {
                    match records.get(&seen.key) {
                        Some(first) => {
                            if let SurveyItem::Observation(first) = &mut all[*first] {
                                mark_copy(&mut first.stamp, self.members[at].number);
                            }
                        }
                        None if counts => {
                            records.insert(seen.key.clone(), all.len());
                        }
                        None => {}
                    }
                }
                if counts {
                    all.push(it);
                }
            }
        }
        Ok(all)
    }
}
