//! The calls of a reader.

use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{Clock, EntityKey, Scope, SessionKey};
use scrollback_source::{
    BorrowedVisitor, Reader, ScanVisitor, Survey, SurveyItem, SurveyVisitor, borrow_from_scan,
};
use scrollback_stor_mmap::MappedSpan;

use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::dispatch::{all_parts, borrowed, messages, orphans, parts, spans, survey, tree};
use crate::query_output::QueryOutput;
use crate::sessions;
use crate::transaction::SqliteTransaction;
use crate::v1::projects;
use crate::v2::history::{self, Event};
use crate::v2::native;

impl SqliteTransaction<'_> {
    /// The log of what happened in a session.
    pub(crate) fn history(
        &mut self,
        of: &SessionKey,
    ) -> scrollback_source::Result<(Vec<Event>, Vec<Issue>)> {
        self.query(|ask| {
            let mut out = QueryOutput::default();
            let events = history::history(ask, of, &mut out)?;
            Ok((events, out.issues.into_iter().map(|(_, issue)| issue).collect()))
        })
    }
}

impl Reader for SqliteTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        match scope {
            Scope::Projects => self.visit_query(each, projects::all_projects),
            Scope::Sessions => {
                self.visit_transaction(each, |ask, out| sessions::list::sessions(ask, None, out))
            }
            Scope::Project(id) => self
                .visit_transaction(each, |ask, out| sessions::list::sessions(ask, Some(id), out)),
            Scope::Messages(of) => {
                self.visit_transaction(each, |ask, out| messages::messages(ask, of, out))
            }
            Scope::MessageNames(of) => {
                self.visit_transaction(each, |ask, out| messages::message_names(ask, of, out))
            }
            Scope::Items(of) => {
                self.visit_transaction(each, |ask, out| messages::items(ask, of, out))
            }
            Scope::Parts(of) => {
                self.visit_transaction(each, |ask, out| parts::part_names(ask, of, out))
            }
            Scope::AllParts => all_parts::all_parts(self, each),
            _ => Ok(()),
        }
    }

    fn scan_borrowed(
        &mut self,
        scope: &Scope,
        each: &mut BorrowedVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        match scope {
            Scope::Messages(of) => borrowed::messages(self, of, each),
            Scope::AllParts => all_parts::scan_borrowed(self, each),
            _ => borrow_from_scan(self, scope, each),
        }
    }

    fn survey(
        &mut self,
        what: &Survey<'_>,
        each: &mut SurveyVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        let seen = self.query(|ask| {
            let mut seen = QueryOutput::default();
            match ask.schema.v2 {
                Some(_) => ask.in_one_transaction(|| survey::survey(ask, what, &mut seen))?,
                None => survey::survey(ask, what, &mut seen)?, // one query
            }
            Ok(seen)
        })?;
        let set = seen.set.into_iter().chain(seen.observations).map(SurveyItem::Observation);
        let issues = seen.issues.into_iter().map(|(key, issue)| SurveyItem::Issue(key, issue));
        let _ = set.chain(issues).try_for_each(each);
        Ok(())
    }

    fn spans(
        &mut self,
        keys: &[EntityKey],
        each: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.visit_transaction(each, |ask, out| spans::spans(ask, keys, out))
    }

    fn tree(
        &mut self,
        session: &SessionKey,
        each: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.visit_transaction(each, |ask, out| tree::tree(ask, session, out))
    }

    fn raw(&mut self, key: &EntityKey) -> scrollback_source::Result<Option<MappedSpan>> {
        self.one_span(|ask, out| native::raw_row(ask, key, out))
    }

    fn native(&mut self, session: &SessionKey) -> scrollback_source::Result<Option<MappedSpan>> {
        self.one_span(|ask, out| match format_of_session(ask, session)? {
            SessionFormat::V2(v2) | SessionFormat::Both(v2) => {
                native::session(ask, v2, session, out)
            }
            SessionFormat::V1 => match sessions::list::is_v2(ask, session)? {
                Some(v2) => native::session(ask, v2, session, out), // it has no messages yet
                None => Ok(()),
            },
        })
    }

    fn has_session(&mut self, session: &SessionKey) -> scrollback_source::Result<bool> {
        self.query(|ask| sessions::list::has_session(ask, session))
    }

    fn orphans(&mut self, each: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        self.visit_transaction(each, orphans::orphans)
    }
}
