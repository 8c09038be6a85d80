//! Reading on in a log from a mark: only the bytes before the mark that it compares, and those after
//! it, are read.

use std::ops::ControlFlow;

use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, SessionKey};
use scrollback_source::{Each, Found, LogMark, ResumeToken, Resumed};
use scrollback_stor_mmap::Dir;

use super::counters::Counters;
use super::file::LogFile;
use super::lines::{Lines, Record};
use super::state::State;
use super::{entries, ids};

/// The mark at the end of lines. `bytes` are those of the log that end with theirs or later, of which
/// `before` come before the lines.
fn mark_after(
    file: &LogFile<'_>,
    lines: &Lines,
    bytes: &[u8],
    before: usize,
) -> Option<ResumeToken> {
    let end = before + usize::try_from(lines.end - lines.from).ok()?;
    let stamp = (file.stamp.size, file.stamp.mtime.0);
    let state = State { stamp, ..lines.state.clone() }.to_bytes()?;
    Some(LogMark::new(file.identity, lines.end, bytes.get(..end)?, state).to_token())
}

/// The mark in a log whose bytes were read whole; none if it has to be read whole again.
pub(super) fn mark(file: &LogFile<'_>, lines: &Lines, bytes: &[u8]) -> Option<ResumeToken> {
    mark_after(file, lines, bytes, 0)
}

/// What a log has more than at the mark.
pub(super) fn resume(
    root: &Dir,
    counters: &Counters,
    session: &SessionKey,
    since: &ResumeToken,
    each: &mut Each<'_>,
) -> Resumed {
    let mark = LogMark::from_token(since);
    let state = mark.as_ref().and_then(|mark| State::from_bytes(&mark.state));
    let (Some(mark), Some(state)) = (mark, state) else { return Resumed::rescan() };
    // Whoever reads it anew says what is wrong with it.
    try_resume(root, counters, session, (mark, state), each).unwrap_or_else(|_| Resumed::rescan())
}

fn try_resume(
    root: &Dir,
    counters: &Counters,
    session: &SessionKey,
    (mark, state): (LogMark, State),
    each: &mut Each<'_>,
) -> Result<Resumed, IssueKind> {
    let file = LogFile::open(root, session, counters)?;
    let mut bytes = file.read_tail(mark.len)?;
    let (size, mtime) = (file.stamp.size, file.stamp.mtime.0);
    let is_rewritten = state.stamp.0 == size && state.stamp.1 != mtime;
    if is_rewritten || !mark.is_continued_by(file.identity, size, &bytes) {
        return Ok(Resumed::rescan());
    }
    let before = bytes.len();
    if size > mark.len {
        bytes.extend_from_slice(&file.read_from(mark.len)?);
    }
    let is_same = state.stamp == (size, mtime);
    let lines = Lines::read(session, (mark.len, state), &bytes[before..], counters);
    let token = mark_after(&file, &lines, &bytes, before);
    let _ = hand_out(session, &file, &lines, each);
    Ok(match token {
        Some(token) if is_same => Resumed::unchanged(token),
        token => Resumed::appended(session.clone(), mark.len, token),
    })
}

fn hand_out(
    session: &SessionKey,
    file: &LogFile<'_>,
    lines: &Lines,
    each: &mut Each<'_>,
) -> ControlFlow<()> {
    each(Found::Set(entries::log_set(session, file.stamp, None)))?;
    for issue in &lines.issues {
        each(Found::Issue(Some(EntityKey::Session(session.clone())), issue.clone()))?;
    }
    each(Found::Entry(entries::session(session, &lines.state.head, &file.stamp)))?;
    for (of, message) in &lines.messages {
        entry(entries::message(session, *of, &message.span), each)?;
        parts(session, *of, &message.parts, each)?;
    }
    for (of, more) in &lines.parts_of_earlier {
        parts(session, *of, more, each)?;
    }
    lines.items.iter().try_for_each(|item| entry(entries::item(session, item), each))
}

/// Parts of a message, after the set that they make.
fn parts(session: &SessionKey, of: u64, parts: &[Record], each: &mut Each<'_>) -> ControlFlow<()> {
    let Some(message) = ids::message(session, of) else { return ControlFlow::Continue(()) };
    if let Some(set) = entries::part_set(&message, parts) {
        each(Found::Set(set))?;
    }
    parts.iter().try_for_each(|part| entry(entries::part(&message, part), each))
}

fn entry(entry: Option<scrollback_source::Entry>, each: &mut Each<'_>) -> ControlFlow<()> {
    entry.into_iter().try_for_each(|entry| each(Found::Entry(entry)))
}
