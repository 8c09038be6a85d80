//! Finds files of a crate that depend on each other, directly or through other files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::resolve::Target;
use super::scope::Visibility;
use super::tree::Tree;

/// For each pair of files, the names of the second file that the first one uses.
type Edges = BTreeMap<(PathBuf, PathBuf), BTreeSet<String>>;

/// A set of files in which each file depends on every other one, directly or through others.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The files of the cycle.
    pub files: BTreeSet<PathBuf>,
    /// Each use within the cycle: the using file, the used file, and the used names.
    pub uses: Vec<(PathBuf, PathBuf, BTreeSet<String>)>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files use each other:", self.files.len())?;
        for (from, to, names) in &self.uses {
            let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(f, "\n  {} uses {names} of {}", from.display(), to.display())?;
        }
        Ok(())
    }
}

/// Returns the cycles between the files of a crate.
pub fn cycles(tree: &Tree) -> Vec<Cycle> {
    let edges = edges(tree);
    let files: BTreeSet<&Path> = tree.modules.iter().map(|module| module.file.as_path()).collect();
    let reach: BTreeMap<_, _> = files.iter().map(|file| (*file, reachable(&edges, file))).collect();
    let mut cycles = Vec::new();
    let mut placed = BTreeSet::new();
    for file in files {
        let other = |it: &&Path| *it != file && reach.get(it).is_some_and(|it| it.contains(file));
        let mut group: BTreeSet<&Path> = reach[file].iter().copied().filter(other).collect();
        if group.is_empty() || !placed.insert(file) {
            continue;
        }
        group.insert(file);
        placed.extend(&group);
        let inside = |path: &Path| group.contains(path);
        let uses = edges.iter().filter(|((from, to), _)| inside(from) && inside(to));
        let uses = uses.map(|((from, to), names)| (from.clone(), to.clone(), names.clone()));
        let files = group.iter().map(|path| (*path).to_owned()).collect();
        cycles.push(Cycle { files, uses: uses.collect() });
    }
    cycles
}

fn reachable<'e>(edges: &'e Edges, start: &Path) -> BTreeSet<&'e Path> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![start];
    while let Some(file) = pending.pop() {
        for ((_, to), _) in edges.iter().filter(|((from, _), _)| from == file) {
            if reached.insert(to.as_path()) {
                pending.push(to);
            }
        }
    }
    reached
}

