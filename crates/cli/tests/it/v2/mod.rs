//! Tests with sessions of opencode 2.x.

mod commands;
mod exports;
pub(crate) mod hostile;
mod provenance;
mod raw;

use scrollback_fixtures::{Corpus, corpus};
use serde_json::Value;

use crate::support::run_on;

const PREVIEW: Corpus = Corpus::OpencodePrelaunch;
const FRESH: Corpus = Corpus::OpencodeV2Fresh;
const UPGRADED: Corpus = Corpus::OpencodeV2Upgraded;

fn corpus_json(which: Corpus, file: &str) -> Value {
    let path = corpus(which).data_dir.join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Returns the id of a session by its name in the corpus.
pub(crate) fn session_id(which: Corpus, name: &str) -> String {
    let names = match which {
        PREVIEW => corpus_json(which, "ids.json"),
        _ => corpus_json(which, "oracle.json")["names"].take(),
    };
    names[name].as_str().unwrap().to_owned()
}

/// Returns the answer of the 2.x API for a session.
fn oracle(which: Corpus, id: &str) -> Value {
    let mut oracle = corpus_json(which, "oracle.json");
    match which {
        PREVIEW => oracle[id].take(),
        _ => oracle["sessions"][id].take(),
    }
}

/// Returns the output of a command as lines, without marks that depend on the time.
fn output_lines(which: Corpus, args: &[&str]) -> Vec<String> {
    let ran = run_on(&corpus(which).database, args);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
    let line = |line: &str| line.replace("(being written)", "").trim_end().to_owned();
    ran.stdout.lines().map(line).filter(|line| !line.is_empty()).collect()
}

/// Asserts that the output has these lines in this order. Other lines may be between them.
fn assert_lines_in_order(lines: &[String], expected: &[&str]) {
    let mut rest = lines.iter();
    for wanted in expected {
        assert!(rest.any(|line| line.contains(wanted)), "{wanted:?} in {lines:#?}");
    }
}
