//! Checks that every source file is a module of a target that cargo builds.
//!
//! A test file that no target declares is never compiled and never fails. Integration tests are one
//! binary per package, so that linking happens once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use crate::repo::{Files, assert_none, example_files, files, relative, workspace};

/// Returns the modules that a file declares without a body, each as a path of names that starts
/// with the inline modules around it.
fn declared_modules(tokens: TokenStream) -> Vec<PathBuf> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut modules = Vec::new();
    for window in tokens.windows(3) {
        let [TokenTree::Ident(word), TokenTree::Ident(name), after] = window else { continue };
        if word != "mod" {
            continue;
        }
        let name = PathBuf::from(name.to_string());
        match after {
            TokenTree::Punct(end) if end.as_char() == ';' => modules.push(name),
            TokenTree::Group(body) => {
                modules.extend(
                    declared_modules(body.stream()).into_iter().map(|inner| name.join(inner)),
                );
            }
            _ => {}
        }
    }
    modules
}

/// Returns the files that no root declares, directly or through a module.
fn undeclared_files(roots: &[PathBuf], files: &Files) -> Vec<String> {
    let mut reached = BTreeSet::new();
    // Each file, with the directory of its child modules.
    let mut pending: Vec<(PathBuf, PathBuf)> =
        roots.iter().map(|root| (root.clone(), root.with_file_name(""))).collect();
    while let Some((path, home)) = pending.pop() {
        let Some(text) = files.get(&path) else { continue };
        for module in declared_modules(text.parse().unwrap_or_default()) {
            let home = home.join(module);
            pending.push((home.with_extension("rs"), home.clone()));
            pending.push((home.join("mod.rs"), home));
        }
        reached.insert(path);
    }
    let forgotten = files.keys().filter(|path| !reached.contains(*path));
    forgotten.map(|path| format!("{}: not a module of any target", path.display())).collect()
}

/// Returns the integration tests that are not their package's `tests/it/main.rs`.
fn misplaced_tests(tests: &[PathBuf]) -> Vec<String> {
    let scattered = tests.iter().filter(|path| !path.ends_with("tests/it/main.rs"));
    scattered.map(|path| format!("{}: move it into tests/it", path.display())).collect()
}

#[test]
fn every_source_file_is_built() {
    let metadata = workspace();
    let targets = || metadata.packages.iter().flat_map(|package| &package.targets);
    let roots: Vec<_> = targets().map(|target| relative(&target.src_path)).collect();
    let mut sources = files(&["rs"]);
    // Only packages of the workspace: the fuzz package, for example, is its own workspace.
    sources.retain(|path, _| {
        let mut packages = metadata.packages.iter();
        packages.any(|package| path.starts_with(relative(package.manifest_path.parent().unwrap())))
    });
    assert!(roots.iter().all(|root| sources.contains_key(root)), "{roots:?}");
    assert_none(&undeclared_files(&roots, &sources));

    let tests: Vec<_> = targets()
        .filter(|target| target.is_test())
        .map(|target| relative(&target.src_path))
        .collect();
    assert!(!tests.is_empty());
    assert_none(&misplaced_tests(&tests));
}

#[test]
fn forgotten_files_are_found() {
    let roots = ["src/lib.rs", "tests/it/main.rs"].map(PathBuf::from);
    let files = example_files([
        ("src/lib.rs", "//! mod comment;\npub mod a;\n#[cfg(test)]\nmod tests { mod deep; }"),
        ("src/a.rs", "mod b;"),
        ("src/a/b/mod.rs", "mod c;"),
        ("src/a/b/c.rs", ""),
        ("src/tests/deep.rs", ""),
        ("src/comment.rs", ""),
        ("src/b.rs", ""),
        ("tests/it/main.rs", "mod one;"),
        ("tests/it/one.rs", ""),
        ("tests/it/two.rs", "mod one;"),
    ]);
    assert_eq!(
        undeclared_files(&roots, &files),
        ["src/b.rs", "src/comment.rs", "tests/it/two.rs"]
            .map(|f| f.to_owned() + ": not a module of any target")
    );
    assert_eq!(
        misplaced_tests(&["a/tests/it/main.rs".into(), Path::new("a/tests/b.rs").into()]).len(),
        1
    );
}
