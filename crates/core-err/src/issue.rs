//! One thing that is wrong with the input: where, and what.
//!
//! An issue never ends a run. What it is about is left out or marked; the rest is there. An issue
//! is larger than what most calls answer, so results carry it as `Box<Issue>`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The file or directory; relative to the store where the issue is about one of its files.
    pub path: Option<PathBuf>,
    /// Byte offset in the file.
    pub offset: Option<u64>,
    /// The field, as a path of keys: `state.time.start`.
    pub field: Option<String>,
}

impl Place {
    /// A whole file or directory.
    pub fn path(path: impl AsRef<Path>) -> Self {
        Self { path: Some(path.as_ref().to_owned()), ..Self::default() }
    }

    /// The same place, at a byte offset.
    #[must_use]
    pub fn at_offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}", path.display())?,
            None => f.write_str("input")?,
        }
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field {field}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong with the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{place}: {kind}")]
#[non_exhaustive]
pub struct Issue {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: IssueKind,
}

impl Issue {
    /// An issue of a kind at a place.
    pub fn new(place: Place, kind: IssueKind) -> Self {
        Self { place, kind }
    }

    /// Whether it says no more than that something is gone.
    pub fn is_vanished(&self) -> bool {
        self.kind == IssueKind::Vanished
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IssueKind {
    /// A file of no bytes.
    #[error("the file is empty")]
    Empty,
    /// A file of NUL bytes only, as a crash or an unfinished write leaves it.
    #[error("the file holds only NUL bytes")]
    NulFilled,
    /// Bytes that are no UTF-8; the place has the offset.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// JSON that ends too early.
    #[error("the JSON ends in the middle of a value")]
    Truncated,
    /// Text that is no JSON; the place has the offset.
    #[error("this is not JSON: {problem}")]
    BadJson {
        /// What was found or missing.
        problem: &'static str,
    },
    /// JSON nested deeper than the reader allows.
    #[error("the JSON is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// JSON of another type where a record belongs.
    #[error("expected {expected}")]
    WrongShape {
        /// What belongs there.
        expected: &'static str,
    },
    /// A field of a wrong type: absent from the typed value, kept as raw JSON.
    #[error("expected {expected}; the field is kept as raw JSON")]
    WrongType {
        /// What belongs there.
        expected: &'static str,
    },
    /// A message role, part kind or tool status that this version does not know; kept whole.
    #[error("unknown {category} {value:?}; kept as raw JSON")]
    Unknown {
        /// What it is a value of: "role", "part type", "tool status".
        category: &'static str,
        /// The value, cut to a sensible length.
        value: String,
    },
    /// Halves of surrogate pairs, replaced by U+FFFD.
    #[error("{} replaced by U+FFFD", count_with_unit(*count, "lone surrogate"))]
    LoneSurrogates {
        /// How many.
        count: usize,
    },
    /// An entity over the size limit; it can be read on request.
    #[error("{size} bytes are over the limit of {limit}; read it on request")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A directory, socket or the like where a file belongs.
    #[error("expected a file")]
    NotAFile,
    /// A file where a directory belongs.
    #[error("expected a directory")]
    NotADirectory,
    /// A link inside the store, which is not followed.
    #[error("a link inside the store is not followed")]
    Link,
    /// A file or directory that cannot be read.
    #[error("cannot {action}: {error}")]
    Unreadable {
        /// What was tried.
        action: &'static str,
        /// The system's words.
        error: String,
        /// The kind of the system's error.
        kind: io::ErrorKind,
    },
    /// A row that the database cannot read, as damaged pages make it.
    #[error("the database cannot read it: {message}")]
    Database {
        /// The database's words.
        message: String,
    },
    /// An entity that went away between being listed and being read.
    #[error("gone since it was listed")]
    Vanished,
    /// A file that was being written during every try to read it.
    #[error("still being written after {}", count_with_unit(*tries as usize, "attempt"))]
    Unsettled {
        /// How often it was read.
        tries: u32,
    },
    /// A name that no id can have, or that would lead elsewhere as a path.
    #[error("not a valid id: {reason}")]
    BadId {
        /// Why not.
        reason: String,
    },
    /// The same entity found again; the newest is used.
    #[error("found twice; {used_copy} is used")]
    Duplicate {
        /// Which one is used.
        used_copy: String,
    },
    /// A record whose own id differs from what its place says; the place is believed.
    #[error("the record says {field} is {value_in_record:?}; its place is believed")]
    IdMismatch {
        /// The field: "id", "sessionID", "messageID".
        field: &'static str,
        /// What the record says.
        value_in_record: String,
    },
    /// Parts of a message that is not there.
    #[error("{} of a message that is not there", count_with_unit(*count, "part"))]
    OrphanParts {
        /// How many.
        count: usize,
    },
    /// Messages of a session that is not there.
    #[error("{} of a session that is not there", count_with_unit(*count, "message"))]
    OrphanMessages {
        /// How many.
        count: usize,
    },
    /// A message that has no parts (yet).
    #[error("the message has no parts")]
    NoParts,
    /// A value read while it may have been in the middle of a write.
    #[error("read while it may have been written; not settled yet")]
    Provisional,
}

impl IssueKind {
    /// The issue that an I/O error is, when `action` failed with it on something that was listed
    /// or looked at before: what is not found is [`Self::Vanished`].
    pub fn from_io(action: &'static str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Vanished,
            io::ErrorKind::NotADirectory => Self::NotADirectory,
            io::ErrorKind::IsADirectory => Self::NotAFile,
            kind => Self::Unreadable { action, error: error.to_string(), kind },
        }
    }
}

fn count_with_unit(count: usize, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
