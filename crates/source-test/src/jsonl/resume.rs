//! Continues to read a log from a mark. Only the bytes after the mark are read, and the bytes before
//! it that the mark compares.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_source::{LogMark, ResumeResult, ResumeToken, ScanItem, ScanVisitor};
use scrollback_stor_mmap::Dir;

use super::counters::Counters;
use super::file::LogFile;
use super::lines::{Lines, Record};
use super::state::State;
use super::{entries, ids};

/// Returns the mark at the end of `lines`. `bytes` are bytes of the log that include the lines;
/// `before` is the number of bytes in front of the lines.
fn mark_after(
    file: &LogFile<'_>,
    lines: &Lines,
    bytes: &[u8],
    before: usize,
) -> Option<ResumeToken> {
    let end = before + usize::try_from(lines.end - lines.start).ok()?;
    let stamp = (file.stamp.size, file.stamp.mtime.0);
    let state = State { stamp, ..lines.state.clone() }.to_bytes()?;
    Some(LogMark::new(file.identity, lines.end, bytes.get(..end)?, state).to_token())
}

/// Returns the mark of a log that was read whole, or `None` if it must be read whole again.
pub(super) fn mark_whole_log(
    file: &LogFile<'_>,
    lines: &Lines,
    bytes: &[u8],
) -> Option<ResumeToken> {
    mark_after(file, lines, bytes, 0)
}

/// Passes the additions to a log since the mark `since`.
pub(super) fn resume(
    root: &Dir,
    counters: &Counters,
    session: &SessionKey,
    since: &ResumeToken,
    visitor: &mut ScanVisitor<'_>,
) -> ResumeResult {
    let mark = LogMark::from_token(since);
    let state = mark.as_ref().and_then(|mark| State::from_bytes(&mark.state));
    let (Some(mark), Some(state)) = (mark, state) else { return ResumeResult::rescan() };
    // A full read of the log reports the problem.
    try_resume(root, counters, session, (mark, state), visitor)
        .unwrap_or_else(|_| ResumeResult::rescan())
}

fn try_resume(
    root: &Dir,
    counters: &Counters,
    session: &SessionKey,
    (mark, state): (LogMark, State),
    visitor: &mut ScanVisitor<'_>,
) -> Result<ResumeResult, IssueKind> {
    let file = LogFile::open(root, session, counters)?;
    let mut bytes = file.read_tail(mark.len)?;
    let (size, mtime) = (file.stamp.size, file.stamp.mtime.0);
    // An append changes the size, so the same size with another time is a rewrite in place.
    let is_rewritten = state.stamp.0 == size && state.stamp.1 != mtime;
    if is_rewritten || !mark.is_continued_by(file.identity, size, &bytes) {
        return Ok(ResumeResult::rescan());
    }
    let before = bytes.len();
    if size > mark.len {
        bytes.extend_from_slice(&file.read_from(mark.len)?);
    }
    let is_same = state.stamp == (size, mtime);
    let lines = Lines::parse(session, (mark.len, state), &bytes[before..], counters);
    let token = mark_after(&file, &lines, &bytes, before);
    let _ = emit_appended(session, &file, &lines, visitor);
    Ok(match token {
        Some(token) if is_same => ResumeResult::unchanged(token),
        token => ResumeResult::appended(session.clone(), mark.len, token),
    })
}

fn emit_appended(
    session: &SessionKey,
    file: &LogFile<'_>,
    lines: &Lines,
    visitor: &mut ScanVisitor<'_>,
) -> ControlFlow<()> {
    visitor(ScanItem::Set(entries::log_set(session, file.stamp, None)))?;
    for issue in &lines.issues {
        visitor(ScanItem::Issue(Some(EntityKey::Session(session.clone())), issue.clone()))?;
    }
    visitor(ScanItem::Entry(entries::session(session, &lines.state.head, &file.stamp)))?;
    for (offset, message) in &lines.messages {
        emit_entry(entries::message(session, *offset, &message.span), visitor)?;
        emit_parts(session, *offset, &message.parts, visitor)?;
    }
    for (offset, parts) in &lines.parts_of_earlier {
        emit_parts(session, *offset, parts, visitor)?;
    }
    lines.items.iter().try_for_each(|item| emit_entry(entries::item(session, item), visitor))
}

/// Passes the set of a message's parts, then the parts.
fn emit_parts(
    session: &SessionKey,
    message_offset: u64,
    parts: &[Record],
    visitor: &mut ScanVisitor<'_>,
) -> ControlFlow<()> {
    let Some(message) = ids::message_key(session, message_offset) else {
        return ControlFlow::Continue(());
    };
    if let Some(set) = entries::part_set(&message, parts) {
        visitor(ScanItem::Set(set))?;
    }
    parts.iter().try_for_each(|part| emit_entry(entries::part(&message, part), visitor))
}

fn emit_entry(
    entry: Option<scrollback_source::Entry>,
    visitor: &mut ScanVisitor<'_>,
) -> ControlFlow<()> {
    entry.into_iter().try_for_each(|entry| visitor(ScanItem::Entry(entry)))
}
