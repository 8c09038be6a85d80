//! The invented agent of `docs/add-an-agent.md`: its code is the code of the document, and it passes
//! the conformance tests.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::SessionId;
use scrollback_source::{Registry, Source, SourceExt};
use scrollback_source_test::calls::{spans, tree};
use scrollback_source_test::{Content, Expectations};
use scrollback_stor_agents::engine::DialectAgent;

use crate::parrot::Parrot;
use crate::support::{check_single_reads, settled_store};

scrollback_source_test::conformance_tests!(on_all);

const CHAT: &str = r#"{"kind":"chat","title":"Bees","dir":"/home/ann/bees","model":"m-1","at":1000}
{"kind":"ask","text":"How many bees?","at":2000}
{"kind":"think","text":"I count them.","at":3000}
{"kind":"run","id":"r1","tool":"count","args":"{\"of\":\"bees\"}","at":3100}
{"kind":"model","name":"m-2","at":3150}
{"kind":"ran","id":"r1","output":"12","at":3200}
{"kind":"say","text":"12 bees.","at":4000}
{"kind":"usage","in":10,"out":5,"at":4100}
{"kind":"squeeze","summary":"There are 12 bees.","at":5000}
{"kind":"ask","text":"Thanks","at":6000}
"#;

fn write_store(root: &Path) {
    for workspace in ["bees", "ants"] {
        fs::create_dir(root.join(workspace)).unwrap();
    }
    fs::write(root.join("bees/one.jsonl"), CHAT).unwrap();
    let copy = r#"{"kind":"chat","title":"Again","copy_of":"bees/one","at":7000}"#;
    fs::write(root.join("bees/two.jsonl"), format!("{copy}\n")).unwrap();
    fs::write(root.join("ants/one.jsonl"), CHAT.replace("bees", "ants")).unwrap();
}

fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    let dir = tempfile::tempdir().unwrap();
    write_store(dir.path());
    let expected = Expectations::everything().without(Content::Projects).without(Content::Orphans);
    check(&settled_store(Parrot, dir.path()), &expected);
}

/// Returns the lines of all blocks of Rust code.
fn code(document: &str) -> String {
    let mut code = String::new();
    let mut is_code = false;
    for line in document.lines() {
        match line {
            "```rust" => is_code = true,
            "```" => is_code = false,
            line if is_code => {
                code.push_str(line);
                code.push('\n');
            }
            _ => {}
        }
    }
    code
}

#[test]
fn the_document_has_the_code_that_is_tested() {
    let document = code(include_str!("../../../../docs/add-an-agent.md"));
    let tested = include_str!("parrot.rs");
    for (number, (document, tested)) in document.lines().zip(tested.lines()).enumerate() {
        assert_eq!(document, tested, "line {} of parrot.rs", number + 1);
    }
    assert_eq!(document, tested);
}

#[test]
fn a_chat_is_read_as_the_document_says() {
    let dir = tempfile::tempdir().unwrap();
    write_store(dir.path());
    let store = settled_store(Parrot, dir.path());
    let session = SessionId::new("bees/one").unwrap().into();
    let record = store.read_session(&session).unwrap().value;
    assert_eq!(record.title.unwrap(), "Bees");
    assert!(tree(&store, &session).issues.is_empty());
    // The question, the call, the answer, the boundary, its summary and the last question.
    let messages = store.list_messages(&session).unwrap().entries;
    assert_eq!(messages.len(), 6);
    let keys: Vec<_> = tree(&store, &session).entries.into_iter().map(|entry| entry.key).collect();
    let text: Vec<u8> = spans(&store, &keys)
        .entries
        .iter()
        .flat_map(|entry| entry.span.as_deref().unwrap().to_vec())
        .collect();
    let text = String::from_utf8(text).unwrap();
    for expected in [r#""output":"12""#, r#""of":"bees""#, r#""summary":true"#, r#""output":5"#] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    check_single_reads(&store, &session);
}

#[test]
fn an_unknown_record_is_kept_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    write_store(dir.path());
    let path = dir.path().join("bees/one.jsonl");
    fs::write(&path, format!("{CHAT}{{\"kind\":\"sing\"}}\nnonsense\n")).unwrap();
    let store = settled_store(Parrot, dir.path());
    let listing = tree(&store, &SessionId::new("bees/one").unwrap().into());
    assert_eq!(listing.issues.len(), 2, "{:?}", listing.issues);
    assert!(listing.issues.iter().all(|(_, issue)| issue.place.path.is_some()));
}

#[test]
fn the_store_is_found_below_a_home() {
    let home = tempfile::tempdir().unwrap();
    let chats = home.path().join(".parrot/chats");
    fs::create_dir_all(&chats).unwrap();
    write_store(&chats);
    let registry = Registry::new().with(Arc::new(DialectAgent::<Parrot>::default()));
    let found = registry.find(home.path());
    assert_eq!(found.roots.len(), 1);
    assert_eq!(found.roots[0].agent, "parrot");
    assert!(found.roots[0].path.ends_with(".parrot/chats"));
}
