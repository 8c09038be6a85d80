//! The twelve kinds of parts, as flat structs that borrow.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::message::{MessageError, ModelRef, Tokens, number_struct, record_struct};
use super::text::{Raw, Text, string_field};

/// Defines the structs, with the fields that every part has, and an enum of them.
macro_rules! part_types {
    ($($(#[$doc:meta])* $name:ident = $tag:literal {
        $($(#[$serde:meta])* $field:ident: $type:ty,)*
    })*) => {
        record_struct! {$(
            $(#[$doc])*
            $name {
                id: Text<'a>,
                #[serde(rename = "sessionID")]
                session_id: Text<'a>,
                #[serde(rename = "messageID")]
                message_id: Text<'a>,
                #[serde(rename = "type")]
                kind: Text<'a>,
                $($(#[$serde])* $field: $type,)*
            }
        )*}

        /// A part of a message.
        #[derive(Debug, Serialize)]
        #[serde(untagged)]
        pub enum Part<'a> {
            $($(#[$doc])* $name(Box<$name<'a>>),)*
        }

        impl<'a> Part<'a> {
            /// Parses a record.
            ///
            /// # Errors
            /// If the text is not a part of a known kind.
            pub fn parse(bytes: &'a [u8]) -> Result<Self> {
                let text = simdutf8::basic::from_utf8(bytes)?;
                match string_field(text, "type").as_deref() {
                    $(Some($tag) => Ok(Self::$name(serde_json::from_str(text)?)),)*
                    _ => bail!("not a part of a known kind"),
                }
            }

            /// Sets the ids, which are not in the record of a database row.
            pub(super) fn set_ids(&mut self, id: &'a str, session: &'a str, message: &'a str) {
                match self {
                    $(Self::$name(part) => {
                        part.id = Some(Text(id.into()));
                        part.session_id = Some(Text(session.into()));
                        part.message_id = Some(Text(message.into()));
                    })*
                }
            }

            /// Returns the id of the part, and the id of its message.
            pub(super) fn ids(&self) -> (Option<&str>, Option<&str>) {
                match self {
                    $(Self::$name(part) => (
                        part.id.as_ref().map(|id| &*id.0),
                        part.message_id.as_ref().map(|id| &*id.0),
                    ),)*
                }
            }
        }
    };
}

part_types! {
    /// A text.
    Words = "text" {
        text: &'a RawValue,
        synthetic: bool,
        ignored: bool,
        time: Span,
        metadata: &'a RawValue,
        skill: Skill<'a>,
    }
    /// Reasoning of the model.
    Reasoning = "reasoning" {
        text: &'a RawValue,
        metadata: &'a RawValue,
        time: Span,
    }
    /// A file.
    File = "file" {
        mime: Text<'a>,
        filename: Text<'a>,
        url: Raw<'a>,
        source: FileSource<'a>,
    }
    /// A tool call.
    Tool = "tool" {
        #[serde(rename = "callID")]
        call_id: Text<'a>,
        tool: Text<'a>,
        state: ToolState<'a>,
        metadata: &'a RawValue,
        executed: bool,
    }
    /// The start of a step.
    StepStart = "step-start" {
        snapshot: Text<'a>,
    }
    /// The end of a step.
    StepFinish = "step-finish" {
        reason: Text<'a>,
        snapshot: Text<'a>,
        cost: f64,
        tokens: Tokens,
    }
    /// A snapshot of the work tree.
    Snapshot = "snapshot" {
        snapshot: Text<'a>,
    }
    /// A patch: the files that a step changed.
    Patch = "patch" {
        hash: Text<'a>,
        files: Vec<Text<'a>>,
    }
    /// An agent that the user named.
    Agent = "agent" {
        name: Text<'a>,
        source: SourceText<'a>,
    }
    /// A task for a subagent.
    Subtask = "subtask" {
        prompt: &'a RawValue,
        description: Text<'a>,
        agent: Text<'a>,
        model: ModelRef<'a>,
        command: Text<'a>,
    }
    /// A retry after a failure.
    Retry = "retry" {
        attempt: i64,
        error: MessageError<'a>,
        time: RetryTime,
    }
    /// The place of a compaction.
    Compaction = "compaction" {
        auto: bool,
        overflow: bool,
        #[serde(rename = "tail_start_id")]
        tail_start_id: Text<'a>,
    }
}

record_struct! {
    /// The skill from which a text comes.
    Skill {
        id: Text<'a>,
        name: Text<'a>,
    }
    /// The state of a tool call. All statuses share one struct, because no field differs in type
    /// and reading the status first would parse the whole state twice.
    ToolState {
        status: Text<'a>,
        input: &'a RawValue,
        raw: &'a RawValue,
        output: &'a RawValue,
        error: &'a RawValue,
        title: Text<'a>,
        metadata: &'a RawValue,
        time: ToolTime,
        attachments: Vec<File<'a>>,
        cause: &'a RawValue,
    }
    /// The source of a file part.
    FileSource {
        #[serde(rename = "type")]
        kind: Text<'a>,
        path: Text<'a>,
        name: Text<'a>,
        #[serde(rename = "kind")]
        symbol_kind: i64,
        range: Range,
        client_name: Text<'a>,
        uri: Text<'a>,
        text: SourceText<'a>,
    }
    /// A range of the user's text.
    SourceText {
        value: &'a RawValue,
        start: i64,
        end: i64,
    }
}

number_struct! {
    /// Start and end, in Unix milliseconds.
    Span { start: i64, end: i64, }
    /// The times of a tool call, in Unix milliseconds.
    ToolTime { start: i64, end: i64, compacted: i64, created: i64, }
    /// The time of a failed try, in Unix milliseconds.
    RetryTime { created: i64, }
    /// A range in a file.
    Range { start: Position, end: Position, }
    /// A position in a file.
    Position { line: i64, character: i64, }
}
