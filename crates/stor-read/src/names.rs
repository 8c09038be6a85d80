//! Converts the names in a directory to ids. A name of a foreign file is skipped; a malformed name is
//! an issue. A name that opencode does not make is compared with the record in its file.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::IdError;
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer, ReadContext};
use scrollback_stor_path::{directory_name, entity_name};

use crate::foreign_records::{is_plain_name, sort_out_foreign_records};
use crate::name_kind::NameKind;
use crate::transaction::IssueSink;

/// Lists the ids in a directory, in no order. `path` returns the path of the directory, for issues.
pub(crate) fn list_ids<I: FromStr<Err = IdError>>(
    dir: &Dir,
    names: NameKind,
    path: impl Fn() -> PathBuf,
    (buffer, context): (&mut ListBuffer, &ReadContext<'_>),
    note: &mut IssueSink<'_>,
) -> Vec<I> {
    let mut ids = Vec::new();
    let mut doubtful: Vec<String> = Vec::new();
    let mut note_name = |name: &[u8], kind| {
        let name = String::from_utf8_lossy(name);
        note(None, Issue::new(Place::path(path().join(Path::new(&*name))), kind));
    };
    let listed = dir.list(buffer, |name, kind| match parse_name(name, kind, names) {
        Ok(Some(text)) if names != NameKind::Directories && !is_plain_name(text) => {
            doubtful.push(text.to_owned());
        }
        Ok(text) => match text.map(parse_id).transpose() {
            Ok(id) => ids.extend(id),
            Err(kind) => note_name(name, kind),
        },
        Err(kind) => note_name(name, kind),
    });
    if let Err(kind) = listed {
        note(None, Issue::new(Place::path(path()), kind));
    }
    if !doubtful.is_empty() {
        let note = &mut |name: &str, kind| {
            let name = match names {
                NameKind::Records => format!("{name}.json"),
                _ => name.to_owned(),
            };
            note(None, Issue::new(Place::path(path().join(name)), kind));
        };
        for name in sort_out_foreign_records(dir, names, doubtful, (buffer, context), note) {
            match parse_id(&name) {
                Ok(id) => ids.push(id),
                Err(kind) => note(&name, kind),
            }
        }
    }
    ids
}

fn parse_id<I: FromStr<Err = IdError>>(text: &str) -> Result<I, IssueKind> {
    I::from_str(text).map_err(|error| IssueKind::BadId { reason: error.to_string() })
}

/// Returns the text of the id that a name contains, or `None` for a foreign file.
fn parse_name(name: &[u8], kind: FileKind, names: NameKind) -> Result<Option<&str>, IssueKind> {
    let text = match names {
        NameKind::Records => entity_name(name),
        NameKind::Directories | NameKind::Sets(_) => directory_name(name),
    };
    let text = match text {
        Ok(text) => text,
        Err(other) => return other.issue().map_or(Ok(None), Err),
    };
    match (names, kind) {
        (_, FileKind::Link) => Err(IssueKind::Link),
        (NameKind::Records, FileKind::File) => Ok(Some(text)),
        (NameKind::Records, _) => Err(IssueKind::NotAFile),
        (_, FileKind::Directory) => Ok(Some(text)),
        _ => Err(IssueKind::NotADirectory),
    }
}
