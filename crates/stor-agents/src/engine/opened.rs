//! An open container: its directory, its file, and its stamp.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{Discipline, Stamp};
use scrollback_core_type::json::Scanner;
use scrollback_source::FileIdentity;
use scrollback_stor_mmap::{
    Dir, Directory, FileKind, MapPolicy, MappedFile, MappedSpan, ReadContext,
};
use xxhash_rust::xxh3::xxh3_64;

use super::layout::{Container, Shape, StepFiles};

type Result<T> = std::result::Result<T, IssueKind>;

/// The number of bytes at the start of a file that show whether it is a document.
const SHAPE_BYTES: u64 = 64 << 10;

/// An open container. Its stamp stays the stamp at the time of opening.
pub(crate) struct Opened {
    /// The directory of the file, or the directory of the step files.
    dir: Rc<Dir>,
    name: String,
    path: PathBuf,
    stamp: Stamp,
    files: Files,
}

enum Files {
    /// One file; with the names of its arrays if it is a document.
    One {
        file: File,
        arrays: Option<&'static [&'static str]>,
    },
    Steps(StepFiles),
}

impl Opened {
    /// Opens a container below the root of a store.
    pub(crate) fn open(root: &Rc<Dir>, container: &Container) -> Result<Self> {
        let path = container.path.iter().collect();
        let (name, parents) = container.path.split_last().ok_or(IssueKind::Vanished)?;
        let parent = open_directories(root, parents)?;
        let name = name.clone();
        if let Shape::Steps(steps) = container.shape {
            let dir = Rc::new(parent.open_dir(name.as_bytes())?);
            let stamp = steps_stamp(&dir, &steps)?;
            return Ok(Self { dir, name, path, stamp, files: Files::Steps(steps) });
        }
        let file = parent.open_file(name.as_bytes())?;
        let (kind, stamp) = parent.stat_open(&file).map_err(|error| unreadable("stat", &error))?;
        if kind != FileKind::File {
            return Err(IssueKind::NotAFile);
        }
        let mut opened =
            Self { dir: parent, name, path, stamp, files: Files::One { file, arrays: None } };
        let arrays = match container.shape {
            Shape::Document(arrays) => Some(arrays),
            Shape::LogOrDocument(names) => {
                let start = opened.read_range(0, SHAPE_BYTES)?;
                has_array(&start, names).then_some(names)
            }
            Shape::Log | Shape::Steps(_) => None,
        };
        if let Files::One { arrays: of_file, .. } = &mut opened.files {
            *of_file = arrays;
        }
        Ok(opened)
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Returns the names of the arrays, if the container is a document.
    pub(crate) fn arrays(&self) -> Option<&'static [&'static str]> {
        match self.files {
            Files::One { arrays, .. } => arrays,
            Files::Steps(_) => None,
        }
    }

    pub(crate) fn steps(&self) -> Option<&StepFiles> {
        match &self.files {
            Files::Steps(steps) => Some(steps),
            Files::One { .. } => None,
        }
    }

    /// Returns the identity of the file, or of the directory.
    pub(crate) fn identity(&self) -> Result<FileIdentity> {
        match &self.files {
            Files::One { file, .. } => {
                FileIdentity::of_file(file).map_err(|error| unreadable("stat", &error))
            }
            Files::Steps(_) => Ok(FileIdentity { device: 0, inode: self.dir.stamp()?.inode }),
        }
    }

    /// Reads a range of the file, up to the end that it had when it was opened.
    pub(crate) fn read_range(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        let Files::One { file, .. } = &self.files else { return Err(IssueKind::NotAFile) };
        let len = len.min(self.stamp.size.saturating_sub(offset));
        read_range(&self.dir, file, offset, len)
    }

    /// Returns how the agent writes the file.
    pub(crate) fn discipline(&self) -> Discipline {
        match self.arrays() {
            Some(_) => Discipline::Replace,
            None => Discipline::Append,
        }
    }

    /// Returns all bytes of the file, mapped if the policy allows it. The stamp of the container
    /// becomes the stamp of these bytes.
    pub(crate) fn read_whole(
        &mut self,
        policy: &MapPolicy,
        context: &ReadContext<'_>,
    ) -> Result<MappedSpan> {
        let (name, discipline) = (self.name.as_bytes(), self.discipline());
        let whole = MappedFile::open(&*self.dir, name, discipline, policy, context, &mut |_| true)?;
        self.stamp = *whole.span().stamp();
        Ok(whole.into_span())
    }

