//! What a session file says, as the program parses it. An unknown field is ignored; an unknown role or
//! part makes the whole file unreadable.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::metadata::SessionMetadata;
use super::timestamp::Timestamp;

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    /// The id in the file, which may differ from the name of the file.
    pub id: String,
    /// The title.
    pub title: Option<String>,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// The settings.
    pub metadata: SessionMetadata,
    /// The agent.
    pub agent: String,
    /// The messages; of a tail load only the last ones.
    pub messages: Vec<Message>,
    /// The page of each message, if [`normalize_sidecars`](super::normalize_sidecars) was applied.
    pub pages: Vec<PageKind>,
    /// The tree of summaries ([`Version::Head`](crate::Version::Head)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_index: Option<Value>,
    /// The list of tool uses; of a tail load only the last ones.
    pub tool_uses: Vec<ToolUse>,
    /// The usage of all answers.
    pub usage: Usage,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The parts.
    pub content: Vec<ContentPart>,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The program.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
    /// The program, in newer files ([`Version::Head`](crate::Version::Head)).
    Developer,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// An image.
    Image {
        /// Its address, which may hold the image itself.
        url: String,
        /// Its media type.
        mime_type: Option<String>,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
        /// Its media type.
        mime_type: Option<String>,
    },
    /// A tool call.
    ToolCall {
        /// The id.
        id: String,
        /// The name of the tool.
        name: String,
        /// The arguments as JSON text, which may be damaged.
        arguments: String,
        /// The provider's signature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thought_signature: Option<String>,
    },
    /// The result of a tool call.
    ToolResult {
        /// The id of the call.
        tool_call_id: String,
        /// The output.
        content: String,
    },
    /// Reasoning.
    Thinking {
        /// The text.
        text: String,
        /// The provider's signature ([`Version::Head`](crate::Version::Head)).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
}

/// The page of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// A system prompt.
    Bootstrap,
    /// A rule.
    Constraint,
    /// A plan.
    Plan,
    /// A preference of the user.
    Preference,
    /// The result of a tool.
    Evidence,
    /// Everything else.
    Conversation,
}

/// A tool call in the list of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    /// The id of the call.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The input.
    pub input: String,
    /// The output.
    pub output: String,
    /// Whether the tool succeeded.
    pub success: bool,
}

/// Numbers of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The tokens of the prompts.
    pub prompt_tokens: usize,
    /// The tokens of the answers.
    pub completion_tokens: usize,
    /// All tokens.
    pub total_tokens: usize,
    /// The tokens that came from a cache.
    pub cache_read_tokens: Option<usize>,
    /// The tokens that went into a cache.
    pub cache_write_tokens: Option<usize>,
}
