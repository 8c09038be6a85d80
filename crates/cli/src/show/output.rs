//! Makes texts of the outputs of tool calls, and of errors. They can be lists and objects as well.

use std::borrow::Cow;

use scrollback_core_type::{Extra, LazyStr, MessageError, RawJson, ToolCompleted, ToolError};
use serde_json::Value;

/// Returns the output of a completed call.
pub(super) fn of_completed<'t>(done: &'t ToolCompleted<'_>) -> Cow<'t, str> {
    let output = match &done.output {
        Some(text) => text.get(),
        None => done.extra.get("output").map(text_of).unwrap_or_default().into(),
    };
    match of_contents(&done.extra, false) {
        other if other.is_empty() => output,
        other if output.is_empty() => other.into(),
        other => format!("{output}\n{other}").into(),
    }
}

/// Returns the error of a failed call.
pub(super) fn of_error(failed: &ToolError<'_>) -> String {
    let text = failed.error.as_ref().map(LazyStr::get).unwrap_or_default();
    if !text.is_empty() {
        return text.into_owned();
    }
    let raw = failed.extra.get("error").or(failed.cause.as_ref());
    raw.map(error_text).unwrap_or_default()
}

/// Returns the contents of a result of 2.x that have no place in a record of 1.x. `with_texts` says
/// whether these include texts.
pub(super) fn of_contents(extra: &Extra<'_>, with_texts: bool) -> String {
    let Some(raw) = extra.get("content") else { return String::new() };
    let Ok(contents) = raw.deserialize::<Vec<Value>>() else { return text_of(raw) };
    let is_known = |content: &Value| content["type"] == "text" || content["type"] == "file";
    let shown = contents.iter().filter(|content| with_texts || !is_known(content));
    shown.map(content_text).collect::<Vec<_>>().join("\n")
}

/// Returns the text of a value: of a string the string itself, of a list of texts one text after the
/// other, of nothing the empty text, and of any other value its JSON.
pub(super) fn text_of(raw: &RawJson<'_>) -> String {
    match raw.deserialize::<Value>() {
        Ok(Value::Null) => String::new(),
        Ok(Value::String(text)) => text,
        Ok(Value::Array(contents)) if !contents.is_empty() && contents.iter().all(is_text) => {
            contents.iter().map(content_text).collect::<Vec<_>>().join("\n")
        }
        Ok(_) | Err(_) => raw.get().to_owned(),
    }
}

/// Returns the text of an answer's error: its name and its message.
pub(super) fn of_answer(error: &MessageError<'_>) -> String {
    let name = error.name.as_ref().map(LazyStr::get).unwrap_or_default();
    let text = format!("{name}: {}", message_of(error));
    text.trim_end_matches(": ").trim_start_matches(": ").to_owned()
}

/// Returns the message of an error, or the details that it has instead.
pub(super) fn message_of(error: &MessageError<'_>) -> String {
    let message = error.data.as_ref().and_then(|data| data.message.as_ref()).map(LazyStr::get);
    if let Some(message) = message.filter(|text| !text.is_empty()) {
        return message.into_owned();
    }
    if let Some(odd) = error.extra.get("message").or(error.extra.get("data")) {
        return text_of(odd);
    }
    let details = error.data.as_ref().and_then(|data| serde_json::to_string(data).ok());
    details.filter(|details| details != "{}").unwrap_or_default()
}

/// Returns the text of an error: `NAME: MESSAGE` if it is an object of a name and a message, otherwise
/// as [`text_of`].
pub(super) fn error_text(raw: &RawJson<'_>) -> String {
    let Ok(Value::Object(fields)) = raw.deserialize::<Value>() else { return text_of(raw) };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let name = text("name").or_else(|| text("type"));
    match (name, text("message")) {
        (Some(name), Some(message)) if fields.len() == 2 => format!("{name}: {message}"),
        (None, Some(message)) if fields.len() == 1 => message.to_owned(),
        _ => raw.get().to_owned(),
    }
}

/// Checks whether a content is a text of the Model Context Protocol, or a string.
fn is_text(content: &Value) -> bool {
    content.is_string() || content["type"] == "text" && content["text"].is_string()
}

fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        content if is_text(content) => content["text"].as_str().unwrap_or_default().to_owned(),
        content => content.to_string(),
    }
}
