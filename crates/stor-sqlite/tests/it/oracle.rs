//! Compares databases of 1.x with the exports and lists of the real opencode.

use std::collections::BTreeMap;

use scrollback_core_id::{EntityKey, Scope, SessionKey};
use scrollback_core_type::{Parse, SessionHead};
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::Source;
use serde_json::{Value, json};

use crate::calls::{scan, session_key, spans, tree};
use crate::support::{REAL_CORPORA, copy_corpus, open};

fn sessions(store: &dyn Source) -> Vec<SessionKey> {
    let key = |key| match key {
        EntityKey::Session(key) => key,
        other => panic!("{other} among sessions"),
    };
    scan(store, &Scope::Sessions).entries.into_iter().map(|entry| key(entry.key)).collect()
}

/// Builds the output of `opencode export` from the spans of a session.
fn export_session(store: &dyn Source, session: &SessionKey) -> Value {
    let (mut info, mut messages) = (Value::Null, Vec::<Value>::new());
    let listing = tree(store, session);
    assert!(listing.issues.is_empty(), "{:?}", listing.issues);
    for entry in listing.entries {
        let value: Value = serde_json::from_slice(entry.span.as_ref().unwrap()).unwrap();
        match entry.key {
            EntityKey::Session(_) => info = value,
            EntityKey::Message(_) => messages.push(json!({ "info": value, "parts": [] })),
            _ => messages.last_mut().unwrap()["parts"].as_array_mut().unwrap().push(value),
        }
    }
    json!({ "info": info, "messages": messages })
}

fn oracle(corpus_id: Corpus) -> BTreeMap<String, Value> {
    let exports = corpus(corpus_id).exports().unwrap();
    let read = |path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    exports.into_iter().map(|export| (export.session, read(export.path))).collect()
}

#[test]
fn every_export_is_reproduced() {
    for corpus_id in REAL_CORPORA {
        let (_dir, database) = copy_corpus(corpus_id);
        let store = open(&database);
        let mut expected = oracle(corpus_id);
        for session in sessions(&store) {
            let mut expected = expected.remove(session.session.as_str()).unwrap();
            if corpus_id == Corpus::OpencodeVia {
                // Columns that only the upgrade to 1.18 added.
                let info = expected["info"].as_object_mut().unwrap();
                info.remove("cost");
                info.remove("tokens");
            }
            assert_eq!(export_session(&store, &session), expected, "{corpus_id:?} {session}");
        }
        assert!(expected.is_empty(), "{corpus_id:?}: {:?}", expected.keys());
    }
}

#[test]
fn sessions_are_listed_in_the_order_that_opencode_lists_them() {
    for corpus_id in REAL_CORPORA {
        let (_dir, database) = copy_corpus(corpus_id);
        let store = open(&database);
        let mut compared = 0;
        // The list of one project was recorded only before the migration, which did not change it.
        let listed = match corpus_id {
            Corpus::OpencodeSqlite => corpus_id,
            _ => Corpus::OpencodeJson,
        };
        for list in std::fs::read_dir(corpus(listed).oracle.join("session-list")).unwrap() {
            let path = list.unwrap().path();
            let oracle: Vec<Value> =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let project = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let listed = scan(&store, &Scope::Project(project)).entries;
            let roots = listed.iter().filter_map(|entry| {
                let head = SessionHead::parse(entry.span.as_deref().unwrap()).unwrap().value;
                let time = head.time.unwrap();
                head.parent_id.is_none().then(|| {
                    json!({
                        "id": entry.key.to_string().strip_prefix("session ").unwrap(),
                        "title": head.title.unwrap().get(),
                        "updated": time.updated, "created": time.created,
                        "projectId": head.project_id.unwrap().as_str(),
                        "directory": head.directory.unwrap().get(),
                    })
                })
            });
            assert_eq!(roots.collect::<Vec<_>>(), oracle, "{corpus_id:?}, {}", path.display());
            compared += oracle.len();
        }
        assert!(compared > 40);
    }
}

#[test]
fn todos_and_shares_match_the_api() {
    for corpus_id in [Corpus::OpencodeSqlite, Corpus::OpencodeMigrated] {
        let (_dir, database) = copy_corpus(corpus_id);
        let store = open(&database);
        let path = corpus(corpus_id).oracle.join("api/children-todo-diff.json");
        let oracle: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut todos = 0;
        for (session, answers) in oracle.as_object().unwrap() {
            let expected = answers["todo"].as_array().unwrap();
            let entries = spans(&store, &[EntityKey::Todo(session_key(session))]).entries;
            assert_eq!(entries.is_empty(), expected.is_empty(), "{session}");
            for entry in entries {
                let list: Vec<Value> = serde_json::from_slice(&entry.span.unwrap()).unwrap();
                assert_eq!(list, *expected, "{session}");
                todos += list.len();
            }
        }
        assert_eq!(todos, 3, "{corpus_id:?}");
        let shared = sessions(&store)
            .into_iter()
            .filter_map(|session| spans(&store, &[EntityKey::Share(session)]).entries.pop()?.span);
        let shared: Vec<String> =
            shared.map(|span| String::from_utf8(span.to_vec()).unwrap()).collect();
        assert_eq!(shared.len(), 1);
        assert!(shared[0].contains("http") && !shared[0].contains("secret"), "{shared:?}");
    }
}
