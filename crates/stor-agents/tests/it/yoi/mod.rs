//! yoi.

mod conformance;
mod discovery;
mod machine;
mod oracle;
mod records;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{copy_tree, fixture};

/// The sessions of the corpus whose logs are damaged.
const DAMAGED: [u8; 5] = [0x1, 0x3, 0x4, 0x5, 0x7];

/// Returns the directory of the sessions of one version.
fn sessions(version: &str) -> PathBuf {
    fixture("yoi").join(version).join("root/sessions")
}

/// Copies the sessions of the corpus that have no damaged file.
fn copy_sound_sessions(version: &str, to: &Path) {
    copy_tree(&sessions(version), to);
    for number in DAMAGED {
        fs::remove_dir_all(to.join(format!("01900000-0000-7000-8000-{number:012x}"))).unwrap();
    }
    for session in fs::read_dir(to).unwrap() {
        let _ = fs::remove_file(session.unwrap().path().join("stray.jsonl"));
    }
}
