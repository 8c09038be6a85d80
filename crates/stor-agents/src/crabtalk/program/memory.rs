//! `memory.db`: the file with the texts of archives, beside the directory of sessions.

use std::io;
use std::path::Path;

use super::sessions::LoadedSession;
use super::step_line::{ContentBlock, HistoryEntry, Message};
use crate::directory::OpenDir;

/// The entries of `memory.db`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryDb {
    /// The id that the next entry gets.
    pub next_id: u64,
    /// The entries, in the order of the file.
    pub entries: Vec<MemoryEntry>,
}

/// An entry of `memory.db`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryEntry {
    /// The id.
    pub id: u64,
    /// The time of creation, as the program stores it.
    pub created_at: u64,
    /// The kind.
    pub kind: EntryKind,
    /// The name.
    pub name: String,
    /// The text.
    pub content: String,
    /// Other names.
    pub aliases: Vec<String>,
}

/// The kind of an entry of `memory.db`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A note.
    Note,
    /// The archive of a compaction.
    Archive,
    /// A topic.
    Topic,
    /// A number that this version does not know.
    Unknown(u32),
}

/// Why `memory.db` cannot be read.
#[derive(Debug)]
pub enum MemoryError {
    /// The operating system refused to read the file.
    Io(io::Error),
    /// The file does not begin as a `memory.db` of version 1.
    Header,
    /// The file ends, or has a text that is not UTF-8, at this offset.
    Damaged(usize),
}

impl std::fmt::Display for MemoryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Header => f.write_str("not a memory.db of version 1"),
            Self::Damaged(at) => write!(f, "memory.db is damaged at byte {at}"),
        }
    }
}

impl std::error::Error for MemoryError {}

impl MemoryDb {
    /// Reads `memory.db` in this directory, usually `~/.crabtalk`. `None` if the file does not exist.
    ///
    /// # Errors
    /// The reason why the file cannot be read.
    pub fn read(config: &Path) -> Result<Option<Self>, MemoryError> {
        let dir = OpenDir::open(config).map_err(MemoryError::Io)?;
        let bytes = match dir {
            Some(dir) => dir.read("memory.db").map_err(MemoryError::Io)?,
            None => None,
        };
        bytes.map(|bytes| Self::parse(&bytes)).transpose()
    }

    /// Parses the bytes of a `memory.db`.
    ///
    /// # Errors
    /// [`MemoryError::Header`] or [`MemoryError::Damaged`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MemoryError> {
        /// Magic, version 1, flags and padding.
        const HEADER: &[u8] = b"CRMEM\0\x01\0\0\0\0\0\0\0\0\0";
        if !bytes.starts_with(HEADER) {
            return Err(MemoryError::Header);
        }
        let mut input = Input { bytes, at: HEADER.len() };
        let (next_id, count) = (input.u64()?, input.u32()?);
        // A damaged count must not reserve memory: each entry is read before the next.
        let mut entries = Vec::new();
        for _ in 0..count {
            let (id, created_at, kind) = (input.u64()?, input.u64()?, input.u32()?);
            let kind = match kind {
                0 => EntryKind::Note,
                1 => EntryKind::Archive,
                2 => EntryKind::Topic,
                other => EntryKind::Unknown(other),
            };
            let (name, content) = (input.text()?, input.text()?);
            let mut aliases = Vec::new();
            for _ in 0..input.u32()? {
                aliases.push(input.text()?);
            }
            entries.push(MemoryEntry { id, created_at, kind, name, content, aliases });
        }
        Ok(Self { next_id, entries })
    }

    /// Returns the text of an archive.
    pub fn archive_text(&self, name: &str) -> Option<&str> {
        let found = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&found.content)
    }
}

/// Returns the history that the program continues with: if the session has an archive, its text comes
/// first, as a message of the user.
pub fn resumed_history(session: &LoadedSession, memory: Option<&MemoryDb>) -> Vec<HistoryEntry> {
    let archived = session.archive.as_ref().map(|name| {
        let text = memory.and_then(|memory| memory.archive_text(name)).map(str::to_owned);
        let text = text.unwrap_or_else(|| format!("[archived context unavailable: {name}]"));
        let content = vec![ContentBlock::Text { text }];
        HistoryEntry { agent: String::new(), message: Message { role: "user".to_owned(), content } }
    });
    archived.into_iter().chain(session.history.iter().cloned()).collect()
}

struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Input<'_> {
    fn take(&mut self, len: usize) -> Result<&[u8], MemoryError> {
        let end = self.at.checked_add(len);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(MemoryError::Damaged(self.at))?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MemoryError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| MemoryError::Damaged(at))
    }

    fn u32(&mut self) -> Result<u32, MemoryError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, MemoryError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<String, MemoryError> {
        let len = self.u32()? as usize;
        let at = self.at;
        let text = std::str::from_utf8(self.take(len)?);
        text.map(str::to_owned).map_err(|_| MemoryError::Damaged(at))
    }
}
