//! Texts that many entities share, such as agents, models and directories.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A text that many entities share. Clones share the text and are cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Returns the address of the text. Clones have the same address.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The names that were returned last, each in the slot of its text's fingerprint.
#[derive(Debug)]
struct RecentNames([Option<Name>; CACHE_SLOTS]);

impl Default for RecentNames {
    fn default() -> Self {
        Self([const { None }; CACHE_SLOTS])
    }
}

/// The number of slots in a cache of recent names.
pub(crate) const CACHE_SLOTS: usize = 1 << CACHE_SLOT_BITS;
const CACHE_SLOT_BITS: u32 = 6;

/// Returns the slot of a value, from 0 to [`CACHE_SLOTS`] - 1: the high bits of a product.
pub(crate) fn cache_slot(value: u64) -> usize {
    (value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - CACHE_SLOT_BITS)) as usize
}

/// Combines both ends of a text and its length, which differ for most texts.
fn text_fingerprint(text: &[u8]) -> u64 {
    let ends = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last) << 1,
        _ => text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    ends ^ (text.len() as u64) << 56
}

/// A table of names that returns the same name for the same text.
#[derive(Debug, Default)]
pub struct NameInterner {
    names: HashSet<Name>,
    /// A cache: a few names make up most calls.
    recent: RecentNames,
}

impl NameInterner {
    /// Returns the name of a text.
    pub fn intern(&mut self, text: &str) -> Name {
        let recent = &mut self.recent.0[cache_slot(text_fingerprint(text.as_bytes()))];
        if let Some(name) = recent.as_ref().filter(|name| ***name == *text) {
            return name.clone();
        }
        let name = match self.names.get(text) {
            Some(name) => name.clone(),
            None => {
                let name = Name::from(text);
                self.names.insert(name.clone());
                name
            }
        };
        *recent = Some(name.clone());
        name
    }
}
