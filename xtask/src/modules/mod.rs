//! The modules of the crates, and which file uses which, read from their tokens.
//!
//! A module is a file; modules within a file belong to it. There is no type checker here, so the
//! following is as near as tokens get:
//!
//! - An edge is a name of another file that a `use` or a path in the code leads to. A call of a
//!   method makes no edge.
//! - A path is followed through re-exports to the file that defines the item. A re-export of a
//!   name below a module makes no edge, unless the module uses the name itself.
//! - What is built for tests alone (`#[cfg(test)]`) is left out.

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

/// A package of the repository, as far as its sources go.
#[derive(Debug)]
pub struct Package {
    /// Its directory, relative to the repository.
    pub directory: PathBuf,
    /// The roots of its library and programs, relative to the repository; the library is first.
    pub roots: Vec<PathBuf>,
}

/// Returns the packages of the repository at `root`: those in `crates/`, then the others.
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

/// Returns the names in a directory, in order.
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
/// If it cannot be read.
#[expect(clippy::disallowed_methods, reason = "a source of the repository, not a store")]
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
