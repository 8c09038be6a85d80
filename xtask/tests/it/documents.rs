//! Checks the documents: quoted versions, the size of the glossary, and the wording.

use std::collections::BTreeSet;
use std::path::Path;

use xtask::{OPENCODE_DATABASE, OPENCODE_FILES};

use crate::repo::{Files, assert_none, example_files, files, read, root};

/// The source file of the snapshot format's version.
const SNAPSHOT_LAYOUT: &str = "crates/index/src/snapshot/layout.rs";
/// The document of the snapshot format.
const SNAPSHOT_DOCUMENT: &str = "docs/format/snapshot.md";

/// The greatest number of terms in the glossary.
const MAX_GLOSSARY_TERMS: usize = 40;

/// Phrases that make a sentence hard to read, and how often all of them may occur together.
const UNCLEAR_PHRASES: &[&[&str]] = &[
    &["whoever"],
    &["told"],
    &["what", "there", "is"],
    &["what", "is", "there"],
    &["is", "no"],
    &["but", "for"],
];
const MAX_UNCLEAR_PHRASES: usize = 10;
/// How often `look` may occur in any form: a reader cannot tell whether it opens, stats or verifies.
const MAX_LOOKS: usize = 60;

/// Tests that tasks of xtask run by their names: the task's source, the tests' directory, the name.
const TESTS_RUN_BY_NAME: &[(&str, &str, &str)] = &[
    ("xtask/src/stress.rs", "crates/watch/tests", "in_the_long_run"),
    ("xtask/src/stress.rs", "crates/watch/tests", "nothing_is_kept"),
    ("xtask/src/live/v2.rs", "crates/stor-sqlite/tests", "a_live_store_is_what_its_api_says"),
];

/// Returns README.md and the documents in `docs/`. Raw output in `docs/perf/` is left out: it
/// quotes the versions of its time.
fn documents() -> Files {
    let mut documents = files(&["md"]);
    documents.retain(|path, _| {
        path == Path::new("README.md")
            || path.starts_with("docs") && !path.starts_with("docs/perf")
            || path.starts_with("crates") && path.ends_with("README.md")
    });
    documents
}

/// Returns the words of a text without their punctuation.
fn words(text: &str) -> Vec<&str> {
    let is_mark = |c: char| !c.is_alphanumeric();
    text.split_whitespace().map(|word| word.trim_matches(is_mark)).collect()
}

/// Returns the numbers that follow one of `names` in a text.
fn quoted_numbers<'t>(text: &'t str, names: &[&str]) -> Vec<&'t str> {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let words = words(text);
    let pairs = words.windows(2).filter(|pair| {
        names.iter().any(|name| pair[0].eq_ignore_ascii_case(name)) && is_number(pair[1])
    });
    pairs.map(|pair| pair[1]).collect()
}

/// Returns the versions of the snapshot format that a document quotes: those of the format's own
/// document, and in other documents those of paragraphs about snapshots. They are integers.
fn snapshot_versions<'t>(path: &Path, text: &'t str) -> Vec<&'t str> {
    let is_own = path == Path::new(SNAPSHOT_DOCUMENT);
    let paragraphs = text.split("\n\n");
    let about = paragraphs.filter(|it| is_own || it.to_lowercase().contains("snapshot"));
    let quoted = about.flat_map(|paragraph| quoted_numbers(paragraph, &["version", "format"]));
    quoted.filter(|version| version.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

/// Returns the problems with the versions that documents quote.
fn wrong_versions(documents: &Files, snapshot: &str, rust: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in documents {
        for version in snapshot_versions(path, text).iter().filter(|version| **version != snapshot)
        {
            let path = path.display();
            problems.push(format!("{path}: snapshot version {version}, the code has {snapshot}"));
        }
        let versions = quoted_numbers(text, &["rust", "rust-version"]);
        for version in versions.iter().filter(|version| **version != rust) {
            problems.push(format!("{}: Rust {version}, Cargo.toml has {rust}", path.display()));
        }
    }
    problems
}

/// Returns the text between `start` and the next `end`.
fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

/// Returns the terms of a glossary: the first column of its table.
fn glossary_terms(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.filter_map(|row| row.split('|').nth(1)).map(str::trim).collect()
}

/// A line of a text for readers, with its place.
struct Line<'t> {
    path: &'t Path,
    number: usize,
    text: &'t str,
}

/// Returns the doc comments of a source file; other lines are empty.
fn doc_comment(line: &str) -> &str {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or_default()
}

/// Returns the lines of documents and help texts, and of the doc comments of source files.
fn lines(texts: &Files) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for (path, text) in texts {
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        for (index, text) in text.lines().enumerate() {
            let text = if is_source { doc_comment(text) } else { text };
            lines.push(Line { path, number: index + 1, text });
        }
        lines.push(Line { path, number: 0, text: "" }); // a phrase does not go on in the next file
    }
    lines
}

