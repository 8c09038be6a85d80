//! A part of a message: one of twelve kinds, or one that this version does not know.

use std::fmt;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{MessageId, PartId};

use super::ToolPart;
use super::part_records::*;
use crate::json::{Field, IntoOwned, LazyStr, RawJson, Scanner, SyntaxError};
use crate::tag::{TaggedObject, shorten};

/// A part of a kind that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownPart<'a> {
    /// Its kind, if it has one.
    pub kind: Option<LazyStr<'a>>,
    /// All of it.
    pub raw: RawJson<'a>,
}

/// Makes the enum over all kinds, and what is the same for each of them.
macro_rules! parts {
    ($($(#[$doc:meta])* $variant:ident($record:ident) = $tag:literal, $number:literal;)*) => {
        /// A part of a message.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Part<'a> {
            $($(#[$doc])* $variant(Box<$record<'a>>),)*
            /// A kind that this version does not know.
            Unknown(UnknownPart<'a>),
        }

        /// The kinds of parts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum PartKind {
            $($(#[$doc])* $variant,)*
            /// A kind that this version does not know.
            Unknown,
        }

        impl PartKind {
            /// Every kind that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The kind that a record's `type` names.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($tag => Self::$variant,)*
                    _ => Self::Unknown,
                }
            }

            /// What a record's `type` says for this kind.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $tag,)*
                    Self::Unknown => "unknown",
                }
            }

            /// Its number in files: not 0, and never that of another kind, in any version.
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Unknown => u8::MAX,
                }
            }

            /// The kind of a number. One that this version does not know is unknown.
            pub fn from_number(number: u8) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    _ => Self::Unknown,
                }
            }
        }

        impl Part<'_> {
            /// The kind.
            pub fn kind(&self) -> PartKind {
                match self {
                    $(Self::$variant(_) => PartKind::$variant,)*
                    Self::Unknown(_) => PartKind::Unknown,
                }
            }

            /// The id that the record itself holds.
            pub fn id(&self) -> Option<&PartId> {
                match self {
                    $(Self::$variant(part) => part.id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// The message that the record itself names.
            pub fn message_id(&self) -> Option<&MessageId> {
                match self {
                    $(Self::$variant(part) => part.message_id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// The same value, borrowing nothing.
            pub fn into_owned(self) -> Part<'static> {
                match self {
                    $(Self::$variant(part) => Part::$variant(IntoOwned::into_owned(part)),)*
                    Self::Unknown(unknown) => Part::Unknown(UnknownPart {
                        kind: unknown.kind.map(LazyStr::into_owned),
                        raw: unknown.raw.into_owned(),
                    }),
                }
            }
        }

        impl<'a> Field<'a> for Part<'a> {
            const EXPECTED: &'static str = "a part record";

            fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, SyntaxError> {
                let Some(TaggedObject { mark, tag }) = scanner.peek_tag("type")? else { return Ok(None) };
                match tag.as_ref().map(LazyStr::get).as_deref() {
                    $(Some($tag) => Ok(Field::read(scanner)?.map(Part::$variant)),)*
                    kind => {
                        let value = shorten(kind.unwrap_or("(none)"));
                        scanner.note(&mark, IssueKind::Unknown { category: "part type", value });
                        let raw = RawJson::from_checked(scanner.raw()?);
                        Ok(Some(Part::Unknown(UnknownPart { kind: tag, raw })))
                    }
                }
            }
        }

        impl serde::Serialize for Part<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(part) => part.serialize(serializer),)*
                    Self::Unknown(unknown) => unknown.raw.serialize(serializer),
                }
            }
        }
    };
}

parts! {
    /// Text of the user or the model.
    Text(TextPart) = "text", 1;
    /// What the model thought.
    Reasoning(ReasoningPart) = "reasoning", 2;
    /// A file.
    File(FilePart) = "file", 3;
    /// A call of a tool.
    Tool(ToolPart) = "tool", 4;
    /// The start of a step.
    StepStart(StepStartPart) = "step-start", 5;
    /// The end of a step.
    StepFinish(StepFinishPart) = "step-finish", 6;
    /// The state of the files.
    Snapshot(SnapshotPart) = "snapshot", 7;
    /// Files that a step changed.
    Patch(PatchPart) = "patch", 8;
    /// An agent that the user called by name.
    Agent(AgentPart) = "agent", 9;
    /// A task for a subagent that the user started.
    Subtask(SubtaskPart) = "subtask", 10;
    /// A try that failed and was repeated.
    Retry(RetryPart) = "retry", 11;
    /// The place where the conversation was compacted.
    Compaction(CompactionPart) = "compaction", 12;
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
