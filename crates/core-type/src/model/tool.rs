//! Tool calls and their states (`docs/format/opencode.md`, section 3.4).

use std::fmt;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{CallId, SessionId};

use serde::Deserialize;
use serde_json::Value;

use super::FilePart;
use super::part_records::part_record;
use crate::json::{Field, IntoOwned, LazyStr, RawJson, Scanner, SyntaxError, record};
use crate::tag::{TaggedObject, shorten};

part_record! {
    /// A call of a tool.
    ToolPart<'a>, "tool" {
        /// The id of the call, chosen by the provider.
        call_id: CallId = "callID",
        /// The tool: "bash", "read", "task", …; "invalid" for calls that the program could not run.
        tool: LazyStr<'a> = "tool",
        /// The state of the call.
        state: ToolState<'a> = "state",
        /// The provider's metadata.
        metadata: RawJson<'a> = "metadata",
        /// Whether the provider ran the tool (2.x).
        executed: bool = "executed",
    }
}

/// The state of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolState<'a> {
    /// The model is still writing the input.
    Pending(Box<ToolPending<'a>>),
    /// The tool runs.
    Running(Box<ToolRunning<'a>>),
    /// The tool has answered.
    Completed(Box<ToolCompleted<'a>>),
    /// The tool failed, or was aborted.
    Error(Box<ToolError<'a>>),
    /// A state with a status that this version does not know, kept whole.
    Unknown(UnknownToolState<'a>),
}

record! {
    /// The state of a call while the model is still writing its input.
    ToolPending<'a>, "a tool state" {
        /// "pending".
        status: LazyStr<'a> = "status",
        /// The current input.
        input: RawJson<'a> = "input",
        /// The current input as text.
        raw: LazyStr<'a> = "raw",
    }
}

record! {
    /// The state of a running call.
    ToolRunning<'a>, "a tool state" {
        /// "running".
        status: LazyStr<'a> = "status",
        /// The input.
        input: RawJson<'a> = "input",
        /// The title of the running work, chosen by the tool.
        title: LazyStr<'a> = "title",
        /// Metadata of the tool; for bash the current output.
        metadata: RawJson<'a> = "metadata",
        /// The time of the start.
        time: ToolTime<'a> = "time",
    }
}

record! {
    /// The state of a call that the tool answered.
    ToolCompleted<'a>, "a tool state" {
        /// "completed".
        status: LazyStr<'a> = "status",
        /// The input.
        input: RawJson<'a> = "input",
        /// The output that the model received.
        output: LazyStr<'a> = "output",
        /// The title of the finished work, chosen by the tool.
        title: LazyStr<'a> = "title",
        /// Metadata of the tool; for task the id of the subagent's session.
        metadata: RawJson<'a> = "metadata",
        /// The times of the start and the end.
        time: ToolTime<'a> = "time",
        /// Files that came with the answer.
        attachments: Vec<FilePart<'a>> = "attachments",
    }
}

record! {
    /// The state of a call that failed or was aborted.
    ToolError<'a>, "a tool state" {
        /// "error".
        status: LazyStr<'a> = "status",
        /// The input.
        input: RawJson<'a> = "input",
        /// The error.
        error: LazyStr<'a> = "error",
        /// The error as 2.x stores it.
        cause: RawJson<'a> = "cause",
        /// Metadata of the tool.
        metadata: RawJson<'a> = "metadata",
        /// The times of the start and the end.
        time: ToolTime<'a> = "time",
    }
}

record! {
    /// The times of a tool call, in Unix milliseconds.
    ToolTime<'a>, "an object" {
        /// The start.
        start: i64 = "start",
        /// The end.
        end: i64 = "end",
        /// The time when the output was removed from the model's context. The output is still stored.
        compacted: i64 = "compacted",
        /// The time when the model began to write the call (2.x).
        created: i64 = "created",
    }
}

/// A state with a status that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownToolState<'a> {
    /// The status, if the record has one.
    pub status: Option<LazyStr<'a>>,
    /// The whole record.
    pub raw: RawJson<'a>,
}

/// How the command of a call failed. [`ToolState::command_failure`] returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandFailure {
    /// It ended with an exit code that is not 0.
    Exit(i64),
    /// A signal ended it.
    Signal(String),
    /// It was killed.
    Killed,
    /// It ran out of time.
    Timeout,
    /// It ended without an exit code: it was stopped.
    NoExit,
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Killed => f.write_str("killed"),
            Self::Timeout => f.write_str("timeout"),
            Self::NoExit => f.write_str("no exit code"),
        }
    }
}

/// What the metadata of a call say about its command. A value of another type says nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CommandMetadata {
    /// The exit code. Null if the command was stopped.
    #[serde(deserialize_with = "present")]
    exit: Option<Value>,
    signal: Option<Value>,
    status: Option<Value>,
    timeout: Option<Value>,
}

/// Deserializes a field that is there, also if its value is null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Returns an exit code, which may be stored as a fraction or as text.
fn exit_code(value: &Value) -> Option<i64> {
    let of_fraction = |code: f64| (code.fract() == 0.0 && code.abs() < 1e15).then_some(code as i64);
    match value {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_i64().or_else(|| of_fraction(number.as_f64()?)),
    }
}

