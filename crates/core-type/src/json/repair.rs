//! The repair of lone surrogates, before parsing, so that raw JSON in values is valid for strict parsers.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::string::code_unit;

/// The searcher for escapes. It is built once, because building it costs more than most searches.
static ESCAPES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u"));

/// Replaces every lone half of a surrogate pair by `\ufffd`, which has the same length, so that offsets do
/// not change. Returns the repaired text and the number of replacements; `None`, without a copy, if the
/// text has no lone half.
///
/// JavaScript writes such halves when it cuts a string inside a pair. Strict parsers refuse the whole file
/// (source: `docs/format/opencode.md`, section 3).
pub fn repair_surrogates(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut repaired: Option<Vec<u8>> = None;
    let mut count = 0;
    let mut after_pair = 0;
    for at in ESCAPES.find_iter(bytes) {
        // Surrogates are d800 to dfff. Most escapes are others, such as ESC in tool output.
        let is_no_surrogate = !matches!(bytes.get(at + 2), Some(b'd' | b'D'));
        if is_no_surrogate || at < after_pair || is_escaped(bytes, at) {
            continue;
        }
        let next = bytes.get(at + 6..).and_then(code_unit);
        match (code_unit(&bytes[at..]), next) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => after_pair = at + 12,
            (Some(0xd800..=0xdfff), _) => {
                let copy = repaired.get_or_insert_with(|| bytes.to_vec());
                copy[at + 2..at + 6].copy_from_slice(b"fffd");
                count += 1;
            }
            _ => {}
        }
    }
    repaired.map(|copy| (copy, count))
}

/// Checks whether the backslash at `at` is escaped itself: an odd number of backslashes precedes it.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
