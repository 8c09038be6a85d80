//! Entries and sets of what is in a log.

use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{EntityKey, MessageKey, OrderKey, SessionKey, Stamp};
use scrollback_core_type::Provenance;
use scrollback_source::{Entry, Observation, ResumeToken};
use scrollback_stor_mmap::{MappedSpan, Settled};

use super::ids;
use super::lines::Record;
use super::state::Head;

/// A session's record. A log is a session whether or not its first line was written.
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

/// The same without its bytes.
pub(super) fn without_span(entry: Entry) -> Entry {
    Entry { span: None, ..entry }
}

/// The set of messages of a session, and its record: both change with every append.
pub(super) fn log_set(key: &SessionKey, file: Stamp, resume: Option<ResumeToken>) -> Observation {
    Observation { resume, ..observation(key.clone(), file) }
}

/// The set of parts of a message, which are only ever added: it is the last of them.
pub(super) fn part_set(key: &MessageKey, parts: &[Record]) -> Option<Observation> {
    let last = parts.last()?;
    let stamp = Stamp { size: last.offset, ..*last.span.stamp() };
    Some(observation(key.clone(), stamp))
}

/// A record that was looked at.
pub(super) fn observation(key: impl Into<EntityKey>, stamp: Stamp) -> Observation {
    Observation::new(key, stamp, Settled::Settled)
}

pub(super) fn issue(session: &SessionKey, kind: IssueKind) -> Issue {
    Issue::new(Place::path(ids::path_of(session).unwrap_or_default()), kind)
}

pub(super) fn order(offset: u64) -> OrderKey {
    OrderKey(i64::try_from(offset).unwrap_or(i64::MAX))
}
