//! The text inside an id: up to 30 bytes in place, longer texts shared on the heap.
//!
//! opencode's ids are 30 characters (`ses_` and 26 more), so the common id costs no allocation
//! and 32 bytes. Project ids (40 hex digits) and foreign ids may be longer; their clones share.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const INLINE: usize = 30;

#[derive(Clone)]
pub(crate) enum Compact {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
}

impl Compact {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                Self::Inline { len: text.len() as u8, bytes }
            }
            None => Self::Shared(text.into()),
        }
    }

    /// The same of ASCII bytes, which need not be decoded first.
    pub(crate) fn from_ascii(ascii: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE];
        bytes.get_mut(..ascii.len())?.copy_from_slice(ascii);
        Some(Self::Inline { len: ascii.len() as u8, bytes })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(text) => text.as_bytes(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // Copied whole from a `str`, so this never fails; checking 30 bytes beats `unsafe`.
            Self::Inline { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Compact {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Compact {}

impl PartialOrd for Compact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Compact {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Compact {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` hashes itself, so that `Borrow<str>` holds.
        self.as_str().hash(state);
    }
}
