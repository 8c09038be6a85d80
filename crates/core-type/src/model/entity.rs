//! Any record of a store, with the type that its key determines.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::EntityKey;
use serde::{Serialize, Serializer};

use super::{FileDiff, Message, Part, Project, Session, Share, TimeHead, TimelineItem, Todo};
use crate::json::{Field, Parse, Parsed, Scanner};

/// Any record of a store.
///
/// ```
/// use scrollback_core_id::{EntityKey, SessionId};
/// use scrollback_core_type::Entity;
///
/// let key = EntityKey::Session(SessionId::new("ses_1")?.into());
/// let parsed = Entity::parse(&key, br#"{"id": "ses_1", "title": "Fix the build"}"#)?;
/// assert!(matches!(&parsed.value, Entity::Session(session) if session.title.is_some()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Entity<'a> {
    /// A project.
    Project(Box<Project<'a>>),
    /// A session's own record.
    Session(Box<Session<'a>>),
    /// A message's own record.
    Message(Message<'a>),
    /// A part.
    Part(Part<'a>),
    /// The diffs of a session.
    Diff(Vec<FileDiff<'a>>),
    /// The todo list of a session.
    Todo(Vec<Todo<'a>>),
    /// The share link of a session.
    Share(Share<'a>),
    /// A timeline item that is not a message.
    Item(TimelineItem<'a>),
}

impl<'a> Entity<'a> {
    /// Parses the bytes of the entity that `key` names.
    ///
    /// # Errors
    /// The issue that makes the whole text unusable, as for [`Parse::parse`].
    pub fn parse(key: &EntityKey, bytes: &'a [u8]) -> Result<Parsed<Self>, Box<Issue>> {
        Ok(match key {
            EntityKey::Project(_) => Parse::parse(bytes)?.map(Self::Project),
            EntityKey::Session(_) => Parse::parse(bytes)?.map(Self::Session),
            EntityKey::Message(_) => Parse::parse(bytes)?.map(Self::Message),
            EntityKey::Part(_) => Parse::parse(bytes)?.map(Self::Part),
            EntityKey::Diff(_) => Parse::parse(bytes)?.map(Self::Diff),
            EntityKey::Todo(_) => Parse::parse(bytes)?.map(Self::Todo),
            EntityKey::Share(_) => Parse::parse(bytes)?.map(Self::Share),
            EntityKey::Item(_) => Parse::parse(bytes)?.map(Self::Item),
            other => {
                let place = Place { field: Some(other.to_string()), ..Place::default() };
                let kind = IssueKind::WrongShape { expected: "an entity of a known kind" };
                return Err(Box::new(Issue::new(place, kind)));
            }
        })
    }
}

impl Serialize for Entity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Project(record) => record.serialize(serializer),
            Self::Session(record) => record.serialize(serializer),
            Self::Message(record) => record.serialize(serializer),
            Self::Part(record) => record.serialize(serializer),
            Self::Diff(records) => records.serialize(serializer),
            Self::Todo(records) => records.serialize(serializer),
            Self::Share(record) => record.serialize(serializer),
            Self::Item(record) => record.serialize(serializer),
        }
    }
}

/// The times that order siblings, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderTime {
    /// The creation time.
    pub created: Option<i64>,
    /// The time of the last change, if the record has it.
    pub updated: Option<i64>,
}

/// Reads only the times of a record, which order siblings, and stops after them. If the text is damaged
/// before the times, they are absent; parsing the record gives the reason.
pub fn order_time(bytes: &[u8]) -> OrderTime {
    // `time` is usually near the start, so the long text after it need not be checked for UTF-8.
    const PREFIX_LEN: usize = 1024;
    let prefix = &bytes[..bytes.len().min(PREFIX_LEN)];
    read_order_time(prefix).or_else(|| read_order_time(bytes)).unwrap_or_default()
}

/// Reads only one text field of a record, such as its `id`, and stops after it. If the field is missing
/// or no text, or if the record is damaged before it, the result is `None`.
///
/// ```
/// use scrollback_core_type::text_field;
///
/// assert_eq!(text_field(br#"{"id": "ses_1", "title": "#, "id").as_deref(), Some("ses_1"));
/// assert_eq!(text_field(br#"{"id": 1}"#, "id"), None);
/// ```
pub fn text_field(bytes: &[u8], name: &str) -> Option<String> {
    let mut scanner = Scanner::new(valid_prefix(bytes)?);
    if !scanner.find_field(name).ok()? || scanner.peek().ok()? != b'"' {
        return None;
    }
    Some(scanner.string().ok()?.get().into_owned())
}

/// Returns the text up to the first byte that is not UTF-8.
fn valid_prefix(bytes: &[u8]) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
    }
}

fn read_order_time(bytes: &[u8]) -> Option<OrderTime> {
    let mut scanner = Scanner::new(valid_prefix(bytes)?);
    if !scanner.find_field("time").ok()? {
        return None;
    }
    let time = TimeHead::read(&mut scanner).ok()??;
    Some(OrderTime { created: time.created, updated: time.updated })
}
