//! Texts that many metas share: agents, models, directories.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A text that is kept once for all that have it. Clones are cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Where the text is kept: equal for clones.
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

/// Hands out names, the same one for the same text.
#[derive(Debug, Default)]
pub struct Names {
    known: HashSet<Name>,
    /// The same few come again and again.
    recent: [Option<Name>; 32],
}

impl Names {
    /// The name of a text.
    pub fn name(&mut self, text: &str) -> Name {
        // Where it was put the last time: by its length and its ends, which tell most apart.
        let end = |at: Option<&u8>| usize::from(at.copied().unwrap_or_default());
        let (first, last) = (end(text.as_bytes().first()), end(text.as_bytes().last()));
        let recent = &mut self.recent[(text.len() ^ first ^ (last << 1)) % 32];
        if let Some(name) = recent.as_ref().filter(|name| ***name == *text) {
            return name.clone();
        }
        let name = match self.known.get(text) {
            Some(name) => name.clone(),
            None => {
                let name = Name::from(text);
                self.known.insert(name.clone());
                name
            }
        };
        *recent = Some(name.clone());
        name
    }
}
