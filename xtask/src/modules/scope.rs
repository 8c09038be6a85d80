//! One module: what it defines, what it brings in, and the paths that its code names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Who may use a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Visibility {
    /// The module and those below it.
    Private,
    /// `pub(crate)` and the like.
    Restricted,
    /// Everybody who reaches the module.
    Public,
}

/// A name that a `use` brings into a module, or everything of another module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// None for a glob.
    pub(crate) name: Option<String>,
    pub(crate) visibility: Visibility,
}

/// A module that another one declares.
#[derive(Debug)]
pub(crate) struct ModuleDeclaration {
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    /// Its file, relative to the one that declares it, if an attribute names it.
    pub(crate) file: Option<String>,
    /// What it holds, if its body is in the same file.
    pub(crate) inline: Option<Scope>,
}

/// What one module holds.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) modules: Vec<ModuleDeclaration>,
    pub(crate) items: BTreeMap<String, Visibility>,
    /// Macros by example: a path from the crate's root may lead to them wherever they are.
    pub(crate) macros: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths of two and more names.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// Single names, and the first ones of paths.
    pub(crate) names: BTreeSet<String>,
}

/// A module in the tree of its crate.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, (usize, Visibility)>,
    pub(crate) scope: Scope,
}
