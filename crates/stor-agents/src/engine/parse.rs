//! Parses the records of a region: validates each, passes it to the dialect, and hands out what is
//! finished.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use scrollback_core_err::IssueKind;

use super::dialect::Dialect;
use super::draft::Origin;
use super::fields::Fields;
use super::queue::{Counters, Finished, OpenPoint};
use super::record::Record;
use super::region::{RawRecord, Region};
use super::sink::Sink;

/// The state at the end of a region.
#[derive(Debug, Default)]
pub(crate) struct ParseEnd {
    /// Where the oldest message begins that was open at the end.
    pub(crate) open: Option<OpenPoint>,
    /// The last line, if it has no line feed yet.
    pub(crate) tail: Option<OpenPoint>,
    /// How many messages and items there were.
    pub(crate) counters: Counters,
    /// The position and length of each record with an issue.
    pub(crate) damaged: Vec<(u64, u64)>,
}

/// Parses a region; `before` is how many messages and items come before it. If more records follow the
/// region, open messages are not handed out.
pub(crate) fn parse<'b, D: Dialect>(
    dialect: &D,
    path: &'b Path,
    region: &'b Region,
    before: Counters,
    emit: &mut dyn FnMut(Finished<'b>) -> ControlFlow<()>,
) -> (ControlFlow<()>, ParseEnd) {
    parse_as(dialect, path, region, before, None, emit)
}

/// Parses a region of the side file of this kind, or of the container.
pub(crate) fn parse_as<'b, D: Dialect>(
    dialect: &D,
    path: &'b Path,
    region: &'b Region,
    before: Counters,
    side: Option<&'static str>,
    emit: &mut dyn FnMut(Finished<'b>) -> ControlFlow<()>,
) -> (ControlFlow<()>, ParseEnd) {
    let mut parser =
        Parser { dialect, sink: Sink::new(D::IDS, path, before), side, damaged: Vec::new() };
    parser.sink.makes_copies = dialect.is_copy(path);
    let (end_of_lines, mut tail) = (region.end_of_lines(), None);
    let mut flow = region.visit(&mut |raw| {
        if raw.is_line && raw.position >= end_of_lines {
            tail = Some(OpenPoint { position: end_of_lines, before: parser.sink.counters() });
        }
        parser.read(raw);
        parser.drain(emit)
    });
    let (open, counters) = (parser.sink.open_point(), parser.sink.counters());
    if flow.is_continue() && !region.is_cut {
        parser.sink.close_all();
        flow = parser.drain(emit);
    }
    (flow, ParseEnd { open, tail, counters, damaged: parser.damaged })
}

struct Parser<'p, 'b, D> {
    dialect: &'p D,
    sink: Sink<'b>,
    side: Option<&'static str>,
    damaged: Vec<(u64, u64)>,
}

