//! Positions in the changes of an index: revisions, epochs and cursors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The number of one committed state of an index: the number of the last change in it. Each changed key
/// takes the next number. A batch makes one revision, which is the number of its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identity of one build of an index, from the time when a process created or opened it to the end of
/// the process. Equal revisions of two epochs are different changes, so each epoch is a random number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The position of a follower in the changes of an index.
///
/// As text and in JSON, a cursor is `epoch:revision`: 16 hex digits, a colon and a decimal number. Store it
/// and pass it back as it is; its content has no meaning for the follower.
///
/// ```
/// use scrollback_core_id::Cursor;
///
/// let cursor: Cursor = "0000000000000abc:17".parse()?;
/// assert_eq!(cursor.revision.0, 17);
/// assert_eq!(cursor.to_string(), "0000000000000abc:17");
/// # Ok::<(), scrollback_core_id::CursorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The epoch that the revision belongs to.
    pub epoch: Epoch,
    /// The last revision that the follower has received.
    pub revision: Revision,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.revision)
    }
}

/// The error for a text that is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor; expected 16 hex digits, a colon and a number")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (epoch, revision) = text.split_once(':').ok_or(CursorError)?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        if epoch.len() != 16 || !epoch.bytes().all(is_hex) {
            return Err(CursorError);
        }
        if !revision.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CursorError);
        }
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| CursorError)?;
        let revision = revision.parse().map_err(|_| CursorError)?;
        Ok(Self { epoch: Epoch(epoch), revision: Revision(revision) })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Cursor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cursor")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Cursor, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}
