//! Rows as flat structs that borrow, and their conversion to messages and parts.
//!
//! The place of each part is kept, as in the floors of the other formats: a part is a record that
//! can be read again.
//!
//! Only content of the generated stores is supported: a tool call returns one text, and the
//! measured session has no files and no agents.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::super::message::{
    AssistantMessage, ErrorData, MessageError, MessageTime, ModelRef, PathInfo, Tokens,
    UserMessage, number_struct, record_struct,
};
use super::super::super::part::{
    File, Patch, Reasoning, Skill, Span, StepFinish, StepStart, Tool, ToolState, ToolTime, Words,
};
use super::super::super::text::{Raw, Text};
use super::super::super::tree::WholeMessage;
use super::super::super::{Message, Part, error_name};

record_struct! {
    /// A user message.
    Prompt {
        text: &'a RawValue,
        time: MessageTime,
        files: Vec<Attachment<'a>>,
        agents: &'a RawValue,
        skills: Vec<SkillRow<'a>>,
    }
    /// A file of a prompt.
    Attachment {
        data: Text<'a>,
        mime: Text<'a>,
        name: Text<'a>,
    }
    /// A skill that the user named.
    SkillRow {
        id: Text<'a>,
        name: Text<'a>,
        text: &'a RawValue,
    }
    /// An assistant message: one step of the answer.
    Answer {
        agent: Text<'a>,
        model: ModelRef<'a>,
        content: Vec<&'a RawValue>,
        snapshot: Snapshot<'a>,
        time: MessageTime,
        finish: Text<'a>,
        cost: f64,
        tokens: Tokens,
        error: Failure<'a>,
        retry: &'a RawValue,
    }
    /// A text, a reasoning or a tool call. All kinds share one struct, because reading the type
    /// first would parse them twice.
    Item {
        #[serde(rename = "type")]
        kind: Text<'a>,
        text: &'a RawValue,
        id: Text<'a>,
        name: Text<'a>,
        executed: bool,
        state: State<'a>,
        time: ItemTime,
    }
    /// The state of a tool call.
    State {
        status: Text<'a>,
        input: &'a RawValue,
        content: Vec<Content<'a>>,
        metadata: &'a RawValue,
        error: &'a RawValue,
    }
    /// An output of a tool.
    Content {
        #[serde(rename = "type")]
        kind: Text<'a>,
        text: &'a RawValue,
    }
    /// An error.
    Failure {
        #[serde(rename = "type")]
        kind: Text<'a>,
        message: &'a RawValue,
    }
    /// A snapshot of the work tree.
    Snapshot {
        start: Text<'a>,
        end: Text<'a>,
        files: Vec<Text<'a>>,
    }
}

number_struct! {
    /// The times of an item, in Unix milliseconds.
    ItemTime { created: i64, ran: i64, completed: i64, pruned: i64, }
}

/// The ids of a message.
pub(super) struct Ids<'a> {
    pub(super) message: &'a str,
    pub(super) session: &'a str,
}

impl<'a> Ids<'a> {
    fn message(&self) -> Option<Text<'a>> {
        Some(Text(self.message.into()))
    }

    fn session(&self) -> Option<Text<'a>> {
        Some(Text(self.session.into()))
    }

    /// Returns the id of a part: the message's id, with the place in its last five characters.
    fn part(&self, place: &str) -> Option<Text<'a>> {
        Some(Text(["prt_", self.message.get(4..25)?, place].concat().into()))
    }

    fn number(&self, number: usize) -> Option<Text<'a>> {
        Some(Text(format!("prt_{}{number:05}", self.message.get(4..25)?).into()))
    }
}

/// Converts a prompt into a user message.
pub(super) fn prompt<'a>(text: &'a str, ids: &Ids<'a>) -> Result<WholeMessage<'a>> {
    let prompt: Prompt<'a> = serde_json::from_str(text)?;
    ensure!(prompt.agents.is_none(), "agents are not supported");
    let created = prompt.time.as_ref().and_then(|time| time.created);
    let mut parts = vec![words(prompt.text, None, None, ids, 0)];
    for file in prompt.files.unwrap_or_default() {
        let mime = file.mime.as_ref().map_or("", |mime| &mime.0);
        let data = file.data.as_ref().map_or("", |data| &data.0);
        let url = RawValue::from_string(format!("\"data:{mime};base64,{data}\""))?;
        parts.push(Part::File(Box::new(File {
            id: ids.number(parts.len()),
            session_id: ids.session(),
            message_id: ids.message(),
            kind: Some(Text("file".into())),
            mime: file.mime,
            filename: file.name,
            url: Some(Raw::Made(url)),
            source: None,
        })));
    }
    for SkillRow { id, name, text } in prompt.skills.unwrap_or_default() {
        let at = parts.len();
        parts.push(words(text, Some(true), Some(Skill { id, name }), ids, at));
    }
    let message = Message::User(Box::new(UserMessage {
        id: ids.message(),
        session_id: ids.session(),
        role: Some(Text("user".into())),
        time: prompt.time,
        summary: None,
        agent: None,
        model: None,
        format: None,
        system: None,
        tools: None,
        variant: None,
    }));
    let created = created.unwrap_or(0);
    Ok(WholeMessage { created, message, parts })
}

fn words<'a>(
    text: Option<&'a RawValue>,
    synthetic: Option<bool>,
    skill: Option<Skill<'a>>,
    ids: &Ids<'a>,
    number: usize,
) -> Part<'a> {
    Part::Words(Box::new(Words {
        id: ids.number(number),
        session_id: ids.session(),
        message_id: ids.message(),
        kind: Some(Text("text".into())),
        text,
        synthetic,
        ignored: None,
        time: None,
        metadata: None,
        skill,
    }))
}

