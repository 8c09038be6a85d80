//! Where in the changes of an index something is: revisions, epochs, cursors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A state of an index: the sequence number of the last change in it. Each changed key takes the
/// next number; a batch is one revision, the number of its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One life of an index: from when a process made or opened it to when the process ended. The
/// numbers of two epochs mean different changes, so every epoch is drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How far someone has followed the changes of an index. As text, and in JSON, `epoch:revision`;
/// to be kept and handed back, and not to be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The life of the index that the revision counts in.
    pub epoch: Epoch,
    /// The state that was seen.
    pub revision: Revision,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.revision)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: 16 hex digits, a colon and a number")]
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
