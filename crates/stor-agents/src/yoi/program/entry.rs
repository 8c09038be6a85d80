//! Records of a log, as each version parses them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::{
    HeadSegment, HeadSystemItem, HeadTrigger, LoggedItem, Origin, RequestConfig, RunResult,
    SeedSegment, SeedSystemItem, SeedTrigger,
};
use crate::version::Version;

/// A record of a log that a version of the program accepts.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The version.
    pub version: Version,
    /// The record as that version writes it: `kind`, `ts`, and the fields of the kind.
    pub value: Value,
}

impl LogEntry {
    /// Returns the kind, such as `user_input`.
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// Parses a line as a version does.
    pub(super) fn parse(line: &str, version: Version) -> serde_json::Result<Self> {
        let value = match version {
            Version::Seed => {
                let mut entry: SeedEntry = serde_json::from_str(line)?;
                match &mut entry {
                    SeedEntry::SegmentStart { history, .. } => {
                        history.iter_mut().for_each(LoggedItem::forget_attachments);
                    }
                    SeedEntry::ToolResult { item, .. } => item.forget_attachments(),
                    _ => {}
                }
                serde_json::to_value(entry)?
            }
            Version::Head => serde_json::to_value(serde_json::from_str::<HeadEntry>(line)?)?,
        };
        Ok(Self { version, value })
    }
}

/// Defines the records of a version. `own` are variants of this version alone, and `input` the fields
/// of inputs.
macro_rules! entries {
    ($name:ident, $trigger:ident, $segment:ident, $system:ident, own { $($own:tt)* }, input { $($input:tt)* }) => {
        #[derive(Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        enum $name {
            SegmentStart {
                ts: u64,
                session_id: String,
                system_prompt: Option<String>,
                config: RequestConfig,
                history: Vec<LoggedItem>,
                #[serde(default, skip_serializing_if = "Option::is_none")]
                forked_from: Option<Origin>,
                #[serde(default, skip_serializing_if = "Option::is_none")]
                compacted_from: Option<Origin>,
            },
            Invoke { ts: u64, trigger: $trigger },
            UserInput { ts: u64, segments: Vec<$segment>, $($input)* },
            AssistantItem { ts: u64, item: LoggedItem },
            ToolResult { ts: u64, item: LoggedItem },
            SystemItem { ts: u64, item: $system },
            TurnEnd { ts: u64, turn_count: u64 },
            RunCompleted { ts: u64, interrupted: bool, result: RunResult },
            RunErrored { ts: u64, interrupted: bool, message: String },
            $($own)*
            ConfigChanged { ts: u64, config: RequestConfig },
            LlmUsage {
                ts: u64,
                history_len: u64,
                input_total_tokens: u64,
                cache_read_tokens: u64,
                cache_write_tokens: u64,
                output_tokens: u64,
            },
            Extension { ts: u64, domain: String, payload: Value },
        }
    };
}

#[derive(Serialize, Deserialize)]
struct InputExtension {
    domain: String,
    payload: Value,
}

entries!(SeedEntry, SeedTrigger, SeedSegment, SeedSystemItem, own {}, input {});
entries!(
    HeadEntry, HeadTrigger, HeadSegment, HeadSystemItem,
    own { PausedTurnAbandoned { ts: u64 }, },
    input {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        extensions: Vec<InputExtension>,
    }
);
