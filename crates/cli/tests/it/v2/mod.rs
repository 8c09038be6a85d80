//! Sessions of opencode 2.x on the command line.

mod commands;
mod exports;
pub(crate) mod hostile;
mod places;
mod raw;

use scrollback_fixtures::{Corpus, corpus};
use serde_json::Value;

use crate::support::on;

const PREVIEW: Corpus = Corpus::OpencodePrelaunch;
const FRESH: Corpus = Corpus::OpencodeV2Fresh;
const UPGRADED: Corpus = Corpus::OpencodeV2Upgraded;

fn json(which: Corpus, file: &str) -> Value {
    let path = corpus(which).data_dir.join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The id of a session by its name in the corpus.
pub(crate) fn named(which: Corpus, name: &str) -> String {
    let names = match which {
        PREVIEW => json(which, "ids.json"),
        _ => json(which, "oracle.json")["names"].take(),
    };
    names[name].as_str().unwrap().to_owned()
}

/// What the API of 2.x said of a session.
fn oracle(which: Corpus, id: &str) -> Value {
    let mut oracle = json(which, "oracle.json");
    match which {
        PREVIEW => oracle[id].take(),
        _ => oracle["sessions"][id].take(),
    }
}

/// What a command prints, line by line, without what depends on the time of day.
fn lines(which: Corpus, args: &[&str]) -> Vec<String> {
    let ran = on(&corpus(which).database, args);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    let line = |line: &str| line.replace("(being written)", "").trim_end().to_owned();
    ran.out.lines().map(line).filter(|line| !line.is_empty()).collect()
}

/// Whether these lines are there, one after the other, with others between them.
fn assert_told(lines: &[String], expected: &[&str]) {
    let mut rest = lines.iter();
    for wanted in expected {
        assert!(rest.any(|line| line.contains(wanted)), "{wanted:?} in {lines:#?}");
    }
}
