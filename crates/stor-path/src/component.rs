//! The strict check that a text passes before it becomes one component of a path.
//!
//! Ids come from files that any program may have written. The check is the same on every operating
//! system, so a store that is copied to another system keeps its meaning.

use std::fmt;

/// The longest id that may become a path component, in bytes: with `.json` it stays within the
/// 255 that common file systems allow.
const MAX_ID_BYTES: usize = 250;

/// The largest number of characters of an id that an error repeats.
const MAX_SHOWN_CHARS: usize = 64;

/// An id that cannot become a path component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id:?} cannot be a file name: it {why}")]
#[non_exhaustive]
pub struct UnsafeId {
    /// The id, cut to 64 characters.
    pub id: String,
    /// The reason.
    pub why: UnsafeReason,
}

/// Why an id cannot become a path component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsafeReason {
    /// It has no characters.
    Empty,
    /// It is longer than 250 bytes: with `.json` it would exceed what file systems allow.
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// It holds a separator, a control character, or one that Windows gives a meaning.
    Character(char),
    /// It begins or ends with a dot or a space: `..`, hidden files, names that Windows trims.
    Edge,
    /// It is a device on Windows, with any extension: `NUL`, `com1.x`.
    Device,
    /// With `.json` it is the name of a file that contains credentials.
    Secret,
}

impl fmt::Display for UnsafeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong { bytes } => {
                write!(f, "has {bytes} bytes, more than {MAX_ID_BYTES}")
            }
            Self::Character(c) => write!(f, "holds {c:?}"),
            Self::Edge => f.write_str("begins or ends with a dot or a space"),
            Self::Device => f.write_str("names a device on Windows"),
            Self::Secret => f.write_str("names a file with credentials"),
        }
    }
}

impl UnsafeId {
    pub(crate) fn new(id: &str, why: UnsafeReason) -> Self {
        Self { id: id.chars().take(MAX_SHOWN_CHARS).collect(), why }
    }
}

/// Returns the text if it is safe as one component of a path on every operating system.
///
/// # Errors
/// [`UnsafeId`] with the reason why the text is not safe.
pub fn safe_component(text: &str) -> Result<&str, UnsafeId> {
    match unsafe_reason(text) {
        None => Ok(text),
        Some(why) => Err(UnsafeId::new(text, why)),
    }
}

fn unsafe_reason(text: &str) -> Option<UnsafeReason> {
    if text.is_empty() {
        return Some(UnsafeReason::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Some(UnsafeReason::TooLong { bytes: text.len() });
    }
    if let Some(c) = text.chars().find(|&c| c.is_control() || r#"/\:<>"|?*"#.contains(c)) {
        return Some(UnsafeReason::Character(c));
    }
    if text.starts_with(['.', ' ']) || text.ends_with(['.', ' ']) {
        return Some(UnsafeReason::Edge);
    }
    is_device(text).then_some(UnsafeReason::Device)
}

/// Checks whether a name is a device on Windows. Extension and case do not matter, and superscript
/// digits count as digits.
fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is_port = |name: &str| {
        let digit =
            stem.get(..3).filter(|head| head.eq_ignore_ascii_case(name)).map(|_| &stem[3..]);
        digit.is_some_and(|digit| {
            let mut chars = digit.chars();
            matches!((chars.next(), chars.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
        .iter()
        .any(|name| stem.eq_ignore_ascii_case(name))
        || is_port("COM")
        || is_port("LPT")
}
