//! Workers: sessions are read side by side, each by one worker with a look of its own.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};

use scrollback_index::MessageMeta;
use scrollback_source::{Reader, Result, Source};

use super::meta_builder::MetaBuilder;

/// How far a run over many sessions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Sessions that are done.
    pub done: usize,
    /// Sessions that there are.
    pub total: usize,
}

/// Told after each session, by the thread that did it; breaking ends the run.
pub type OnProgress<'p> = dyn Fn(Progress) -> ControlFlow<()> + Sync + 'p;

/// As many workers as pay while files come from memory.
const CACHED_WORKERS: usize = 4;
/// As many as pay while the disk has to be waited for.
const MAX_WORKERS: usize = 12;
/// Files from memory take a few microseconds each; above this a disk is behind it.
const SLOW_FILE_NS: u64 = 50_000;
/// How many files are looked at before that is judged.
const MIN_SAMPLED_FILES: u64 = 256;
/// Fewer sessions than this are not worth a thread.
const MIN_PARALLEL_JOBS: usize = 8;

/// What a worker brings to each session.
pub(crate) struct Worker<'s> {
    pub(crate) reader: Box<dyn Reader + 's>,
    pub(crate) meta_builder: MetaBuilder,
    /// Memory of a session that was read before.
    pub(crate) spare_messages: Vec<MessageMeta>,
    /// Files that it looked at, for the pace.
    pub(crate) file_count: u64,
}

impl<'s> Worker<'s> {
    pub(crate) fn new(source: &'s dyn Source) -> Result<Self> {
        Ok(Self {
            reader: source.open()?,
            meta_builder: MetaBuilder::default(),
            spare_messages: Vec::new(),
            file_count: 0,
        })
    }
}

/// Does every job and gives what came of them, in the order of the jobs. Breaks if `progress` does.
///
/// # Errors
/// The first error of a job; jobs that were not begun by then are not done.
pub(crate) fn run<J: Sync, T: Send>(
    source: &dyn Source,
    jobs: &[J],
    progress: &OnProgress<'_>,
    work: impl Fn(&mut Worker<'_>, &J) -> Result<T> + Sync,
) -> Result<ControlFlow<(), Vec<T>>> {
    let run = Run {
        source,
        jobs,
        progress,
        work,
        next: AtomicUsize::new(0),
        finished: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        workers: AtomicUsize::new(0),
        files: AtomicU64::new(0),
        nanos: AtomicU64::new(0),
        results: Mutex::new(Ok(Vec::with_capacity(jobs.len()))),
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = if jobs.len() < MIN_PARALLEL_JOBS { 1 } else { cores.min(CACHED_WORKERS) };
    run.workers.store(workers, Ordering::Relaxed);
    if jobs.len() < MIN_PARALLEL_JOBS {
        run.run_alone();
    } else {
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| run.run_in_scope(scope));
            }
        });
    }
    let stopped = run.stopped.load(Ordering::Relaxed);
    let mut results = run.results.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    if stopped {
        return Ok(ControlFlow::Break(()));
    }
    results.sort_unstable_by_key(|(at, _)| *at);
    Ok(ControlFlow::Continue(results.into_iter().map(|(_, result)| result).collect()))
}

struct Run<'r, J, T, W> {
    source: &'r dyn Source,
    jobs: &'r [J],
    progress: &'r OnProgress<'r>,
    work: W,
    next: AtomicUsize,
    finished: AtomicUsize,
    stopped: AtomicBool,
    workers: AtomicUsize,
    files: AtomicU64,
    nanos: AtomicU64,
    results: Mutex<Result<Vec<(usize, T)>>>,
}

impl<J: Sync, T: Send, W: Fn(&mut Worker<'_>, &J) -> Result<T> + Sync> Run<'_, J, T, W> {
    fn run_alone(&self) {
        self.run_jobs_or_stop(|| {});
    }

    fn run_in_scope<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        self.run_jobs_or_stop(|| {
            let workers = self.workers.load(Ordering::Relaxed);
            if workers < MAX_WORKERS && self.is_slow() {
                let order = Ordering::Relaxed;
                if self.workers.compare_exchange(workers, workers + 1, order, order).is_ok() {
                    scope.spawn(|| self.run_in_scope(scope));
                }
            }
        });
    }

    /// Whether files keep the workers waiting: then more of them wait side by side.
    fn is_slow(&self) -> bool {
        let files = self.files.load(Ordering::Relaxed);
        files > MIN_SAMPLED_FILES && self.nanos.load(Ordering::Relaxed) / files > SLOW_FILE_NS
    }

    fn run_jobs_or_stop(&self, between: impl Fn()) {
        if let Err(error) = self.run_jobs(between) {
            self.stopped.store(true, Ordering::Relaxed);
            let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
            if results.is_ok() {
                *results = Err(error);
            }
        }
    }

    fn run_jobs(&self, between: impl Fn()) -> Result<()> {
        let mut worker = Worker::new(self.source)?;
        let clock = self.source.clock();
        while !self.stopped.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.get(at) else { break };
            let (start, files) = (clock.now(), worker.file_count);
            let result = (self.work)(&mut worker, job)?;
            let elapsed = clock.now().duration_since(start).as_nanos();
            self.nanos.fetch_add(elapsed.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
            self.files.fetch_add(worker.file_count - files, Ordering::Relaxed);
            if let Ok(results) = &mut *self.results.lock().unwrap_or_else(PoisonError::into_inner) {
                results.push((at, result));
            }
            let done = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
            if (self.progress)(Progress { done, total: self.jobs.len() }).is_break() {
                self.stopped.store(true, Ordering::Relaxed);
            }
            between();
        }
        Ok(())
    }
}