/// Returns, for each file, the names that it uses of every other file.
fn edges(tree: &Tree) -> Edges {
    let mut edges = Edges::new();
    for (index, module) in tree.modules.iter().enumerate() {
        let mut add = |target: usize, name: &str| {
            let to = &tree.modules[target].file;
            if *to != module.file {
                let key = (module.file.clone(), to.clone());
                edges.entry(key).or_default().insert(name.to_owned());
            }
        };
        let scope = &module.scope;
        for import in &scope.imports {
            match (tree.resolve(index, &import.path), &import.name) {
                (Target::Item(target), Some(name)) => {
                    let is_export = import.visibility > Visibility::Private;
                    let below = tree.contains(index, target);
                    if !(is_export && below) || scope.names.contains(name) {
                        add(target, import.path.last().unwrap_or(name));
                    }
                }
                // A `use` of a whole module makes no edge; the names that are used of it do.
                (Target::Module(other), None) if other != index => {
                    for name in &scope.names {
                        if let Some(Target::Item(target)) = tree.resolve_name(other, name) {
                            add(target, name);
                        }
                    }
                }
                _ => {}
            }
        }
        for path in &scope.paths {
            if let Target::Item(target) = tree.resolve(index, path) {
                add(target, &path.join("::"));
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the files of each cycle of a crate.
    fn cycles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let tree = Tree::build(Path::new("src/lib.rs"), &mut |path| {
            let file = files.iter().find(|(name, _)| Path::new("src").join(name) == path);
            Ok(file.map(|(_, text)| (*text).to_owned()))
        });
        let names = |cycle: Cycle| {
            let files = cycle.files.iter().map(|path| path.strip_prefix("src").unwrap());
            files.map(|path| path.display().to_string()).collect()
        };
        cycles(&tree.unwrap()).into_iter().map(names).collect()
    }

    const NO_CYCLES: [Vec<String>; 0] = [];

    #[test]
    fn files_that_use_each_other_are_a_cycle() {
        let a_b = [vec!["a.rs".to_owned(), "b.rs".to_owned()]];
        let lib = ("lib.rs", "mod a; mod b;");
        for (a, b) in [
            ("use crate::b::B; pub struct A(B);", "use super::a::A; pub struct B(A);"),
            ("pub fn f() { super::b::g() }", "pub fn g() { let _ = (1, crate::a::f()); }"),
            ("use crate::b; pub fn f() { b::g() }", "pub fn g() { use crate::a::f; f() }"),
            ("use crate::b::*; pub fn f() { g() }", "use crate::a::{self as c}; fn g() { c::f() }"),
            ("pub mod x { use crate::b::B; }", "pub struct B; impl crate::a::x::T for B {}"),
            (
                "pub fn f() -> crate::b::B<u8> {}",
                "pub struct B<const N: u8>; fn g() { crate::a::f() }",
            ),
        ] {
            assert_eq!(cycles_of(&[lib, ("a.rs", a), ("b.rs", b)]), a_b, "{a} {b}");
        }
    }

    #[test]
    fn a_cycle_of_three_files_is_one_cycle() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::c::C; pub struct B;"),
            ("c.rs", "use crate::a::A; pub struct C;"),
            ("d.rs", "use crate::a::A; use crate::c::C;"),
        ];
        assert_eq!(cycles_of(&files), [["a.rs", "b.rs", "c.rs"].map(str::to_owned).to_vec()]);
    }

    #[test]
    fn a_re_export_is_not_a_use() {
        let child = ("a/b.rs", "use super::c::C; use crate::C as D; pub struct B(C, D);");
        let leaf = ("a/c.rs", "pub struct C;");
        let root = ("lib.rs", "mod a; pub use a::{B, C};");
        let parent = ("a/mod.rs", "mod b; mod c; pub use b::B; pub use c::C;");
        assert_eq!(cycles_of(&[root, parent, child, leaf]), NO_CYCLES);

        // This parent defines what its child uses, and uses the child: that is a cycle.
        let parent = ("a/mod.rs", "mod b; mod c; pub use b::B; pub use c::C; fn f(b: B) {}");
        assert_eq!(cycles_of(&[root, parent, child, leaf]), NO_CYCLES);
        let child = ("a/b.rs", "pub struct B; fn g() { super::f() }");
        assert_eq!(cycles_of(&[root, parent, child, leaf]), [["a/b.rs", "a/mod.rs"]]);
    }

    #[test]
    fn comments_strings_and_tests_are_not_uses() {
        let files = [
            ("lib.rs", "mod a; mod b; #[macro_use] mod c;"),
            (
                "a.rs",
                "//! See [`crate::b::B`].\nuse std::io; pub struct A; fn f(x: A) { x.b::<u8>(); }",
            ),
            (
                "b.rs",
                "use crate::a::A; pub fn b() { io::x() } #[cfg(test)] mod tests { use super::*; }",
            ),
            ("c.rs", "#[cfg(test)] use crate::a::A; macro_rules! m { () => {} }"),
        ];
        assert_eq!(cycles_of(&files), NO_CYCLES);
    }

    #[test]
    fn a_cycle_names_its_uses() {
        let files = ["use crate::b::B; pub struct A;", "use crate::a::A; pub struct B;"];
        let tree = Tree::build(Path::new("lib.rs"), &mut |path| {
            let file = ["lib.rs", "a.rs", "b.rs"].iter().position(|name| Path::new(name) == path);
            Ok(file.map(|file| ["mod a; mod b;", files[0], files[1]][file].to_owned()))
        });
        assert_eq!(
            cycles(&tree.unwrap())[0].to_string(),
            "2 files use each other:\n  a.rs uses B of b.rs\n  b.rs uses A of a.rs"
        );
    }
}
