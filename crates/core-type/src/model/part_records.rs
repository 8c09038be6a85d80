//! The record of each kind of part (`docs/format/opencode.md`, section 3.4).

use scrollback_core_id::MessageId;

use super::{MessageError, ModelRef, Tokens};
use crate::json::{LazyStr, Number, RawJson, record};

/// Generates the record of a part: the fields of all kinds, and the fields of this kind.
macro_rules! part_record {
    ($(#[$doc:meta])* $name:ident<$life:lifetime>, $kind:literal { $($fields:tt)* }) => {
        $crate::json::record! {
            $(#[$doc])*
            $name<$life>, "a part record" {
                /// The id.
                id: scrollback_core_id::PartId = "id",
                /// The session of the part.
                session_id: scrollback_core_id::SessionId = "sessionID",
                /// The message of the part.
                message_id: scrollback_core_id::MessageId = "messageID",
                #[doc = concat!("The kind: `", $kind, "`.")]
                kind: $crate::json::LazyStr<$life> = "type",
                $($fields)*
            }
        }
    };
}

pub(super) use part_record;

part_record! {
    /// Text of the user or the model.
    TextPart<'a>, "text" {
        /// The text.
        text: LazyStr<'a> = "text",
        /// Whether the program wrote the text, not the user.
        synthetic: bool = "synthetic",
        /// Whether the text is hidden from the model.
        ignored: bool = "ignored",
        /// The time span in which the text was written.
        time: Span<'a> = "time",
        /// The provider's metadata.
        metadata: RawJson<'a> = "metadata",
    }
}

part_record! {
    /// Reasoning of the model before its answer.
    ReasoningPart<'a>, "reasoning" {
        /// The text.
        text: LazyStr<'a> = "text",
        /// The provider's metadata.
        metadata: RawJson<'a> = "metadata",
        /// The time span in which the text was written.
        time: Span<'a> = "time",
    }
}

part_record! {
    /// A file that is attached to a message or to the answer of a tool.
    FilePart<'a>, "file" {
        /// The media type.
        mime: LazyStr<'a> = "mime",
        /// The name of the file.
        filename: LazyStr<'a> = "filename",
        /// The address: `data:`, `file://` or another scheme.
        url: LazyStr<'a> = "url",
        /// The origin in the user's text or project.
        source: FileSource<'a> = "source",
    }
}

part_record! {
    /// The start of a step of the model.
    StepStartPart<'a>, "step-start" {
        /// The state of the files before the step, as a git tree.
        snapshot: LazyStr<'a> = "snapshot",
    }
}

part_record! {
    /// The end of a step of the model.
    StepFinishPart<'a>, "step-finish" {
        /// The reason for the end.
        reason: LazyStr<'a> = "reason",
        /// The state of the files after the step, as a git tree.
        snapshot: LazyStr<'a> = "snapshot",
        /// Cost in US dollars.
        cost: Number = "cost",
        /// Tokens used.
        tokens: Tokens<'a> = "tokens",
    }
}

part_record! {
    /// The state of the files; only in old data.
    SnapshotPart<'a>, "snapshot" {
        /// A git tree.
        snapshot: LazyStr<'a> = "snapshot",
    }
}

part_record! {
    /// Files that a step changed.
    PatchPart<'a>, "patch" {
        /// The state of the files before the change, as a git tree.
        hash: LazyStr<'a> = "hash",
        /// The files, as absolute paths.
        files: Vec<LazyStr<'a>> = "files",
    }
}

part_record! {
    /// An agent that the user called by name.
    AgentPart<'a>, "agent" {
        /// The agent.
        name: LazyStr<'a> = "name",
        /// The place in the user's text.
        source: SourceText<'a> = "source",
    }
}

part_record! {
    /// A task for a subagent that the user started.
    SubtaskPart<'a>, "subtask" {
        /// The task.
        prompt: LazyStr<'a> = "prompt",
        /// A short description of the task.
        description: LazyStr<'a> = "description",
        /// The agent for the task.
        agent: LazyStr<'a> = "agent",
        /// The model for the task.
        model: ModelRef<'a> = "model",
        /// The command that started the task.
        command: LazyStr<'a> = "command",
    }
}

part_record! {
    /// A failed attempt that was repeated. The examined versions have it in their schema and never write it.
    RetryPart<'a>, "retry" {
        /// The number of the attempt.
        attempt: i64 = "attempt",
        /// The error.
        error: MessageError<'a> = "error",
        /// The time of the failure.
        time: RetryTime<'a> = "time",
    }
}

part_record! {
    /// The place where the conversation was compacted.
    CompactionPart<'a>, "compaction" {
        /// Whether the program started the compaction, not the user.
        auto: bool = "auto",
        /// Whether the context had overflowed (1.18).
        overflow: bool = "overflow",
        /// The first message that stays after the summary (1.18).
        tail_start_id: MessageId = "tail_start_id",
    }
}

record! {
    /// A time span, in Unix milliseconds.
    Span<'a>, "an object" {
        /// The start.
        start: i64 = "start",
        /// The end. Absent while the part is written, or if the program died.
        end: i64 = "end",
    }
}

record! {
    /// The time of a failed attempt, in Unix milliseconds.
    RetryTime<'a>, "an object" {
        /// The time of the failure.
        created: i64 = "created",
    }
}

record! {
    /// The origin of a file part.
    FileSource<'a>, "an object" {
        /// "file", "symbol" or "resource".
        kind: LazyStr<'a> = "type",
        /// The file (file, symbol).
        path: LazyStr<'a> = "path",
        /// The name of the symbol.
        name: LazyStr<'a> = "name",
        /// The kind of the symbol, as the language server protocol numbers them.
        symbol_kind: i64 = "kind",
        /// The place of the symbol.
        range: Range<'a> = "range",
        /// The server that offers the resource.
        client_name: LazyStr<'a> = "clientName",
        /// The address of the resource.
        uri: LazyStr<'a> = "uri",
        /// The place in the user's text.
        text: SourceText<'a> = "text",
    }
}

record! {
    /// A range of the user's text.
    SourceText<'a>, "an object" {
        /// The text.
        value: LazyStr<'a> = "value",
        /// The start, in UTF-16 units.
        start: i64 = "start",
        /// The end, in UTF-16 units.
        end: i64 = "end",
    }
}

record! {
    /// A range of a file.
    Range<'a>, "an object" {
        /// The first position.
        start: Position<'a> = "start",
        /// The position after the range.
        end: Position<'a> = "end",
    }
}

record! {
    /// A position in a file, counted from 0.
    Position<'a>, "an object" {
        /// The line.
        line: i64 = "line",
        /// The character in the line, in UTF-16 units.
        character: i64 = "character",
    }
}
