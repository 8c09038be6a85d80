//! Records whose shape depends on one field, the tag. The reader peeks at the tag and then parses the
//! concrete shape. This needs no buffer; opencode writes the tag among the first, short fields.

use crate::json::{Field, LazyStr, Mark, Scanner, SyntaxError};

/// An object with a tag that was peeked at. The scanner is back at the start of the object.
pub(crate) struct TaggedObject<'a> {
    pub(crate) mark: Mark,
    pub(crate) tag: Option<LazyStr<'a>>,
}

impl<'a> Scanner<'a> {
    /// Peeks at the string field `name` of the next value. Returns `None` if that is not an object.
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

/// Shortens a value for an issue, because hostile input may make it long.
pub(crate) fn shorten(value: &str) -> String {
    const MAX_CHARS: usize = 40;
    match value.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}
