//! Answers queries: about sessions from the index alone; about texts and parts by reading sessions one
//! after the other, until the caller stops.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::{ProjectId, SessionId, SessionKey};
use scrollback_core_type::{LazyStr, Part, StageReport, ToolState};
use scrollback_index::SessionMeta;
use scrollback_source::Result;

use super::state::SessionMaterializer;
use crate::hydrate::{MessageHydrated, PartHydrated, SessionHydratedTree};
use crate::run::{SessionScope, run_session_flow};

impl SessionMaterializer {
    /// Returns all sessions, newest first.
    pub fn sessions_by_time(&self) -> Vec<Arc<SessionMeta>> {
        self.view().sessions().collect()
    }

    /// Returns the sessions that changed at or after `since_ms` (Unix time in milliseconds), newest
    /// first. A session without an update time counts by its creation time.
    pub fn sessions_updated_since(&self, since_ms: i64) -> Vec<Arc<SessionMeta>> {
        self.view()
            .sessions()
            .filter(|meta| meta.updated.or(meta.created).is_some_and(|at| at >= since_ms))
            .collect()
    }

    /// Returns the sessions of a project, newest first.
    pub fn sessions_of_project(&self, project: &ProjectId) -> Vec<Arc<SessionMeta>> {
        self.view().by_project(project)
    }

    /// Returns the sessions that were started in a directory or below it, newest first.
    pub fn sessions_in_directory(&self, directory: &Path) -> Vec<Arc<SessionMeta>> {
        let is_below = |meta: &Arc<SessionMeta>| {
            meta.directory.as_ref().is_some_and(|value| Path::new(&**value).starts_with(directory))
        };
        self.view().sessions().filter(is_below).collect()
    }

    /// Returns the sessions that a session started (its subagents), newest first.
    pub fn sessions_of_parent(&self, parent: &SessionId) -> Vec<Arc<SessionMeta>> {
        self.view().children(parent)
    }

    /// Runs a flow over the sessions for which `is_picked` returns `true`, newest first, until
    /// `visit` breaks. The index names the sessions, so the store is not walked.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn run_session_flow(
        &self,
        is_picked: impl Fn(&SessionMeta) -> bool,
        visit: impl FnMut(&SessionHydratedTree<'_>) -> ControlFlow<()>,
    ) -> Result<StageReport> {
        let view = self.view();
        let picked = view.sessions().filter(|meta| is_picked(meta)).map(|meta| meta.key.clone());
        let scope = SessionScope::Sessions(picked.collect::<Vec<SessionKey>>());
        drop(view); // a long-lived view would keep old versions in memory during the flow
        run_session_flow(&*self.source, &scope, visit)
    }

    /// Passes to `visit` the parts for which `is_wanted` returns `true`, in the sessions for which
    /// `is_picked` returns `true`. Reads one session after the other, newest first, until `visit`
    /// breaks.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn find_parts(
        &self,
        is_picked: impl Fn(&SessionMeta) -> bool,
        is_wanted: impl Fn(&Part<'_>) -> bool,
        mut visit: impl FnMut(&MessageHydrated<'_>, &PartHydrated<'_>) -> ControlFlow<()>,
    ) -> Result<StageReport> {
        self.run_session_flow(is_picked, |tree| {
            tree.messages.iter().try_for_each(|message| {
                message.parts.iter().try_for_each(|part| match &part.part {
                    Some(value) if is_wanted(value) => visit(message, part),
                    _ => ControlFlow::Continue(()),
                })
            })
        })
    }

    /// Passes to `visit` the parts whose text matches: texts, reasoning, and the output or error of
    /// tools. Reads one session after the other, newest first, until `visit` breaks.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn find_text(
        &self,
        is_picked: impl Fn(&SessionMeta) -> bool,
        matches: impl Fn(&str) -> bool,
        visit: impl FnMut(&MessageHydrated<'_>, &PartHydrated<'_>) -> ControlFlow<()>,
    ) -> Result<StageReport> {
        let has_text = |text: Option<&LazyStr<'_>>| text.is_some_and(|text| matches(&text.get()));
        let is_wanted = |part: &Part<'_>| match part {
            Part::Text(part) => has_text(part.text.as_ref()),
            Part::Reasoning(part) => has_text(part.text.as_ref()),
            Part::Tool(call) => match &call.state {
                Some(ToolState::Completed(done)) => has_text(done.output.as_ref()),
                Some(ToolState::Error(failed)) => has_text(failed.error.as_ref()),
                _ => false,
            },
            _ => false,
        };
        self.find_parts(is_picked, is_wanted, visit)
    }
}
