//! Checks the layers: a crate uses only crates of a strictly lower level, and only the outside
//! dependencies that the tables below allow.
//!
//! A package under `crates/` declares `[package.metadata.layer] level = N`. The tables cover normal
//! and build dependencies. Dev-dependencies are free.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Package};

use crate::repo::{assert_none, relative, root, workspace};

/// The outside dependencies that each crate may use, with the reason. An unused entry is a problem
/// too.
const ALLOWED_DEPENDENCIES: &[(&str, &[(&str, &str)])] = &[
    (
        "scrollback-core-id",
        &[
            ("serde", "reads ids from JSON and writes them as plain strings"),
            ("thiserror", "the error of an invalid id"),
        ],
    ),
    ("scrollback-core-err", &[("thiserror", "errors with a path")]),
    (
        "scrollback-core-type",
        &[
            ("memchr", "finds escapes in long strings"),
            ("serde", "serializes the model"),
            ("serde_json", "keeps opaque JSON as RawValue"),
            ("simdutf8", "checks UTF-8 once per entity, in a fifth of the standard library's time"),
            ("wide", "scans 16 bytes at once, without unsafe code"),
        ],
    ),
    (
        "scrollback-stor-path",
        &[
            ("etcetera", "the home directory on every OS"),
            ("thiserror", "the error of a missing store"),
        ],
    ),
    (
        "scrollback-stor-mmap",
        &[
            ("memmap2", "memory mappings"),
            ("papaya", "many threads read the cache without a lock"),
            ("rustix", "openat and fstat on directory handles, without unsafe code"),
            ("thiserror", "the errors of reading"),
        ],
    ),
    (
        "scrollback-source",
        &[
            ("thiserror", "the errors of a Source"),
            ("xxhash-rust", "a hash of the end of a log, to detect changes"),
        ],
    ),
    (
        "scrollback-source-test",
        &[("serde", "parses lines of JSONL logs"), ("serde_json", "lines of JSONL logs")],
    ),
    ("scrollback-stor-read", &[]),
    (
        "scrollback-stor-agents",
        &[
            ("memchr", "finds the ends of lines, and the next record after a damaged one"),
            ("serde", "keeps the state of a read in resume tokens"),
            ("serde_json", "writes texts as JSON"),
            ("simdutf8", "checks UTF-8 once per record"),
            ("xxhash-rust", "a hash of the names and stamps of step files"),
        ],
    ),
    (
        "scrollback-index",
        &[
            ("papaya", "many threads read the overlay without a lock"),
            ("loom", "replaces papaya and locks in model checks of the protocol"),
            ("thiserror", "the error of a snapshot that cannot be used"),
            ("xxhash-rust", "the checksum and the tables of the snapshot"),
        ],
    ),
    (
        "scrollback-stor-sqlite",
        &[
            ("rusqlite", "SQLite itself, bundled: only SQLite may read its files"),
            ("serde_json", "converts texts and numbers of columns to JSON"),
            ("thiserror", "the errors of reading a database"),
            ("xxhash-rust", "a hash of the rows of a set"),
        ],
    ),
    (
        "scrollback-flow",
        &[
            ("rustix", "the user of the process, without unsafe code"),
            ("serde", "serializes the export"),
            ("thiserror", "the error of a missing snapshot"),
        ],
    ),
    (
        "scrollback-watch",
        &[
            ("notify", "file watches on systems without inotify"),
            ("rustix", "direct access to inotify, without unsafe code"),
            ("serde", "parses the answers of a watchman server"),
            ("thiserror", "the errors of a feed"),
            ("tokio", "waits for feeds, timers and consumers at once"),
            ("watchman_client", "the protocol of a watchman server"),
        ],
    ),
    (
        "scrollback",
        &[
            ("futures-core", "the trait of async streams"),
            ("jiff", "days in a time zone"),
            ("thiserror", "the errors of the facade"),
            ("tokio", "waits for events of several roots at once"),
        ],
    ),
    (
        "scrollback-cli",
        &[
            ("anstream", "colours only if the terminal supports them"),
            ("anstyle", "colours"),
            ("clap", "the command line"),
            ("clap_complete", "shell completions"),
            ("indicatif", "progress of the first read of a large store"),
            ("jiff", "local times, and ages such as 7d"),
            ("serde", "the objects that --json prints"),
            ("serde_json", "--json and export"),
            ("tar", "unpacks the demo's store"),
            ("tempfile", "the temporary directory of the demo's store"),
            ("terminal_size", "the terminal width for tables and transcripts"),
            ("tokio", "waits for events, signals and a closed output at once"),
            ("unicode-width", "the width of characters, for aligned columns"),
        ],
    ),
];

