//! The notify backend: the system's watches through the crate notify, on every system.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::backend::{Backend, BackendEvent, BackendEventKind};

/// A watcher of the crate notify, which has a thread of its own.
pub(super) struct Notify {
    watcher: RecommendedWatcher,
    queue: Arc<Queue>,
}

/// The events that the watcher reported and the feed has not taken yet.
#[derive(Default)]
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    events: VecDeque<BackendEvent>,
    waker: Option<Waker>,
    /// Directories whose files may stay open, so that each write is an event.
    modify_directories: HashSet<PathBuf>,
}

/// Whether the system reports the close after a write. Most files then need no modify events.
const REPORTS_CLOSE: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The most pending events. A longer queue is replaced by `Lost`, which leads to a rescan.
const MAX_EVENTS: usize = 1 << 16;

impl Notify {
    /// Creates a watcher without watches.
    pub(super) fn new() -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let watcher_queue = Arc::clone(&queue);
        let watcher = notify::recommended_watcher(move |event| watcher_queue.receive(event));
        Ok(Self { watcher: watcher.map_err(to_io_error)?, queue })
    }
}

impl Queue {
    /// Takes an event of the watcher. Runs on the watcher's thread.
    fn receive(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.push_all(std::iter::once(BackendEvent::Lost)) };
        if event.need_rescan() || (event.paths.is_empty() && !event.kind.is_access()) {
            return self.push_all(std::iter::once(BackendEvent::Lost));
        }
        let Some(kind) = event_kind(&event.kind) else { return }; // usually our own reads
        let backend_events = event.paths.into_iter().map(|path| {
            let kind = kind.unwrap_or_else(|| match path.metadata() {
                Ok(metadata) if metadata.is_dir() => BackendEventKind::NewDirectory,
                Ok(_) => BackendEventKind::File,
                Err(_) => BackendEventKind::GoneDirectory,
            });
            BackendEvent::Path { path, kind }
        });
        self.push_all(backend_events);
    }

    fn push_all(&self, backend_events: impl Iterator<Item = BackendEvent>) {
        let mut state = self.lock();
        for backend_event in backend_events {
            if state.ignores(&backend_event) {
                continue;
            }
            if state.events.len() >= MAX_EVENTS {
                state.events.clear();
                state.events.push_back(BackendEvent::Lost);
            } else if state.events.back() != Some(&backend_event) {
                state.events.push_back(backend_event);
            }
        }
        if state.events.is_empty() {
            return;
        }
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Checks whether the event is a write to a file whose close will be reported.
    fn ignores(&self, backend_event: &BackendEvent) -> bool {
        match backend_event {
            BackendEvent::Path { path, kind: BackendEventKind::Modified } => {
                !path.parent().is_some_and(|parent| self.modify_directories.contains(parent))
            }
            _ => false,
        }
    }
}

/// Returns the kind of an event. The inner `None` means that only the path decides; the outer
/// `None` that nothing changed.
fn event_kind(kind: &EventKind) -> Option<Option<BackendEventKind>> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(BackendEventKind::File),
        EventKind::Access(_) => return None,
        EventKind::Create(CreateKind::Folder) => Some(BackendEventKind::NewDirectory),
        EventKind::Create(CreateKind::File) => Some(BackendEventKind::File),
        // This event is late if a process held the directory open: a new directory may already be
        // in its place, with a watch. The removal is reported by the directory above.
        EventKind::Remove(RemoveKind::Folder) => None,
        EventKind::Remove(RemoveKind::File) => Some(BackendEventKind::File),
        EventKind::Modify(ModifyKind::Data(_)) if REPORTS_CLOSE => Some(BackendEventKind::Modified),
        EventKind::Modify(ModifyKind::Data(_)) => Some(BackendEventKind::File),
        EventKind::Modify(ModifyKind::Metadata(_)) => return None,
        _ => None,
    })
}

fn to_io_error(error: notify::Error) -> io::Error {
    match error.kind {
        ErrorKind::Io(error) => error,
        ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        ErrorKind::MaxFilesWatch => io::ErrorKind::StorageFull.into(),
        _ => io::Error::other(error),
    }
}

impl Backend for Notify {
    fn watch(&mut self, path: &Path, modify: bool) -> io::Result<()> {
        if modify {
            self.queue.lock().modify_directories.insert(path.to_owned());
        }
        self.watcher.watch(path, RecursiveMode::NonRecursive).map_err(to_io_error)
    }

    fn unwatch(&mut self, path: &Path) {
        self.queue.lock().modify_directories.remove(path);
        let _ = self.watcher.unwatch(path); // it may be gone
    }

    fn is_current(&self, _path: &Path, _watch: i32) -> bool {
        true // notify reports paths, not watches
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.queue.lock();
        if !state.events.is_empty() {
            return Poll::Ready(Ok(()));
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn drain(&mut self, on_event: &mut dyn FnMut(BackendEvent)) -> io::Result<()> {
        let events = std::mem::take(&mut self.queue.lock().events);
        events.into_iter().for_each(on_event);
        Ok(())
    }
}

impl std::fmt::Debug for Notify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notify").finish_non_exhaustive()
    }
}
