//! Issues: problems with the input, each with a place and a kind.
//!
//! An issue never ends a run. The value with the problem is left out or marked, and the rest is returned.
//! An issue is larger than most results, so errors hold it as `Box<Issue>`.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The place of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The file or directory. Relative to the store if it is inside the store.
    pub path: Option<PathBuf>,
    /// Byte offset in the file.
    pub offset: Option<u64>,
    /// The number of bytes from the offset on. `None` for a place without an end, or one that is longer
    /// than 4 GiB.
    pub len: Option<u32>,
    /// The field, as a path of keys: `state.time.start`.
    pub field: Option<String>,
}

impl Place {
    /// Returns the place of a whole file or directory.
    pub fn path(path: impl AsRef<Path>) -> Self {
        Self { path: Some(path.as_ref().to_owned()), ..Self::default() }
    }

    /// Returns the same place, at a byte offset.
    #[must_use]
    pub fn at_offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Returns the same place, at a range of bytes.
    #[must_use]
    pub fn at_range(mut self, range: Range<u64>) -> Self {
        let len = range.end.saturating_sub(range.start);
        (self.offset, self.len) = (Some(range.start), len.try_into().ok());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}", path.display())?,
            None => f.write_str("input")?,
        }
        match (self.offset, self.len) {
            (Some(offset), Some(len)) => {
                write!(f, ", bytes {offset} to {}", offset.saturating_add(len.into()))?;
            }
            (Some(offset), None) => write!(f, ", byte {offset}")?,
            _ => {}
        }
        if let Some(field) = &self.field {
            write!(f, ", field {field}")?;
        }
        Ok(())
    }
}

/// A problem with the input: its place and its kind. It never ends a run.
///
/// ```
/// use scrollback_core_err::{Issue, IssueKind, Place};
///
/// let issue = Issue::new(Place::path("session/p/ses_1.json"), IssueKind::Empty);
/// assert_eq!(issue.to_string(), "session/p/ses_1.json: the file is empty");
/// assert!(!issue.is_vanished());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{place}: {kind}")]
#[non_exhaustive]
pub struct Issue {
    /// The place.
    pub place: Place,
    /// The kind of problem.
    pub kind: IssueKind,
}

impl Issue {
    /// Returns an issue of a kind at a place.
    pub fn new(place: Place, kind: IssueKind) -> Self {
        Self { place, kind }
    }

    /// Checks whether the issue is only that an entity is gone.
    pub fn is_vanished(&self) -> bool {
        self.kind == IssueKind::Vanished
    }

    /// Checks whether the entity exists, or may exist, and was not read: the system or the database
    /// refused, a write was under way, or the entity is over the size limit. What was known of the
    /// entity before may still hold. If a directory or table is unread, so are all its entries.
    pub fn is_unread(&self) -> bool {
        matches!(
            self.kind,
            IssueKind::Unreadable { .. }
                | IssueKind::Database { .. }
                | IssueKind::Unsettled { .. }
                | IssueKind::TooLarge { .. }
                | IssueKind::OverTotal { .. }
        )
    }
}

