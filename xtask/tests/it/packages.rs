//! Checks that published packages are ready: they have a description, a licence, and a README whose
//! example runs as a doctest.

use cargo_metadata::{DependencyKind, Package};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use crate::repo::{assert_none, read, relative, root, workspace};

/// The longest keyword, and the greatest number of keywords and categories, that crates.io accepts.
const KEYWORD_BYTES: usize = 20;
const KEYWORDS: usize = 5;

/// Returns what a package lacks before it can be published.
fn publish_problems(package: &Package) -> Vec<String> {
    let home = relative(package.manifest_path.parent().unwrap());
    let lacking =
        |problem: &str, lacks: bool| lacks.then(|| format!("{}: {problem}", package.name));
    let is_empty = |field: &Option<String>| field.as_deref().is_none_or(str::is_empty);
    let mut problems: Vec<_> = [
        lacking("no description", is_empty(&package.description)),
        lacking("not MIT OR Apache-2.0", package.license.as_deref() != Some("MIT OR Apache-2.0")),
        lacking("no repository", is_empty(&package.repository)),
        lacking("no rust-version", package.rust_version.is_none()),
        lacking("no readme", package.readme.is_none()),
        lacking("no keywords, or too many", !(1..=KEYWORDS).contains(&package.keywords.len())),
        lacking("no categories, or too many", !(1..=KEYWORDS).contains(&package.categories.len())),
        lacking("a keyword too long", package.keywords.iter().any(|k| k.len() > KEYWORD_BYTES)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let readme = package.readme.iter().map(|readme| readme.as_str());
    for file in readme.chain(["LICENSE-MIT", "LICENSE-APACHE"]) {
        problems.extend(lacking(&format!("no {file}"), !root().join(&home).join(file).is_file()));
    }
    let normal = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
    for used in normal.filter(|used| used.req.to_string() == "*") {
        problems.push(format!("{}: dependency {} has no version", package.name, used.name));
    }
    problems
}

/// Checks whether a README has an example: Rust for a library, a console session for a program.
fn has_example(readme: &str, library: bool) -> bool {
    let wanted = if library { "rust" } else { "console" };
    Parser::new(readme).any(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
            let mut words = info.split([',', ' ']);
            let mut rest = words.clone();
            words.next() == Some(wanted) && !rest.any(|word| word == "ignore")
        }
        _ => false,
    })
}

fn published_packages() -> Vec<Package> {
    let packages = workspace().packages.into_iter();
    let published: Vec<_> = packages.filter(|p| p.publish.as_deref() != Some(&[])).collect();
    assert!(!published.is_empty());
    published
}

#[test]
fn packages_are_ready_to_publish() {
    assert_none(&published_packages().iter().flat_map(publish_problems).collect::<Vec<_>>());
}

#[test]
fn readmes_have_an_example_that_runs() {
    let mut problems = Vec::new();
    for package in published_packages() {
        let readme = relative(package.readme().unwrap());
        let library = package.targets.iter().find(|target| target.is_lib());
        if !has_example(&read(&readme), library.is_some()) {
            problems.push(format!("{}: the README has no example", readme.display()));
        }
        // The library includes the README in its docs, or in a doctest.
        let included = |target: &cargo_metadata::Target| {
            read(&relative(&target.src_path)).contains("include_str!(\"../README.md\")")
        };
        if library.is_some_and(|library| !included(library)) {
            problems.push(format!("{}: the example is not run as a doctest", readme.display()));
        }
    }
    assert_none(&problems);
}

#[test]
fn unready_packages_are_found() {
    let mut package = published_packages().remove(0);
    package.description = None;
    package.license = Some("MIT".to_owned());
    package.readme = Some("NOWHERE.md".into());
    package.rust_version = None;
    package.keywords = ["a-keyword-that-is-too-long"; 6].map(str::to_owned).to_vec();
    let problems = publish_problems(&package).join("\n");
    for problem in
        ["no description", "not MIT", "no NOWHERE.md", "no rust-version", "many", "too long"]
    {
        assert!(problems.contains(problem), "{problem} in {problems}");
    }
}

#[test]
fn missing_examples_are_found() {
    assert!(has_example("# x\n```rust\nf();\n```", true));
    assert!(has_example("# x\n```rust,no_run\nf();\n```", true));
    assert!(has_example("```console\n$ x\n```", false));
    for bad in ["# x", "rust", "```rust,ignore\n```", "```json\n```", "``` \nf()\n```"] {
        assert!(!has_example(bad, true), "{bad}");
    }
}
