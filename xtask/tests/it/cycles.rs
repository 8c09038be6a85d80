//! Checks that the files of a crate have no dependency cycles, so that a file can be understood,
//! tested and moved together with only the files that it names.

use xtask::modules::{Tree, cycles, packages};

use crate::repo::{assert_none, root};

#[test]
fn files_have_no_cycles() {
    let mut problems = Vec::new();
    for package in packages(root()).unwrap() {
        let Ok(name) = package.directory.strip_prefix("crates") else { continue };
        for target in &package.roots {
            let tree = Tree::read(root(), target).unwrap();
            let problem = |cycle| format!("{}: {cycle}", name.display());
            problems.extend(cycles(&tree).iter().map(problem));
        }
    }
    assert_none(&problems);
}
