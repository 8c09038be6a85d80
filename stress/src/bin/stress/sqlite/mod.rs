//! The fault test of the database: a process commits as fast as possible, while readers read.
//!
//! The test passes if all of this holds: the readers get no error and no half message; the writer
//! gets no BUSY at a commit; compared with readers that are equally busy on another database, the
//! slowest hundredth of the commits takes at most twice as long, and the log grows to at most four
//! times its size; our calls never write to the database or its log; and no file stays that the
//! writer would not have left.

mod check;
mod content;
mod log;
pub(crate) mod readers;
mod store;
mod trace;
pub(crate) mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use scrollback_core_id::SessionKey;
use scrollback_flow::run_session_tree_flow;
use scrollback_stor_sqlite::SqliteReader;

use crate::process::Writer;
use log::{ReadLog, ReadStats};
use writer::{Quantiles, Tally};

/// The number of measured rounds; their median counts.
const ROUNDS: u32 = 3;
/// The highest ratio for the slowest hundredth of the commits, beside readers of the same database.
const MAX_TIME_RATIO: f64 = 2.0;
/// The writer may have to repeat another statement once in this many commits.
const COMMITS_PER_WAIT: u64 = 5_000;
/// The highest ratio for the size of the log.
const MAX_LOG_RATIO: f64 = 4.0;
/// Shorter runs are not judged: their log may never have been restarted, and their slowest
/// hundredth has few commits.
const MIN_JUDGED_RUN: Duration = Duration::from_secs(10);

/// The options of the fault test of the database.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long to write beside readers of the database, and again beside readers of another
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// The seed of the rows and of their order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many readers
    #[arg(long, default_value_t = 2)]
    readers: usize,
}

/// The end of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PhaseEnd {
    /// The readers end first; the writer leaves its log, as opencode does.
    ReadersFirst,
    /// The writer ends first and leaves its log.
    WriterFirst,
    /// The readers end first; the writer closes the database.
    Closed,
}
const PHASE_ENDS: [PhaseEnd; ROUNDS as usize] =
    [PhaseEnd::ReadersFirst, PhaseEnd::WriterFirst, PhaseEnd::Closed];

/// The results of a phase.
struct Phase {
    tally: Tally,
    read_stats: ReadStats,
    files_left: BTreeSet<String>,
}

/// Runs the test. Returns whether it passed.
///
/// # Errors
/// If the writer cannot be started or fails.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let total = Duration::from_secs(args.seconds);
    let bench = Bench { args, phase_length: total / ROUNDS, dir: tempfile::tempdir()? };
    drop(store::Store::create(&bench.new_database_path("still")?, args.seed)?);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for (round, end) in PHASE_ENDS.into_iter().enumerate() {
        // The order alternates, so that other load of the machine affects both kinds equally.
        for is_live in [round % 2 == 1, round % 2 == 0] {
            let phases = if is_live { &mut beside } else { &mut alone };
            phases.push(bench.run_phase(round, is_live, end)?);
        }
    }
    let traced = bench.trace()?;
    Ok(report(&alone, &beside, traced.as_ref(), total >= MIN_JUDGED_RUN))
}

struct Bench<'a> {
    args: &'a Args,
    /// The length of a phase.
    phase_length: Duration,
    dir: tempfile::TempDir,
}

impl Bench<'_> {
    /// Creates a directory, and returns the path of a database in it.
    fn new_database_path(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.path().join(name);
        std::fs::create_dir(&dir)?;
        Ok(dir.join("opencode.db"))
    }

    /// Writes a new database beside readers of it, or beside readers of an idle database.
    fn run_phase(&self, round: usize, is_live: bool, end: PhaseEnd) -> Result<Phase> {
        let Args { seed, readers, .. } = *self.args;
        let database = self.new_database_path(&format!("{round}-{is_live}"))?;
        let idle = self.dir.path().join("still/opencode.db");
        let read = if is_live { &database } else { &idle };
        let closes = end == PhaseEnd::Closed;
        let mut command = writer::Args::command(&database, seed, self.phase_length, closes)?;
        let mut writer = Writer::start(&mut command)?;
        let (log, source) = (ReadLog::default(), readers::open_source(read)?);
        let early_tally =
            readers::run_readers(&source, readers, seed + round as u64, &log, || {
                std::thread::sleep(self.phase_length);
                if end == PhaseEnd::WriterFirst { writer.stop().map(Some) } else { Ok(None) }
            })?;
        drop(source);
        let tally: Tally = match early_tally {
            Some(tally) => tally,
            None => writer.stop()?,
        };
        if is_live {
            check_final_state(&database, &tally, &log)?;
        }
        let phase = Phase { tally, read_stats: log.stats(), files_left: file_names(&database)? };
        std::fs::remove_dir_all(database.parent().context("no directory")?)?;
        Ok(phase)
    }

    /// Reads under strace beside a writer.
    fn trace(&self) -> Result<Option<trace::TraceSummary>> {
        let run = self.phase_length.clamp(Duration::from_secs(2), Duration::from_secs(5));
        let database = self.new_database_path("traced")?;
        let mut command = writer::Args::command(&database, self.args.seed, run, false)?;
        let mut writer = Writer::start(&mut command)?;
        let traced = trace::run(&database, self.args.readers, run);
        let _: Tally = writer.stop()?;
        traced
    }
}

