//! Describes a file that is attached to a message or to a tool output, in one line.

use scrollback_core_type::{FilePart, LazyStr};

use crate::units;

/// Describes a file: its name, its type and its address. For a `data:` address only the size is given.
pub(super) fn describe(file: &FilePart<'_>) -> String {
    let get = |text: &Option<LazyStr<'_>>| text.as_ref().map(|text| text.get().into_owned());
    let mut words = Vec::new();
    words.extend(get(&file.filename));
    words.extend(get(&file.mime));
    match get(&file.url) {
        Some(url) if url.starts_with("data:") => words.push(units::bytes(url.len() as u64)),
        url => words.extend(url),
    }
    words.join("  ")
}
