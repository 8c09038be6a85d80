//! The readers: threads that repeat every read that the library offers.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use scrollback_core_err::Issue;
use scrollback_core_id::SystemClock;
use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_core_type::StageReport;
use scrollback_flow::{
    Error, PartDetail, RefreshOptions, build_index, plan_sessions, refresh_index,
    run_session_tree_flow,
};
use scrollback_index::SessionIndex;
use scrollback_source::{Entry, Probe, ScanItem, Source, Survey, SurveyItem};
use scrollback_stor_sqlite::SqliteReader;

use super::check;
use super::content::{Random, SessionMark};
use super::log::ReadLog;
use super::store::{MAX_DELETED, SESSION_COUNT};

/// The number of trees per list of sessions.
const TREES_PER_LIST: usize = 16;

/// The options of a process that only reads.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The database to read
    database: PathBuf,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    readers: usize,
    /// How long to read, in milliseconds
    #[arg(long)]
    run: u64,
}

impl Args {
    /// Adds the arguments that make this program a reader.
    pub(crate) fn add_to_command(
        command: &mut Command,
        database: &Path,
        readers: usize,
        run: Duration,
    ) {
        command.arg("sqlite-reader").arg(database).args(["--seed", "1"]);
        command.args(["--readers", &readers.to_string()]);
        command.args(["--run", &run.as_millis().to_string()]);
    }
}

/// Reads for a while. Returns whether no fault was found.
///
/// # Errors
/// None in practice: faults are printed, not returned.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let log = ReadLog::default();
    run_readers(&open_source(&args.database)?, args.readers, args.seed, &log, || {
        std::thread::sleep(Duration::from_millis(args.run));
        Ok(())
    })?;
    let stats = log.stats();
    println!("{stats}");
    Ok(stats.faults.is_empty() && stats.trees > 0)
}

/// Opens a database as a program would.
pub(crate) fn open_source(database: &Path) -> Result<SqliteReader> {
    Ok(SqliteReader::new(database, "stress".parse()?, Arc::new(SystemClock)))
}

/// Reads with a number of threads while `meanwhile` runs.
pub(crate) fn run_readers<T>(
    source: &SqliteReader,
    readers: usize,
    seed: u64,
    log: &ReadLog,
    meanwhile: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let is_stopping = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..readers {
            let mut reader = Reader {
                source,
                log,
                is_stopping: &is_stopping,
                random: Random(seed.wrapping_mul(31).wrapping_add(number as u64)),
                latest_turns: HashMap::new(),
                index: None,
            };
            // Each thread starts at another call, so that a short run covers all calls.
            let first = number * 4 + seed as usize % 8 * 3;
            scope.spawn(move || reader.run(first));
        }
        let outcome = meanwhile();
        is_stopping.store(true, Ordering::Relaxed);
        outcome
    })
}

/// A call that a reader makes besides loading trees: its name and its function.
type Call<'r> = (&'static str, fn(&mut Reader<'r>, &SessionKey) -> Result<()>);

struct Reader<'r> {
    source: &'r SqliteReader,
    log: &'r ReadLog,
    is_stopping: &'r AtomicBool,
    random: Random,
    /// The newest turn of each session; a later read must not return an older turn.
    latest_turns: HashMap<SessionKey, u64>,
    index: Option<SessionIndex>,
}

impl<'r> Reader<'r> {
    const CALLS: [Call<'r>; 8] = [
        ("scans of messages", Self::scan_messages),
        ("reads by key", Self::read_spans),
        ("scans of all parts", Self::scan_all_parts),
        ("searches for orphans", Self::find_orphans),
        ("surveys", Self::survey),
        ("scans of names", Self::scan_message_names),
        ("indexings", Self::update_index),
        ("probes", Self::check_probe),
    ];

    fn run(&mut self, first: usize) {
        for turn in first.. {
            if let Err(error) = self.run_call(Self::CALLS[turn % Self::CALLS.len()]) {
                self.log.add_fault(format!("{error:#}"));
            }
            if self.is_stopping.load(Ordering::Relaxed) {
                break;
            }
        }
    }

