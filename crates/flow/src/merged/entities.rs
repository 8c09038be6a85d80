//! Reads single entities of a merged store from the member that holds them.

use std::ops::ControlFlow;
use std::path::PathBuf;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_source::{Entry, Listing, Reader, Result, ScanItem, ScanVisitor};

use super::transaction::{MergedTransaction, note_copy, record_of_copy, with_origin};

impl MergedTransaction<'_> {
    /// Returns the file of an entity, for people.
    ///
    /// The owner of the session answers. For an entity whose key names no session, the first member
    /// that has the entity answers, readable or not.
    pub(super) fn locate(&mut self, key: &EntityKey) -> Option<PathBuf> {
        let session = match key {
            EntityKey::Session(session) | EntityKey::Todo(session) | EntityKey::Share(session) => {
                Some(session.clone())
            }
            EntityKey::Message(message) => Some(message.session.clone().into()),
            EntityKey::Item(item) => Some(item.session.clone().into()),
            _ => None,
        };
        if let Some(session) = session {
            let owner = self.owners.owner_of(&session).ok()?;
            return self.members[owner].source.locate(key);
        }
        let members = self.members.iter().map(|member| member.source);
        let members = members.zip(&mut self.owners.readers);
        let diffs = self.diff_readers.iter_mut().map(|(source, reader)| (*source, reader));
        let mut all = members.chain(diffs);
        // Without a holder the first member names the place where the entity would be.
        let holder =
            all.find_map(|(source, reader)| has_entity(&mut **reader, key).then_some(source));
        holder.unwrap_or(self.members.first()?.source).locate(key)
    }

    /// Reads one entity from the member that owns its session, and passes it to `visit`.
    ///
    /// If the owner is unknown (a project, or a part of a message that was not listed), all members
    /// are tried in order.
    pub(super) fn visit_span(
        &mut self,
        key: &EntityKey,
        visit: &mut ScanVisitor<'_>,
    ) -> Result<ControlFlow<()>> {
        if let EntityKey::Session(session) = key {
            let issues = self.owners.loss_issues(session)?.into_iter();
            let mut issues = issues.map(|issue| ScanItem::Issue(Some(key.clone()), issue));
            if issues.try_for_each(&mut *visit).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let owner = match key {
            EntityKey::Session(session) | EntityKey::Todo(session) | EntityKey::Share(session) => {
                Some(self.owners.owner_of(session)?)
            }
            EntityKey::Message(message) => {
                Some(self.owners.owner_of(&message.session.clone().into())?)
            }
            EntityKey::Item(item) => Some(self.owners.owner_of(&item.session.clone().into())?),
            EntityKey::Part(part) => self.owners.cached_owner_of_message(&part.message),
            EntityKey::Diff(session) => return self.visit_diff(session, visit),
            _ => None,
        };
        let from = owner.unwrap_or(0);
        let to = owner.map_or(self.members.len(), |owner| owner + 1);
        let mut vanished = None;
        for at in from..to {
            let Listing { entries, issues, .. } = self.read_from_member(at, key)?;
            for mut entry in entries {
                if !self.owners.is_visible(at, &entry)? {
                    continue;
                }
                if matches!(key, EntityKey::Session(_)) {
                    self.note_origin_and_copies(at, &mut entry)?;
                }
                // The issues first, then as much of the entity as could be read.
                let issues = issues.into_iter().map(|(key, issue)| ScanItem::Issue(key, issue));
                return Ok(issues.chain([ScanItem::Entry(entry)]).try_for_each(visit));
            }
            let (gone, unread): (Vec<_>, Vec<_>) =
                issues.into_iter().partition(|(_, issue)| issue.is_vanished());
            // An unreadable entity exists, so it hides the copies of later members. Each issue counts:
            // it may name a directory that may have the entity.
            if !unread.is_empty() {
                let mut unread = unread.into_iter().map(|(key, issue)| ScanItem::Issue(key, issue));
                return Ok(unread.try_for_each(visit));
            }
            // A vanished entity hides no copy: the next member is tried.
            vanished = vanished.or_else(|| gone.into_iter().next().map(|(_, issue)| issue));
        }
        if let EntityKey::Session(session) = key {
            let hidden = self.read_hidden_records(session)?;
            if let Some(record) = self.record_of_copies(session, &hidden)? {
                return Ok(visit(ScanItem::Entry(record)));
            }
        }
        let issue = vanished.unwrap_or_else(|| Issue::new(Place::default(), IssueKind::Vanished));
        Ok(visit(ScanItem::Issue(Some(key.clone()), issue)))
    }

    /// Reads the diffs of a session from its owner, or else from the first store that has them, and
    /// passes them to `visit`.
    ///
    /// The owner is not enough here: opencode keeps the diffs of sessions in a database as files,
    /// which are another store.
    fn visit_diff(
        &mut self,
        session: &SessionKey,
        visit: &mut ScanVisitor<'_>,
    ) -> Result<ControlFlow<()>> {
        let key = EntityKey::Diff(session.clone());
        let vanished = || Issue::new(Place::default(), IssueKind::Vanished);
        let mut last = self.unread_diffs.clone().unwrap_or_else(vanished);
        let owner = self.owners.owner_of(session)?;
        let diffs = self.diff_readers.iter_mut().map(|(_, reader)| reader);
        let (before, rest) = self.owners.readers.split_at_mut(owner);
        let (owner, after) = rest.split_at_mut(1);
        let readers = owner.iter_mut().chain(before).chain(after).chain(diffs);
        for reader in readers {
            let listing =
                Listing::collect(|visit| reader.spans(std::slice::from_ref(&key), visit))?;
            if let Some(entry) = listing.entries.into_iter().next() {
                return Ok(visit(ScanItem::Entry(entry)));
            }
            if let Some((_, issue)) =
                listing.issues.into_iter().find(|(_, issue)| !issue.is_vanished())
            {
                last = issue;
            }
        }
        Ok(visit(ScanItem::Issue(Some(key), last)))
    }

    /// Sets the origin of a session's record, and notes the copies in other members.
    fn note_origin_and_copies(&mut self, owner: usize, entry: &mut Entry) -> Result<()> {
        entry.origin = Some(self.members[owner].source.id().clone());
        if let EntityKey::Session(session) = &entry.key.clone() {
            for (number, copy) in self.read_hidden_records(session)? {
                note_copy(entry, number, &copy);
            }
        }
        Ok(())
    }

    /// Reads the records of a session in the members that do not own it.
    fn read_hidden_records(&mut self, session: &SessionKey) -> Result<Vec<(usize, Entry)>> {
        if self.is_single() {
            return Ok(Vec::new());
        }
        let ownership = self.owners.ownership_of(session)?;
        let key = EntityKey::Session(session.clone());
        let mut hidden = Vec::new();
        for at in ownership.holders.iter().filter(|at| Some(**at) != ownership.owner) {
            let number = self.members[*at].number;
            let entries = self.read_from_member(*at, &key)?.entries;
            hidden.extend(entries.into_iter().map(|entry| (number, entry)));
        }
        Ok(hidden)
    }

    /// Returns the record of another copy, for a session whose owner has none. `hidden` has the records
    /// of the copies.
    fn record_of_copies(
        &mut self,
        session: &SessionKey,
        hidden: &[(usize, Entry)],
    ) -> Result<Option<Entry>> {
        let Some((_, first)) = hidden.first() else { return Ok(None) };
        let owner = self.owners.owner_of(session)?;
        let mut record = record_of_copy(first, self.members[owner].source.id());
        hidden.iter().for_each(|(number, copy)| note_copy(&mut record, *number, copy));
        Ok(Some(record))
    }

    /// Checks whether the owner of a session lost the session's record.
    fn has_lost_record(&mut self, session: &SessionKey) -> Result<bool> {
        let owner = self.owners.owner_of(session)?;
        let own = self.read_from_member(owner, &EntityKey::Session(session.clone()))?;
        Ok(own.entries.is_empty() && own.issues.iter().all(|(_, issue)| issue.is_vanished()))
    }

    /// Returns the record of another copy if the owner of a session lost its own, and this member is the
    /// first that has one.
    pub(super) fn lost_record_of(
        &mut self,
        session: &SessionKey,
        number: usize,
    ) -> Result<Option<Entry>> {
        let hidden = self.read_hidden_records(session)?;
        match hidden.first() {
            Some((first, _)) if *first == number && self.has_lost_record(session)? => {
                self.record_of_copies(session, &hidden)
            }
            _ => Ok(None),
        }
    }

    /// Calls `read` on the owner of a session. The session's record gets its origin and the notes
    /// about the copies in other members. Issues about these copies come first.
    pub(super) fn read_from_owner<T>(
        &mut self,
        session: &SessionKey,
        visit: &mut ScanVisitor<'_>,
        read: impl FnOnce(&mut dyn Reader, &mut ScanVisitor<'_>) -> Result<T>,
    ) -> Result<T> {
        let owner = self.owners.owner_of(session)?;
        let hidden = self.read_hidden_records(session)?;
        let key = EntityKey::Session(session.clone());
        let mut is_stopped = false;
        for issue in self.owners.loss_issues(session)? {
            is_stopped = is_stopped || visit(ScanItem::Issue(Some(key.clone()), issue)).is_break();
        }
        if !is_stopped
            && !hidden.is_empty()
            && self.has_lost_record(session)?
            && let Some(record) = self.record_of_copies(session, &hidden)?
        {
            is_stopped = visit(ScanItem::Entry(record)).is_break();
        }
        let origin = self.members[owner].source.id();
        read(&mut *self.owners.readers[owner], &mut |item| {
            if is_stopped {
                return ControlFlow::Break(());
            }
            let mut item = with_origin(item, origin);
            if let ScanItem::Entry(entry) = &mut item {
                hidden.iter().for_each(|(number, copy)| note_copy(entry, *number, copy));
            }
            visit(item)
        })
    }

    /// Returns the owner of the first key, and the number of keys in a row that the same member
    /// owns. `None` if the first key has to be read by itself: its owner is unknown, or it is a
    /// session's record, which needs notes about copies.
    ///
    /// A run of messages or parts goes to its owner in one call, because a call in bulk is cheaper
    /// than a call for each key.
    pub(super) fn next_owner_run(&mut self, keys: &[EntityKey]) -> Result<Option<(usize, usize)>> {
        let mut owner = None;
        for (at, key) in keys.iter().enumerate() {
            let key_owner = match key {
                EntityKey::Message(message) => {
                    Some(self.owners.owner_of(&message.session.clone().into())?)
                }
                EntityKey::Part(part) => self.owners.cached_owner_of_message(&part.message),
                _ => None,
            };
            match (key_owner, owner) {
                (Some(key_owner), None) => owner = Some(key_owner),
                (Some(key_owner), Some(run_owner)) if key_owner == run_owner => {}
                _ => return Ok(owner.map(|owner| (owner, at))),
            }
        }
        Ok(owner.map(|owner| (owner, keys.len())))
    }
}

/// Checks whether a reader has an entity, even an unreadable one. A failed call counts as present.
fn has_entity(reader: &mut dyn Reader, key: &EntityKey) -> bool {
    let mut exists = false;
    let result = reader.spans(std::slice::from_ref(key), &mut |item| {
        exists |= match item {
            ScanItem::Entry(_) => true,
            ScanItem::Issue(_, issue) => !issue.is_vanished(),
            ScanItem::Set(_) => false,
        };
        ControlFlow::Continue(())
    });
    exists || result.is_err()
}
