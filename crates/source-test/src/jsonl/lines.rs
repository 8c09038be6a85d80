//! What the lines of a log say.

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

/// The lines of a log from an offset on, sorted by what they are.
pub(super) struct Lines {
    /// Where they begin, and where the last whole one ends.
    pub(super) start: u64,
    pub(super) end: u64,
    /// What is known at the end.
    pub(super) state: State,
    /// By the offset that names them.
    pub(super) messages: BTreeMap<u64, Message>,
    /// Parts of messages before `from`, by the offset of the message.
    pub(super) parts_of_earlier: BTreeMap<u64, Vec<Record>>,
    /// Parts of messages that are not there, with the offset of the message.
    pub(super) lost_parts: Vec<(u64, Record)>,
    pub(super) items: Vec<Record>,
    /// Those of earlier lines come first.
    pub(super) issues: Vec<Issue>,
}

/// A message with those of its parts that are among the lines.
pub(super) struct Message {
    /// The offset of the line that it was last written in.
    pub(super) offset: u64,
    pub(super) span: MappedSpan,
    pub(super) parts: Vec<Record>,
}

/// A record, and the offset of its line.
pub(super) struct Record {
    pub(super) offset: u64,
    pub(super) span: MappedSpan,
}

/// What a line says of itself.
#[derive(Deserialize)]
struct LineTag<'l> {
    #[serde(borrow)]
    record: Cow<'l, str>,
    #[serde(default)]
    message: Option<u64>,
    #[serde(default)]
    replaces: Option<u64>,
}

/// A record that was taken and is not yet in its place.
enum ParsedRecord {
    Message { message_offset: u64, offset: u64, piece: Piece },
    Part { message_offset: u64, offset: u64, piece: Piece },
    Item { offset: u64, piece: Piece },
}

/// Takes lines one after the other.
struct LineParser<'t> {
    session: &'t SessionKey,
    arena: Arena,
    records: Vec<ParsedRecord>,
    state: State,
    issues: Vec<Issue>,
}

impl Lines {
    /// Reads the lines in `bytes`, which begin at `from`; before that, `state` was known. A last line
    /// that is not whole is left out.
    pub(super) fn parse(
        session: &SessionKey,
        (from, state): (u64, State),
        bytes: &[u8],
        counters: &Counters,
    ) -> Self {
        let earlier = state.damaged.iter().map(|at| damaged_line_issue(session, *at));
        let (issues, taken) = (earlier.collect(), Vec::new());
        let arena = Arena::with_capacity(bytes.len() * 3 / 2);
        let mut taker = LineParser { session, arena, records: taken, state, issues };
        let mut at = from;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else { break };
            if !text.is_empty() {
                counters.count_parsed();
                if let Err(issue) = taker.parse_line(at, text) {
                    taker.state.damaged.push(at);
                    taker.issues.push(issue);
                }
            }
            at += line.len() as u64;
        }
        taker.into_lines(from, at)
    }
}

impl LineParser<'_> {
    fn parse_line(&mut self, at: u64, text: &[u8]) -> Result<(), Issue> {
        let place = || place_of_line(self.session, at);
        json::check(text).map_err(|issue| Issue::new(place(), issue.kind))?;
        let shape = || Issue::new(place(), IssueKind::WrongShape { expected: "a record of a log" });
        let object = text.trim_ascii_start().strip_prefix(b"{").ok_or_else(shape)?;
        let tag: LineTag<'_> = serde_json::from_slice(text).map_err(|_| shape())?;
        match (&*tag.record, tag.message) {
            ("session", _) => {
                self.state.head = serde_json::from_slice::<Head>(text).map_err(|_| shape())?;
                self.state.head_at = Some(at);
            }
            ("message", _) => {
                let of = tag.replaces.filter(|of| *of < at).unwrap_or(at);
                let key = ids::message_key(self.session, of).ok_or_else(shape)?;
                let names = [("id", key.message.as_str())];
                let piece = self.splice(text, object, &names);
                self.records.push(ParsedRecord::Message { message_offset: of, offset: at, piece });
            }
            ("part", of) => {
                let message = of.and_then(|of| Some((of, ids::message_key(self.session, of)?)));
                let (of, message) = message.ok_or_else(shape)?;
                let key = ids::part_key(&message, at).ok_or_else(shape)?;
                let names = [("id", key.part.as_str()), ("messageID", message.message.as_str())];
                let piece = self.splice(text, object, &names);
                self.records.push(ParsedRecord::Part { message_offset: of, offset: at, piece });
            }
            _ => {
                let key = ids::item_key(self.session, at).ok_or_else(shape)?;
                let names = [("id", key.item.as_str())];
                let piece = self.splice(text, object, &names);
                self.records.push(ParsedRecord::Item { offset: at, piece });
            }
        }
        Ok(())
    }

    /// Writes a record in opencode's shape: with its ids, and with all that the line says. Its stamp
    /// is that of the line.
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

    /// Puts what was taken in its place.
    fn into_lines(self, from: u64, end: u64) -> Lines {
        let Self { arena, records: taken, state, issues, .. } = self;
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
        let record = |at, piece| Record { offset: at, span: arena.span(&piece) };
        for taken in taken {
            match taken {
                ParsedRecord::Message { message_offset: of, offset: at, piece } => {
                    let Record { span, .. } = record(at, piece);
                    let earlier = lines.messages.remove(&of).map(|message| message.parts);
                    let parts = earlier.or_else(|| lines.parts_of_earlier.remove(&of));
                    let message = Message { offset: at, span, parts: parts.unwrap_or_default() };
                    lines.messages.insert(of, message);
                }
                ParsedRecord::Part { message_offset: of, offset: at, piece } => {
                    match lines.messages.get_mut(&of) {
                        Some(message) => message.parts.push(record(at, piece)),
                        None if of < from => {
                            lines.parts_of_earlier.entry(of).or_default().push(record(at, piece));
                        }
                        None => lines.lost_parts.push((of, record(at, piece))),
                    }
                }
                ParsedRecord::Item { offset: at, piece } => lines.items.push(record(at, piece)),
            }
        }
        lines
    }
}

/// Where a line is, for issues.
fn place_of_line(session: &SessionKey, at: u64) -> Place {
    Place::path(ids::path_of(session).unwrap_or_default()).at_offset(at)
}

/// The issue of a line that was found damaged before.
fn damaged_line_issue(session: &SessionKey, at: u64) -> Issue {
    Issue::new(place_of_line(session, at), IssueKind::WrongShape { expected: "a record of a log" })
}