/// Returns the places of words that satisfy `is_match`, which gets the words from that place on. An
/// empty line ends a paragraph, and is one empty word.
fn places(lines: &[Line<'_>], is_match: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut owners = Vec::new();
    for line in lines {
        let split = line.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let before = words.len();
        words.extend(split.map(str::to_lowercase));
        if words.len() == before {
            words.push(String::new());
        }
        owners.resize(words.len(), line);
    }
    let matches = (0..words.len()).filter(|&index| is_match(&words[index..]));
    let place = |index: usize| {
        let Line { path, number, text } = owners[index];
        format!("{}:{number}: {}", path.display(), text.trim())
    };
    matches.map(place).collect()
}

/// Checks whether the words start with an unclear phrase.
fn is_unclear(words: &[String]) -> bool {
    UNCLEAR_PHRASES.iter().any(|phrase| {
        words.len() >= phrase.len() && phrase.iter().zip(words).all(|(one, other)| one == other)
    })
}

/// Checks whether the first word is a form of `look`.
fn is_look(words: &[String]) -> bool {
    words[0].starts_with("look")
}

/// Returns the texts for readers: documents, help texts, and sources for their doc comments.
fn texts() -> Files {
    let mut texts = files(&["md", "rs", "snap"]);
    texts.retain(|path, _| match path.extension().and_then(|extension| extension.to_str()) {
        Some("snap") => path.to_string_lossy().contains("it__help__"),
        _ => true,
    });
    texts
}

#[test]
fn quoted_versions_are_current() {
    let layout = read(Path::new(SNAPSHOT_LAYOUT));
    let snapshot = between(&layout, "const VERSION: u32 = ", ";").unwrap();
    let manifest: toml::Table = read(Path::new("Cargo.toml")).parse().unwrap();
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    let documents = documents();
    let own = Path::new(SNAPSHOT_DOCUMENT);
    assert!(!snapshot_versions(own, &documents[own]).is_empty(), "no version in {own:?}");
    assert_none(&wrong_versions(&documents, snapshot, rust));
}

#[test]
fn documents_name_the_opencode_versions_that_are_tested() {
    for path in ["docs/format/opencode.md", "fixtures/README.md"] {
        for version in [OPENCODE_FILES, OPENCODE_DATABASE] {
            let text = read(Path::new(path));
            assert!(words(&text).contains(&version), "{path} does not mention {version}");
        }
    }
}

#[test]
fn the_glossary_is_short() {
    let glossary = read(Path::new("docs/glossary.md"));
    let terms = glossary_terms(&glossary);
    assert!((1..=MAX_GLOSSARY_TERMS).contains(&terms.len()), "{} terms", terms.len());
    let distinct: BTreeSet<_> = terms.iter().collect();
    assert_eq!(distinct.len(), terms.len(), "a term occurs twice: {terms:?}");
}

#[test]
fn wording_is_clear() {
    let texts = texts();
    let lines = lines(&texts);
    for (places, max) in
        [(places(&lines, is_unclear), MAX_UNCLEAR_PHRASES), (places(&lines, is_look), MAX_LOOKS)]
    {
        assert!(
            places.len() <= max,
            "\n{}\n{} places, limit {max}",
            places.join("\n"),
            places.len()
        );
    }
}

#[test]
fn tests_that_tasks_run_exist() {
    let sources = files(&["rs"]);
    let mut problems = Vec::new();
    for (task, tests, name) in TESTS_RUN_BY_NAME {
        if !sources[Path::new(task)].contains(&format!("{name:?}")) {
            problems.push(format!("{task} does not run {name}: remove the entry"));
        }
        let definition = format!("fn {name}(");
        let mut tests_in = sources.iter().filter(|(path, _)| path.starts_with(tests));
        if !tests_in.any(|(_, text)| text.contains(&definition)) {
            problems.push(format!("{task} runs {name}, which is not a test in {tests}"));
        }
    }
    assert_none(&problems);
    assert!(root().join("docs").is_dir());
}

#[test]
fn outdated_versions_are_found() {
    let documents = example_files([
        (
            "README.md",
            "Needs Rust 1.95 or later.\n\nSnapshots have format 7.\n\nSnapshot of version 2.0.19.",
        ),
        ("docs/a.md", "Built with (**Rust** 1.95).\n\nThe snapshot, now in\nversion 4, is small."),
        (SNAPSHOT_DOCUMENT, "Version 7.\n\n| 4 | version: 6. Others are not read. |\n"),
    ]);
    let problems = wrong_versions(&documents, "7", "1.95");
    assert_eq!(
        problems,
        [
            "docs/a.md: snapshot version 4, the code has 7",
            "docs/format/snapshot.md: snapshot version 6, the code has 7",
        ]
    );
    let rust = example_files([("README.md", "It builds with Rust 1.90. A Rust library.")]);
    assert_eq!(wrong_versions(&rust, "7", "1.95"), ["README.md: Rust 1.90, Cargo.toml has 1.95"]);
    assert_eq!(between("const VERSION: u32 = 7;\n", "u32 = ", ";"), Some("7"));
}

#[test]
fn glossary_terms_are_the_first_column() {
    let text = "# Glossary\n\n| term | meaning |\n|---|---|\n| a, b | One. |\n| c | Two. |\n";
    assert_eq!(glossary_terms(text), ["a, b", "c"]);
}

#[test]
fn unclear_wording_is_found() {
    let texts = example_files([
        ("a.md", "There is\nno end, but for this. Untold.\n\nThis is\n\nno phrase.\n"),
        (
            "b.rs",
            "/// Tells whoever reads.\nlet told = 1; // told\n//! What there is: It was told.\n",
        ),
        ("c.md", "Look up, looking, lookup; overlook"),
    ]);
    let lines = lines(&texts);
    let unclear = places(&lines, is_unclear);
    let expected = [
        "a.md:1: There is",
        "a.md:2: no end, but for this. Untold.",
        "b.rs:1: Tells whoever reads.",
        "b.rs:3: What there is: It was told.",
        "b.rs:3: What there is: It was told.",
    ];
    assert_eq!(unclear, expected);
    assert_eq!(places(&lines, is_look).len(), 3);
}
