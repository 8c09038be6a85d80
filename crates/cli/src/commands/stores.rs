//! `stores`: what was found, by which rule, and which of it is read.

use std::io::Write;

use scrollback_core_id::Scope;
use scrollback_stor_read::SourceExt;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::{open, safe};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    kind: String,
    path: String,
    data_directory: String,
    found_by: String,
    /// Whether this version reads it.
    read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<usize>,
}

pub(crate) fn run(global: &Global, out: &mut Out) -> Result<()> {
    let places = open::find(global)?;
    let mut found = Vec::new();
    for store in &places.stores {
        let read = open::is_read(store.kind);
        let sessions = if read {
            Some(open::at(&store.path, global).list(&Scope::Sessions)?.entries.len())
        } else {
            None
        };
        found.push(Found {
            kind: store.kind.to_string(),
            path: store.path.to_string_lossy().into_owned(),
            data_directory: store.data_dir.to_string_lossy().into_owned(),
            found_by: store.rule.to_string(),
            read,
            sessions,
        });
    }
    if global.json {
        out.json(&found)?;
    } else {
        let styles = out.styles;
        for store in &found {
            writeln!(out, "{}{}{:#}", styles.strong, safe::line(&store.path), styles.strong)?;
            let count = store.sessions.map_or_else(
                || "not read by this version".to_owned(),
                |sessions| format!("{sessions} sessions"),
            );
            writeln!(out, "  {}, found by {}; {count}", store.kind, store.found_by)?;
        }
    }
    if found.is_empty() {
        let mut failure = Failure::new(Kind::NotFound, "no opencode store found");
        failure.hints.extend(places.looked_at.iter().map(|place| format!("looked at {place}")));
        return Err(failure.hint("--store PATH names one"));
    }
    Ok(())
}
