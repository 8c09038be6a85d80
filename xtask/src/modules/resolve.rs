//! Resolves paths to modules and items, as far as names alone allow.

use super::scope::Import;
use super::tree::Tree;

/// The longest chain of re-exports that is followed.
const MAX_DEPTH: usize = 32;

/// The target of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A module.
    Module(usize),
    /// An item of a module. A name that is not defined there may come from a macro in the module.
    Item(usize),
    /// A name of another crate.
    Outside,
}

impl Tree {
    /// Resolves a path that occurs in a module.
    pub(crate) fn resolve(&self, from: usize, path: &[String]) -> Target {
        self.follow(from, path, MAX_DEPTH)
    }

    /// Returns the target of a name in a module, if the module defines or imports the name.
    pub(crate) fn resolve_name(&self, module: usize, name: &str) -> Option<Target> {
        self.find(module, name, MAX_DEPTH)
    }

    fn follow(&self, from: usize, path: &[String], depth: usize) -> Target {
        let mut names = path.iter().map(String::as_str).peekable();
        let mut module = match names.peek() {
            Some(&"crate") => 0,
            Some(&("self" | "super")) => from,
            Some(first) => match self.find(from, first, depth) {
                Some(Target::Module(module)) => module,
                other => return other.unwrap_or(Target::Outside),
            },
            None => return Target::Module(from), // `*` alone, from a nested `use`
        };
        if names.peek() != Some(&"super") {
            names.next();
        }
        for name in names {
            module = match name {
                "super" => self.modules[module].parent.unwrap_or(0),
                name => match self.find(module, name, depth) {
                    Some(Target::Module(module)) => module,
                    Some(other) => return other,
                    None => return Target::Item(self.module_of_macro(module, name)),
                },
            };
        }
        Target::Module(module)
    }

    /// Returns the module of an exported macro if a path from the crate's root names one.
    fn module_of_macro(&self, module: usize, name: &str) -> usize {
        let home = self.modules.iter().position(|it| it.scope.macros.contains(name));
        if module == 0 { home.unwrap_or(module) } else { module }
    }

    fn find(&self, module: usize, name: &str, depth: usize) -> Option<Target> {
        let depth = depth.checked_sub(1)?;
        let node = &self.modules[module];
        if let Some((child, _)) = node.children.get(name) {
            return Some(Target::Module(*child));
        }
        if node.scope.items.contains_key(name) {
            return Some(Target::Item(module));
        }
        let imports = &node.scope.imports;
        if let Some(import) = imports.iter().find(|it| it.name.as_deref() == Some(name)) {
            return Some(self.follow_import(module, import, depth));
        }
        imports.iter().filter(|import| import.name.is_none()).find_map(|glob| {
            match self.follow_import(module, glob, depth) {
                Target::Module(other) if other != module => self.find(other, name, depth),
                _ => None,
            }
        })
    }

    /// Follows a `use`. If the first name would lead back to the import itself, it is another
    /// crate.
    fn follow_import(&self, module: usize, import: &Import, depth: usize) -> Target {
        match import.path.first() {
            Some(first)
                if import.name.as_ref() == Some(first)
                    && !self.modules[module].children.contains_key(first)
                    && !["crate", "self", "super"].contains(&first.as_str()) =>
            {
                Target::Outside
            }
            _ => self.follow(module, &import.path, depth),
        }
    }

    /// Checks whether a module is `above` or lies below it.
    pub(crate) fn contains(&self, above: usize, mut module: usize) -> bool {
        while module != above {
            match self.modules[module].parent {
                Some(parent) => module = parent,
                None => return false,
            }
        }
        true
    }
}
