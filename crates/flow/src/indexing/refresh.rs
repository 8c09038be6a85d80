//! Refreshes an index instead of building it again. `docs/refresh.md` explains the method.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use scrollback_core_id::{Cursor, EntityKey, ProjectId, SessionId, SessionKey, Stamp};
use scrollback_core_type::{StageIssue, StageName, StageResult};
use scrollback_index::{Batch, ObservedStamp, RefreshState, SessionIndex, View};
use scrollback_source::{
    IndexCheck, Observation, Probe, Result, Source, SourceToken, Survey, SurveyItem,
};
use scrollback_stor_mmap::MappedSpan;

use super::copies::{mark_copies, may_change_copies};
use super::counters::RefreshCounters;
use super::issue_log::IssueLog;
use super::options::{RefreshOptions, Verify};
use super::pool::{self, OnProgress, Worker};
use super::projects;
use super::session::PartDetail;
use super::source_state;
use super::unread::UnreadEntities;
use super::verify::verify;
use super::verify_record::SessionObservation;
use crate::stage::{Stage, locate_issues};

/// The result of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshSummary {
    /// The cursor before the refresh.
    pub before: Cursor,
    /// The cursor after the refresh.
    pub after: Cursor,
    /// The number of sessions in the store.
    pub sessions: usize,
    /// The number of sessions that were verified file by file.
    pub verified: usize,
}

/// Makes an index equal to its store again, in one batch. The marks of copies by forks of 1.x follow in a
/// second batch.
///
/// `SessionIndex::changes` then returns what differed. Returns `Break` if `progress` breaks; the index
/// is then unchanged.
///
/// # Errors
/// If the store cannot be opened or walked; the index is then unchanged.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{PartDetail, RefreshOptions, build_index, refresh_index};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let progress = |_| ControlFlow::Continue(());
/// let built = build_index(&store, PartDetail::Later, &progress)?;
/// let index = built.continue_value().unwrap().value;
///
/// let refreshed = refresh_index(&store, &index, &RefreshOptions::default(), &progress)?;
/// let summary = refreshed.continue_value().unwrap().value;
/// assert_eq!(summary.sessions, 59);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn refresh_index(
    source: &dyn Source,
    index: &SessionIndex,
    options: &RefreshOptions,
    progress: &OnProgress<'_>,
) -> Result<ControlFlow<(), StageResult<RefreshSummary>>> {
    refresh(source, index, options, progress, &mut Byproducts::default())
}

/// The results of a refresh that do not go into the index.
#[derive(Default)]
pub(crate) struct Byproducts {
    /// Bytes that were read and may be needed again, for the cache.
    pub(crate) spans: Vec<(EntityKey, MappedSpan)>,
    pub(crate) counters: RefreshCounters,
    /// Whether another store than before supplies a session. Bytes in the cache may be of its old copy.
    pub(crate) has_other_copy: bool,
}

/// Refreshes an index as [`refresh_index`] does, and returns the byproducts too.
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
    let kept = index.token();
    let (token, memo) = kept.as_deref().map(source_state::split).unwrap_or_default();
    memo.iter().for_each(|memo| source.recall(memo));
    let probed = source.probe(token.as_ref())?;
    // A probe names only what changed since the last refresh. A full refresh compares everything, and
    // the part lists that `options.parts` requires may be missing in unchanged sessions too.
    let is_fast = options.verify == Verify::Fast && options.parts == PartDetail::Later;
    let (probe, since) =
        if is_fast { (probed.probe, token.as_ref()) } else { (Probe::Rescan, None) };
    let mut issue_log = IssueLog::default();
    let mut batch = Batch::new();
    let RefreshWork { jobs, removed, sessions, .. } = {
        let mut worker = Worker::new(source)?;
        // An unclean project is read even if nothing changed: its issue is reported each time.
        let has_unclean = || view.projects().iter().any(|project| !project.observed.clean);
        if probe != Probe::Unchanged || has_unclean() {
            projects::refresh_projects(&mut worker, &view, &mut batch, &mut issue_log)?;
        }
        if options.verify == Verify::Full {
            source.check_indexes(IndexCheck::Parts)?;
        }
        let first_issue = issue_log.issues.len();
        let work =
            find_dirty_sessions(&mut worker, &view, (probe, since), options, &mut issue_log)?;
        // Records seldom disappear. Perhaps the store still has them, but its index does not.
        if work.lacks_records && source.check_indexes(IndexCheck::Messages)? {
            issue_log.issues.truncate(first_issue);
            find_dirty_sessions(&mut worker, &view, (Probe::Rescan, None), options, &mut issue_log)?
        } else {
            work
        }
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
        byproducts.has_other_copy |= session.is_other_copy;
        byproducts.spans.extend(session.spans);
        byproducts.counters += session.counters;
    }
    for key in removed {
        for message in view.by_session(&key.session) {
            batch.remove_message(message.key.clone());
        }
        batch.remove_session(key);
    }
    let may_change_copies = may_change_copies(&batch, &view);
    drop(view);
    let token = storable_token(probed.token, &issue_log, |session| !missing.contains(session));
    batch.set_token(source_state::join(token.as_ref(), source.memo().as_deref()));
    index.commit(batch);
    if may_change_copies {
        mark_copies(index);
    }
    stage.counts.sessions = sessions;
    let refreshed =
        RefreshSummary { before, after: index.cursor(), sessions, verified: jobs.len() };
    let mut result = stage.end(refreshed);
    result.report.issues = issue_log.issues;
    locate_issues(&mut result.report, |key| source.locate(key));
    Ok(ControlFlow::Continue(result))
}

