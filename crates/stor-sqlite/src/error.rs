//! The errors that stop the reading of a whole database.

use std::path::Path;

use rusqlite::ErrorCode;

/// The result type inside this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a database cannot be read at all. This error is the source of a [`scrollback_source::Error::Store`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite reported an error.
    #[error("{}", message_with_hint(.0))]
    Sqlite(rusqlite::Error),
    /// The file does not exist, or the process may not access it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A pipe, a socket or a device is at the place of the database or of a file beside it. Opening
    /// it could block for ever.
    #[error("{name} is not a regular file")]
    NotAFile {
        /// The name of the file.
        name: String,
    },
    /// The database has no table of sessions that this version can read.
    #[error(
        "the database has no table of sessions: it belongs to another program, or opencode has not \
         finished making it; name another file, or start opencode once"
    )]
    NoSessions,
    /// The table of sessions lacks a needed column.
    #[error(
        "the database has no table of sessions that can be read ({problem}): it belongs to another \
         program, or to a version of opencode that this version of scrollback does not know"
    )]
    UnknownSessions {
        /// What the table lacks.
        problem: String,
    },
    /// The database changed during every attempt to read it.
    #[error("the database changed during every attempt to read it; try again")]
    KeepsChanging,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error) // the message already contains the error, so it is not the source
    }
}

impl Error {
    pub(crate) fn with_path(self, path: &Path) -> scrollback_source::Error {
        scrollback_source::Error::Store { path: path.to_owned(), source: Box::new(self) }
    }

    /// Checks whether a text is larger than SQLite's limit.
    pub(crate) fn is_oversized(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_oversized(error))
    }

    /// Checks whether another attempt may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::FileLockingProtocolFailed
                    | ErrorCode::SchemaChanged
                    | ErrorCode::CannotOpen
            )
        )
    }
}

/// Checks whether SQLite met a text that is larger than its limit.
pub(crate) fn is_oversized(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::TooBig)
}

/// Checks whether SQLite met damaged pages.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure)
    )
}

fn message_with_hint(error: &rusqlite::Error) -> String {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "; the file is encrypted or not a SQLite database",
        Some(ErrorCode::DatabaseCorrupt) => "; `sqlite3 FILE .recover` may save the readable rest",
        Some(ErrorCode::DatabaseBusy) => "; another program has locked it, try again later",
        Some(ErrorCode::ReadOnly) => {
            "; a program died while it wrote to it: start opencode once to repair it"
        }
        _ => "",
    };
    format!("{error}{hint}")
}
