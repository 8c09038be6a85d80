//! What a look answers: every question of [`Reader`], handed to the module that walks for it.

use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey};

use crate::survey::SurveySink;
use crate::transaction::{FileTransaction, IssueSink};
use scrollback_source::{Entry, Reader, ScanItem, ScanVisitor, Survey, SurveyVisitor};

impl FileTransaction<'_> {
    /// Walks something as it is from now on, and hands out what is found: the set that was listed,
    /// issues, entries.
    fn run_scan<Entries: IntoIterator<Item = Entry>>(
        &mut self,
        each: &mut ScanVisitor<'_>,
        walk: impl FnOnce(&mut Self, &mut IssueSink<'_>) -> Entries,
    ) -> scrollback_source::Result<()> {
        self.restart_context();
        let mut issues = Vec::new();
        self.listed_set = None;
        let entries = walk(self, &mut |key, issue| issues.push(ScanItem::Issue(key, issue)));
        let set = self.listed_set.take().map(ScanItem::Set);
        // Entries are made as they are handed out: each is large, and many are but a name.
        let entries = entries.into_iter().map(ScanItem::Entry);
        let _ = set.into_iter().chain(issues).chain(entries).try_for_each(each);
        Ok(())
    }
}

impl Reader for FileTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        match scope {
            Scope::Projects => self.run_scan(each, Self::projects),
            Scope::Sessions => self.run_scan(each, |look, note| look.sessions(None, note)),
            Scope::Project(id) => self.run_scan(each, |look, note| look.sessions(Some(id), note)),
            Scope::Messages(of) => self.run_scan(each, |look, note| look.messages(of, note)),
            Scope::MessageNames(of) => {
                self.run_scan(each, |look, note| look.list_message_names(of, note))
            }
            Scope::Parts(of) => self.run_scan(each, |look, note| look.list_part_names(of, note)),
            Scope::AllParts => self.all_parts(each),
            _ => Ok(()),
        }
    }

    fn survey(
        &mut self,
        what: &Survey<'_>,
        each: &mut SurveyVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.restart_context();
        self.run_survey(what, &mut SurveySink::new(each));
        Ok(())
    }

    fn spans(
        &mut self,
        keys: &[EntityKey],
        each: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.run_scan(each, |look, note| look.read_entities(keys, note))
    }

    fn tree(
        &mut self,
        session: &SessionKey,
        each: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.run_scan(each, |look, note| look.read_tree(session, note))
    }

    fn has_session(&mut self, session: &SessionKey) -> scrollback_source::Result<bool> {
        self.restart_context();
        Ok(self.session_exists(session))
    }

    fn orphans(&mut self, each: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        self.run_scan(each, Self::read_orphans)
    }
}
