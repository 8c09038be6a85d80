//! Small directory trees for discovery.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that is deleted with the test.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// Makes each path in a fresh directory: a directory if it ends in `/`, or else an empty file.
    pub(crate) fn new(paths: &[&str]) -> std::io::Result<Self> {
        let tree = Self(TempDir::new()?);
        for path in paths {
            let full = tree.path(path);
            if path.ends_with('/') {
                std::fs::create_dir_all(full)?;
            } else {
                std::fs::create_dir_all(full.parent().unwrap_or(tree.root()))?;
                std::fs::write(full, "")?;
            }
        }
        Ok(tree)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Returns a path of the tree as text relative to its root. Other paths stay as they are.
    pub(crate) fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.root()).unwrap_or(path).display().to_string().replace('\\', "/")
    }
}
