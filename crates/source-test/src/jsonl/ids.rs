//! Converts ids to files and offsets, and back. An id may come from any program, so an id that leads
//! out of the store names no file.

use std::path::{Component, Path, PathBuf};

use scrollback_core_id::{
    EntityKey, ItemId, ItemKey, MessageId, MessageKey, PartId, PartKey, SessionId, SessionKey,
};

/// The suffix of the names of logs.
pub(super) const SUFFIX: &str = ".jsonl";

/// Returns the session of a file; `path` is relative to the store.
pub(super) fn session_of(path: &Path) -> Option<SessionKey> {
    let names: Option<Vec<&str>> = path
        .components()
        .map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let path = names?.join("/");
    Some(SessionId::new(path.strip_suffix(SUFFIX)?).ok()?.into())
}

/// Returns the directories and the file of a session, one name each.
pub(super) fn directories_and_file(session: &SessionKey) -> Option<(Vec<&str>, String)> {
    let mut directories: Vec<&str> = session.session.as_str().split('/').collect();
    if directories.iter().any(|name| matches!(*name, "" | "." | "..") || name.contains('\\')) {
        return None;
    }
    let file = format!("{}{SUFFIX}", directories.pop()?);
    Some((directories, file))
}

/// Returns the file of a session, relative to the store.
pub(super) fn path_of(session: &SessionKey) -> Option<PathBuf> {
    let (directories, file) = directories_and_file(session)?;
    Some(directories.iter().collect::<PathBuf>().join(file))
}

/// Formats an offset with a fixed width, so that texts sort as their offsets do.
fn offset_to_text(offset: u64) -> String {
    format!("{offset:012x}")
}

fn parse_offset(text: &str) -> Option<u64> {
    let offset = u64::from_str_radix(text, 16).ok()?;
    (offset_to_text(offset) == text).then_some(offset)
}

/// Returns the key of the message whose line has this offset.
pub(super) fn message_key(session: &SessionKey, offset: u64) -> Option<MessageKey> {
    let id = format!("{}:{}", session.session, offset_to_text(offset));
    let message = MessageId::new(&id).ok()?;
    Some(MessageKey { session: session.session.clone(), message })
}

/// Returns the key of the part whose line has this offset.
pub(super) fn part_key(message: &MessageKey, offset: u64) -> Option<PartKey> {
    let part = PartId::new(&offset_to_text(offset)).ok()?;
    Some(PartKey { message: message.message.clone(), part })
}

/// Returns the key of the item whose line has this offset.
pub(super) fn item_key(session: &SessionKey, offset: u64) -> Option<ItemKey> {
    let item = ItemId::new(&offset_to_text(offset)).ok()?;
    Some(ItemKey { session: session.session.clone(), item })
}

/// Parses the session and the offset out of a message's id.
pub(super) fn parse_message_id(message: &MessageId) -> Option<(SessionKey, u64)> {
    let (session, at) = message.as_str().rsplit_once(':')?;
    Some((SessionId::new(session).ok()?.into(), parse_offset(at)?))
}

/// Returns the session of an entity.
pub(super) fn owner(key: &EntityKey) -> Option<SessionKey> {
    match key {
        EntityKey::Session(key) => Some(key.clone()),
        EntityKey::Message(key) => Some(key.session.clone().into()),
        EntityKey::Part(key) => parse_message_id(&key.message).map(|(session, _)| session),
        EntityKey::Item(key) => Some(key.session.clone().into()),
        _ => None,
    }
}

/// Returns the offset of the line that first contained an entity, or `None` for a session.
pub(super) fn offset_of(key: &EntityKey) -> Option<u64> {
    match key {
        EntityKey::Message(key) => {
            let (session, at) = parse_message_id(&key.message)?;
            (session.session == key.session).then_some(at)
        }
        EntityKey::Part(key) => parse_offset(key.part.as_str()),
        EntityKey::Item(key) => parse_offset(key.item.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_its_relative_path() {
        let session = session_of(Path::new("2026/11/30/first.jsonl")).unwrap();
        assert_eq!(session.session.as_str(), "2026/11/30/first");
        assert_eq!(path_of(&session).unwrap(), Path::new("2026/11/30/first.jsonl"));
        for other in ["a.json", "../a.jsonl", "/a.jsonl", ".jsonl"] {
            assert_eq!(session_of(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn no_id_leads_out_of_the_store() {
        for id in ["..", "../a", "a/../../b", "/etc/passwd", "a//b", "./a", "a\\..\\b"] {
            assert_eq!(path_of(&SessionId::new(id).unwrap().into()), None, "{id}");
        }
    }

    #[test]
    fn ids_hold_offsets() {
        let session = SessionKey::from(SessionId::new("d/a:b").unwrap());
        let message = message_key(&session, 0xabc).unwrap();
        assert_eq!(parse_message_id(&message.message), Some((session.clone(), 0xabc)));
        let part = EntityKey::from(part_key(&message, 0xabd).unwrap());
        assert_eq!((owner(&part), offset_of(&part)), (Some(session), Some(0xabd)));
        assert_eq!(parse_message_id(&MessageId::new("a:+00000000001").unwrap()), None);
    }
}