/// Checks that a new reader reads the last written state after the writer has ended.
fn check_final_state(database: &Path, tally: &Tally, log: &ReadLog) -> Result<()> {
    let source = readers::open_source(database)?;
    for (session, last) in &tally.last {
        let outcome = read_session_mark(&source, session);
        match outcome {
            Ok(mark) if mark == *last => {}
            Ok(mark) => {
                log.add_fault(format!("{session} is {mark:?} at the end, and not {last:?}"))
            }
            Err(error) => log.add_fault(format!("{session} at the end: {error:#}")),
        }
    }
    Ok(())
}

fn read_session_mark(source: &SqliteReader, session: &str) -> Result<content::SessionMark> {
    let session = SessionKey { session: session.parse()? };
    run_session_tree_flow(source, &session, check::tree)?.value
}

/// Returns the names of the files in the directory of a database.
#[expect(clippy::disallowed_methods, reason = "the directory is the test's")]
fn file_names(database: &Path) -> Result<BTreeSet<String>> {
    let dir = database.parent().context("no directory")?;
    let names = std::fs::read_dir(dir)?.map(|file| Ok(file?.file_name()));
    names.map(|name: Result<_>| Ok(name?.to_string_lossy().into_owned())).collect()
}

/// Prints the results. Returns whether the test passed.
fn report(
    alone: &[Phase],
    beside: &[Phase],
    traced: Option<&trace::TraceSummary>,
    is_judged: bool,
) -> bool {
    let mut verdict = Verdict { passed: true };
    println!("{:<34} {:>12} {:>12} {:>7}", "", "beside other", "beside ours", "ratio");
    print_row("commits/s", alone, beside, |phase| phase.tally.rate);
    let micros =
        |value: fn(&Quantiles) -> u64| move |phase: &Phase| value(&phase.tally.commit) as f64 / 1e3;
    print_row("commit, half of them in µs", alone, beside, micros(|quantiles| quantiles.p50));
    let time_ratio =
        print_row("commit, 99 of 100 in µs", alone, beside, micros(|quantiles| quantiles.p99));
    print_row("commit, 999 of 1000 in µs", alone, beside, micros(|quantiles| quantiles.p999));
    print_row("commit, the slowest in µs", alone, beside, micros(|quantiles| quantiles.max));
    print_row("transaction, 99 of 100 in µs", alone, beside, |phase| {
        phase.tally.transaction.p99 as f64 / 1e3
    });
    let log =
        print_row("log before VACUUM, KiB", alone, beside, |phase| phase.tally.wal as f64 / 1024.0);
    let after = print_row("log at the end, KiB", alone, beside, |phase| {
        phase.tally.wal_after as f64 / 1024.0
    });
    print_row("VACUUM, ms", alone, beside, |phase| phase.tally.vacuum as f64 / 1e6);
    print_row("trees read", alone, beside, |phase| phase.read_stats.trees as f64);

    let mut read_stats = ReadStats::default();
    alone.iter().chain(beside).for_each(|phase| read_stats += phase.read_stats.clone());
    println!("{read_stats}");
    let busy: u64 = beside.iter().map(|phase| phase.tally.busy).sum();
    verdict.check(read_stats.faults.is_empty(), "the readers get no error and no half message");
    verdict.check(read_stats.trees > 0, "trees were read");
    verdict.check(busy == 0, &format!("the writer got BUSY at {busy} commits"));
    let waits: u64 = beside.iter().map(|phase| phase.tally.waits).sum();
    let commits: u64 = beside.iter().map(|phase| phase.tally.commits).sum();
    let max_waits = commits / COMMITS_PER_WAIT;
    verdict.check(
        waits <= max_waits,
        &format!("and at {waits} of at most {max_waits} other statements"),
    );
    let time_result =
        format!("the slowest commits take {time_ratio:.2} of {MAX_TIME_RATIO} times as long");
    let log_ratio = log.max(after);
    let log_result = format!("the log grows to {log_ratio:.2} of {MAX_LOG_RATIO} times");
    if is_judged {
        verdict.check(time_ratio <= MAX_TIME_RATIO, &time_result);
        verdict.check(log_ratio <= MAX_LOG_RATIO, &log_result);
    } else {
        println!("--   not judged in so short a run: {time_result}; {log_result}");
    }
    for ((alone, beside), end) in alone.iter().zip(beside).zip(PHASE_ENDS) {
        let (other_files, our_files) = (&alone.files_left, &beside.files_left);
        verdict.check(
            our_files.is_subset(other_files),
            &format!("{end:?} leaves {our_files:?}, all of them among {other_files:?}"),
        );
    }
    match traced {
        None => println!("--   skipped: strace is not here or may not trace"),
        Some(traced) => {
            for line in &traced.writes {
                println!("WRITES: {line}");
            }
            let open_count = traced.opened;
            let label = format!(
                "the database was opened {open_count} times, and no call of ours writes to it"
            );
            verdict.check(traced.writes.is_empty() && open_count > 0, &label);
        }
    }
    println!("{}", if verdict.passed { "PASS" } else { "FAIL" });
    verdict.passed
}

struct Verdict {
    passed: bool,
}

impl Verdict {
    fn check(&mut self, holds: bool, label: &str) {
        println!("{}   {label}", if holds { "ok" } else { "NO" });
        self.passed &= holds;
    }
}

/// Prints the medians of both kinds. Returns the median of the ratios of the rounds.
fn print_row(label: &str, alone: &[Phase], beside: &[Phase], value: impl Fn(&Phase) -> f64) -> f64 {
    let ratios =
        alone.iter().zip(beside).map(|(alone, beside)| value(beside) / value(alone)).collect();
    let ratio = median(ratios);
    let [alone, beside] = [alone, beside].map(|phases| median(phases.iter().map(&value).collect()));
    println!("{label:<34} {alone:>12.0} {beside:>12.0} {ratio:>7.2}");
    ratio
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
