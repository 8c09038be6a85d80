//! A session as the program loads it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::json::JsonValue;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The version of the format.
    pub version: u32,
    /// The id. `None` if the file has none; the program makes a new one for each load.
    pub session_id: Option<String>,
    /// The time of creation, in Unix milliseconds. `None` if the file has none; the program takes the
    /// time of the load.
    pub created_at_ms: Option<u64>,
    /// The time of the last snapshot, in Unix milliseconds. `None` as for the time of creation.
    pub updated_at_ms: Option<u64>,
    /// The messages, which are the context of the model.
    pub messages: Vec<ConversationMessage>,
    /// The last compaction.
    pub compaction: Option<SessionCompaction>,
    /// The session that this session is a fork of.
    pub fork: Option<SessionFork>,
    /// The workspace.
    pub workspace_root: Option<PathBuf>,
    /// The prompts of the user.
    pub prompt_history: Vec<SessionPromptEntry>,
    /// The model (head).
    pub model: Option<String>,
}

/// The role of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRole {
    /// The program.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationMessage {
    /// The role.
    pub role: MessageRole,
    /// The blocks.
    pub blocks: Vec<ContentBlock>,
    /// The tokens that an answer used.
    pub usage: Option<TokenUsage>,
}

/// A block of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentBlock {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// Reasoning of the model (head).
    Thinking {
        /// The text.
        thinking: String,
        /// The provider's signature.
        signature: Option<String>,
    },
    /// A call of a tool.
    ToolUse {
        /// The id of the call.
        id: String,
        /// The tool.
        name: String,
        /// The input, usually JSON text.
        input: String,
    },
    /// The result of a call.
    ToolResult {
        /// The id of the call.
        tool_use_id: String,
        /// The tool.
        tool_name: String,
        /// The output.
        output: String,
        /// Whether the call failed.
        is_error: bool,
    },
}

/// The tokens that an answer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens of the input that did not come from the cache.
    pub input_tokens: u32,
    /// Tokens of the output.
    pub output_tokens: u32,
    /// Tokens that were written to the cache.
    pub cache_creation_input_tokens: u32,
    /// Tokens that came from the cache.
    pub cache_read_input_tokens: u32,
}

/// The last compaction of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCompaction {
    /// The number of compactions so far.
    pub count: u32,
    /// The number of messages that the last one removed.
    pub removed_message_count: usize,
    /// The summary.
    pub summary: String,
}

/// The source of a fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFork {
    /// The id of the session that was copied.
    pub parent_session_id: String,
    /// The name of the branch.
    pub branch_name: Option<String>,
}

/// A prompt of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPromptEntry {
    /// The time, in Unix milliseconds.
    pub timestamp_ms: u64,
    /// The text.
    pub text: String,
}

impl Session {
    /// Returns the session as a document. A value that the program makes for each load is absent.
    pub fn to_json(&self) -> JsonValue {
        let mut fields = Object::new();
        fields.number("version", i64::from(self.version));
        fields.optional("session_id", self.session_id.as_deref());
        for (name, millis) in
            [("created_at_ms", self.created_at_ms), ("updated_at_ms", self.updated_at_ms)]
        {
            if let Some(millis) = millis {
                fields.number(name, i64::try_from(millis).unwrap_or(i64::MAX));
            }
        }
        let messages = self.messages.iter().map(ConversationMessage::to_json);
        fields.value("messages", JsonValue::Array(messages.collect()));
        if let Some(compaction) = &self.compaction {
            let mut inner = Object::new();
            inner.number("count", i64::from(compaction.count));
            let removed = i64::try_from(compaction.removed_message_count).unwrap_or(i64::MAX);
            inner.number("removed_message_count", removed);
            inner.text("summary", &compaction.summary);
            fields.value("compaction", inner.end());
        }
        if let Some(fork) = &self.fork {
            let mut inner = Object::new();
            inner.text("parent_session_id", &fork.parent_session_id);
            inner.optional("branch_name", fork.branch_name.as_deref());
            fields.value("fork", inner.end());
        }
        let workspace = self.workspace_root.as_ref().map(|root| root.to_string_lossy());
        fields.optional("workspace_root", workspace.as_deref());
        if !self.prompt_history.is_empty() {
            let prompts = self.prompt_history.iter().map(|prompt| {
                let mut inner = Object::new();
                inner.text("type", "prompt_history");
                let millis = i64::try_from(prompt.timestamp_ms).unwrap_or(i64::MAX);
                inner.number("timestamp_ms", millis);
                inner.text("text", &prompt.text);
                inner.end()
            });
            fields.value("prompt_history", JsonValue::Array(prompts.collect()));
        }
        fields.end()
    }
}

impl ConversationMessage {
    fn to_json(&self) -> JsonValue {
        let mut fields = Object::new();
        let role = match self.role {
            MessageRole::System => "system",
            MessageRole::User => "user",
            MessageRole::Assistant => "assistant",
            MessageRole::Tool => "tool",
        };
        fields.text("role", role);
        let blocks = self.blocks.iter().map(ContentBlock::to_json).collect();
        fields.value("blocks", JsonValue::Array(blocks));
        if let Some(usage) = self.usage {
            let mut inner = Object::new();
            inner.number("input_tokens", i64::from(usage.input_tokens));
            inner.number("output_tokens", i64::from(usage.output_tokens));
            let (written, read) =
                (usage.cache_creation_input_tokens, usage.cache_read_input_tokens);
            inner.number("cache_creation_input_tokens", i64::from(written));
            inner.number("cache_read_input_tokens", i64::from(read));
            fields.value("usage", inner.end());
        }
        fields.end()
    }
}

impl ContentBlock {
    fn to_json(&self) -> JsonValue {
        let mut fields = Object::new();
        match self {
            Self::Text { text } => {
                fields.text("type", "text");
                fields.text("text", text);
            }
            Self::Thinking { thinking, signature } => {
                fields.text("type", "thinking");
                fields.text("thinking", thinking);
                fields.optional("signature", signature.as_deref());
            }
            Self::ToolUse { id, name, input } => {
                fields.text("type", "tool_use");
                fields.text("id", id);
                fields.text("name", name);
                fields.text("input", input);
            }
            Self::ToolResult { tool_use_id, tool_name, output, is_error } => {
                fields.text("type", "tool_result");
                fields.text("tool_use_id", tool_use_id);
                fields.text("tool_name", tool_name);
                fields.text("output", output);
                fields.value("is_error", JsonValue::Bool(*is_error));
            }
        }
        fields.end()
    }
}

/// Collects the fields of an object.
struct Object(BTreeMap<String, JsonValue>);

impl Object {
    fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn value(&mut self, name: &str, value: JsonValue) {
        self.0.insert(name.to_owned(), value);
    }

    fn number(&mut self, name: &str, number: i64) {
        self.value(name, JsonValue::Number(number));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.value(name, JsonValue::String(text.to_owned()));
    }

    fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn end(self) -> JsonValue {
        JsonValue::Object(self.0)
    }
}
