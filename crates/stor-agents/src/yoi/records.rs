//! Records of logs and traces.

use scrollback_core_err::IssueKind;
use scrollback_core_type::TokenCounts;

use super::items;
use crate::engine::{Author, Fields, Json, MessageDraft, PartDraft, Record, Sink, unescaped};

pub(super) const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "an entry of yoi" };

/// Passes one record.
pub(super) fn read<'b>(record: &Record<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let fields = &record.fields;
    let kind = fields.string("kind").ok_or(EXPECTED)?;
    let time = fields.whole_number("ts").filter(|time| *time >= 0).ok_or(EXPECTED)?;
    let name = unescaped(kind).unwrap_or_default();
    let as_item = |sink: &mut Sink<'b>| {
        sink.item(Json::Raw(kind), Some(time), vec![("original", Json::Raw(record.text))]);
    };
    if record.side.is_some() {
        as_item(sink);
        if !matches!(&*name, "stream_event" | "lifecycle") {
            sink.issue(IssueKind::Unknown { category: "record", value: name.into_owned() });
        }
        return Ok(());
    }
    match &*name {
        "segment_start" => read_start(fields, time, sink)?,
        "user_input" => read_input(fields, time, sink)?,
        "assistant_item" | "tool_result" => {
            let item = fields.raw("item").ok_or(EXPECTED)?;
            items::read(item, Some(time), sink)?;
        }
        "system_item" => read_system_item(fields, time, sink)?,
        "turn_end" | "run_completed" | "run_errored" | "llm_usage" => {
            complete_answer(&name, fields, time, sink);
            as_item(sink);
        }
        "invoke" | "config_changed" | "extension" | "paused_turn_abandoned" => as_item(sink),
        _ => {
            as_item(sink);
            sink.issue(IssueKind::Unknown { category: "record", value: name.into_owned() });
        }
    }
    Ok(())
}

/// Passes the start of a segment, with the history that it begins with. A history of another segment
/// is a copy, except for the summary of a compaction.
fn read_start<'b>(fields: &Fields<'b>, time: i64, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let history = fields.array("history").ok_or(EXPECTED)?;
    let mut history = history.as_slice();
    let compacted = fields.present("compacted_from");
    if let Some(origin) = compacted {
        let summary = history.first().and_then(|first| items::summary(first));
        if summary.is_some() {
            history = history.get(1..).unwrap_or_default();
        }
        let origin = vec![("compactedFrom", Json::Raw(origin))];
        sink.boundary(Some(time), origin, summary.map(Json::Text));
    }
    let is_copy = compacted.is_some() || fields.present("forked_from").is_some();
    let before = std::mem::replace(&mut sink.makes_copies, is_copy);
    for item in history {
        if let Err(kind) = items::read(item, None, sink) {
            sink.begin_message(MessageDraft::new(Author::Program(Json::Name("history"))));
            sink.unknown_part(Json::Name("unknown"), Json::Raw(item));
            sink.issue(kind);
        }
    }
    sink.makes_copies = before;
    let rest = fields.without(|name, _| *name == *"history");
    sink.item(Json::Name("segment_start"), Some(time), vec![("original", Json::Made(rest))]);
    Ok(())
}

/// Passes the input of the user.
fn read_input<'b>(fields: &Fields<'b>, time: i64, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let segments = fields.array("segments").ok_or(EXPECTED)?;
    sink.begin_message(MessageDraft { created: Some(time), ..MessageDraft::new(Author::User) });
    for segment in segments {
        let read =
            Fields::parse(segment).ok().and_then(|fields| read_segment(segment, &fields, sink));
        if read.is_none() {
            sink.unknown_part(Json::Name("unknown"), Json::Raw(segment));
            sink.issue(IssueKind::WrongShape { expected: "a segment of input" });
        }
    }
    for extension in fields.array("extensions").unwrap_or_default() {
        let original = vec![("original", Json::Raw(extension))];
        sink.item(Json::Name("extension"), Some(time), original);
    }
    Ok(())
}

