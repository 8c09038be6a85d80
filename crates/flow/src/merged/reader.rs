//! The calls of a reader: whatever is about a session is asked of the member that it is of.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, MessageKey, Scope, SessionKey};
use scrollback_source::{
    BorrowedVisitor, Listing, Reader, Result, ResumeResult, ResumeToken, ScanItem, ScanVisitor,
    Survey, SurveyVisitor, borrow_from_scan,
};
use scrollback_stor_mmap::MappedSpan;

use super::owners::first_with_session;
use super::transaction::{MergedTransaction, with_origin};

impl Reader for MergedTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        self.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut ScanVisitor<'_>) -> Result<()> {
        match scope {
            Scope::Messages(of) | Scope::MessageNames(of) | Scope::Items(of) => {
                let owner = self.owners.owner_of(of)?;
                self.owners.readers[owner].scan(scope, each)
            }
            Scope::Parts(of) => {
                let session = SessionKey::from(of.session.clone());
                let owner = self.owners.owner_of_message(&of.message, &session)?;
                self.owners.readers[owner].scan(scope, each)
            }
            _ if self.is_single() => {
                let origin = self.members[0].source.id();
                self.owners.readers[0].scan(scope, &mut |found| each(with_origin(found, origin)))
            }
            Scope::AllParts => self.scan_all_parts(each),
            _ => {
                let Listing { entries, issues, .. } = self.merge(scope)?;
                let issues = issues.into_iter().map(|(key, issue)| ScanItem::Issue(key, issue));
                let _ = issues.chain(entries.into_iter().map(ScanItem::Entry)).try_for_each(each);
                Ok(())
            }
        }
    }

    fn scan_borrowed(&mut self, scope: &Scope, each: &mut BorrowedVisitor<'_>) -> Result<()> {
        match scope {
            Scope::Messages(of) => {
                let owner = self.owners.owner_of(of)?;
                self.owners.readers[owner].scan_borrowed(scope, each)
            }
            _ if self.is_single() => self.owners.readers[0].scan_borrowed(scope, each),
            _ => borrow_from_scan(self, scope, each),
        }
    }

    fn survey(&mut self, what: &Survey<'_>, each: &mut SurveyVisitor<'_>) -> Result<()> {
        let owner = match what {
            Survey::Messages(of) | Survey::TheseMessages(of, _) => self.owners.owner_of(of)?,
            Survey::Parts(of) => {
                self.owners.owner_of_message(&of.message, &of.session.clone().into())?
            }
            _ if self.is_single() => 0,
            Survey::PartSets(of) => return self.survey_part_sets(of, each),
            _ => {
                let _ = self.merge_survey(what)?.into_iter().try_for_each(each);
                return Ok(());
            }
        };
        self.owners.readers[owner].survey(what, each)
    }

    fn spans(&mut self, keys: &[EntityKey], each: &mut ScanVisitor<'_>) -> Result<()> {
        let mut rest = keys;
        while let Some(first) = rest.first() {
            let mut over = false;
            let taken = match self.next_owner_run(rest)? {
                Some((owner, count)) => {
                    self.owners.readers[owner].spans(&rest[..count], &mut |found| {
                        let flow = each(found);
                        over = flow.is_break();
                        flow
                    })?;
                    count
                }
                None => {
                    over = self.visit_span(first, each)?.is_break();
                    1
                }
            };
            if over {
                break;
            }
            rest = &rest[taken..];
        }
        Ok(())
    }

    fn tree(&mut self, session: &SessionKey, each: &mut ScanVisitor<'_>) -> Result<()> {
        self.read_from_owner(session, each, |reader, each| reader.tree(session, each))
    }

    /// Asks the store that the session is of. It refuses the token of another one.
    fn resume(
        &mut self,
        session: &SessionKey,
        since: &ResumeToken,
        each: &mut ScanVisitor<'_>,
    ) -> Result<ResumeResult> {
        self.read_from_owner(session, each, |reader, each| reader.resume(session, since, each))
    }

    fn raw(&mut self, key: &EntityKey) -> Result<Option<MappedSpan>> {
        let owner = match key {
            EntityKey::Message(of) => Some(self.owners.owner_of(&of.session.clone().into())?),
            EntityKey::Item(of) => Some(self.owners.owner_of(&of.session.clone().into())?),
            EntityKey::Part(of) => self.owners.cached_owner_of_message(&of.message),
            _ => return Ok(None),
        };
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

    fn has_session(&mut self, session: &SessionKey) -> Result<bool> {
        let owner = self.owners.owner_of(session)?;
        self.owners.readers[owner].has_session(session)
    }

    fn orphans(&mut self, each: &mut ScanVisitor<'_>) -> Result<()> {
        for at in 0..self.members.len() {
            let listing = Listing::collect(|each| self.owners.readers[at].orphans(each))?;
            for (key, issue) in listing.issues {
                if self.is_key_visible(at, key.as_ref())?
                    && each(ScanItem::Issue(key, issue)).is_break()
                {
                    return Ok(());
                }
            }
            for entry in listing.entries {
                if self.owners.is_visible(at, &entry)? && each(ScanItem::Entry(entry)).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl MergedTransaction<'_> {
    fn survey_part_sets(&mut self, of: &[MessageKey], each: &mut SurveyVisitor<'_>) -> Result<()> {
        let mut rest = of;
        while let Some(first) = rest.first() {
            let session = SessionKey::from(first.session.clone());
            let same = rest.iter().take_while(|key| key.session == first.session).count();
            let (now, after) = rest.split_at(same);
            for key in now {
                self.owners.owner_of_message(&key.message, &session)?;
            }
            let owner = self.owners.owner_of(&session)?;
            let mut over = false;
            self.owners.readers[owner].survey(&Survey::PartSets(now), &mut |seen| {
                let flow = each(seen);
                over = flow.is_break();
                flow
            })?;
            if over {
                return Ok(());
            }
            rest = after;
        }
        Ok(())
    }

    fn scan_all_parts(&mut self, each: &mut ScanVisitor<'_>) -> Result<()> {
        for at in 0..self.members.len() {
            let (before, rest) = self.owners.readers.split_at_mut(at);
            let mut hidden: HashMap<SessionKey, bool> = HashMap::new();
            let (mut over, mut failed) = (false, Ok(()));
            let mut counts = |found: &ScanItem| -> Result<bool> {
                let Some(session) = session_of(found) else { return Ok(true) };
                if let Some(hidden) = hidden.get(&session) {
                    return Ok(!hidden);
                }
                let is_hidden = first_with_session(before, &session)?.is_some();
                hidden.insert(session, is_hidden);
                Ok(!is_hidden)
            };
            rest[0].scan(&Scope::AllParts, &mut |found| {
                let flow = match counts(&found) {
                    Ok(true) => each(found),
                    Ok(false) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Err(error);
                        ControlFlow::Break(())
                    }
                };
                over = flow.is_break();
                flow
            })?;
            failed?;
            if over {
                break;
            }
        }
        Ok(())
    }
}

fn session_of(found: &ScanItem) -> Option<SessionKey> {
    match found {
        ScanItem::Entry(entry) => super::owners::session_of(entry),
        _ => None,
    }
}
