//! The content of the repository for the checks: packages and text files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};
use ignore::WalkBuilder;

/// Texts by path; paths are relative to the root and use `/`.
pub(crate) type Files = BTreeMap<PathBuf, String>;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the packages of the workspace, without their dependencies.
pub(crate) fn workspace() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap()
}

/// Returns a path of the repository relative to its root.
pub(crate) fn relative(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}

/// Returns the repository's files with one of these extensions, without files that `.gitignore`
/// excludes and without fixture stores, which hold files of other programs.
pub(crate) fn files(extensions: &[&str]) -> Files {
    let walk = WalkBuilder::new(root())
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .filter_entry(|entry| {
            let path = relative(entry.path());
            !path.ends_with(".git") && !is_fixture_data(&path)
        })
        .build();
    let files: Files = walk
        .map(|entry| relative(entry.unwrap().path()))
        .filter(|path| {
            path.extension().is_some_and(|ext| extensions.iter().any(|wanted| ext == *wanted))
        })
        .map(|path| (path.clone(), read(&path)))
        .collect();
    assert!(!files.is_empty(), "no file with an extension of {extensions:?}");
    files
}

fn is_fixture_data(path: &Path) -> bool {
    path.strip_prefix("fixtures").is_ok_and(|inner| {
        root().join(path).is_dir()
            && !inner.as_os_str().is_empty()
            && !["src", "tests"].iter().any(|code| inner.starts_with(code))
    })
}

#[expect(clippy::disallowed_methods, reason = "sources of the repository, not a store")]
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Fails if there are problems, and prints one problem per line.
#[track_caller]
pub(crate) fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Builds a bad example from paths and texts.
pub(crate) fn example_files<const N: usize>(files: [(&str, &str); N]) -> Files {
    files.into_iter().map(|(path, text)| (path.into(), text.to_owned())).collect()
}

#[test]
fn files_exclude_build_output_and_fixture_data() {
    let files = files(&["rs", "md"]);
    for path in ["xtask/tests/it/repo.rs", "crates/core-id/src/lib.rs", "crates/flow/README.md"] {
        assert!(files.contains_key(Path::new(path)), "{path}");
    }
    assert!(!files.keys().any(|path| path.starts_with("target")));
    assert!(!is_fixture_data(Path::new("fixtures/src")));
    assert!(!is_fixture_data(Path::new("fixtures")));
}
