//! The writer process: commits as fast as possible until its input ends, and counts.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::{Connection, ErrorCode};
use serde::{Deserialize, Serialize};

use super::content::SessionMark;
use super::store::Store;

/// The interval of passive checkpoints, which opencode makes at each start.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);

/// The options of the writer.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The database to create
    database: PathBuf,
    #[arg(long)]
    seed: u64,
    /// When to VACUUM, in milliseconds after the start
    #[arg(long)]
    vacuum_after: u64,
    /// Close the database at the end; otherwise the log stays, as opencode leaves it
    #[arg(long)]
    close: bool,
}

impl Args {
    /// Returns the command that runs a writer.
    pub(crate) fn command(
        database: &Path,
        seed: u64,
        run: Duration,
        close: bool,
    ) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("sqlite-writer").arg(database).args(["--seed", &seed.to_string()]);
        command.args(["--vacuum-after", &(run.as_millis() / 2).to_string()]);
        command.args(close.then_some("--close"));
        Ok(command)
    }
}

/// The counts of the writer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// The number of commits at which SQLite returned BUSY.
    pub(crate) busy: u64,
    /// The number of other statements at which SQLite returned BUSY. A reader that meets the log's
    /// index during a change takes the writer's lock for a moment, to check whether the writer has
    /// died.
    pub(crate) waits: u64,
    pub(crate) commits: u64,
    /// From COMMIT to its end, in nanoseconds.
    pub(crate) commit: Quantiles,
    /// From BEGIN to the end of COMMIT, in nanoseconds.
    pub(crate) transaction: Quantiles,
    /// The duration of VACUUM, in nanoseconds.
    pub(crate) vacuum: u64,
    /// Commits per second, without the time of VACUUM.
    pub(crate) rate: f64,
    /// The largest size of the log before VACUUM, which writes the whole database into the log.
    pub(crate) wal: u64,
    /// The largest size of the log.
    pub(crate) wal_after: u64,
    /// The marks of the sessions that exist at the end.
    pub(crate) last: BTreeMap<String, SessionMark>,
}

/// The quantiles of many durations, in nanoseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Quantiles {
    fn from_times(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let permille_value = |permille: usize| {
            let last = times.len().saturating_sub(1);
            times.get(last * permille / 1000).copied().unwrap_or(0)
        };
        Self {
            p50: permille_value(500),
            p99: permille_value(990),
            p999: permille_value(999),
            max: permille_value(1000),
        }
    }
}

/// Writes until the input ends, and prints the counts.
///
/// # Errors
/// Every error of SQLite except BUSY.
pub(crate) fn run(args: &Args) -> Result<bool> {
    static IS_STOPPING: AtomicBool = AtomicBool::new(false);
    let mut store = Store::create(&args.database, args.seed)?;
    println!("ready");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        IS_STOPPING.store(true, Ordering::Relaxed);
    });
    let mut counts = Counts::new(&args.database);
    let vacuum_after = Duration::from_millis(args.vacuum_after);
    while !IS_STOPPING.load(Ordering::Relaxed) {
        counts.commit_step(&mut store)?;
        counts.run_maintenance(&store, vacuum_after)?;
    }
    let tally = counts.tally(&store);
    if args.close {
        drop(store);
    } else {
        std::mem::forget(store);
    }
    println!("{}", serde_json::to_string(&tally)?);
    Ok(true)
}

struct Counts {
    wal: PathBuf,
    started_at: Instant,
    last_checkpoint: Instant,
    busy: u64,
    waits: u64,
    commits: Vec<u64>,
    transactions: Vec<u64>,
    vacuum: Option<Duration>,
    wal_before: u64,
    wal_after: u64,
}

impl Counts {
    fn new(database: &Path) -> Self {
        let mut wal = database.as_os_str().to_owned();
        wal.push("-wal");
        let now = Instant::now();
        Self {
            wal: wal.into(),
            started_at: now,
            last_checkpoint: now,
            busy: 0,
            waits: 0,
            commits: Vec::new(),
            transactions: Vec::new(),
            vacuum: None,
            wal_before: 0,
            wal_after: 0,
        }
    }

    /// Makes one transaction.
    fn commit_step(&mut self, store: &mut Store) -> Result<()> {
        let (step, session_index) = store.choose_step();
        let started = Instant::now();
        self.retry_while_busy(&store.db, "BEGIN IMMEDIATE")?;
        store.apply_step(step, session_index)?;
        let written = Instant::now();
        self.retry_while_busy(&store.db, "COMMIT")?;
        self.commits.push(nanos(written.elapsed()));
        self.transactions.push(nanos(started.elapsed()));
        let size = std::fs::metadata(&self.wal).map_or(0, |wal| wal.len());
        self.wal_after = size.max(self.wal_after);
        if self.vacuum.is_none() {
            self.wal_before = self.wal_after;
        }
        Ok(())
    }

    /// Does the periodic work: checkpoints, and one VACUUM.
    fn run_maintenance(&mut self, store: &Store, vacuum_after: Duration) -> Result<()> {
        if self.last_checkpoint.elapsed() >= CHECKPOINT_EVERY {
            self.retry_while_busy(&store.db, "PRAGMA wal_checkpoint(PASSIVE)")?;
            self.last_checkpoint = Instant::now();
        }
        if self.vacuum.is_none() && self.started_at.elapsed() >= vacuum_after {
            let started = Instant::now();
            self.retry_while_busy(&store.db, "VACUUM")?;
            self.vacuum = Some(started.elapsed());
        }
        Ok(())
    }

    /// Runs a statement, and repeats it while the database is busy.
    fn retry_while_busy(&mut self, db: &Connection, sql: &str) -> Result<()> {
        loop {
            let mut statement = db.prepare_cached(sql)?;
            let ended = statement.query([]).and_then(|mut rows| {
                while rows.next()?.is_some() {}
                Ok(())
            });
            match ended {
                Ok(()) => return Ok(()),
                Err(error) if is_busy(&error) && sql == "COMMIT" => self.busy += 1,
                Err(error) if is_busy(&error) => self.waits += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn tally(self, store: &Store) -> Tally {
        let vacuum = self.vacuum.unwrap_or_default();
        let written = self.started_at.elapsed().saturating_sub(vacuum);
        Tally {
            busy: self.busy,
            waits: self.waits,
            commits: self.commits.len() as u64,
            rate: self.commits.len() as f64 / written.as_secs_f64(),
            commit: Quantiles::from_times(self.commits),
            transaction: Quantiles::from_times(self.transactions),
            vacuum: nanos(vacuum),
            wal: self.wal_before,
            wal_after: self.wal_after,
            last: store.session_marks(),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_come_from_the_times() {
        let times = Quantiles::from_times((1..=1001).rev().collect());
        assert_eq!((times.p50, times.p99, times.p999, times.max), (501, 991, 1000, 1001));
        assert_eq!(Quantiles::from_times(Vec::new()).max, 0);
    }
}
