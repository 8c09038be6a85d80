//! What a reader must find in a damaged store. An independent reader fills it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The records of a damaged store that lie on undamaged bytes, or that an independent reader can
/// still read.
#[derive(Debug, Default, Clone)]
pub(crate) struct Truth {
    pub(crate) sessions: BTreeMap<String, Record>,
    /// By session and message.
    pub(crate) messages: BTreeMap<(String, String), Record>,
    /// By session and message, then by part. A damaged message may have parts here.
    pub(crate) parts: BTreeMap<(String, String), BTreeMap<String, Record>>,
    /// Rows of 2.x, by session and row.
    pub(crate) rows: BTreeMap<(String, String), Record>,
    /// The sessions whose messages are all known, with their number.
    pub(crate) message_counts: BTreeMap<String, u64>,
    /// The ids that may be shown; `None` if damage can make other ids.
    pub(crate) allowed: Option<BTreeSet<String>>,
    /// Whether the list must have an issue or an error, whatever it shows.
    pub(crate) must_report: bool,
    /// Whether the damage is in what describes the whole store, such as the schema of a database.
    /// Then any issue explains a missing record, and values are not compared.
    pub(crate) is_store_damaged: bool,
}

/// A record that must be found.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The table or directory that holds the record.
    pub(crate) table: &'static str,
    /// The ids by which an issue may name the record or the set that it is in.
    pub(crate) ids: Vec<String>,
    /// The expected value. `None` if the value cannot be known, for example because it is in a
    /// damaged column of a sound row.
    pub(crate) value: Option<Value>,
}

impl Record {
    /// Checks whether a text names the record, its session, its set or its table.
    pub(crate) fn is_named_in(&self, text: &str) -> bool {
        self.ids.iter().any(|id| text.contains(id.as_str())) || names_table(text, self.table)
    }
}

impl Truth {
    /// Returns the sessions that have messages. Without a record, a session is listed only if it has
    /// some: items of the timeline alone are no session.
    pub(crate) fn sessions_with_messages(&self) -> BTreeSet<&str> {
        let is_message = |record: &Record| {
            let kind = record.value.as_ref().and_then(|row| row["type"].as_str());
            kind.is_some_and(|kind| MESSAGE_TYPES.contains(&kind))
        };
        let rows = self.rows.iter().filter(|(_, record)| is_message(record)).map(|(key, _)| key);
        self.messages.keys().chain(rows).map(|(session, _)| session.as_str()).collect()
    }

    /// Returns the sessions that have a record or messages.
    pub(crate) fn session_ids(&self) -> BTreeSet<&str> {
        let owners = self.messages.keys().chain(self.rows.keys()).chain(self.parts.keys());
        let owners = owners.map(|(session, _)| session);
        self.sessions.keys().chain(owners).map(String::as_str).collect()
    }
}

/// The types of rows of 2.x that are messages. The others are items of the timeline.
const MESSAGE_TYPES: [&str; 7] =
    ["user", "synthetic", "system", "skill", "shell", "assistant", "compaction"];

/// Checks whether a text says `table NAME` or `NAME table`, with or without quotes.
fn names_table(text: &str, table: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<&str> = text.split(|c| !is_name(c)).filter(|word| !word.is_empty()).collect();
    let is_pair = |pair: &[&str]| pair == ["table", table] || pair == [table, "table"];
    words.windows(2).any(is_pair)
}

#[cfg(test)]
mod tests {
    use super::names_table;

    #[test]
    fn a_table_is_named_only_as_a_table() {
        assert!(names_table("index: opencode.db: table `message`: malformed", "message"));
        assert!(names_table("the message table is damaged", "message"));
        assert!(!names_table("the message has no parts (message ses_1/msg_1)", "message"));
        assert!(!names_table("table session_message: malformed", "message"));
    }
}
