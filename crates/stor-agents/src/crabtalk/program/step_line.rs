//! What a step file says, as the program parses it. An unknown field is ignored, and the first variant
//! whose fields are there is taken.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The content of a step file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StepLine {
    /// A boundary: the history before it is in the archive of this name.
    Compact {
        /// The name of the archive in `memory.db`.
        archive_name: String,
        /// The time, as RFC 3339.
        archived_at: String,
    },
    /// A boundary with its summary, which older versions wrote.
    LegacyCompact {
        /// The summary.
        compact: String,
        /// The title.
        #[serde(default)]
        title: String,
        /// The time, as RFC 3339.
        #[serde(default)]
        archived_at: String,
    },
    /// An event of a run.
    Event(EventLine),
    /// An entry of the history.
    Entry(HistoryEntry),
}

impl StepLine {
    /// Checks whether the history begins anew after this step.
    pub fn is_compact_boundary(&self) -> bool {
        matches!(self, Self::Compact { .. } | Self::LegacyCompact { .. })
    }
}

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventLine {
    /// The model called tools.
    ToolStart {
        /// The calls.
        calls: Vec<ToolCall>,
        /// The time, as RFC 3339.
        ts: String,
    },
    /// A tool has answered.
    ToolResult {
        /// The call.
        call_id: String,
        /// The time that it took, in milliseconds.
        duration_ms: u64,
        /// The time, as RFC 3339.
        ts: String,
    },
    /// The run ended.
    Done {
        /// The model.
        model: String,
        /// The number of the model's steps.
        iterations: usize,
        /// `text_response`, `max_iterations`, `no_action` or `error: …`.
        stop_reason: String,
        /// The tokens of the run.
        usage: Usage,
        /// The time, as RFC 3339.
        ts: String,
    },
    /// The user wrote while the run was going on.
    UserSteered {
        /// The text.
        content: String,
        /// The time, as RFC 3339.
        ts: String,
    },
}

/// A call in [`EventLine::ToolStart`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments, as JSON text; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
}

/// The tokens of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
    /// The sum.
    pub total_tokens: u32,
    /// Details of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionDetails>,
    /// Tokens of the prompt that came from the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_hit_tokens: Option<u32>,
    /// Tokens of the prompt that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_miss_tokens: Option<u32>,
}

/// The details of an answer's tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompletionDetails {
    /// Tokens of reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u32>,
}

/// An entry of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The agent that wrote it; empty for the session's own agent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// The message.
    pub message: Message,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `user`, `assistant`, `system`, `tool`, `developer`, or any other role.
    pub role: String,
    /// The blocks.
    pub content: Vec<ContentBlock>,
}

/// A block of a message. A block of any other type makes the program skip the step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// A call of a tool.
    ToolUse {
        /// The id of the call.
        id: String,
        /// The tool.
        name: String,
        /// The input.
        input: Value,
    },
    /// The result of a call.
    ToolResult {
        /// The call.
        tool_use_id: String,
        /// The tool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The output.
        content: ToolResultContent,
    },
    /// Reasoning of the model.
    Thinking {
        /// The text.
        thinking: String,
        /// The provider's signature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// An image.
    Image {
        /// Where it is, or its bytes.
        source: Value,
    },
}

/// The output of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ToolResultContent {
    /// A text.
    Text(String),
    /// Blocks.
    Blocks(Vec<ContentBlock>),
}

impl HistoryEntry {
    /// Returns the texts of the message, one after the other.
    pub fn text(&self) -> String {
        let texts = self.message.content.iter().filter_map(|block| match block {
            ContentBlock::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Returns the reasoning of the message.
    pub fn reasoning(&self) -> String {
        let texts = self.message.content.iter().filter_map(|block| match block {
            ContentBlock::Thinking { thinking, .. } => Some(thinking.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Returns the call of the first result in the message; empty if it has none.
    pub fn tool_call_id(&self) -> &str {
        let mut calls = self.message.content.iter().filter_map(|block| match block {
            ContentBlock::ToolResult { tool_use_id, .. } => Some(tool_use_id.as_str()),
            _ => None,
        });
        calls.next().unwrap_or_default()
    }

    /// Returns the calls in the message: id, tool and input.
    pub fn tool_calls(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.message.content.iter().filter_map(|block| match block {
            ContentBlock::ToolUse { id, name, input } => Some((id.as_str(), name.as_str(), input)),
            _ => None,
        })
    }
}
