//! The id types: newtypes over one compact text, made by one macro.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::compact::CompactStr;
use crate::{IdClock, is_printable_ascii};

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The text is empty.
    #[error("an id may not be empty")]
    Empty,
    /// The bytes are no UTF-8.
    #[error("an id has to be UTF-8 (it is not at byte {at})")]
    NotUtf8 {
        /// Byte offset of the first that is none.
        at: usize,
    },
    /// The text holds a control character (C0, DEL or C1).
    #[error("an id may not hold a control character (at byte {at})")]
    Control {
        /// Byte offset of the first control character.
        at: usize,
    },
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if is_printable_ascii(text.as_bytes()) {
        return Ok(()); // the usual case, without decoding
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(IdError::Control { at }),
        None => Ok(()),
    }
}

/// Makes one id type. `prefix` is what opencode puts before the underscore, if anything;
/// `clock` is how the twelve hex digits after it encode the time, if they do.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident $(, prefix $prefix:literal, clock $clock:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(CompactStr);

        impl $name {
            /// Takes any non-empty text without control characters.
            ///
            /// # Errors
            /// [`IdError`] if the text is empty or holds a control character.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(CompactStr::new(text)))
            }

            /// Takes any non-empty text without control characters.
            ///
            /// # Errors
            /// [`IdError`] if it is no such text.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
                if !bytes.is_empty()
                    && is_printable_ascii(bytes)
                    && let Some(id) = CompactStr::inline(bytes)
                {
                    return Ok(Self(id)); // the usual case, without decoding
                }
                let text = std::str::from_utf8(bytes)
                    .map_err(|error| IdError::NotUtf8 { at: error.valid_up_to() })?;
                Self::new(text)
            }

            /// The whole id as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The whole id as bytes.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            $(
            /// The clock inside the id, if it has one: prefix and at least 12 lowercase hex digits.
            pub fn clock(&self) -> Option<IdClock> {
                IdClock::$clock(self.as_bytes(), concat!($prefix, "_"))
            }

            /// When the id was made, in Unix milliseconds, if the id tells.
            ///
            /// Ids keep the time modulo 2^36 ms, so the answer is the one nearest to
            /// `reference_ms` (the record's own time, a file's mtime, or now): exact when the
            /// reference is within 397 days of the truth.
            pub fn time(&self, reference_ms: i64) -> Option<i64> {
                self.clock().map(|clock| clock.nearest(reference_ms))
            }
            )?
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an id: a non-empty string without control characters")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

id! {
    /// A session. opencode inverts its clock, so that newer sessions sort first.
    SessionId, prefix "ses", clock from_descending_id
}
id! {
    /// A message of a session.
    MessageId, prefix "msg", clock from_ascending_id
}
id! {
    /// A part of a message.
    PartId, prefix "prt", clock from_ascending_id
}
id! {
    /// A permission request.
    PermissionId, prefix "per", clock from_ascending_id
}
id! {
    /// A question that the agent asked.
    QuestionId, prefix "que", clock from_ascending_id
}
id! {
    /// A row of the event log (opencode 1.18).
    EventId, prefix "evt", clock from_ascending_id
}
id! {
    /// A workspace (opencode 1.18).
    WorkspaceId, prefix "wrk", clock from_ascending_id
}
id! {
    /// A file that holds the whole text of a tool output that was cut.
    ToolOutputId, prefix "tool", clock from_ascending_id
}
id! {
    /// An item of a session's timeline that is no message. opencode 2 names it as a message.
    ItemId, prefix "msg", clock from_ascending_id
}
id! {
    /// A project: the first root commit in hex, or `global`. Opaque.
    ProjectId
}
id! {
    /// A tool call, as the model's provider named it. Opaque.
    CallId
}
id! {
    /// One store among several, named by whoever composed them. Opaque.
    SourceId
}
