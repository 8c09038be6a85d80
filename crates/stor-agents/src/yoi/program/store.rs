//! The store of segments.

use std::io;
use std::path::{Path, PathBuf};

use scrollback_stor_mmap::FileKind;
use serde_json::{Value, json};

use super::entry::LogEntry;
use super::error::StoreError;
use super::state::{RestoredState, collect_state};
use crate::directory::OpenDir;
use crate::version::Version;
use crate::yoi::names;

/// A store of segments, as a version of the program reads it.
#[derive(Debug, Clone)]
pub struct FsStore {
    root: PathBuf,
    version: Version,
    /// The only session of a root with a directory `segments`.
    single: Option<String>,
}

/// A segment in the tree of a session.
#[derive(Debug)]
pub struct SegmentNode {
    /// The segment.
    pub segment_id: String,
    /// What the first record says: see [`FsStore::lineage`].
    pub lineage: Result<Value, StoreError>,
}

impl FsStore {
    /// Returns the store with this directory of sessions. The program creates a missing directory;
    /// here it is a store without sessions.
    pub fn new(root: &Path, version: Version) -> Self {
        Self { root: root.to_owned(), version, single: None }
    }

    /// Returns the store of one session (`WorkerSessionStore` of the head): `session.json` names it,
    /// and its segments are in the directory `segments`.
    ///
    /// # Errors
    /// The problem of `session.json`.
    pub fn of_worker(root: &Path) -> Result<Self, StoreError> {
        let dir = OpenDir::open(root)?;
        let bytes = dir.map(|dir| dir.read("session.json")).transpose()?.flatten();
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let session: Value = serde_json::from_slice(&bytes).map_err(StoreError::Serialization)?;
        let id = session["session_id"].as_str().and_then(names::parse_uuid);
        let id = id.ok_or_else(|| io::Error::other("session.json has no session_id"))?;
        Ok(Self { root: root.to_owned(), version: Version::Head, single: Some(id) })
    }

    fn directory(&self, session: &str) -> io::Result<Option<OpenDir>> {
        match (&self.single, names::parse_uuid(session)) {
            (Some(single), Some(session)) if *single == session => {
                OpenDir::open(&self.root.join(names::SEGMENTS))
            }
            (None, Some(session)) => OpenDir::open(&self.root.join(session)),
            _ => Ok(None),
        }
    }

    fn read(&self, session: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(dir) = self.directory(session)? else { return Ok(None) };
        Ok(dir.read(name)?)
    }

    /// Returns the text of a log as far as this version reads it.
    fn text(&self, session: &str, segment: &str) -> Result<String, StoreError> {
        let not_found = || StoreError::SegmentNotFound(segment.to_owned());
        let id = names::parse_uuid(segment).ok_or_else(not_found)?;
        let mut bytes = self.read(session, &format!("{id}.jsonl"))?.ok_or_else(not_found)?;
        if self.version == Version::Head {
            let committed = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            bytes.truncate(committed);
        }
        String::from_utf8(bytes).map_err(|error| match self.version {
            Version::Seed => {
                let problem = "stream did not contain valid UTF-8";
                StoreError::Io(io::Error::new(io::ErrorKind::InvalidData, problem))
            }
            Version::Head => {
                let sound = error.utf8_error().valid_up_to();
                let before = error.as_bytes().iter().take(sound);
                let line = 1 + before.filter(|byte| **byte == b'\n').count();
                StoreError::Corrupt { line, message: error.utf8_error().to_string() }
            }
        })
    }

    /// Returns the records of a segment.
    ///
    /// # Errors
    /// The first problem: one line that cannot be parsed fails the whole log.
    pub fn read_all(&self, session: &str, segment: &str) -> Result<Vec<LogEntry>, StoreError> {
        let text = self.text(session, segment)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let entries = lines.map(|(index, line)| {
            LogEntry::parse(line, self.version).map_err(|error| StoreError::Corrupt {
                line: index + 1,
                message: error.to_string(),
            })
        });
        entries.collect()
    }

    /// Returns the number of lines that are not blank. A line that cannot be parsed counts.
    ///
    /// # Errors
    /// The problem of the read.
    pub fn read_entry_count(&self, session: &str, segment: &str) -> Result<usize, StoreError> {
        let text = self.text(session, segment)?;
        Ok(text.lines().filter(|line| !line.trim().is_empty()).count())
    }

