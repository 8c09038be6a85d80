//! Implements the calls of [`Reader`] on a read transaction.

use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{Clock, EntityKey, MessageKey, Scope, SessionKey};
use scrollback_source::{
    BorrowedVisitor, Reader, ScanVisitor, Survey, SurveyItem, SurveyVisitor, borrow_from_scan,
};
use scrollback_stor_mmap::MappedSpan;

use crate::dispatch::session_format::{self, SessionFormat, format_of_session};
use crate::dispatch::{all_parts, borrowed, messages, orphans, parts, spans, survey, tree};
use crate::query_output::QueryOutput;
use crate::sessions;
use crate::transaction::SqliteTransaction;
use crate::v1::{parts as v1_parts, projects};
use crate::v2::history::{self, Event};
use crate::v2::native;

impl SqliteTransaction<'_> {
    /// Returns the logged events of a session.
    pub(crate) fn history(
        &mut self,
        session: &SessionKey,
    ) -> scrollback_source::Result<(Vec<Event>, Vec<Issue>)> {
        self.query(|context| {
            let mut out = QueryOutput::default();
            let events = history::history(context, session, &mut out)?;
            Ok((events, out.issues.into_iter().map(|(_, issue)| issue).collect()))
        })
    }
}

impl Reader for SqliteTransaction<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    fn scan(
        &mut self,
        scope: &Scope,
        visit: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        match scope {
            Scope::Projects => self.visit_query(visit, projects::all_projects),
            Scope::Sessions => self.visit_transaction(visit, |context, out| {
                sessions::list::sessions(context, None, out)
            }),
            Scope::Project(project) => self.visit_transaction(visit, |context, out| {
                sessions::list::sessions(context, Some(project), out)
            }),
            Scope::Messages(session) => self
                .visit_transaction(visit, |context, out| messages::messages(context, session, out)),
            Scope::MessageNames(session) => self.visit_transaction(visit, |context, out| {
                messages::message_names(context, session, out)
            }),
            Scope::Items(session) => {
                self.visit_transaction(visit, |context, out| messages::items(context, session, out))
            }
            Scope::Parts(message) => self
                .visit_transaction(visit, |context, out| parts::part_names(context, message, out)),
            Scope::AllParts => all_parts::all_parts(self, visit),
            _ => Ok(()),
        }
    }

    fn scan_borrowed(
        &mut self,
        scope: &Scope,
        visit: &mut BorrowedVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        match scope {
            Scope::Messages(session) => borrowed::messages(self, session, visit),
            Scope::AllParts => all_parts::scan_borrowed(self, visit),
            _ => borrow_from_scan(self, scope, visit),
        }
    }

    fn survey(
        &mut self,
        survey: &Survey<'_>,
        visit: &mut SurveyVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        let output = self.query(|context| {
            let mut output = QueryOutput::default();
            match context.schema.v2 {
                Some(_) => {
                    context.in_one_transaction(|| survey::survey(context, survey, &mut output))?
                }
                // one query needs no transaction
                None => survey::survey(context, survey, &mut output)?,
            }
            Ok(output)
        })?;
        let observations =
            output.set.into_iter().chain(output.observations).map(SurveyItem::Observation);
        let issues = output.issues.into_iter().map(|(key, issue)| SurveyItem::Issue(key, issue));
        let _ = observations.chain(issues).try_for_each(visit);
        Ok(())
    }

    fn spans(
        &mut self,
        keys: &[EntityKey],
        visit: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.visit_transaction(visit, |context, out| spans::spans(context, keys, out))
    }

    fn step_parts(
        &mut self,
        message: &MessageKey,
        visit: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.visit_query(visit, |context, out| v1_parts::step_parts(context, message, out))
    }

    fn tree(
        &mut self,
        session: &SessionKey,
        visit: &mut ScanVisitor<'_>,
    ) -> scrollback_source::Result<()> {
        self.visit_transaction(visit, |context, out| tree::tree(context, session, out))
    }

    fn raw(&mut self, key: &EntityKey) -> scrollback_source::Result<Option<MappedSpan>> {
        self.one_span(|context, out| native::raw_row(context, key, out))
    }

    fn native(&mut self, session: &SessionKey) -> scrollback_source::Result<Option<MappedSpan>> {
        self.one_span(|context, out| match format_of_session(context, session)? {
            SessionFormat::V2(v2) | SessionFormat::Both(v2) => {
                native::session(context, v2, session, out)
            }
            SessionFormat::V1 => match sessions::list::is_v2(context, session)? {
                // a session of 2.x without messages yet
                Some(v2) => native::session(context, v2, session, out),
                None => Ok(()),
            },
        })
    }

    fn has_session(&mut self, session: &SessionKey) -> scrollback_source::Result<bool> {
        self.query(|context| sessions::list::has_session(context, session))
    }

    fn format_rank(&mut self, session: &SessionKey) -> scrollback_source::Result<u32> {
        self.query(|context| session_format::format_rank(context, session))
    }

    fn orphans(&mut self, visit: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        self.visit_transaction(visit, orphans::orphans)
    }

    fn attachments(&mut self, visit: &mut ScanVisitor<'_>) -> scrollback_source::Result<()> {
        self.visit_transaction(visit, orphans::todo_lists)
    }
}
