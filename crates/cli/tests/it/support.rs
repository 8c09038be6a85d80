//! Runs the binary, and creates stores for it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use scrollback_fixtures::{Corpus, CorpusPaths, corpus, write_tree};
use serde_json::Value;
use tempfile::TempDir;

/// Returns a command of the binary, in an environment without settings for stores or colours.
pub(crate) fn scrollback() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scrollback"));
    for name in ["XDG_DATA_HOME", "OPENCODE_DB", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
        command.env_remove(name);
    }
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
    command.env("HOME", "/nonexistent").env("XDG_CACHE_HOME", cache).env("TZ", "UTC");
    command
}

/// The output of a run.
pub(crate) struct RunOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl RunOutput {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl From<Output> for RunOutput {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or_else(|| panic!("died: {}", output.status)),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the binary on a store.
pub(crate) fn run_on<S: AsRef<OsStr>>(store: &Path, args: &[S]) -> RunOutput {
    scrollback().arg("--store").arg(store).args(args).output().unwrap().into()
}

/// Returns the paths of the JSON corpus.
pub(crate) fn corpus_paths() -> CorpusPaths {
    corpus(Corpus::OpencodeJson)
}

/// Runs the binary on the JSON corpus.
pub(crate) fn run_on_corpus(args: &[&str]) -> RunOutput {
    run_on(&corpus_paths().data_dir, args)
}

/// Returns the id of the session that a step of the corpus script created.
pub(crate) fn step_session(name: &str) -> String {
    corpus_paths().session_of_step(name).unwrap().unwrap()
}

/// Creates a data directory whose `storage/` has the files of `text`.
pub(crate) fn store_from_text(text: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_tree(&dir.path().join("storage"), text).unwrap();
    dir
}

/// Reports that a test skips something: in its output, and in the file that the gate collects.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("{test}: {reason}");
    let mut stderr = std::io::stderr();
    writeln!(stderr, "skip: {line}").unwrap();
    if let Some(path) = std::env::var_os("SCROLLBACK_SKIPS") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
