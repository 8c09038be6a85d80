//! The fault test of the database: a process commits as fast as it can, while readers read.
//!
//! What must hold: no error reaches whoever reads, and no half message; the writer is never told
//! BUSY, its commits take at most twice as long in the slowest hundredth and its log grows to at
//! most four times of what they do beside readers that are as busy elsewhere; no call of ours
//! writes to the database or its log; and no file stays that the writer would not have left.

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
use log::{Account, Log};
use writer::{Quantiles, Tally};

/// The measuring is done in so many rounds, and their median counts.
const ROUNDS: u32 = 3;
/// How much longer the slowest hundredth of the commits may take beside readers of the database.
const MOST_TIME: f64 = 2.0;
/// The writer may have to begin so seldom a second time.
const COMMITS_PER_WAIT: u64 = 5_000;
/// How many times as large the log may become.
const MOST_LOG: f64 = 4.0;
/// Shorter runs are too short to judge by: their log may not have been begun anew even once, and
/// few commits are in their slowest hundredth.
const SHORTEST: Duration = Duration::from_secs(10);

/// What the fault test of the database takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long to write beside readers of the database, and as long beside readers of another
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Which rows, and in which order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many readers
    #[arg(long, default_value_t = 2)]
    readers: usize,
}

/// How a phase ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The readers first; the writer leaves its log, as opencode does.
    ReadersFirst,
    /// The writer first, leaving its log.
    WriterFirst,
    /// The readers first; the writer closes the database.
    Closed,
}
const ENDS: [End; ROUNDS as usize] = [End::ReadersFirst, End::WriterFirst, End::Closed];

/// What came of one phase.
struct Phase {
    tally: Tally,
    seen: Account,
    left: BTreeSet<String>,
}

/// Runs it, and returns whether all holds.
///
/// # Errors
/// If the writer cannot be started or fails.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let total = Duration::from_secs(args.seconds);
    let bench = Bench { args, run: total / ROUNDS, dir: tempfile::tempdir()? };
    drop(store::Store::make(&bench.at("still")?, args.seed)?);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for (round, end) in ENDS.into_iter().enumerate() {
        // In turns which comes first: what the machine is busy with meanwhile hits both.
        for is_live in [round % 2 == 1, round % 2 == 0] {
            let phases = if is_live { &mut beside } else { &mut alone };
            phases.push(bench.phase(round, is_live, end)?);
        }
    }
    let traced = bench.trace()?;
    Ok(report(&alone, &beside, traced.as_ref(), total >= SHORTEST))
}

struct Bench<'a> {
    args: &'a Args,
    /// How long a phase is.
    run: Duration,
    dir: tempfile::TempDir,
}

impl Bench<'_> {
    /// The path of a database in a directory of its own.
    fn at(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.path().join(name);
        std::fs::create_dir(&dir)?;
        Ok(dir.join("opencode.db"))
    }

    /// Writes a new database beside readers: of it, or of one that lies still.
    fn phase(&self, round: usize, is_live: bool, end: End) -> Result<Phase> {
        let Args { seed, readers, .. } = *self.args;
        let database = self.at(&format!("{round}-{is_live}"))?;
        let still = self.dir.path().join("still/opencode.db");
        let read = if is_live { &database } else { &still };
        let closes = end == End::Closed;
        let mut command = writer::Args::command(&database, seed, self.run, closes)?;
        let mut writer = Writer::start(&mut command)?;
        let (log, source) = (Log::default(), readers::source(read)?);
        let early = readers::read(&source, readers, seed + round as u64, &log, || {
            std::thread::sleep(self.run);
            if end == End::WriterFirst { writer.stop().map(Some) } else { Ok(None) }
        })?;
        drop(source);
        let tally: Tally = match early {
            Some(tally) => tally,
            None => writer.stop()?,
        };
        if is_live {
            at_last(&database, &tally, &log)?;
        }
        let phase = Phase { tally, seen: log.account(), left: names(&database)? };
        std::fs::remove_dir_all(database.parent().context("no directory")?)?;
        Ok(phase)
    }

    /// Reads under strace beside a writer.
    fn trace(&self) -> Result<Option<trace::Traced>> {
        let run = self.run.clamp(Duration::from_secs(2), Duration::from_secs(5));
        let database = self.at("traced")?;
        let mut command = writer::Args::command(&database, self.args.seed, run, false)?;
        let mut writer = Writer::start(&mut command)?;
        let traced = trace::run(&database, self.args.readers, run);
        let _: Tally = writer.stop()?;
        traced
    }
}

/// Once the writer rests, a new reader reads what was written last.
fn at_last(database: &Path, tally: &Tally, log: &Log) -> Result<()> {
    let source = readers::source(database)?;
    for (session, last) in &tally.last {
        let outcome = tree_of(&source, session);
        match outcome {
            Ok(mark) if mark == *last => {}
            Ok(mark) => log.fault(format!("{session} is {mark:?} at the end, and not {last:?}")),
            Err(error) => log.fault(format!("{session} at the end: {error:#}")),
        }
    }
    Ok(())
}

