//! Hot directories: watched only while they are used. The least recently used directory makes room.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// The hot directories, up to a limit, in order of their last use.
#[derive(Debug)]
pub(super) struct HotDirectories {
    limit: usize,
    uses: u64,
    by_path: HashMap<PathBuf, u64>,
    by_use: BTreeMap<u64, PathBuf>,
}

impl HotDirectories {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, uses: 0, by_path: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.by_path.len()
    }

    /// Checks whether the limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.by_path.len() >= self.limit
    }

    /// Notes a use of a directory. Returns whether the directory is hot.
    pub(super) fn touch(&mut self, path: &Path) -> bool {
        let Some(used) = self.by_path.get_mut(path) else { return false };
        self.uses += 1;
        if let Some(path) = self.by_use.remove(used) {
            self.by_use.insert(self.uses, path);
        }
        *used = self.uses;
        true
    }

    pub(super) fn insert(&mut self, path: &Path) {
        self.uses += 1;
        self.by_path.insert(path.to_owned(), self.uses);
        self.by_use.insert(self.uses, path.to_owned());
    }

    pub(super) fn remove(&mut self, path: &Path) {
        if let Some(used) = self.by_path.remove(path) {
            self.by_use.remove(&used);
        }
    }

    /// Removes and returns the least recently used directory.
    pub(super) fn pop_coldest(&mut self) -> Option<PathBuf> {
        let (_, path) = self.by_use.pop_first()?;
        self.by_path.remove(&path);
        Some(path)
    }

    pub(super) fn clear(&mut self) {
        self.by_path.clear();
        self.by_use.clear();
    }
}
