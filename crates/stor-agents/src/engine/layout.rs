//! The layout of a store: what its paths mean, and the shapes of its containers.

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionId;

/// The meaning of a path in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A directory that may contain sessions.
    Descend,
    /// The container of a session: a file, or the directory of its step files.
    Session(SessionId),
    /// A side file of a session, such as a journal.
    Side(SessionId),
    /// Nothing that a reader shows.
    Ignore,
    /// Something that should not be there.
    Foreign(IssueKind),
}

/// The container of a session: one file, or one directory of step files.
#[derive(Debug, Clone)]
pub struct Container {
    /// The names on the path from the root of the store to the container. Each is one name; no
    /// session id leads out of the store.
    pub path: Vec<String>,
    /// The shape.
    pub shape: Shape,
}

/// The shape of a container, which says what its records are.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A JSONL file: each line is a record. The position of a record is its offset.
    Log,
    /// A directory: each step file is a record. The position of a record is its number.
    Steps(StepFiles),
    /// A JSON file with one object: the records are the elements of these arrays of the object. The
    /// position of a record is its index, and [`Record::array`](super::Record::array) names its
    /// array. The records of the first array come first. A field that is an object instead of an
    /// array is one record.
    Document(&'static [&'static str]),
    /// A file that is a [`Shape::Document`] if its text is one object with one of these arrays, and
    /// a [`Shape::Log`] otherwise.
    LogOrDocument(&'static [&'static str]),
}

/// The files of a [`Shape::Steps`].
#[derive(Debug, Clone, Copy)]
pub struct StepFiles {
    /// The file with the head of the session.
    pub head: &'static str,
    /// Returns which step a file is, or `None` if it is not a step.
    pub step: fn(&str) -> Option<Step>,
    /// Returns the name of the file with this number.
    pub name: fn(u64) -> String,
}

/// A step file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The number in its name.
    Number(u64),
    /// It has a name without a number. It comes after all numbers, and its position is a hash of its
    /// name. While it is young it is not read, because it may be a file that its writer will rename.
    Other,
}

/// A side file of a session: a log whose records become items of the session's timeline, after its
/// messages.
#[derive(Debug, Clone)]
pub struct SideFile {
    /// A short name for the kind of file, which is in the ids of its items: `journal`.
    pub kind: &'static str,
    /// The names on the path from the root of the store to the file.
    pub path: Vec<String>,
}

/// How the ids of messages and items follow from their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageIds {
    /// From the position of the record, for files that are only appended to. A single message is
    /// read from its own record on.
    ByPosition,
    /// From the number of messages before, for logs that their program rewrites as a whole, which
    /// moves records. A single message is read by parsing its session.
    ByOrdinal,
}
