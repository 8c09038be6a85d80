//! What a directory is watched for.

use std::ffi::OsStr;

use scrollback_source::{WatchDepth, WatchRoot};

/// What a directory is watched for. Numbers are those of the roots of the plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    /// The roots that it is.
    pub(super) roots: Vec<usize>,
    /// The roots that it is in.
    pub(super) containing_roots: Vec<usize>,
    /// A root is to come in it.
    pub(super) is_ancestor: bool,
    /// Modify events are asked for.
    pub(super) modify: bool,
}

impl Role {
    /// Notes a root that the directory is in.
    pub(super) fn add_containing_root(&mut self, root: usize) {
        if !self.containing_roots.contains(&root) {
            self.containing_roots.push(root);
        }
    }

    /// All roots whose files are in the directory.
    fn all_roots(&self) -> impl Iterator<Item = usize> {
        self.roots.iter().chain(&self.containing_roots).copied()
    }

    /// Whether some root has files in the directory that are written while they stay open.
    pub(super) fn wants_modify(&self, plan: &[WatchRoot]) -> bool {
        self.all_roots().any(|root_index| plan[root_index].discipline.writer_may_keep_open())
    }

    /// Whether a file of this name is one that some root asks for, and so is what happened to it.
    pub(super) fn includes(&self, plan: &[WatchRoot], name: &OsStr, is_modified: bool) -> bool {
        self.all_roots().map(|root_index| &plan[root_index]).any(|root| {
            root.files.include(name) && (!is_modified || root.discipline.writer_may_keep_open())
        })
    }

    /// The roots that a directory in this one is in.
    pub(super) fn child_roots(&self, plan: &[WatchRoot]) -> Vec<usize> {
        let direct =
            self.roots.iter().filter(|root_index| plan[**root_index].depth != WatchDepth::Nothing);
        let deep = self
            .containing_roots
            .iter()
            .filter(|root_index| plan[**root_index].depth == WatchDepth::Tree);
        direct.chain(deep).copied().collect()
    }

    /// The root whose directories in this one are watched while they are hot.
    pub(super) fn hot_root(&self, plan: &[WatchRoot]) -> Option<usize> {
        self.roots.iter().copied().find(|root_index| plan[*root_index].depth == WatchDepth::Hot)
    }

    /// Whether nothing but the directory above it makes it one of the plan's.
    pub(super) fn is_only_descendant(&self) -> bool {
        self.roots.is_empty() && !self.is_ancestor
    }

    /// Whether it is part of a tree that is watched to any depth.
    pub(super) fn is_in_tree(&self, plan: &[WatchRoot]) -> bool {
        self.all_roots().any(|root_index| plan[root_index].depth == WatchDepth::Tree)
    }
}