/// Heavy dependencies, and the only crates that may use them.
const HEAVY_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("clap", &["scrollback-cli"]),
    ("etcetera", &["scrollback-stor-path"]),
    ("memmap2", &["scrollback-stor-mmap"]),
    ("notify", &["scrollback-watch"]),
    ("papaya", &["scrollback-stor-mmap", "scrollback-index"]),
    ("rusqlite", &["scrollback-stor-sqlite"]),
    ("tokio", &["scrollback-watch", "scrollback", "scrollback-cli"]),
    ("watchman_client", &["scrollback-watch"]),
];

/// The support for tests. The tests of every crate may use it, so it may use no crate of the
/// workspace.
const FIXTURES: &str = "scrollback-fixtures";

/// A package, with the data that the layer checks need.
struct Node {
    name: String,
    layered: bool,
    level: Option<u64>,
    uses: Vec<String>,
}

impl Node {
    fn new(package: &Package) -> Self {
        let uses = package.dependencies.iter();
        let uses = uses.filter(|used| used.kind != DependencyKind::Development);
        Self {
            name: package.name.to_string(),
            layered: relative(&package.manifest_path).starts_with("crates"),
            level: package.metadata["layer"]["level"].as_u64(),
            uses: uses.map(|used| used.name.clone()).collect(),
        }
    }
}

/// Returns the dependencies between workspace crates that do not point strictly downwards.
fn upward_edges(nodes: &[Node]) -> Vec<String> {
    let mut problems = Vec::new();
    for Node { name, layered, level, uses } in nodes {
        if *layered != level.is_some() {
            let rule = if *layered { "needs" } else { "must not have a" };
            problems.push(format!("{name} {rule} [package.metadata.layer] level"));
        }
        for used in nodes.iter().filter(|node| uses.contains(&node.name)) {
            if name == FIXTURES {
                problems.push(format!("{name} uses {}, whose tests use it", used.name));
            }
            if *layered && used.level.is_none_or(|below| level.is_none_or(|level| below >= level)) {
                problems.push(format!(
                    "{name} (level {level:?}) uses {} (level {:?}), which is not lower",
                    used.name, used.level
                ));
            }
        }
    }
    problems
}

/// Returns the outside dependencies that the tables do not allow, and the entries that are unused.
fn disallowed_dependencies(nodes: &[Node], allowed: &[(&str, &[(&str, &str)])]) -> Vec<String> {
    let names: BTreeSet<&str> = nodes.iter().map(|node| &*node.name).collect();
    let mut problems = Vec::new();
    for Node { name, uses, .. } in nodes.iter().filter(|node| node.layered) {
        let budget = allowed.iter().find(|(owner, _)| owner == name);
        let budget = budget.map_or(&[][..], |(_, budget)| budget);
        for used in uses.iter().filter(|used| !names.contains(&***used)) {
            let home = HEAVY_DEPENDENCIES.iter().find(|(heavy, _)| heavy == used);
            if home.is_some_and(|(_, homes)| !homes.contains(&&**name)) {
                problems.push(format!("{name} uses {used}, which is confined to {home:?}"));
            }
            if !budget.iter().any(|(dep, _)| dep == used) {
                problems.push(format!(
                    "{name} uses {used}: add it with a reason to xtask/tests/it/layers.rs"
                ));
            }
        }
        for (dep, _) in budget.iter().filter(|(dep, _)| !uses.iter().any(|used| used == dep)) {
            problems.push(format!("{name} does not use {dep}: remove its entry"));
        }
    }
    let unknown = allowed.iter().filter(|(owner, _)| !names.contains(owner));
    problems.extend(unknown.map(|(owner, _)| format!("unknown package {owner}")));
    problems
}

