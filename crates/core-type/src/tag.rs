//! Telling apart records by the value of one field: the tag is peeked first, then the concrete
//! shape is parsed. Nothing is buffered; opencode writes the tag among the first, short fields.

use crate::json::{Field, LazyStr, Mark, Scanner, SyntaxError};

/// An object whose tag was peeked; the scanner stands at its start again.
pub(crate) struct Tagged<'a> {
    pub(crate) mark: Mark,
    pub(crate) tag: Option<LazyStr<'a>>,
}

impl<'a> Scanner<'a> {
    /// Peeks at the string field `name` of the object that comes next, or declines if none does.
    pub(crate) fn tag(&mut self, name: &str) -> Result<Option<Tagged<'a>>, SyntaxError> {
        let mark = self.mark()?;
        if self.peek()? != b'{' {
            return Ok(None);
        }
        let tag = if self.find_field(name)? { LazyStr::read(self)? } else { None };
        self.rewind(&mark);
        Ok(Some(Tagged { mark, tag }))
    }
}

/// A value for an issue: hostile input may make it long.
pub(crate) fn short(value: &str) -> String {
    const MOST: usize = 40;
    match value.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}