impl<'b, D: Dialect> Parser<'_, 'b, D> {
    fn drain(&mut self, emit: &mut dyn FnMut(Finished<'b>) -> ControlFlow<()>) -> ControlFlow<()> {
        while let Some(finished) = self.sink.take_finished() {
            emit(finished)?;
        }
        ControlFlow::Continue(())
    }

    /// Reads what is at the place of one record: usually one object, but also several that writers
    /// glued together, or a torn one with whole ones behind it.
    fn read(&mut self, raw: &RawRecord<'b>) {
        let len = raw.bytes.len();
        let text = match simdutf8::basic::from_utf8(raw.bytes) {
            Ok(text) => text,
            Err(_) => return self.read_not_utf8(raw),
        };
        let mut at = len - text.trim_ascii_start().len();
        if at == len {
            if !raw.is_line {
                self.read_damaged(raw, 0..len, IssueKind::Empty);
            }
            return; // a blank line
        }
        while at < len {
            at = match Fields::parse_first(&text[at..]) {
                Ok((fields, rest)) => {
                    let end = len - rest.len();
                    self.read_whole_object(raw, fields, text, at..end);
                    end + (rest.len() - rest.trim_ascii_start().len())
                }
                Err(issue) => match self.read_behind(raw, at, &issue.kind) {
                    Some(end) => end,
                    None => return self.read_damaged(raw, at..len, issue.kind),
                },
            };
        }
    }

    /// Reads the objects before the first byte that is not UTF-8, and one behind the last such byte.
    fn read_not_utf8(&mut self, raw: &RawRecord<'b>) {
        let valid = match simdutf8::compat::from_utf8(raw.bytes) {
            Ok(_) => raw.bytes.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = std::str::from_utf8(&raw.bytes[..valid]).unwrap_or_default();
        let mut at = 0;
        while let Ok((fields, rest)) = Fields::parse_first(&text[at..]) {
            let end = valid - rest.len();
            let start = end - text[at..end].trim_ascii_start().len();
            self.read_whole_object(raw, fields, text, start..end);
            at = end;
        }
        if self.read_behind(raw, at, &IssueKind::NotUtf8).is_none() {
            self.read_damaged(raw, at..raw.bytes.len(), IssueKind::NotUtf8);
        }
    }

    fn read_whole_object(
        &mut self,
        raw: &RawRecord<'b>,
        fields: Fields<'b>,
        text: &'b str,
        range: Range<usize>,
    ) {
        if let Err(kind) = self.read_object(raw, fields, text.get(range.clone()), range) {
            self.sink.issue(kind);
        }
        self.end_record(raw);
    }

    /// Looks for a whole object behind a torn one that fills the rest of a line. Reports the torn one,
    /// and returns the end of the line.
    fn read_behind(&mut self, raw: &RawRecord<'b>, torn: usize, kind: &IssueKind) -> Option<usize> {
        /// How many objects may be tried; a torn record has few.
        const MAX_TRIES: usize = 64;
        if !raw.is_line {
            return None;
        }
        let (len, behind) = (raw.bytes.len(), raw.bytes.get(torn + 1..)?);
        let starts = memchr::memmem::find_iter(behind, b"{\"");
        for start in starts.take(MAX_TRIES).map(|start| torn + 1 + start) {
            let Ok(text) = simdutf8::basic::from_utf8(&raw.bytes[start..]) else { continue };
            let Ok(fields) = Fields::parse(text) else { continue };
            // An object inside the torn one is not a record; the dialect says so.
            let result = self.read_object(raw, fields, Some(text), start..len);
            if result.is_ok() {
                let offset = raw.offset;
                self.sink.issue_at(kind.clone(), offset + torn as u64..offset + start as u64);
                self.end_record(raw);
                return Some(len);
            }
        }
        None
    }

    fn read_object(
        &mut self,
        raw: &RawRecord<'b>,
        fields: Fields<'b>,
        text: Option<&'b str>,
        range: Range<usize>,
    ) -> Result<(), IssueKind> {
        // Each record of a log has its own offset, also behind another one in the same line.
        let within = if raw.is_line { range.start as u64 } else { 0 };
        let position = raw.position + within;
        self.sink.begin_record(position, origin(raw, &range), range.start == 0);
        let record = Record {
            fields,
            text: text.unwrap_or_default(),
            position,
            array: raw.array,
            side: self.side,
        };
        self.dialect.record(&record, &mut self.sink)
    }

    fn read_damaged(&mut self, raw: &RawRecord<'b>, range: Range<usize>, kind: IssueKind) {
        let kind = match kind {
            _ if !raw.bytes.is_empty() && raw.bytes.iter().all(|byte| *byte == 0) => {
                IssueKind::NulFilled
            }
            kind => kind,
        };
        self.sink.begin_record(raw.position, origin(raw, &range), range.start == 0);
        self.sink.issue(kind);
        self.end_record(raw);
    }

    fn end_record(&mut self, raw: &RawRecord<'b>) {
        let is_noted = self.damaged.last().is_some_and(|(position, _)| *position == raw.position);
        if self.sink.end_record() && !is_noted {
            self.damaged.push((raw.position, raw.bytes.len() as u64));
        }
    }
}

fn origin(raw: &RawRecord<'_>, range: &Range<usize>) -> Origin {
    let range = raw.offset + range.start as u64..raw.offset + range.end as u64;
    Origin { file: raw.file.map(Box::from), range }
}
