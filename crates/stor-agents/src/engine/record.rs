//! Records: one JSON object each, with its place.

use super::fields::Fields;

/// One record of a container: one JSON object.
#[derive(Debug)]
pub struct Record<'b> {
    /// The fields.
    pub fields: Fields<'b>,
    /// The JSON text.
    pub text: &'b str,
    /// The position in the container: an offset, the number of a step, or an index. See
    /// [`Shape`](super::Shape).
    pub position: u64,
    /// The array of a document that holds the record; empty for other shapes.
    pub array: &'static str,
    /// The kind of the side file that holds the record; `None` for the container itself.
    pub side: Option<&'static str>,
}