/// The kind of a problem. `Display` gives the text that users read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IssueKind {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file has only NUL bytes, as after a crash or an unfinished write.
    #[error("the file holds only NUL bytes")]
    NulFilled,
    /// The bytes are not UTF-8. The place has the offset of the first invalid byte.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The JSON ends too early.
    #[error("the JSON ends in the middle of a value")]
    Truncated,
    /// The text is not JSON. The place has the offset.
    #[error("this is not JSON: {problem}")]
    BadJson {
        /// The unexpected or missing token.
        problem: &'static str,
    },
    /// The JSON is nested deeper than the reader allows.
    #[error("the JSON is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// The JSON is of another type than the expected record.
    #[error("expected {expected}")]
    WrongShape {
        /// The expected type.
        expected: &'static str,
    },
    /// A field has a wrong type. It is absent from the typed value and kept as raw JSON.
    #[error("expected {expected}; the field is kept as raw JSON")]
    WrongType {
        /// The expected type.
        expected: &'static str,
    },
    /// A field has another type or notation and was converted, such as a number in a string, or a
    /// fraction that was rounded. The raw JSON is kept.
    #[error("expected {expected}; {value} was converted")]
    Converted {
        /// The expected type.
        expected: &'static str,
        /// The JSON text of the value, cut to a limited length.
        value: String,
    },
    /// A number is negative that cannot be: a count of tokens, or a cost. It counts as it is.
    #[error("{value} is negative, which cannot be")]
    ImpossibleNumber {
        /// The number.
        value: String,
    },
    /// The record has a role, a part kind or a tool status that this version does not know. It is kept whole.
    #[error("unknown {category} {value:?}; kept as raw JSON")]
    Unknown {
        /// The category of the value: "role", "part type", "tool status".
        category: &'static str,
        /// The value, cut to a limited length.
        value: String,
    },
    /// The text has halves of surrogate pairs, which were replaced by U+FFFD.
    #[error("{} replaced by U+FFFD", count_with_unit(*count, "lone surrogate"))]
    LoneSurrogates {
        /// The number of them.
        count: usize,
    },
    /// The entity is over the size limit. It can be read on request.
    #[error("{size} bytes are over the limit of {limit}; read it on request")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The entity was left out, because the records of one read would exceed the limit of their sum.
    #[error(
        "left out: its {size} bytes would bring this read over the total limit of {limit}; read it by itself"
    )]
    OverTotal {
        /// Its size in bytes.
        size: u64,
        /// The limit of the sum in bytes.
        limit: u64,
    },
    /// A directory, a socket or the like is at the place of a file.
    #[error("expected a file")]
    NotAFile,
    /// A file is at the place of a directory.
    #[error("expected a directory")]
    NotADirectory,
    /// A symbolic link is inside the store. Links in a store are not followed.
    #[error("a link inside the store is not followed")]
    Link,
    /// The file or directory cannot be read.
    #[error("cannot {action}: {error}")]
    Unreadable {
        /// The action that failed, as a verb: "open", "read", "list".
        action: &'static str,
        /// The message of the operating system.
        error: String,
        /// The kind of the operating system's error.
        kind: io::ErrorKind,
    },
    /// The database cannot read a row, as after damage to a page.
    #[error("the database cannot read it: {message}")]
    Database {
        /// The message of the database.
        message: String,
    },
    /// The entity was listed and is gone before it was read.
    #[error("gone since it was listed")]
    Vanished,
    /// The file was being written during every attempt to read it.
    #[error("still being written after {}", count_with_unit(*tries as usize, "attempt"))]
    Unsettled {
        /// The number of attempts.
        tries: u32,
    },
    /// The name cannot be an id, or would be another place as a path.
    #[error("not a valid id: {reason}")]
    BadId {
        /// The reason.
        reason: String,
    },
    /// The store has several copies of an entity. The newest copy is used.
    #[error("found twice; {used_copy} is used")]
    Duplicate {
        /// The copy that is used.
        used_copy: String,
    },
    /// The id in a record differs from the id of its file or row. The id of the file or row is used.
    #[error("the record says {field} is {value_in_record:?}; the id of its file or row is used")]
    IdMismatch {
        /// The field: "id", "sessionID", "messageID".
        field: &'static str,
        /// The value in the record.
        value_in_record: String,
    },
    /// A file or directory has a name of its own and the record of another entity, as a sync program
    /// leaves it. The file is not read.
    #[error("the record is of {owner:?}, which the name is not; not read")]
    ForeignRecord {
        /// The id in the record.
        owner: String,
    },
    /// A copy of a session in another store has messages that the chosen copy does not have.
    #[error("the copy in {copy} has {} that the chosen copy lacks", count_with_unit(*count, "message"))]
    CopyHasMore {
        /// The store of the other copy.
        copy: String,
        /// The number of messages.
        count: usize,
    },
    /// Parts belong to a message that does not exist.
    #[error("{} of a message that is not there", count_with_unit(*count, "part"))]
    OrphanParts {
        /// The number of them.
        count: usize,
    },
    /// Messages belong to a session that does not exist.
    #[error("{} of a session that is not there", count_with_unit(*count, "message"))]
    OrphanMessages {
        /// The number of them.
        count: usize,
    },
    /// A diff or todo list belongs to a session that does not exist.
    #[error("a diff or todo list of a session that is not there")]
    OrphanAttachment,
    /// The message has no parts, or none yet.
    #[error("the message has no parts")]
    NoParts,
    /// The value was read while a write may have been under way.
    #[error("read while it may have been written; not settled yet")]
    Provisional,
}

impl IssueKind {
    /// Returns the category of the problem in a few words, for counts: `3 unreadable`.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Empty
            | Self::NulFilled
            | Self::NotUtf8
            | Self::Truncated
            | Self::BadJson { .. }
            | Self::TooDeep { .. }
            | Self::NotAFile
            | Self::NotADirectory
            | Self::Link
            | Self::Unreadable { .. }
            | Self::Database { .. } => "unreadable",
            Self::WrongShape { .. } | Self::WrongType { .. } | Self::Converted { .. } => {
                "wrong type"
            }
            Self::ImpossibleNumber { .. } => "impossible number",
            Self::Unknown { .. } => "unknown",
            Self::LoneSurrogates { .. } => "repaired text",
            Self::TooLarge { .. } | Self::OverTotal { .. } => "too large",
            Self::Vanished => "gone",
            Self::Unsettled { .. } | Self::Provisional => "being written",
            Self::BadId { .. } | Self::IdMismatch { .. } => "wrong id",
            Self::Duplicate { .. } => "duplicate",
            Self::ForeignRecord { .. } => "copied file",
            Self::CopyHasMore { .. } => "incomplete copy",
            Self::OrphanParts { .. } | Self::OrphanMessages { .. } | Self::OrphanAttachment => {
                "orphaned"
            }
            Self::NoParts => "without parts",
        }
    }

    /// Returns the issue for an I/O error of `action` on a file or directory that existed before. A "not
    /// found" error is [`Self::Vanished`].
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
