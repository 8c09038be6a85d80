//! Regions: the bytes of a container, or of a part of it, cut into records.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_type::json::Scanner;
use scrollback_stor_mmap::MappedSpan;

/// The bytes of a container, or of a part of it.
pub(crate) struct Region {
    bytes: MappedSpan,
    cut: Cut,
    /// The issues with files and with the text around the records.
    pub(crate) issues: Vec<Issue>,
    /// Whether something at the end was left out because its writer may still be at work.
    pub(crate) has_young_end: bool,
    /// Whether more records follow in the container.
    pub(crate) is_cut: bool,
}

enum Cut {
    /// Lines. `base` is the offset of the first byte in the file, `len` the bytes that are records.
    Lines {
        base: u64,
        len: usize,
    },
    Steps(Vec<StepPiece>),
    Elements(Vec<Element>),
}

/// The bytes of a step file in their region.
pub(crate) struct StepPiece {
    pub(crate) position: u64,
    pub(crate) name: String,
    pub(crate) range: Range<usize>,
}

/// An element of an array of a document.
struct Element {
    position: u64,
    array: &'static str,
    range: Range<usize>,
}

/// The bytes of one record, which may be damaged.
pub(crate) struct RawRecord<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) position: u64,
    pub(crate) array: &'static str,
    /// The name of the step file.
    pub(crate) file: Option<&'b str>,
    /// The offset in the file.
    pub(crate) offset: u64,
    /// Whether writers may have glued several records together.
    pub(crate) is_line: bool,
}

/// What to do with bytes after the last line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// They are a record, because nobody is writing it.
    Read,
    /// They are left out, because the file is young: their writer may still be at work.
    Young,
    /// They are left out, because the region ends before the file does.
    Cut,
}

impl Region {
    /// Cuts bytes of a log that begin at the offset `base`.
    pub(crate) fn log(bytes: MappedSpan, base: u64, tail: Tail) -> Self {
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        let has_tail = whole < bytes.len();
        let len = if tail == Tail::Read { bytes.len() } else { whole };
        let has_young_end = has_tail && tail == Tail::Young;
        let is_cut = tail == Tail::Cut;
        Self { bytes, cut: Cut::Lines { base, len }, issues: Vec::new(), has_young_end, is_cut }
    }

    /// Takes step files that were read into one buffer.
    pub(crate) fn steps(
        bytes: MappedSpan,
        pieces: Vec<StepPiece>,
        issues: Vec<Issue>,
        has_young_end: bool,
    ) -> Self {
        Self { bytes, cut: Cut::Steps(pieces), issues, has_young_end, is_cut: false }
    }

