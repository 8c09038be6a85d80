//! codetether.

mod conformance;
mod discovery;
mod machine;
mod malformed;
mod oracle;
mod program;
mod records;

use std::fs;
use std::path::Path;

use crate::support::{copy_tree, fixture};

/// The sessions of the corpus whose files are damaged.
const DAMAGED: [&str; 2] =
    ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];

/// The session with parts of all kinds, a journal and a task log.
const RICH: &str = "95e1a368-0a5e-4c46-b5aa-7a411cd4b803";

/// Copies the sessions of the corpus that have no damaged file.
fn copy_sound_sessions(to: &Path) {
    copy_tree(&fixture("codetether/root/data/sessions"), to);
    for session in DAMAGED {
        fs::remove_file(to.join(format!("{session}.json"))).unwrap();
    }
    // One line of the task log is of a later version.
    let log = to.join(format!("{RICH}.tasks.jsonl"));
    let lines = fs::read_to_string(&log).unwrap();
    fs::write(log, lines.replace("{\"kind\":\"future_kind\",\"at\":1}\n", "")).unwrap();
}
