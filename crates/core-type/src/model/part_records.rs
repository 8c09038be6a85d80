//! The shapes of a part, kind by kind (`docs/format/opencode.md`, section 3.4).

use scrollback_core_id::MessageId;

use super::{MessageError, ModelRef, Tokens};
use crate::json::{LazyStr, Number, RawJson, record};

/// Makes the record of a part: what all kinds have, and the fields of this one.
macro_rules! part_record {
    ($(#[$doc:meta])* $name:ident<$life:lifetime>, $kind:literal { $($fields:tt)* }) => {
        $crate::json::record! {
            $(#[$doc])*
            $name<$life>, "a part record" {
                /// Its id.
                id: scrollback_core_id::PartId = "id",
                /// The session it belongs to.
                session_id: scrollback_core_id::SessionId = "sessionID",
                /// The message it belongs to.
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
    /// Text: what the user wrote, or what the model answered.
    TextPart<'a>, "text" {
        /// The text.
        text: LazyStr<'a> = "text",
        /// Whether the program wrote it, not the user.
        synthetic: bool = "synthetic",
        /// Whether the model is not shown it.
        ignored: bool = "ignored",
        /// From when to when it was written.
        time: Span<'a> = "time",
        /// The provider's metadata.
        metadata: RawJson<'a> = "metadata",
    }
}

part_record! {
    /// What the model thought before it answered.
    ReasoningPart<'a>, "reasoning" {
        /// The text.
        text: LazyStr<'a> = "text",
        /// The provider's metadata.
        metadata: RawJson<'a> = "metadata",
        /// From when to when it was written.
        time: Span<'a> = "time",
    }
}

part_record! {
    /// A file that goes with a message or with the answer of a tool.
    FilePart<'a>, "file" {
        /// The media type.
        mime: LazyStr<'a> = "mime",
        /// The name of the file.
        filename: LazyStr<'a> = "filename",
        /// Where it is: `data:`, `file://` or another scheme.
        url: LazyStr<'a> = "url",
        /// Where in the user's text or project it came from.
        source: FileSource<'a> = "source",
    }
}

part_record! {
    /// The start of a step of the model.
    StepStartPart<'a>, "step-start" {
        /// The state of the files before, as a git tree.
        snapshot: LazyStr<'a> = "snapshot",
    }
}

part_record! {
    /// The end of a step of the model.
    StepFinishPart<'a>, "step-finish" {
        /// Why it ended.
        reason: LazyStr<'a> = "reason",
        /// The state of the files after, as a git tree.
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
        /// The state before, as a git tree.
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
        /// Where in the user's text.
        source: SourceText<'a> = "source",
    }
}

part_record! {
    /// A task for a subagent that the user started.
    SubtaskPart<'a>, "subtask" {
        /// What to do.
        prompt: LazyStr<'a> = "prompt",
        /// A few words about it.
        description: LazyStr<'a> = "description",
        /// The agent that does it.
        agent: LazyStr<'a> = "agent",
        /// The model that does it.
        model: ModelRef<'a> = "model",
        /// The command that it came from.
        command: LazyStr<'a> = "command",
    }
}

part_record! {
    /// A try that failed and was repeated; only in the schema of the versions examined.
    RetryPart<'a>, "retry" {
        /// Which try.
        attempt: i64 = "attempt",
        /// Why it failed.
        error: MessageError<'a> = "error",
        /// When.
        time: RetryTime<'a> = "time",
    }
}

part_record! {
    /// The place where the conversation was compacted.
    CompactionPart<'a>, "compaction" {
        /// Whether the program chose to, not the user.
        auto: bool = "auto",
        /// Whether the context had overflowed (1.18).
        overflow: bool = "overflow",
        /// The first message that stays after the summary (1.18).
        tail_start_id: MessageId = "tail_start_id",
    }
}

record! {
    /// From when to when, in Unix milliseconds.
    Span<'a>, "an object" {
        /// When it began.
        start: i64 = "start",
        /// When it ended; absent while it is written, or if the program died.
        end: i64 = "end",
    }
}

record! {
    /// When a try failed, in Unix milliseconds.
    RetryTime<'a>, "an object" {
        /// When.
        created: i64 = "created",
    }
}

record! {
    /// Where a file part came from.
    FileSource<'a>, "an object" {
        /// "file", "symbol" or "resource".
        kind: LazyStr<'a> = "type",
        /// The file (file, symbol).
        path: LazyStr<'a> = "path",
        /// The name of the symbol.
        name: LazyStr<'a> = "name",
        /// The kind of the symbol, as the language server protocol numbers them.
        symbol_kind: i64 = "kind",
        /// Where the symbol is.
        range: Range<'a> = "range",
        /// The server that offers the resource.
        client_name: LazyStr<'a> = "clientName",
        /// The address of the resource.
        uri: LazyStr<'a> = "uri",
        /// Where in the user's text.
        text: SourceText<'a> = "text",
    }
}

record! {
    /// A stretch of the user's text.
    SourceText<'a>, "an object" {
        /// The text.
        value: LazyStr<'a> = "value",
        /// Where it starts, in UTF-16 units.
        start: i64 = "start",
        /// Where it ends, in UTF-16 units.
        end: i64 = "end",
    }
}

record! {
    /// A stretch of a file.
    Range<'a>, "an object" {
        /// Its first position.
        start: Position<'a> = "start",
        /// The position after it.
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
