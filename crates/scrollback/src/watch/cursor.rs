//! The cursor of a stream of events over several roots.

use std::fmt;
use std::str::FromStr;

use scrollback_core_id::SourceId;
use scrollback_index::store_hash;
use scrollback_watch::EventCursor;

use crate::Error;

/// A position in a stream of events, with one part for each root. Treat it as opaque: store it as text
/// and parse it later.
///
/// A root that was added after the cursor was stored starts with its whole state. The other roots
/// continue without a gap.
///
/// ```
/// use scrollback::{Store, StoreCursor};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder().path(path).without_cache().build()?;
/// let mut events = store.watch().without_parts().from_start()?;
/// let cursor = events.find_map(|event| event.ok()?.cursor).expect("a cursor after the whole state");
///
/// let text = cursor.to_string(); // store this text
/// assert_eq!(text.parse::<StoreCursor>()?, cursor);
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StoreCursor {
    /// By the tag of the root, sorted.
    roots: Vec<(RootTag, EventCursor)>,
}

/// The name of a root in a cursor: the hash of its id, which is also the name of its snapshot file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RootTag(u64);

impl RootTag {
    pub(super) fn from_id(root: &SourceId) -> Self {
        Self(store_hash(root))
    }
}

impl StoreCursor {
    /// Returns the cursor of a root; `None` if the root is not in this cursor.
    pub(super) fn root_cursor(&self, root: RootTag) -> Option<EventCursor> {
        self.roots.iter().find(|(tag, _)| *tag == root).map(|(_, cursor)| *cursor)
    }

    /// Sets the cursor of a root. `None` removes the root, so that it starts with its whole state.
    pub(super) fn set_root_cursor(&mut self, root: RootTag, cursor: Option<EventCursor>) {
        let at = self.roots.binary_search_by_key(&root, |(tag, _)| *tag);
        match (at, cursor) {
            (Ok(at), Some(cursor)) => self.roots[at].1 = cursor,
            (Ok(at), None) => drop(self.roots.remove(at)),
            (Err(at), Some(cursor)) => self.roots.insert(at, (root, cursor)),
            (Err(_), None) => {}
        }
    }

    /// Checks whether the cursor has no root.
    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }
}

impl fmt::Display for StoreCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (RootTag(tag), cursor)) in self.roots.iter().enumerate() {
            let separator = if at == 0 { "" } else { "," };
            write!(f, "{separator}{tag:016x}={cursor}")?;
        }
        Ok(())
    }
}

impl FromStr for StoreCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut all = Self::default();
        for root in text.split(',') {
            let (tag, cursor) = root.split_once('=').ok_or(Error::Cursor)?;
            if tag.len() != 16 || !tag.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(Error::Cursor);
            }
            let tag = RootTag(u64::from_str_radix(tag, 16).map_err(|_| Error::Cursor)?);
            let cursor = cursor.parse().map_err(|_| Error::Cursor)?;
            if all.root_cursor(tag).is_some() {
                return Err(Error::Cursor);
            }
            all.set_root_cursor(tag, Some(cursor));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_as_text() {
        let tag = |name: &str| RootTag::from_id(&SourceId::new(name).unwrap());
        let cursor = |text: &str| text.parse::<EventCursor>().unwrap();
        let mut all = StoreCursor::default();
        all.set_root_cursor(tag("/a"), Some(cursor("0123456789abcdef:7")));
        all.set_root_cursor(tag("/b"), Some(cursor("0123456789abcdef:7/fedcba9876543210:9+2@11")));
        assert_eq!(all.to_string().parse::<StoreCursor>().unwrap(), all);
        assert_eq!(all.root_cursor(tag("/a")), Some(cursor("0123456789abcdef:7")));
        assert_eq!(all.root_cursor(tag("/c")), None);
        all.set_root_cursor(tag("/a"), None);
        all.set_root_cursor(tag("/b"), None);
        assert!(all.is_empty());
        let root = "0123456789abcdef=0123456789abcdef:7";
        for bad in ["", "fresh", "=", &root[1..], &format!("{root},{root}"), &format!("{root},")] {
            assert!(bad.parse::<StoreCursor>().is_err(), "{bad}");
        }
    }
}
