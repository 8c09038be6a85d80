//! Numbered step files: lists a directory, and reads files of it into one buffer.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::Stamp;
use scrollback_stor_mmap::{
    Dir, Directory, FileKind, ListBuffer, MappedSpan, ReadContext, Settled,
};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::layout::{Step, StepFiles};
use super::opened::{append_range, unreadable};
use super::region::{Region, StepPiece};

/// A step file that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepFile {
    pub(crate) position: u64,
    pub(crate) name: String,
    is_other: bool,
}

/// What step files were there, so that a later listing can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct StepsSeen {
    /// The number of the last file.
    pub(crate) last: u64,
    count: u64,
    checksum: u64,
}

/// Returns the position of a file without a number, which is after all numbers.
fn position_of_other(name: &str) -> u64 {
    const AFTER_NUMBERS: u64 = 1 << 61;
    AFTER_NUMBERS + (xxh3_64(name.as_bytes()) >> 4)
}

/// Lists the step files of a directory, in order.
pub(crate) fn list(dir: &Dir, steps: &StepFiles) -> Result<Vec<StepFile>, IssueKind> {
    let mut files = Vec::new();
    dir.list(&mut ListBuffer::default(), |name, _| {
        let Ok(name) = std::str::from_utf8(name) else { return };
        let (position, is_other) = match (steps.step)(name) {
            // Two names of one number, such as `step-1` and `step-000001`, must not meet.
            Some(Step::Number(number)) if (steps.name)(number) == name => (number, false),
            Some(_) => (position_of_other(name), true),
            None => return,
        };
        files.push(StepFile { position, name: name.to_owned(), is_other });
    })?;
    files.sort_unstable_by(|a, b| (a.position, &a.name).cmp(&(b.position, &b.name)));
    Ok(files)
}

/// Returns the files from a number on that follow each other without a gap, at most `count`, without
/// a listing of the directory.
pub(crate) fn run_from(dir: &Dir, steps: &StepFiles, first: u64, count: u64) -> Vec<StepFile> {
    let file = |position| {
        let name = (steps.name)(position);
        let is_number = (steps.step)(&name) == Some(Step::Number(position));
        let is_there = is_number && dir.stat(name.as_bytes()).is_ok();
        is_there.then_some(StepFile { position, name, is_other: false })
    };
    (first..first.saturating_add(count)).map_while(file).collect()
}

/// Reads files into one region, and hashes their stamps into `seen`.
pub(crate) fn read(
    dir: &Dir,
    path: &std::path::Path,
    files: &[StepFile],
    context: &ReadContext<'_>,
    seen: &mut SeenBuilder,
) -> Region {
    let (mut bytes, mut pieces, mut issues) = (Vec::new(), Vec::new(), Vec::new());
    let mut has_young_end = false;
    for file in files {
        let start = bytes.len();
        match read_one(dir, file, context, &mut bytes) {
            Ok(Some(stamp)) => {
                seen.add(file, &stamp);
                let (position, name) = (file.position, file.name.clone());
                pieces.push(StepPiece { position, name, range: start..bytes.len() });
            }
            Ok(None) => has_young_end = true,
            Err(IssueKind::Vanished) => {} // its writer renamed or deleted it
            Err(kind) => {
                seen.is_whole = false;
                issues.push(Issue::new(Place::path(path.join(&file.name)), kind));
            }
        }
    }
    let span = MappedSpan::pooled(bytes, Stamp::default(), Settled::Settled);
    Region::steps(span, pieces, issues, has_young_end)
}

/// Appends the bytes of one file to the buffer. Returns `None` for a file without a number that is
/// young.
fn read_one(
    dir: &Dir,
    file: &StepFile,
    context: &ReadContext<'_>,
    bytes: &mut Vec<u8>,
) -> Result<Option<Stamp>, IssueKind> {
    let open = dir.open_file(file.name.as_bytes())?;
    let (kind, stamp) = dir.stat_open(&open).map_err(|error| unreadable("stat", &error))?;
    if kind != FileKind::File {
        return Err(IssueKind::NotAFile);
    }
    if file.is_other && !context.settles(&stamp) {
        return Ok(None);
    }
    let limit = context.options().max_len;
    if stamp.size > limit {
        return Err(IssueKind::TooLarge { size: stamp.size, limit });
    }
    append_range(dir, &open, (0, stamp.size), bytes)?;
    Ok(Some(stamp))
}

/// Collects [`StepsSeen`] from files in order.
pub(crate) struct SeenBuilder {
    hash: Xxh3Default,
    last: u64,
    count: u64,
    /// Whether all files have numbers and could be read.
    is_whole: bool,
}

impl SeenBuilder {
    pub(crate) fn new() -> Self {
        Self { hash: Xxh3Default::new(), last: 0, count: 0, is_whole: true }
    }

    fn add(&mut self, file: &StepFile, stamp: &Stamp) {
        self.is_whole &= !file.is_other && (self.count == 0 || file.position > self.last);
        let words = [file.position, stamp.size, stamp.mtime.0.cast_unsigned(), stamp.inode];
        words.iter().for_each(|word| self.hash.update(&word.to_le_bytes()));
        (self.last, self.count) = (file.position, self.count + 1);
    }

    /// Adds the stamps of files without reading them. A file that is gone makes the result differ.
    pub(crate) fn add_stats(&mut self, dir: &Dir, files: &[StepFile]) {
        for file in files {
            match dir.stat(file.name.as_bytes()) {
                Ok((FileKind::File, stamp)) => self.add(file, &stamp),
                _ => self.is_whole = false,
            }
        }
    }

    /// Returns what was seen; `None` if a later read must not rely on it.
    pub(crate) fn finish(&self) -> Option<StepsSeen> {
        let seen = StepsSeen { last: self.last, count: self.count, checksum: self.hash.digest() };
        self.is_whole.then_some(seen)
    }
}
