//! crabtalk.

mod conformance;
mod discovery;
mod machine;
mod oracle;
mod records;

use std::fs;
use std::path::Path;

use crate::support::{copy_tree, fixture};

/// The sessions of the corpus whose files are damaged, or that a program would not read.
const DAMAGED: [&str; 3] = ["badmeta_case_1", "damaged_case_1", "nometa_case_1"];

/// Copies the sessions of the corpus that have no damaged file.
fn copy_sound_sessions(to: &Path) {
    copy_tree(&fixture("crabtalk/sessions"), to);
    for session in DAMAGED {
        fs::remove_dir_all(to.join(session)).unwrap();
    }
    fs::remove_file(to.join("crab_user_99")).unwrap();
}
