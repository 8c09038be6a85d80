//! The twelve kinds of parts, as flat borrowed structs.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::message::{MessageError, ModelRef, Tokens, number_struct, record_struct};
use super::text::{Raw, Text, string_field};

/// Makes the structs, with the fields that every part has, and the enum over them.
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
            /// If it is no part of a known kind.
            pub fn parse(bytes: &'a [u8]) -> Result<Self> {
                let text = simdutf8::basic::from_utf8(bytes)?;
                match string_field(text, "type").as_deref() {
                    $(Some($tag) => Ok(Self::$name(serde_json::from_str(text)?)),)*
                    _ => bail!("no part of a known kind"),
                }
            }

            /// Gives it ids that are not in its record.
            pub(super) fn set_ids(&mut self, id: &'a str, session: &'a str, message: &'a str) {
                match self {
                    $(Self::$name(part) => {
                        part.id = Some(Text(id.into()));
                        part.session_id = Some(Text(session.into()));
                        part.message_id = Some(Text(message.into()));
                    })*
                }
            }

            /// The id, and the id of the message.
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
    /// Text.
    Words = "text" {
        text: &'a RawValue,
        synthetic: bool,
        ignored: bool,
        time: Span,
        metadata: &'a RawValue,
        skill: Skill<'a>,
    }
    /// What the model thought.
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
    /// A call of a tool.
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
    /// The state of the files.
    Snapshot = "snapshot" {
        snapshot: Text<'a>,
    }
    /// Files that a step changed.
    Patch = "patch" {
        hash: Text<'a>,
        files: Vec<Text<'a>>,
    }
    /// An agent called by name.
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
    /// A try that failed.
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
    /// A skill that a text is of.
    Skill {
        id: Text<'a>,
        name: Text<'a>,
    }
    /// How far a call is. One struct for all statuses, as no field differs in type: a peek at the
    /// status would read the whole state twice.
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
    /// Where a file part came from.
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
    /// A stretch of the user's text.
    SourceText {
        value: &'a RawValue,
        start: i64,
        end: i64,
    }
}

number_struct! {
    /// From when to when, in Unix milliseconds.
    Span { start: i64, end: i64, }
    /// The times of a tool call, in Unix milliseconds.
    ToolTime { start: i64, end: i64, compacted: i64, created: i64, }
    /// When a try failed, in Unix milliseconds.
    RetryTime { created: i64, }
    /// A stretch of a file.
    Range { start: Position, end: Position, }
    /// A position in a file.
    Position { line: i64, character: i64, }
}
