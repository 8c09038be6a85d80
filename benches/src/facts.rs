//! The content of an index in one form for all contestants. Each contestant fills in these structs,
//! and this module computes the checksums and proofs that are compared.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::Checksum;

/// The stat of a file or directory: size in bytes, mtime in Unix nanoseconds, inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FileStat(pub u64, pub i64, pub u64);

/// Token counts: input, output, reasoning, cache read, cache write.
pub type TokenFacts = [i64; 5];

/// The sums over a whole index. They wrap on overflow.
#[derive(Debug, Clone, Copy, Default)]
pub struct IndexSums {
    sessions: u64,
    messages: u64,
    parts: u64,
    times: i64,
    tokens: i64,
    cost_micros: i64,
    summaries: u64,
    sizes: u64,
    mtimes: i64,
    inodes: u64,
}

impl IndexSums {
    /// Counts a session and its times, in Unix milliseconds.
    pub fn add_session(&mut self, times: [Option<i64>; 3]) {
        self.sessions += 1;
        times.into_iter().flatten().for_each(|time| self.add_time(time));
    }

    /// Counts a message: its times of creation and completion in Unix milliseconds, its cost in
    /// dollars, and whether it is a summary.
    pub fn add_message(
        &mut self,
        times: [Option<i64>; 2],
        tokens: Option<TokenFacts>,
        cost: Option<f64>,
        summary: bool,
    ) {
        self.messages += 1;
        times.into_iter().flatten().for_each(|time| self.add_time(time));
        self.tokens += tokens.unwrap_or_default().into_iter().sum::<i64>();
        self.cost_micros += micros(cost);
        self.summaries += u64::from(summary);
    }

    /// Counts the parts of a message.
    pub fn add_parts(&mut self, parts: usize) {
        self.parts += parts as u64;
    }

    /// Adds the stat of a record, or of a directory of records.
    pub fn add_stat(&mut self, FileStat(size, mtime_ns, inode): FileStat) {
        self.sizes = self.sizes.wrapping_add(size);
        self.mtimes = self.mtimes.wrapping_add(mtime_ns);
        self.inodes = self.inodes.wrapping_add(inode);
    }

    fn add_time(&mut self, time: i64) {
        self.times = self.times.wrapping_add(time);
    }
}

impl From<IndexSums> for Checksum {
    fn from(sums: IndexSums) -> Self {
        Self(vec![
            ("sessions", sums.sessions.cast_signed()),
            ("messages", sums.messages.cast_signed()),
            ("parts", sums.parts.cast_signed()),
            ("times", sums.times),
            ("tokens", sums.tokens),
            ("cost in micro-dollars", sums.cost_micros),
            ("summaries", sums.summaries.cast_signed()),
            ("sizes", sums.sizes.cast_signed()),
            ("mtimes", sums.mtimes),
            ("inodes", sums.inodes.cast_signed()),
        ])
    }
}

/// A session with its messages in order.
#[derive(Debug, Default, Serialize)]
#[expect(missing_docs, reason = "named as in the records; times in Unix milliseconds")]
pub struct SessionFacts<'a> {
    pub id: &'a str,
    pub project: Option<&'a str>,
    pub parent: Option<&'a str>,
    pub directory: Option<&'a str>,
    pub title: Option<&'a str>,
    pub version: Option<&'a str>,
    pub created: Option<i64>,
    pub updated: Option<i64>,
    pub archived: Option<i64>,
    /// The stat of the record; `None` if the session has messages but no record.
    pub record: Option<FileStat>,
    /// The stat of the directory of its messages.
    pub set: Option<FileStat>,
    #[serde(skip)]
    pub messages: Vec<MessageFacts<'a>>,
}

