//! Errors, with the texts of the program.

use std::fmt;
use std::io;

/// Why a segment or metadata cannot be read.
#[derive(Debug)]
pub enum StoreError {
    /// The operating system refused to read, or the file is not UTF-8 (seed).
    Io(io::Error),
    /// A file of metadata cannot be parsed.
    Serialization(serde_json::Error),
    /// The log does not exist. The value is the id of the segment.
    SegmentNotFound(String),
    /// A record cannot be parsed.
    Corrupt {
        /// The number of the line, from 1. Blank lines count.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A name that no pod or worker can have.
    InvalidName {
        /// `pod` or `worker`.
        kind: &'static str,
        /// The name.
        name: String,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "I/O error: {error}"),
            Self::Serialization(error) => write!(f, "serialization error: {error}"),
            Self::SegmentNotFound(id) => write!(f, "segment not found: {id}"),
            Self::Corrupt { line, message } => write!(f, "log corrupted at line {line}: {message}"),
            Self::InvalidName { kind, name } => write!(f, "invalid {kind} name: {name}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Serialization(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
