//! The rows of the index: one for each session and each message, with names as numbers.

use std::fmt;
use std::ops::Range;

use anyhow::{Context as _, Result};

use super::super::files::Stamp;
use crate::facts::{FileStat, IndexSums, MessageFacts, SessionFacts, TokenFacts};

/// An id of at most 47 bytes, stored inline. Ids of opencode have 30 bytes; the copies of a fork
/// append the number of the row, and summaries a word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    bytes: [u8; 47],
    len: u8,
}

impl Default for Id {
    fn default() -> Self {
        Self { bytes: [0; 47], len: 0 }
    }
}

impl Id {
    /// Stores an id.
    ///
    /// # Errors
    /// If the id is longer than 47 bytes, which only ids made by users can be.
    pub fn new(id: &[u8]) -> Result<Self> {
        let mut bytes = [0; 47];
        bytes.get_mut(..id.len()).context("an id of over 47 bytes")?.copy_from_slice(id);
        Ok(Self { bytes, len: id.len() as u8 })
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Returns the id as text; empty if the bytes are not UTF-8.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn non_empty(&self) -> Option<&str> {
        (self.len > 0).then(|| self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of a name in [`Index::names`] plus one; 0 means no name.
pub(super) type Name = u32;

/// The role of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    User,
    Assistant,
    Unknown,
}

/// The parts of a message.
#[derive(Debug, Clone, Copy)]
pub struct PartSet {
    /// The stamp of their directory, if it exists.
    pub stamp: Option<Stamp>,
    /// The index of the first id in [`Session::parts`].
    pub first: u32,
    /// The number of parts.
    pub len: u32,
}

/// The row of a message.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "named as in the records; times in Unix milliseconds")]
pub struct Message {
    pub id: Id,
    pub parent: Id,
    pub created: Option<i64>,
    pub completed: Option<i64>,
    pub tokens: Option<TokenFacts>,
    pub cost: Option<f64>,
    pub stamp: Stamp,
    pub parts: Option<PartSet>,
    pub agent: Name,
    pub provider: Name,
    pub model: Name,
    pub finish: Name,
    pub error: Name,
    pub role: Role,
    pub summary: bool,
    /// Whether an equal stamp later means that nothing changed.
    pub settled: bool,
}

/// The row of a session, with its messages.
#[derive(Debug)]
#[expect(missing_docs, reason = "named as in the records; times in Unix milliseconds")]
pub struct Session {
    pub id: Id,
    pub parent: Id,
    pub project: Name,
    pub directory: Name,
    pub version: Name,
    pub title: Option<Box<str>>,
    pub created: Option<i64>,
    pub updated: Option<i64>,
    pub archived: Option<i64>,
    /// The stamp of the record; `None` if the session has only messages.
    pub stamp: Option<Stamp>,
    /// The stamp of the directory of its messages.
    pub set: Option<Stamp>,
    /// In a database, which has no directory: the set of messages as the sum of the hashes of their
    /// ids.
    pub row_hash: u64,
    pub settled: bool,
    /// Sorted by time, then id.
    pub messages: Vec<Message>,
    /// The ids of the parts, message by message, in order.
    pub parts: Vec<Id>,
}

impl Session {
    /// Returns a session of which only the id is known.
    pub fn without_record(id: Id) -> Self {
        Self {
            id,
            parent: Id::default(),
            project: 0,
            directory: 0,
            version: 0,
            title: None,
            created: None,
            updated: None,
            archived: None,
            stamp: None,
            set: None,
            row_hash: 0,
            settled: true,
            messages: Vec::new(),
            parts: Vec::new(),
        }
    }
}

/// All sessions of a store, newest first; those without a record are last.
#[derive(Debug)]
pub struct Index {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// The names that rows refer to by number.
    pub names: Vec<Box<str>>,
}

impl Index {
    /// Returns the name of a number.
    pub fn name(&self, name: Name) -> Option<&str> {
        self.names.get((name as usize).checked_sub(1)?).map(|name| &**name)
    }

    /// Computes the sums over the whole index.
    pub fn sums(&self) -> IndexSums {
        let mut sums = IndexSums::default();
        let add = |sums: &mut IndexSums, stamp: Option<Stamp>| {
            stamp.map(file_stat).into_iter().for_each(|stat| sums.add_stat(stat));
        };
        for session in &self.sessions {
            sums.add_session([session.created, session.updated, session.archived]);
            add(&mut sums, session.stamp);
            add(&mut sums, session.set);
            sums.add_parts(session.parts.len());
            for message in &session.messages {
                let Message { created, completed, tokens, cost, summary, .. } = *message;
                sums.add_message([created, completed], tokens, cost, summary);
                sums.add_stat(file_stat(message.stamp));
                add(&mut sums, message.parts.and_then(|parts| parts.stamp));
            }
        }
        sums
    }

    /// Returns all facts of a session.
    pub fn facts<'a>(&'a self, session: &'a Session) -> SessionFacts<'a> {
        SessionFacts {
            id: session.id.as_str(),
            project: self.name(session.project),
            parent: session.parent.non_empty(),
            directory: self.name(session.directory),
            title: session.title.as_deref(),
            version: self.name(session.version),
            created: session.created,
            updated: session.updated,
            archived: session.archived,
            record: session.stamp.map(file_stat),
            set: session.set.map(file_stat),
            messages: session.messages.iter().map(|it| self.message_facts(session, it)).collect(),
        }
    }

    fn message_facts<'a>(&'a self, session: &'a Session, message: &'a Message) -> MessageFacts<'a> {
        let ids = |set: PartSet| {
            let ids = &session.parts[Range::from(set)];
            ids.iter().map(Id::as_str).collect()
        };
        MessageFacts {
            id: message.id.as_str(),
            role: match message.role {
                Role::User => Some("user"),
                Role::Assistant => Some("assistant"),
                Role::Unknown => None,
            },
            created: message.created,
            completed: message.completed,
            parent: message.parent.non_empty(),
            agent: self.name(message.agent),
            provider: self.name(message.provider),
            model: self.name(message.model),
            tokens: message.tokens,
            cost: message.cost,
            finish: self.name(message.finish),
            error: self.name(message.error),
            summary: message.summary,
            record: Some(file_stat(message.stamp)),
            set: message.parts.and_then(|parts| parts.stamp).map(file_stat),
            parts: message.parts.map(ids),
        }
    }
}

impl From<PartSet> for Range<usize> {
    fn from(set: PartSet) -> Self {
        set.first as usize..(set.first + set.len) as usize
    }
}

fn file_stat(stamp: Stamp) -> FileStat {
    FileStat(stamp.size, stamp.mtime_ns, stamp.inode)
}