/// Passes one segment of an input. `None` if it lacks a field.
fn read_segment<'b>(text: &'b str, segment: &Fields<'b>, sink: &mut Sink<'b>) -> Option<()> {
    let kind = segment.text("kind")?;
    let original = || Json::Object(vec![("original", Json::Raw(text))]);
    // What the model reads, with the original beside it.
    let mut reference = |text: String| {
        sink.part(
            PartDraft::new("text").with("text", Json::Text(text)).with("metadata", original()),
        );
    };
    match &*kind {
        "text" => sink.text(Json::Raw(segment.string("content")?)),
        "paste" => {
            let content = Json::Raw(segment.string("content")?);
            let about = [("id", "id"), ("chars", "chars"), ("lines", "lines")];
            let about = about
                .into_iter()
                .filter_map(|(name, own)| Some((own, Json::Raw(segment.raw(name)?))));
            let about = Json::Object(vec![("paste", Json::Object(about.collect()))]);
            sink.part(PartDraft::new("text").with("text", content).with("metadata", about));
        }
        "file_ref" => {
            let path = Json::Raw(segment.string("path")?);
            sink.file(Some(Json::Name("text/plain")), path);
        }
        "knowledge_ref" => reference(format!("#{}", segment.text("slug")?)),
        "workflow_invoke" => reference(format!("/{}", segment.text("slug")?)),
        "flow" => reference(format!("[Flow: {}]", segment.text("selector")?)),
        _ => {
            sink.unknown_part(Json::Raw(segment.string("kind")?), Json::Raw(text));
            if kind != "unknown" {
                sink.issue(IssueKind::Unknown { category: "segment", value: kind.into_owned() });
            }
        }
    }
    Some(())
}

/// Passes a message of the program itself.
fn read_system_item<'b>(
    fields: &Fields<'b>,
    time: i64,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let text = fields.raw("item").ok_or(EXPECTED)?;
    let item = fields.object("item").ok_or(EXPECTED)?;
    let kind = item.string("kind").ok_or(EXPECTED)?;
    let author = Author::Program(Json::Raw(kind));
    let extra = vec![("systemItem", Json::Raw(text))];
    sink.begin_message(MessageDraft { created: Some(time), extra, ..MessageDraft::new(author) });
    if let Some(body) = item.string("body") {
        sink.text(Json::Raw(body));
    }
    let is_known = matches!(
        unescaped(kind).as_deref(),
        Some(
            "notification"
                | "pod_event"
                | "worker_event"
                | "file_attachment"
                | "knowledge"
                | "workflow"
                | "interrupt"
                | "skill_activation"
                | "task_reminder"
        )
    );
    if !is_known {
        let value = unescaped(kind).unwrap_or_default().into_owned();
        sink.issue(IssueKind::Unknown { category: "system item", value });
    }
    Ok(())
}

/// Completes the open answer by a record about it. An answer whose turn has ended takes no more
/// output.
fn complete_answer<'b>(kind: &str, fields: &Fields<'b>, time: i64, sink: &mut Sink<'b>) {
    let Some(answer) = sink.open_answer() else { return };
    match kind {
        "llm_usage" if answer.tokens.is_none() => answer.tokens = Some(tokens(fields)),
        "llm_usage" => {}
        "run_completed" => answer.finish = fields.string("result").map(Json::Raw),
        "run_errored" => answer.error = fields.string("message").map(Json::Raw),
        _ => answer.completed = Some(time),
    }
}

fn tokens(usage: &Fields<'_>) -> TokenCounts {
    let count = |name| usage.whole_number(name).unwrap_or(0).max(0);
    let (cache_read, cache_write) = (count("cache_read_tokens"), count("cache_write_tokens"));
    TokenCounts {
        input: (count("input_total_tokens") - cache_read - cache_write).max(0),
        output: count("output_tokens"),
        reasoning: 0,
        cache_read,
        cache_write,
    }
}