    /// Checks whether a segment has a log.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn exists(&self, session: &str, segment: &str) -> Result<bool, StoreError> {
        let Some(dir) = self.directory(session)? else { return Ok(false) };
        let Some(id) = names::parse_uuid(segment) else { return Ok(false) };
        let name = format!("{id}.jsonl");
        Ok(dir.names()?.iter().any(|(other, _)| *other == name))
    }

    /// Returns the sessions, the newest first.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn list_sessions(&self) -> Result<Vec<String>, StoreError> {
        if let Some(single) = &self.single {
            return Ok(vec![single.clone()]);
        }
        let Some(dir) = OpenDir::open(&self.root)? else { return Ok(Vec::new()) };
        let names = dir.names()?.into_iter();
        let names = names.filter(|(_, kind)| *kind == FileKind::Directory);
        let mut sessions: Vec<String> =
            names.filter_map(|(name, _)| names::parse_uuid(&name)).collect();
        sessions.sort_by(|a, b| b.cmp(a));
        Ok(sessions)
    }

    /// Returns the segments of a session, the newest first. A missing session has none.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn list_segments(&self, session: &str) -> Result<Vec<String>, StoreError> {
        let Some(dir) = self.directory(session)? else { return Ok(Vec::new()) };
        let names = dir.names()?.into_iter();
        let segments =
            names.filter_map(|(name, _)| names::parse_uuid(names::segment_of_log(&name)?));
        let mut segments: Vec<String> = segments.collect();
        segments.sort_by(|a, b| b.cmp(a));
        Ok(segments)
    }

    /// Returns the session whose directory has a segment.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn lookup_session_of(&self, segment: &str) -> Result<Option<String>, StoreError> {
        for session in self.list_sessions()? {
            if self.exists(&session, segment)? {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// Restores a segment. Its origins are not needed.
    ///
    /// # Errors
    /// See [`FsStore::read_all`].
    pub fn restore(&self, session: &str, segment: &str) -> Result<RestoredState, StoreError> {
        Ok(collect_state(&self.read_all(session, segment)?))
    }

    /// Restores a segment of any session.
    ///
    /// # Errors
    /// See [`FsStore::read_all`].
    pub fn restore_by_segment(&self, segment: &str) -> Result<RestoredState, StoreError> {
        let session = self.lookup_session_of(segment)?;
        let session = session.ok_or_else(|| StoreError::SegmentNotFound(segment.to_owned()))?;
        self.restore(&session, segment)
    }

    /// Returns the first record of a segment without its history and configuration: `session_id`,
    /// `ts`, `forked_from` and `compacted_from`. `null` for a log without records, and a text for one
    /// that begins with another record.
    ///
    /// # Errors
    /// See [`FsStore::read_all`].
    pub fn lineage(&self, session: &str, segment: &str) -> Result<Value, StoreError> {
        let entries = self.read_all(session, segment)?;
        let Some(first) = entries.first() else { return Ok(Value::Null) };
        if first.kind() != "segment_start" {
            return Ok(json!("first entry is not segment_start"));
        }
        let field = |name: &str| first.value.get(name).cloned().unwrap_or_default();
        Ok(json!({
            "session_id": field("session_id"),
            "ts": field("ts"),
            "forked_from": field("forked_from"),
            "compacted_from": field("compacted_from"),
        }))
    }

    /// Returns the tree of a session: each segment with its lineage, the newest first.
    ///
    /// # Errors
    /// The operating system's error. A damaged segment has its error in its node.
    pub fn segment_tree(&self, session: &str) -> Result<Vec<SegmentNode>, StoreError> {
        let segments = self.list_segments(session)?.into_iter();
        let node = |segment_id: String| SegmentNode {
            lineage: self.lineage(session, &segment_id),
            segment_id,
        };
        Ok(segments.map(node).collect())
    }

    /// Returns the records of the trace of a segment. A segment without a trace has none. The program
    /// itself only writes traces.
    ///
    /// # Errors
    /// The first line that is not JSON.
    pub fn read_trace(&self, session: &str, segment: &str) -> Result<Vec<Value>, StoreError> {
        let Some(id) = names::parse_uuid(segment) else { return Ok(Vec::new()) };
        let bytes = self.read(session, &format!("{id}.trace.jsonl"))?.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        let records = lines.map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| StoreError::Corrupt {
                line: index + 1,
                message: error.to_string(),
            })
        });
        records.collect()
    }
}
