//! `raw`: the bytes of one record as they are stored, its secrets apart.

use std::io::Write;
use std::ops::ControlFlow;

use scrollback_core_id::{
    EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionId, SessionKey,
};
use scrollback_stor_mmap::MappedSpan;
use scrollback_stor_read::{FileReader, Found, Reader, Source, SourceExt};
use serde_json::Value;

use crate::args::Global;
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::{open, pick, safe};

pub(crate) fn run(global: &Global, id: &str, out: &mut Out) -> Result<()> {
    let stores = open::open(global)?;
    for store in &stores {
        if let Some((key, span)) = find(store, id)? {
            return print(&key, &span, out);
        }
    }
    if let Some((prefix, session)) = id.split_once(':')
        && let Some(about) = about(prefix)
    {
        let (store, key) = pick::session(&stores, session)?;
        let key = about(key);
        let span = stores[store].read_span(&key)?;
        return print(&key, &span, out);
    }
    Err(Failure::new(Kind::NotFound, format!("nothing has the id {id:?}")).hint(
        "ids of sessions, messages, parts and projects are taken, and diff:, todo: and share: with a session",
    ))
}

fn about(prefix: &str) -> Option<fn(SessionKey) -> EntityKey> {
    match prefix {
        "diff" => Some(EntityKey::Diff),
        "todo" => Some(EntityKey::Todo),
        "share" => Some(EntityKey::Share),
        _ => None,
    }
}

/// Finds what an id names. A message's session and a part's message are not in their ids, so they
/// are tried by name, without reading; what the prefix of the id says is tried first.
fn find(store: &FileReader, id: &str) -> Result<Option<(EntityKey, MappedSpan)>> {
    let mut reader = store.open()?;
    let single = [
        SessionId::new(id).ok().map(|id| EntityKey::Session(id.into())),
        ProjectId::new(id).ok().map(EntityKey::Project),
    ];
    let keys: Vec<EntityKey> = single.into_iter().flatten().collect();
    if let Some(found) = first(&mut *reader, &keys)? {
        return Ok(Some(found));
    }
    let sessions: Vec<SessionKey> =
        pick::sessions(std::slice::from_ref(store))?.0.into_iter().map(|row| row.key).collect();
    if let Ok(message) = MessageId::new(id)
        && !id.starts_with(PartId::PREFIX)
    {
        let key = |session: &SessionKey| {
            EntityKey::Message(MessageKey {
                session: session.session.clone(),
                message: message.clone(),
            })
        };
        let keys: Vec<EntityKey> = sessions.iter().map(key).collect();
        if let Some(found) = first(&mut *reader, &keys)? {
            return Ok(Some(found));
        }
    }
    if let Ok(part) = PartId::new(id)
        && !id.starts_with(MessageId::PREFIX)
    {
        for session in &sessions {
            let key = |message: MessageKey| {
                EntityKey::Part(PartKey { message: message.message, part: part.clone() })
            };
            let keys: Vec<EntityKey> = reader.message_keys(session)?.into_iter().map(key).collect();
            if let Some(found) = first(&mut *reader, &keys)? {
                return Ok(Some(found));
            }
        }
    }
    orphan(&mut *reader, id)
}

/// The first of these entities that is there. One that is there and cannot be read is a failure.
fn first(reader: &mut dyn Reader, keys: &[EntityKey]) -> Result<Option<(EntityKey, MappedSpan)>> {
    let (mut found, mut failed) = (None, None);
    reader.spans(keys, &mut |item| match item {
        Found::Entry(entry) => {
            found = entry.span.map(|span| (entry.key, span));
            ControlFlow::Break(())
        }
        Found::Issue(_, issue) => {
            if issue.kind != scrollback_core_err::IssueKind::Vanished
                && !matches!(issue.kind, scrollback_core_err::IssueKind::BadId { .. })
            {
                failed = Some(issue);
            }
            ControlFlow::Continue(())
        }
    })?;
    match (found, failed) {
        (Some(found), _) => Ok(Some(found)),
        (None, Some(issue)) => Err(unreadable(&issue)),
        (None, None) => Ok(None),
    }
}

fn unreadable(issue: &scrollback_core_err::Issue) -> Failure {
    let failure = Failure::new(Kind::Unreadable, issue.to_string());
    match issue.kind {
        scrollback_core_err::IssueKind::TooLarge { size, .. } => {
            failure.hint(format!("--max-size {size} reads it"))
        }
        _ => failure,
    }
}

/// What belongs to something that is not there.
fn orphan(reader: &mut dyn Reader, id: &str) -> Result<Option<(EntityKey, MappedSpan)>> {
    let mut found = None;
    reader.orphans(&mut |item| {
        if let Found::Entry(entry) = item {
            let own = match &entry.key {
                EntityKey::Message(key) => key.message.as_str(),
                EntityKey::Part(key) => key.part.as_str(),
                _ => "",
            };
            if own == id {
                found = entry.span.map(|span| (entry.key, span));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Prints bytes: exactly to a pipe, made safe to a terminal, secrets never.
fn print(key: &EntityKey, span: &MappedSpan, out: &mut Out) -> Result<()> {
    let redacted = redact(key, span);
    let bytes = redacted.as_deref().unwrap_or(span);
    if redacted.is_some() {
        out.note("a secret was replaced by [redacted], and the JSON laid out anew")?;
    }
    if out.is_terminal {
        let text = String::from_utf8_lossy(bytes);
        return Ok(writeln!(out, "{}", safe::text(&text))?);
    }
    Ok(out.write_all(bytes)?)
}

/// The record without its share secret, which is a write token; `None` if it has none.
fn redact(key: &EntityKey, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut record: Value = match key {
        EntityKey::Share(_) | EntityKey::Session(_) => serde_json::from_slice(bytes).ok()?,
        _ => return None,
    };
    let holder = match key {
        EntityKey::Share(_) => &mut record,
        _ => record.get_mut("share")?,
    };
    *holder.get_mut("secret")? = Value::from("[redacted]");
    serde_json::to_vec_pretty(&record).ok()
}
