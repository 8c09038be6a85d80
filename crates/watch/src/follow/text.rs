//! Texts that grow: the last text of each part that a follower received, and the edit to the next
//! text.

use std::collections::{BTreeMap, HashMap};

use scrollback_core_id::{PartKey, SessionId};

/// An edit that turns a text into the next text: delete `delete` bytes at `offset`, then insert.
/// Offsets count UTF-8 bytes and lie on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// The first byte that differs.
    pub offset: usize,
    /// The number of bytes to delete: everything after `offset`.
    pub delete: usize,
    /// The text to insert at `offset`.
    pub insert: String,
    /// Whether `insert` is the whole text, because the follower does not have the earlier text.
    pub is_whole: bool,
}

/// The key of a text.
pub(super) type TextKey = (SessionId, PartKey);

/// The texts that a follower received most recently, up to 16 MiB.
#[derive(Debug, Default)]
pub(super) struct TextCache {
    entries: HashMap<TextKey, (u64, String)>,
    by_use: BTreeMap<u64, TextKey>,
    uses: u64,
    bytes: usize,
}

/// The limit in bytes, including the overhead of each entry.
const MAX_BYTES: usize = 16 << 20;
/// The estimated overhead of an entry, in bytes.
const ENTRY_OVERHEAD: usize = 256;

impl TextCache {
    /// Returns the edit from the cached text to a new text, and caches the new text.
    pub(super) fn replace_and_diff(&mut self, key: &TextKey, new: &str) -> TextEdit {
        let old = self.remove(key);
        let edit = match &old {
            Some(old) => TextEdit::diff(old, new),
            None => TextEdit { offset: 0, delete: 0, insert: new.to_owned(), is_whole: true },
        };
        self.uses += 1;
        self.bytes += new.len() + ENTRY_OVERHEAD;
        self.entries.insert(key.clone(), (self.uses, new.to_owned()));
        self.by_use.insert(self.uses, key.clone());
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.bytes -=
                self.entries.remove(&oldest).map_or(0, |(_, text)| text.len() + ENTRY_OVERHEAD);
        }
        edit
    }

    /// Removes a text from the cache and returns it.
    pub(super) fn remove(&mut self, key: &TextKey) -> Option<String> {
        let (used, text) = self.entries.remove(key)?;
        self.by_use.remove(&used);
        self.bytes -= text.len() + ENTRY_OVERHEAD;
        Some(text)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl TextEdit {
    fn diff(old: &str, new: &str) -> Self {
        let common_prefix = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let offset =
            new.floor_char_boundary(common_prefix).min(old.floor_char_boundary(common_prefix));
        Self {
            offset,
            delete: old.len() - offset,
            insert: new[offset..].to_owned(),
            is_whole: false,
        }
    }

    /// Checks whether the edit changes nothing. An edit with a whole text is not empty.
    pub fn is_empty(&self) -> bool {
        !self.is_whole && self.delete == 0 && self.insert.is_empty()
    }

    /// Applies the edit to a text.
    pub fn apply(&self, text: &mut String) {
        text.truncate(text.floor_char_boundary(self.offset));
        text.push_str(&self.insert);
    }
}
