//! The rows that the writer writes. They show by themselves whether a read is complete.
//!
//! Every transaction has a number that only grows. A message and its parts carry the number of the
//! transaction that wrote them, and the message has the number of its parts. The session carries
//! the number of its last transaction, the number of its messages and the sum of their numbers. A
//! half message is therefore detected, and so is a session that was read from two states.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The mark of a session, in its `metadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SessionMark {
    /// The number of the last transaction that changed the session.
    pub(crate) turn: u64,
    pub(crate) messages: usize,
    /// The sum of the versions of its messages.
    pub(crate) sum: u64,
}

/// The mark of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageMark {
    pub(crate) version: u64,
    pub(crate) parts: usize,
}

/// The mark of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartMark {
    pub(crate) version: u64,
    /// The position among the parts of the message.
    pub(crate) at: usize,
    /// The hash of the text.
    hash: u64,
}

#[derive(Deserialize)]
struct MarkedRecord<M> {
    stress: M,
}

#[derive(Deserialize)]
struct SessionRecord {
    metadata: MarkedRecord<SessionMark>,
}

#[derive(Deserialize)]
struct PartRecord<'a> {
    text: &'a str,
    stress: PartMark,
}

impl SessionMark {
    /// Returns the value of the column `metadata`.
    pub(crate) fn metadata(&self) -> String {
        serde_json::json!({ "stress": self }).to_string()
    }

    /// Reads the mark from a session's record.
    pub(crate) fn read(record: &[u8]) -> serde_json::Result<Self> {
        Ok(serde_json::from_slice::<SessionRecord>(record)?.metadata.stress)
    }
}

impl MessageMark {
    /// Returns the message's row without its ids.
    pub(crate) fn data(&self, created: i64) -> String {
        let time = serde_json::json!({ "created": created, "completed": created + 1 });
        serde_json::json!({
            "role": "assistant", "time": time, "modelID": "m", "providerID": "p", "mode": "build",
            "path": { "cwd": "/project", "root": "/project" }, "cost": 0.0,
            "tokens": {
                "input": self.version, "output": 1, "reasoning": 0,
                "cache": { "read": 0, "write": 0 },
            },
            "finish": "stop", "stress": self,
        })
        .to_string()
    }

    /// Reads the mark from a message's record.
    pub(crate) fn read(record: &[u8]) -> serde_json::Result<Self> {
        Ok(serde_json::from_slice::<MarkedRecord<_>>(record)?.stress)
    }
}

impl PartMark {
    /// Returns the part's row without its ids. Its text has at least `len` bytes, and no other
    /// version has the same text.
    pub(crate) fn data(version: u64, at: usize, len: usize) -> String {
        let mut text = format!("part {at} of version {version}. ");
        let line = format!("{:016x} ", xxh3_64(text.as_bytes()));
        while text.len() < len {
            text.push_str(&line);
        }
        let mark = Self { version, at, hash: xxh3_64(text.as_bytes()) };
        serde_json::json!({ "type": "text", "text": text, "stress": mark }).to_string()
    }

    /// Reads the mark from a part's record. Returns `None` if the text does not match the hash.
    pub(crate) fn read(record: &[u8]) -> serde_json::Result<Option<Self>> {
        let PartRecord { text, stress } = serde_json::from_slice(record)?;
        Ok((xxh3_64(text.as_bytes()) == stress.hash).then_some(stress))
    }
}

/// Returns an id in opencode's format. `number` is unique among the ids of a prefix.
pub(crate) fn make_id(prefix: &str, ms: i64, number: u64) -> String {
    const LOW_48: u64 = (1 << 48) - 1;
    let ticks = ms.cast_unsigned().wrapping_mul(4096) & LOW_48;
    let ticks = if prefix == "ses" { ticks ^ LOW_48 } else { ticks };
    format!("{prefix}_{ticks:012x}{number:014}")
}

/// A generator of pseudo-random numbers (splitmix64), good enough for choices.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number below `bound`, which must not be 0.
    pub(crate) fn next_below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_round_trip() {
        let part = PartMark::data(7, 2, 500);
        let mark = PartMark::read(part.as_bytes()).unwrap().unwrap();
        assert_eq!((mark.version, mark.at), (7, 2));
        assert!(part.len() > 500);
        let mixed = part.replacen("version 7", "version 6", 1);
        assert_eq!(PartMark::read(mixed.as_bytes()).unwrap(), None);

        let message = MessageMark { version: 9, parts: 4 };
        assert_eq!(MessageMark::read(message.data(1).as_bytes()).unwrap(), message);
        let session = SessionMark { turn: 9, messages: 40, sum: 99 };
        let record = format!(r#"{{"id":"ses_1","metadata":{}}}"#, session.metadata());
        assert_eq!(SessionMark::read(record.as_bytes()).unwrap(), session);
    }

    #[test]
    fn ids_contain_their_time() {
        let ms = 1_795_219_175_053;
        for prefix in ["ses", "msg", "prt"] {
            assert_eq!(scrollback_fixtures::ids::decode(&make_id(prefix, ms, 12), ms), Some(ms));
        }
    }
}
