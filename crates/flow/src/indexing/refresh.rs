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
    let mut notes = IssueLog::default();
    let mut batch = Batch::new();
    let RefreshWork { jobs, removed: gone, sessions } = {
        let mut worker = Worker::new(source)?;
        let has_unclean = || view.projects().iter().any(|project| !project.observed.clean);
        if probe != Probe::Unchanged || has_unclean() {
            projects::refresh_projects(&mut worker, &view, &mut batch, &mut notes)?;
        }
        find_dirty_sessions(&mut worker, &view, probe, options, &mut notes)?
    };
    let verified = pool::run(source, &jobs, progress, |worker, (key, now)| {
        verify(worker, &view, key, now.as_ref(), options)
    })?;
    let ControlFlow::Continue(verified) = verified else { return Ok(ControlFlow::Break(())) };
    let mut lost = HashSet::new();
    for session in verified {
        batch.append(session.batch);
        notes.issues.extend(session.issue_log.issues);
        lost.extend(session.missing_session);
        byproducts.spans.extend(session.spans);
        byproducts.counters += session.counters;
    }
    for key in gone {
        for message in view.by_session(&key.session) {
            batch.remove_message(message.key.clone());
        }
        batch.remove_session(key);
    }
    drop(view);
    batch.set_token(storable_token(probed.token, &notes, |session| !lost.contains(session)));
    index.commit(batch);
    stage.counts.sessions = sessions;
    let refreshed =
        RefreshSummary { before, after: index.cursor(), sessions, verified: jobs.len() };
    let mut result = stage.end(refreshed);
    result.report.issues = notes.issues;
    locate_issues(&mut result.report, |key| source.locate(key));
    Ok(ControlFlow::Continue(result))
}

/// What an index keeps of a probe. An issue that is about no session the index has would not be told
/// again by a refresh that looks at nothing else.
pub(super) fn storable_token(
    token: Option<SourceToken>,
    notes: &IssueLog,
    has: impl Fn(&SessionKey) -> bool,
) -> Option<Arc<[u8]>> {
    let is_told_again = |key: &EntityKey| match key {
        EntityKey::Project(_) => false,
        EntityKey::Session(key) => has(key),
        EntityKey::Message(key) => has(&key.session.clone().into()),
        _ => true, // of a session that was read
    };
    let told = |issue: &StageIssue| issue.key.as_ref().is_some_and(is_told_again);
    let token = token.filter(|_| notes.issues.iter().all(told))?;
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
    notes: &mut IssueLog,
) -> Result<RefreshWork> {
    let known = view.session_ids();
    let mut named = match probe {
        Probe::Unchanged => {
            // All is as it was, and what could not be read then cannot be read now: that is told.
            let unsettled =
                |id: &SessionId| view.refresh_state(id).is_some_and(|it| it.1.unsettled);
            let jobs = known.iter().filter(|id| unsettled(id));
            let jobs = jobs.map(|id| (SessionKey::from(id.clone()), None)).collect();
            return Ok(RefreshWork { jobs, removed: Vec::new(), sessions: known.len() });
        }
        Probe::Changed(changes) => {
            let named = changes.iter().map(|change| change.session().clone());
            Some(named.collect::<HashSet<SessionKey>>())
        }
        Probe::Rescan => None,
    };
    let mut there = observe_sessions(worker, named.is_none(), notes)?;
    let mut gone = Vec::new();
    for id in known {
        let key = SessionKey::from(id);
        if there.contains_key(&key) {
            continue;
        }
        match &mut named {
            None => gone.push(key),
            // It lost its record, or never had one: whether it has messages was not looked at.
            Some(named) => {
                let had_record = view.refresh_state(&key.session).is_some_and(|it| it.0.is_some());
                if had_record {
                    named.insert(key.clone());
                }
                there.insert(key, SessionObservation::default());
            }
        }
    }
    for key in named.iter().flatten() {
        there.entry(key.clone()).or_default();
    }
    let sessions = there.len();
    let is_named = |key: &SessionKey| named.as_ref().is_some_and(|named| named.contains(key));
    there.retain(|key, now| is_named(key) || is_dirty(view, key, now, named.is_none(), options));
    let jobs = there.into_iter().map(|(key, now)| (key, Some(now))).collect();
    Ok(RefreshWork { jobs, removed: gone, sessions })
}

/// The records of sessions and, if they are wanted, the sets of their messages.
fn observe_sessions(
    worker: &mut Worker<'_>,
    sets: bool,
    notes: &mut IssueLog,
) -> Result<HashMap<SessionKey, SessionObservation>> {
    let mut there: HashMap<SessionKey, SessionObservation> = HashMap::new();
    let surveys = [Survey::Sessions, Survey::MessageSets];
    for survey in &surveys[..1 + usize::from(sets)] {
        worker.reader.survey(survey, &mut |seen| {
            match seen {
                SurveyItem::Observation(sighting) => {
                    if let EntityKey::Session(key) = &sighting.key {
                        let session = there.entry(key.clone()).or_default();
                        match survey {
                            Survey::Sessions => session.records.push(sighting),
                            _ => session.set = Some(Some(sighting)),
                        }
                    }
                }
                SurveyItem::Issue(key, issue) => {
                    if let Some(EntityKey::Session(key)) = &key {
                        there.entry(key.clone()).or_default().has_issue = true;
                    }
                    notes.note(key, issue);
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    if sets {
        for session in there.values_mut() {
            session.set.get_or_insert(None);
        }
    }
    Ok(there)
}

/// Whether a session has to be looked at record by record. `sets` says whether its set of messages
/// was looked for.
fn is_dirty(
    view: &View,
    key: &SessionKey,
    now: &SessionObservation,
    sets: bool,
    options: &RefreshOptions,
) -> bool {
    let Some((record, upkeep)) = view.refresh_state(&key.session) else { return true };
    let same_record = match (&record, &now.records[..]) {
        (None, []) => true,
        (Some(known), [now]) => {
            known.is_unchanged(&now.stamp)
                && now
                    .project
                    .as_ref()
                    .is_none_or(|project| view.is_in_project(&key.session, project))
        }
        _ => false,
    };
    options.verify == Verify::Full
        || !same_record
        || (sets && !now.is_same_set(&upkeep))
        || now.has_issue
        || options.is_hot(&upkeep)
        || options.parts > PartDetail::Later
}
