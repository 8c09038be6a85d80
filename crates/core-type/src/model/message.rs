//! A message's own record, without its parts (`docs/format/opencode.md`, section 3.3).

use scrollback_core_err::IssueKind;
use scrollback_core_id::{MessageId, SessionId};

use super::{FileDiff, MessageError, Tokens};
use crate::json::{
    Entries, Field, IntoOwned, LazyStr, Number, RawJson, Scanner, SyntaxError, record,
};
use crate::tag::{TaggedObject, shorten};

record! {
    /// What the user asked.
    UserMessage<'a>, "a message record" {
        /// Its id.
        id: MessageId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// "user".
        role: LazyStr<'a> = "role",
        /// When it was made.
        time: MessageTime<'a> = "time",
        /// What the turn changed.
        summary: UserSummary<'a> = "summary",
        /// The agent asked; absent in 1.0.61 and older.
        agent: LazyStr<'a> = "agent",
        /// The model asked; absent in 1.0.61 and older.
        model: ModelRef<'a> = "model",
        /// The form of the answer that was asked for.
        format: OutputFormat<'a> = "format",
        /// A system prompt of this message.
        system: LazyStr<'a> = "system",
        /// Tools switched on and off.
        tools: Entries<'a, bool> = "tools",
        /// The variant of the model; in `model` since 1.18.
        variant: LazyStr<'a> = "variant",
        /// The type of its row in 2.x, if that is none that users write: "synthetic", "system",
        /// "skill", "compaction".
        kind: LazyStr<'a> = "type",
    }
}

record! {
    /// One step of the model's answer. A turn with tools is several, with one `parent_id`.
    AssistantMessage<'a>, "a message record" {
        /// Its id.
        id: MessageId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// "assistant".
        role: LazyStr<'a> = "role",
        /// When it was made and finished.
        time: AssistantTime<'a> = "time",
        /// Why it failed.
        error: MessageError<'a> = "error",
        /// The user message that it answers.
        parent_id: MessageId = "parentID",
        /// The model.
        model_id: LazyStr<'a> = "modelID",
        /// The provider of the model.
        provider_id: LazyStr<'a> = "providerID",
        /// The agent, under its older name.
        mode: LazyStr<'a> = "mode",
        /// The agent; absent in 1.0.61.
        agent: LazyStr<'a> = "agent",
        /// Where the agent worked.
        path: PathInfo<'a> = "path",
        /// Whether this is the summary of a compaction.
        summary: bool = "summary",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: Tokens<'a> = "tokens",
        /// The answer in the form that was asked for.
        structured: RawJson<'a> = "structured",
        /// The variant of the model.
        variant: LazyStr<'a> = "variant",
        /// Why the model stopped: "stop", "tool-calls", "length", …; free.
        finish: LazyStr<'a> = "finish",
        /// The type of its row in 2.x, if that is none that the model writes: "shell", "compaction".
        kind: LazyStr<'a> = "type",
    }
}

record! {
    /// The times of a user message, in Unix milliseconds.
    MessageTime<'a>, "an object" {
        /// When it was made.
        created: i64 = "created",
    }
}

record! {
    /// The times of an answer, in Unix milliseconds.
    AssistantTime<'a>, "an object" {
        /// When it was begun.
        created: i64 = "created",
        /// When it was finished; absent while it runs, or if the program died.
        completed: i64 = "completed",
    }
}

record! {
    /// A model and who provides it.
    ModelRef<'a>, "an object" {
        /// The model in sessions of 1.18.
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
    /// What a turn changed.
    UserSummary<'a>, "an object" {
        /// A title for the turn (1.1).
        title: LazyStr<'a> = "title",
        /// A text about the turn (1.1).
        body: LazyStr<'a> = "body",
        /// The files changed.
        diffs: Vec<FileDiff<'a>> = "diffs",
    }
}

record! {
    /// The form of the answer that was asked for.
    OutputFormat<'a>, "an object" {
        /// "text" or "json_schema".
        kind: LazyStr<'a> = "type",
        /// The schema, for "json_schema".
        schema: RawJson<'a> = "schema",
        /// How often to try, for "json_schema".
        retry_count: i64 = "retryCount",
    }
}

record! {
    /// Where the agent worked.
    PathInfo<'a>, "an object" {
        /// The current directory.
        cwd: LazyStr<'a> = "cwd",
        /// The root of the work tree.
        root: LazyStr<'a> = "root",
    }
}

/// A message of a role that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownMessage<'a> {
    /// Its role, if it has one.
    pub role: Option<LazyStr<'a>>,
    /// All of it.
    pub raw: RawJson<'a>,
}

/// A message's own record, without its parts.
#[derive(Debug, Clone, PartialEq)]
pub enum Message<'a> {
    /// What the user asked.
    User(Box<UserMessage<'a>>),
    /// One step of the model's answer.
    Assistant(Box<AssistantMessage<'a>>),
    /// A role that this version does not know.
    Unknown(UnknownMessage<'a>),
}

/// Who speaks.
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
    /// Who speaks.
    pub fn role(&self) -> Role {
        match self {
            Self::User(_) => Role::User,
            Self::Assistant(_) => Role::Assistant,
            Self::Unknown(_) => Role::Unknown,
        }
    }

    /// The id that the record itself holds.
    pub fn id(&self) -> Option<&MessageId> {
        match self {
            Self::User(user) => user.id.as_ref(),
            Self::Assistant(answer) => answer.id.as_ref(),
            Self::Unknown(_) => None,
        }
    }

    /// The session that the record itself names.
    pub fn session_id(&self) -> Option<&SessionId> {
        match self {
            Self::User(user) => user.session_id.as_ref(),
            Self::Assistant(answer) => answer.session_id.as_ref(),
            Self::Unknown(_) => None,
        }
    }

    /// When it was made, in Unix milliseconds.
    pub fn created(&self) -> Option<i64> {
        match self {
            Self::User(user) => user.time.as_ref()?.created,
            Self::Assistant(answer) => answer.time.as_ref()?.created,
            Self::Unknown(_) => None,
        }
    }

    /// The same value, borrowing nothing.
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
