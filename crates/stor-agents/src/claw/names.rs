//! The names of files, and the session ids that follow from them.

/// What a file beside the sessions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name<'n> {
    /// A session's own file.
    Session,
    /// An older snapshot, which a save moved away: the stem of the session's file, and the time in
    /// Unix milliseconds.
    Rotation(&'n str, i64),
    /// A copy that `/clear` made before it wrote a new session to the file: the name of the file, and
    /// the time in Unix milliseconds.
    Backup(&'n str, i64),
}

/// Returns what a name says; `None` for a file that holds no session.
pub(super) fn parse(name: &str) -> Option<Name<'_>> {
    if let Some((file, time)) = split_before(name, ".before-clear-", ".bak") {
        return is_managed(file).then_some(Name::Backup(file, time));
    }
    if let Some((stem, time)) = split_before(name, ".rot-", ".jsonl") {
        return Some(Name::Rotation(stem, time));
    }
    is_managed(name).then_some(Name::Session)
}

/// Splits `<start><mark><number><end>`.
fn split_before<'n>(name: &'n str, mark: &str, end: &str) -> Option<(&'n str, i64)> {
    let (start, number) = name.strip_suffix(end)?.rsplit_once(mark)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !start.is_empty()).then_some((start, number.parse().ok()?))
}

/// Checks whether the program takes a file for a session: its extension is `jsonl` or `json`.
fn is_managed(name: &str) -> bool {
    let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty());
    extension.is_some_and(|(_, extension)| matches!(extension, "jsonl" | "json"))
}

/// Checks whether a name needs no extension to be a file name.
fn is_whole(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "jsonl" | "json" | "bak")))
}

/// Returns the id of a session's file: its name without `.jsonl`, unless two files would have it.
pub(super) fn id_of_name(name: &str) -> &str {
    name.strip_suffix(".jsonl").filter(|stem| !is_whole(stem)).unwrap_or(name)
}

/// Returns the name of the file with this id: the inverse of [`id_of_name`].
pub(super) fn name_of_id(id: &str) -> String {
    if is_whole(id) { id.to_owned() } else { format!("{id}.jsonl") }
}

/// Checks whether a directory name is the fingerprint of a workspace.
pub(super) fn is_fingerprint(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the Unix milliseconds in an id `session-<ms>-<suffix>`.
pub(super) fn millis_of_id(id: &str) -> Option<u64> {
    let (millis, suffix) = id.strip_prefix("session-")?.split_once('-')?;
    (!suffix.is_empty()).then(|| millis.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_an_id_of_its_own() {
        for name in ["a.jsonl", "a.json", "a.json.jsonl", "a.jsonl.jsonl", "a.rot-12.jsonl"] {
            assert_eq!(name_of_id(id_of_name(name)), name);
        }
        assert_eq!(id_of_name("a.jsonl"), "a");
        assert_eq!(id_of_name("a.json"), "a.json");
    }

    #[test]
    fn names_say_what_a_file_is() {
        assert_eq!(parse("a.jsonl"), Some(Name::Session));
        assert_eq!(parse("a.rot-12.jsonl"), Some(Name::Rotation("a", 12)));
        assert_eq!(parse("a.rot-x.jsonl"), Some(Name::Session));
        assert_eq!(parse("a.jsonl.before-clear-7.bak"), Some(Name::Backup("a.jsonl", 7)));
        for other in
            ["a.jsonl.tmp-1-2", ".jsonl", "a.JSONL", "notes.bak", "a", "x.before-clear-1.bak"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn times_are_in_ids() {
        assert_eq!(millis_of_id("session-12-3"), Some(12));
        for other in ["session-12", "session-12-", "session-x-1", "12-3"] {
            assert_eq!(millis_of_id(other), None, "{other}");
        }
    }
}