/// Checks whether the next refresh of an index can ask the Source what changed.
pub(crate) fn has_token(index: &SessionIndex) -> bool {
    index.token().is_some_and(|kept| source_state::split(&kept).0.is_some())
}

/// Returns the token to store in the index; `None` if the next refresh has to survey the store.
///
/// With a token, a refresh of an unchanged store reads only unsettled sessions of the index, and
/// reports only their issues. An issue about something that the index does not have would be
/// reported once and never again, so then no token is stored.
pub(super) fn storable_token(
    token: Option<SourceToken>,
    issue_log: &IssueLog,
    has: impl Fn(&SessionKey) -> bool,
) -> Option<SourceToken> {
    let is_repeated = |key: &EntityKey| match key {
        EntityKey::Project(_) => false,
        EntityKey::Session(key) => has(key),
        EntityKey::Message(key) => has(&key.session.clone().into()),
        _ => true, // a part or side document of a session that was read
    };
    let is_repeatable = |issue: &StageIssue| issue.key.as_ref().is_some_and(is_repeated);
    token.filter(|_| issue_log.issues.iter().all(is_repeatable))
}

/// The sessions that a refresh has to verify or remove.
struct RefreshWork {
    /// The sessions to verify record by record, each with its observation if it was surveyed.
    jobs: Vec<(SessionKey, Option<SessionObservation>)>,
    /// The sessions that are gone from the store.
    removed: Vec<SessionKey>,
    /// The number of sessions in the store.
    sessions: usize,
    /// Whether the store lacks records that the index has.
    lacks_records: bool,
}

