//! An open log.

use std::fs::File;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{SessionKey, Stamp};
use scrollback_source::{FileIdentity, LogMark};
use scrollback_stor_mmap::{Dir, Directory, FileKind};

use super::counters::Counters;
use super::ids;

/// An open log. Its size stays the size at the time of opening.
pub(super) struct LogFile<'l> {
    root: &'l Dir,
    counters: &'l Counters,
    file: File,
    pub(super) identity: FileIdentity,
    /// The stamp changes with every append, because a log only grows.
    pub(super) stamp: Stamp,
}

impl<'l> LogFile<'l> {
    /// Opens the log of a session.
    pub(super) fn open(
        root: &'l Dir,
        session: &SessionKey,
        counters: &'l Counters,
    ) -> Result<Self, IssueKind> {
        let file = in_log_directory(root, session, |dir, name| dir.open_file(name))?;
        counters.count_stat();
        let (kind, stamp) = root.stat_open(&file).map_err(|error| unreadable("stat", &error))?;
        if kind != FileKind::File {
            return Err(IssueKind::NotAFile);
        }
        let identity = FileIdentity::of_file(&file).map_err(|error| unreadable("stat", &error))?;
        Ok(Self { root, counters, file, identity, stamp })
    }

    /// Reads from an offset to the end that the log had when it was opened. The result is shorter if
    /// the log was truncated meanwhile.
    pub(super) fn read_from(&self, offset: u64) -> Result<Vec<u8>, IssueKind> {
        let bytes = self.read(offset, self.stamp.size.saturating_sub(offset))?;
        self.counters.count_read(bytes.len());
        Ok(bytes)
    }

    /// Reads the bytes that a mark at `len` compares.
    pub(super) fn read_tail(&self, len: u64) -> Result<Vec<u8>, IssueKind> {
        let (offset, count) = LogMark::tail_range(len);
        let bytes = self.read(offset, count)?;
        self.counters.count_compared(bytes.len());
        Ok(bytes)
    }

    /// Reads the line at an offset, with its line feed. Returns `None` if no whole line begins there.
    pub(super) fn read_line(&self, offset: u64) -> Result<Option<Vec<u8>>, IssueKind> {
        /// The size of the first read. Most lines are shorter.
        const READ_STEP: u64 = 1024;
        // The byte before must be the line feed of another line.
        let (from, before) = (offset.saturating_sub(1), usize::from(offset > 0));
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            let at = from.saturating_add(bytes.len() as u64);
            let left = self.stamp.size.saturating_sub(at);
            let more = self.read(at, READ_STEP.max(bytes.len() as u64).min(left))?;
            self.counters.count_read(more.len());
            if more.is_empty() {
                return Ok(None);
            }
            let searched = bytes.len().max(before);
            bytes.extend_from_slice(&more);
            if !bytes.starts_with(&b"\n"[..before]) {
                return Ok(None);
            }
            let rest = bytes.get(searched..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                bytes.truncate(searched + end + 1);
                return Ok(Some(bytes.split_off(before)));
            }
        }
    }

    fn read(&self, offset: u64, count: u64) -> Result<Vec<u8>, IssueKind> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(count)
            .map_err(|_| IssueKind::TooLarge { size: self.stamp.size, limit: isize::MAX as u64 })?;
        while bytes.len() < count {
            let at = offset + bytes.len() as u64;
            let read = self.root.read_at(&self.file, at, &mut bytes);
            if read.map_err(|error| unreadable("read", &error))? == 0 {
                break;
            }
        }
        bytes.truncate(count); // bytes that were appended meanwhile belong to a later read
        Ok(bytes)
    }
}

/// Stats the log of a session without opening it.
pub(super) fn stat(
    root: &Dir,
    session: &SessionKey,
    counters: &Counters,
) -> Result<Stamp, IssueKind> {
    counters.count_stat();
    match in_log_directory(root, session, |dir, name| dir.stat(name))? {
        (FileKind::File, stamp) => Ok(stamp),
        (FileKind::Link, _) => Err(IssueKind::Link),
        _ => Err(IssueKind::NotAFile),
    }
}

fn in_log_directory<T>(
    root: &Dir,
    session: &SessionKey,
    act: impl FnOnce(&Dir, &[u8]) -> Result<T, IssueKind>,
) -> Result<T, IssueKind> {
    // An id that cannot be a file name belongs to no log of this store.
    let (directories, file) = ids::directories_and_file(session).ok_or(IssueKind::Vanished)?;
    let mut dir: Option<Dir> = None;
    for name in directories {
        dir = Some(dir.as_ref().unwrap_or(root).open_dir(name.as_bytes())?);
    }
    act(dir.as_ref().unwrap_or(root), file.as_bytes())
}

fn unreadable(action: &'static str, error: &std::io::Error) -> IssueKind {
    IssueKind::from_io(action, error)
}
