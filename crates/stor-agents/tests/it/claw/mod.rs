//! claw.

mod conformance;
mod discovery;
mod machine;
mod oracle;
mod program;
mod records;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{copy_tree, fixture};

/// The directories of the corpus that contain sessions, relative to it.
const STORES: [&str; 8] = [
    "head/root/global-data/sessions",
    "head/root/malformed",
    "head/root/ws-alpha/.claw/sessions",
    "head/root/ws-beta Ünï/.claw/sessions",
    "seed/root/global-data/sessions",
    "seed/root/malformed",
    "seed/root/ws-alpha/.claw/sessions",
    "seed/root/ws-beta Ünï/.claw/sessions",
];

fn corpus() -> PathBuf {
    fixture("claw")
}

/// Copies the sessions of the corpus that have no damaged file into one store.
fn copy_sound_sessions(to: &Path) {
    for store in STORES.iter().filter(|store| !store.ends_with("malformed")) {
        copy_tree(&corpus().join(store), to);
    }
    // One of three large rotations is enough.
    for time in [1_795_220_061_439_u64, 1_795_220_061_506] {
        let name = format!("8d09d5bbd9c78a87/session-1795220061312-11.rot-{time}.jsonl");
        fs::remove_file(to.join(name)).unwrap();
    }
}

/// Returns all paths below a directory, sorted.
fn paths_below(dir: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            paths.extend(paths_below(&entry.path()));
        }
        paths.push(entry.path());
    }
    paths.sort();
    paths
}
