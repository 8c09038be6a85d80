//! Why a database cannot be read at all.

use std::path::Path;

use rusqlite::ErrorCode;

/// A result of this crate's inside.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a database cannot be read at all. Comes as the source of
/// [`scrollback_source::Error::Store`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite says so.
    #[error("{}", message_with_hint(.0))]
    Sqlite(rusqlite::Error),
    /// The file is not there, or may not be looked at.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is a database, and none of a version that this one reads.
    #[error(
        "the database has no table of sessions: opencode has not made it yet, or it is another \
         program's"
    )]
    NoSessions,
    /// It changed at every try.
    #[error("the database changed at every try to read it; try again")]
    KeepsChanging,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error) // said whole by this error, and not its source
    }
}

impl Error {
    pub(crate) fn with_path(self, path: &Path) -> scrollback_source::Error {
        scrollback_source::Error::Store { path: path.to_owned(), source: Box::new(self) }
    }

    /// Whether a text is too large to be read.
    pub(crate) fn is_oversized(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_oversized(error))
    }

    /// Whether another try may go better.
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

/// Whether SQLite met a text that is over its limit.
pub(crate) fn is_oversized(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::TooBig)
}

/// Whether SQLite stumbled over damaged pages.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure)
    )
}

fn message_with_hint(error: &rusqlite::Error) -> String {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "; it is encrypted, or no database at all",
        Some(ErrorCode::DatabaseCorrupt) => "; `sqlite3 FILE .recover` may save what is left",
        Some(ErrorCode::DatabaseBusy) => "; another program keeps it locked, try again",
        Some(ErrorCode::ReadOnly) => {
            "; a program died while it wrote: start opencode once, which repairs it"
        }
        _ => "",
    };
    format!("{error}{hint}")
}
