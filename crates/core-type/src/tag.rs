//! Telling apart records by the value of one field: the tag is peeked first, then the concrete
//! shape is parsed. Nothing is buffered; opencode writes the tag among the first, short fields.

use crate::json::{Field, LazyStr, Mark, Scanner, SyntaxError};

/// An object whose tag was peeked; the scanner stands at its start again.
pub(crate) struct TaggedObject<'a> {
    pub(crate) mark: Mark,
    pub(crate) tag: Option<LazyStr<'a>>,
}

impl<'a> Scanner<'a> {
    /// Peeks at the string field `name` of the object that comes next, or declines if none does.
    pub(crate) fn peek_tag(&mut self, name: &str) -> Result<Option<TaggedObject<'a>>, SyntaxError> {
        let mark = self.mark()?;
        if self.peek()? != b'{' {
            return Ok(None);
        }
        let tag = if self.find_field(name)? { LazyStr::read(self)? } else { None };
        self.rewind(&mark);
        Ok(Some(TaggedObject { mark, tag }))
    }
}

/// A value for an issue: hostile input may make it long.
pub(crate) fn shorten(value: &str) -> String {
    const MAX_CHARS: usize = 40;
    match value.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}
