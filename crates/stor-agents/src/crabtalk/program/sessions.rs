//! Lists, finds and loads sessions.

use std::io;
use std::path::Path;

use scrollback_stor_mmap::FileKind;
use serde::{Deserialize, Serialize};

use super::slug::sender_slug;
use super::step_line::{HistoryEntry, StepLine};
use crate::directory::OpenDir;
use crate::version::Version;

/// The head of a session: its file `meta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationMeta {
    /// The agent.
    pub agent: String,
    /// The sender that began the session.
    pub created_by: String,
    /// The time of creation, as RFC 3339.
    pub created_at: String,
    /// The title; may be empty.
    #[serde(default)]
    pub title: String,
    /// The time of the last run, as RFC 3339; may be empty.
    #[serde(default)]
    pub updated_at: String,
    /// The length of the working history at the last run, which is small after a compaction.
    #[serde(default)]
    pub message_count: u64,
    /// The summary of the last compaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// The slug, which is the name of the directory.
    pub handle: String,
    /// The head.
    pub meta: ConversationMeta,
}

/// A session as the program loads it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedSession {
    /// The head.
    pub meta: ConversationMeta,
    /// The entries after the last boundary.
    pub history: Vec<HistoryEntry>,
    /// The archive with what was before. `None` without a boundary, or if the last one is of the
    /// older kind.
    pub archive: Option<String>,
}

/// Why a session cannot be loaded.
#[derive(Debug)]
pub enum Error {
    /// The operating system refused to read a file.
    Io(io::Error),
    /// The head cannot be parsed.
    Meta(serde_json::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Meta(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Lists the sessions whose head can be parsed, sorted by slug. The program's own order is that of the
/// directory. Other directories are left out without a word.
///
/// # Errors
/// The operating system's error if the directory exists and cannot be listed.
pub fn list_sessions(root: &Path) -> io::Result<Vec<SessionSummary>> {
    let Some(root) = OpenDir::open(root)? else { return Ok(Vec::new()) };
    let names = root.names()?.into_iter().filter(|(_, kind)| *kind == FileKind::Directory);
    let summary = |(handle, _): (String, _)| {
        let meta = root.directory(&handle)?.read("meta").ok()??;
        Some(SessionSummary { meta: serde_json::from_slice(&meta).ok()?, handle })
    };
    Ok(names.filter_map(summary).collect())
}

/// Returns the latest session of an agent and a sender.
///
/// * [`Version::Seed`] (0.0.22): the one with the highest number, by the names of directories alone.
///   The newest session in time may be another one.
/// * [`Version::Head`] (2026-08-15): the newest one whose head has exactly this agent and sender, by
///   the text of its time of creation, then by its slug.
///
/// # Errors
/// The operating system's error if the directory exists and cannot be listed.
pub fn find_latest_session(
    root: &Path,
    agent: &str,
    created_by: &str,
    version: Version,
) -> io::Result<Option<String>> {
    if version == Version::Head {
        let sessions = list_sessions(root)?.into_iter();
        let own = sessions.filter(|it| it.meta.agent == agent && it.meta.created_by == created_by);
        let latest = own
            .max_by(|a, b| (&a.meta.created_at, &a.handle).cmp(&(&b.meta.created_at, &b.handle)));
        return Ok(latest.map(|session| session.handle));
    }
    let Some(root) = OpenDir::open(root)? else { return Ok(None) };
    let prefix = format!("{}_{}_", sender_slug(agent), sender_slug(created_by));
    let names = root.names()?.into_iter().filter(|(_, kind)| *kind == FileKind::Directory);
    let numbered = names.filter_map(|(name, _)| {
        let number: u32 = name.strip_prefix(&prefix)?.parse().ok()?;
        Some((number, name))
    });
    Ok(numbered.max().map(|(_, name)| name))
}

/// Loads a session. `None` if it has no head.
///
/// All files whose names begin with `step-` are read, sorted by name, so `step-1000000` comes before
/// `step-999999`, and a leftover temporary file counts. A file that cannot be parsed is skipped.
///
/// # Errors
/// [`Error::Meta`] if the head cannot be parsed, [`Error::Io`] if a file cannot be read.
pub fn load_session(root: &Path, handle: &str) -> Result<Option<LoadedSession>, Error> {
    let Some(root) = OpenDir::open(root)? else { return Ok(None) };
    let Some(dir) = root.directory(handle) else { return Ok(None) };
    let Some(meta) = dir.read("meta")? else { return Ok(None) };
    let meta = serde_json::from_slice(&meta).map_err(Error::Meta)?;
    let mut lines = Vec::new();
    for (name, _) in dir.names()?.into_iter().filter(|(name, _)| name.starts_with("step-")) {
        let bytes = dir.read(&name)?.unwrap_or_default();
        lines.extend(serde_json::from_slice::<StepLine>(&bytes));
    }
    let boundary = lines.iter().rposition(StepLine::is_compact_boundary);
    let archive = boundary.and_then(|at| match &lines[at] {
        StepLine::Compact { archive_name, .. } => Some(archive_name.clone()),
        _ => None,
    });
    let after = lines.into_iter().skip(boundary.map_or(0, |at| at + 1));
    let history = after.filter_map(|line| match line {
        StepLine::Entry(entry) => Some(entry),
        _ => None,
    });
    Ok(Some(LoadedSession { meta, history: history.collect(), archive }))
}
