//! What the system tells of directories.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Something that happened in a directory that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BackendEvent {
    /// Something about this path; what, its look tells.
    Path { path: PathBuf, kind: BackendEventKind },
    /// A watch ended, because its directory went.
    Unwatched { path: PathBuf, watch: i32 },
    /// Something was lost.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BackendEventKind {
    /// A directory came.
    NewDirectory,
    /// A directory went, or a watched one itself did.
    GoneDirectory,
    /// A file came, went, or was written and closed; or written, where the system does not tell of
    /// the end of a write.
    File,
    /// A file was written and may still be open.
    Modified,
}

/// Watches directories, none of them below another by itself.
pub(super) trait Backend: Send + std::fmt::Debug {
    /// Watches a directory. `modify` says whether to tell of each write to a file in it, as of those
    /// that stay open; of others it is told when they are closed.
    fn watch(&mut self, path: &Path, modify: bool) -> io::Result<()>;

    /// Watches it no more.
    fn unwatch(&mut self, path: &Path);

    /// Whether a directory is watched by this watch, and not by a later one.
    fn is_current(&self, path: &Path, watch: i32) -> bool;

    /// Waits until something was told.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Hands out what was told, without waiting.
    fn drain(&mut self, on_event: &mut dyn FnMut(BackendEvent)) -> io::Result<()>;
}

/// Waits for a backend.
pub(super) struct BackendReady<'b>(pub(super) &'b mut dyn Backend);

impl Future for BackendReady<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(context)
    }
}
