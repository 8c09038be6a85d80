//! The conformance tests on logs.

use std::fs;

use scrollback_source::Source;
use scrollback_source_test::{Content, Expectations};

use super::notes::Notes;
use crate::support::settled_store;

scrollback_source_test::conformance_tests!(on_all);

const LOG: &str = r#"{"title":"first"}
{"user":"question"}
{"model":"let me see"}
{"call":"c1","tool":"ls"}
{"call":"c2","tool":"cat"}
{"event":"start","at":5}
{"result":"two","of":"c2"}
{"user":"and more"}
{"result":"one","of":"c1"}
{"model":"done"}{"usage":7}
{"result":"late","of":"c9"}
"#;

fn on_all(check: impl Fn(&dyn Source, &Expectations)) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("deep")).unwrap();
    fs::write(dir.path().join("deep/first.jsonl"), LOG).unwrap();
    fs::write(dir.path().join("deep/first.side"), "{\"a\":1}\n{\"b\":2}\n").unwrap();
    fs::write(dir.path().join("second.jsonl"), "{\"user\":\"no title\"}").unwrap();
    fs::write(dir.path().join("empty.jsonl"), "").unwrap();
    let store = settled_store(Notes, dir.path());
    let expected = Expectations::everything().without(Content::Projects).without(Content::Orphans);
    check(&store, &expected);
}
