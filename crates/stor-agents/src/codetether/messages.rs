//! The messages of a session and their parts.

use scrollback_core_err::IssueKind;

use crate::engine::{
    Author, Fields, Json, MessageDraft, PartDraft, ResultDraft, Sink, elements, unescaped,
};

const EXPECTED: IssueKind = IssueKind::WrongShape { expected: "a message of codetether" };

/// Passes one message.
pub(super) fn read<'b>(message: &Fields<'b>, sink: &mut Sink<'b>) -> Result<(), IssueKind> {
    let role = message.string("role").ok_or(EXPECTED)?;
    let content = message.raw("content").and_then(elements).ok_or(EXPECTED)?;
    let parsed = content.into_iter().map(|part| Some((part, Fields::parse(part).ok()?)));
    let parts: Vec<_> = parsed.collect::<Option<_>>().ok_or(EXPECTED)?;
    let author = match role {
        r#""user""# => Author::User,
        r#""assistant""# => Author::Model,
        role => Author::Program(Json::Raw(role)),
    };
    let is_known = matches!(
        role,
        r#""user""# | r#""assistant""# | r#""system""# | r#""tool""# | r#""developer""#
    );
    // Results come as messages of their own, and belong to the message of their call.
    let is_result = |(_, part): &(_, Fields<'_>)| part.raw("type") == Some(r#""tool_result""#);
    if parts.is_empty() || !parts.iter().all(is_result) {
        sink.begin_message(MessageDraft::new(author));
    }
    for (text, part) in parts {
        if read_part(&part, sink).is_none() {
            let kind = part.string("type").unwrap_or(r#""unknown""#);
            sink.unknown_part(Json::Raw(kind), Json::Raw(text));
            let value = unescaped(kind).unwrap_or_default().into_owned();
            sink.issue(IssueKind::Unknown { category: "part", value });
        }
    }
    if !is_known {
        let value = unescaped(role).unwrap_or_default().into_owned();
        sink.issue(IssueKind::Unknown { category: "role", value });
    }
    Ok(())
}

/// Passes one part. Returns `None` for a part that is not known, or lacks a field.
fn read_part<'b>(part: &Fields<'b>, sink: &mut Sink<'b>) -> Option<()> {
    let mime = part.string("mime_type").map(Json::Raw);
    match part.raw("type")? {
        r#""text""# => sink.text(Json::Raw(part.string("text")?)),
        r#""thinking""# => {
            let signature = part.string("signature").map(Json::Raw);
            let metadata = signature.map(|it| Json::Object(vec![("signature", it)]));
            sink.reasoning(Json::Raw(part.string("text")?), metadata);
        }
        r#""image""# => {
            let mime = mime.or(Some(Json::Name("image/*")));
            sink.file(mime, Json::Raw(part.string("url")?));
        }
        r#""file""# => {
            let path = Json::Raw(part.string("path")?);
            let source = Json::Object(vec![("type", Json::Name("file")), ("path", path.clone())]);
            let file = PartDraft::new("file").with_some("mime", mime).with("url", path);
            sink.part(file.with("source", source));
        }
        r#""tool_call""# => read_call(part, sink)?,
        r#""tool_result""# => {
            let output = Json::Raw(part.string("content")?);
            sink.result(part.text("tool_call_id")?, ResultDraft::new(output));
        }
        _ => return None,
    }
    Some(())
}

fn read_call<'b>(part: &Fields<'b>, sink: &mut Sink<'b>) -> Option<()> {
    let (id, name) = (part.text("id")?, part.string("name")?);
    let input = Json::from_text(Some(part.string("arguments")?));
    sink.call(id, Json::Raw(name), input);
    let signature = part.string("thought_signature").map(Json::Raw);
    let call = sink.message().and_then(|message| message.parts.last_mut());
    if let (Some(signature), Some(call)) = (signature, call) {
        let metadata = Json::Object(vec![("thoughtSignature", signature)]);
        call.fields.push(("metadata", metadata));
    }
    Some(())
}
