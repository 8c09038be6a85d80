//! The roles of a watched directory.

use std::ffi::OsStr;

use scrollback_source::{WatchDepth, WatchRoot};

/// The roles of a watched directory. Numbers are indexes into the watch plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    /// The roots that are this directory.
    pub(super) roots: Vec<usize>,
    /// The roots that contain this directory.
    pub(super) containing_roots: Vec<usize>,
    /// Whether a missing root may appear below this directory.
    pub(super) is_ancestor: bool,
    /// Whether modify events are requested.
    pub(super) modify: bool,
}

impl Role {
    /// Adds a root that contains the directory.
    pub(super) fn add_containing_root(&mut self, root: usize) {
        if !self.containing_roots.contains(&root) {
            self.containing_roots.push(root);
        }
    }

    /// Returns all roots whose files are in the directory.
    fn all_roots(&self) -> impl Iterator<Item = usize> {
        self.roots.iter().chain(&self.containing_roots).copied()
    }

    /// Checks whether a root has files here that stay open while they are written.
    pub(super) fn wants_modify(&self, plan: &[WatchRoot]) -> bool {
        self.all_roots().any(|root_index| plan[root_index].discipline.writer_may_keep_open())
    }

    /// Checks whether a root includes a file of this name. For a modify event the root's files must
    /// also be ones that stay open.
    pub(super) fn includes(&self, plan: &[WatchRoot], name: &OsStr, is_modified: bool) -> bool {
        self.all_roots().map(|root_index| &plan[root_index]).any(|root| {
            root.files.include(name) && (!is_modified || root.discipline.writer_may_keep_open())
        })
    }

    /// Returns the roots that contain the directories in this directory.
    pub(super) fn child_roots(&self, plan: &[WatchRoot]) -> Vec<usize> {
        let direct =
            self.roots.iter().filter(|root_index| plan[**root_index].depth != WatchDepth::Nothing);
        let deep = self
            .containing_roots
            .iter()
            .filter(|root_index| plan[**root_index].depth == WatchDepth::Tree);
        direct.chain(deep).copied().collect()
    }

    /// Returns the root whose directories in this directory are watched while they are hot.
    pub(super) fn hot_root(&self, plan: &[WatchRoot]) -> Option<usize> {
        self.roots.iter().copied().find(|root_index| plan[*root_index].depth == WatchDepth::Hot)
    }

    /// Checks whether the directory is watched only because a root contains it.
    pub(super) fn is_only_descendant(&self) -> bool {
        self.roots.is_empty() && !self.is_ancestor
    }

    /// Checks whether the directory belongs to a tree that is watched to any depth.
    pub(super) fn is_in_tree(&self, plan: &[WatchRoot]) -> bool {
        self.all_roots().any(|root_index| plan[root_index].depth == WatchDepth::Tree)
    }
}