/// The status of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToolStatus {
    /// The model is still writing the input.
    Pending,
    /// The tool runs.
    Running,
    /// The tool has answered.
    Completed,
    /// The tool failed, or was aborted.
    Error,
    /// A status that this version does not know.
    Unknown,
}

impl<'a> ToolState<'a> {
    /// Returns the status of the call.
    pub fn status(&self) -> ToolStatus {
        match self {
            Self::Pending(_) => ToolStatus::Pending,
            Self::Running(_) => ToolStatus::Running,
            Self::Completed(_) => ToolStatus::Completed,
            Self::Error(_) => ToolStatus::Error,
            Self::Unknown(_) => ToolStatus::Unknown,
        }
    }

    /// Returns the input of the call.
    pub fn input(&self) -> Option<&RawJson<'a>> {
        match self {
            Self::Pending(state) => state.input.as_ref(),
            Self::Running(state) => state.input.as_ref(),
            Self::Completed(state) => state.input.as_ref(),
            Self::Error(state) => state.input.as_ref(),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the metadata of the tool.
    pub fn metadata(&self) -> Option<&RawJson<'a>> {
        match self {
            Self::Running(state) => state.metadata.as_ref(),
            Self::Completed(state) => state.metadata.as_ref(),
            Self::Error(state) => state.metadata.as_ref(),
            Self::Pending(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns the times of the call.
    pub fn time(&self) -> Option<&ToolTime<'a>> {
        match self {
            Self::Running(state) => state.time.as_ref(),
            Self::Completed(state) => state.time.as_ref(),
            Self::Error(state) => state.time.as_ref(),
            Self::Pending(_) | Self::Unknown(_) => None,
        }
    }

    /// Checks whether the output was removed from the model's context.
    pub fn is_pruned(&self) -> bool {
        self.time().is_some_and(|time| time.compacted.is_some())
    }

    /// Returns how the command of a call failed, if its metadata say so: a shell ran, and the program
    /// counts the call as completed whatever the command did.
    pub fn command_failure(&self) -> Option<CommandFailure> {
        let metadata: CommandMetadata = self.metadata()?.deserialize().ok()?;
        let signal = metadata.signal.and_then(|signal| match signal {
            Value::String(name) if !name.is_empty() => Some(name),
            Value::Number(number) => Some(number.to_string()).filter(|number| number != "0"),
            _ => None,
        });
        if let Some(signal) = signal {
            return Some(CommandFailure::Signal(signal));
        }
        match metadata.status.as_ref().and_then(Value::as_str) {
            Some("killed") => return Some(CommandFailure::Killed),
            Some("timeout") => return Some(CommandFailure::Timeout),
            _ if metadata.timeout == Some(Value::Bool(true)) => {
                return Some(CommandFailure::Timeout);
            }
            _ => {}
        }
        match metadata.exit? {
            Value::Null if self.status() == ToolStatus::Completed => Some(CommandFailure::NoExit),
            exit => exit_code(&exit).filter(|code| *code != 0).map(CommandFailure::Exit),
        }
    }

    /// Returns the session of the subagent that this call started, for the tool "task" (in 2.x
    /// "subagent").
    pub fn subagent(&self) -> Option<SessionId> {
        let metadata = self.metadata()?;
        let named = ["sessionId", "sessionID"].iter().find_map(|name| metadata.field(name));
        SessionId::new(&named.unwrap_or_else(String::new)).ok()
    }
}

impl IntoOwned for ToolState<'_> {
    type Owned = ToolState<'static>;

    fn into_owned(self) -> ToolState<'static> {
        match self {
            Self::Pending(state) => ToolState::Pending(IntoOwned::into_owned(state)),
            Self::Running(state) => ToolState::Running(IntoOwned::into_owned(state)),
            Self::Completed(state) => ToolState::Completed(IntoOwned::into_owned(state)),
            Self::Error(state) => ToolState::Error(IntoOwned::into_owned(state)),
            Self::Unknown(state) => ToolState::Unknown(UnknownToolState {
                status: state.status.map(LazyStr::into_owned),
                raw: state.raw.into_owned(),
            }),
        }
    }
}

impl<'a> Field<'a> for ToolState<'a> {
    const EXPECTED: &'static str = "a tool state";

    fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, SyntaxError> {
        let Some(TaggedObject { mark, tag }) = scanner.peek_tag("status")? else { return Ok(None) };
        match tag.as_ref().map(LazyStr::get).as_deref() {
            Some("pending") => Ok(Field::read(scanner)?.map(ToolState::Pending)),
            Some("running") => Ok(Field::read(scanner)?.map(ToolState::Running)),
            Some("completed") => Ok(Field::read(scanner)?.map(ToolState::Completed)),
            Some("error") => Ok(Field::read(scanner)?.map(ToolState::Error)),
            status => {
                let value = shorten(status.unwrap_or("(none)"));
                scanner.note(&mark, IssueKind::Unknown { category: "tool status", value });
                let raw = RawJson::from_checked(scanner.raw()?);
                Ok(Some(ToolState::Unknown(UnknownToolState { status: tag, raw })))
            }
        }
    }
}

impl serde::Serialize for ToolState<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pending(state) => state.serialize(serializer),
            Self::Running(state) => state.serialize(serializer),
            Self::Completed(state) => state.serialize(serializer),
            Self::Error(state) => state.serialize(serializer),
            Self::Unknown(state) => state.raw.serialize(serializer),
        }
    }
}
