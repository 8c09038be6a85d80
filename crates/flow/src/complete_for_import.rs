//! Fills in the fields that `opencode import` of 1.x requires and that a session may lack.
//!
//! Rows of 2.x have no counterpart of some fields of 1.x (`docs/format/opencode-v2.md`, section 7).
//! `opencode import` refuses a record without them, so an export runs this module first.

use scrollback_core_id::MessageKey;
use scrollback_core_type::{
    AssistantMessage, CacheTokens, ErrorData, LazyStr, Message, MessageError, ModelRef, Number,
    Part, PathInfo, RawJson, Session, Span, TextPart, Tokens, ToolError, ToolState, ToolTime,
    UnknownPart,
};

use crate::hydrate::SessionHydratedTree;
use crate::tree::PartRefNode;

/// The agent and model that a prompt was sent to, as far as later answers show it.
#[derive(Debug, Clone, Default)]
struct PromptTarget<'a> {
    agent: Option<LazyStr<'a>>,
    provider: Option<LazyStr<'a>>,
    model: Option<LazyStr<'a>>,
}

/// Fills in every missing field that `opencode import` of 1.x requires.
///
/// Existing values stay. Missing values become:
/// * an empty title, slug and version of the session;
/// * a cost and token counts of zero;
/// * for a prompt, the agent and model of the next answer, else those of the session, else
///   `build` and `unknown`;
/// * for an answer, the session's directory as its working directory, and the message before it as
///   its parent.
///
/// A part of a kind that 1.x does not know becomes a text part that is hidden from the model
/// (`ignored`). Its text is the JSON of the original.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SessionId, SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{complete_for_import, run_session_tree_flow};
/// use scrollback_stor_sqlite::SqliteReader;
///
/// let database = corpus(Corpus::OpencodeV2Fresh).database;
/// let store = SqliteReader::new(&database, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let session = SessionId::new("ses_dffc7f72fffeni4P7TLJs6ByJx")?.into();
/// run_session_tree_flow(&store, &session, |tree| {
///     assert_eq!(tree.session.as_ref().unwrap().title, None);
///     let mut completed = tree.clone();
///     complete_for_import(&mut completed);
///     assert_eq!(completed.session.unwrap().title.unwrap(), "");
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn complete_for_import(tree: &mut SessionHydratedTree<'_>) {
    let directory = tree.session.as_ref().and_then(|session| session.directory.clone());
    let directory = directory.unwrap_or_default();
    let mut target = tree.session.as_ref().map(session_prompt_target).unwrap_or_default();
    if let Some(session) = &mut tree.session {
        session.title.get_or_insert_default();
        session.slug.get_or_insert_default();
        session.version.get_or_insert_default();
    }
    // Backwards, because a prompt was sent to the agent and model of the answer that follows it.
    for at in (0..tree.messages.len()).rev() {
        let previous = tree.messages[..at].last().map(|previous| previous.node.key.message.clone());
        let message = &mut tree.messages[at];
        let message_id = message.node.key.message.clone();
        let created = message.message.as_ref().and_then(Message::created).unwrap_or(0);
        match &mut message.message {
            Some(Message::User(user)) => {
                user.agent.get_or_insert_with(|| target.agent());
                let model = user.model.get_or_insert_default();
                model.provider_id.get_or_insert_with(|| target.provider());
                model.model_id.get_or_insert_with(|| target.model());
                user.time.get_or_insert_default().created.get_or_insert(created);
            }
            Some(Message::Assistant(answer)) => {
                target.update_from(answer);
                answer.parent_id.get_or_insert_with(|| previous.unwrap_or(message_id));
                complete_answer(answer, &target, &directory, created);
            }
            Some(Message::Unknown(_)) | None => {}
        }
        for part in &mut message.parts {
            if let Some(Part::Unknown(unknown)) = &part.part {
                part.part = Some(Part::Text(Box::new(unknown_part_as_text(
                    unknown,
                    part.node,
                    &message.node.key,
                ))));
            }
            part.part.iter_mut().for_each(|part| complete_part(part, created));
        }
    }
}

impl<'a> PromptTarget<'a> {
    fn update_from(&mut self, answer: &AssistantMessage<'a>) {
        let update = |field: &mut Option<LazyStr<'a>>, answered: &Option<LazyStr<'a>>| {
            if answered.is_some() {
                field.clone_from(answered);
            }
        };
        update(&mut self.agent, &answer.agent);
        update(&mut self.provider, &answer.provider_id);
        update(&mut self.model, &answer.model_id);
    }

    fn agent(&self) -> LazyStr<'a> {
        self.agent.clone().unwrap_or_else(|| LazyStr::from("build"))
    }

    fn provider(&self) -> LazyStr<'a> {
        self.provider.clone().unwrap_or_else(|| LazyStr::from("unknown"))
    }

    fn model(&self) -> LazyStr<'a> {
        self.model.clone().unwrap_or_else(|| LazyStr::from("unknown"))
    }
}

fn session_prompt_target<'a>(session: &Session<'a>) -> PromptTarget<'a> {
    let model: ModelRef<'a> = session.model.clone().unwrap_or_default();
    PromptTarget { agent: session.agent.clone(), provider: model.provider_id, model: model.id }
}

