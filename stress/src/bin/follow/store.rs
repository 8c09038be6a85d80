//! The followed store: a cold read of it, opencode's exports, and a check that no other program
//! wrote into it.

#![expect(clippy::disallowed_methods, reason = "reads files that a driver wrote")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use scrollback_core_err::IssueKind;
use scrollback_core_id::SystemClock;
use scrollback_core_id::{EntityKey, PartKey, SourceId};
use scrollback_core_type::StageReport;
use scrollback_flow::{Export, PartDetail, SessionScope, build_index, run_session_flow};
use scrollback_source::Source;
use scrollback_stor_read::FileReader;
use scrollback_stor_sqlite::SqliteReader;
use serde_json::Value;

use crate::state::State;

/// Exported sessions by id.
pub(crate) type Exports = BTreeMap<String, Value>;

/// The storage format of opencode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StorageFormat {
    /// JSON files, up to 1.1.
    Json,
    /// A database, from 1.2 on.
    Sqlite,
}

impl StorageFormat {
    /// Returns the store in a data directory.
    pub(crate) fn source(self, data: &Path) -> Result<Arc<dyn Source>> {
        let (id, clock) = (SourceId::new("followed")?, Arc::new(SystemClock));
        Ok(match self {
            Self::Json => Arc::new(FileReader::new(data.join("storage"), id, clock)),
            Self::Sqlite => Arc::new(SqliteReader::new(data.join("opencode.db"), id, clock)),
        })
    }

    /// Returns the directory that contains the whole store.
    pub(crate) fn store_directory(self, data: &Path) -> PathBuf {
        match self {
            Self::Json => data.join("storage"),
            Self::Sqlite => data.to_owned(),
        }
    }

    /// Checks whether opencode writes a file of this name.
    fn owns_file(self, name: &Path) -> bool {
        let name = name.to_string_lossy();
        match name.split_once('/') {
            Some(("storage", name)) => name.ends_with(".json") || name == "migration",
            Some((dir, _)) => ["bin", "log", "repos", "snapshot", "tool-output"].contains(&dir),
            None => {
                let files = ["opencode.db", "opencode.db-wal", "opencode.db-shm"];
                self == Self::Sqlite && files.contains(&&*name)
            }
        }
    }
}

/// Reads the exports that opencode wrote.
pub(crate) fn read_exports(dir: &Path) -> Result<Exports> {
    let mut exports = Exports::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let bytes = fs::read(&path)?;
        let export = serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
        let id = path.file_stem().context("a name")?.to_string_lossy().into_owned();
        exports.insert(id, export);
    }
    ensure!(!exports.is_empty(), "opencode exported nothing");
    Ok(exports)
}

/// Exports a store from a cold read.
///
/// # Errors
/// An error of the store, or an unexpected issue.
pub(crate) fn export_source(source: &dyn Source) -> Result<Exports> {
    let mut exports = Exports::new();
    let mut failed = None;
    let report = run_session_flow(source, &SessionScope::Store, |tree| {
        match serde_json::to_value(Export(tree)) {
            Ok(export) => drop(exports.insert(tree.node.key.session.to_string(), export)),
            Err(error) => failed = Some(error),
        }
        ControlFlow::Continue(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    check_report(&report)?;
    Ok(exports)
}

/// Builds the index of a store from a cold read, and lists the keys of all sessions, messages and
/// parts.
pub(crate) fn rebuild_index(source: &dyn Source) -> Result<(State, BTreeSet<EntityKey>)> {
    let built = build_index(source, PartDetail::Stamps, &crate::continue_progress)?;
    let built = built.continue_value().context("the build was stopped")?;
    check_report(&built.report)?;
    let view = built.value.view();
    let mut keys: BTreeSet<EntityKey> =
        view.sessions().map(|meta| meta.key.clone().into()).collect();
    for meta in view.session_ids().iter().flat_map(|session| view.by_session(session)) {
        let message = &meta.key.message;
        for part in meta.parts.iter().flat_map(|list| &*list.refs) {
            keys.insert(PartKey { message: message.clone(), part: part.id.clone() }.into());
        }
        keys.insert(meta.key.clone().into());
    }
    Ok((State::from_view(&view), keys))
}

/// Checks that a report has only issues that opencode causes itself: an aborted answer has no
/// parts, a revert leaves parts behind, and a deleted session still receives late writes.
fn check_report(report: &StageReport) -> Result<()> {
    let is_odd = |kind: &IssueKind| {
        use IssueKind::{NoParts, OrphanMessages, OrphanParts};
        !matches!(kind, NoParts | OrphanParts { .. } | OrphanMessages { .. })
    };
    match report.issues.iter().find(|issue| is_odd(&issue.issue.kind)) {
        Some(issue) => bail!("an issue is left: {issue}"),
        None => Ok(()),
    }
}

/// The files of a directory by path: the time of the last change, and the bytes.
pub(crate) struct Listing(BTreeMap<PathBuf, (SystemTime, Vec<u8>)>);

impl Listing {
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let mut listing = Self(BTreeMap::new());
        listing.add(dir, dir)?;
        Ok(listing)
    }

    fn add(&mut self, dir: &Path, root: &Path) -> Result<()> {
        for entry in fs::read_dir(dir)? {
            let (entry, path) = entry.map(|entry| (entry.metadata(), entry.path()))?;
            if entry.as_ref().is_ok_and(fs::Metadata::is_dir) {
                self.add(&path, root)?;
                continue;
            }
            // Readers take locks in the shared index of the log, which changes it.
            let is_shared_index = path.extension().is_some_and(|extension| extension == "db-shm");
            let bytes = if is_shared_index { Vec::new() } else { fs::read(&path)? };
            let changed =
                if is_shared_index { SystemTime::UNIX_EPOCH } else { entry?.modified()? };
            self.0.insert(path.strip_prefix(root)?.to_owned(), (changed, bytes));
        }
        Ok(())
    }

    /// Checks that opencode writes files of all these names.
    pub(crate) fn check_names(&self, format: StorageFormat) -> Result<()> {
        match self.0.keys().find(|name| !format.owns_file(name)) {
            Some(name) => bail!("{} is not opencode's", name.display()),
            None => Ok(()),
        }
    }

    /// Checks that no file appeared, disappeared or changed.
    pub(crate) fn check_unchanged(&self, later: &Self) -> Result<()> {
        let names = self.0.keys().chain(later.0.keys());
        match names.into_iter().find(|name| self.0.get(*name) != later.0.get(*name)) {
            Some(name) => bail!("{} was touched after opencode ended", name.display()),
            None => Ok(()),
        }
    }
}
