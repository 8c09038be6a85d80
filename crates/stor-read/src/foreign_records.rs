//! Finds files that hold the record of another entity: conflict copies of a sync program, and copies
//! that a user made. opencode finds a record by its file's name, so a copy under another name would
//! count as an entity of its own. Here the record decides.
//!
//! A name as opencode makes it costs nothing here: its record is compared when it is read.

use scrollback_core_err::IssueKind;
use scrollback_core_id::all_bytes;
use scrollback_core_type::text_field;
use scrollback_stor_mmap::{Arena, Dir, Directory, FileKind, ListBuffer, ReadContext};
use scrollback_stor_path::entity_name;

use crate::name_kind::NameKind;

/// Checks whether opencode itself may have made a name. Its ids have letters and digits after the
/// prefix. Clients may choose other ids, so another name is only doubtful.
#[inline]
pub(crate) fn is_plain_name(name: &str) -> bool {
    let name = name.as_bytes();
    let body = name.iter().position(|byte| *byte == b'_').map_or(0, |at| at + 1);
    all_bytes(&name[body..], |byte| byte.is_ascii_alphanumeric())
}

/// Returns the doubtful names that name their own records. The other names are issues.
pub(crate) fn sort_out_foreign_records(
    dir: &Dir,
    names: NameKind,
    doubtful: Vec<String>,
    (buffer, context): (&mut ListBuffer, &ReadContext<'_>),
    note: &mut dyn FnMut(&str, IssueKind),
) -> Vec<String> {
    let mut own = Vec::new();
    for name in doubtful {
        let owner = match names {
            NameKind::Sets(field) => owner_of_set(dir, &name, field, (&mut *buffer, context)),
            _ => read_field(dir, &format!("{name}.json"), "id", context),
        };
        match owner {
            Some(owner) if owner == name => own.push(name),
            Some(owner) if has_original(dir, names, &owner) => {
                note(&name, duplicate(names, &owner))
            }
            // The records of a set are read all the same: nothing else has them.
            Some(owner) if names == NameKind::Records => {
                note(&name, IssueKind::ForeignRecord { owner });
            }
            // Without a readable id, a copy is known by the name of its original.
            None if has_original(dir, names, plain_start(&name)) => {
                note(&name, duplicate(names, plain_start(&name)));
            }
            _ => own.push(name),
        }
    }
    own
}

/// Returns the issue of a record that was read from the file of `id`, if it is the record of another
/// entity whose own file lies in the same directory.
pub(crate) fn check_owner(dir: &Dir, id: &[u8], bytes: &[u8]) -> Result<(), IssueKind> {
    if starts_with_id(bytes, id) {
        return Ok(()); // the usual case
    }
    match text_field(bytes, "id") {
        Some(owner) if owner.as_bytes() != id && has_original(dir, NameKind::Records, &owner) => {
            Err(duplicate(NameKind::Records, &owner))
        }
        _ => Ok(()),
    }
}

/// Checks whether a record starts with the field `id`, with this value, as opencode writes it.
fn starts_with_id(bytes: &[u8], id: &[u8]) -> bool {
    const USUAL_START: &[u8] = b"{\n  \"id\": \"";
    if let Some(rest) = bytes.strip_prefix(USUAL_START) {
        return is_string(rest, id);
    }
    let after = |bytes: &[u8], token: &[u8]| -> Option<usize> {
        let bytes = bytes.trim_ascii_start();
        bytes.starts_with(token).then(|| bytes.len() - token.len())
    };
    let mut rest = bytes;
    for token in [&b"{"[..], b"\"id\"", b":", b"\""] {
        let Some(len) = after(rest, token) else { return false };
        rest = &rest[rest.len() - len..];
    }
    is_string(rest, id)
}

/// Checks whether the text of a JSON string after its quote is `value`.
fn is_string(text: &[u8], value: &[u8]) -> bool {
    text.strip_prefix(value).is_some_and(|rest| rest.first() == Some(&b'"'))
}

/// Checks whether a directory has the record or set of an id.
fn has_original(dir: &Dir, names: NameKind, id: &str) -> bool {
    let (name, kind) = match names {
        NameKind::Records => (format!("{id}.json"), FileKind::File),
        _ => (id.to_owned(), FileKind::Directory),
    };
    !id.contains(['/', '\\', '\0'])
        && dir.stat(name.as_bytes()).is_ok_and(|(found, _)| found == kind)
}

fn duplicate(names: NameKind, original: &str) -> IssueKind {
    let used_copy = match names {
        NameKind::Records => format!("{original}.json"),
        _ => original.to_owned(),
    };
    IssueKind::Duplicate { used_copy }
}

/// Returns the start of a name up to the first character that opencode's ids do not have.
fn plain_start(name: &str) -> &str {
    let body = name.find('_').map_or(0, |at| at + 1);
    let end = name[body..].find(|letter: char| !letter.is_ascii_alphanumeric());
    &name[..end.map_or(name.len(), |end| body + end)]
}

/// Returns the owner of a set of records, as the first readable record names it.
fn owner_of_set(
    dir: &Dir,
    name: &str,
    field: &str,
    (buffer, context): (&mut ListBuffer, &ReadContext<'_>),
) -> Option<String> {
    let set = dir.open_dir(name.as_bytes()).ok()?;
    let mut files = Vec::new();
    let list = set.list(buffer, |name, kind| {
        if kind == FileKind::File && entity_name(name).is_ok() {
            files.extend(String::from_utf8(name.to_vec()));
        }
    });
    list.ok()?;
    files.sort_unstable();
    files.iter().find_map(|file| read_field(&set, file, field, context))
}

/// Reads one text field of the record in a file.
fn read_field(dir: &Dir, file: &str, field: &str, context: &ReadContext<'_>) -> Option<String> {
    let mut arena = Arena::new();
    let is_whole = &mut |bytes: &[u8]| text_field(bytes, field).is_some();
    let piece = arena.read(dir, file.as_bytes(), context, is_whole);
    text_field(arena.bytes(&piece.ok()?), field)
}