/// Converts a step into an assistant message.
pub(super) fn answer<'a>(
    text: &'a str,
    ids: &Ids<'a>,
    parent: Option<&'a str>,
    cwd: Option<&'a str>,
    places: &mut Vec<&'a RawValue>,
) -> Result<WholeMessage<'a>> {
    let Answer { agent, model, content, snapshot, time, finish, cost, tokens, error, retry } =
        serde_json::from_str(text)?;
    ensure!(retry.is_none());
    let snapshot = snapshot.unwrap_or(Snapshot { start: None, end: None, files: None });
    let content = content.unwrap_or_default();
    let mut parts = Vec::with_capacity(content.len() + 3);
    let start = snapshot.start.as_ref().map(|start| Text(start.0.clone()));
    if let Some(start) = snapshot.start {
        parts.push(Part::StepStart(Box::new(StepStart {
            id: ids.number(0),
            session_id: ids.session(),
            message_id: ids.message(),
            kind: Some(Text("step-start".into())),
            snapshot: Some(start),
        })));
    }
    for (at, item) in content.iter().enumerate() {
        parts.push(part(serde_json::from_str(item.get())?, ids, ids.number(at + 1))?);
    }
    places.extend(content);
    if let Some(reason) = finish.as_ref().filter(|finish| finish.0 != "error") {
        parts.push(Part::StepFinish(Box::new(StepFinish {
            id: ids.part("finis"),
            session_id: ids.session(),
            message_id: ids.message(),
            kind: Some(Text("step-finish".into())),
            reason: Some(Text(reason.0.clone())),
            snapshot: snapshot.end,
            cost,
            tokens: tokens.clone(),
        })));
    }
    if let Some(files) = snapshot.files {
        parts.push(Part::Patch(Box::new(Patch {
            id: ids.part("patch"),
            session_id: ids.session(),
            message_id: ids.message(),
            kind: Some(Text("patch".into())),
            hash: start,
            files: Some(files),
        })));
    }
    let created = time.as_ref().and_then(|time| time.created).unwrap_or(0);
    let (provider, name, variant) = match model {
        Some(model) => (model.provider_id, model.id, model.variant),
        None => (None, None, None),
    };
    let message = Message::Assistant(Box::new(AssistantMessage {
        id: ids.message(),
        session_id: ids.session(),
        role: Some(Text("assistant".into())),
        time,
        error: error.map(failure),
        parent_id: parent.map(|parent| Text(parent.into())),
        model_id: name,
        provider_id: provider,
        mode: None,
        agent,
        path: cwd.map(|cwd| PathInfo { cwd: Some(Text(cwd.into())), root: None }),
        summary: None,
        cost,
        tokens,
        structured: None,
        variant,
        finish,
    }));
    Ok(WholeMessage { created, message, parts })
}

fn part<'a>(item: Item<'a>, ids: &Ids<'a>, id: Option<Text<'a>>) -> Result<Part<'a>> {
    let (session_id, message_id) = (ids.session(), ids.message());
    let Item { kind, text, id: call, name, executed, state, time } = item;
    Ok(match kind.as_ref().map(|kind| &*kind.0) {
        Some("text") => {
            let (synthetic, ignored, time, metadata) = (None, None, None, None);
            Part::Words(Box::new(Words {
                id,
                session_id,
                message_id,
                kind,
                text,
                synthetic,
                ignored,
                time,
                metadata,
                skill: None,
            }))
        }
        Some("reasoning") => {
            let time = time.map(|time| Span { start: time.created, end: time.completed });
            let metadata = None;
            Part::Reasoning(Box::new(Reasoning {
                id,
                session_id,
                message_id,
                kind,
                text,
                metadata,
                time,
            }))
        }
        Some("tool") => {
            let state = state.map(|it| tool_state(it, time)).transpose()?;
            Part::Tool(Box::new(Tool {
                id,
                session_id,
                message_id,
                kind,
                call_id: call,
                tool: name,
                state,
                metadata: None,
                executed,
            }))
        }
        _ => bail!("an item of an unknown kind"),
    })
}

fn tool_state<'a>(state: State<'a>, time: Option<ItemTime>) -> Result<ToolState<'a>> {
    let State { status, input, content, metadata, error } = state;
    let time = time.map(|time| ToolTime {
        start: time.ran.or(time.created),
        end: time.completed,
        compacted: time.pruned,
        created: time.created.filter(|_| time.ran.is_some()),
    });
    let mut made = ToolState {
        status,
        input,
        raw: None,
        output: None,
        error: None,
        title: None,
        metadata,
        time,
        attachments: None,
        cause: None,
    };
    match made.status.as_ref().map(|status| &*status.0) {
        Some("completed") => {
            let [content] = &content.unwrap_or_default()[..] else { bail!("several texts") };
            made.output = content.text;
        }
        Some("error") => {
            let failure: Option<Failure<'a>> =
                error.map(|error| serde_json::from_str(error.get())).transpose()?;
            made.error = failure.and_then(|failure| failure.message);
            made.cause = error;
        }
        Some("running") => {}
        _ => bail!("a state that does not occur"),
    }
    Ok(made)
}

fn failure(failure: Failure<'_>) -> MessageError<'_> {
    let name = error_name(failure.kind.as_ref().map_or("", |kind| &kind.0));
    let data = ErrorData {
        message: failure.message,
        provider_id: None,
        status_code: None,
        is_retryable: None,
        response_headers: None,
        response_body: None,
        metadata: None,
        retries: None,
        r#ref: None,
    };
    MessageError { name: Some(Text(name.into())), data: Some(data), kind: failure.kind }
}
