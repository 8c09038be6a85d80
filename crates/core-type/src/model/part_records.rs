//! The shapes of a part, kind by kind (`docs/format/opencode.md`, section 3.4).

use scrollback_core_id::{MessageId, PartId, SessionId};

use super::{MessageError, ModelRef, Tokens};
use crate::json::{LazyStr, Number, RawJson, record};

record! {
    /// Text: what the user wrote, or what the model answered.
    TextPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "text".
        kind: LazyStr<'a> = "type",
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

record! {
    /// What the model thought before it answered.
    ReasoningPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "reasoning".
        kind: LazyStr<'a> = "type",
        /// The text.
        text: LazyStr<'a> = "text",
        /// The provider's metadata.
        metadata: RawJson<'a> = "metadata",
        /// From when to when it was written.
        time: Span<'a> = "time",
    }
}

record! {
    /// A file that goes with a message or with the answer of a tool.
    FilePart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "file".
        kind: LazyStr<'a> = "type",
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

record! {
    /// The start of a step of the model.
    StepStartPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "step-start".
        kind: LazyStr<'a> = "type",
        /// The state of the files before, as a git tree.
        snapshot: LazyStr<'a> = "snapshot",
    }
}

record! {
    /// The end of a step of the model.
    StepFinishPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "step-finish".
        kind: LazyStr<'a> = "type",
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

record! {
    /// The state of the files; only in old data.
    SnapshotPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "snapshot".
        kind: LazyStr<'a> = "type",
        /// A git tree.
        snapshot: LazyStr<'a> = "snapshot",
    }
}

record! {
    /// Files that a step changed.
    PatchPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "patch".
        kind: LazyStr<'a> = "type",
        /// The state before, as a git tree.
        hash: LazyStr<'a> = "hash",
        /// The files, as absolute paths.
        files: Vec<LazyStr<'a>> = "files",
    }
}

record! {
    /// An agent that the user called by name.
    AgentPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "agent".
        kind: LazyStr<'a> = "type",
        /// The agent.
        name: LazyStr<'a> = "name",
        /// Where in the user's text.
        source: SourceText<'a> = "source",
    }
}

record! {
    /// A task for a subagent that the user started.
    SubtaskPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "subtask".
        kind: LazyStr<'a> = "type",
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

record! {
    /// A try that failed and was repeated; only in the schema of the versions examined.
    RetryPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "retry".
        kind: LazyStr<'a> = "type",
        /// Which try.
        attempt: i64 = "attempt",
        /// Why it failed.
        error: MessageError<'a> = "error",
        /// When.
        time: RetryTime<'a> = "time",
    }
}

record! {
    /// The place where the conversation was compacted.
    CompactionPart<'a>, "a part record" {
        /// Its id.
        id: PartId = "id",
        /// The session it belongs to.
        session_id: SessionId = "sessionID",
        /// The message it belongs to.
        message_id: MessageId = "messageID",
        /// "compaction".
        kind: LazyStr<'a> = "type",
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
