//! Writes drafts as canonical records: JSON in the shape of opencode 1.x.

use scrollback_core_id::{ItemKey, MessageKey, PartKey, SessionKey, Stamp};
use scrollback_source::content_stamp;

use super::draft::{Author, CallDraft, ItemDraft, MessageDraft, PartDraft, ResultDraft};
use super::head::SessionDraft;
use super::value::{Json, ObjectWriter};

/// Returns the stamp of a record with these bytes. It also changes when the record becomes a copy.
pub(crate) fn stamp(bytes: &[u8], is_copy: bool) -> Stamp {
    let stamp = content_stamp(bytes);
    Stamp { inode: if is_copy { !stamp.inode } else { stamp.inode }, ..stamp }
}

/// Writes a session's record; `updated` is the time of the last change, in Unix milliseconds.
pub(crate) fn write_session(
    key: &SessionKey,
    session: &SessionDraft,
    updated: i64,
    out: &mut Vec<u8>,
) {
    let mut object = ObjectWriter::begin(out);
    object.text("id", key.session.as_str());
    let texts = [
        ("version", &session.version),
        ("directory", &session.directory),
        ("parentID", &session.parent),
        ("title", &session.title),
        ("agent", &session.agent),
        ("agentID", &session.agent_id),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            object.text(name, text);
        }
    }
    if let Some(model) = &session.model {
        object.field("model", &Json::Object(vec![("id", Json::Text(model.clone()))]));
    }
    object.numbers("time", &[("created", session.created), ("updated", Some(updated))]);
    for (name, source) in [("fork", &session.forked_from), ("compacted", &session.compacted_from)] {
        if let Some(source) = source {
            object.field(name, &Json::Object(vec![("sessionID", Json::Text(source.clone()))]));
        }
    }
    if let Some(metadata) = &session.metadata {
        object.field("metadata", &Json::Raw(metadata));
    }
    object.end();
}

/// Writes a message's record, without its parts.
pub(crate) fn write_message(key: &MessageKey, message: &MessageDraft<'_>, out: &mut Vec<u8>) {
    let MessageDraft { author, created, completed, agent, model, provider, .. } = message;
    let mut object = ObjectWriter::begin(out);
    object.text("id", key.message.as_str());
    object.text("sessionID", key.session.as_str());
    let is_answer = *author == Author::Model;
    object.text("role", if is_answer { "assistant" } else { "user" });
    if let Author::Program(kind) = author {
        object.field("type", kind);
    }
    object.numbers("time", &[("created", *created), ("completed", *completed)]);
    object.optional("agent", agent.as_ref());
    if is_answer {
        object.optional("modelID", model.as_ref());
        object.optional("providerID", provider.as_ref());
    } else if let Some(model) = model {
        let mut fields = vec![("modelID", model.clone())];
        fields.extend(provider.clone().map(|provider| ("providerID", provider)));
        object.field("model", &Json::Object(fields));
    }
    if message.is_summary {
        object.field("summary", &Json::Flag(true));
    }
    if let Some(tokens) = message.tokens {
        let cache = vec![
            ("read", Json::Number(tokens.cache_read)),
            ("write", Json::Number(tokens.cache_write)),
        ];
        let tokens = vec![
            ("input", Json::Number(tokens.input)),
            ("output", Json::Number(tokens.output)),
            ("reasoning", Json::Number(tokens.reasoning)),
            ("cache", Json::Object(cache)),
        ];
        object.field("tokens", &Json::Object(tokens));
    }
    object.optional("finish", message.finish.as_ref());
    if let Some(error) = &message.error {
        let data = Json::Object(vec![("message", error.clone())]);
        object.field(
            "error",
            &Json::Object(vec![("name", Json::Name("UnknownError")), ("data", data)]),
        );
    }
    message.extra.iter().for_each(|(name, value)| object.field(name, value));
    object.end();
}

/// Writes a part.
pub(crate) fn write_part(
    message: &MessageKey,
    key: &PartKey,
    part: &PartDraft<'_>,
    out: &mut Vec<u8>,
) {
    let mut object = ObjectWriter::begin(out);
    object.text("id", key.part.as_str());
    object.text("sessionID", message.session.as_str());
    object.text("messageID", message.message.as_str());
    write_part_fields(part, &mut object);
    if let Some(call) = &part.call {
        object.text("callID", &call.id);
        object.field("tool", &call.tool);
        write_state(call, object.name("state"));
    }
    object.end();
}

fn write_part_fields(part: &PartDraft<'_>, object: &mut ObjectWriter<'_>) {
    object.field("type", &part.kind);
    part.fields.iter().for_each(|(name, value)| object.field(name, value));
}

/// Writes the state of a call.
fn write_state(call: &CallDraft<'_>, out: &mut Vec<u8>) {
    let mut object = ObjectWriter::begin(out);
    let status = match &call.result {
        None => "running",
        Some(result) if result.is_error => "error",
        Some(_) => "completed",
    };
    object.text("status", status);
    object.field("input", call.input.as_ref().unwrap_or(&Json::Object(Vec::new())));
    if let Some(result) = &call.result {
        write_result(result, &mut object);
    }
    object.end();
}

fn write_result(result: &ResultDraft<'_>, object: &mut ObjectWriter<'_>) {
    object.field(if result.is_error { "error" } else { "output" }, &result.output);
    object.optional("metadata", result.metadata.as_ref());
    object.numbers("time", &[("start", result.started), ("end", result.ended)]);
    if !result.attachments.is_empty() {
        let out = object.name("attachments");
        out.push(b'[');
        for (index, file) in result.attachments.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let mut inner = ObjectWriter::begin(out);
            write_part_fields(file, &mut inner);
            inner.end();
        }
        out.push(b']');
    }
}

/// Writes an item of the timeline.
pub(crate) fn write_item(key: &ItemKey, item: &ItemDraft<'_>, out: &mut Vec<u8>) {
    let mut object = ObjectWriter::begin(out);
    object.text("id", key.item.as_str());
    object.text("sessionID", key.session.as_str());
    object.field("type", &item.kind);
    object.numbers("time", &[("created", item.created)]);
    item.fields.iter().for_each(|(name, value)| object.field(name, value));
    object.end();
}