fn nodes() -> Vec<Node> {
    workspace().packages.iter().map(Node::new).collect()
}

#[test]
fn crates_use_only_lower_levels() {
    let nodes = nodes();
    assert!(nodes.iter().filter(|node| node.layered).count() >= 8);
    assert_none(&upward_edges(&nodes));
}

#[test]
fn outside_dependencies_have_a_reason() {
    assert_none(&disallowed_dependencies(&nodes(), ALLOWED_DEPENDENCIES));
}

/// Without features, the facade depends on neither SQLite nor an async runtime.
#[test]
fn heavy_dependencies_of_the_facade_need_features() {
    let tree = |features: &[&str]| {
        let tree = ["tree", "--offline", "--package", "scrollback", "--edges", "normal,build"];
        let mut command = std::process::Command::new(env!("CARGO"));
        let command = command.current_dir(root()).args(tree).args(["--prefix", "none"]);
        let output = command.arg("--no-default-features").args(features).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let has =
        |tree: &str, name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    let (bare, sqlite, watch) =
        (tree(&[]), tree(&["--features", "sqlite"]), tree(&["--features", "watch"]));
    assert!(has(&bare, "scrollback-stor-read"), "{bare}");
    for heavy in ["rusqlite", "libsqlite3-sys", "tokio", "notify", "watchman_client"] {
        assert!(!has(&bare, heavy), "{heavy} without features");
    }
    assert!(has(&sqlite, "rusqlite") && !has(&sqlite, "tokio"));
    assert!(has(&watch, "tokio") && !has(&watch, "rusqlite"));
}

#[cfg(test)]
mod bad_examples {
    use super::*;

    fn node(name: &str, level: impl Into<Option<u64>>, uses: &[&str]) -> Node {
        let uses = uses.iter().map(|&used| used.to_owned()).collect();
        Node { name: name.to_owned(), layered: true, level: level.into(), uses }
    }

    #[test]
    fn upward_edges_are_found() {
        let good = [node("a", 0, &[]), node("b", 1, &["a"]), node("c", 3, &["a", "b", "serde"])];
        assert_none(&upward_edges(&good));
        for bad in [
            [node("a", 0, &["b"]), node("b", 1, &[])],
            [node("a", 1, &["b"]), node("b", 1, &[])],
            [node("a", None, &[]), node("b", 1, &[])],
            [Node { layered: false, ..node("a", 1, &[]) }, node("b", 1, &[])],
            [Node { layered: false, ..node("a", None, &[]) }, node("b", 1, &["a"])],
            [
                Node { layered: false, ..node(FIXTURES, None, &["b"]) },
                Node { layered: false, ..node("b", None, &[]) },
            ],
        ] {
            assert_eq!(upward_edges(&bad).len(), 1, "{:?}", upward_edges(&bad));
        }
    }

    #[test]
    fn unexplained_dependencies_are_found() {
        let nodes = [node("a", 0, &["serde"]), node("b", 1, &["a"])];
        assert_none(&disallowed_dependencies(&nodes, &[("a", &[("serde", "why")])]));
        let stale: &[(&str, &[(&str, &str)])] =
            &[("a", &[("serde", "why"), ("log", "why")]), ("gone", &[])];
        assert_eq!(
            disallowed_dependencies(&nodes, stale),
            ["a does not use log: remove its entry", "unknown package gone"]
        );
        assert_eq!(disallowed_dependencies(&nodes, &[]).len(), 1);
        // A reason does not allow a heavy dependency.
        let heavy = [node("a", 0, &["papaya"])];
        assert_eq!(disallowed_dependencies(&heavy, &[("a", &[("papaya", "why")])]).len(), 1);
    }
}
