//! Merges the lists and surveys of all members, so that each entity appears once.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_source::{
    Entry, Listing, Observation, Probe, Reader, Result, SourceToken, Survey, SurveyItem,
};

use super::outline::SetStamp;
use super::owners::MemberSets;
use super::transaction::{Member, MergedTransaction, mark_copy, note_copy, record_of_copy};
use super::{known_tokens, probe_member};

impl MergedTransaction<'_> {
    /// Lists a scope over all members, without hidden entities, newest first.
    pub(super) fn merge(&mut self, scope: &Scope) -> Result<Listing> {
        let mut lists = Vec::with_capacity(self.members.len());
        for reader in &mut self.owners.readers {
            lists.push(Listing::collect(|visit| reader.scan(scope, visit))?);
        }
        if *scope == Scope::Sessions {
            let records: Vec<_> = lists.iter().map(listed_sessions).collect();
            self.owners.decide_listed(records)?;
        }
        let mut merged = Listing::default();
        let mut positions: HashMap<EntityKey, usize> = HashMap::new();
        let mut copies: Vec<(usize, Entry)> = Vec::new();
        for (at, listing) in lists.into_iter().enumerate() {
            for mut entry in listing.entries {
                match &entry.key {
                    EntityKey::Session(key) if !self.owners.is_listed_visible(at, key)? => {
                        copies.push((self.members[at].number, entry));
                        continue;
                    }
                    EntityKey::Session(_) => {
                        entry.origin = Some(self.members[at].source.id().clone());
                    }
                    // A project belongs to no session: the first member that has it wins.
                    key if positions.contains_key(key) => continue,
                    _ if !self.owners.is_visible(at, &entry)? => continue,
                    _ => {}
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
        // A session's record notes the copies, because provenance names every storage format that has
        // the session.
        let unread: HashSet<&EntityKey> =
            merged.issues.iter().filter_map(|(key, _)| key.as_ref()).collect();
        for (number, copy) in copies {
            let EntityKey::Session(session) = &copy.key else { continue };
            let shown = match positions.get(&copy.key) {
                Some(shown) => *shown,
                None if unread.contains(&copy.key) => continue,
                // The owner may have the session in another project, and so may the first copy.
                None if *scope != Scope::Sessions => {
                    merged.entries.extend(self.lost_record_of(session, number)?);
                    continue;
                }
                None => {
                    let owner = self.owners.owner_of(session)?;
                    let record = record_of_copy(&copy, self.members[owner].source.id());
                    positions.insert(copy.key.clone(), merged.entries.len());
                    merged.entries.push(record);
                    merged.entries.len() - 1
                }
            };
            note_copy(&mut merged.entries[shown], number, &copy);
        }
        if *scope == Scope::Sessions {
            merged.issues.extend(self.loss_issues()?);
        }
        // Each member's list is in order, their concatenation is not. Keys break ties, so that the
        // order does not depend on which member has an entry.
        merged.entries.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
        Ok(merged)
    }

    /// Returns the issues about the copies of sessions that have more than the chosen one.
    fn loss_issues(&mut self) -> Result<Vec<(Option<EntityKey>, Issue)>> {
        let mut issues = Vec::new();
        for session in self.owners.sessions_with_loss() {
            for issue in self.owners.loss_issues(&session)? {
                issues.push((Some(EntityKey::Session(session.clone())), issue));
            }
        }
        Ok(issues)
    }

    /// Checks whether a member's entity or issue counts: no other copy hides its session. A key without
    /// a session counts.
    pub(super) fn is_key_visible(&mut self, at: usize, key: Option<&EntityKey>) -> Result<bool> {
        match key {
            Some(EntityKey::Session(key)) => self.owners.is_listed_visible(at, key),
            Some(EntityKey::Message(key)) => {
                self.owners.is_listed_visible(at, &key.session.clone().into())
            }
            _ => Ok(true),
        }
    }

    /// Surveys all members, without hidden entities.
    pub(super) fn merge_survey(&mut self, survey: &Survey<'_>) -> Result<Vec<SurveyItem>> {
        let mut lists = match survey {
            Survey::Sessions => std::mem::take(&mut self.surveyed_sessions),
            _ => None,
        };
        let is_decided = lists.is_some();
        if lists.is_none() {
            lists = Some(self.survey_members(survey)?);
        }
        let lists = lists.unwrap_or_default();
        match survey {
            Survey::Sessions if !is_decided => {
                let records: Vec<_> = lists.iter().map(|items| surveyed_sessions(items)).collect();
                self.owners.decide_by_records(&records)?;
            }
            Survey::MessageSets | Survey::TableSets => {
                self.decide_by_sets(&lists, &vec![false; lists.len()])?;
            }
            _ => {}
        }
        self.merge_surveys(survey, lists)
    }

    /// Surveys the sets of messages of all members. Leaves out those with a record in a member that is
    /// the same as when a token was issued, and returns their sessions.
    pub(super) fn merge_changed_sets(
        &mut self,
        since: Option<&SourceToken>,
    ) -> Result<(Vec<SurveyItem>, HashSet<SessionKey>)> {
        let unchanged = self.unchanged_members(since)?;
        let mut lists = Vec::with_capacity(unchanged.len());
        for (reader, is_unchanged) in self.owners.readers.iter_mut().zip(&unchanged) {
            // Only its set shows a session without a record.
            let survey = if *is_unchanged { Survey::LostSets } else { Survey::MessageSets };
            lists.push(collect_survey(&mut **reader, &survey)?);
        }
        let records = self.decide_by_sets(&lists, &unchanged)?;
        let mut left_out = HashSet::new();
        for (at, records) in records.into_iter().enumerate().filter(|(at, _)| unchanged[*at]) {
            for session in records {
                if self.owners.is_listed_visible(at, &session)? {
                    left_out.insert(session);
                }
            }
        }
        Ok((self.merge_surveys(&Survey::MessageSets, lists)?, left_out))
    }

    /// Checks which members are the same as when a token of the merged store was issued.
    /// They are probed while the transaction is open, so it reads that same state.
    fn unchanged_members(&self, since: Option<&SourceToken>) -> Result<Vec<bool>> {
        let tokens: Vec<_> = known_tokens(since, self.member_count).collect();
        let is_unchanged = |member: &Member<'_>| match tokens.get(member.number) {
            Some(Some(token)) => {
                let probed = probe_member(&**member.source, Some(token.clone()))?;
                Ok(probed.probe == Probe::Unchanged)
            }
            _ => Ok(false),
        };
        self.members.iter().map(is_unchanged).collect()
    }

    /// Decides the owners of all sessions by their sets. Returns the sessions with records of each
    /// member.
    fn decide_by_sets(
        &mut self,
        lists: &[Vec<SurveyItem>],
        unchanged: &[bool],
    ) -> Result<Vec<HashSet<SessionKey>>> {
        let sessions = self.survey_members(&Survey::Sessions)?;
        let records: Vec<_> = sessions.iter().map(|items| surveyed_sessions(items)).collect();
        let sets = lists.iter().zip(unchanged).map(|(items, is_unchanged)| MemberSets {
            surveyed: surveyed_sets(items),
            is_unchanged: *is_unchanged,
        });
        let sets: Vec<MemberSets> = sets.collect();
        self.owners.decide_surveyed(records.clone(), &sets)?;
        self.surveyed_sessions = Some(sessions);
        Ok(records)
    }

    /// Merges the surveys of all members, without hidden entities.
    fn merge_surveys(
        &mut self,
        survey: &Survey<'_>,
        lists: Vec<Vec<SurveyItem>>,
    ) -> Result<Vec<SurveyItem>> {
        let mut merged: Vec<SurveyItem> = Vec::new();
        let mut projects: HashSet<EntityKey> = HashSet::new();
        let mut records: HashMap<EntityKey, usize> = HashMap::new();
        let mut hidden: Vec<(usize, Observation)> = Vec::new();
        let mut unread: HashSet<EntityKey> = HashSet::new();
        for (at, items) in lists.into_iter().enumerate() {
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
                if let (Survey::Sessions, SurveyItem::Observation(observation)) = (survey, &item) {
                    match visible {
                        true => {
                            records.entry(observation.key.clone()).or_insert(merged.len());
                        }
                        false => hidden.push((self.members[at].number, observation.clone())),
                    }
                }
                if visible {
                    if let SurveyItem::Issue(Some(key), _) = &item {
                        unread.insert(key.clone());
                    }
                    merged.push(item);
                }
            }
        }
        // Hidden records are counted too. A copy that appears or goes away changes the provenance of the
        // session while its own row stays the same, so the copy has to change the stamp, or a refresh
        // would take the record for unchanged. `merge` marks the stamps of records in the same way.
        for (number, copy) in hidden {
            let shown = match records.get(&copy.key) {
                Some(shown) => *shown,
                None if unread.contains(&copy.key) => continue,
                None => {
                    records.insert(copy.key.clone(), merged.len());
                    merged.push(SurveyItem::Observation(copy));
                    merged.len() - 1
                }
            };
            if let SurveyItem::Observation(shown) = &mut merged[shown] {
                mark_copy(&mut shown.stamp, number);
            }
        }
        if let Survey::Sessions = survey {
            let issues = self.loss_issues()?;
            merged.extend(issues.into_iter().map(|(key, issue)| SurveyItem::Issue(key, issue)));
        }
        Ok(merged)
    }

    fn survey_members(&mut self, survey: &Survey<'_>) -> Result<Vec<Vec<SurveyItem>>> {
        let readers = self.owners.readers.iter_mut();
        readers.map(|reader| collect_survey(&mut **reader, survey)).collect()
    }
}