    /// Cuts a document. The elements before an error are records.
    pub(crate) fn document(
        bytes: MappedSpan,
        path: &std::path::Path,
        arrays: &'static [&'static str],
    ) -> Self {
        let (mut elements, mut issues) = (Vec::new(), Vec::new());
        let len = bytes.len() as u64;
        let issue = |at: u64, kind| Issue::new(Place::path(path).at_range(at..len), kind);
        let text = match simdutf8::basic::from_utf8(&bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(masked(&bytes)),
        };
        let problem = walk_document(&text, arrays, &mut elements);
        // The read of an element reports what is not UTF-8 in it.
        let first = match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(_) => first_invalid_outside(&bytes, &elements),
        };
        issues.extend(first.map(|at| issue(at, IssueKind::NotUtf8)));
        issues
            .extend(problem.filter(|(at, _)| Some(*at) != first).map(|(at, kind)| issue(at, kind)));
        elements.sort_by_key(|element| element.position);
        let cut = Cut::Elements(elements);
        Self { bytes, cut, issues, has_young_end: false, is_cut: false }
    }

    /// Returns the end of the last whole line of a log, as an offset in the file.
    pub(crate) fn end_of_lines(&self) -> u64 {
        match &self.cut {
            Cut::Lines { base, .. } => {
                base + memchr::memrchr(b'\n', &self.bytes).map_or(0, |end| end as u64 + 1)
            }
            _ => 0,
        }
    }

    /// Returns the bytes of a log after the last line feed.
    pub(crate) fn tail(&self) -> &[u8] {
        &self.bytes[memchr::memrchr(b'\n', &self.bytes).map_or(0, |end| end + 1)..]
    }

    pub(crate) fn bytes(&self) -> &MappedSpan {
        &self.bytes
    }

    /// Passes the records in order.
    pub(crate) fn visit<'b>(
        &'b self,
        visitor: &mut dyn FnMut(&RawRecord<'b>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.cut {
            Cut::Lines { base, len } => {
                let mut at = 0;
                while at < *len {
                    let rest = &self.bytes[at..*len];
                    let end = memchr::memchr(b'\n', rest);
                    let bytes = &rest[..end.unwrap_or(rest.len())];
                    let offset = base + at as u64;
                    visitor(&RawRecord {
                        bytes,
                        position: offset,
                        array: "",
                        file: None,
                        offset,
                        is_line: true,
                    })?;
                    at += end.map_or(rest.len(), |end| end + 1);
                }
                ControlFlow::Continue(())
            }
            Cut::Steps(pieces) => pieces.iter().try_for_each(|piece| {
                visitor(&RawRecord {
                    bytes: &self.bytes[piece.range.clone()],
                    position: piece.position,
                    array: "",
                    file: Some(&piece.name),
                    offset: 0,
                    is_line: false,
                })
            }),
            Cut::Elements(elements) => elements.iter().try_for_each(|element| {
                visitor(&RawRecord {
                    bytes: &self.bytes[element.range.clone()],
                    position: element.position,
                    array: element.array,
                    file: None,
                    offset: element.range.start as u64,
                    is_line: false,
                })
            }),
        }
    }
}

/// Returns the text of bytes with a question mark for each byte that is not UTF-8, so that all offsets
/// stay.
fn masked(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

/// Returns the offset of the first byte that is not UTF-8 and in no element. The elements are in the
/// order of the text.
fn first_invalid_outside(bytes: &[u8], elements: &[Element]) -> Option<u64> {
    let is_inside = |at: usize| {
        let before = elements.partition_point(|element| element.range.start <= at);
        before > 0 && elements[before - 1].range.contains(&at)
    };
    let mut at = 0;
    bytes.utf8_chunks().find_map(|chunk| {
        let invalid = at + chunk.valid().len();
        at = invalid + chunk.invalid().len();
        (!chunk.invalid().is_empty() && !is_inside(invalid)).then_some(invalid as u64)
    })
}

/// Collects the elements of the arrays of a document, and returns the first error and its offset.
fn walk_document(
    text: &str,
    arrays: &'static [&'static str],
    elements: &mut Vec<Element>,
) -> Option<(u64, IssueKind)> {
    /// The positions of each array begin at a multiple of this.
    const ARRAY: u64 = 1 << 40;
    if text.is_empty() {
        return Some((0, IssueKind::Empty));
    }
    let mut next: Vec<u64> = (0..arrays.len() as u64).map(|array| array * ARRAY).collect();
    let mut scanner = Scanner::new(text);
    let walked = scanner.object(|scanner, key| {
        let Some(index) = arrays.iter().position(|name| *key == **name) else {
            return scanner.skip_value();
        };
        let array = scanner.array(|scanner| {
            let start = scanner.offset();
            scanner.skip_value()?;
            let range = start..scanner.offset();
            elements.push(Element { position: next[index], array: arrays[index], range });
            next[index] += 1;
            Ok(Some(()))
        })?;
        if array.is_some() {
            return Ok(());
        }
        let start = scanner.offset();
        scanner.skip_value()?;
        let range = start..scanner.offset();
        if text[range.clone()].starts_with('{') {
            elements.push(Element { position: next[index], array: arrays[index], range });
        }
        Ok(())
    });
    match walked {
        Ok(Some(())) if scanner.rest().trim_ascii().is_empty() => None,
        Ok(Some(())) => {
            let problem = "more after the end of the value";
            Some((scanner.offset() as u64, IssueKind::BadJson { problem }))
        }
        Ok(None) => Some((0, IssueKind::WrongShape { expected: "an object" })),
        Err(error) => {
            let issue = error.into_issue(text);
            Some((issue.place.offset.unwrap_or(0), issue.kind))
        }
    }
}
