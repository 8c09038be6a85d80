//! Backends: the system's watches on directories, as one trait.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

/// An event of a watched directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BackendEvent {
    /// A change at a path.
    Path { path: PathBuf, kind: BackendEventKind },
    /// The end of a watch, because its directory was removed or moved.
    Unwatched { path: PathBuf, watch: i32 },
    /// The backend has lost events.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BackendEventKind {
    /// A directory appeared.
    NewDirectory,
    /// A directory was removed or moved away.
    GoneDirectory,
    /// A file appeared, was removed, or was closed after a write. On a system that does not report
    /// the close: a file was written.
    File,
    /// A file was written and may still be open.
    Modified,
}

/// The system's watches. A watch covers one directory and not the directories in it.
pub(super) trait Backend: Send + std::fmt::Debug {
    /// Watches a directory. With `modify`, each write to a file is an event; without, only the
    /// close after a write.
    ///
    /// # Errors
    /// The error of the system.
    fn watch(&mut self, path: &Path, modify: bool) -> io::Result<()>;

    /// Ends the watch of a directory.
    fn unwatch(&mut self, path: &Path);

    /// Checks whether `watch` is the present watch of a directory, and not an earlier one.
    fn is_current(&self, path: &Path, watch: i32) -> bool;

    /// Waits until events are pending.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Passes on the pending events without waiting.
    ///
    /// # Errors
    /// The error of the system.
    fn drain(&mut self, on_event: &mut dyn FnMut(BackendEvent)) -> io::Result<()>;
}

/// A future that waits for a backend.
pub(super) struct BackendReady<'b>(pub(super) &'b mut dyn Backend);

impl Future for BackendReady<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(context)
    }
}
