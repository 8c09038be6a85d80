//! A module: what it defines, what it imports, and the paths that its code names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The visibility of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Visibility {
    /// Visible in the module and below.
    Private,
    /// `pub(crate)` and other restricted forms.
    Restricted,
    /// Public.
    Public,
}

/// A name that a `use` brings into a module, or a glob of another module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// The imported name; `None` for a glob.
    pub(crate) name: Option<String>,
    pub(crate) visibility: Visibility,
}

/// A module that another module declares.
#[derive(Debug)]
pub(crate) struct ModuleDeclaration {
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    /// The file that `#[path]` names, relative to the declaring file.
    pub(crate) file: Option<String>,
    /// The content, if the body is in the same file.
    pub(crate) inline: Option<Scope>,
}

/// The content of a module.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) modules: Vec<ModuleDeclaration>,
    pub(crate) items: BTreeMap<String, Visibility>,
    /// Macros by example: a path from the crate's root can name them, wherever they are defined.
    pub(crate) macros: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths of two or more names.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// Single names, and the first names of paths.
    pub(crate) names: BTreeSet<String>,
}

/// A module in the module tree of its crate.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, (usize, Visibility)>,
    pub(crate) scope: Scope,
}
