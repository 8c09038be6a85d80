//! Drafts: messages, parts and items while a parse collects their fields.

use std::borrow::Cow;
use std::ops::Range;

use scrollback_core_type::TokenCounts;

use super::value::Json;

/// The author of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Author<'b> {
    /// The user.
    User,
    /// The model. The message is one step of its answer.
    Model,
    /// The program: a system prompt, a reminder, a role of its own. The value is the kind of message,
    /// a string: `Json::Name("system")`.
    Program(Json<'b>),
}

/// The place of a record in its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    /// The name of the step file; `None` if the container is one file.
    pub(crate) file: Option<Box<str>>,
    /// The range of bytes in the file.
    pub(crate) range: Range<u64>,
}

/// A message while it is read. All fields are optional; a record that comes later may set more.
#[derive(Debug, Clone)]
pub struct MessageDraft<'b> {
    /// The author.
    pub author: Author<'b>,
    /// The time of creation, or of the start of an answer, in Unix milliseconds.
    pub created: Option<i64>,
    /// The time of the end of an answer, in Unix milliseconds.
    pub completed: Option<i64>,
    /// The agent, a string.
    pub agent: Option<Json<'b>>,
    /// The model, a string.
    pub model: Option<Json<'b>>,
    /// The provider of the model, a string.
    pub provider: Option<Json<'b>>,
    /// The tokens that the answer used.
    pub tokens: Option<TokenCounts>,
    /// The reason why the model stopped, a string.
    pub finish: Option<Json<'b>>,
    /// The text of an error that ended the answer, a string.
    pub error: Option<Json<'b>>,
    /// Whether the message is a copy of a message of another session. Its usage counts there.
    pub is_copy: bool,
    /// Whether the message is the summary of a compaction.
    pub is_summary: bool,
    /// More fields, with names that the model does not have.
    pub extra: Vec<(&'static str, Json<'b>)>,
    pub(crate) parts: Vec<PartDraft<'b>>,
    pub(crate) origin: Origin,
}

impl<'b> MessageDraft<'b> {
    /// Returns a message without fields and parts.
    pub fn new(author: Author<'b>) -> Self {
        Self {
            author,
            created: None,
            completed: None,
            agent: None,
            model: None,
            provider: None,
            tokens: None,
            finish: None,
            error: None,
            is_copy: false,
            is_summary: false,
            extra: Vec::new(),
            parts: Vec::new(),
            origin: Origin::default(),
        }
    }
}

/// A part of a message: its kind, and its fields in the order in which they are written.
#[derive(Debug, Clone)]
pub struct PartDraft<'b> {
    pub(crate) kind: Json<'b>,
    pub(crate) fields: Vec<(&'static str, Json<'b>)>,
    pub(crate) call: Option<Box<CallDraft<'b>>>,
    pub(crate) origin: Origin,
}

impl<'b> PartDraft<'b> {
    /// Returns a part of a kind of the model, such as `text`, without fields.
    pub fn new(kind: &'static str) -> Self {
        Self::of_kind(Json::Name(kind))
    }

    /// Returns a part of any kind, a string.
    pub fn of_kind(kind: Json<'b>) -> Self {
        Self { kind, fields: Vec::new(), call: None, origin: Origin::default() }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Json<'b>) -> Self {
        self.fields.push((name, value));
        self
    }

    /// Adds a field, if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<Json<'b>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// A tool call, and its result once that was found.
#[derive(Debug, Clone)]
pub(crate) struct CallDraft<'b> {
    pub(crate) id: Cow<'b, str>,
    pub(crate) tool: Json<'b>,
    /// The input. `None` for a result whose call was not found.
    pub(crate) input: Option<Json<'b>>,
    pub(crate) result: Option<ResultDraft<'b>>,
    pub(crate) result_origin: Option<Origin>,
}

/// The result of a tool call.
#[derive(Debug, Clone)]
pub struct ResultDraft<'b> {
    /// The output, a string. For a failed call it is the error.
    pub output: Json<'b>,
    /// Whether the call failed.
    pub is_error: bool,
    /// The name of the tool, a string, for a result whose call is not found.
    pub tool: Option<Json<'b>>,
    /// More data of the tool, an object.
    pub metadata: Option<Json<'b>>,
    /// The files that came with the result.
    pub attachments: Vec<PartDraft<'b>>,
    /// The time of the start of the call, in Unix milliseconds.
    pub started: Option<i64>,
    /// The time of the end of the call, in Unix milliseconds.
    pub ended: Option<i64>,
}

impl<'b> ResultDraft<'b> {
    /// Returns the result of a call that did not fail; `output` is a string.
    pub fn new(output: Json<'b>) -> Self {
        Self {
            output,
            is_error: false,
            tool: None,
            metadata: None,
            attachments: Vec::new(),
            started: None,
            ended: None,
        }
    }
}

/// An item of the timeline that is not a message.
#[derive(Debug, Clone)]
pub(crate) struct ItemDraft<'b> {
    pub(crate) kind: Json<'b>,
    pub(crate) created: Option<i64>,
    pub(crate) fields: Vec<(&'static str, Json<'b>)>,
    pub(crate) origin: Origin,
}
