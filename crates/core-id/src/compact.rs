//! The text inside an id: up to 30 bytes in place, longer texts on the heap and shared by clones.
//!
//! opencode's ids have 30 characters (`ses_` and 26 more), so a usual id takes 32 bytes and no
//! allocation. Project ids (40 hex digits) and foreign ids may be longer.

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

    /// Returns the text in place; `None` if it is too long. The caller has checked that the bytes are UTF-8.
    #[inline]
    pub(crate) fn inline(text: &[u8]) -> Option<Self> {
        let len = text.len() as u8;
        if let Ok(bytes) = text.try_into() {
            return Some(Self::Inline { len, bytes }); // the usual case: a copy of a length that is known when compiling
        }
        // The bytes after the text stay zero, so that `==` can compare whole arrays.
        let mut bytes = [0; INLINE_CAPACITY];
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
            // The bytes were copied from a whole `str`, so this never fails. Checking 30 bytes is cheaper
            // than an `unsafe` block is worth.
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
        // Hash as `str` does: `Borrow<str>` requires equal hashes.
        self.as_str().hash(state);
    }
}
