//! Reads the modules of the crates from their tokens, and finds which file uses which.
//!
//! A module is a file; modules within a file belong to that file. Without a type checker, the result
//! is an approximation:
//!
//! - A `use`, or a path in the code, that leads to a name of another file makes an edge. A method
//!   call makes no edge.
//! - A path is followed through re-exports to the file that defines the item. A re-export of a name
//!   below a module makes no edge, unless the module uses the name itself.
//! - Test code (`#[cfg(test)]`) is left out.

mod cycles;
mod functions;
mod public;
mod resolve;
mod scope;
mod syntax;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub use cycles::{Cycle, cycles};
pub use functions::{Function, functions};
pub use public::public_names;
pub use tree::Tree;

/// A package of the repository: its directory and its root source files.
#[derive(Debug)]
pub struct Package {
    /// The directory, relative to the repository.
    pub directory: PathBuf,
    /// The root files of the library and the programs, relative to the repository; the library is
    /// first.
    pub roots: Vec<PathBuf>,
}

/// Returns the packages of the repository at `root`: first the packages in `crates/`, then the
/// others.
///
/// # Errors
/// If a directory cannot be listed.
pub fn packages(root: &Path) -> Result<Vec<Package>> {
    let mut directories = Vec::new();
    for parent in ["crates", ""] {
        let names = names(&root.join(parent))?.into_iter().map(|name| Path::new(parent).join(name));
        directories.extend(names.filter(|path| root.join(path).join("Cargo.toml").is_file()));
    }
    let mut packages = Vec::new();
    for directory in directories {
        let mut roots: Vec<_> =
            ["src/lib.rs", "src/main.rs"].map(|file| directory.join(file)).into();
        let programs = directory.join("src/bin");
        if root.join(&programs).is_dir() {
            for name in names(&root.join(&programs))? {
                let program = programs.join(&name);
                let is_file = name.ends_with(".rs");
                roots.push(if is_file { program } else { program.join("main.rs") });
            }
        }
        roots.retain(|path| root.join(path).is_file());
        if !roots.is_empty() {
            packages.push(Package { directory, roots });
        }
    }
    Ok(packages)
}

/// Returns the names in a directory, sorted.
#[expect(clippy::disallowed_methods, reason = "sources of the repository, not a store")]
fn names(directory: &Path) -> Result<Vec<String>> {
    let listed = || -> std::io::Result<Vec<String>> {
        let names = fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    };
    let mut names = listed().with_context(|| format!("list {}", directory.display()))?;
    names.sort_unstable();
    Ok(names)
}

/// Returns the text of a source file.
///
/// # Errors
/// If the file cannot be read.
#[expect(clippy::disallowed_methods, reason = "a source of the repository, not a store")]
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