/// A message.
#[derive(Debug, Default, Clone, Serialize)]
#[expect(missing_docs, reason = "named as in the records; times in Unix milliseconds")]
pub struct MessageFacts<'a> {
    pub id: &'a str,
    /// "user" or "assistant".
    pub role: Option<&'a str>,
    pub created: Option<i64>,
    pub completed: Option<i64>,
    pub parent: Option<&'a str>,
    pub agent: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub model: Option<&'a str>,
    pub tokens: Option<TokenFacts>,
    /// The cost in dollars.
    pub cost: Option<f64>,
    pub finish: Option<&'a str>,
    /// The name of the error.
    pub error: Option<&'a str>,
    pub summary: bool,
    pub record: Option<FileStat>,
    /// The stat of the directory of its parts, if that was listed.
    pub set: Option<FileStat>,
    /// The ids of its parts, in order; `None` if they were not listed.
    pub parts: Option<Vec<&'a str>>,
}

impl SessionFacts<'_> {
    /// Returns the session with its sums, its first and last message, and a hash of all fields of
    /// every message. The proof is small and still covers everything.
    pub fn proof(&self) -> Value {
        let mut tokens = TokenFacts::default();
        let (mut cost, mut parts) = (0, 0);
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        let mut hash = Xxh3::new();
        for message in &self.messages {
            let used = message.tokens.unwrap_or_default();
            tokens.iter_mut().zip(used).for_each(|(sum, used)| *sum += used);
            cost += micros(message.cost);
            parts += message.parts.as_ref().map_or(0, Vec::len);
            let MessageFacts { role, agent, provider, model, finish, error, .. } = *message;
            for name in [role, agent, provider, model, finish, error].into_iter().flatten() {
                *names.entry(name).or_default() += 1;
            }
            hash.update(json!(message).to_string().as_bytes());
        }
        json!({
            "session": self,
            "messages": self.messages.len(),
            "parts": parts,
            "tokens": tokens,
            "costMicros": cost,
            "names": names,
            "first": self.messages.first(),
            "last": self.messages.last(),
            "hash": hash.digest().to_string(),
        })
    }
}

/// The results of the queries on an open snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SnapshotFacts {
    pub sessions: usize,
    pub messages: usize,
    /// The id of the newest session.
    pub newest: String,
    /// The tokens of all messages of the newest session.
    pub tokens: i64,
    /// The creation time of the requested message, in Unix milliseconds.
    pub created: Option<i64>,
    pub session: String,
}

impl From<&SnapshotFacts> for Checksum {
    fn from(facts: &SnapshotFacts) -> Self {
        Self(vec![
            ("sessions", facts.sessions as i64),
            ("messages", facts.messages as i64),
            ("tokens of the newest", facts.tokens),
            ("created", facts.created.unwrap_or(0)),
        ])
    }
}

/// The result of a search for a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TextFacts {
    /// Parts that were searched.
    pub parts: u64,
    /// Parts that contain the word.
    pub matches: u64,
    /// The total size of the stored records that contain the word, in bytes. Wraps on overflow.
    pub bytes: u64,
    /// A hash of the set of these parts, independent of the order.
    pub part_hash: u64,
}

impl TextFacts {
    /// Counts a part that contains the word.
    pub fn add(&mut self, part: &[u8], message: &[u8], bytes: u64) {
        self.matches += 1;
        self.bytes = self.bytes.wrapping_add(bytes);
        let part_hash = xxh3_64(part) ^ xxh3_64(message).rotate_left(1);
        self.part_hash = self.part_hash.wrapping_add(part_hash);
    }
}

impl From<&TextFacts> for Checksum {
    fn from(facts: &TextFacts) -> Self {
        Self(vec![
            ("parts", facts.parts.cast_signed()),
            ("found", facts.matches.cast_signed()),
            ("bytes", facts.bytes.cast_signed()),
            ("which", facts.part_hash.cast_signed()),
        ])
    }
}

fn micros(cost: Option<f64>) -> i64 {
    (cost.unwrap_or(0.0) * 1e6).round() as i64
}
