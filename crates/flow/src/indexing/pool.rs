//! Runs jobs over many sessions on several threads. Each worker has its own read transaction.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};

use scrollback_index::MessageMeta;
use scrollback_source::{Error, Reader, Result, Source};

use super::meta_builder::MetaBuilder;

/// The progress of a run over many sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The number of finished sessions.
    pub done: usize,
    /// The number of all sessions.
    pub total: usize,
}

/// A callback that runs after each session, on the thread that finished it. Breaking ends the run.
pub type OnProgress<'p> = dyn Fn(Progress) -> ControlFlow<()> + Sync + 'p;

/// The most workers that help while files come from the page cache.
const CACHED_WORKERS: usize = 4;
/// The most workers that help while files come from a disk.
const MAX_WORKERS: usize = 12;
/// The time for one file, in nanoseconds, above which files come from a disk. A file in the page
/// cache takes a few microseconds.
const SLOW_FILE_NS: u64 = 50_000;
/// The number of files that are measured before that time is judged.
const MIN_SAMPLED_FILES: u64 = 256;
/// Fewer sessions than this are not worth a thread.
const MIN_PARALLEL_JOBS: usize = 8;

/// The resources that a worker reuses from session to session.
pub(crate) struct Worker<'s> {
    pub(crate) source: &'s dyn Source,
    pub(crate) reader: Box<dyn Reader + 's>,
    pub(crate) meta_builder: MetaBuilder,
    /// An empty list whose memory the next session reuses.
    pub(crate) spare_messages: Vec<MessageMeta>,
    /// The number of files that the worker has read or checked. The pool computes its pace from it.
    pub(crate) file_count: u64,
}

impl<'s> Worker<'s> {
    pub(crate) fn new(source: &'s dyn Source) -> Result<Self> {
        Ok(Self {
            source,
            reader: source.open()?,
            meta_builder: MetaBuilder::default(),
            spare_messages: Vec::new(),
            file_count: 0,
        })
    }
}

/// Runs `work` for every job and returns the results in the order of the jobs. Returns `Break` if
/// `progress` breaks.
///
/// # Errors
/// The first error of a job. Jobs that have not started by then do not run. A worker that cannot open
/// the source leaves its jobs to the others; if all fail, their first error.
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
        open_error: Mutex::new(None),
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = if jobs.len() < MIN_PARALLEL_JOBS { 1 } else { cores.min(CACHED_WORKERS) };
    run.workers.store(workers, Ordering::Relaxed);
    if jobs.len() < MIN_PARALLEL_JOBS {
        run.run_alone();
    } else {
        thread::scope(|scope| {
            let start = || thread::Builder::new().spawn_scoped(scope, || run.run_in_scope(scope));
            let started = (0..workers).take_while(|_| start().is_ok()).count();
            run.workers.fetch_sub(workers - started, Ordering::Relaxed);
            if started == 0 {
                run.run_alone(); // the system has no thread left
            }
        });
    }
    let stopped = run.stopped.load(Ordering::Relaxed);
    let mut results = run.results.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    if stopped {
        return Ok(ControlFlow::Break(()));
    }
    let open_error = run.open_error.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = open_error.filter(|_| results.len() < jobs.len()) {
        return Err(error);
    }
    results.sort_unstable_by_key(|(at, _)| *at);
    Ok(ControlFlow::Continue(results.into_iter().map(|(_, result)| result).collect()))
}

/// A run of jobs that its workers share.
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
    /// The error of the first worker that could not open the source.
    open_error: Mutex<Option<Error>>,
}

impl<J: Sync, T: Send, W: Fn(&mut Worker<'_>, &J) -> Result<T> + Sync> Run<'_, J, T, W> {
    fn run_alone(&self) {
        self.run_jobs_or_stop(|| {});
    }

    /// Runs jobs, and starts another worker between two jobs while files come from a disk.
    fn run_in_scope<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        self.run_jobs_or_stop(|| {
            let workers = self.workers.load(Ordering::Relaxed);
            if workers < MAX_WORKERS && self.is_slow() {
                let order = Ordering::Relaxed;
                if self.workers.compare_exchange(workers, workers + 1, order, order).is_ok() {
                    // Without a free thread the present workers do the rest.
                    let thread = thread::Builder::new();
                    let _ = thread.spawn_scoped(scope, || self.run_in_scope(scope));
                }
            }
        });
    }

    /// Checks whether files come from a disk. More workers then wait for it in parallel.
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
        let mut worker = match Worker::new(self.source) {
            Ok(worker) => worker,
            Err(error) => {
                let mut first = self.open_error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(error);
                return Ok(());
            }
        };
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
