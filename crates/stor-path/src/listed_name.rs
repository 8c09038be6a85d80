//! Converts names that were listed in opencode's JSON tree to ids.

use scrollback_core_err::IssueKind;
use scrollback_core_id::is_printable_ascii;

use crate::secret::is_secret_file;

/// Why a name in a directory of the tree is not the name of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnEntity {
    /// `*.tmp`: a temporary file that remained when its writer died (0.5 and older).
    #[error("a temporary file")]
    Temp,
    /// A hidden file, or an empty name before `.json`.
    #[error("a hidden file")]
    Hidden,
    /// A name without `.json` in a directory whose entities are files.
    #[error("not a .json file")]
    NoJson,
    /// A file that contains credentials.
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
    /// Returns the issue to report for a malformed name, or `None` for a foreign file.
    pub fn issue(self) -> Option<IssueKind> {
        match self {
            Self::NotUtf8 | Self::Control => Some(IssueKind::BadId { reason: self.to_string() }),
            Self::Temp | Self::Hidden | Self::NoJson | Self::Secret => None,
        }
    }
}

/// Returns the id that a listed file name contains: the text before `.json`.
///
/// A listed name needs no strict check before it is opened in its own directory. The id is valid for
/// [`scrollback_core_id`]. To use it in a path, check it with
/// [`safe_component`](crate::safe_component) first. Callers with an `OsStr` pass
/// `as_encoded_bytes()`.
///
/// # Errors
/// [`NotAnEntity`] with the reason.
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

/// Returns the id that a listed directory name is: the whole name. Use it also for files that are
/// named by an id without an extension, as in `tool-output/`.
///
/// # Errors
/// [`NotAnEntity`] if an id cannot have this name.
pub fn directory_name(name: &[u8]) -> Result<&str, NotAnEntity> {
    if name.first().is_none_or(|&first| first == b'.') {
        return Err(NotAnEntity::Hidden);
    }
    let text = std::str::from_utf8(name).map_err(|_| NotAnEntity::NotUtf8)?;
    // Printable ASCII, the usual case, is checked without decoding.
    let has_control = !is_printable_ascii(name) && text.chars().any(char::is_control);
    if has_control { Err(NotAnEntity::Control) } else { Ok(text) }
}
