//! `raw`: prints one record as stored, except secrets. For a file, that is its bytes. For a database,
//! it is the content of a row with its ids; in 2.x, it is the row with all columns that holds a message,
//! part or item. The record of a session in a database is a JSON object of its columns.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use scrollback::{Root, Store};
use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{
    EntityKey, ItemId, ItemKey, MessageId, MessageKey, PartId, PartKey, ProjectId, Scope,
    SessionId, SessionKey,
};
use scrollback_source::{Entry, Listing, Reader, ScanItem, SourceExt};
use scrollback_stor_mmap::{Arena, Dir, Error, MappedSpan, ReadContext};
use scrollback_stor_path::layout::TOOL_OUTPUT;
use scrollback_stor_path::opencode::{JSON_FILES, MESSAGE_PREFIX, PART_PREFIX, TOOL_OUTPUT_PREFIX};
use scrollback_stor_path::safe_component;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::{pick, sanitize};

pub(crate) fn run(id: &str, store: &Store, out: &mut Out) -> Result<()> {
    if let Some(session) = pick::latest(store, id)? {
        let key = EntityKey::Session(session.key().clone());
        let span = session.root().source().read_span(&key)?;
        return print(&key, &span, out);
    }
    // A record comes before a tool output and before `diff:`, `todo:` and `share:`, because an id may
    // contain a colon.
    for root in store.roots() {
        if let Some((key, span)) = find_record(root, id)? {
            let row = root.source().open()?.raw(&key)?;
            return print(&key, &row.unwrap_or(span), out);
        }
    }
    if let Some(span) = tool_output(id, store)? {
        return print_bytes(&span, out);
    }
    if let Some((prefix, session)) = id.split_once(':')
        && let Some(key_for) = key_for_prefix(prefix)
    {
        let session = pick::session(store, session)?;
        let key = key_for(session.key().clone());
        let span = session.root().source().read_span(&key)?;
        return print(&key, &span, out);
    }
    Err(Failure::new(Kind::NotFound, format!("no record has the id {id:?}")).hint(
        "pass the full id of a session, message, part, item, project or tool output, or `latest`, or \
         `diff:SESSION`, `todo:SESSION` or `share:SESSION`",
    ))
}

fn key_for_prefix(prefix: &str) -> Option<fn(SessionKey) -> EntityKey> {
    match prefix {
        "diff" => Some(EntityKey::Diff),
        "todo" => Some(EntityKey::Todo),
        "share" => Some(EntityKey::Share),
        _ => None,
    }
}

/// Reads the full text of a tool output that was cut. The data directory of any root may have the file.
fn tool_output(id: &str, store: &Store) -> Result<Option<MappedSpan>> {
    if !id.starts_with(TOOL_OUTPUT_PREFIX) || safe_component(id).is_err() {
        return Ok(None);
    }
    for root in store.roots() {
        let dir = match Dir::open(root.discovered_root().data_dir.join(TOOL_OUTPUT)) {
            Ok(dir) => dir,
            Err(Error::Io(error)) if error.source.kind() == io::ErrorKind::NotFound => continue,
            Err(Error::Io(error)) => return Err(error.into()),
            Err(error) => return Err(Failure::new(Kind::Unreadable, error.to_string())),
        };
        let read_context =
            ReadContext::begin(root.source().clock().as_ref(), root.open_options().read);
        let mut arena = Arena::new();
        match arena.read(&dir, id.as_bytes(), &read_context, &mut |_| true) {
            Ok(record) => return Ok(Some(arena.freeze().span(&record))),
            Err(IssueKind::Vanished) => {}
            Err(kind) => {
                let place = Place::path(Path::new(TOOL_OUTPUT).join(id));
                return Err(Failure::from(&Issue::new(place, kind)));
            }
        }
    }
    Ok(None)
}

/// Finds the record with a full id. The id of a message or item does not contain its session, and the
/// id of a part does not contain its message. So the function tries all sessions and messages by name,
/// which reads no content. The prefixes `msg_` and `prt_` rule out the other kind.
fn find_record(root: &Root, id: &str) -> Result<Option<(EntityKey, MappedSpan)>> {
    let mut reader = root.source().open()?;
    let single = [
        SessionId::new(id).ok().map(|id| EntityKey::Session(id.into())),
        ProjectId::new(id).ok().map(EntityKey::Project),
    ];
    let keys: Vec<EntityKey> = single.into_iter().flatten().collect();
    if let Some(record) = first_present(&mut *reader, &keys)? {
        return Ok(Some(record));
    }
    let view = root.view()?;
    let listed = MessageId::new(id).ok().and_then(|id| view.message(&id));
    if let Some(meta) = listed
        && let Some(record) = first_present(&mut *reader, &[meta.key.clone().into()])?
    {
        return Ok(Some(record));
    }
    let sessions: Vec<SessionKey> = view.session_ids().into_iter().map(SessionKey::from).collect();
    if let Ok(item) = ItemId::new(id)
        && !id.starts_with(PART_PREFIX)
    {
        let key = |session: &SessionKey| {
            EntityKey::Item(ItemKey { session: session.session.clone(), item: item.clone() })
        };
        // JSON files have no items. The format of a session without a record is unknown, so it is tried.
        let may_have_items = |key: &&SessionKey| {
            let meta = view.session(&key.session);
            meta.is_none_or(|it| it.provenance.formats().any(|format| format != JSON_FILES))
        };
        let keys: Vec<EntityKey> = sessions.iter().filter(may_have_items).map(key).collect();
        if let Some(record) = first_present(&mut *reader, &keys)? {
            return Ok(Some(record));
        }
    }
    if let Ok(message) = MessageId::new(id)
        && !id.starts_with(PART_PREFIX)
    {
        let key = |session: &SessionKey| {
            EntityKey::Message(MessageKey {
                session: session.session.clone(),
                message: message.clone(),
            })
        };
        let keys: Vec<EntityKey> = sessions.iter().map(key).collect();
        if let Some(record) = first_present(&mut *reader, &keys)? {
            return Ok(Some(record));
        }
    }
    if let Ok(part) = PartId::new(id)
        && !id.starts_with(MESSAGE_PREFIX)
    {
        for session in &sessions {
            let scope = Scope::MessageNames(session.clone());
            let entries = Listing::collect(|visit| reader.scan(&scope, visit))?.entries;
            let key = |entry: Entry| match entry.key {
                EntityKey::Message(key) => {
                    Some(EntityKey::Part(PartKey { message: key.message, part: part.clone() }))
                }
                _ => None,
            };
            let keys: Vec<EntityKey> = entries.into_iter().filter_map(key).collect();
            if let Some(record) = first_present(&mut *reader, &keys)? {
                return Ok(Some(record));
            }
        }
    }
    find_orphan(&mut *reader, id)
}

