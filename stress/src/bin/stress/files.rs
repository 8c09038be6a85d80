//! The fault test of files: a process rewrites files exactly as opencode does, as fast as possible,
//! while readers load spans and trees.
//!
//! The test passes if all of this holds: nothing crashes; every settled value was written as a
//! whole; every value that may be torn is marked, and its record stays dirty until it is read
//! settled; after the writer has ended, all dirty records settle at the last written version.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use scrollback_core_err::IssueKind;
use scrollback_core_id::SystemClock;
use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_fixtures::writer::{fault, verify};
use scrollback_flow::{SessionLoader, run_session_tree_flow};
use scrollback_source::{ScanItem, Source};
use scrollback_stor_mmap::MappedSpan;
use scrollback_stor_read::FileReader;

use crate::process::Writer;

/// The options of the fault test of files.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many spans to read, all readers together
    #[arg(long, default_value_t = 200_000)]
    reads: u64,
    /// How many readers
    #[arg(long, default_value_t = 2)]
    readers: usize,
    /// The seed of the files, sizes and ids
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the test. Returns whether it passed.
///
/// # Errors
/// If the writer cannot be started or fails, or if the store cannot be read as a whole.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let dir = tempfile::tempdir()?;
    let storage = dir.path().join("storage");
    let mut command = Command::new(fault::binary()?);
    command.arg(&storage).args(["--seed", &args.seed.to_string()]);
    let mut writer = Writer::start(&mut command)?;
    let store = FileReader::new(&storage, "stress".parse()?, Arc::new(SystemClock));
    let sessions = SessionLoader::new(&store).list_sessions(None)?.value;
    let sessions: Vec<SessionKey> = sessions.into_iter().map(|node| node.key).collect();

    let log = ReadLog::default();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let read = |_| scope.spawn(|| read_until(&store, &sessions, &log, args.reads));
        let readers: Vec<_> = (0..args.readers).map(read).collect();
        readers.into_iter().try_for_each(|reader| match reader.join() {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow!("a reader panicked")),
        })
    })?;
    let elapsed = start.elapsed();
    let tally: serde_json::Value = writer.stop()?;
    let still_dirty = count_unsettled(&store, &log, &tally)?;

    let log = log.snapshot_stats();
    println!("writes  {}", tally["writes"]);
    for class in ["same_length", "grown", "shrunk", "created", "large", "new_dir", "unlinked"] {
        println!("  {class:<12} {}", tally[class]);
    }
    println!("reads   {} in {:.1} s", log.reads, elapsed.as_secs_f64());
    println!(
        "  settled      {}, of them not written as a whole: {}",
        log.settled,
        log.violations.len()
    );
    println!("  provisional  {}, of them torn and marked: {}", log.provisional, log.torn);
    println!("  issues       {:?}", log.issues);
    println!(
        "after the writer ended: {} records were dirty, {still_dirty} did not settle",
        log.dirty.len()
    );
    for violation in &log.violations {
        println!("WRONG: {violation}");
    }
    let has_coverage = log.settled > 0 && log.provisional > 0 && log.reads >= args.reads;
    let holds = log.violations.is_empty() && still_dirty == 0 && has_coverage;
    println!("{}", if holds { "PASS" } else { "FAIL" });
    Ok(holds)
}

/// The results of all readers.
#[derive(Default)]
struct ReadLog {
    reads: AtomicU64,
    stats: Mutex<ReadStats>,
}

#[derive(Default, Clone)]
struct ReadStats {
    reads: u64,
    settled: u64,
    provisional: u64,
    torn: u64,
    issues: BTreeMap<String, u64>,
    violations: Vec<String>,
    /// The newest settled version of each record.
    newest: BTreeMap<EntityKey, u64>,
    /// Records whose last read was provisional or failed.
    dirty: BTreeSet<EntityKey>,
}

impl ReadLog {
    fn snapshot_stats(&self) -> ReadStats {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stats.reads = self.reads.load(Ordering::Relaxed);
        stats
    }

