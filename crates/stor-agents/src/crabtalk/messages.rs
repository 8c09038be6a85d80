//! Messages in step files, in both shapes: blocks (0.0.22), and OpenAI's (0.0.21 and older).

use std::borrow::Cow;

use scrollback_core_err::IssueKind;

use crate::engine::{
    Author, Fields, Json, MessageDraft, PartDraft, ResultDraft, Sink, elements, unescaped,
};

const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "a message of crabtalk" };

/// Passes the message of a step. `entry` are the fields of the step, `message` those of the message.
pub(super) fn read<'b>(
    entry: &Fields<'b>,
    message: &Fields<'b>,
    sink: &mut Sink<'b>,
) -> Result<(), IssueKind> {
    let role = message.string("role").ok_or(EXPECTED)?;
    let agent = entry.string("agent").filter(|agent| *agent != r#""""#);
    let content = message.present("content");
    match content.and_then(elements) {
        Some(blocks) => {
            let parsed = blocks.into_iter().map(|block| Some((block, Fields::parse(block).ok()?)));
            let blocks: Option<Vec<_>> = parsed.collect();
            read_blocks(role, agent, &blocks.ok_or(EXPECTED)?, sink);
        }
        None => read_older(role, agent, message, content, sink),
    }
    Ok(())
}

fn draft<'b>(role: &'b str, agent: Option<&'b str>) -> MessageDraft<'b> {
    let author = match role {
        r#""user""# => Author::User,
        r#""assistant""# => Author::Model,
        role => Author::Program(Json::Raw(role)),
    };
    MessageDraft { agent: agent.map(Json::Raw), ..MessageDraft::new(author) }
}

fn read_blocks<'b>(
    role: &'b str,
    agent: Option<&'b str>,
    blocks: &[(&'b str, Fields<'b>)],
    sink: &mut Sink<'b>,
) {
    let is_result = |(_, block): &(_, Fields<'_>)| block.raw("type") == Some(r#""tool_result""#);
    // Results come as messages of the user, and belong to the message of their call.
    if blocks.is_empty() || !blocks.iter().all(is_result) {
        sink.begin_message(draft(role, agent));
    }
    for (text, block) in blocks {
        if !read_block(block, sink) {
            let kind = block.string("type").unwrap_or(r#""unknown""#);
            sink.unknown_part(Json::Raw(kind), Json::Raw(text));
            let value = unescaped(kind).unwrap_or_default().into_owned();
            sink.issue(IssueKind::Unknown { category: "block", value });
        }
    }
}

/// Passes one block. Returns `false` for a block that is not known, or lacks a field.
fn read_block<'b>(block: &Fields<'b>, sink: &mut Sink<'b>) -> bool {
    let found = match block.raw("type") {
        Some(r#""text""#) => block.string("text").map(|text| sink.text(Json::Raw(text))),
        Some(r#""thinking""#) => block.string("thinking").map(|text| {
            let signature = block.string("signature").map(Json::Raw);
            let metadata = signature.map(|it| Json::Object(vec![("signature", it)]));
            sink.reasoning(Json::Raw(text), metadata);
        }),
        Some(r#""image""#) => block.raw("source").map(|source| sink.part(image(source))),
        Some(r#""tool_use""#) => read_call(block, sink),
        Some(r#""tool_result""#) => read_result(block, sink),
        _ => None,
    };
    found.is_some()
}

fn read_call<'b>(block: &Fields<'b>, sink: &mut Sink<'b>) -> Option<()> {
    let (id, name) = (block.text("id")?, block.string("name")?);
    sink.call(id, Json::Raw(name), Json::Raw(block.raw("input")?));
    Some(())
}

fn read_result<'b>(block: &Fields<'b>, sink: &mut Sink<'b>) -> Option<()> {
    let call = block.text("tool_use_id")?;
    let content = block.raw("content")?;
    let tool = block.string("name").map(Json::Raw);
    if content.starts_with('"') {
        sink.result(call, ResultDraft { tool, ..ResultDraft::new(Json::Raw(content)) });
        return Some(());
    }
    let (mut texts, mut attachments) = (Vec::new(), Vec::new());
    for inner in elements(content)?.into_iter().filter_map(|inner| Fields::parse(inner).ok()) {
        match inner.raw("type") {
            Some(r#""text""#) => texts.extend(inner.text("text")),
            Some(r#""image""#) => attachments.extend(inner.raw("source").map(image)),
            _ => {}
        }
    }
    let metadata = Some(Json::Object(vec![("content", Json::Raw(content))]));
    let output = Json::Text(texts.join("\n"));
    sink.result(call, ResultDraft { tool, metadata, attachments, ..ResultDraft::new(output) });
    Some(())
}

/// Returns the part of an image. Its source is any JSON; the usual shapes are an address, and
/// base64 with a media type.
fn image(source: &str) -> PartDraft<'_> {
    let fields = Fields::parse(source).unwrap_or_default();
    let mime = fields.text("media_type").unwrap_or(Cow::Borrowed("image/*"));
    let url = match (fields.text("url"), fields.text("data")) {
        (Some(url), _) => Json::Text(url.into_owned()),
        (None, Some(data)) => Json::Text(format!("data:{mime};base64,{data}")),
        (None, None) if source.starts_with('"') => Json::Raw(source),
        (None, None) => Json::Name(""),
    };
    let original = Json::Object(vec![("original", Json::Raw(source))]);
    let mime = Json::Text(mime.into_owned());
    PartDraft::new("file").with("mime", mime).with("url", url).with("metadata", original)
}

/// Passes a message in the older shape.
fn read_older<'b>(
    role: &'b str,
    agent: Option<&'b str>,
    message: &Fields<'b>,
    content: Option<&'b str>,
    sink: &mut Sink<'b>,
) {
    let text = content.map(|content| match content.starts_with('"') {
        true => Json::Raw(content),
        false => Json::Text(content.to_owned()),
    });
    if let (r#""tool""#, Some(call)) = (role, message.text("tool_call_id")) {
        let tool = message.string("name").map(Json::Raw);
        let output = text.unwrap_or(Json::Name(""));
        sink.result(call, ResultDraft { tool, ..ResultDraft::new(output) });
        return;
    }
    sink.begin_message(draft(role, agent));
    if let Some(reasoning) = message.string("reasoning_content") {
        sink.reasoning(Json::Raw(reasoning), None);
    }
    if let Some(text) = text {
        sink.text(text);
    }
    for call in message.array("tool_calls").unwrap_or_default() {
        let Ok(call) = Fields::parse(call) else { continue };
        let Some(function) = call.object("function") else { continue };
        let id = call.text("id").unwrap_or_default();
        let tool = function.string("name").unwrap_or(r#""unknown""#);
        sink.call(id, Json::Raw(tool), Json::from_text(function.string("arguments")));
    }
}
