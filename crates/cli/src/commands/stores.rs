//! `stores`: what was found, by which rule, and which of it is read.

use std::io::Write;

use serde::Serialize;

use crate::args::Global;
use crate::failure::{Failure, Kind, Result};
use crate::open::Store;
use crate::out::Out;
use crate::{open, pick, safe};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    kind: String,
    path: String,
    data_directory: String,
    found_by: String,
    /// Whether this version reads it.
    read: bool,
    /// How many sessions it has; none if it is not read, or cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<usize>,
}

pub(crate) fn run(global: &Global, out: &mut Out) -> Result<()> {
    let places = open::find(global)?;
    let (mut found, mut issues, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for store in &places.stores {
        let read = open::is_read(store.kind);
        let counted = read.then(|| {
            pick::sessions(&[Store::new(&store.path, global, open::snapshots(global, store))])
        });
        let sessions = match counted {
            Some(Ok((rows, met))) => {
                issues.extend(met);
                Some(rows.len())
            }
            Some(Err(failure)) => {
                failures.push(failure);
                None
            }
            None => None,
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
            let count = match store.sessions {
                Some(sessions) => format!("{sessions} sessions"),
                None if store.read => "cannot be read".to_owned(),
                None => "not read by this version".to_owned(),
            };
            writeln!(out, "  {}, found by {}; {count}", store.kind, store.found_by)?;
        }
    }
    if found.is_empty() {
        let mut failure = Failure::new(Kind::NotFound, "no opencode store found");
        failure.hints.extend(places.looked_at.iter().map(|place| format!("looked at {place}")));
        return Err(failure.hint("--store PATH names one"));
    }
    failures.iter().for_each(|failure| out.complain(failure));
    super::report(out, &issues)
}