/// Finds the sessions that may differ from the index, by the probe since a token and by a survey.
fn find_dirty_sessions(
    worker: &mut Worker<'_>,
    view: &View,
    (probe, since): (Probe, Option<&SourceToken>),
    options: &RefreshOptions,
    issue_log: &mut IssueLog,
) -> Result<RefreshWork> {
    let known = view.session_ids();
    let mut reported = match probe {
        Probe::Unchanged => {
            // Nothing changed, so no survey is needed. Unsettled sessions are verified all the same:
            // a provisional read is repeated, and the issues of unreadable records are reported again.
            let unsettled =
                |id: &SessionId| view.refresh_state(id).is_some_and(|state| state.1.unsettled);
            let jobs = known.iter().filter(|id| unsettled(id));
            let jobs = jobs.map(|id| (SessionKey::from(id.clone()), None)).collect();
            let (removed, sessions) = (Vec::new(), known.len());
            return Ok(RefreshWork { jobs, removed, sessions, lacks_records: false });
        }
        Probe::Changed(changes) => {
            let reported = changes.iter().map(|change| change.session().clone());
            Some(reported.collect::<HashSet<SessionKey>>())
        }
        Probe::Rescan => None,
    };
    // The records of all sessions are compared even if the probe names the changes, because a probe
    // names only changes of messages and parts. The sets of messages are surveyed only without it.
    let sets = reported.is_none().then_some(since);
    let mut unread = UnreadSets::default();
    let mut observed = observe_sessions(worker, sets, &mut unread, issue_log)?;
    let mut removed = Vec::new();
    for id in known {
        let key = SessionKey::from(id);
        if observed.contains_key(&key) {
            continue;
        }
        match &mut reported {
            // Its record or its messages may be in a place that could not be read, so it is verified.
            None if unread.may_have(view, &key) => {
                observed.insert(key, SessionObservation::default());
            }
            None => removed.push(key),
            // The session lost its record, or never had one. Its messages were not surveyed. If it lost
            // the record, it is verified, which finds out whether messages are left.
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
    if !unread.is_empty() {
        for (key, current) in &mut observed {
            current.is_record_unread =
                current.records.is_empty() && unread.may_have_record(view, key);
        }
    }
    let sessions = observed.len();
    let mut lacks_records = !removed.is_empty();
    let is_reported =
        |key: &SessionKey| reported.as_ref().is_some_and(|reported| reported.contains(key));
    observed.retain(|key, current| {
        let known = view.refresh_state(&key.session);
        let known = known.as_ref().map(|(record, state)| (record.as_ref(), state));
        lacks_records |= known.is_some_and(|known| current.lacks_records(known));
        let is_in_project = |project: &ProjectId| view.is_in_project(&key.session, project);
        is_reported(key)
            || known.is_none_or(|known| {
                is_dirty(known, current, is_in_project, reported.is_none(), options)
            })
    });
    let jobs = observed.into_iter().map(|(key, current)| (key, Some(current))).collect();
    Ok(RefreshWork { jobs, removed, sessions, lacks_records })
}

/// What a survey of all sessions could not read.
#[derive(Default)]
struct UnreadSets {
    /// The unread records, and the directories or tables that may have them.
    records: UnreadEntities,
    /// The unread sets of messages.
    messages: UnreadEntities,
}

impl UnreadSets {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.messages.is_empty()
    }

    /// Checks whether a session may have a record that was not observed.
    fn may_have_record(&self, view: &View, key: &SessionKey) -> bool {
        let known = view.session(&key.session);
        self.records.may_have_session(key, known.as_ref().and_then(|known| known.project.as_ref()))
    }

    /// Checks whether a session may have a record or messages that were not observed.
    fn may_have(&self, view: &View, key: &SessionKey) -> bool {
        !self.is_empty()
            && (self.may_have_record(view, key) || self.messages.may_have_messages(key))
    }
}

/// Surveys the records of all sessions and, with `sets`, their message sets changed since that token.
fn observe_sessions(
    worker: &mut Worker<'_>,
    sets: Option<Option<&SourceToken>>,
    unread: &mut UnreadSets,
    issue_log: &mut IssueLog,
) -> Result<HashMap<SessionKey, SessionObservation>> {
    let mut observed: HashMap<SessionKey, SessionObservation> = HashMap::new();
    // The sets come first: a merged Source chooses among the copies of sessions by their sets.
    let surveys = [Survey::MessageSets, Survey::Sessions];
    let mut unchanged = HashSet::new();
    for survey in &surveys[usize::from(sets.is_none())..] {
        let mut visit = |item| {
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
                    match survey {
                        Survey::Sessions => unread.records.note(key.as_ref(), &issue),
                        _ => unread.messages.note(key.as_ref(), &issue),
                    }
                    issue_log.note(key, issue);
                }
            }
            ControlFlow::Continue(())
        };
        match (survey, sets) {
            (Survey::MessageSets, Some(since)) => {
                unchanged = worker.reader.survey_changed_sets(since, &mut visit)?;
            }
            _ => worker.reader.survey(survey, &mut visit)?,
        }
    }
    if sets.is_some() {
        for (key, session) in &mut observed {
            session.is_set_unchanged = unchanged.contains(key);
            let is_surveyed = !session.is_set_unchanged && !unread.messages.may_have_messages(key);
            if session.set.is_none() && is_surveyed {
                session.set = Some(None);
            }
        }
    }
    Ok(observed)
}

impl SessionObservation {
    /// Checks whether a session lost its record, or its set of messages became smaller.
    fn lacks_records(&self, (record, state): (Option<&ObservedStamp>, &RefreshState)) -> bool {
        let size = |set: Option<&Stamp>| set.map_or(0, |stamp| stamp.size);
        let known_set = state.message_set.as_ref().map(|set| &set.stamp);
        let current_size = |set: &Option<Observation>| size(set.as_ref().map(|set| &set.stamp));
        let is_smaller = self.set.as_ref().is_some_and(|set| current_size(set) < size(known_set));
        is_smaller || record.is_some() && self.records.is_empty()
    }
}

/// Checks whether a session has to be verified record by record. `sets` says whether its set of
/// messages was surveyed.
fn is_dirty(
    (record, state): (Option<&ObservedStamp>, &RefreshState),
    current: &SessionObservation,
    is_in_project: impl Fn(&ProjectId) -> bool,
    sets: bool,
    options: &RefreshOptions,
) -> bool {
    let same_record = match (record, &current.records[..]) {
        (None, []) => true,
        (Some(known), [current]) => {
            known.is_unchanged(&current.stamp) && current.project.as_ref().is_none_or(is_in_project)
        }
        _ => false,
    };
    options.verify == Verify::Full
        || !same_record
        || (sets && !current.is_set_unchanged && !current.is_same_set(state))
        || current.has_issue
        || options.is_hot(state)
        || options.parts > PartDetail::Later
}