fn complete_answer<'a>(
    answer: &mut AssistantMessage<'a>,
    target: &PromptTarget<'a>,
    directory: &LazyStr<'a>,
    created: i64,
) {
    let agent = answer.agent.get_or_insert_with(|| target.agent()).clone();
    answer.mode.get_or_insert(agent);
    answer.provider_id.get_or_insert_with(|| target.provider());
    answer.model_id.get_or_insert_with(|| target.model());
    let path: &mut PathInfo<'a> = answer.path.get_or_insert_default();
    let cwd = path.cwd.get_or_insert_with(|| directory.clone()).clone();
    path.root.get_or_insert(cwd);
    answer.cost.get_or_insert(Number(0.0));
    complete_tokens(&mut answer.tokens);
    answer.time.get_or_insert_default().created.get_or_insert(created);
    if let Some(error) = &mut answer.error {
        complete_error(error);
    }
}

fn complete_tokens(tokens: &mut Option<Tokens<'_>>) {
    let tokens = tokens.get_or_insert_default();
    for count in [&mut tokens.input, &mut tokens.output, &mut tokens.reasoning] {
        count.get_or_insert(0);
    }
    let cache: &mut CacheTokens<'_> = tokens.cache.get_or_insert_default();
    cache.read.get_or_insert(0);
    cache.write.get_or_insert(0);
}

fn complete_error(error: &mut MessageError<'_>) {
    let kind = error.name.get_or_insert_with(|| LazyStr::from("UnknownError")).get().into_owned();
    let data: &mut ErrorData<'_> = error.data.get_or_insert_default();
    data.message.get_or_insert_default();
    match &*kind {
        "APIError" => {
            data.is_retryable.get_or_insert(false);
        }
        "ProviderAuthError" => {
            data.provider_id.get_or_insert_with(|| LazyStr::from("unknown"));
        }
        _ => {}
    }
}

fn complete_part(part: &mut Part<'_>, created: i64) {
    match part {
        Part::Reasoning(part) => {
            complete_span(part.time.get_or_insert_default(), created);
        }
        Part::StepFinish(part) => {
            part.cost.get_or_insert(Number(0.0));
            complete_tokens(&mut part.tokens);
        }
        Part::Patch(part) => {
            part.hash.get_or_insert_default();
        }
        Part::File(part) => {
            part.mime.get_or_insert_with(|| LazyStr::from("application/octet-stream"));
            part.url.get_or_insert_default();
        }
        Part::Retry(part) => {
            part.attempt.get_or_insert(1);
            part.time.get_or_insert_default().created.get_or_insert(created);
            let error: &mut MessageError<'_> = part.error.get_or_insert_default();
            error.name = Some(LazyStr::from("APIError")); // the only error that 1.x accepts here
            complete_error(error);
        }
        Part::Tool(part) => {
            if let Some(state) = &mut part.state {
                complete_state(state, created);
            }
        }
        Part::Text(_)
        | Part::StepStart(_)
        | Part::Snapshot(_)
        | Part::Agent(_)
        | Part::Subtask(_)
        | Part::Compaction(_)
        | Part::Unknown(_) => {}
    }
}

fn complete_span(time: &mut Span<'_>, created: i64) {
    time.start.get_or_insert(created);
}

fn complete_state(state: &mut ToolState<'_>, created: i64) {
    match state {
        ToolState::Pending(state) => {
            complete_input(&mut state.input);
            state.raw.get_or_insert_default();
        }
        ToolState::Running(state) => {
            complete_input(&mut state.input);
            state.time.get_or_insert_default().start.get_or_insert(created);
        }
        ToolState::Completed(state) => {
            complete_input(&mut state.input);
            state.output.get_or_insert_default();
            state.title.get_or_insert_default();
            state.metadata.get_or_insert_with(RawJson::empty_object);
            complete_time(&mut state.time, created);
        }
        ToolState::Error(state) => {
            complete_input(&mut state.input);
            state.error.get_or_insert_default();
            complete_time(&mut state.time, created);
        }
        ToolState::Unknown(unknown) => {
            let raw = std::mem::replace(&mut unknown.raw, RawJson::empty_object());
            let mut failed = ToolError {
                status: Some(LazyStr::from("error")),
                error: Some(LazyStr::from("a state that 1.x does not know; see the metadata")),
                metadata: Some(raw),
                ..ToolError::default()
            };
            complete_input(&mut failed.input);
            complete_time(&mut failed.time, created);
            *state = ToolState::Error(Box::new(failed));
        }
    }
}

/// Converts a part of a kind that 1.x refuses to a text part that is hidden from the model.
fn unknown_part_as_text<'a>(
    unknown: &UnknownPart<'a>,
    node: &PartRefNode,
    message: &MessageKey,
) -> TextPart<'a> {
    TextPart {
        id: Some(node.key.part.clone()),
        session_id: Some(message.session.clone()),
        message_id: Some(message.message.clone()),
        kind: Some(LazyStr::from("text")),
        text: Some(LazyStr::from(unknown.raw.get().to_owned())),
        synthetic: Some(true),
        ignored: Some(true),
        ..TextPart::default()
    }
}

/// Fills in a missing input with an empty object.
fn complete_input(input: &mut Option<RawJson<'_>>) {
    input.get_or_insert_with(RawJson::empty_object);
}

fn complete_time(time: &mut Option<ToolTime<'_>>, created: i64) {
    let time = time.get_or_insert_default();
    let start = *time.start.get_or_insert(created);
    time.end.get_or_insert(start);
}
