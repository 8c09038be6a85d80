//! Refreshing an index instead of building it: `docs/refresh.md` says why it is done so.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use scrollback_core_id::{Cursor, EntityKey, SessionId, SessionKey};
use scrollback_core_type::{StageIssue, StageName, StageResult};
use scrollback_index::{Batch, SessionIndex, View};
use scrollback_source::{Probe, Result, Source, SourceToken, Survey, SurveyItem};
use scrollback_stor_mmap::MappedSpan;

use super::counters::RefreshCounters;
use super::options::{RefreshOptions, Verify};
use super::pool::{self, OnProgress, Worker};
use super::projects;
use super::session::{IssueLog, PartDetail};
use super::verify::{SessionObservation, verify};
use crate::stage::{Stage, locate_issues};

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshSummary {
    /// The state before.
    pub before: Cursor,
    /// The state after.
    pub after: Cursor,
    /// How many sessions there are.
    pub sessions: usize,
    /// How many of them were looked at file by file.
    pub verified: usize,
}

/// Makes an index equal to its store again, in one batch; `changes` then tells what differed.
/// Breaks if `progress` does, and has changed nothing then.
///
/// # Errors
/// If the store cannot be opened or walked; the index is then as it was.
pub fn refresh_index(
    source: &dyn Source,
    index: &SessionIndex,
    options: &RefreshOptions,
    progress: &OnProgress<'_>,
) -> Result<ControlFlow<(), StageResult<RefreshSummary>>> {
    refresh(source, index, options, progress, &mut Byproducts::default())
}

/// What a refresh leaves besides the index.
#[derive(Default)]
pub(crate) struct Byproducts {
    /// Bytes that were read and may be asked for again.
    pub(crate) spans: Vec<(EntityKey, MappedSpan)>,
    pub(crate) counters: RefreshCounters,
}

/// As [`refresh_index`].
pub(crate) fn refresh(
    source: &dyn Source,
    index: &SessionIndex,
    options: &RefreshOptions,
    progress: &OnProgress<'_>,
    byproducts: &mut Byproducts,
) -> Result<ControlFlow<(), StageResult<RefreshSummary>>> {
    let mut stage = Stage::begin(StageName::Index, source.clock());
    let view = index.view();
    let before = view.cursor();
    let token = index.token().map(SourceToken::new);
    let probed = source.probe(token.as_ref())?;
    let probe = match options {
        RefreshOptions { verify: Verify::Fast, parts: PartDetail::Later, .. } => probed.probe,
        _ => Probe::Rescan,
    };
    let mut issue_log = IssueLog::default();
    let mut batch = Batch::new();
    let RefreshWork { jobs, removed, sessions } = {
        let mut worker = Worker::new(source)?;
        let has_unclean = || view.projects().iter().any(|project| !project.observed.clean);
        if probe != Probe::Unchanged || has_unclean() {
            projects::refresh_projects(&mut worker, &view, &mut batch, &mut issue_log)?;
        }
        find_dirty_sessions(&mut worker, &view, probe, options, &mut issue_log)?
    };
    let verified = pool::run(source, &jobs, progress, |worker, (key, current)| {
        verify(worker, &view, key, current.as_ref(), options)
    })?;
    let ControlFlow::Continue(verified) = verified else { return Ok(ControlFlow::Break(())) };
    let mut missing = HashSet::new();
    for session in verified {
        batch.append(session.batch);
        issue_log.issues.extend(session.issue_log.issues);
        missing.extend(session.missing_session);
        byproducts.spans.extend(session.spans);
        byproducts.counters += session.counters;
    }
    for key in removed {
        for message in view.by_session(&key.session) {
            batch.remove_message(message.key.clone());
        }
        batch.remove_session(key);
    }
    drop(view);
    batch.set_token(storable_token(probed.token, &issue_log, |session| !missing.contains(session)));
    index.commit(batch);
    stage.counts.sessions = sessions;
    let refreshed =
        RefreshSummary { before, after: index.cursor(), sessions, verified: jobs.len() };
    let mut result = stage.end(refreshed);
    result.report.issues = issue_log.issues;
    locate_issues(&mut result.report, |key| source.locate(key));
    Ok(ControlFlow::Continue(result))
}

/// What an index keeps of a probe. An issue that is about no session the index has would not be told
/// again by a refresh that looks at nothing else.
pub(super) fn storable_token(
    token: Option<SourceToken>,
    issue_log: &IssueLog,
    has: impl Fn(&SessionKey) -> bool,
) -> Option<Arc<[u8]>> {
    let is_repeated = |key: &EntityKey| match key {
        EntityKey::Project(_) => false,
        EntityKey::Session(key) => has(key),
        EntityKey::Message(key) => has(&key.session.clone().into()),
        _ => true, // of a session that was read
    };
    let is_repeatable = |issue: &StageIssue| issue.key.as_ref().is_some_and(is_repeated);
    let token = token.filter(|_| issue_log.issues.iter().all(is_repeatable))?;
    Some(Arc::clone(token.bytes()))
}

