//! A message's own record, without its parts (`docs/format/opencode.md`, section 3.3).

use scrollback_core_err::IssueKind;
use scrollback_core_id::{MessageId, SessionId};

use super::{FileDiff, MessageError, Tokens};
use crate::json::{
    Entries, Field, IntoOwned, LazyStr, Number, RawJson, Scanner, SyntaxError, record,
};
use crate::tag::{TaggedObject, shorten};

record! {
    /// The record of a user message.
    UserMessage<'a>, "a message record" {
        /// The id.
        id: MessageId = "id",
        /// The session of the message.
        session_id: SessionId = "sessionID",
        /// "user".
        role: LazyStr<'a> = "role",
        /// The creation time.
        time: MessageTime<'a> = "time",
        /// The changes of the turn.
        summary: UserSummary<'a> = "summary",
        /// The requested agent; absent in 1.0.61 and older.
        agent: LazyStr<'a> = "agent",
        /// The requested model; absent in 1.0.61 and older.
        model: ModelRef<'a> = "model",
        /// The requested format of the answer.
        format: OutputFormat<'a> = "format",
        /// The system prompt of this message.
        system: LazyStr<'a> = "system",
        /// Tools that were switched on or off.
        tools: Entries<'a, bool> = "tools",
        /// The variant of the model; in `model` since 1.18.
        variant: LazyStr<'a> = "variant",
        /// The type of the row in 2.x, if the program wrote the message and not the user: "synthetic",
        /// "system", "skill", "compaction".
        kind: LazyStr<'a> = "type",
    }
}

record! {
    /// The record of one step of the model's answer. A turn with tools has several steps with the same
    /// `parent_id`.
    AssistantMessage<'a>, "a message record" {
        /// The id.
        id: MessageId = "id",
        /// The session of the message.
        session_id: SessionId = "sessionID",
        /// "assistant".
        role: LazyStr<'a> = "role",
        /// The times of the start and the end.
        time: AssistantTime<'a> = "time",
        /// The error, if the answer failed.
        error: MessageError<'a> = "error",
        /// The user message that the answer belongs to.
        parent_id: MessageId = "parentID",
        /// The model.
        model_id: LazyStr<'a> = "modelID",
        /// The provider of the model.
        provider_id: LazyStr<'a> = "providerID",
        /// The agent, under its older name.
        mode: LazyStr<'a> = "mode",
        /// The agent; absent in 1.0.61.
        agent: LazyStr<'a> = "agent",
        /// The directories that the agent worked in.
        path: PathInfo<'a> = "path",
        /// Whether the answer is the summary of a compaction.
        summary: bool = "summary",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: Tokens<'a> = "tokens",
        /// The answer in the requested format.
        structured: RawJson<'a> = "structured",
        /// The variant of the model.
        variant: LazyStr<'a> = "variant",
        /// The reason why the model stopped: "stop", "tool-calls", "length", …; free text.
        finish: LazyStr<'a> = "finish",
        /// The type of the row in 2.x, if the program wrote the message and not the model: "shell",
        /// "compaction".
        kind: LazyStr<'a> = "type",
    }
}

record! {
    /// The times of a user message, in Unix milliseconds.
    MessageTime<'a>, "an object" {
        /// The creation time.
        created: i64 = "created",
    }
}

record! {
    /// The times of an answer, in Unix milliseconds.
    AssistantTime<'a>, "an object" {
        /// The time of the start.
        created: i64 = "created",
        /// The time of the end. Absent while the answer is written, or if the program died.
        completed: i64 = "completed",
    }
}

record! {
    /// A model and its provider.
    ModelRef<'a>, "an object" {
        /// The model, in session records of 1.18.
        id: LazyStr<'a> = "id",
        /// The provider.
        provider_id: LazyStr<'a> = "providerID",
        /// The model.
        model_id: LazyStr<'a> = "modelID",
        /// The variant (1.18).
        variant: LazyStr<'a> = "variant",
    }
}

record! {
    /// The changes of a turn.
    UserSummary<'a>, "an object" {
        /// A title for the turn (1.1).
        title: LazyStr<'a> = "title",
        /// A text about the turn (1.1).
        body: LazyStr<'a> = "body",
        /// The changed files.
        diffs: Vec<FileDiff<'a>> = "diffs",
    }
}

record! {
    /// The requested format of the answer.
    OutputFormat<'a>, "an object" {
        /// "text" or "json_schema".
        kind: LazyStr<'a> = "type",
        /// The schema, for "json_schema".
        schema: RawJson<'a> = "schema",
        /// The number of attempts, for "json_schema".
        retry_count: i64 = "retryCount",
    }
}

