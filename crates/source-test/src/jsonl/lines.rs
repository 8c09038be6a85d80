//! Parses the lines of a log into records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::SessionKey;
use scrollback_core_type::json;
use scrollback_source::content_stamp;
use scrollback_stor_mmap::{Arena, MappedSpan, Piece, Settled};
use serde::Deserialize;

use super::counters::Counters;
use super::ids;
use super::state::{Head, State};

/// The records of a log from an offset on, sorted by their kind.
pub(super) struct Lines {
    /// The offset of the first line, and the end of the last whole line.
    pub(super) start: u64,
    pub(super) end: u64,
    /// The state of the log at `end`.
    pub(super) state: State,
    /// The messages, by the offset that names them.
    pub(super) messages: BTreeMap<u64, Message>,
    /// The parts of messages before `start`, by the offset of the message.
    pub(super) parts_of_earlier: BTreeMap<u64, Vec<Record>>,
    /// The parts of messages that do not exist, with the offset of the message.
    pub(super) lost_parts: Vec<(u64, Record)>,
    pub(super) items: Vec<Record>,
    /// The issues. Issues of earlier lines come first.
    pub(super) issues: Vec<Issue>,
}

/// A message with its parts, as far as the parts are among the lines.
pub(super) struct Message {
    /// The offset of the last line that contains the message.
    pub(super) offset: u64,
    pub(super) span: MappedSpan,
    pub(super) parts: Vec<Record>,
}

/// A record, and the offset of its line.
pub(super) struct Record {
    pub(super) offset: u64,
    pub(super) span: MappedSpan,
}

/// The fields of a line that say what kind of record it is.
#[derive(Deserialize)]
struct LineTag<'l> {
    #[serde(borrow)]
    record: Cow<'l, str>,
    #[serde(default)]
    message: Option<u64>,
    #[serde(default)]
    replaces: Option<u64>,
}

/// A parsed record that is not sorted yet.
enum ParsedRecord {
    Message { message_offset: u64, offset: u64, piece: Piece },
    Part { message_offset: u64, offset: u64, piece: Piece },
    Item { offset: u64, piece: Piece },
}

/// Parses one line after the other.
struct LineParser<'t> {
    session: &'t SessionKey,
    arena: Arena,
    records: Vec<ParsedRecord>,
    state: State,
    issues: Vec<Issue>,
}

impl Lines {
    /// Parses the lines in `bytes`, which begin at the offset `from`; `state` is the state of the log
    /// before them. A last line without its line feed is left out.
    pub(super) fn parse(
        session: &SessionKey,
        (from, state): (u64, State),
        bytes: &[u8],
        counters: &Counters,
    ) -> Self {
        let earlier = state.damaged.iter().map(|offset| damaged_line_issue(session, *offset));
        let (issues, records) = (earlier.collect(), Vec::new());
        let arena = Arena::with_capacity(bytes.len() * 3 / 2);
        let mut parser = LineParser { session, arena, records, state, issues };
        let mut offset = from;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else { break };
            if !text.is_empty() {
                counters.count_parsed();
                if let Err(issue) = parser.parse_line(offset, text) {
                    parser.state.damaged.push(offset);
                    parser.issues.push(issue);
                }
            }
            offset += line.len() as u64;
        }
        parser.into_lines(from, offset)
    }
}

