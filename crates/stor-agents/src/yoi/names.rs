//! Names of directories and files.

/// Parses a UUID in the forms that the program accepts, and returns its usual form.
pub(super) fn parse_uuid(text: &str) -> Option<String> {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = match text.strip_prefix('{') {
        Some(text) => text.strip_suffix('}')?,
        None => text,
    };
    let has_hyphens = text.len() == 36;
    let is_sound = text.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 if has_hyphens => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if !is_sound || (!has_hyphens && text.len() != 32) {
        return None;
    }
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    let digits = digits.to_ascii_lowercase();
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| digits.get(group));
    let groups: Option<Vec<&str>> = groups.into_iter().collect();
    Some(groups?.join("-"))
}

/// The directory of the segments in a store with one session.
pub(super) const SEGMENTS: &str = "segments";

/// Checks whether segments are in a directory of this name.
pub(super) fn is_segment_directory(name: &str) -> bool {
    name == SEGMENTS || parse_uuid(name).is_some()
}

/// Returns the name of the segment in a log.
pub(super) fn segment_of_log(name: &str) -> Option<&str> {
    name.strip_suffix(".jsonl").filter(|stem| parse_uuid(stem).is_some())
}

/// Returns the name of the segment of a trace.
pub(super) fn segment_of_trace(name: &str) -> Option<&str> {
    name.strip_suffix(".trace.jsonl").filter(|stem| parse_uuid(stem).is_some())
}