record! {
    /// The directories that an agent worked in.
    PathInfo<'a>, "an object" {
        /// The current directory.
        cwd: LazyStr<'a> = "cwd",
        /// The root of the work tree.
        root: LazyStr<'a> = "root",
    }
}

/// A message with a role that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownMessage<'a> {
    /// The role, if the record has one.
    pub role: Option<LazyStr<'a>>,
    /// The whole record.
    pub raw: RawJson<'a>,
}

/// A message's own record, without its parts.
///
/// ```
/// use scrollback_core_type::{Message, Parse, Role};
///
/// let bytes = br#"{"id": "msg_1", "role": "user", "time": {"created": 1795219175055}}"#;
/// let message = Message::parse(bytes)?.value;
/// assert_eq!(message.role(), Role::User);
/// assert_eq!(message.created(), Some(1_795_219_175_055));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'a> {
    /// A message of the user.
    User(Box<UserMessage<'a>>),
    /// One step of the model's answer.
    Assistant(Box<AssistantMessage<'a>>),
    /// A role that this version does not know.
    Unknown(UnknownMessage<'a>),
}

/// The role of a message's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A role that this version does not know.
    Unknown,
}

impl Message<'_> {
    /// Returns the role of the author.
    pub fn role(&self) -> Role {
        match self {
            Self::User(_) => Role::User,
            Self::Assistant(_) => Role::Assistant,
            Self::Unknown(_) => Role::Unknown,
        }
    }

    /// Returns the id in the record.
    pub fn id(&self) -> Option<&MessageId> {
        match self {
            Self::User(user) => user.id.as_ref(),
            Self::Assistant(answer) => answer.id.as_ref(),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the session that the record names.
    pub fn session_id(&self) -> Option<&SessionId> {
        match self {
            Self::User(user) => user.session_id.as_ref(),
            Self::Assistant(answer) => answer.session_id.as_ref(),
            Self::Unknown(_) => None,
        }
    }

    /// Replaces the ids that the record has by those of its place. A missing id stays missing.
    pub fn replace_ids(&mut self, id: &MessageId, session: &SessionId) {
        let (recorded_id, recorded_session) = match self {
            Self::User(user) => (&mut user.id, &mut user.session_id),
            Self::Assistant(answer) => (&mut answer.id, &mut answer.session_id),
            Self::Unknown(_) => return,
        };
        recorded_id.iter_mut().for_each(|it| it.clone_from(id));
        recorded_session.iter_mut().for_each(|it| it.clone_from(session));
    }

    /// Returns the creation time, in Unix milliseconds.
    pub fn created(&self) -> Option<i64> {
        match self {
            Self::User(user) => user.time.as_ref()?.created,
            Self::Assistant(answer) => answer.time.as_ref()?.created,
            Self::Unknown(_) => None,
        }
    }

    /// Returns the same value without borrowed data.
    pub fn into_owned(self) -> Message<'static> {
        match self {
            Self::User(user) => Message::User(IntoOwned::into_owned(user)),
            Self::Assistant(answer) => Message::Assistant(IntoOwned::into_owned(answer)),
            Self::Unknown(unknown) => Message::Unknown(UnknownMessage {
                role: unknown.role.map(LazyStr::into_owned),
                raw: unknown.raw.into_owned(),
            }),
        }
    }
}

impl<'a> Field<'a> for Message<'a> {
    const EXPECTED: &'static str = "a message record";

    fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, SyntaxError> {
        let Some(TaggedObject { mark, tag }) = scanner.peek_tag("role")? else { return Ok(None) };
        match tag.as_ref().map(LazyStr::get).as_deref() {
            Some("user") => Ok(Field::read(scanner)?.map(Message::User)),
            Some("assistant") => Ok(Field::read(scanner)?.map(Message::Assistant)),
            role => {
                let value = shorten(role.unwrap_or("(none)"));
                scanner.note(&mark, IssueKind::Unknown { category: "role", value });
                let raw = RawJson::from_checked(scanner.raw()?);
                Ok(Some(Message::Unknown(UnknownMessage { role: tag, raw })))
            }
        }
    }
}

impl serde::Serialize for Message<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::User(user) => user.serialize(serializer),
            Self::Assistant(answer) => answer.serialize(serializer),
            Self::Unknown(unknown) => unknown.raw.serialize(serializer),
        }
    }
}
