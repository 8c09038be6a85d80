//! Runs all three stages over one session or many, with one report.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{ProjectId, SessionKey};
use scrollback_core_type::{StageName, StageReport, StageResult};
use scrollback_index::View;
use scrollback_source::{Reader, Result, Source};

use crate::hydrate::{SessionHydratedTree, hydrate_session_tree};
use crate::orphans::find_orphans;
use crate::plan::{ReadAhead, plan_session_tree, plan_sessions};
use crate::resolve::resolve_session_tree;
use crate::stage::{Stage, locate_issues};
use crate::tree::SessionRefTree;

/// Runs all stages over one session and passes the tree to `visit`.
///
/// Returns the result of `visit`. The report has the issues of all stages with the paths of their
/// files.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) if the store has neither the session nor messages of
/// it; [`Error::Store`](crate::Error::Store) if the store cannot be opened.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::run_session_tree_flow;
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_e04998c6fffeeSXWud0kqAoVtL")?.into();
/// let usage = run_session_tree_flow(&store, &session, |tree| tree.usage())?;
/// assert!(usage.value.messages > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run_session_tree_flow<R>(
    source: &dyn Source,
    session: &SessionKey,
    visit: impl FnOnce(&SessionHydratedTree<'_>) -> R,
) -> Result<StageResult<R>> {
    run_with_reader(&mut *source.open()?, source, session, None, visit)
}

/// Runs all stages for one session, as [`run_session_tree_flow`] does, and marks the copies that only
/// an index knows ([`SessionRefTree::add_known`]).
///
/// # Errors
/// As [`run_session_tree_flow`].
pub fn run_session_tree_flow_with_view<R>(
    source: &dyn Source,
    session: &SessionKey,
    view: &View,
    visit: impl FnOnce(&SessionHydratedTree<'_>) -> R,
) -> Result<StageResult<R>> {
    run_with_reader(&mut *source.open()?, source, session, Some(view), visit)
}

fn run_with_reader<R>(
    reader: &mut dyn Reader,
    source: &dyn Source,
    session: &SessionKey,
    view: Option<&View>,
    visit: impl FnOnce(&SessionHydratedTree<'_>) -> R,
) -> Result<StageResult<R>> {
    let StageResult { value: mut tree, mut report } = read_tree(reader, session)?;
    if let Some(view) = view {
        tree.add_known(view);
    }
    let hydrated = hydrate_session_tree(&tree);
    report.merge(hydrated.report);
    locate_issues(&mut report, |key| source.locate(key));
    Ok(StageResult { value: visit(&hydrated.value), report })
}

/// Plans and resolves one session in the fastest way that the store has.
pub(crate) fn read_tree(
    reader: &mut dyn Reader,
    session: &SessionKey,
) -> Result<StageResult<SessionRefTree>> {
    let StageResult { value: plan, mut report } =
        plan_session_tree(reader, session, ReadAhead::Everything)?;
    let StageResult { value: tree, report: resolved } = resolve_session_tree(reader, plan)?;
    report.merge(resolved);
    Ok(StageResult { value: tree, report })
}

/// The sessions that a flow visits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SessionScope {
    /// All sessions of the store. Orphans (messages without a session, parts without a message) are
    /// reported as issues.
    #[default]
    Store,
    /// All sessions of one project.
    Project(ProjectId),
    /// The sessions with these keys, in this order.
    Sessions(Vec<SessionKey>),
}

/// Runs all stages over many sessions, one after the other, and passes each tree to `visit`.
///
/// Sessions of a store or project come newest first. The flow ends early when `visit` breaks. A
/// session that vanishes during the flow is an issue, not an error.
///
/// # Errors
/// If the store cannot be opened or walked.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_core_type::Usage;
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{SessionScope, run_session_flow};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let mut total = Usage::default();
/// run_session_flow(&store, &SessionScope::Store, |tree| {
///     total += tree.usage();
///     ControlFlow::Continue(())
/// })?;
/// assert!(total.tokens.total() > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run_session_flow(
    source: &dyn Source,
    scope: &SessionScope,
    mut visit: impl FnMut(&SessionHydratedTree<'_>) -> ControlFlow<()>,
) -> Result<StageReport> {
    let mut reader = source.open()?;
    let (sessions, mut report) = match scope {
        SessionScope::Sessions(keys) => (keys.clone(), StageReport::default()),
        SessionScope::Store => plan_session_keys(&mut *reader, None)?,
        SessionScope::Project(project) => plan_session_keys(&mut *reader, Some(project))?,
    };
    for session in sessions {
        match run_with_reader(&mut *reader, source, &session, None, &mut visit) {
            Ok(StageResult { value, report: session_report }) => {
                report.merge(session_report);
                if value.is_break() {
                    return Ok(report);
                }
            }
            Err(crate::Error::NotFound(key)) => {
                let mut stage = Stage::begin(StageName::Plan, reader.clock());
                stage.note_kind(key, IssueKind::Vanished);
                report.merge(stage.end(()).report);
            }
            Err(error) => return Err(error),
        }
    }
    if *scope == SessionScope::Store {
        report.merge(find_orphans(&mut *reader)?.report);
    }
    locate_issues(&mut report, |key| source.locate(key));
    Ok(report)
}

fn plan_session_keys(
    reader: &mut dyn Reader,
    project: Option<&ProjectId>,
) -> Result<(Vec<SessionKey>, StageReport)> {
    let StageResult { value, mut report } = plan_sessions(reader, project)?;
    report.runs.clear(); // each session is counted when it is planned by itself
    Ok((value.sessions.into_iter().map(|node| node.key).collect(), report))
}
