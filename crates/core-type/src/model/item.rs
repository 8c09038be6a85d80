//! What happens in a session and is no message (`docs/format/opencode-v2.md`, sections 3 and 7).

use scrollback_core_err::IssueKind;
use scrollback_core_id::{ItemId, ProjectId, SessionId, WorkspaceId};

use super::{MessageTime, ModelRef};
use crate::json::{Field, IntoOwned, LazyStr, RawJson, Scanner, SyntaxError, record};
use crate::tag::{TaggedObject, shorten};

/// Makes the record of an item: what all kinds have, and the fields of this one.
macro_rules! item_record {
    ($(#[$doc:meta])* $name:ident<$life:lifetime>, $kind:literal { $($fields:tt)* }) => {
        record! {
            $(#[$doc])*
            $name<$life>, "an item record" {
                /// Its id.
                id: ItemId = "id",
                /// The session it belongs to.
                session_id: SessionId = "sessionID",
                #[doc = concat!("The kind: `", $kind, "`.")]
                kind: LazyStr<$life> = "type",
                /// When it happened.
                time: MessageTime<$life> = "time",
                $($fields)*
            }
        }
    };
}

item_record! {
    /// Another agent goes on.
    AgentSwitched<'a>, "agent-switched" {
        /// The agent from here on.
        agent: LazyStr<'a> = "agent",
        /// The agent until here.
        previous: LazyStr<'a> = "previous",
    }
}

item_record! {
    /// Another model goes on.
    ModelSwitched<'a>, "model-switched" {
        /// The model from here on.
        model: ModelRef<'a> = "model",
        /// The model until here.
        previous: ModelRef<'a> = "previous",
    }
}

item_record! {
    /// The session moved to another directory.
    LocationSwitched<'a>, "location-switched" {
        /// The place from here on.
        location: Location<'a> = "location",
        /// The project from here on.
        project_id: ProjectId = "projectID",
        /// The directory relative to the work tree.
        subpath: LazyStr<'a> = "subpath",
        /// The same until here.
        previous: PlaceBefore<'a> = "previous",
    }
}

item_record! {
    /// The end of a turn: the session waits for its user.
    Idle<'a>, "idle" {
        /// "succeeded", "failed" or "interrupted".
        outcome: LazyStr<'a> = "outcome",
        /// Why it failed.
        error: SessionError<'a> = "error",
    }
}

item_record! {
    /// Something that waits to be delivered: a prompt that was queued, most often.
    Pending<'a>, "pending" {
        /// What waits: "prompt", "synthetic", "compaction", "move", …
        content_kind: LazyStr<'a> = "what",
        /// How it will be delivered: "steer", "queue", …
        delivery: LazyStr<'a> = "delivery",
        /// What it holds.
        payload: RawJson<'a> = "payload",
    }
}

record! {
    /// A place that a session works at.
    Location<'a>, "an object" {
        /// The directory.
        directory: LazyStr<'a> = "directory",
        /// The workspace.
        workspace_id: WorkspaceId = "workspaceID",
    }
}

record! {
    /// Where a session was before it moved.
    PlaceBefore<'a>, "an object" {
        /// The place.
        location: Location<'a> = "location",
        /// The project.
        project_id: ProjectId = "projectID",
        /// The directory relative to the work tree.
        subpath: LazyStr<'a> = "subpath",
    }
}

record! {
    /// Why a turn failed, in the words of 2.x.
    SessionError<'a>, "an object" {
        /// "provider.auth", "tool.execution", "aborted", …; open.
        kind: LazyStr<'a> = "type",
        /// What happened.
        message: LazyStr<'a> = "message",
        /// HTTP status.
        status: i64 = "status",
        /// What the provider answered.
        response: RawJson<'a> = "response",
    }
}

/// An item of a kind that this version does not know, kept whole.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownItem<'a> {
    /// Its kind, if it has one.
    pub kind: Option<LazyStr<'a>>,
    /// All of it.
    pub raw: RawJson<'a>,
}

/// Makes the enum over all kinds, and what is the same for each of them.
macro_rules! items {
    ($($(#[$doc:meta])* $variant:ident = $tag:literal,)*) => {
        /// Something that happened in a session and is no message.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum TimelineItem<'a> {
            $($(#[$doc])* $variant(Box<$variant<'a>>),)*
            /// A kind that this version does not know.
            Unknown(UnknownItem<'a>),
        }

        impl TimelineItem<'_> {
            /// What the record's `type` says.
            pub fn kind(&self) -> std::borrow::Cow<'_, str> {
                match self {
                    $(Self::$variant(_) => $tag.into(),)*
                    Self::Unknown(item) => {
                        item.kind.as_ref().map_or("unknown".into(), LazyStr::get)
                    }
                }
            }

            /// The id that the record itself holds.
            pub fn id(&self) -> Option<&ItemId> {
                match self {
                    $(Self::$variant(item) => item.id.as_ref(),)*
                    Self::Unknown(_) => None,
                }
            }

            /// When it happened, in Unix milliseconds.
            pub fn created(&self) -> Option<i64> {
                match self {
                    $(Self::$variant(item) => item.time.as_ref()?.created,)*
                    Self::Unknown(_) => None,
                }
            }

            /// The same value, borrowing nothing.
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
    /// Another agent goes on.
    AgentSwitched = "agent-switched",
    /// Another model goes on.
    ModelSwitched = "model-switched",
    /// The session moved to another directory.
    LocationSwitched = "location-switched",
    /// The end of a turn.
    Idle = "idle",
    /// Something that waits to be delivered.
    Pending = "pending",
}