    /// Checks a span. `floor` is the newest version that was read settled before this read began; a
    /// later read must not return an older version.
    fn check_span(&self, key: &EntityKey, span: &MappedSpan, floor: Option<u64>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let verified = verify(span);
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        if !span.is_settled() {
            stats.provisional += 1;
            stats.torn += u64::from(verified.is_err());
            stats.dirty.insert(key.clone());
            return;
        }
        stats.settled += 1;
        stats.dirty.remove(key);
        match verified {
            Err(torn) => {
                stats.violations.push(format!("{key}: settled but {torn:?}, {} bytes", span.len()));
            }
            Ok(version) if floor.is_some_and(|floor| version.number < floor) => {
                stats.violations.push(format!("{key}: version {} after {floor:?}", version.number));
            }
            Ok(version) => {
                let newest = stats.newest.entry(key.clone()).or_default();
                *newest = version.number.max(*newest);
            }
        }
    }

    fn add_issue(&self, key: Option<&EntityKey>, kind: &IssueKind) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{kind:?}");
        let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
        *stats.issues.entry(name).or_default() += 1;
        if let (Some(key), IssueKind::Unsettled { .. }) = (key, kind) {
            stats.dirty.insert(key.clone());
        }
    }

    fn newest_version(&self, key: &EntityKey) -> Option<u64> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).newest.get(key).copied()
    }

    fn newest_versions(&self) -> BTreeMap<EntityKey, u64> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).newest.clone()
    }
}

/// Loads trees and single spans in turn, until all readers together have read enough.
fn read_until(
    store: &FileReader,
    sessions: &[SessionKey],
    log: &ReadLog,
    max_reads: u64,
) -> Result<()> {
    while log.reads.load(Ordering::Relaxed) < max_reads {
        for session in sessions {
            let floors = log.newest_versions();
            let mut keys: Vec<EntityKey> = vec![session.clone().into()];
            let loaded = run_session_tree_flow(store, session, |tree| {
                let floor = |key: &EntityKey| floors.get(key).copied();
                let session_item = (EntityKey::from(session.clone()), tree.node.span.as_ref());
                let messages = tree.messages.iter().flat_map(|message| {
                    let parts = message.parts.iter().map(|part| {
                        (EntityKey::from(part.node.key.clone()), part.node.span.as_ref())
                    });
                    let session_item =
                        (message.node.key.clone().into(), message.node.span.as_ref());
                    std::iter::once(session_item).chain(parts)
                });
                for (key, span) in std::iter::once(session_item).chain(messages) {
                    if let Some(span) = span {
                        log.check_span(&key, span, floor(&key));
                    }
                    keys.push(key);
                }
            });
            for issue in loaded?.report.issues {
                log.add_issue(issue.key.as_ref(), &issue.issue.kind);
            }
            read_spans(store, &keys, log)?;
        }
    }
    Ok(())
}

/// Loads records one by one.
fn read_spans(store: &FileReader, keys: &[EntityKey], log: &ReadLog) -> Result<()> {
    let mut reader = store.open()?;
    for key in keys {
        let floor = log.newest_version(key);
        reader.spans(std::slice::from_ref(key), &mut |item| {
            match item {
                ScanItem::Entry(entry) => {
                    if let Some(span) = &entry.span {
                        log.check_span(key, span, floor);
                    }
                }
                ScanItem::Set(_) => {}
                ScanItem::Issue(key, issue) => log.add_issue(key.as_ref(), &issue.kind),
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(())
}

/// Reads the dirty records again after the writer has ended. Returns the number of records that do
/// not settle at the last written version.
fn count_unsettled(store: &FileReader, log: &ReadLog, tally: &serde_json::Value) -> Result<usize> {
    std::thread::sleep(Duration::from_millis(200)); // the 100 ms margin, doubled
    let mut unsettled = 0;
    for key in log.snapshot_stats().dirty {
        let path = store.locate(&key).unwrap_or_default();
        let last = &tally["last"][path.to_string_lossy().as_ref()];
        let mut outcome = None;
        store.open()?.spans(std::slice::from_ref(&key), &mut |item| {
            outcome = Some(match item {
                ScanItem::Entry(entry) => entry.span.filter(MappedSpan::is_settled),
                ScanItem::Set(_) => return ControlFlow::Continue(()),
                ScanItem::Issue(_, issue) => {
                    // The writer removed this file: a missing record counts as settled.
                    (issue.kind == IssueKind::Vanished && last.is_null()).then(MappedSpan::default)
                }
            });
            ControlFlow::Continue(())
        })?;
        let settled = match outcome.flatten() {
            Some(span) if last.is_null() => span.is_empty(),
            Some(span) => verify(&span).is_ok_and(|version| *last == version.number),
            None => false,
        };
        if !settled {
            println!("did not settle: {key}");
            unsettled += 1;
        }
    }
    Ok(unsettled)
}