fn tree_of(source: &SqliteReader, session: &str) -> Result<content::SessionMark> {
    let session = SessionKey { session: session.parse()? };
    run_session_tree_flow(source, &session, check::tree)?.value
}

/// The names of the files beside a database.
#[expect(clippy::disallowed_methods, reason = "the directory is the test's")]
fn names(database: &Path) -> Result<BTreeSet<String>> {
    let dir = database.parent().context("no directory")?;
    let names = std::fs::read_dir(dir)?.map(|file| Ok(file?.file_name()));
    names.map(|name: Result<_>| Ok(name?.to_string_lossy().into_owned())).collect()
}

/// Prints what came out, and returns whether all holds.
fn report(
    alone: &[Phase],
    beside: &[Phase],
    traced: Option<&trace::Traced>,
    is_judged: bool,
) -> bool {
    let mut verdict = Verdict { holds: true };
    println!("{:<34} {:>12} {:>12} {:>7}", "", "beside other", "beside ours", "ratio");
    row("commits/s", alone, beside, |it| it.tally.rate);
    let micros =
        |of: fn(&Quantiles) -> u64| move |phase: &Phase| of(&phase.tally.commit) as f64 / 1e3;
    row("commit, half of them in µs", alone, beside, micros(|it| it.p50));
    let slowest = row("commit, 99 of 100 in µs", alone, beside, micros(|it| it.p99));
    row("commit, 999 of 1000 in µs", alone, beside, micros(|it| it.p999));
    row("commit, the slowest in µs", alone, beside, micros(|it| it.max));
    row("transaction, 99 of 100 in µs", alone, beside, |it| it.tally.transaction.p99 as f64 / 1e3);
    let log = row("log before VACUUM, KiB", alone, beside, |it| it.tally.wal as f64 / 1024.0);
    let after = row("log at the end, KiB", alone, beside, |it| it.tally.wal_after as f64 / 1024.0);
    row("VACUUM, ms", alone, beside, |it| it.tally.vacuum as f64 / 1e6);
    row("trees read", alone, beside, |it| it.seen.trees as f64);

    let mut seen = Account::default();
    alone.iter().chain(beside).for_each(|phase| seen += phase.seen.clone());
    println!("{seen}");
    let busy: u64 = beside.iter().map(|phase| phase.tally.busy).sum();
    verdict.says(seen.faults.is_empty(), "no error reaches whoever reads, and no half message");
    verdict.says(seen.trees > 0, "something was read");
    verdict.says(busy == 0, &format!("the writer was told BUSY at {busy} commits"));
    let waits: u64 = beside.iter().map(|phase| phase.tally.waits).sum();
    let commits: u64 = beside.iter().map(|phase| phase.tally.commits).sum();
    let most = commits / COMMITS_PER_WAIT;
    verdict.says(waits <= most, &format!("and {waits} of {most} times before one"));
    let took = format!("the slowest commits take {slowest:.2} of {MOST_TIME} times as long");
    let grown = log.max(after);
    let grew = format!("the log grows to {grown:.2} of {MOST_LOG} times");
    if is_judged {
        verdict.says(slowest <= MOST_TIME, &took);
        verdict.says(grown <= MOST_LOG, &grew);
    } else {
        println!("--   not judged in so short a run: {took}; {grew}");
    }
    for ((alone, beside), end) in alone.iter().zip(beside).zip(ENDS) {
        let (theirs, ours) = (&alone.left, &beside.left);
        verdict
            .says(ours.is_subset(theirs), &format!("{end:?} leaves {ours:?} and not {theirs:?}"));
    }
    match traced {
        None => println!("--   skipped: strace is not here or may not trace"),
        Some(traced) => {
            for line in &traced.writes {
                println!("WRITES: {line}");
            }
            let opened = traced.opened;
            let what = format!("of {opened} times opened, no call of ours writes");
            verdict.says(traced.writes.is_empty() && opened > 0, &what);
        }
    }
    println!("{}", if verdict.holds { "PASS" } else { "FAIL" });
    verdict.holds
}

struct Verdict {
    holds: bool,
}

impl Verdict {
    fn says(&mut self, holds: bool, what: &str) {
        println!("{}   {what}", if holds { "ok" } else { "NO" });
        self.holds &= holds;
    }
}

/// Prints the medians of both, and returns the median of the rounds' ratios.
fn row(what: &str, alone: &[Phase], beside: &[Phase], of: impl Fn(&Phase) -> f64) -> f64 {
    let ratios = alone.iter().zip(beside).map(|(alone, beside)| of(beside) / of(alone)).collect();
    let ratio = median(ratios);
    let [alone, beside] = [alone, beside].map(|phases| median(phases.iter().map(&of).collect()));
    println!("{what:<34} {alone:>12.0} {beside:>12.0} {ratio:>7.2}");
    ratio
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}
