//! The end-to-end test of following: the real opencode writes, and a replica that is built from
//! events alone must equal opencode's export in the end. The follower starts before the store
//! exists.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

mod compare;
mod latency;
mod replica;
#[path = "../../../../crates/flow/tests/it/index/state.rs"]
#[expect(dead_code, reason = "a module of tests, which use more of it")]
mod state;
mod store;

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use scrollback_core_id::SystemClock;
use scrollback_core_id::{Clock as _, EntityKey};
use scrollback_flow::{OptionalSource, Progress};
use scrollback_source::Source;
use scrollback_watch::{FeedChoice, FeedKind, Follower, Live, LiveOptions};
use tokio::runtime::Runtime;

use crate::replica::Replica;
use crate::state::State;
use crate::store::{Exports, Listing, StorageFormat};

/// Follows a store while the real opencode writes it, and compares the replica built from events
/// with opencode's export.
#[derive(Parser)]
struct Args {
    /// The opencode program
    #[arg(long)]
    opencode: PathBuf,
    /// The version of opencode, for the report
    #[arg(long)]
    version: String,
    /// The storage format of the sessions
    #[arg(long = "generation")]
    format: StorageFormat,
    /// The feed that follows the store
    #[arg(long)]
    feed: FeedName,
    /// A directory for all files of the test; its previous content is deleted
    #[arg(long)]
    root: PathBuf,
    /// How long opencode works, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum FeedName {
    Inotify,
    Notify,
    Poll,
    Watchman,
}

impl From<FeedName> for FeedKind {
    fn from(name: FeedName) -> Self {
        match name {
            FeedName::Inotify => Self::Inotify,
            FeedName::Notify => Self::Notify,
            FeedName::Poll => Self::Poll,
            FeedName::Watchman => Self::Watchman,
        }
    }
}

/// The longest time for the follower to catch up after opencode has ended.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("follow: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if args.root.exists() {
        fs::remove_dir_all(&args.root)?;
    }
    fs::create_dir_all(&args.root)?;
    let root = args.root.canonicalize()?;
    let data = root.join("data/opencode");
    let source = args.format.source(&data)?;
    let feed = FeedKind::from(args.feed);
    if feed == FeedKind::Watchman {
        // a server watches existing directories only
        fs::create_dir_all(args.format.store_directory(&data))?;
    }
    let options = LiveOptions { feed: FeedChoice::Only(feed), ..LiveOptions::default() };
    let optional_source: Arc<dyn Source> = Arc::new(OptionalSource::new(Arc::clone(&source)));
    let live = Live::start(optional_source, None, options, &continue_progress)?;

    let mut followed_stream = FollowedStream::new(&live)?;
    let mut driver = start_driver(args, &root)?;
    let ended = loop {
        followed_stream.pull(Duration::from_millis(200))?;
        if let Some(ended) = driver.0.try_wait()? {
            break ended;
        }
    };
    ensure!(ended.success(), "the driver failed; see {}/output.txt", root.display());
    let store_listing = Listing::read(&data)?;
    followed_stream.settle(&source)?;

    let (replica, stats) = (followed_stream.replica, live.stats());
    println!("opencode {}, {feed}: {replica}", args.version);
    println!(
        "  {} refreshes, {} of them of the whole store; {} records read again",
        stats.refreshes, stats.rescans, stats.retries
    );
    if let Some(failure) = &stats.last_failure {
        println!("  {} refreshes failed, the last: {failure}", stats.failures);
    }
    ensure!(stats.demotions.is_empty(), "the feed was given up: {:?}", stats.demotions);
    replica.check()?;
    let exports = store::read_exports(&root.join("export"))?;
    compare::exports(&replica.exports(), &exports)
        .context("the replica, and the exports of opencode")?;
    live.stop();
    store_listing.check_names(args.format)?;
    store_listing.check_unchanged(&Listing::read(&data)?)?;
    println!("  replays to the exports of all {} sessions", exports.len());
    Ok(())
}

/// The process that drives opencode. Dropping it ends the process and its children.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

fn start_driver(args: &Args, root: &Path) -> Result<Driver> {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/driver");
    let mut command = Command::new("sh");
    command.arg(driver.join("runns.sh")).args(["scenarios_main", "18080", "python3"]);
    command.arg(driver.join("live.py")).arg(&args.opencode).arg(root);
    command.arg(args.seconds.to_string()).env("DEMO", root.join("demo"));
    let log = fs::File::create(root.join("output.txt"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(Driver(command.spawn().context("cannot start the driver")?))
}

/// A follower, and the replica that is built from its events.
struct FollowedStream<'l> {
    live: &'l Live,
    runtime: Runtime,
    follower: Follower,
    replica: Replica,
}

impl<'l> FollowedStream<'l> {
    fn new(live: &'l Live) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (follower, replica) = (live.follow(None, None), Replica::default());
        Ok(Self { live, runtime, follower, replica })
    }

    /// Applies the events that come within a time limit, if any.
    fn pull(&mut self, time_limit: Duration) -> Result<()> {
        let next = async { tokio::time::timeout(time_limit, self.follower.next()).await };
        let Ok(events) = self.runtime.block_on(next) else { return Ok(()) };
        self.replica.apply(events?, self.live.materializer(), SystemClock.now())?;
        Ok(())
    }

    /// Waits until the replica and the index equal a cold read of the store.
    fn settle(&mut self, source: &Arc<dyn Source>) -> Result<()> {
        let cold = (store::export_source(&**source)?, store::rebuild_index(&**source)?);
        let start = Instant::now();
        loop {
            self.pull(Duration::from_millis(50))?;
            match self.compare(&cold) {
                Err(error) if start.elapsed() > SETTLE_TIMEOUT => {
                    bail!("not settled: {error:#}; {:?}", self.live.stats())
                }
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
    }

    fn compare(&self, (read, (rebuilt, keys)): &ColdRead) -> Result<()> {
        compare::keys(&self.replica.keys(), keys)
            .context("the keys of the replica, and of the rebuilt index")?;
        compare::exports(&self.replica.exports(), read).context("the replica, and a cold read")?;
        let live = State::from_view(&self.live.index().view());
        compare::states(&live, rebuilt).context("the live index, and the rebuilt index")
    }
}

/// A cold read of a store: its exports, and its rebuilt index with all keys.
type ColdRead = (Exports, (State, BTreeSet<EntityKey>));

fn continue_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
