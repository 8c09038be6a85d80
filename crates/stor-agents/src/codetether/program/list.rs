//! Lists sessions.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::files::SessionsDir;
use super::last::canonical;
use super::metadata::SessionMetadata;
use super::parse;
use super::timestamp::Timestamp;
use crate::version::Version;

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionSummary {
    /// The id in the file.
    pub id: String,
    /// The title.
    pub title: Option<String>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// The number of messages.
    pub message_count: usize,
    /// The agent.
    pub agent: String,
    /// The workspace.
    pub directory: Option<PathBuf>,
}

/// Lists the sessions that can be parsed, the last changed first; ties keep the order of the
/// directory.
///
/// [`Version::Seed`] parses every message. [`Version::Head`] only counts them, so it also lists sessions
/// that it cannot load.
///
/// # Errors
/// [`Error::Io`] if the directory exists and cannot be listed.
pub fn list_sessions(sessions: &Path, version: Version) -> Result<Vec<SessionSummary>, Error> {
    let Some(dir) = SessionsDir::open(sessions)? else { return Ok(Vec::new()) };
    let summary = |name: String| match version {
        Version::Seed => summary_of_session(&dir, &name),
        Version::Head => summary_of_record(&dir, &name),
    };
    let mut listed: Vec<_> = dir.json_names()?.into_iter().filter_map(summary).collect();
    listed.sort_by_key(|session| std::cmp::Reverse(session.updated_at));
    Ok(listed)
}

/// Lists the sessions of a workspace.
///
/// # Errors
/// As of [`list_sessions`].
pub fn list_sessions_for_directory(
    sessions: &Path,
    directory: &Path,
    version: Version,
) -> Result<Vec<SessionSummary>, Error> {
    let workspace = canonical(directory);
    let is_in = |session: &SessionSummary| {
        session.directory.as_deref().is_some_and(|it| canonical(it) == workspace)
    };
    let mut listed = list_sessions(sessions, version)?;
    listed.retain(is_in);
    Ok(listed)
}

/// Lists at most `limit` sessions of a workspace, after the first `offset`.
///
/// # Errors
/// As of [`list_sessions`].
pub fn list_sessions_paged(
    sessions: &Path,
    directory: &Path,
    limit: usize,
    offset: usize,
    version: Version,
) -> Result<Vec<SessionSummary>, Error> {
    let listed = list_sessions_for_directory(sessions, directory, version)?;
    Ok(listed.into_iter().skip(offset).take(limit).collect())
}

fn summary_of_session(dir: &SessionsDir, name: &str) -> Option<SessionSummary> {
    let bytes = dir.read(name).ok()?;
    let parsed = parse::session(&bytes, 0, Version::Seed).ok()?;
    let session = parsed.session;
    Some(SessionSummary {
        id: session.id,
        title: session.title,
        created_at: session.created_at,
        updated_at: session.updated_at,
        message_count: parsed.dropped_messages,
        agent: session.agent,
        directory: session.metadata.directory,
    })
}

fn summary_of_record(dir: &SessionsDir, name: &str) -> Option<SessionSummary> {
    /// The fields that the newer program needs to list a session.
    #[derive(Deserialize)]
    struct ListingRecord {
        id: String,
        title: Option<String>,
        created_at: Timestamp,
        updated_at: Timestamp,
        metadata: SessionMetadata,
        agent: String,
        #[serde(default)]
        messages: Count,
    }
    let others = [".workspace_index.json", ".listing_cache.json"];
    if others.contains(&name) || name.ends_with(".checkpoint.json") {
        return None;
    }
    let record: ListingRecord = serde_json::from_slice(&dir.read(name).ok()?).ok()?;
    Some(SessionSummary {
        id: record.id,
        title: record.title,
        created_at: record.created_at,
        updated_at: record.updated_at,
        message_count: record.messages.0,
        agent: record.agent,
        directory: record.metadata.directory,
    })
}

/// The length of an array whose elements may be anything.
#[derive(Default)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counter;
        impl<'de> Visitor<'de> for Counter {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while array.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }
        deserializer.deserialize_seq(Counter)
    }
}
