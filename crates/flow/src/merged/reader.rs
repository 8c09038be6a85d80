//! Implements `Reader` for a merged store. A call about one session goes to the owner of the session;
//! a call about the whole store is merged.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, MessageKey, Scope, SessionKey, SourceId};
use scrollback_source::{
    BorrowedVisitor, Listing, Reader, Result, ResumeResult, ResumeToken, ScanItem, ScanVisitor,
    SourceToken, Survey, SurveyVisitor, borrow_from_scan,
};
use scrollback_stor_mmap::MappedSpan;

use super::transaction::{MergedTransaction, with_origin};

impl Reader for MergedTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.clock
    }

    fn scan(&mut self, scope: &Scope, visit: &mut ScanVisitor<'_>) -> Result<()> {
        match scope {
            Scope::Messages(session) | Scope::MessageNames(session) | Scope::Items(session) => {
                let owner = self.owners.owner_of(session)?;
                self.owners.readers[owner].scan(scope, visit)
            }
            Scope::Parts(message) => {
                let session = SessionKey::from(message.session.clone());
                let owner = self.owners.owner_of_message(&message.message, &session)?;
                self.owners.readers[owner].scan(scope, visit)
            }
            // With one member nothing can be hidden, so the list streams without being collected.
            _ if self.is_single() => {
                let origin = self.members[0].source.id();
                self.owners.readers[0].scan(scope, &mut |item| visit(with_origin(item, origin)))
            }
            Scope::AllParts => self.scan_all_parts(visit),
            _ => {
                let Listing { entries, issues, .. } = self.merge(scope)?;
                let issues = issues.into_iter().map(|(key, issue)| ScanItem::Issue(key, issue));
                let _ = issues.chain(entries.into_iter().map(ScanItem::Entry)).try_for_each(visit);
                Ok(())
            }
        }
    }

    fn scan_borrowed(&mut self, scope: &Scope, visit: &mut BorrowedVisitor<'_>) -> Result<()> {
        match scope {
            Scope::Messages(session) => {
                let owner = self.owners.owner_of(session)?;
                self.owners.readers[owner].scan_borrowed(scope, visit)
            }
            _ if self.is_single() => self.owners.readers[0].scan_borrowed(scope, visit),
            _ => borrow_from_scan(self, scope, visit),
        }
    }

    fn survey(&mut self, survey: &Survey<'_>, visit: &mut SurveyVisitor<'_>) -> Result<()> {
        let owner = match survey {
            Survey::Messages(session) | Survey::TheseMessages(session, _) => {
                self.owners.owner_of(session)?
            }
            Survey::Parts(message) => {
                self.owners.owner_of_message(&message.message, &message.session.clone().into())?
            }
            _ if self.is_single() => 0,
            Survey::PartSets(messages) => return self.survey_part_sets(messages, visit),
            _ => {
                let _ = self.merge_survey(survey)?.into_iter().try_for_each(visit);
                return Ok(());
            }
        };
        self.owners.readers[owner].survey(survey, visit)
    }

    fn survey_changed_sets(
        &mut self,
        since: Option<&SourceToken>,
        visit: &mut SurveyVisitor<'_>,
    ) -> Result<HashSet<SessionKey>> {
        if self.is_single() {
            return self.owners.readers[0].survey_changed_sets(None, visit);
        }
        let (items, left_out) = self.merge_changed_sets(since)?;
        let _ = items.into_iter().try_for_each(visit);
        Ok(left_out)
    }

    fn spans(&mut self, keys: &[EntityKey], visit: &mut ScanVisitor<'_>) -> Result<()> {
        let mut rest = keys;
        while let Some(first) = rest.first() {
            let mut stopped = false;
            let count = match self.next_owner_run(rest)? {
                Some((owner, count)) => {
                    self.owners.readers[owner].spans(&rest[..count], &mut |item| {
                        let flow = visit(item);
                        stopped = flow.is_break();
                        flow
                    })?;
                    count
                }
                None => {
                    stopped = self.visit_span(first, visit)?.is_break();
                    1
                }
            };
            if stopped {
                break;
            }
            rest = &rest[count..];
        }
        Ok(())
    }

    fn tree(&mut self, session: &SessionKey, visit: &mut ScanVisitor<'_>) -> Result<()> {
        self.read_from_owner(session, visit, |reader, visit| reader.tree(session, visit))
    }

    /// Resumes in the owner of the session. A member refuses the token of another member, which
    /// happens after a session has moved; the session is then read anew.
    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        visit: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        self.read_from_owner(session, visit, |reader, visit| reader.resume(session, since, visit))
    }

    fn step_parts(&mut self, message: &MessageKey, visit: &mut ScanVisitor<'_>) -> Result<()> {
        let owner = self.owners.owner_of(&message.session.clone().into())?;
        self.owners.readers[owner].step_parts(message, visit)
    }

    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        let owner = match key {
            EntityKey::Message(message) => {
                Some(self.owners.owner_of(&message.session.clone().into())?)
            }
            EntityKey::Item(item) => Some(self.owners.owner_of(&item.session.clone().into())?),
            EntityKey::Part(part) => self.owners.cached_owner_of_message(&part.message),
            _ => return Ok(None),
        };
        // Every member is tried for a part whose message was not listed before: its owner is unknown.
        let from = owner.unwrap_or(0);
        let to = owner.map_or(self.members.len(), |owner| owner + 1);
        for reader in &mut self.owners.readers[from..to] {
            if let Some(raw) = reader.raw(key)? {
                return Ok(Some(raw));
            }
        }
        Ok(None)
    }

    fn native(&mut self, session: &SessionKey) -> Result<Option<MappedSpan>> {
        let owner = self.owners.owner_of(session)?;
        self.owners.readers[owner].native(session)
    }

    fn origin(&mut self, session: &SessionKey) -> Result<Option<SourceId>> {
        let owner = self.owners.owner_of(session)?;
        Ok(Some(self.members[owner].source.id().clone()))
    }

    fn format_rank(&mut self, session: &SessionKey) -> Result<u32> {
        let owner = self.owners.owner_of(session)?;
        self.owners.readers[owner].format_rank(session)
    }

    fn has_session(&mut self, session: &SessionKey) -> Result<bool> {
        let owner = self.owners.owner_of(session)?;
        self.owners.readers[owner].has_session(session)
    }

    fn attachments(&mut self, visit: &mut ScanVisitor<'_>) -> Result<()> {
        let diff_readers = self.diff_readers.iter_mut().map(|(_, reader)| reader);
        for reader in self.owners.readers.iter_mut().chain(diff_readers) {
            let mut flow = ControlFlow::Continue(());
            reader.attachments(&mut |item| {
                flow = visit(item);
                flow
            })?;
            if flow.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn orphans(&mut self, visit: &mut ScanVisitor<'_>) -> Result<()> {
        for at in 0..self.members.len() {
            let listing = Listing::collect(|visit| self.owners.readers[at].orphans(visit))?;
            for (key, issue) in listing.issues {
                if self.is_key_visible(at, key.as_ref())?
                    && visit(ScanItem::Issue(key, issue)).is_break()
                {
                    return Ok(());
                }
            }
            for entry in listing.entries {
                if self.owners.is_visible(at, &entry)? && visit(ScanItem::Entry(entry)).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl MergedTransaction<'_> {
    /// Surveys the part sets of messages, with one call for each run of messages of one session.
    fn survey_part_sets(
        &mut self,
        messages: &[MessageKey],
        visit: &mut SurveyVisitor<'_>,
    ) -> Result<()> {
        let mut rest = messages;
        while let Some(first) = rest.first() {
            let session = SessionKey::from(first.session.clone());
            let same = rest.iter().take_while(|key| key.session == first.session).count();
            let (keys, after) = rest.split_at(same);
            for key in keys {
                self.owners.owner_of_message(&key.message, &session)?;
            }
            let owner = self.owners.owner_of(&session)?;
            let mut stopped = false;
            self.owners.readers[owner].survey(&Survey::PartSets(keys), &mut |item| {
                let flow = visit(item);
                stopped = flow.is_break();
                flow
            })?;
            if stopped {
                return Ok(());
            }
            rest = after;
        }
        Ok(())
    }

    /// Scans the parts of the whole store member by member, without the parts of hidden sessions.
    ///
    /// Parts are passed on as they come and are not collected, because a store has many.
    fn scan_all_parts(&mut self, visit: &mut ScanVisitor<'_>) -> Result<()> {
        // Decided first: no owner can be determined while a reader is scanning.
        self.owners.decide_whole_store()?;
        let (readers, owners) = self.owners.split();
        for (at, reader) in readers.iter_mut().enumerate() {
            let mut stopped = false;
            reader.scan(&Scope::AllParts, &mut |item| {
                let is_visible =
                    session_of(&item).is_none_or(|session| owners.is_visible(at, &session));
                let flow = if is_visible { visit(item) } else { ControlFlow::Continue(()) };
                stopped = flow.is_break();
                flow
            })?;
            if stopped {
                break;
            }
        }
        Ok(())
    }
}

fn session_of(item: &ScanItem) -> Option<SessionKey> {
    match item {
        ScanItem::Entry(entry) => super::ownership::session_of(entry),
        _ => None,
    }
}
