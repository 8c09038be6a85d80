//! Prints events as JSON, one per line.

use std::io::{self, Write};

use scrollback::{Event, Store};
use scrollback_core_id::EntityKey;
use scrollback_core_type::{Parse, Part, repair_surrogates};
use scrollback_watch::{ChangeKind, Subject, TextEdit};
use serde::Serialize;

use crate::args::Since;
use crate::commands::fields;
use crate::sanitize;

/// The line of an event. Ids have the names that opencode's records use.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "what", skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    cursor: String,
    /// The root of the event, if several roots are followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<&'a str>,
    #[serde(flatten)]
    ids: Ids,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Meta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Meta>,
    /// The record of a part, without its text if `edit` has the change of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<Edit<'a>>,
    /// Whether the record of a part cannot be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
}

#[derive(Serialize, Default)]
struct Ids {
    #[serde(rename = "projectID", skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(rename = "sessionID", skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(rename = "messageID", skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(rename = "partID", skip_serializing_if = "Option::is_none")]
    part: Option<String>,
}

#[derive(PartialEq, Serialize)]
#[serde(untagged)]
enum Meta {
    Project(fields::Project),
    Session(Box<fields::Session>),
    Message(Box<fields::Message>),
}

/// The change of a text that an earlier event contained.
#[derive(Serialize)]
struct Edit<'a> {
    /// The offset of the change, in bytes of UTF-8.
    offset: usize,
    delete: usize,
    insert: &'a str,
}

/// Prints an event.
pub(super) fn print(store: &Store, event: &Event, out: &mut dyn Write) -> io::Result<()> {
    let cursor = event.cursor.as_ref();
    let cursor = cursor.map_or_else(|| Since::FRESH.to_owned(), ToString::to_string);
    let root = &store.roots()[event.root];
    let change = Some(event.change)
        .filter(|_| !matches!(event.subject, Subject::Fresh))
        .map(ChangeKind::name);
    let mut line = EventLine {
        kind: event.subject.name(),
        change,
        cursor,
        root: (store.roots().len() > 1).then(|| root.id()),
        ids: Ids::default(),
        now: None,
        old: None,
        part: None,
        edit: None,
        damaged: false,
    };
    let repaired; // a part may borrow from it
    match &event.subject {
        Subject::Project { now, old, key } => {
            if let EntityKey::Project(id) = key {
                line.ids.project = Some(id.to_string());
            }
            let meta = |meta: &_| Meta::Project(fields::Project::from(meta));
            (line.now, line.old) = (now.as_deref().map(meta), old.as_deref().map(meta));
        }
        Subject::Session { now, old, key } => {
            line.ids.session = Some(key.to_string());
            let fields = |meta| Box::new(fields::Session::new(meta, root.store_of(meta)));
            let meta = |meta| Meta::Session(fields(meta));
            (line.now, line.old) = (now.as_deref().map(meta), old.as_deref().map(meta));
        }
        Subject::Message { now, old, key } => {
            line.ids.session = Some(key.session.to_string());
            line.ids.message = Some(key.message.to_string());
            let meta = |meta: &_| Meta::Message(Box::new(fields::Message::from(meta)));
            (line.now, line.old) = (now.as_deref().map(meta), old.as_deref().map(meta));
            if line.now.is_some() && line.now == line.old {
                return Ok(()); // only a part changed; its own event follows
            }
        }
        Subject::Part { now, key, message, span, text, .. } => {
            line.ids.session = Some(message.session.to_string());
            line.ids.message = Some(message.message.to_string());
            line.ids.part = Some(key.part.to_string());
            let bytes = span.as_deref().unwrap_or_default();
            repaired = repair_surrogates(bytes);
            let bytes = repaired.as_ref().map_or(bytes, |(bytes, _)| bytes);
            line.part = Part::parse(bytes).ok().map(|parsed| parsed.value);
            line.damaged = now.is_some() && line.part.is_none();
            line.edit = text.as_ref().filter(|edit| !edit.is_whole).map(Edit::from);
            if line.edit.is_some() {
                line.part.as_mut().map(remove_text);
            }
        }
        _ => {}
    }
    // Raw JSON from a record may contain line breaks. They occur only between values, because a JSON
    // string cannot contain a line feed. So joining the lines keeps the value.
    let text = serde_json::to_string(&line)?;
    for piece in sanitize::json(&text).lines() {
        out.write_all(piece.trim_start().as_bytes())?;
    }
    out.write_all(b"\n")
}

fn remove_text(part: &mut Part<'_>) {
    match part {
        Part::Text(part) => part.text = None,
        Part::Reasoning(part) => part.text = None,
        _ => {}
    }
}

impl<'a> From<&'a TextEdit> for Edit<'a> {
    fn from(edit: &'a TextEdit) -> Self {
        Self { offset: edit.offset, delete: edit.delete, insert: &edit.insert }
    }
}