    fn run_call(&mut self, (name, call): Call<'r>) -> Result<()> {
        let sessions = self.list_sessions()?;
        for _ in 0..TREES_PER_LIST {
            let session = &sessions[self.random.next_below(sessions.len())];
            if let Err(error) = self.load_tree(session) {
                self.log.add_fault(format!("tree of {session}: {error:#}"));
            }
            if self.is_stopping.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let session = &sessions[self.random.next_below(sessions.len())];
        call(self, session).map_err(|error| error.context(format!("{name}, {session}")))?;
        *self.log.lock().calls.entry(name).or_default() += 1;
        Ok(())
    }

    fn list_sessions(&mut self) -> Result<Vec<SessionKey>> {
        let planned = plan_sessions(&mut *self.source.open()?, None)?;
        self.check_report(&planned.report);
        let sessions = planned.value.sessions;
        let valid_counts = SESSION_COUNT - MAX_DELETED..=SESSION_COUNT;
        ensure!(valid_counts.contains(&sessions.len()), "{} sessions are listed", sessions.len());
        for node in &sessions {
            self.check_turn_order(&node.key, check::session(node.span.as_ref())?)?;
        }
        *self.log.lock().calls.entry("lists of sessions").or_default() += 1;
        Ok(sessions.into_iter().map(|node| node.key).collect())
    }

    /// Loads and checks a session. Returns `None` if it is deleted.
    fn load_tree(&mut self, session: &SessionKey) -> Result<Option<SessionMark>> {
        let loaded = run_session_tree_flow(self.source, session, |tree| {
            let parts: usize = tree.messages.iter().map(|message| message.parts.len()).sum();
            (check::tree(tree), tree.messages.len(), parts)
        });
        let loaded = match loaded {
            Err(Error::NotFound(_)) => {
                self.log.lock().deleted_sessions += 1;
                return Ok(None);
            }
            loaded => loaded?,
        };
        self.check_report(&loaded.report);
        let (checked, messages, parts) = loaded.value;
        let mark = checked?;
        self.check_turn_order(session, mark)?;
        let mut stats = self.log.lock();
        stats.trees += 1;
        stats.messages += messages as u64;
        stats.parts += parts as u64;
        Ok(Some(mark))
    }

    /// Counts the issues of a report as faults, except records that were deleted in between.
    fn check_report(&self, report: &StageReport) {
        let wrong = report.issues.iter().filter(|issue| !issue.issue.is_vanished());
        wrong.for_each(|issue| self.log.add_fault(issue.to_string()));
    }

    fn check_turn_order(&mut self, session: &SessionKey, mark: SessionMark) -> Result<()> {
        let last = self.latest_turns.entry(session.clone()).or_default();
        ensure!(mark.turn >= *last, "{session}: back from {last} to {}", mark.turn);
        *last = mark.turn;
        Ok(())
    }

    fn scan(&self, scope: &Scope, mut on_entry: impl FnMut(Entry) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        self.source.open()?.scan(scope, &mut |item| match item {
            ScanItem::Entry(entry) => continue_if_ok(on_entry(entry), &mut outcome),
            ScanItem::Set(_) => ControlFlow::Continue(()),
            ScanItem::Issue(key, issue) => {
                self.check_issue(key.as_ref(), &issue);
                ControlFlow::Continue(())
            }
        })?;
        outcome
    }

    fn check_issue(&self, key: Option<&EntityKey>, issue: &Issue) {
        if !issue.is_vanished() {
            self.log.add_fault(format!("{issue} ({key:?})"));
        }
    }

    fn scan_messages(&mut self, session: &SessionKey) -> Result<()> {
        let scope = Scope::Messages(session.clone());
        self.scan(&scope, |entry| check::message(entry.span.as_ref()).map(drop))
    }

    fn scan_message_names(&mut self, session: &SessionKey) -> Result<()> {
        let mut keys = Vec::new();
        self.scan(&Scope::MessageNames(session.clone()), |entry| {
            keys.push(entry.key);
            Ok(())
        })?;
        for key in keys {
            if let EntityKey::Message(key) = key {
                self.scan(&Scope::Parts(key), |_| Ok(()))?;
            }
        }
        Ok(())
    }

    /// Reads the messages and parts of a session by key.
    fn read_spans(&mut self, session: &SessionKey) -> Result<()> {
        let mut keys = Vec::new();
        let mut reader = self.source.open()?;
        reader.tree(session, &mut |item| {
            if let ScanItem::Entry(entry) = item
                && !matches!(entry.key, EntityKey::Session(_))
            {
                keys.push(entry.key);
            }
            ControlFlow::Continue(())
        })?;
        let mut entries = Vec::new();
        reader.spans(&keys, &mut |item| {
            match item {
                ScanItem::Entry(entry) => entries.push(entry),
                ScanItem::Set(_) => {}
                ScanItem::Issue(key, issue) => self.check_issue(key.as_ref(), &issue),
            }
            ControlFlow::Continue(())
        })?;
        check::consistent_versions(&entries)
    }

    fn scan_all_parts(&mut self, _: &SessionKey) -> Result<()> {
        self.scan(&Scope::AllParts, |entry| check::part(entry.span.as_ref()).map(drop))
    }

    /// Checks for orphans; no transaction leaves any.
    fn find_orphans(&mut self, _: &SessionKey) -> Result<()> {
        let mut orphans = Vec::new();
        self.source.open()?.orphans(&mut |item| {
            match item {
                ScanItem::Entry(entry) => orphans.push(entry.key),
                ScanItem::Set(_) => {}
                ScanItem::Issue(key, issue) => self.check_issue(key.as_ref(), &issue),
            }
            ControlFlow::Continue(())
        })?;
        ensure!(orphans.is_empty(), "orphans: {orphans:?}");
        Ok(())
    }

    fn survey(&mut self, session: &SessionKey) -> Result<()> {
        let mut reader = self.source.open()?;
        for survey in [Survey::Sessions, Survey::MessageSets, Survey::Messages(session)] {
            reader.survey(&survey, &mut |item| {
                if let SurveyItem::Issue(key, issue) = item {
                    self.check_issue(key.as_ref(), &issue);
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(())
    }

    /// Builds the index, or refreshes the existing index.
    fn update_index(&mut self, _: &SessionKey) -> Result<()> {
        let progress = |_| match self.is_stopping.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let (report, sessions) = match &self.index {
            None => {
                let built = build_index(self.source, PartDetail::Stamps, &progress)?;
                let ControlFlow::Continue(built) = built else { return Ok(()) };
                let sessions = built.value.view().session_ids().len();
                self.index = Some(built.value);
                (built.report, sessions)
            }
            Some(index) => {
                let options =
                    RefreshOptions { parts: PartDetail::Stamps, ..RefreshOptions::default() };
                let refreshed = refresh_index(self.source, index, &options, &progress)?;
                let ControlFlow::Continue(refreshed) = refreshed else { return Ok(()) };
                (refreshed.report, refreshed.value.sessions)
            }
        };
        self.check_report(&report);
        let valid_counts = SESSION_COUNT - MAX_DELETED..=SESSION_COUNT;
        ensure!(valid_counts.contains(&sessions), "{sessions} sessions are indexed");
        Ok(())
    }

    /// Checks that a session that two probes do not report is unchanged between two reads.
    fn check_probe(&mut self, session: &SessionKey) -> Result<()> {
        let token = self.source.probe(None)?.token;
        let before = self.load_tree(session)?;
        let first = self.source.probe(token.as_ref())?;
        let after = self.load_tree(session)?;
        let second = self.source.probe(first.token.as_ref())?;
        let names = |probe: &Probe| match probe {
            Probe::Unchanged => false,
            Probe::Changed(changes) => changes.iter().any(|change| change.session() == session),
            Probe::Rescan => true,
        };
        if let (Some(before), Some(after)) = (before, after) {
            let is_reported = names(&first.probe) || names(&second.probe);
            ensure!(is_reported || before == after, "not reported: {before:?} became {after:?}");
        }
        Ok(())
    }
}

/// Keeps the first error and breaks off.
fn continue_if_ok(step: Result<()>, outcome: &mut Result<()>) -> ControlFlow<()> {
    match step {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *outcome = Err(error);
            ControlFlow::Break(())
        }
    }
}
