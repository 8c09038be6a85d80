//! The directories and files that the operations read. Links to files are not followed.

use std::io;
use std::path::Path;

use scrollback_core_err::IssueKind;
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

/// A name in a directory.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) kind: FileKind,
    /// The time of the last change, in Unix milliseconds.
    pub(super) modified: i64,
}

/// Lists a directory, sorted by name; the program's own order is that of the operating system. `None`
/// if it does not exist. A name that is not UTF-8 is left out.
pub(super) fn list(path: &Path) -> io::Result<Option<Vec<Listed>>> {
    let dir = match Dir::open(path) {
        Ok(dir) => dir,
        Err(_) if !path.exists() => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let mut names = Vec::new();
    let listed = dir.list(&mut ListBuffer::default(), |name, _| {
        names.extend(std::str::from_utf8(name).map(str::to_owned));
    });
    listed.map_err(to_io)?;
    names.sort();
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        match dir.stat(name.as_bytes()) {
            Ok((kind, stamp)) => {
                entries.push(Listed { name, kind, modified: stamp.mtime.as_millis() });
            }
            Err(IssueKind::Vanished) => {}
            Err(kind) => return Err(to_io(kind)),
        }
    }
    Ok(Some(entries))
}

/// Reads a file as text.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let not_found = || io::Error::from(io::ErrorKind::NotFound);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let dir = Dir::open(parent).map_err(|_| not_found())?;
    let file = dir.open_file(name.as_encoded_bytes()).map_err(to_io)?;
    let (kind, stamp) = dir.stat_open(&file)?;
    if kind != FileKind::File {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or(0) + 1);
    while dir.read_at(&file, bytes.len() as u64, &mut bytes)? > 0 {
        bytes.reserve(1);
    }
    String::from_utf8(bytes).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8")
    })
}

fn to_io(kind: IssueKind) -> io::Error {
    match kind {
        IssueKind::Vanished => io::Error::from(io::ErrorKind::NotFound),
        IssueKind::NotAFile => io::Error::from(io::ErrorKind::IsADirectory),
        IssueKind::Unreadable { kind, error, .. } => io::Error::new(kind, error),
        other => io::Error::other(other.to_string()),
    }
}
