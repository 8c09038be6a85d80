//! Makes a session of the text of its file, or fails with the program's text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{Result, SessionControlError, format_error};
use super::files::read_text;
use super::json::JsonValue;
use super::session::{
    ContentBlock, ConversationMessage, MessageRole, Session, SessionCompaction, SessionFork,
    SessionPromptEntry, TokenUsage,
};
use crate::claw::names::millis_of_id;
use crate::version::Version;

type Object = BTreeMap<String, JsonValue>;

/// The version of the format of a log that does not name one.
const FORMAT_VERSION: u32 = 1;

impl Session {
    /// Loads a session from a file: a document of the older kind if the whole text is one object with
    /// `messages`, and otherwise a log. A link is not followed.
    ///
    /// # Errors
    /// The operating system's error, or the program's text for the first record that it refuses.
    pub fn load_from_path(path: &Path, version: Version) -> Result<Self> {
        from_text(&read_text(path)?, version)
    }
}

/// Makes a session of the text of a file.
fn from_text(text: &str, version: Version) -> Result<Session> {
    let value = JsonValue::parse(text);
    let document = value.as_ref().ok().and_then(JsonValue::as_object);
    match document.filter(|object| object.contains_key("messages")) {
        Some(document) => from_document(document, version),
        None => from_log(text, version),
    }
}

fn from_document(object: &Object, version: Version) -> Result<Session> {
    let format = object.get("version").and_then(JsonValue::as_i64);
    let format = format.map_or_else(|| format_error("missing version"), Ok)?;
    let format = u32::try_from(format).or_else(|_| format_error("version out of range"))?;
    let messages = array(object, "messages")?;
    let messages: Result<_> = messages.iter().map(|it| message(it, version)).collect();
    let mut session = Session { version: format, messages: messages?, ..empty() };
    session.session_id = string(object, "session_id");
    session.created_at_ms = optional_millis(object, "created_at_ms")?;
    session.updated_at_ms = optional_millis(object, "updated_at_ms")?;
    session.compaction = object.get("compaction").map(compaction).transpose()?;
    read_origin(&mut session, object, version)?;
    let prompts = object.get("prompt_history").and_then(JsonValue::as_array).unwrap_or_default();
    session.prompt_history =
        prompts.iter().filter_map(JsonValue::as_object).filter_map(prompt).collect();
    Ok(with_times(session, version))
}

fn from_log(text: &str, version: Version) -> Result<Session> {
    let mut session = empty();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let value = JsonValue::parse(line).or_else(|error| {
            format_error(format!("invalid JSONL record at line {number}: {error}"))
        })?;
        let Some(object) = value.as_object() else {
            return format_error(format!("JSONL record at line {number} must be an object"));
        };
        match object.get("type").and_then(JsonValue::as_str) {
            Some("session_meta") => read_meta(&mut session, object, version)?,
            Some("message") => {
                let Some(value) = object.get("message") else {
                    return format_error(format!("JSONL record at line {number} missing message"));
                };
                session.messages.push(message(value, version)?);
            }
            Some("compaction") => session.compaction = Some(compaction(&value)?),
            Some("prompt_history") => session.prompt_history.extend(prompt(object)),
            Some(other) => {
                let problem = format!("unsupported JSONL record type at line {number}: {other}");
                return format_error(problem);
            }
            None => return format_error(format!("JSONL record at line {number} missing type")),
        }
    }
    Ok(with_times(session, version))
}

fn empty() -> Session {
    Session {
        version: FORMAT_VERSION,
        session_id: None,
        created_at_ms: None,
        updated_at_ms: None,
        messages: Vec::new(),
        compaction: None,
        fork: None,
        workspace_root: None,
        prompt_history: Vec::new(),
        model: None,
    }
}

fn read_meta(session: &mut Session, object: &Object, version: Version) -> Result<()> {
    session.version = required_number(object, "version")?;
    session.session_id = Some(required_string(object, "session_id")?);
    session.created_at_ms = match version {
        Version::Seed => Some(required_number(object, "created_at_ms")?),
        Version::Head => optional_millis(object, "created_at_ms")?,
    };
    session.updated_at_ms = Some(required_number(object, "updated_at_ms")?);
    read_origin(session, object, version)
}

/// Reads what a log's head and a document say in the same way.
fn read_origin(session: &mut Session, object: &Object, version: Version) -> Result<()> {
    session.fork = object.get("fork").map(fork).transpose()?;
    session.workspace_root = string(object, "workspace_root").map(PathBuf::from);
    session.model = match version {
        Version::Seed => None,
        Version::Head => string(object, "model"),
    };
    Ok(())
}

