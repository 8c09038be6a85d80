//! Resume tokens: how far a session was read, and what a later read needs to continue there.

use scrollback_core_id::Stamp;
use scrollback_source::{FileIdentity, LogMark, ResumeToken};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::head::SessionDraft;
use super::parse::ParseEnd;
use super::queue::{Counters, OpenPoint};
use super::steps::StepsSeen;

/// What a token remembers of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// The size, the time and the inode of the stamp of the container.
    stamp: (u64, i64, u64),
    /// The position where the next read begins, and the messages and items before it.
    from: (u64, u64, u64),
    /// The head, if it stays as it is while the file grows.
    pub(crate) head: Option<SessionDraft>,
    /// The position and length of each record before the next read that has an issue.
    pub(crate) damaged: Vec<(u64, u64)>,
    /// The length and hash of the bytes after the last line feed of a log, which a mark does not cover.
    tail: (u64, u64),
    /// The step files that were there.
    pub(crate) steps: Option<StepsSeen>,
    /// The identity of the directory of step files: its device and inode.
    directory: (u64, u64),
}

/// The records with issues that a token can remember: how many, and how many bytes they may have.
const MAX_DAMAGED: (usize, u64) = (16, 32 << 10);

/// The first bytes of a token for step files, which change with its layout.
const STEPS_MAGIC: &[u8] = b"agent steps 1\n";

impl State {
    /// Returns the state after a parse; `end` is the position after the last whole record. `None` if
    /// too many records have issues, or the last line has one and no line feed.
    pub(crate) fn new(
        stamp: &Stamp,
        parsed: &ParseEnd,
        end: u64,
        earlier: &[(u64, u64)],
        head: Option<SessionDraft>,
    ) -> Option<Self> {
        // More bytes can give a damaged last line another meaning, and take away what was found in it.
        let is_damaged =
            |tail: OpenPoint| parsed.damaged.iter().any(|(position, _)| *position >= tail.position);
        if parsed.tail.is_some_and(is_damaged) {
            return None;
        }
        let at_end = OpenPoint { position: end, before: parsed.counters };
        let points = [parsed.open, parsed.tail, Some(at_end)];
        let open = points.into_iter().flatten().min_by_key(|point| point.position)?;
        let from = (open.position, open.before.messages, open.before.items);
        let before = parsed.damaged.iter().filter(|(position, _)| *position < open.position);
        let damaged: Vec<(u64, u64)> = earlier.iter().chain(before).copied().collect();
        let bytes: u64 = damaged.iter().map(|(_, len)| len).sum();
        if damaged.len() > MAX_DAMAGED.0 || bytes > MAX_DAMAGED.1 {
            return None;
        }
        let stamp = (stamp.size, stamp.mtime.0, stamp.inode);
        Some(Self { stamp, from, head, damaged, tail: (0, 0), steps: None, directory: (0, 0) })
    }

    pub(crate) fn is_of(&self, stamp: &Stamp) -> bool {
        self.stamp == (stamp.size, stamp.mtime.0, stamp.inode)
    }

    pub(crate) fn size(&self) -> u64 {
        self.stamp.0
    }

    pub(crate) fn from(&self) -> OpenPoint {
        let (position, messages, items) = self.from;
        OpenPoint { position, before: Counters { messages, items } }
    }

    /// Checks whether the bytes after the mark still begin with those after the last line feed.
    pub(crate) fn has_same_tail(&self, after_mark: &[u8]) -> bool {
        let len = usize::try_from(self.tail.0).unwrap_or(usize::MAX);
        after_mark.get(..len).is_some_and(|tail| xxh3_64(tail) == self.tail.1) || len == 0
    }

    /// Returns a token for a log that was read up to `len`; `before` ends there, and `tail` are the
    /// bytes after it.
    pub(crate) fn to_log_token(
        &self,
        file: FileIdentity,
        len: u64,
        (before, tail): (&[u8], &[u8]),
    ) -> Option<ResumeToken> {
        let state = Self { tail: (tail.len() as u64, xxh3_64(tail)), ..self.clone() };
        let state = serde_json::to_vec(&state).ok()?;
        Some(LogMark::new(file, len, before, state).to_token())
    }

    /// Returns a token for step files.
    pub(crate) fn to_steps_token(
        &self,
        directory: FileIdentity,
        seen: StepsSeen,
    ) -> Option<ResumeToken> {
        let directory = (directory.device, directory.inode);
        let state = Self { steps: Some(seen), directory, ..self.clone() };
        let mut bytes = STEPS_MAGIC.to_vec();
        serde_json::to_writer(&mut bytes, &state).ok()?;
        Some(ResumeToken::new(bytes))
    }

    /// Parses the token of a log.
    pub(crate) fn of_log(token: &ResumeToken) -> Option<(LogMark, Self)> {
        let mark = LogMark::from_token(token)?;
        let state = parse_json(&mark.state)?;
        Some((mark, state))
    }

    /// Parses the token of step files in this directory.
    pub(crate) fn of_steps(token: &ResumeToken, directory: FileIdentity) -> Option<Self> {
        let state: Self = parse_json(token.bytes().strip_prefix(STEPS_MAGIC)?)?;
        (state.directory == (directory.device, directory.inode)).then_some(state)
    }
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
