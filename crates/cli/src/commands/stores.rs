//! `stores`: what was found, by which rule, which of it is read, and which wins.

use std::io::Write;
use std::ops::ControlFlow;

use scrollback_source::{Seen, Survey};
use scrollback_stor_path::FoundStore;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Failure, Kind, Result};
use crate::open::{self, Store};
use crate::out::Out;
use crate::{pick, safe, sources};

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
    /// How many of them are shown: those that no store of the same data directory has that wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<usize>,
    /// How a database is read at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    /// Whether it wins over the others of its data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    wins: Option<bool>,
    /// What a database has that this version does not know.
    #[serde(skip_serializing_if = "Unknown::is_empty")]
    unknown: Unknown,
}

/// Tables and columns that are passed over.
#[derive(Serialize, Default)]
struct Unknown {
    tables: Vec<String>,
    /// Each as `table.column`.
    columns: Vec<String>,
}

pub(crate) fn run(global: &Global, out: &mut Out) -> Result<()> {
    let places = open::find(global)?;
    let (mut found, mut issues) = (Vec::new(), Vec::new());
    let mut failures: Vec<Failure> = Vec::new();
    for group in sources::groups(&places.stores) {
        let mut sound: Vec<&FoundStore> = Vec::new();
        let mut of_group: Vec<Found> = Vec::new();
        for store in group {
            let mut entry = Found::new(store);
            match counted(store, global) {
                Ok((sessions, access, unknown)) => {
                    (entry.sessions, entry.access) = (Some(sessions), access);
                    entry.unknown = unknown;
                    sound.push(store);
                }
                Err(failure) => failures.push(failure),
            }
            of_group.push(entry);
        }
        if let Some(store) = Store::of(&sound, global) {
            let (rows, met) = pick::sessions(std::slice::from_ref(&store))?;
            issues.extend(met);
            for entry in of_group.iter_mut().filter(|entry| entry.sessions.is_some()) {
                let from_here = |row: &&pick::Row| {
                    store.origin(&row.meta) == sources::named(entry.path.as_ref()).as_str()
                };
                let shown = rows.iter().filter(from_here).count();
                entry.shown = Some(if sound.len() == 1 { rows.len() } else { shown });
                let is_first = sound[0].path == *entry.path;
                let hides = sound[1..].iter().any(|store| sources::has_sessions(store));
                if !is_first || hides {
                    entry.wins = Some(is_first);
                }
            }
        }
        found.extend(of_group);
    }
    let unread = places.stores.iter().filter(|store| !sources::is_read(store.kind));
    found.extend(unread.map(Found::new));
    if global.json {
        out.json(&found)?;
    } else {
        let styles = out.styles;
        for store in &found {
            writeln!(out, "{}{}{:#}", styles.strong, safe::line(&store.path), styles.strong)?;
            writeln!(out, "  {}, found by {}; {}", store.kind, store.found_by, store.state())?;
            if let Some(unknown) = store.unknown.said() {
                writeln!(out, "  not known to this version: {}", safe::line(&unknown))?;
            }
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

impl Found {
    fn new(store: &FoundStore) -> Self {
        Self {
            kind: store.kind.to_string(),
            path: store.path.to_string_lossy().into_owned(),
            data_directory: store.data_dir.to_string_lossy().into_owned(),
            found_by: store.rule.to_string(),
            read: sources::is_read(store.kind),
            sessions: None,
            shown: None,
            access: None,
            wins: None,
            unknown: Unknown::default(),
        }
    }

    /// What there is to say of it, in a line.
    fn state(&self) -> String {
        let (Some(sessions), shown) = (self.sessions, self.shown.unwrap_or(0)) else {
            let why = if self.read { "cannot be read" } else { "not read by this version" };
            return why.to_owned();
        };
        let mut state = format!("{sessions} session{}", if sessions == 1 { "" } else { "s" });
        match self.wins {
            Some(true) => state.push_str(", which win over the others of its directory"),
            Some(false) if sessions == 0 => state.push_str(", and diffs of others"),
            Some(false) if shown == 0 => state.push_str(", all of them in a store above too"),
            Some(false) => state.push_str(&format!(", {shown} of them in no store above")),
            None => {}
        }
        if let Some(access) = &self.access {
            state.push_str("; read ");
            state.push_str(access);
        }
        state
    }
}

impl Unknown {
    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty()
    }

    /// What is unknown, in a line; none if nothing is.
    fn said(&self) -> Option<String> {
        let all = [("table", &self.tables), ("column", &self.columns)];
        let all = all.into_iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| {
            let s = if names.len() == 1 { "" } else { "s" };
            format!("{what}{s} {}", names.join(", "))
        });
        Some(all.collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty())
    }
}

/// How many sessions a store has by itself, how it is read, and what of it is not known.
fn counted(store: &FoundStore, global: &Global) -> Result<(usize, Option<String>, Unknown)> {
    let access = access(store, global)?; // before anything else leaves side files
    let source = sources::one(store, global);
    let mut sessions = std::collections::HashSet::new();
    source.open()?.survey(&Survey::Sessions, &mut |seen| {
        if let Seen::Sighting(sighting) = seen {
            sessions.insert(sighting.key);
        }
        ControlFlow::Continue(())
    })?;
    Ok((sessions.len(), access, unknown(store, global)?))
}

#[cfg(feature = "sqlite")]
fn access(store: &FoundStore, global: &Global) -> Result<Option<String>> {
    if store.kind != scrollback_stor_path::StoreKind::OpencodeSqlite {
        return Ok(None);
    }
    Ok(Some(sources::database(&store.path, global).access()?.to_string()))
}

#[cfg(not(feature = "sqlite"))]
fn access(_: &FoundStore, _: &Global) -> Result<Option<String>> {
    Ok(None)
}

#[cfg(feature = "sqlite")]
fn unknown(store: &FoundStore, global: &Global) -> Result<Unknown> {
    if store.kind != scrollback_stor_path::StoreKind::OpencodeSqlite {
        return Ok(Unknown::default());
    }
    let report = sources::database(&store.path, global).schema_report()?;
    let columns = report.unknown_columns.iter().map(ToString::to_string).collect();
    Ok(Unknown { tables: report.unknown_tables, columns })
}

#[cfg(not(feature = "sqlite"))]
fn unknown(_: &FoundStore, _: &Global) -> Result<Unknown> {
    Ok(Unknown::default())
}
