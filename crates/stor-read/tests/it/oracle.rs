//! The bundled corpus: its counts, and the order of opencode's own session lists.

use scrollback_core_id::{EntityKey, Scope};
use scrollback_core_type::{Parse, SessionHead};
use scrollback_fixtures::{Corpus, corpus};
use scrollback_source::Source;
use serde_json::Value;

use crate::calls::{orphans, scan, tree};
use crate::support::open_corpus;

#[test]
fn the_corpus_is_read_whole() {
    let store = open_corpus();
    let sessions = scan(&store, &Scope::Sessions);
    let (mut messages, mut parts) = (0, 0);
    for entry in &sessions.entries {
        let EntityKey::Session(key) = &entry.key else { panic!("{}", entry.key) };
        for entry in tree(&store, key).entries {
            messages += usize::from(matches!(entry.key, EntityKey::Message(_)));
            parts += usize::from(matches!(entry.key, EntityKey::Part(_)));
        }
    }
    assert_eq!((sessions.entries.len(), messages, parts), (59, 186, 488));
    assert!(orphans(&store).entries.iter().all(|entry| matches!(entry.key, EntityKey::Part(_))));
}

#[test]
fn sessions_are_listed_in_the_order_that_opencode_lists_them() {
    let paths = corpus(Corpus::OpencodeJson);
    let store = open_corpus();
    let mut compared = 0;
    for list in std::fs::read_dir(paths.oracle.join("session-list")).unwrap() {
        let path = list.unwrap().path();
        let oracle: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let project = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let listed = scan(&store, &Scope::Project(project)).entries;
        let roots = listed.iter().filter(|entry| {
            let head = SessionHead::parse(entry.span.as_deref().unwrap()).unwrap().value;
            head.parent_id.is_none()
        });
        let ours = roots.map(|entry| entry.key.to_string());
        let theirs =
            oracle.iter().map(|session| format!("session {}", session["id"].as_str().unwrap()));
        assert!(ours.eq(theirs), "{}", path.display());
        compared += oracle.len();
    }
    assert!(compared > 40);
}

#[test]
fn located_paths_are_files_of_the_store() {
    let store = open_corpus();
    for entry in scan(&store, &Scope::Sessions).entries {
        let EntityKey::Session(session) = entry.key else { panic!("{}", entry.key) };
        for entry in tree(&store, &session).entries {
            let path = store.storage().join(store.locate(&entry.key).unwrap());
            assert_eq!(
                std::fs::read(path).unwrap(),
                **entry.span.as_ref().unwrap(),
                "{}",
                entry.key
            );
        }
    }
}
