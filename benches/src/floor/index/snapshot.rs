//! The index in a file that is used in place: a header, rows of fixed size, a hash table, and
//! texts.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use scrollback_stor_mmap::{MappedSpan, open_cache_file};
use xxhash_rust::xxh3::xxh3_64;

use super::super::files::Stamp;
use super::rows::{Id, Index, Message, Role, Session};
use crate::facts::SnapshotFacts;

const MAGIC: &[u8; 8] = b"FLOOR  1";
/// The header: magic, checksum of the rest, and the counts of sessions, messages, slots and names.
const HEADER: usize = 8 + 8 + 4 * 4;
const NO_TIME: i64 = i64::MIN;

/// The offsets of the fields in a session's row.
pub(super) mod session {
    pub(crate) const ID: usize = 0;
    pub(super) const PARENT: usize = ID + 32;
    pub(super) const TIMES: usize = PARENT + 32;
    pub(crate) const STAMP: usize = TIMES + 3 * 8;
    pub(crate) const SET: usize = STAMP + 24;
    pub(super) const TITLE: usize = SET + 24;
    pub(crate) const PROJECT: usize = TITLE + 8;
    pub(super) const DIRECTORY: usize = PROJECT + 4;
    pub(super) const VERSION: usize = DIRECTORY + 4;
    pub(crate) const FIRST: usize = VERSION + 4;
    pub(crate) const MESSAGES: usize = FIRST + 4;
    pub(crate) const FLAGS: usize = MESSAGES + 4;
    pub(super) const LEN: usize = FLAGS + 4;
    pub(crate) const SETTLED: u32 = 1;
    pub(crate) const RECORD: u32 = 1 << 1;
    pub(crate) const HAS_SET: u32 = 1 << 2;
}

/// The offsets of the fields in a message's row.
pub(super) mod message {
    pub(crate) const ID: usize = 0;
    pub(super) const PARENT: usize = ID + 32;
    pub(super) const TIMES: usize = PARENT + 32;
    pub(super) const TOKENS: usize = TIMES + 2 * 8;
    pub(super) const COST: usize = TOKENS + 5 * 8;
    pub(crate) const STAMP: usize = COST + 8;
    /// The set of its parts (stamp, first index, count), in an index that lists parts.
    pub(super) const PARTS: usize = STAMP + 24;
    pub(super) const NAMES: usize = PARTS + 24 + 2 * 4;
    pub(super) const SESSION: usize = NAMES + 5 * 4;
    pub(crate) const FLAGS: usize = SESSION + 4;
    pub(super) const LEN: usize = FLAGS + 4;
    pub(crate) const SETTLED: u32 = 1;
    pub(super) const SUMMARY: u32 = 1 << 1;
    pub(super) const TOKENS_KNOWN: u32 = 1 << 2;
    pub(super) const COST_KNOWN: u32 = 1 << 3;
    pub(super) const LISTED: u32 = 1 << 4;
    pub(super) const ASSISTANT: u32 = 1 << 5;
    pub(super) const USER: u32 = 1 << 6;
}

/// A verified index file.
pub(super) struct Snapshot {
    bytes: MappedSpan,
    sessions: usize,
    messages: usize,
    slots: usize,
    names: usize,
}

/// The bytes of one row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(pub(super) &'a [u8]);

impl Row<'_> {
    #[inline]
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[at..at + N]);
        bytes
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.bytes(at))
    }

    pub(super) fn id(&self, at: usize) -> &[u8] {
        &self.0[at..at + usize::from(self.0[at + 31]).min(31)]
    }

    pub(super) fn stamp(&self, at: usize) -> Stamp {
        Stamp {
            size: u64::from_le_bytes(self.bytes(at)),
            mtime_ns: self.i64(at + 8),
            inode: u64::from_le_bytes(self.bytes(at + 16)),
        }
    }
}

