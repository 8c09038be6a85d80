//! The records of a store and their fields.

mod cost;
mod diff;
mod entity;
mod error;
mod head;
mod item;
mod message;
mod part;
mod part_records;
mod part_text;
mod permission;
mod project;
mod provenance;
mod session;
mod share;
mod todo;
mod tokens;
mod tool;
mod usage;

pub use cost::Cost;
pub use diff::FileDiff;
pub use entity::{Entity, OrderTime, order_time, text_field};
pub use error::{ErrorData, ErrorKind, MessageError};
pub use head::{
    CacheHead, ErrorHead, ForkHead, MessageHead, ModelHead, OwnerHead, PartHead, SessionHead,
    StateHead, StepHead, TimeHead, TokensHead,
};
pub use item::{
    AgentSwitched, Idle, Location, LocationSwitched, ModelSwitched, Pending, PlaceBefore,
    SessionError, TimelineItem, UnknownItem,
};
pub use message::{
    AssistantMessage, AssistantTime, Message, MessageTime, ModelRef, OutputFormat, PathInfo, Role,
    UnknownMessage, UserMessage, UserSummary,
};
pub use part::{Part, PartKind, UnknownPart};
pub use part_records::{
    AgentPart, CompactionPart, FilePart, FileSource, PatchPart, Position, Range, ReasoningPart,
    RetryPart, RetryTime, SnapshotPart, SourceText, Span, StepFinishPart, StepStartPart,
    SubtaskPart, TextPart,
};
pub use permission::PermissionRule;
pub use project::{Project, ProjectCommands, ProjectIcon, ProjectTime};
pub use provenance::{Provenance, SourceName};
pub use session::{Fork, ForkBoundary, Revert, Session, SessionSummary, SessionTime};
pub use share::{Share, ShareLink};
pub use todo::Todo;
pub use tokens::{CacheTokens, Tokens};
pub use tool::{
    CommandFailure, ToolCompleted, ToolError, ToolPart, ToolPending, ToolRunning, ToolState,
    ToolStatus, ToolTime, UnknownToolState,
};
pub use usage::{RecordedTotals, StepTotals, TokenCounts, Usage, UsageSum};
