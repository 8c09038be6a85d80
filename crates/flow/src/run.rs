//! The stages run one after the other, over one session or many, with one report.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, ProjectId, SessionKey};
use scrollback_core_type::{StageName, StageReport, StageResult};
use scrollback_source::{Reader, Result, ScanItem, Source};

use crate::hydrate::{SessionHydratedTree, hydrate_session_tree};
use crate::plan::{ReadAhead, plan_session_tree, plan_sessions};
use crate::resolve::resolve_session_tree;
use crate::stage::{Stage, locate_issues};
use crate::tree::SessionRefTree;

/// Runs all stages over one session and lends the tree to `then`. The report has the issues of all
/// stages, with the places of their files.
///
/// # Errors
/// If the store cannot be opened, or has no such session.
pub fn run_session_tree_flow<R>(
    source: &dyn Source,
    session: &SessionKey,
    visit: impl FnOnce(&SessionHydratedTree<'_>) -> R,
) -> Result<StageResult<R>> {
    let mut reader = source.open()?;
    run_with_reader(&mut *reader, source, session, visit)
}

fn run_with_reader<R>(
    reader: &mut dyn Reader,
    source: &dyn Source,
    session: &SessionKey,
    visit: impl FnOnce(&SessionHydratedTree<'_>) -> R,
) -> Result<StageResult<R>> {
    let StageResult { value: tree, mut report } = read_tree(reader, session)?;
    let hydrated = hydrate_session_tree(&tree);
    report.merge(hydrated.report);
    locate_issues(&mut report, |key| source.locate(key));
    Ok(StageResult { value: visit(&hydrated.value), report })
}

/// Plans and resolves one session in the store's fastest way.
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

/// Which sessions a flow goes through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SessionScope {
    /// All of the store; what belongs to no session is reported too.
    #[default]
    Store,
    /// Those of one project.
    Project(ProjectId),
    /// These.
    Sessions(Vec<SessionKey>),
}

/// Runs all stages over many sessions, one after the other, newest first, and lends each tree to
/// `each`, which may break. A session that goes away meanwhile is an issue.
///
/// # Errors
/// If the store cannot be opened or walked.
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
        match run_with_reader(&mut *reader, source, &session, &mut visit) {
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
        report.merge(find_orphans(&mut *reader)?);
    }
    locate_issues(&mut report, |key| source.locate(key));
    Ok(report)
}

fn plan_session_keys(
    reader: &mut dyn Reader,
    project: Option<&ProjectId>,
) -> Result<(Vec<SessionKey>, StageReport)> {
    let StageResult { value, mut report } = plan_sessions(reader, project)?;
    report.runs.clear(); // counted when each is planned by itself
    Ok((value.sessions.into_iter().map(|node| node.key).collect(), report))
}

/// Finds what belongs to something that is not there: messages without their session, parts
/// without their message. One issue for each missing owner.
fn find_orphans(reader: &mut dyn Reader) -> Result<StageReport> {
    let mut stage = Stage::begin(StageName::Plan, reader.clock());
    let mut keys = Vec::new();
    reader.orphans(&mut |item| {
        match item {
            ScanItem::Set(_) => {}
            ScanItem::Issue(key, issue) => stage.note(key, issue),
            ScanItem::Entry(entry) => keys.push(entry.key),
        }
        ControlFlow::Continue(())
    })?;
    let mut owners: BTreeMap<&str, (&EntityKey, usize)> = BTreeMap::new();
    for key in &keys {
        let owner = match key {
            EntityKey::Message(key) => key.session.as_str(),
            EntityKey::Part(key) => key.message.as_str(),
            _ => continue,
        };
        owners.entry(owner).or_insert((key, 0)).1 += 1;
    }
    for (_, (key, count)) in owners {
        let kind = match key {
            EntityKey::Part(_) => IssueKind::OrphanParts { count },
            _ => IssueKind::OrphanMessages { count },
        };
        stage.note(Some(key.clone()), Issue::new(Place::default(), kind));
    }
    Ok(stage.end(()).report)
}
