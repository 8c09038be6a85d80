//! Items of a history: messages, reasoning, tool calls and their results.

use scrollback_core_err::IssueKind;

use crate::engine::{Author, Fields, Json, MessageDraft, PartDraft, ResultDraft, Sink, unescaped};

const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "an item of a history" };

/// Passes an item. One of a history that a segment begins with has no time.
pub(super) fn read<'b>(
    text: &'b str,
    time: Option<i64>,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let item = Fields::parse(text).map_err(|_| EXPECTED)?;
    let kind = item.text("kind").ok_or(EXPECTED)?;
    match &*kind {
        "message" => read_message(&item, time, sink)?,
        "reasoning" => {
            let content = Json::Raw(item.string("text").ok_or(EXPECTED)?);
            let names = [
                ("summary", "summary"),
                ("encrypted_content", "encryptedContent"),
                ("signature", "signature"),
            ];
            let about = names
                .into_iter()
                .filter_map(|(name, own)| Some((own, Json::Raw(item.present(name)?))));
            let about: Vec<_> = about.collect();
            continue_step(time, sink);
            sink.reasoning(content, (!about.is_empty()).then_some(Json::Object(about)));
        }
        "tool_call" => {
            let (Some(call), Some(name)) = (item.text("call_id"), item.string("name")) else {
                return Err(EXPECTED);
            };
            continue_step(time, sink);
            sink.call(call, Json::Raw(name), Json::from_text(item.string("arguments")));
        }
        "tool_result" => read_result(&item, time, sink)?,
        _ => {
            continue_step(time, sink);
            sink.unknown_part(Json::Raw(item.string("kind").ok_or(EXPECTED)?), Json::Raw(text));
            sink.issue(IssueKind::Unknown { category: "item", value: kind.into_owned() });
        }
    }
    Ok(())
}

/// Returns the summary in the first item after a compaction: a message of the system with one text.
pub(super) fn summary(item: &str) -> Option<String> {
    let item = Fields::parse(item).ok()?;
    let [block] = item.array("content")?[..] else { return None };
    let is_message = item.raw("kind") == Some(r#""message""#);
    let is_summary = is_message && item.raw("role") == Some(r#""system""#);
    let text = Fields::parse(block).ok()?.text("text")?.into_owned();
    is_summary.then_some(text)
}

/// Begins a message of the model, unless the current one is of the same step. A turn that has ended
/// takes no more output, and neither does the history that a segment begins with.
fn continue_step<'b>(time: Option<i64>, sink: &mut Sink<'b>) {
    let is_same = sink.is_in_step()
        && sink.current_message().is_some_and(|message| {
            message.completed.is_none()
                && message.created.is_some() == time.is_some()
                && !message.is_summary
        });
    if !is_same {
        sink.begin_message(MessageDraft { created: time, ..MessageDraft::new(Author::Model) });
    }
}

fn read_message<'b>(
    item: &Fields<'b>,
    time: Option<i64>,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let role = item.string("role").ok_or(EXPECTED)?;
    let content = item.array("content").ok_or(EXPECTED)?;
    let author = match role {
        r#""assistant""# => None,
        r#""user""# => Some(Author::User),
        role => Some(Author::Program(Json::Raw(role))),
    };
    match author {
        Some(author) => {
            sink.begin_message(MessageDraft { created: time, ..MessageDraft::new(author) });
        }
        None => continue_step(time, sink),
    }
    for block in content {
        let fields = Fields::parse(block).unwrap_or_default();
        let (text, refusal) = (fields.string("text"), fields.string("refusal"));
        match (fields.text("kind").as_deref(), text, refusal) {
            (Some("text"), Some(text), _) => sink.text(Json::Raw(text)),
            (Some("refusal"), _, Some(refusal)) => {
                let about = Json::Object(vec![("refusal", Json::Flag(true))]);
                let part = PartDraft::new("text").with("text", Json::Raw(refusal));
                sink.part(part.with("metadata", about));
            }
            _ => {
                let kind = fields.string("kind").unwrap_or(r#""unknown""#);
                sink.unknown_part(Json::Raw(kind), Json::Raw(block));
                let value = unescaped(kind).unwrap_or_default().into_owned();
                sink.issue(IssueKind::Unknown { category: "block", value });
            }
        }
    }
    Ok(())
}

/// Passes a result. The output is its content, or its summary if it has no content.
fn read_result<'b>(
    item: &Fields<'b>,
    time: Option<i64>,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let (Some(call), Some(summary)) = (item.text("call_id"), item.string("summary")) else {
        return Err(EXPECTED);
    };
    let attachments = item.array("attachments").unwrap_or_default();
    let result = ResultDraft {
        is_error: item.flag("is_error").unwrap_or(false),
        metadata: Some(Json::Object(vec![("summary", Json::Raw(summary))])),
        attachments: attachments.into_iter().map(attachment).collect(),
        ended: time,
        ..ResultDraft::new(Json::Raw(item.string("content").unwrap_or(summary)))
    };
    sink.result(call, result);
    Ok(())
}

/// Returns the part of an image.
fn attachment(text: &str) -> PartDraft<'_> {
    let fields = Fields::parse(text).unwrap_or_default();
    let mime = fields.text("mime_type").unwrap_or_default();
    let url = match fields.text("data") {
        Some(data) => Json::Text(format!("data:{mime};base64,{data}")),
        None => Json::Name(""),
    };
    let part = PartDraft::new("file").with("mime", Json::Text(mime.clone().into_owned()));
    part.with("url", url).with("metadata", Json::Object(vec![("original", Json::Raw(text))]))
}
