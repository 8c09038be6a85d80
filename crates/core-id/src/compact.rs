//! The text inside an id: up to 30 bytes in place, longer texts shared on the heap.
//!
//! opencode's ids are 30 characters (`ses_` and 26 more), so the common id costs no allocation
//! and 32 bytes. Project ids (40 hex digits) and foreign ids may be longer; their clones share.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const INLINE_CAPACITY: usize = 30;

#[derive(Clone)]
pub(crate) enum CompactStr {
    Inline { len: u8, bytes: [u8; INLINE_CAPACITY] },
    Shared(Arc<str>),
}

impl CompactStr {
    pub(crate) fn new(text: &str) -> Self {
        Self::inline(text.as_bytes()).unwrap_or_else(|| Self::Shared(text.into()))
    }

    /// The same of bytes that are known to be a text; none if they have no room in place.
    #[inline]
    pub(crate) fn inline(text: &[u8]) -> Option<Self> {
        let len = text.len() as u8;
        if let Ok(bytes) = text.try_into() {
            return Some(Self::Inline { len, bytes }); // the usual case, a copy of known length
        }
        let mut bytes = [0; INLINE_CAPACITY]; // what is behind the text stays zero
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self::Inline { len, bytes })
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

impl PartialEq for CompactStr {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline { len, bytes }, Self::Inline { len: others, bytes: other }) => {
                len == others && bytes == other
            }
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for CompactStr {}

impl PartialOrd for CompactStr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CompactStr {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for CompactStr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` hashes itself, so that `Borrow<str>` holds.
        self.as_str().hash(state);
    }
}
