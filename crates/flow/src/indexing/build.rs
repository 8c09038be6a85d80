//! Builds the index of a store from nothing.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_core_type::{StageCounts, StageName, StageResult};
use scrollback_index::{IndexBuilder, ProjectMeta, SessionContents, SessionIndex};
use scrollback_source::{Entry, IndexCheck, Result, ScanItem, Source, Survey, SurveyItem};

use super::copies::{LateTimes, changed_marks};
use super::issue_log::IssueLog;
use super::pool::{self, OnProgress, Worker};
use super::projects;
use super::refresh::storable_token;
use super::session::{self, PartDetail, WholeSession};
use super::source_state;
use super::table_sets;
use super::unread::UnreadEntities;
use crate::stage::{Stage, locate_issues};

/// Reads a whole store into a new index: its projects, sessions and messages, and as much of its
/// parts as `parts` says.
///
/// A record that cannot be read is an issue of the report; all other records are indexed. Returns
/// `Break` if `progress` breaks.
///
/// # Errors
/// If the store cannot be opened or walked.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{PartDetail, build_index};
/// use scrollback_stor_read::FileReader;
///
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let store = FileReader::new(storage, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let built = build_index(&store, PartDetail::Later, &|_| ControlFlow::Continue(()))?;
/// let index = built.continue_value().unwrap().value; // `progress` never breaks
/// assert_eq!(index.view().sessions().count(), 59);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn build_index(
    source: &dyn Source,
    parts: PartDetail,
    progress: &OnProgress<'_>,
) -> Result<ControlFlow<(), StageResult<SessionIndex>>> {
    match build_once(source, parts, progress)? {
        // Perhaps an index of the store hid records. If so, the Source reads without it from now on.
        ControlFlow::Continue(Built { lacks_records: true, .. })
            if source.check_indexes(IndexCheck::Messages)? =>
        {
            Ok(build_once(source, parts, progress)?.map_continue(|built| built.result))
        }
        built => Ok(built.map_continue(|built| built.result)),
    }
}

/// An index of a whole store.
struct Built {
    result: StageResult<SessionIndex>,
    /// Whether the tables of the store have other records than were read. A commit during the build is
    /// the usual reason.
    lacks_records: bool,
}

fn build_once(
    source: &dyn Source,
    parts: PartDetail,
    progress: &OnProgress<'_>,
) -> Result<ControlFlow<(), Built>> {
    thread::scope(|scope| {
        // In parallel with the build, because an index of the store is nearly always sound.
        let read_sets = || table_sets::table_sets(source);
        let reading = match source.has_indexes() {
            true => Some(thread::Builder::new().spawn_scoped(scope, read_sets)),
            false => None,
        };
        let ControlFlow::Continue(result) = build_through_indexes(source, parts, progress)? else {
            return Ok(ControlFlow::Break(()));
        };
        let sets = match reading {
            Some(Ok(reading)) => reading.join().unwrap_or_else(|panic| resume_unwind(panic))?,
            Some(Err(_)) => read_sets()?, // the system has no thread left
            None => return Ok(ControlFlow::Continue(Built { result, lacks_records: false })),
        };
        let lacks_records =
            !sets.is_some_and(|sets| table_sets::has_these_sets(&result.value, &sets));
        Ok(ControlFlow::Continue(Built { result, lacks_records }))
    })
}

/// Reads a whole store, through the indexes that the store itself keeps.
fn build_through_indexes(
    source: &dyn Source,
    parts: PartDetail,
    progress: &OnProgress<'_>,
) -> Result<ControlFlow<(), StageResult<SessionIndex>>> {
    let mut stage = Stage::begin(StageName::Index, source.clock());
    // Probed before anything is read, so that the next refresh finds what changes during the build.
    let token = source.probe(None)?.token;
    let mut builder = IndexBuilder::new(source.id().clone());
    let StoreListing { projects, jobs, mut issue_log } = list_store(source)?;
    projects.iter().for_each(|meta| builder.add_project(meta));
    let with_issues = sessions_with_issues(&issue_log);
    let builder =
        Mutex::new(CountingBuilder { builder, counts: stage.counts, late: LateTimes::default() });
    let waiting = Mutex::new(Vec::new());
    let read = pool::run(source, &jobs, progress, |worker, job: &Job| {
        let WholeSession { contents: mut session, issue_log } =
            session::read_whole_session(worker, &job.key, job.entry.as_ref(), parts)?;
        if job.may_have_record {
            // Without messages nothing shows that the session exists.
            let state = &mut session.state;
            if state.refresh_state.message_set.is_none() {
                return Ok((issue_log.issues, Some(job.key.clone())));
            }
            let unknown = session::unknown_session(&job.key, state.refresh_state.checked_at);
            state.record = Some(Arc::new(unknown));
        }
        session.state.refresh_state.unsettled |= with_issues.contains(&session.key);
        // The worker adds the session itself if the builder is free, and reuses its memory for the
        // next session. Otherwise the session waits for the next worker that gets the builder, so that
        // no worker blocks.
        match builder.try_lock() {
            Ok(mut builder) => {
                builder.add_waiting(&waiting);
                builder.add(&mut session);
                session.messages.clear();
                worker.spare_messages = session.messages;
            }
            Err(_) => waiting.lock().unwrap_or_else(PoisonError::into_inner).push(session),
        }
        Ok((issue_log.issues, None))
    })?;
    let ControlFlow::Continue(read) = read else { return Ok(ControlFlow::Break(())) };
    let mut left_out = HashSet::new();
    for (issues, key) in read {
        issue_log.issues.extend(issues);
        left_out.extend(key);
    }
    let mut builder = builder.into_inner().unwrap_or_else(PoisonError::into_inner);
    builder.add_waiting(&waiting);
    let CountingBuilder { mut builder, counts, late } = builder;
    let listed: HashSet<&SessionKey> =
        jobs.iter().map(|job| &job.key).filter(|key| !left_out.contains(*key)).collect();
    let token = storable_token(token, &issue_log, |session| listed.contains(session));
    builder.set_token(source_state::join(token.as_ref(), source.memo().as_deref()));
    stage.counts = counts;
    let mut result = stage.end(builder.finish_with_copies(|view| changed_marks(view, late)));
    result.report.issues = issue_log.issues;
    locate_issues(&mut result.report, |key| source.locate(key));
    Ok(ControlFlow::Continue(result))
}