fn collect_survey(reader: &mut dyn Reader, survey: &Survey<'_>) -> Result<Vec<SurveyItem>> {
    let mut items = Vec::new();
    reader.survey(survey, &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

/// Returns the sessions of a list, with those whose records are unreadable.
fn listed_sessions(listing: &Listing) -> HashSet<SessionKey> {
    let entries = listing.entries.iter().map(|entry| Some(&entry.key));
    let keys = entries.chain(listing.issues.iter().map(|(key, _)| key.as_ref()));
    session_keys(keys)
}

/// Returns the sessions of a survey, with those whose records are unreadable.
fn surveyed_sessions(items: &[SurveyItem]) -> HashSet<SessionKey> {
    session_keys(items.iter().map(|item| match item {
        SurveyItem::Observation(observation) => Some(&observation.key),
        SurveyItem::Issue(key, _) => key.as_ref(),
    }))
}

fn session_keys<'k>(keys: impl Iterator<Item = Option<&'k EntityKey>>) -> HashSet<SessionKey> {
    let session = |key: Option<&EntityKey>| match key {
        Some(EntityKey::Session(key)) => Some(key.clone()),
        _ => None,
    };
    keys.filter_map(session).collect()
}

fn surveyed_sets(items: &[SurveyItem]) -> HashMap<SessionKey, SetStamp> {
    let set = |item: &SurveyItem| match item {
        SurveyItem::Observation(Observation {
            key: EntityKey::Session(key),
            stamp,
            settled,
            ..
        }) => Some((key.clone(), (*stamp, *settled))),
        _ => None,
    };
    items.iter().filter_map(set).collect()
}