/// Sets the times that follow from others.
fn with_times(mut session: Session, version: Version) -> Session {
    if version == Version::Head && session.created_at_ms.is_none() {
        session.created_at_ms = session.session_id.as_deref().and_then(millis_of_id);
    }
    session.updated_at_ms = session.updated_at_ms.or(session.created_at_ms);
    session
}

fn message(value: &JsonValue, version: Version) -> Result<ConversationMessage> {
    let object = as_object(value, "message")?;
    let role = match required_string(object, "role")?.as_str() {
        "system" => MessageRole::System,
        "user" => MessageRole::User,
        "assistant" => MessageRole::Assistant,
        "tool" => MessageRole::Tool,
        other => return format_error(format!("unsupported message role: {other}")),
    };
    let blocks = array(object, "blocks")?.iter().map(|value| block(value, version));
    let blocks = blocks.collect::<Result<_>>()?;
    let usage = object.get("usage").map(usage).transpose()?;
    Ok(ConversationMessage { role, blocks, usage })
}

fn block(value: &JsonValue, version: Version) -> Result<ContentBlock> {
    let object = as_object(value, "block")?;
    let Some(kind) = object.get("type").and_then(JsonValue::as_str) else {
        return format_error("missing block type");
    };
    Ok(match kind {
        "text" => ContentBlock::Text { text: required_string(object, "text")? },
        "thinking" if version == Version::Head => ContentBlock::Thinking {
            thinking: required_string(object, "thinking")?,
            signature: string(object, "signature"),
        },
        "tool_use" => ContentBlock::ToolUse {
            id: required_string(object, "id")?,
            name: required_string(object, "name")?,
            input: required_string(object, "input")?,
        },
        "tool_result" => ContentBlock::ToolResult {
            tool_use_id: required_string(object, "tool_use_id")?,
            tool_name: required_string(object, "tool_name")?,
            output: required_string(object, "output")?,
            is_error: object
                .get("is_error")
                .and_then(JsonValue::as_bool)
                .map_or_else(|| format_error("missing is_error"), Ok)?,
        },
        other => return format_error(format!("unsupported block type: {other}")),
    })
}

fn usage(value: &JsonValue) -> Result<TokenUsage> {
    let object = as_object(value, "usage")?;
    Ok(TokenUsage {
        input_tokens: required_number(object, "input_tokens")?,
        output_tokens: required_number(object, "output_tokens")?,
        cache_creation_input_tokens: required_number(object, "cache_creation_input_tokens")?,
        cache_read_input_tokens: required_number(object, "cache_read_input_tokens")?,
    })
}

fn compaction(value: &JsonValue) -> Result<SessionCompaction> {
    let object = as_object(value, "compaction")?;
    Ok(SessionCompaction {
        count: required_number(object, "count")?,
        removed_message_count: required_number(object, "removed_message_count")?,
        summary: required_string(object, "summary")?,
    })
}

fn fork(value: &JsonValue) -> Result<SessionFork> {
    let object = as_object(value, "fork metadata")?;
    Ok(SessionFork {
        parent_session_id: required_string(object, "parent_session_id")?,
        branch_name: string(object, "branch_name"),
    })
}

/// Returns a prompt; `None` for one that the program skips.
fn prompt(object: &Object) -> Option<SessionPromptEntry> {
    let timestamp_ms = u64::try_from(object.get("timestamp_ms")?.as_i64()?).ok()?;
    Some(SessionPromptEntry { timestamp_ms, text: string(object, "text")? })
}

fn as_object<'v>(value: &'v JsonValue, what: &str) -> Result<&'v Object> {
    value.as_object().map_or_else(|| format_error(format!("{what} must be an object")), Ok)
}

fn array<'o>(object: &'o Object, name: &str) -> Result<&'o [JsonValue]> {
    let array = object.get(name).and_then(JsonValue::as_array);
    array.map_or_else(|| format_error(format!("missing {name}")), Ok)
}

fn string(object: &Object, name: &str) -> Option<String> {
    object.get(name).and_then(JsonValue::as_str).map(str::to_owned)
}

fn required_string(object: &Object, name: &str) -> Result<String> {
    string(object, name).map_or_else(|| format_error(format!("missing {name}")), Ok)
}

fn required_number<N: TryFrom<i64>>(object: &Object, name: &str) -> Result<N> {
    let Some(number) = object.get(name).and_then(JsonValue::as_i64) else {
        return format_error(format!("missing {name}"));
    };
    N::try_from(number).map_err(|_| SessionControlError::Format(format!("{name} out of range")))
}

/// Returns a time that may be absent, but may not be of another type.
fn optional_millis(object: &Object, name: &str) -> Result<Option<u64>> {
    object.contains_key(name).then(|| required_number(object, name)).transpose()
}
