//! What records have in common in both versions, and the variants of each.

use serde::{Deserialize, Serialize};
use serde_json::Value;

fn is_false(flag: &bool) -> bool {
    !flag
}

fn yes() -> bool {
    true
}

#[derive(Serialize, Deserialize)]
pub(super) struct RequestConfig {
    max_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<u32>,
    stop_sequences: Vec<String>,
    #[serde(default)]
    reasoning: Option<Reasoning>,
}

impl RequestConfig {
    /// The configuration of a log without one.
    pub(super) fn empty() -> Value {
        let none = Value::Null;
        serde_json::json!({
            "max_tokens": none, "temperature": none, "top_p": none, "top_k": none,
            "stop_sequences": [], "reasoning": none,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Reasoning {
    Budget(i64),
    Effort(String),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Origin {
    segment_id: String,
    at_turn_index: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum LoggedItem {
    Message {
        role: Role,
        content: Vec<Content>,
    },
    ToolCall {
        call_id: String,
        name: String,
        arguments: String,
    },
    ToolResult {
        call_id: String,
        summary: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        is_error: bool,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    Reasoning {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        summary: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
}

impl LoggedItem {
    /// Leaves out what the seed does not know.
    pub(super) fn forget_attachments(&mut self) {
        if let Self::ToolResult { attachments, .. } = self {
            attachments.clear();
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    User,
    Assistant,
    System,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Content {
    Text { text: String },
    Refusal { refusal: String },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Attachment {
    Image { mime_type: String, data: String },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum SeedSegment {
    Text {
        content: String,
    },
    Paste {
        id: u32,
        chars: u32,
        lines: u32,
        content: String,
    },
    FileRef {
        path: String,
    },
    KnowledgeRef {
        slug: String,
    },
    WorkflowInvoke {
        slug: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum HeadSegment {
    Text {
        content: String,
    },
    Paste {
        id: u32,
        chars: u32,
        lines: u32,
        content: String,
    },
    FileRef {
        path: String,
    },
    Flow {
        selector: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SeedTrigger {
    UserSend,
    Notify,
    PodEvent,
    SystemReminder,
    Wakeup,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HeadTrigger {
    UserSend,
    Notify,
    WorkerEvent,
    SystemReminder,
    Wakeup,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RunResult {
    Finished,
    Paused,
    LimitReached,
    Yielded,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Permission {
    Read,
    Write,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ScopeRule {
    target: String,
    permission: Permission,
    #[serde(default = "yes")]
    recursive: bool,
}

/// The payload of an extension `pod.scope`.
#[derive(Serialize, Deserialize)]
pub(super) struct Scope {
    allow: Vec<ScopeRule>,
    deny: Vec<ScopeRule>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum PodEvent {
    TurnEnded {
        pod_name: String,
    },
    Errored {
        pod_name: String,
        message: String,
    },
    ShutDown {
        pod_name: String,
    },
    ScopeSubDelegated {
        parent_pod: String,
        sub_pod: String,
        sub_socket: String,
        scope: Vec<ScopeRule>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum SeedSystemItem {
    Notification { message: String, body: String },
    PodEvent { event: PodEvent, body: String },
    FileAttachment { path: String, body: String },
    Knowledge { slug: String, body: String },
    Workflow { slug: String, body: String },
    Interrupt { body: String },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum HeadSystemItem {
    Notification { message: String, body: String },
    WorkerEvent { event: Value, body: String },
    FileAttachment { path: String, body: String },
    SkillActivation { name: String, body: String },
    Knowledge { slug: String },
    Workflow { slug: String },
    TaskReminder { source: String, body: String },
    Interrupt { body: String },
}
