//! Parses every file of the real corpus and writes it: the JSON is the same.

use scrollback_core_id::{EntityKey, MessageId, MessageKey, PartId, PartKey, ProjectId, SessionId};
use scrollback_core_type::{Entity, Message, Parse, Part, PartKind, json};
use scrollback_fixtures::{Corpus, corpus};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Returns the key of a path relative to `storage/`.
fn key_from_path(path: &Path) -> Option<EntityKey> {
    let name = path.file_stem()?.to_str()?;
    let parent = path.parent()?.file_name()?.to_str()?;
    let session = || SessionId::new(name).map(Into::into).ok();
    Some(match path.components().next()?.as_os_str().to_str()? {
        "project" => ProjectId::new(name).ok()?.into(),
        "session" => EntityKey::Session(session()?),
        "message" => {
            let session = SessionId::new(parent).ok()?;
            MessageKey { session, message: MessageId::new(name).ok()? }.into()
        }
        "part" => {
            let message = MessageId::new(parent).ok()?;
            PartKey { message, part: PartId::new(name).ok()? }.into()
        }
        "session_diff" => EntityKey::Diff(session()?),
        "todo" => EntityKey::Todo(session()?),
        "session_share" => EntityKey::Share(session()?),
        _ => return None,
    })
}

/// Calls `visit` with the key and the bytes of every record of the corpus.
pub(crate) fn for_each_record(mut visit: impl FnMut(EntityKey, Vec<u8>)) {
    let storage = corpus(Corpus::OpencodeJson).storage;
    let mut dirs = vec![storage.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if let Some(key) = key_from_path(path.strip_prefix(&storage).unwrap()) {
                visit(key, std::fs::read(path).unwrap());
            }
        }
    }
}

#[test]
fn every_record_is_written_as_it_was_read() {
    let mut counts = [0_usize; 7];
    for_each_record(|key, bytes| {
        let parsed = Entity::parse(&key, &bytes).unwrap_or_else(|issue| panic!("{key}: {issue}"));
        assert_eq!(parsed.issues, [], "{key}");
        let mut stored: Value = serde_json::from_slice(&bytes).unwrap();
        if let EntityKey::Share(_) = key {
            let secret = stored.as_object_mut().unwrap().remove("secret");
            let secret = secret.expect("the corpus holds a share with a secret");
            let written = serde_json::to_string(&parsed.value).unwrap();
            assert!(!written.contains(secret.as_str().unwrap()), "{key}");
            assert!(!format!("{parsed:?}").contains(secret.as_str().unwrap()), "{key}");
        }
        assert_eq!(serde_json::to_value(&parsed.value).unwrap(), stored, "{key}");
        counts[match key {
            EntityKey::Project(_) => 0,
            EntityKey::Session(_) => 1,
            EntityKey::Message(_) => 2,
            EntityKey::Part(_) => 3,
            EntityKey::Diff(_) => 4,
            EntityKey::Todo(_) => 5,
            _ => 6,
        }] += 1;
    });
    assert_eq!(counts[1..3], [59, 186]);
    assert!(counts[3] >= 488, "{counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn owned_values_equal_borrowed_ones() {
    for_each_record(|key, bytes| match key {
        EntityKey::Message(_) => {
            let message = Message::parse(&bytes).unwrap().value;
            assert_eq!(message.clone().into_owned(), message);
        }
        EntityKey::Part(_) => {
            let part = Part::parse(&bytes).unwrap().value;
            assert_eq!(part.clone().into_owned(), part);
        }
        _ => {}
    });
}

#[test]
fn the_corpus_has_nothing_unknown() {
    // A field that is missing in the model would still round-trip through `extra`.
    let mut kinds = BTreeSet::new();
    for_each_record(|key, bytes| {
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        match Entity::parse(&key, &bytes).unwrap().value {
            Entity::Session(session) => assert!(session.extra.is_empty(), "{key}: {value}"),
            Entity::Message(Message::User(user)) => assert!(user.extra.is_empty(), "{key}"),
            Entity::Message(Message::Assistant(answer)) => {
                assert!(answer.extra.is_empty(), "{key}")
            }
            Entity::Message(Message::Unknown(_)) => panic!("{key}: {value}"),
            Entity::Project(project) => assert!(project.extra.is_empty(), "{key}: {value}"),
            Entity::Part(part) => {
                kinds.insert(part.kind());
                assert_eq!(part.kind().name(), value["type"], "{key}");
            }
            _ => {}
        }
    });
    // The corpus has all twelve kinds of parts, written by opencode itself.
    assert_eq!(kinds, PartKind::KNOWN.iter().copied().collect());
}

#[test]
fn every_prefix_of_a_record_is_cut_off_or_whole() {
    let mut tried = 0;
    for_each_record(|key, bytes| {
        if bytes.len() > 400 || !matches!(key, EntityKey::Part(_)) || tried > 20 {
            return;
        }
        tried += 1;
        for end in 0..bytes.len() {
            assert!(json::check(&bytes[..end]).is_err(), "{key} cut at {end}");
            assert!(Entity::parse(&key, &bytes[..end]).is_err(), "{key} cut at {end}");
        }
    });
    assert!(tried > 0);
}