impl Snapshot {
    /// Maps a file and verifies all of it. The mapping uses the one function of the workspace that
    /// may map files, and no code of the library that reads them.
    ///
    /// # Errors
    /// If the file cannot be opened, or is not a snapshot of this format.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bytes = open_cache_file(path)?;
        let header = bytes.get(..HEADER).context("the file has no header")?;
        ensure!(header.starts_with(MAGIC), "another file");
        let row = Row(header);
        ensure!(u64::from_le_bytes(row.bytes(8)) == xxh3_64(&bytes[16..]), "another checksum");
        let [sessions, messages, slots, names] =
            [0, 1, 2, 3].map(|count| row.u32(16 + count * 4) as usize);
        let snapshot = Self { sessions, messages, slots, names, bytes };
        ensure!(snapshot.texts() <= snapshot.bytes.len(), "cut off");
        Ok(snapshot)
    }

    pub(super) fn sessions(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.bytes[HEADER..self.table()].chunks_exact(session::LEN).take(self.sessions).map(Row)
    }

    pub(super) fn session(&self, at: usize) -> Row<'_> {
        Row(&self.bytes[HEADER + at * session::LEN..][..session::LEN])
    }

    pub(super) fn message(&self, at: usize) -> Row<'_> {
        Row(&self.bytes[self.rows() + at * message::LEN..][..message::LEN])
    }

    pub(super) fn messages_of(&self, session: Row<'_>) -> impl Iterator<Item = Row<'_>> {
        let first = session.u32(session::FIRST) as usize;
        let end = first + session.u32(session::MESSAGES) as usize;
        (first..end).map(|at| self.message(at))
    }

    pub(super) fn name(&self, number: u32) -> Option<&str> {
        let number = (number as usize).checked_sub(1)?;
        let at = self.name_rows() + number * 8;
        let row = Row(&self.bytes[at..at + 8]);
        let start = self.texts() + row.u32(0) as usize;
        str::from_utf8(&self.bytes[start..start + row.u32(4) as usize]).ok()
    }

    /// Finds a message by its id.
    fn find(&self, id: &[u8]) -> Option<Row<'_>> {
        let table = Row(&self.bytes[self.table()..self.rows()]);
        let mut slot = xxh3_64(id) as usize & (self.slots - 1);
        loop {
            let row = (table.u32(slot * 4) as usize).checked_sub(1)?;
            let row = self.message(row);
            if row.id(message::ID) == id {
                return Some(row);
            }
            slot = (slot + 1) & (self.slots - 1);
        }
    }

    /// Runs the first queries after opening.
    pub(super) fn facts(&self, wanted: &str) -> Result<SnapshotFacts> {
        ensure!(self.sessions > 0, "the index has no sessions");
        let newest = self.session(0);
        let tokens =
            |row: Row<'_>| -> i64 { (0..5).map(|kind| row.i64(message::TOKENS + kind * 8)).sum() };
        let row = self.find(wanted.as_bytes()).context("the index does not have this message")?;
        let created = row.i64(message::TIMES);
        let session = self.session(row.u32(message::SESSION) as usize);
        Ok(SnapshotFacts {
            sessions: self.sessions,
            messages: self.messages,
            newest: str::from_utf8(newest.id(session::ID))?.to_owned(),
            tokens: self.messages_of(newest).map(tokens).sum(),
            created: (created != NO_TIME).then_some(created),
            session: str::from_utf8(session.id(session::ID))?.to_owned(),
        })
    }

    fn table(&self) -> usize {
        HEADER + self.sessions * session::LEN
    }

    fn rows(&self) -> usize {
        self.table() + self.slots * 4
    }

    fn name_rows(&self) -> usize {
        self.rows() + self.messages * message::LEN
    }

    fn texts(&self) -> usize {
        self.name_rows() + self.names * 8
    }
}

