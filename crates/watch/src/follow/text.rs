//! Texts that grow: what a follower saw of each, and how the next state differs.

use std::collections::{BTreeMap, HashMap};

use scrollback_core_id::{PartKey, SessionId};

/// How a text became another: at `offset` so many bytes went, and others came. Offsets count the
/// bytes of UTF-8, and never cut a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// Where it differs first.
    pub offset: usize,
    /// How many bytes went there: all that was behind.
    pub delete: usize,
    /// What came in their place.
    pub insert: String,
    /// Whether the text was not known before: then it is whole.
    pub is_whole: bool,
}

/// Names a text.
pub(super) type TextKey = (SessionId, PartKey);

/// The texts that a follower saw, the last ones of so many bytes.
#[derive(Debug, Default)]
pub(super) struct TextCache {
    entries: HashMap<TextKey, (u64, String)>,
    by_use: BTreeMap<u64, TextKey>,
    uses: u64,
    bytes: usize,
}

/// How many bytes of text are remembered.
const MAX_BYTES: usize = 16 << 20;
/// What remembering a text takes besides.
const ENTRY_OVERHEAD: usize = 256;

impl TextCache {
    /// How a text differs from what was seen of it; it is what was seen from now on.
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

    /// Forgets a text, and gives it.
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

    /// Whether it changes nothing of a text that was known.
    pub fn is_empty(&self) -> bool {
        !self.is_whole && self.delete == 0 && self.insert.is_empty()
    }

    /// Makes the edit.
    pub fn apply(&self, text: &mut String) {
        text.truncate(text.floor_char_boundary(self.offset));
        text.push_str(&self.insert);
    }
}