/// A builder of an index that counts the records it adds.
struct CountingBuilder {
    builder: IndexBuilder,
    counts: StageCounts,
    /// The messages that may be copies.
    late: LateTimes,
}

impl CountingBuilder {
    /// Adds the sessions whose workers found the builder busy.
    fn add_waiting(&mut self, waiting: &Mutex<Vec<SessionContents>>) {
        let sessions = std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for mut session in sessions {
            self.add(&mut session);
        }
    }

    fn add(&mut self, session: &mut SessionContents) {
        self.counts.sessions += usize::from(session.state.record.is_some());
        self.counts.messages += session.messages.len();
        session.messages.iter().for_each(|message| self.late.add(message));
        let listed = session.messages.iter().filter_map(|message| message.parts.as_ref());
        self.counts.parts += listed.map(|list| list.refs.len()).sum::<usize>();
        self.builder.add_session(session);
    }
}

/// A session to read.
struct Job {
    key: SessionKey,
    /// The session's record, which a worker parses; `None` for a session that has only messages.
    entry: Option<Entry>,
    /// Whether the session has no entry because its record may be in a place that was not read.
    may_have_record: bool,
}

/// The projects of a store, and its sessions to read.
struct StoreListing {
    projects: Vec<ProjectMeta>,
    jobs: Vec<Job>,
    issue_log: IssueLog,
}

/// Lists the projects and every session: those with a record, newest first, and those without.
fn list_store(source: &dyn Source) -> Result<StoreListing> {
    thread::scope(|scope| {
        // In parallel with the listing, because it takes as long.
        let search = || sessions_without_record(source);
        let without_record = thread::Builder::new().spawn_scoped(scope, search);
        let (mut listing, unread) = list_jobs(source)?;
        let (without_record, more) = match without_record {
            Ok(searching) => searching.join().unwrap_or_else(|panic| resume_unwind(panic))?,
            Err(_) => search()?, // the system has no thread left
        };
        listing.issue_log.issues.extend(more.issues);
        let listed: HashSet<SessionKey> = listing.jobs.iter().map(|job| job.key.clone()).collect();
        let without_record = without_record.into_iter().filter(|key| !listed.contains(key));
        // A record in a place that could not be read may be missing from both lists.
        let mut keys: HashSet<SessionKey> = without_record.collect();
        keys.extend(unread.sessions().filter(|key| !listed.contains(key)).cloned());
        listing.jobs.extend(keys.into_iter().map(|key| {
            let may_have_record = unread.may_have_session(&key, None);
            Job { key, entry: None, may_have_record }
        }));
        Ok(listing)
    })
}

/// Lists the projects, and every session that has a record, newest first. Also returns which records
/// could not be read.
fn list_jobs(source: &dyn Source) -> Result<(StoreListing, UnreadEntities)> {
    let mut issue_log = IssueLog::default();
    let Worker { mut reader, mut meta_builder, .. } = Worker::new(source)?;
    let projects = projects::read_projects(&mut meta_builder, &mut issue_log, |visit| {
        reader.scan(&Scope::Projects, visit)
    })?;
    let (mut jobs, mut unread) = (Vec::new(), UnreadEntities::default());
    reader.scan(&Scope::Sessions, &mut |item| {
        match item {
            ScanItem::Entry(entry) => {
                if let EntityKey::Session(key) = &entry.key {
                    let key = key.clone();
                    jobs.push(Job { key, entry: Some(entry), may_have_record: false });
                }
            }
            ScanItem::Issue(key, issue) => {
                unread.note(key.as_ref(), &issue);
                issue_log.note(key, issue);
            }
            ScanItem::Set(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok((StoreListing { projects, jobs, issue_log }, unread))
}

/// Returns the sessions that have messages and no record. The result may include other sessions.
fn sessions_without_record(source: &dyn Source) -> Result<(Vec<SessionKey>, IssueLog)> {
    let (mut without_record, mut issue_log) = (Vec::new(), IssueLog::default());
    source.open()?.survey(&Survey::LostSets, &mut |item| {
        match item {
            SurveyItem::Observation(observation) => {
                if let EntityKey::Session(key) = observation.key {
                    without_record.push(key);
                }
            }
            SurveyItem::Issue(key, issue) => issue_log.note(key, issue),
        }
        ControlFlow::Continue(())
    })?;
    Ok((without_record, issue_log))
}

/// Returns the sessions whose records have issues.
fn sessions_with_issues(issue_log: &IssueLog) -> HashSet<SessionKey> {
    let about = issue_log.issues.iter().filter_map(|issue| match &issue.key {
        Some(EntityKey::Session(key)) => Some(key.clone()),
        _ => None,
    });
    about.collect()
}