impl LineParser<'_> {
    fn parse_line(&mut self, offset: u64, text: &[u8]) -> Result<(), Issue> {
        let place = || place_of_line(self.session, offset);
        json::check(text).map_err(|issue| Issue::new(place(), issue.kind))?;
        let shape = || Issue::new(place(), IssueKind::WrongShape { expected: "a record of a log" });
        let object = text.trim_ascii_start().strip_prefix(b"{").ok_or_else(shape)?;
        let tag: LineTag<'_> = serde_json::from_slice(text).map_err(|_| shape())?;
        match (&*tag.record, tag.message) {
            ("session", _) => {
                self.state.head = serde_json::from_slice::<Head>(text).map_err(|_| shape())?;
                self.state.head_at = Some(offset);
            }
            ("message", _) => {
                let message_offset = tag
                    .replaces
                    .filter(|message_offset| *message_offset < offset)
                    .unwrap_or(offset);
                let key = ids::message_key(self.session, message_offset).ok_or_else(shape)?;
                let names = [("id", key.message.as_str())];
                let piece = self.splice(text, object, &names);
                self.records.push(ParsedRecord::Message { message_offset, offset, piece });
            }
            ("part", message_offset) => {
                let message = message_offset.and_then(|message_offset| {
                    Some((message_offset, ids::message_key(self.session, message_offset)?))
                });
                let (message_offset, message) = message.ok_or_else(shape)?;
                let key = ids::part_key(&message, offset).ok_or_else(shape)?;
                let names = [("id", key.part.as_str()), ("messageID", message.message.as_str())];
                let piece = self.splice(text, object, &names);
                self.records.push(ParsedRecord::Part { message_offset, offset, piece });
            }
            _ => {
                let key = ids::item_key(self.session, offset).ok_or_else(shape)?;
                let names = [("id", key.item.as_str())];
                let piece = self.splice(text, object, &names);
                self.records.push(ParsedRecord::Item { offset, piece });
            }
        }
        Ok(())
    }

    /// Writes a record in opencode's shape: its ids, then all fields of the line. The stamp of the
    /// record is the stamp of the line.
    fn splice(&mut self, line: &[u8], object: &[u8], names: &[(&str, &str)]) -> Piece {
        let session = [("sessionID", self.session.session.as_str())];
        self.arena.append(content_stamp(line), Settled::Settled, |out| {
            out.push(b'{');
            for (name, id) in names.iter().chain(&session) {
                let id = serde_json::Value::from(*id);
                out.extend_from_slice(format!("\"{name}\":{id},").as_bytes());
            }
            out.extend_from_slice(object);
        })
    }

    /// Sorts the records by kind, and attaches parts to their messages.
    fn into_lines(self, from: u64, end: u64) -> Lines {
        let Self { arena, records, state, issues, .. } = self;
        let arena = arena.freeze();
        let mut lines = Lines {
            start: from,
            end,
            state,
            messages: BTreeMap::new(),
            parts_of_earlier: BTreeMap::new(),
            lost_parts: Vec::new(),
            items: Vec::new(),
            issues,
        };
        let to_record = |offset, piece| Record { offset, span: arena.span(&piece) };
        for parsed_record in records {
            match parsed_record {
                ParsedRecord::Message { message_offset, offset, piece } => {
                    let Record { span, .. } = to_record(offset, piece);
                    let earlier =
                        lines.messages.remove(&message_offset).map(|message| message.parts);
                    let parts = earlier.or_else(|| lines.parts_of_earlier.remove(&message_offset));
                    let message = Message { offset, span, parts: parts.unwrap_or_default() };
                    lines.messages.insert(message_offset, message);
                }
                ParsedRecord::Part { message_offset, offset, piece } => {
                    match lines.messages.get_mut(&message_offset) {
                        Some(message) => message.parts.push(to_record(offset, piece)),
                        None if message_offset < from => {
                            lines
                                .parts_of_earlier
                                .entry(message_offset)
                                .or_default()
                                .push(to_record(offset, piece));
                        }
                        None => lines.lost_parts.push((message_offset, to_record(offset, piece))),
                    }
                }
                ParsedRecord::Item { offset, piece } => lines.items.push(to_record(offset, piece)),
            }
        }
        lines
    }
}

/// Returns the place of a line, for issues.
fn place_of_line(session: &SessionKey, offset: u64) -> Place {
    Place::path(ids::path_of(session).unwrap_or_default()).at_offset(offset)
}

/// Returns the issue of a line that an earlier read found damaged.
fn damaged_line_issue(session: &SessionKey, offset: u64) -> Issue {
    Issue::new(
        place_of_line(session, offset),
        IssueKind::WrongShape { expected: "a record of a log" },
    )
}