/// Writes an index to a file.
pub(super) fn encode(index: &Index) -> Vec<u8> {
    let messages = || index.sessions.iter().flat_map(|session| &session.messages);
    let count = messages().count();
    let slots = (count + count / 2 + 1).next_power_of_two();
    let mut out = MAGIC.to_vec();
    out.extend([0; 8]);
    for count in [index.sessions.len(), count, slots, index.names.len()] {
        put(&mut out, count as u32);
    }
    let mut texts = Vec::new();
    let mut first = 0;
    for session in &index.sessions {
        put_session(&mut out, session, first, &mut texts);
        first += session.messages.len() as u32;
    }
    for slot in table(messages().map(|message| &message.id), slots) {
        put(&mut out, slot);
    }
    for (number, session) in index.sessions.iter().enumerate() {
        session.messages.iter().for_each(|it| put_message(&mut out, it, number as u32));
    }
    for name in &index.names {
        put_text(&mut out, name, &mut texts);
    }
    out.extend(texts);
    let checksum = xxh3_64(&out[16..]);
    out[8..16].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Builds the hash table from ids to rows: open addressing; slots hold row numbers plus one.
fn table<'a>(ids: impl Iterator<Item = &'a Id>, slots: usize) -> Vec<u32> {
    let mut table = vec![0; slots];
    for (row, id) in ids.enumerate() {
        let mut slot = xxh3_64(id.as_bytes()) as usize & (slots - 1);
        while table[slot] != 0 {
            slot = (slot + 1) & (slots - 1);
        }
        table[slot] = row as u32 + 1;
    }
    table
}

fn put_session(out: &mut Vec<u8>, it: &Session, first: u32, texts: &mut Vec<u8>) {
    let start = out.len();
    put_id(out, &it.id);
    put_id(out, &it.parent);
    put_times(out, &[it.created, it.updated, it.archived]);
    put_stamp(out, it.stamp.unwrap_or_default());
    put_stamp(out, it.set.unwrap_or_default());
    put_text(out, it.title.as_deref().unwrap_or_default(), texts);
    let flags = [
        (it.settled, session::SETTLED),
        (it.stamp.is_some(), session::RECORD),
        (it.set.is_some(), session::HAS_SET),
    ];
    let messages = it.messages.len() as u32;
    for word in [it.project, it.directory, it.version, first, messages, bits(&flags)] {
        put(out, word);
    }
    debug_assert_eq!(out.len(), start + session::LEN);
}

fn put_message(out: &mut Vec<u8>, it: &Message, number: u32) {
    let start = out.len();
    put_id(out, &it.id);
    put_id(out, &it.parent);
    put_times(out, &[it.created, it.completed]);
    it.tokens.unwrap_or_default().iter().for_each(|count| out.extend(count.to_le_bytes()));
    out.extend(it.cost.unwrap_or_default().to_le_bytes());
    put_stamp(out, it.stamp);
    put_stamp(out, it.parts.and_then(|parts| parts.stamp).unwrap_or_default());
    let (first, parts) = it.parts.map_or((0, 0), |parts| (parts.first, parts.len));
    let flags = bits(&[
        (it.settled, message::SETTLED),
        (it.summary, message::SUMMARY),
        (it.tokens.is_some(), message::TOKENS_KNOWN),
        (it.cost.is_some(), message::COST_KNOWN),
        (it.parts.is_some(), message::LISTED),
        (it.role == Role::Assistant, message::ASSISTANT),
        (it.role == Role::User, message::USER),
    ]);
    let names = [it.agent, it.provider, it.model, it.finish, it.error];
    for word in [first, parts].into_iter().chain(names).chain([number, flags]) {
        put(out, word);
    }
    debug_assert_eq!(out.len(), start + message::LEN);
}

fn bits(flags: &[(bool, u32)]) -> u32 {
    flags.iter().filter(|(is, _)| *is).fold(0, |bits, (_, flag)| bits | flag)
}

fn put(out: &mut Vec<u8>, word: u32) {
    out.extend(word.to_le_bytes());
}

fn put_id(out: &mut Vec<u8>, id: &Id) {
    let start = out.len();
    out.extend(id.as_bytes());
    out.resize(start + 31, 0);
    out.push(id.as_bytes().len() as u8);
}

fn put_times(out: &mut Vec<u8>, times: &[Option<i64>]) {
    times.iter().for_each(|time| out.extend(time.unwrap_or(NO_TIME).to_le_bytes()));
}

fn put_stamp(out: &mut Vec<u8>, Stamp { size, mtime_ns, inode }: Stamp) {
    out.extend(size.to_le_bytes());
    out.extend(mtime_ns.to_le_bytes());
    out.extend(inode.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str, texts: &mut Vec<u8>) {
    put(out, texts.len() as u32);
    put(out, text.len() as u32);
    texts.extend(text.as_bytes());
}
