//! The inotify backend: one queue, read directly by the task that waits.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use super::backend::{Backend, BackendEvent, BackendEventKind};

/// An inotify queue and its watches.
pub(super) struct Inotify {
    queue: AsyncFd<OwnedFd>,
    watches: WatchTable,
}

/// The watches by path and by number, and the events that were read.
struct WatchTable {
    by_path: HashMap<PathBuf, i32>,
    /// Includes removed watches that the queue may still have events of.
    by_number: HashMap<i32, PathBuf>,
    pending: Vec<BackendEvent>,
    buffer: Box<[MaybeUninit<u8>]>,
}

/// The events of a directory that matter: entries that appear or disappear, and files that are
/// closed after a write.
const WATCH_FLAGS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::EXCL_UNLINK)
    .union(WatchFlags::ONLYDIR);

/// From this number of pending events on, a read is part of a burst.
const MIN_BURST: usize = 64;
/// The most events of a burst that are taken off the queue at once.
const MAX_BURST: usize = 4096;

impl Inotify {
    /// Creates a queue without watches. Needs a tokio runtime.
    #[allow(deprecated, reason = "the new constructor is unsafe, and an OwnedFd keeps its promise")]
    pub(super) fn new() -> io::Result<Self> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self {
            queue: AsyncFd::new(queue)?,
            watches: WatchTable {
                by_path: HashMap::new(),
                by_number: HashMap::new(),
                pending: Vec::new(),
                buffer: vec![MaybeUninit::uninit(); 64 << 10].into(),
            },
        })
    }
}

impl WatchTable {
    /// Reads events until the buffer is used up. Returns whether the queue was empty.
    fn read_events(&mut self, queue: &OwnedFd) -> io::Result<bool> {
        let mut reader = Reader::new(queue, &mut self.buffer);
        let mut has_read = false;
        while !has_read || !reader.is_buffer_empty() {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::WOULDBLOCK) => return Ok(true),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            has_read = true;
            let (flags, number) = (event.events(), event.wd());
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                // The overflow may have dropped the notices of ended watches, so paths of removed
                // watches are not kept any longer.
                let Self { by_path, by_number, .. } = self;
                by_number.retain(|number, path| by_path.get(path) == Some(number));
                self.pending.push(BackendEvent::Lost);
                continue;
            }
            if flags.contains(ReadFlags::IGNORED) {
                // The path stays known until this notice: see `unwatch`.
                if let Some(path) = self.by_number.remove(&number) {
                    self.pending.push(BackendEvent::Unwatched { path, watch: number });
                }
                continue;
            }
            let Some(directory) = self.by_number.get(&number) else { continue };
            let appear_flags = ReadFlags::CREATE | ReadFlags::MOVED_TO;
            let backend_event = match event.file_name() {
                None => BackendEvent::Unwatched { path: directory.clone(), watch: number },
                Some(name) => {
                    let kind = match flags.contains(ReadFlags::ISDIR) {
                        true if flags.intersects(appear_flags) => BackendEventKind::NewDirectory,
                        true => BackendEventKind::GoneDirectory,
                        false if flags.contains(ReadFlags::MODIFY) => BackendEventKind::Modified,
                        false => BackendEventKind::File,
                    };
                    BackendEvent::Path {
                        path: directory.join(OsStr::from_bytes(name.to_bytes())),
                        kind,
                    }
                }
            };
            if self.pending.last() != Some(&backend_event) {
                self.pending.push(backend_event);
            }
        }
        Ok(false)
    }
}

impl Backend for Inotify {
    fn watch(&mut self, path: &Path, modify: bool) -> io::Result<()> {
        let flags = if modify { WATCH_FLAGS | WatchFlags::MODIFY } else { WATCH_FLAGS };
        let number = inotify::add_watch(self.queue.get_ref(), path, flags)?;
        let table = &mut self.watches;
        if let Some(old_path) = table.by_number.insert(number, path.to_owned())
            && old_path != path
        {
            // The directory was watched under another path; from now on this path names it.
            table.by_path.remove(&old_path);
        }
        table.by_path.insert(path.to_owned(), number);
        Ok(())
    }

    fn unwatch(&mut self, path: &Path) {
        if let Some(number) = self.watches.by_path.remove(path) {
            // The queue may still have events of this watch. Its path is kept until the queue
            // reports the end of the watch.
            let _ = inotify::remove_watch(self.queue.get_ref(), number);
        }
    }

    fn is_current(&self, path: &Path, watch: i32) -> bool {
        self.watches.by_path.get(path) == Some(&watch)
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.watches.pending.is_empty() {
            // Readiness is taken before the read that finds the queue empty. A later event then
            // sets readiness again, and `clear_ready` does not lose it.
            let mut guard = ready!(self.queue.poll_read_ready(context))?;
            if self.watches.read_events(guard.get_inner())? {
                guard.clear_ready();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn drain(&mut self, on_event: &mut dyn FnMut(BackendEvent)) -> io::Result<()> {
        // A single event is passed on at once. Of a burst, more reads follow first, so that scopes
        // merge.
        let queue = self.queue.get_ref();
        let is_burst = |pending: usize| pending == 0 || (MIN_BURST..MAX_BURST).contains(&pending);
        while is_burst(self.watches.pending.len()) && !self.watches.read_events(queue)? {}
        self.watches.pending.drain(..).for_each(on_event);
        Ok(())
    }
}

impl std::fmt::Debug for Inotify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inotify")
            .field("watches", &self.watches.by_path.len())
            .finish_non_exhaustive()
    }
}
