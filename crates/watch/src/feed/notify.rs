//! The system's watches through the crate notify: the same on every system.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::backend::{Backend, Told, ToldKind};

/// A watcher of the crate notify, which has a thread of its own.
pub(super) struct Notify {
    watcher: RecommendedWatcher,
    queue: Arc<Queue>,
}

/// What was told and not yet looked at.
#[derive(Default)]
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    told: VecDeque<Told>,
    waker: Option<Waker>,
}

/// More than this is as good as lost: it becomes one word.
const MOST: usize = 1 << 16;

impl Notify {
    /// A watcher without watches.
    pub(super) fn new() -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let theirs = Arc::clone(&queue);
        let watcher = notify::recommended_watcher(move |event| theirs.take(event));
        Ok(Self { watcher: watcher.map_err(error)?, queue })
    }
}

impl Queue {
    /// Called on the watcher's thread.
    fn take(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.put(std::iter::once(Told::Lost)) };
        if event.need_rescan() || (event.paths.is_empty() && !event.kind.is_access()) {
            return self.put(std::iter::once(Told::Lost));
        }
        let Some(kind) = told(&event.kind) else { return }; // our own reads, most often
        let told = event.paths.into_iter().map(|path| {
            let kind = kind.unwrap_or_else(|| match path.is_dir() {
                true => ToldKind::NewDirectory,
                false => ToldKind::GoneDirectory,
            });
            Told::Path { path, kind }
        });
        self.put(told);
    }

    fn put(&self, all: impl Iterator<Item = Told>) {
        let mut state = self.lock();
        for told in all {
            if state.told.len() >= MOST {
                state.told.clear();
                state.told.push_back(Told::Lost);
            } else if state.told.back() != Some(&told) {
                state.told.push_back(told);
            }
        }
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an event is about; the inner none if only the path can tell. None if nothing changed.
fn told(kind: &EventKind) -> Option<Option<ToldKind>> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(ToldKind::File),
        EventKind::Access(_) => return None,
        EventKind::Create(CreateKind::Folder) => Some(ToldKind::NewDirectory),
        EventKind::Create(CreateKind::File) => Some(ToldKind::File),
        EventKind::Remove(RemoveKind::Folder) => Some(ToldKind::GoneDirectory),
        EventKind::Remove(RemoveKind::File) => Some(ToldKind::File),
        EventKind::Modify(ModifyKind::Data(_)) => Some(ToldKind::File),
        EventKind::Modify(ModifyKind::Metadata(_)) => return None,
        _ => None,
    })
}

fn error(error: notify::Error) -> io::Error {
    match error.kind {
        ErrorKind::Io(error) => error,
        ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        ErrorKind::MaxFilesWatch => io::ErrorKind::StorageFull.into(),
        _ => io::Error::other(error),
    }
}

impl Backend for Notify {
    fn watch(&mut self, path: &Path, _writes: bool) -> io::Result<()> {
        self.watcher.watch(path, RecursiveMode::NonRecursive).map_err(error)
    }

    fn unwatch(&mut self, path: &Path) {
        let _ = self.watcher.unwatch(path); // it may be gone
    }

    fn is_current(&self, _path: &Path, _watch: i32) -> bool {
        true // it tells of paths alone
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.queue.lock();
        if !state.told.is_empty() {
            return Poll::Ready(Ok(()));
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn drain(&mut self, each: &mut dyn FnMut(Told)) -> io::Result<()> {
        let told = std::mem::take(&mut self.queue.lock().told);
        told.into_iter().for_each(each);
        Ok(())
    }
}

impl std::fmt::Debug for Notify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notify").finish_non_exhaustive()
    }
}