    /// Reads the file with the head of the session, beside the step files.
    pub(crate) fn read_head_file(&self) -> Result<Vec<u8>> {
        let Files::Steps(steps) = &self.files else { return Err(IssueKind::Vanished) };
        self.read_file_range(steps.head, 0..u64::MAX)
    }

    /// Reads a range of a file in the directory of step files.
    pub(crate) fn read_file_range(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let file = self.dir.open_file(name.as_bytes())?;
        let (kind, stamp) =
            self.dir.stat_open(&file).map_err(|error| unreadable("stat", &error))?;
        match kind {
            FileKind::File => {
                let len = range.end.min(stamp.size).saturating_sub(range.start);
                read_range(&self.dir, &file, range.start, len)
            }
            _ => Err(IssueKind::NotAFile),
        }
    }
}

/// Returns the stamp of a container without opening its files.
pub(crate) fn stat(root: &Rc<Dir>, container: &Container) -> Result<Stamp> {
    let (name, parents) = container.path.split_last().ok_or(IssueKind::Vanished)?;
    let parent = open_directories(root, parents)?;
    if let Shape::Steps(steps) = container.shape {
        return steps_stamp(&parent.open_dir(name.as_bytes())?, &steps);
    }
    match parent.stat(name.as_bytes())? {
        (FileKind::File, stamp) => Ok(stamp),
        (FileKind::Link, _) => Err(IssueKind::Link),
        _ => Err(IssueKind::NotAFile),
    }
}

fn open_directories(root: &Rc<Dir>, names: &[String]) -> Result<Rc<Dir>> {
    let mut dir = Rc::clone(root);
    for name in names {
        dir = Rc::new(dir.open_dir(name.as_bytes())?);
    }
    Ok(dir)
}

/// Joins the stamps of a directory of step files and of its head file. The joined stamp changes if
/// one of them does.
fn steps_stamp(dir: &Dir, steps: &StepFiles) -> Result<Stamp> {
    let of_dir = dir.stamp()?;
    let of_head = match dir.stat(steps.head.as_bytes()) {
        Ok((_, stamp)) => stamp,
        Err(_) => Stamp::default(), // a read of the head reports the problem
    };
    let words = [
        of_dir.size as i64,
        of_dir.mtime.0,
        of_dir.inode as i64,
        of_head.size as i64,
        of_head.mtime.0,
        of_head.inode as i64,
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mtime = of_dir.mtime.max(of_head.mtime);
    Ok(Stamp { size: of_head.size, mtime, inode: xxh3_64(&bytes) })
}

/// Reads a range of a file. The result is shorter if the file was truncated meanwhile.
pub(crate) fn read_range(dir: &Dir, file: &File, offset: u64, len: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append_range(dir, file, (offset, len), &mut bytes)?;
    Ok(bytes)
}

/// Appends a range of a file to a buffer.
pub(crate) fn append_range(
    dir: &Dir,
    file: &File,
    (offset, len): (u64, u64),
    bytes: &mut Vec<u8>,
) -> Result<()> {
    let count = usize::try_from(len).unwrap_or(usize::MAX);
    bytes
        .try_reserve(count)
        .map_err(|_| IssueKind::TooLarge { size: len, limit: isize::MAX as u64 })?;
    let (start, end) = (bytes.len(), bytes.len().saturating_add(count));
    while bytes.len() < end {
        let at = offset + (bytes.len() - start) as u64;
        if dir.read_at(file, at, bytes).map_err(|error| unreadable("read", &error))? == 0 {
            break;
        }
    }
    bytes.truncate(end); // bytes that were appended meanwhile belong to a later read
    Ok(())
}

/// Checks whether a text is the start of a document: its first object has one of these fields, or the
/// text ends inside it and the object has several lines.
fn has_array(start: &[u8], names: &[&str]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut found = false;
    let mut scanner = Scanner::new(text);
    let walked = scanner.object(|scanner, key| {
        found |= names.iter().any(|name| *key == **name);
        scanner.skip_value()
    });
    let is_cut = walked.is_err_and(|error| error.into_issue(text).kind == IssueKind::Truncated);
    found || is_cut && text.trim_ascii_end().contains('\n')
}

pub(crate) fn unreadable(action: &'static str, error: &std::io::Error) -> IssueKind {
    IssueKind::from_io(action, error)
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.path.display())
    }
}
