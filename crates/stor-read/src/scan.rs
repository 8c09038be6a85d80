//! Answers the calls of [`Reader`]: each call goes to the module that walks the tree for it.

use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey};

use crate::survey::SurveySink;
use crate::transaction::{FileTransaction, IssueSink};
use scrollback_source::{Entry, Observation, Reader, ScanItem, ScanVisitor, Survey, SurveyVisitor};

impl FileTransaction<'_> {
    /// Runs one walk in a new read context, and passes the set that was listed, then the issues, then
    /// the entries.
    fn run_scan<Entries: IntoIterator<Item = Entry>>(
        &mut self,
        visitor: &mut ScanVisitor<'_>,
        walk: impl FnOnce(&mut Self, &mut IssueSink<'_>) -> Entries,
    ) -> scrollback_source::Result<()> {
        self.restart_context();
        let mut issues = Vec::new();
        self.listed_set = None;
        let entries = walk(self, &mut |key, issue| issues.push(ScanItem::Issue(key, issue)));
        let set = self.listed_set.take().map(ScanItem::Set);
        // Entries are made one at a time: an entry is large, and many entries are only names.
        let entries = entries.into_iter().map(ScanItem::Entry);
        let _ = set.into_iter().chain(issues).chain(entries).try_for_each(visitor);
        Ok(())
    }
}

impl Reader for FileTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    fn scan(
        &mut self,
        scope: &Scope,
        visitor: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        match scope {
            Scope::Projects => self.run_scan(visitor, Self::projects),
            Scope::Sessions => {
                self.run_scan(visitor, |transaction, note| transaction.sessions(None, note))
            }
            Scope::Project(id) => {
                self.run_scan(visitor, |transaction, note| transaction.sessions(Some(id), note))
            }
            Scope::Messages(owner) => {
                self.run_scan(visitor, |transaction, note| transaction.messages(owner, note))
            }
            Scope::MessageNames(owner) => self
                .run_scan(visitor, |transaction, note| transaction.list_message_names(owner, note)),
            Scope::Parts(owner) => {
                self.run_scan(visitor, |transaction, note| transaction.list_part_names(owner, note))
            }
            Scope::AllParts => self.all_parts(visitor),
            _ => Ok(()),
        }
    }

    fn survey(
        &mut self,
        query: &Survey<'_>,
        visitor: &mut SurveyVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.restart_context();
        self.run_survey(query, &mut SurveySink::new(visitor));
        Ok(())
    }

    fn spans(
        &mut self,
        keys: &[EntityKey],
        visitor: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.run_scan(visitor, |transaction, note| transaction.read_entities(keys, note))
    }

    fn tree(
        &mut self,
        session: &SessionKey,
        visitor: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.run_scan(visitor, |transaction, note| transaction.read_tree(session, note))
    }

    fn has_session(&mut self, session: &SessionKey) -> scrollback_source::Result<bool> {
        self.restart_context();
        Ok(self.session_exists(session))
    }

    fn message_set(
        &mut self,
        session: &SessionKey,
    ) -> scrollback_source::Result<Option<Observation>> {
        self.restart_context();
        Ok(self.observe_message_set(session))
    }

    fn orphans(&mut self, visitor: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        self.run_scan(visitor, Self::read_orphans)
    }

    fn attachments(&mut self, visitor: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        self.run_scan(visitor, Self::list_attachments)
    }
}
