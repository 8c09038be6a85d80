//! Timeline items: events of a session that are not messages (`docs/format/opencode-v2.md`, sections 3 and 7).

use scrollback_core_err::IssueKind;
use scrollback_core_id::{ItemId, ProjectId, SessionId, WorkspaceId};

use super::{MessageTime, ModelRef};
use crate::json::{Field, IntoOwned, LazyStr, RawJson, Scanner, SyntaxError, record};
use crate::tag::{TaggedObject, shorten};

/// Generates the record of an item: the fields of all kinds, and the fields of this kind.
macro_rules! item_record {
    ($(#[$doc:meta])* $name:ident<$life:lifetime>, $kind:literal { $($fields:tt)* }) => {
        record! {
            $(#[$doc])*
            $name<$life>, "an item record" {
                /// The id.
                id: ItemId = "id",
                /// The session of the item.
                session_id: SessionId = "sessionID",
                #[doc = concat!("The kind: `", $kind, "`.")]
                kind: LazyStr<$life> = "type",
                /// The time of the event.
                time: MessageTime<$life> = "time",
                $($fields)*
            }
        }
    };
}

item_record! {
    /// The session switched to another agent.
    AgentSwitched<'a>, "agent-switched" {
        /// The new agent.
        agent: LazyStr<'a> = "agent",
        /// The previous agent.
        previous: LazyStr<'a> = "previous",
    }
}

item_record! {
    /// The session switched to another model.
    ModelSwitched<'a>, "model-switched" {
        /// The new model.
        model: ModelRef<'a> = "model",
        /// The previous model.
        previous: ModelRef<'a> = "previous",
    }
}

item_record! {
    /// The session moved to another directory.
    LocationSwitched<'a>, "location-switched" {
        /// The new location.
        location: Location<'a> = "location",
        /// The new project.
        project_id: ProjectId = "projectID",
        /// The directory relative to the work tree.
        subpath: LazyStr<'a> = "subpath",
        /// The previous location, project and directory.
        previous: PlaceBefore<'a> = "previous",
    }
}

item_record! {
    /// A turn ended, and the session waits for its user.
    Idle<'a>, "idle" {
        /// "succeeded", "failed" or "interrupted".
        outcome: LazyStr<'a> = "outcome",
        /// The error of a failed turn.
        error: SessionError<'a> = "error",
    }
}

item_record! {
    /// Content that waits to be delivered, usually a queued prompt.
    Pending<'a>, "pending" {
        /// The kind of content: "prompt", "synthetic", "compaction", "move", …
        content_kind: LazyStr<'a> = "what",
        /// The way of delivery: "steer", "queue", …
        delivery: LazyStr<'a> = "delivery",
        /// The content.
        payload: RawJson<'a> = "payload",
    }
}

record! {
    /// The location that a session works in.
    Location<'a>, "an object" {
        /// The directory.
        directory: LazyStr<'a> = "directory",
        /// The workspace.
        workspace_id: WorkspaceId = "workspaceID",
    }
}

record! {
    /// The location of a session before it moved.
    PlaceBefore<'a>, "an object" {
        /// The location.
        location: Location<'a> = "location",
        /// The project.
        project_id: ProjectId = "projectID",
        /// The directory relative to the work tree.
        subpath: LazyStr<'a> = "subpath",
    }
}

record! {
    /// The error of a failed turn, as 2.x stores it.
    SessionError<'a>, "an object" {
        /// "provider.auth", "tool.execution", "aborted", …; an open set.
        kind: LazyStr<'a> = "type",
        /// The message.
        message: LazyStr<'a> = "message",
        /// HTTP status.
        status: i64 = "status",
        /// The response of the provider.
        response: RawJson<'a> = "response",
    }
}

/// An item of a kind that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownItem<'a> {
    /// The kind, if the record has one.
    pub kind: Option<LazyStr<'a>>,
    /// The whole record.
    pub raw: RawJson<'a>,
}

/// Generates the enum over all kinds, and the functions of all kinds.
macro_rules! items {
    ($($(#[$doc:meta])* $variant:ident = $tag:literal,)*) => {
        /// An event of a session that is not a message.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum TimelineItem<'a> {
            $($(#[$doc])* $variant(Box<$variant<'a>>),)*
            /// A kind that this version does not know.
            Unknown(UnknownItem<'a>),
        }

        impl TimelineItem<'_> {
            /// Returns the record's `type`.
            pub fn kind(&self) -> std::borrow::Cow<'_, str> {
                match self {
                    $(Self::$variant(_) => $tag.into(),)*
                    Self::Unknown(item) => {
                        item.kind.as_ref().map_or("unknown".into(), LazyStr::get)
                    }
                }
            }

            /// Returns the id in the record.
            pub fn id(&self) -> Option<&ItemId> {
                match self {
                    $(Self::$variant(item) => item.id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// Returns the time of the event, in Unix milliseconds.
            pub fn created(&self) -> Option<i64> {
                match self {
                    $(Self::$variant(item) => item.time.as_ref()?.created,)*
                    Self::Unknown(_) => None,
                }
            }

            /// Returns the same value without borrowed data.
            pub fn into_owned(self) -> TimelineItem<'static> {
                match self {
                    $(Self::$variant(item) => TimelineItem::$variant(IntoOwned::into_owned(item)),)*
                    Self::Unknown(item) => TimelineItem::Unknown(UnknownItem {
                        kind: item.kind.map(LazyStr::into_owned),
                        raw: item.raw.into_owned(),
                    }),
                }
            }
        }

        impl<'a> Field<'a> for TimelineItem<'a> {
            const EXPECTED: &'static str = "an item record";

            fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, SyntaxError> {
                let Some(TaggedObject { mark, tag }) = scanner.peek_tag("type")? else { return Ok(None) };
                match tag.as_ref().map(LazyStr::get).as_deref() {
                    $(Some($tag) => Ok(Field::read(scanner)?.map(TimelineItem::$variant)),)*
                    kind => {
                        let value = shorten(kind.unwrap_or("(none)"));
                        scanner.note(&mark, IssueKind::Unknown { category: "item type", value });
                        let raw = RawJson::from_checked(scanner.raw()?);
                        Ok(Some(TimelineItem::Unknown(UnknownItem { kind: tag, raw })))
                    }
                }
            }
        }

        impl serde::Serialize for TimelineItem<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(item) => item.serialize(serializer),)*
                    Self::Unknown(item) => item.raw.serialize(serializer),
                }
            }
        }
    };
}

items! {
    /// The session switched to another agent.
    AgentSwitched = "agent-switched",
    /// The session switched to another model.
    ModelSwitched = "model-switched",
    /// The session moved to another directory.
    LocationSwitched = "location-switched",
    /// A turn ended.
    Idle = "idle",
    /// Content waits to be delivered.
    Pending = "pending",
}
