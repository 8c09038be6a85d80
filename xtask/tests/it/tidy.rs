//! Checks that each source file states its purpose and is short, and that no text names a path of a
//! developer's machine.

use std::path::Path;

use crate::repo::{Files, assert_none, example_files, files};

/// The maximum number of lines of a source file.
const MAX_LINES: usize = 400;

/// Source files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Directories of developers' machines, which mean nothing to a reader.
const MACHINE_PATHS: &[&str] = &["/work/", "/root/", "/tmp/target", "/tmp/bash_jobs"];

/// The extensions of text files.
const TEXT_EXTENSIONS: &[&str] = &["md", "rs", "sh", "snap", "toml", "yaml", "yml"];

/// The openings that state the purpose of a source file. A library may include its README.
const PURPOSE_MARKS: &[&str] = &["//! ", "#![doc = include_str!(\"../README.md\")]"];

fn without_purpose(sources: &Files) -> Vec<String> {
    let opens = |text: &str| PURPOSE_MARKS.iter().any(|purpose| text.starts_with(purpose));
    let bare = sources.iter().filter(|(_, text)| !opens(text));
    bare.map(|(path, _)| format!("{}: does not start with `//! `", path.display())).collect()
}

fn over_limit(sources: &Files, longer: &[(&str, &str)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in sources {
        let lines = text.lines().count();
        let excused = longer.iter().any(|(excused, _)| path == Path::new(excused));
        if excused != (lines > MAX_LINES) {
            let rule = if excused { "remove it from LONG_FILES" } else { "the limit is 400" };
            problems.push(format!("{}: {lines} lines, {rule}", path.display()));
        }
    }
    problems
}

/// Returns the lines that contain a machine path. The directory must start a path: `/home/me/work/`
/// does not count.
fn machine_paths(texts: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in texts {
        for (number, line) in text.lines().enumerate() {
            let named = MACHINE_PATHS.iter().any(|dir| {
                line.match_indices(dir).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~*/".contains(c))
                })
            });
            if named {
                problems.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    problems
}

#[test]
fn sources_open_with_their_purpose() {
    assert_none(&without_purpose(&files(&["rs"])));
}

#[test]
fn sources_are_short() {
    assert_none(&over_limit(&files(&["rs"]), LONG_FILES));
}

#[test]
fn texts_name_no_machine_path() {
    let mut texts = files(TEXT_EXTENSIONS);
    // This file must name these directories.
    texts.remove(Path::new("xtask/tests/it/tidy.rs")).unwrap();
    assert_none(&machine_paths(&texts));
}

#[test]
fn untidy_files_are_found() {
    let sources = example_files([
        ("a.rs", "//! Why.\n"),
        ("b.rs", "// Why.\n"),
        ("c.rs", "\n//! Why."),
        ("d.rs", "#![doc = include_str!(\"../README.md\")]"),
    ]);
    assert_eq!(without_purpose(&sources).len(), 2);

    let (short, long) = ("x\n".repeat(MAX_LINES), "x\n".repeat(MAX_LINES + 1));
    let sources =
        example_files([("a.rs", &short), ("b.rs", &long), ("c.rs", &short), ("d.rs", &long)]);
    assert_eq!(
        over_limit(&sources, &[("c.rs", "why"), ("d.rs", "why")]),
        ["b.rs: 401 lines, the limit is 400", "c.rs: 400 lines, remove it from LONG_FILES"]
    );

    let texts = example_files([
        ("a.md", "see /home/me/work/x, ~/work/ and x/root/"),
        ("b.md", "fine\ncd /work/main"),
        ("c.rs", "const A: &str = \"/root/.cache\";"),
    ]);
    assert_eq!(
        machine_paths(&texts),
        ["b.md:2: cd /work/main", "c.rs:1: const A: &str = \"/root/.cache\";"]
    );
}
