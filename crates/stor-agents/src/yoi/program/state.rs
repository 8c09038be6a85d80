//! The state that a log restores.

use serde::Serialize;
use serde_json::{Value, json};

use super::entry::LogEntry;
use super::parts::{RequestConfig, Scope};
use crate::version::Version;

/// The state that the program restores from the records of a segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestoredState {
    /// The session. `None` for a log without `segment_start`.
    pub session_id: Option<String>,
    /// The system prompt.
    pub system_prompt: Option<String>,
    /// The configuration of requests, an object.
    pub config: Value,
    /// The items of the history: messages, reasoning, calls and results.
    pub history: Vec<Value>,
    /// The number of turns.
    pub turn_count: u64,
    /// The segments of each input after the start of this log.
    pub user_segments: Vec<Vec<Value>>,
    /// Whether the last run was interrupted.
    pub last_run_interrupted: bool,
    /// The records of usage, without their times.
    pub usage_history: Vec<Value>,
    /// The domain and the payload of each extension.
    pub extensions: Vec<(String, Value)>,
    /// The last sound extension `pod.scope`. The head has none.
    pub pod_scope: Option<Value>,
    /// The number of records.
    pub entries_count: usize,
}

/// Returns the state after these records.
pub fn collect_state(entries: &[LogEntry]) -> RestoredState {
    let mut state = RestoredState {
        session_id: None,
        system_prompt: None,
        config: RequestConfig::empty(),
        history: Vec::new(),
        turn_count: 0,
        user_segments: Vec::new(),
        last_run_interrupted: false,
        usage_history: Vec::new(),
        extensions: Vec::new(),
        pod_scope: None,
        entries_count: entries.len(),
    };
    entries.iter().for_each(|entry| state.apply(entry));
    state
}

impl RestoredState {
    fn apply(&mut self, entry: &LogEntry) {
        let value = &entry.value;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let array = |name: &str| value[name].as_array().cloned().unwrap_or_default();
        match entry.kind() {
            "segment_start" => {
                self.session_id = text("session_id");
                self.system_prompt = text("system_prompt");
                self.config = value["config"].clone();
                self.history = array("history");
            }
            "invoke" if entry.version == Version::Head => self.last_run_interrupted = true,
            "user_input" => {
                let segments = array("segments");
                let flat: String = segments.iter().map(|it| flatten(it, entry.version)).collect();
                self.push_message("user", &flat);
                self.user_segments.push(segments);
                for extension in array("extensions") {
                    self.add_extension(&extension, entry.version);
                }
            }
            "assistant_item" | "tool_result" => self.history.push(value["item"].clone()),
            "system_item" => self.push_message("system", &body(&value["item"], entry.version)),
            "turn_end" => self.turn_count = value["turn_count"].as_u64().unwrap_or_default(),
            "run_completed" | "run_errored" => {
                self.last_run_interrupted = value["interrupted"].as_bool().unwrap_or_default();
            }
            "paused_turn_abandoned" => self.last_run_interrupted = false,
            "config_changed" => self.config = value["config"].clone(),
            "llm_usage" => {
                let mut usage = value.as_object().cloned().unwrap_or_default();
                usage.retain(|name, _| name != "kind" && name != "ts");
                self.usage_history.push(Value::Object(usage));
            }
            "extension" => self.add_extension(value, entry.version),
            _ => {}
        }
    }

    fn push_message(&mut self, role: &str, text: &str) {
        let content = json!([{"kind": "text", "text": text}]);
        self.history.push(json!({"kind": "message", "role": role, "content": content}));
    }

    fn add_extension(&mut self, extension: &Value, version: Version) {
        let domain = extension["domain"].as_str().unwrap_or_default().to_owned();
        let payload = extension["payload"].clone();
        if version == Version::Seed
            && domain == "pod.scope"
            && let Ok(scope) = serde_json::from_value::<Scope>(payload.clone())
            && let Ok(scope) = serde_json::to_value(scope)
        {
            self.pod_scope = Some(scope);
        }
        self.extensions.push((domain, payload));
    }
}

/// Returns the text of a segment of an input, as the model reads it.
fn flatten(segment: &Value, version: Version) -> String {
    let text = |name: &str| segment[name].as_str().unwrap_or_default();
    match segment["kind"].as_str() {
        Some("text" | "paste") => text("content").to_owned(),
        Some("file_ref") => format!("@{}", text("path")),
        Some("knowledge_ref") => format!("#{}", text("slug")),
        Some("workflow_invoke") => format!("/{}", text("slug")),
        Some("flow") => format!("[Flow: {}]", text("selector")),
        // The head leaves out what it does not know.
        _ if version == Version::Head => String::new(),
        _ => "[unknown input segment]".to_owned(),
    }
}

/// Returns the text of a message of the system.
fn body(item: &Value, version: Version) -> String {
    match (item["kind"].as_str(), version) {
        (Some("knowledge"), Version::Head) => String::new(),
        (Some("workflow"), Version::Head) => {
            let slug = item["slug"].as_str().unwrap_or_default();
            format!("Ignored legacy procedure item: /{slug}")
        }
        _ => item["body"].as_str().unwrap_or_default().to_owned(),
    }
}
