//! From a name that was listed in opencode's JSON tree to an id.

use scrollback_core_err::IssueKind;
use scrollback_core_id::is_printable_ascii;

use crate::secret::is_secret_file;

/// Why a name in a directory of the tree is not that of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnEntity {
    /// `*.tmp`: a file that was being written when its writer died (0.5 and older).
    #[error("a temporary file")]
    Temp,
    /// A hidden file, or no name at all before `.json`.
    #[error("a hidden file")]
    Hidden,
    /// A name without `.json` where entities are files.
    #[error("no .json file")]
    NoJson,
    /// A file that holds credentials.
    #[error("a file with credentials")]
    Secret,
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    NotUtf8,
    /// A name with a control character.
    #[error("the name holds a control character")]
    Control,
}

impl NotAnEntity {
    /// The issue to report: names that no id can have are one, foreign files are none.
    pub fn issue(self) -> Option<IssueKind> {
        match self {
            Self::NotUtf8 | Self::Control => Some(IssueKind::BadId { reason: self.to_string() }),
            Self::Temp | Self::Hidden | Self::NoJson | Self::Secret => None,
        }
    }
}

/// Gives the id that a listed file name holds: the text before `.json`.
///
/// The name was listed, so it needs no strict check to be opened in its directory; the id is
/// valid for [`scrollback_core_id`], and a path only after [`safe_component`](crate::safe_component). Callers with an `OsStr`
/// pass `as_encoded_bytes()`.
///
/// # Errors
/// [`NotAnEntity`] says what else the file is.
pub fn entity_name(file_name: &[u8]) -> Result<&str, NotAnEntity> {
    if file_name.ends_with(b".tmp") {
        return Err(NotAnEntity::Temp);
    }
    match directory_name(file_name)?.strip_suffix(".json") {
        None => Err(NotAnEntity::NoJson),
        Some(_) if is_secret_file(file_name) => Err(NotAnEntity::Secret),
        Some(id) => Ok(id),
    }
}

/// Gives the id that a listed directory name is: the whole name. Also for files that are named by
/// an id without an extension, as in `tool-output/`.
///
/// # Errors
/// [`NotAnEntity`] if no id can have that name.
pub fn directory_name(name: &[u8]) -> Result<&str, NotAnEntity> {
    if name.first().is_none_or(|&first| first == b'.') {
        return Err(NotAnEntity::Hidden);
    }
    let text = std::str::from_utf8(name).map_err(|_| NotAnEntity::NotUtf8)?;
    // The usual case is told without decoding.
    let has_control = !is_printable_ascii(name) && text.chars().any(char::is_control);
    if has_control { Err(NotAnEntity::Control) } else { Ok(text) }
}
