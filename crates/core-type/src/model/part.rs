//! The parts of messages: twelve known kinds, and unknown kinds, which are kept whole.

use std::fmt;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{MessageId, PartId, SessionId};

use super::ToolPart;
use super::part_records::*;
use crate::json::{Field, IntoOwned, LazyStr, RawJson, Scanner, SyntaxError};
use crate::tag::{TaggedObject, shorten};

/// A part of a kind that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownPart<'a> {
    /// The kind, if the record has one.
    pub kind: Option<LazyStr<'a>>,
    /// The whole record.
    pub raw: RawJson<'a>,
}

/// Generates the enums over all kinds, and the functions of all kinds.
macro_rules! parts {
    ($($(#[$doc:meta])* $variant:ident($record:ident) = $tag:literal, $number:literal;)*) => {
        /// A part of a message.
        ///
        /// ```
        /// use scrollback_core_type::{Parse, Part, PartKind};
        ///
        /// let bytes = br#"{"id": "prt_1", "type": "text", "text": "Hello"}"#;
        /// let part = Part::parse(bytes)?.value;
        /// assert_eq!(part.kind(), PartKind::Text);
        /// if let Part::Text(text) = &part {
        ///     assert_eq!(text.as_str(), "Hello");
        /// }
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Debug, Clone, PartialEq)]
        pub enum Part<'a> {
            $($(#[$doc])* $variant(Box<$record<'a>>),)*
            /// A kind that this version does not know.
            Unknown(UnknownPart<'a>),
        }

        /// The kind of a part.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum PartKind {
            $($(#[$doc])* $variant,)*
            /// A kind that this version does not know.
            Unknown,
        }

        impl PartKind {
            /// Every kind that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the kind with this name in a record's `type`.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($tag => Self::$variant,)*
                    _ => Self::Unknown,
                }
            }

            /// Returns the name of this kind in a record's `type`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $tag,)*
                    Self::Unknown => "unknown",
                }
            }

            /// Returns the number of this kind in snapshot files. It is not 0, and no other kind has it in
            /// any version.
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Unknown => u8::MAX,
                }
            }

            /// Returns the kind of a number; `Unknown` for a number that this version does not know.
            pub fn from_number(number: u8) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    _ => Self::Unknown,
                }
            }
        }

        impl Part<'_> {
            /// Returns the kind.
            pub fn kind(&self) -> PartKind {
                match self {
                    $(Self::$variant(_) => PartKind::$variant,)*
                    Self::Unknown(_) => PartKind::Unknown,
                }
            }

            /// Returns the id in the record.
            pub fn id(&self) -> Option<&PartId> {
                match self {
                    $(Self::$variant(part) => part.id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// Returns the message that the record names.
            pub fn message_id(&self) -> Option<&MessageId> {
                match self {
                    $(Self::$variant(part) => part.message_id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// Returns the session that the record names.
            pub fn session_id(&self) -> Option<&SessionId> {
                match self {
                    $(Self::$variant(part) => part.session_id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// Replaces the ids that the record has by those of its place. A missing id stays missing.
            pub fn replace_ids(&mut self, id: &PartId, message: &MessageId, session: &SessionId) {
                match self {
                    $(Self::$variant(part) => {
                        part.id.iter_mut().for_each(|it| it.clone_from(id));
                        part.message_id.iter_mut().for_each(|it| it.clone_from(message));
                        part.session_id.iter_mut().for_each(|it| it.clone_from(session));
                    })*
                    Self::Unknown(_) => {}
                }
            }

            /// Returns the same value without borrowed data.
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
    /// Reasoning of the model.
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
    /// A failed attempt that was repeated.
    Retry(RetryPart) = "retry", 11;
    /// The place where the conversation was compacted.
    Compaction(CompactionPart) = "compaction", 12;
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
