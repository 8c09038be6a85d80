//! Parses session files, with a limit on how many elements of the long lists are kept.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::metadata::SessionMetadata;
use super::model::{Message, Role, Session, ToolUse};
use crate::version::Version;

/// A session, and how many elements of its lists were left out.
#[derive(Debug)]
pub(super) struct ParsedSession {
    pub(super) session: Session,
    pub(super) dropped_messages: usize,
    pub(super) dropped_tool_uses: usize,
}

/// Parses a session and keeps the last `window` messages, and the last `window` tool uses. Every
/// element is parsed, so a bad one is an error also where it is left out.
pub(super) fn session(
    bytes: &[u8],
    window: usize,
    version: Version,
) -> Result<ParsedSession, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = SessionSeed { window, version }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(parsed)
}

/// The fields that the program parses while it looks for the session of a workspace. The whole file
/// must be JSON, but messages are not parsed.
#[derive(Debug, Deserialize)]
pub(super) struct SessionHeader {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: Option<String>,
    #[serde(rename = "metadata")]
    _metadata: SessionMetadata,
}

#[derive(Clone, Copy)]
struct SessionSeed {
    window: usize,
    version: Version,
}

impl<'de> DeserializeSeed<'de> for SessionSeed {
    type Value = ParsedSession;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ParsedSession, D::Error> {
        deserializer.deserialize_struct("Session", &[], self)
    }
}

impl<'de> Visitor<'de> for SessionSeed {
    type Value = ParsedSession;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct Session")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ParsedSession, A::Error> {
        let (mut id, mut title, mut created_at, mut updated_at) = (None, None, None, None);
        let (mut metadata, mut agent, mut messages, mut pages) = (None, None, None, None);
        let (mut summary_index, mut tool_uses, mut usage) = (None, None, None);
        let role = match self.version {
            Version::Seed => |message: &Message| match message.role {
                Role::Developer => Err("developer"),
                _ => Ok(()),
            },
            Version::Head => |_: &Message| Ok(()),
        };
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*key {
                "id" => set(&mut id, "id", &mut map, PhantomData)?,
                "title" => set(&mut title, "title", &mut map, PhantomData)?,
                "created_at" => set(&mut created_at, "created_at", &mut map, PhantomData)?,
                "updated_at" => set(&mut updated_at, "updated_at", &mut map, PhantomData)?,
                "metadata" => {
                    set(&mut metadata, "metadata", &mut map, PhantomData::<SessionMetadata>)?;
                }
                "agent" => set(&mut agent, "agent", &mut map, PhantomData)?,
                "messages" => {
                    let tail = Tail { window: self.window, check: role };
                    set(&mut messages, "messages", &mut map, tail)?;
                }
                "pages" => set(&mut pages, "pages", &mut map, PhantomData)?,
                "summary_index" if self.version == Version::Head => {
                    set(&mut summary_index, "summary_index", &mut map, PhantomData)?;
                }
                "tool_uses" => {
                    let check = |_: &ToolUse| Ok(());
                    let tail = Tail { window: self.window, check };
                    set(&mut tool_uses, "tool_uses", &mut map, tail)?;
                }
                "usage" => set(&mut usage, "usage", &mut map, PhantomData)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let id = id.ok_or_else(|| de::Error::missing_field("id"))?;
        let created_at = created_at.ok_or_else(|| de::Error::missing_field("created_at"))?;
        let updated_at = updated_at.ok_or_else(|| de::Error::missing_field("updated_at"))?;
        let metadata = metadata.ok_or_else(|| de::Error::missing_field("metadata"))?;
        let agent = agent.ok_or_else(|| de::Error::missing_field("agent"))?;
        let (messages, dropped_messages) =
            messages.ok_or_else(|| de::Error::missing_field("messages"))?;
        let (tool_uses, dropped_tool_uses) =
            tool_uses.ok_or_else(|| de::Error::missing_field("tool_uses"))?;
        let usage = usage.ok_or_else(|| de::Error::missing_field("usage"))?;
        let (title, pages) = (title.unwrap_or_default(), pages.unwrap_or_default());
        let session = Session {
            id,
            title,
            created_at,
            updated_at,
            metadata,
            agent,
            messages,
            pages,
            summary_index,
            tool_uses,
            usage,
        };
        Ok(ParsedSession { session, dropped_messages, dropped_tool_uses })
    }
}

/// Parses the value of a field, which may come once.
fn set<'de, A: MapAccess<'de>, S: DeserializeSeed<'de>>(
    slot: &mut Option<S::Value>,
    name: &'static str,
    map: &mut A,
    seed: S,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *slot = Some(map.next_value_seed(seed)?);
    Ok(())
}

/// Parses an array, and keeps its last elements. `check` returns the name of a variant that this
/// version of the program does not know.
struct Tail<T> {
    window: usize,
    check: fn(&T) -> Result<(), &'static str>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Tail<T> {
    type Value = (Vec<T>, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Tail<T> {
    type Value = (Vec<T>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut dropped) = (VecDeque::new(), 0);
        while let Some(element) = array.next_element::<T>()? {
            if let Err(variant) = (self.check)(&element) {
                const ROLES: &[&str] = &["system", "user", "assistant", "tool"];
                return Err(de::Error::unknown_variant(variant, ROLES));
            }
            kept.push_back(element);
            if kept.len() > self.window {
                kept.pop_front();
                dropped += 1;
            }
        }
        Ok((kept.into(), dropped))
    }
}
