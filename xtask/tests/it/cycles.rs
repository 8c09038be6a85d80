//! No two files of a crate use each other, directly or over others: what a file does can be
//! understood, tested and moved with nothing but the files that it names.

use xtask::modules::{Tree, cycles, packages};

use crate::repo::{assert_none, root};

/// Crates with cycles, and how many of their files are in one. The list may only get shorter, and
/// the numbers smaller.
const LEFT: &[(&str, usize)] = &[("flow", 3)];

/// Returns what `left` does not allow, and what it need not allow any more.
fn problems(found: &[(String, usize, String)], left: &[(&str, usize)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, files, text) in found {
        let allowed = left.iter().find(|(owner, _)| owner == name).map_or(0, |(_, files)| *files);
        if *files > allowed {
            problems.push(format!("{name}: {files} files in cycles, {allowed} allowed\n{text}"));
        } else if *files < allowed {
            problems.push(format!("{name}: {files} files in cycles: lower the {allowed}"));
        }
    }
    let gone = left.iter().filter(|(owner, _)| !found.iter().any(|(name, ..)| name == owner));
    problems.extend(gone.map(|(owner, _)| format!("{owner}: no cycles: strike it")));
    problems
}

#[test]
fn no_files_use_each_other() {
    let mut found = Vec::new();
    for package in packages(root()).unwrap() {
        let Ok(name) = package.directory.strip_prefix("crates") else { continue };
        let trees = package.roots.iter().map(|target| Tree::read(root(), target).unwrap());
        let cycles: Vec<_> = trees.flat_map(|tree| cycles(&tree)).collect();
        if !cycles.is_empty() {
            let text = cycles.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let files = cycles.iter().map(|cycle| cycle.files.len()).sum();
            found.push((name.display().to_string(), files, text));
        }
    }
    assert_none(&problems(&found, LEFT));
}

#[test]
fn the_list_only_shrinks() {
    let found = [("a".to_owned(), 3, "a.rs uses".to_owned()), ("b".to_owned(), 2, String::new())];
    assert_none(&problems(&found, &[("a", 3), ("b", 2)]));
    assert_eq!(
        problems(&found, &[("b", 4), ("c", 2)]),
        [
            "a: 3 files in cycles, 0 allowed\na.rs uses",
            "b: 2 files in cycles: lower the 4",
            "c: no cycles: strike it"
        ]
    );
}
