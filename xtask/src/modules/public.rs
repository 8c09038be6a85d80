//! Counts the public names of a crate.

use std::collections::BTreeSet;

use super::resolve::Target;
use super::scope::Visibility;
use super::tree::Tree;

/// Counts the names that other crates can use: public modules, items, re-exports and exported
/// macros, once for each path. Methods, fields and variants do not count. A glob import of another
/// crate counts as one name.
pub fn public_names(tree: &Tree) -> usize {
    let mut names = BTreeSet::new();
    collect(tree, 0, "", &mut Vec::new(), &mut names);
    names.len()
}

/// Collects the paths of the public names of a module; `above` are the modules around it.
fn collect(
    tree: &Tree,
    module: usize,
    path: &str,
    above: &mut Vec<usize>,
    names: &mut BTreeSet<String>,
) {
    if above.contains(&module) {
        return; // a module that re-exports an enclosing module
    }
    above.push(module);
    let node = &tree.modules[module];
    let is_public = |visibility: Visibility| visibility == Visibility::Public;
    let full = |name: &str| format!("{path}::{name}");
    for (name, (child, _)) in node.children.iter().filter(|(_, (_, it))| is_public(*it)) {
        names.insert(full(name));
        collect(tree, *child, &full(name), above, names);
    }
    names.extend(node.scope.items.iter().filter(|(_, it)| is_public(**it)).map(|(it, _)| full(it)));
    for import in node.scope.imports.iter().filter(|it| is_public(it.visibility)) {
        let target = tree.resolve(module, &import.path);
        match (&import.name, target) {
            (Some(name), Target::Module(other)) => {
                names.insert(full(name));
                collect(tree, other, &full(name), above, names);
            }
            (Some(name), _) => {
                names.insert(full(name));
            }
            (None, Target::Module(other)) => collect(tree, other, path, above, names),
            (None, _) => {
                names.insert(full(&format!("{}::*", import.path.join("::"))));
            }
        }
    }
    above.pop();
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn count(text: &str) -> usize {
        let tree = Tree::build(Path::new("lib.rs"), &mut |_| Ok(Some(text.to_owned())));
        public_names(&tree.unwrap())
    }

    #[test]
    fn a_name_counts_if_it_can_be_reached() {
        assert_eq!(count("pub struct A; pub(crate) struct B; struct C; pub const fn f() {}"), 2);
        assert_eq!(count("mod a { pub struct A; pub struct B; } pub use a::A;"), 1);
        assert_eq!(count("mod a { pub struct A; struct B; } pub use a::*;"), 1);
        assert_eq!(count("pub mod a { pub struct A; pub struct B; }"), 3);
        assert_eq!(count("mod a { pub struct A; } pub use a as b; pub use other::{C, D as E};"), 4);
        assert_eq!(count("pub struct A { pub b: u8 } impl A { pub fn f(&self) {} }"), 1);
        assert_eq!(count("#[cfg(test)] pub fn f() {} pub enum E { A } pub type T = u8;"), 2);
    }
}
