//! Makes entries, sets and issues from the records of a log.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, SessionKey, Stamp};
use scrollback_core_type::Provenance;
use scrollback_source::{Entry, Observation, ResumeToken};
use scrollback_stor_mmap::{MappedSpan, Settled};

use super::ids;
use super::lines::Record;
use super::state::Head;

/// Returns a session's record. A log is a session even if its first line is missing.
pub(super) fn session(key: &SessionKey, head: &Head, file: &Stamp) -> Entry {
    let updated = file.mtime.as_millis();
    let span = MappedSpan::pooled(head.to_json(key, updated), *file, Settled::Settled);
    let provenance = Provenance::new("example", "jsonl");
    Entry { provenance, ..Entry::new(key.clone(), OrderKey(updated), span) }
}

pub(super) fn message(session: &SessionKey, offset: u64, span: &MappedSpan) -> Option<Entry> {
    Some(Entry::new(ids::message_key(session, offset)?, order(offset), span.clone()))
}

pub(super) fn part(message: &MessageKey, part: &Record) -> Option<Entry> {
    Some(Entry::new(ids::part_key(message, part.offset)?, order(part.offset), part.span.clone()))
}

pub(super) fn item(session: &SessionKey, item: &Record) -> Option<Entry> {
    let key = EntityKey::Item(ids::item_key(session, item.offset)?);
    Some(Entry::new(key, order(item.offset), item.span.clone()))
}

/// Removes the bytes of an entry.
pub(super) fn without_span(entry: Entry) -> Entry {
    Entry { span: None, ..entry }
}

/// Returns the set of messages of a session, which also stands for the session's record: both change
/// with every append.
pub(super) fn log_set(key: &SessionKey, file: Stamp, resume: Option<ResumeToken>) -> Observation {
    Observation { resume, ..observation(key.clone(), file) }
}

/// Returns the set of parts of a message. Parts are only ever added, so the last part is the stamp.
pub(super) fn part_set(key: &MessageKey, parts: &[Record]) -> Option<Observation> {
    let last = parts.last()?;
    let stamp = Stamp { size: last.offset, ..*last.span.stamp() };
    Some(observation(key.clone(), stamp))
}

/// Returns a settled observation.
pub(super) fn observation(key: impl Into<EntityKey>, stamp: Stamp) -> Observation {
    Observation::new(key, stamp, Settled::Settled)
}

pub(super) fn issue(session: &SessionKey, kind: IssueKind) -> Issue {
    Issue::new(Place::path(ids::path_of(session).unwrap_or_default()), kind)
}

pub(super) fn order(offset: u64) -> OrderKey {
    OrderKey(i64::try_from(offset).unwrap_or(i64::MAX))
}