/// Returns the first of these records that exists.
///
/// # Errors
/// If a record exists but cannot be read, and none of the others exists.
fn first_present(
    reader: &mut dyn Reader,
    keys: &[EntityKey],
) -> Result<Option<(EntityKey, MappedSpan)>> {
    let (mut entity, mut failure) = (None, None);
    reader.spans(keys, &mut |item| match item {
        ScanItem::Entry(entry) => {
            entity = entry.span.map(|span| (entry.key, span));
            ControlFlow::Break(())
        }
        ScanItem::Set(_) => ControlFlow::Continue(()),
        ScanItem::Issue(_, issue) => {
            if !matches!(issue.kind, IssueKind::Vanished | IssueKind::BadId { .. }) {
                failure = Some(issue);
            }
            ControlFlow::Continue(())
        }
    })?;
    match (entity, failure) {
        (Some(entity), _) => Ok(Some(entity)),
        (None, Some(issue)) => Err(Failure::from(&issue)),
        (None, None) => Ok(None),
    }
}

/// Finds an orphan: a record whose session or message does not exist.
fn find_orphan(reader: &mut dyn Reader, id: &str) -> Result<Option<(EntityKey, MappedSpan)>> {
    let mut orphan = None;
    reader.orphans(&mut |item| {
        if let ScanItem::Entry(entry) = item {
            let entry_id = match &entry.key {
                EntityKey::Message(key) => key.message.as_str(),
                EntityKey::Part(key) => key.part.as_str(),
                EntityKey::Item(key) => key.item.as_str(),
                _ => "",
            };
            if entry_id == id {
                orphan = entry.span.map(|span| (entry.key, span));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(orphan)
}

/// Prints a record without its secrets: unchanged to a pipe, made safe for a terminal.
fn print(key: &EntityKey, span: &MappedSpan, out: &mut Out) -> Result<()> {
    let redacted = redact(key, span)?;
    if redacted.is_some() {
        out.note("a secret was replaced by [redacted]")?;
    }
    print_bytes(redacted.as_deref().unwrap_or(span), out)
}

fn print_bytes(bytes: &[u8], out: &mut Out) -> Result<()> {
    if out.is_terminal {
        let text = String::from_utf8_lossy(bytes);
        return Ok(writeln!(out, "{}", sanitize::text(&text))?);
    }
    Ok(out.write_all(bytes)?)
}

/// The secret of a share record, or of the share link in the record of a session.
#[derive(Deserialize)]
struct Share<'a> {
    #[serde(borrow)]
    secret: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Session<'a> {
    #[serde(borrow)]
    share: Option<&'a RawValue>,
}

/// Returns the record with its share secret replaced, and all other bytes unchanged; `None` if it has
/// no secret. The secret is a write token.
///
/// # Errors
/// If the record is damaged, so that the place of a secret in it is unknown.
fn redact(key: &EntityKey, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let secret = match key {
        EntityKey::Share(_) => serde_json::from_slice::<Share<'_>>(bytes).map(|it| it.secret),
        EntityKey::Session(_) => serde_json::from_slice(bytes).and_then(secret_of_session),
        _ => return Ok(None),
    };
    match secret {
        Ok(None) => Ok(None),
        Ok(Some(secret)) => {
            let start = secret.get().as_ptr() as usize - bytes.as_ptr() as usize;
            let rest = &bytes[start + secret.get().len()..];
            Ok(Some([&bytes[..start], br#""[redacted]""#, rest].concat()))
        }
        // A damaged share record, or a damaged session record that contains the word, may hold a secret.
        Err(_) if matches!(key, EntityKey::Share(_)) || contains(bytes, b"secret") => {
            Err(Failure::new(
                Kind::Unreadable,
                format!("{key} is damaged and may hold a share secret, so it is not printed"),
            ))
        }
        Err(_) => Ok(None),
    }
}

fn secret_of_session(session: Session<'_>) -> serde_json::Result<Option<&RawValue>> {
    match session.share {
        Some(share) if share.get().starts_with('{') => {
            Ok(serde_json::from_str::<Share<'_>>(share.get())?.secret)
        }
        _ => Ok(None),
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