/// What a refresh has to do.
struct RefreshWork {
    /// Sessions to be looked at record by record, and how each was sighted, if it was.
    jobs: Vec<(SessionKey, Option<SessionObservation>)>,
    /// Sessions of which nothing is there any more.
    removed: Vec<SessionKey>,
    /// How many sessions there are.
    sessions: usize,
}

fn find_dirty_sessions(
    worker: &mut Worker<'_>,
    view: &View,
    probe: Probe,
    options: &RefreshOptions,
    issue_log: &mut IssueLog,
) -> Result<RefreshWork> {
    let known = view.session_ids();
    let mut reported = match probe {
        Probe::Unchanged => {
            // All is as it was, and what could not be read then cannot be read now: that is told.
            let unsettled =
                |id: &SessionId| view.refresh_state(id).is_some_and(|state| state.1.unsettled);
            let jobs = known.iter().filter(|id| unsettled(id));
            let jobs = jobs.map(|id| (SessionKey::from(id.clone()), None)).collect();
            return Ok(RefreshWork { jobs, removed: Vec::new(), sessions: known.len() });
        }
        Probe::Changed(changes) => {
            let reported = changes.iter().map(|change| change.session().clone());
            Some(reported.collect::<HashSet<SessionKey>>())
        }
        Probe::Rescan => None,
    };
    let mut observed = observe_sessions(worker, reported.is_none(), issue_log)?;
    let mut removed = Vec::new();
    for id in known {
        let key = SessionKey::from(id);
        if observed.contains_key(&key) {
            continue;
        }
        match &mut reported {
            None => removed.push(key),
            // It lost its record, or never had one: whether it has messages was not looked at.
            Some(reported) => {
                let had_record =
                    view.refresh_state(&key.session).is_some_and(|state| state.0.is_some());
                if had_record {
                    reported.insert(key.clone());
                }
                observed.insert(key, SessionObservation::default());
            }
        }
    }
    for key in reported.iter().flatten() {
        observed.entry(key.clone()).or_default();
    }
    let sessions = observed.len();
    let is_reported =
        |key: &SessionKey| reported.as_ref().is_some_and(|reported| reported.contains(key));
    observed.retain(|key, current| {
        is_reported(key) || is_dirty(view, key, current, reported.is_none(), options)
    });
    let jobs = observed.into_iter().map(|(key, current)| (key, Some(current))).collect();
    Ok(RefreshWork { jobs, removed, sessions })
}

/// The records of sessions and, if they are wanted, the sets of their messages.
fn observe_sessions(
    worker: &mut Worker<'_>,
    sets: bool,
    issue_log: &mut IssueLog,
) -> Result<HashMap<SessionKey, SessionObservation>> {
    let mut observed: HashMap<SessionKey, SessionObservation> = HashMap::new();
    let surveys = [Survey::Sessions, Survey::MessageSets];
    for survey in &surveys[..1 + usize::from(sets)] {
        worker.reader.survey(survey, &mut |item| {
            match item {
                SurveyItem::Observation(observation) => {
                    if let EntityKey::Session(key) = &observation.key {
                        let session = observed.entry(key.clone()).or_default();
                        match survey {
                            Survey::Sessions => session.records.push(observation),
                            _ => session.set = Some(Some(observation)),
                        }
                    }
                }
                SurveyItem::Issue(key, issue) => {
                    if let Some(EntityKey::Session(key)) = &key {
                        observed.entry(key.clone()).or_default().has_issue = true;
                    }
                    issue_log.note(key, issue);
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    if sets {
        for session in observed.values_mut() {
            session.set.get_or_insert(None);
        }
    }
    Ok(observed)
}

/// Whether a session has to be looked at record by record. `sets` says whether its set of messages
/// was looked for.
fn is_dirty(
    view: &View,
    key: &SessionKey,
    current: &SessionObservation,
    sets: bool,
    options: &RefreshOptions,
) -> bool {
    let Some((record, refresh_state)) = view.refresh_state(&key.session) else { return true };
    let same_record = match (&record, &current.records[..]) {
        (None, []) => true,
        (Some(known), [current]) => {
            known.is_unchanged(&current.stamp)
                && current
                    .project
                    .as_ref()
                    .is_none_or(|project| view.is_in_project(&key.session, project))
        }
        _ => false,
    };
    options.verify == Verify::Full
        || !same_record
        || (sets && !current.is_same_set(&refresh_state))
        || current.has_issue
        || options.is_hot(&refresh_state)
        || options.parts > PartDetail::Later
}
