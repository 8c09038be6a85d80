//! The tree of watched directories: the roots of the watch plan, the directories in them, and the
//! hot directories where all would be too many.

mod directory;
mod hot_directories;
mod role;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_source::{DirtyScope, Source, WatchDepth, WatchRoot};

use self::directory::{DirectoryId, directory_id, list_directory};
use self::hot_directories::HotDirectories;
use self::role::Role;
use crate::feed::backend::{Backend, BackendEvent, BackendEventKind};
use crate::feed::error::FeedError;

/// The watched directories and their roles.
#[derive(Debug)]
pub(super) struct Tree {
    roots: Vec<WatchRoot>,
    /// The identity of each root when it was last watched; `None` if it did not exist.
    root_ids: Vec<Option<DirectoryId>>,
    roles: HashMap<PathBuf, Role>,
    hot: HotDirectories,
    /// The most watches in total.
    limit: usize,
}

/// A callback that marks a scope as dirty.
pub(super) type MarkScope<'m> = dyn FnMut(DirtyScope) + 'm;

impl Tree {
    pub(super) fn new(hot: usize, limit: Option<usize>) -> Self {
        Self {
            roots: Vec::new(),
            root_ids: Vec::new(),
            roles: HashMap::new(),
            hot: HotDirectories::new(hot),
            limit: limit.unwrap_or(usize::MAX),
        }
    }

    /// Returns the number of watched directories, and how many of them are hot.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.roles.len(), self.hot.len())
    }

    /// Drops all watches, and watches the directories of the present watch plan.
    ///
    /// # Errors
    /// [`FeedError::NoWatchLeft`] or [`FeedError::Watch`].
    pub(super) fn subscribe(
        &mut self,
        source: &Arc<dyn Source>,
        backend: &mut dyn Backend,
    ) -> Result<(), FeedError> {
        self.roots = source.watch_plan();
        self.root_ids = self.roots.iter().map(|root| directory_id(&root.path)).collect();
        for (path, _) in std::mem::take(&mut self.roles) {
            backend.unwatch(&path);
        }
        self.hot.clear();
        for root_index in 0..self.roots.len() {
            self.watch_root(root_index, backend)?;
        }
        Ok(())
    }

    /// Checks whether a root was replaced, removed or created since it was watched.
    pub(super) fn is_stale(&self) -> bool {
        self.roots.iter().zip(&self.root_ids).any(|(root, id)| directory_id(&root.path) != *id)
    }

    fn watch_root(
        &mut self,
        root_index: usize,
        backend: &mut dyn Backend,
    ) -> Result<(), FeedError> {
        let WatchRoot { path, depth, .. } = self.roots[root_index].clone();
        let role = |role: &mut Role| role.roots.push(root_index);
        if !self.watch_directory(&path, backend, role)? {
            // A missing root is announced by the nearest existing directory above it.
            for ancestor in path.ancestors().skip(1) {
                if self.watch_directory(ancestor, backend, |role| role.is_ancestor = true)? {
                    break;
                }
            }
            return Ok(());
        }
        match depth {
            WatchDepth::Nothing | WatchDepth::Hot => Ok(()),
            WatchDepth::All => {
                let mut directories = list_directory(&path, false).directories.into_iter();
                directories
                    .try_for_each(|path| self.watch_in_root(&path, root_index, backend).map(drop))
            }
            // No callback for the entries: a rescan of the whole store follows.
            WatchDepth::Tree => self.watch_descendants(path, root_index, backend, None),
        }
    }

    /// Watches all directories below a watched directory, to any depth. Entries may be older than
    /// their watches: each is passed to `on_entry`.
    fn watch_descendants(
        &mut self,
        path: PathBuf,
        root_index: usize,
        backend: &mut dyn Backend,
        mut on_entry: Option<&mut dyn FnMut(&Path)>,
    ) -> Result<(), FeedError> {
        let mut pending = vec![path];
        while let Some(path) = pending.pop() {
            // The directory is already watched: an entry that appears during the listing is an
            // event.
            let entries = list_directory(&path, on_entry.is_some());
            if let Some(on_entry) = &mut on_entry {
                let files = entries.files.iter().filter(|file| {
                    file.file_name().is_some_and(|name| self.roots[root_index].files.include(name))
                });
                files.chain(&entries.directories).for_each(|path| on_entry(path));
            }
            for path in entries.directories {
                if self.watch_in_root(&path, root_index, backend)? {
                    pending.push(path);
                }
            }
        }
        Ok(())
    }

    /// Watches a directory in a root. Returns whether the directory exists.
    fn watch_in_root(
        &mut self,
        path: &Path,
        root_index: usize,
        backend: &mut dyn Backend,
    ) -> Result<bool, FeedError> {
        self.watch_directory(path, backend, |role| role.add_containing_root(root_index))
    }

    /// Watches a directory, and adds a role to it. Returns whether the directory exists.
    fn watch_directory(
        &mut self,
        path: &Path,
        backend: &mut dyn Backend,
        assign_role: impl FnOnce(&mut Role),
    ) -> Result<bool, FeedError> {
        if let Some(role) = self.roles.get_mut(path) {
            assign_role(role);
            let modify = role.wants_modify(&self.roots);
            if modify == role.modify {
                return Ok(true);
            }
            role.modify = modify;
            return backend
                .watch(path, modify)
                .map(|()| true)
                .map_err(|source| FeedError::Watch { path: path.to_owned(), source });
        }
        if self.roles.len() >= self.limit {
            return Err(FeedError::NoWatchLeft { watches: self.roles.len() });
        }
        let mut role = Role::default();
        assign_role(&mut role);
        role.modify = role.wants_modify(&self.roots);
        match backend.watch(path, role.modify) {
            Ok(()) => {
                self.roles.insert(path.to_owned(), role);
                Ok(true)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(false),
                // The store cannot read this directory either, so no watch is needed.
                io::ErrorKind::PermissionDenied => Ok(false),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Err(FeedError::NoWatchLeft { watches: self.roles.len() })
                }
                _ => Err(FeedError::Watch { path: path.to_owned(), source: error }),
            },
        }
    }

    /// Watches a directory while it is hot. Returns whether the watch is new.
    pub(super) fn watch_hot(
        &mut self,
        path: &Path,
        backend: &mut dyn Backend,
    ) -> Result<bool, FeedError> {
        if self.hot.touch(path) {
            return Ok(false);
        }
        let root = path.parent().and_then(|parent| self.roles.get(parent));
        let Some(root_index) = root.and_then(|role| role.hot_root(&self.roots)) else {
            return Ok(false);
        };
        while self.hot.is_full() {
            let Some(coldest) = self.hot.pop_coldest() else { break };
            self.roles.remove(&coldest);
            backend.unwatch(&coldest);
        }
        let is_there = self.watch_in_root(path, root_index, backend)?;
        if is_there {
            self.hot.insert(path);
        }
        Ok(is_there)
    }

    /// Handles an event: watches new directories first, then marks the scope of the path. Returns
    /// whether the watch plan has to be applied again.
    pub(super) fn handle_event(
        &mut self,
        event: BackendEvent,
        source: &Arc<dyn Source>,
        backend: &mut dyn Backend,
        mark: &mut MarkScope<'_>,
    ) -> Result<bool, FeedError> {
        let (path, kind) = match event {
            BackendEvent::Lost => return Ok(true), // the lost events may include new directories
            BackendEvent::Unwatched { path, watch } if !backend.is_current(&path, watch) => {
                return Ok(false); // the path is already watched again
            }
            BackendEvent::Unwatched { path, .. } => (path, BackendEventKind::GoneDirectory),
            BackendEvent::Path { path, kind } => (path, kind),
        };
        let (mut is_stale, is_gone_tree) = (false, self.is_gone_tree(&path, kind));
        match kind {
            BackendEventKind::NewDirectory => {
                is_stale = self.directory_created(&path, source, backend, mark)?
            }
            BackendEventKind::GoneDirectory => is_stale = self.directory_removed(&path, backend),
            BackendEventKind::File | BackendEventKind::Modified
                if !self.is_relevant(&path, kind) =>
            {
                return Ok(false);
            }
            BackendEventKind::File | BackendEventKind::Modified => {
                if let Some(parent) = path.parent() {
                    self.hot.touch(parent);
                }
            }
        }
        if is_stale {
            mark(DirtyScope::Store);
            return Ok(true);
        }
        let Some(scope) = source.scope_of_path(&path) else {
            if is_gone_tree {
                mark(DirtyScope::Records); // a moved directory does not report its contents
            }
            return Ok(false);
        };
        if let DirtyScope::Entity(key) = &scope
            && let Some(members) = source.directory_of(key)
            && members.parent().is_some_and(|root| self.is_hot_root(root))
            && self.watch_hot(&members, backend)?
        {
            // A write may have preceded the new watch, so the directory is verified once.
            source.scope_of_path(&members).map(&mut *mark);
        }
        mark(scope);
        Ok(false)
    }

    /// Checks whether the directories in this directory are watched while they are hot.
    fn is_hot_root(&self, path: &Path) -> bool {
        self.roles.get(path).is_some_and(|role| role.hot_root(&self.roots).is_some())
    }

    /// Checks whether the path is a removed directory of a tree that is watched to any depth.
    fn is_gone_tree(&self, path: &Path, kind: BackendEventKind) -> bool {
        kind == BackendEventKind::GoneDirectory
            && self.roles.get(path).is_some_and(|role| role.is_in_tree(&self.roots))
    }

    /// Checks whether a root includes this file and needs this kind of event.
    fn is_relevant(&self, path: &Path, kind: BackendEventKind) -> bool {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return true };
        let Some(role) = self.roles.get(parent) else { return true };
        role.includes(&self.roots, name, kind == BackendEventKind::Modified)
    }

    fn directory_created(
        &mut self,
        path: &Path,
        source: &Arc<dyn Source>,
        backend: &mut dyn Backend,
        mark: &mut MarkScope<'_>,
    ) -> Result<bool, FeedError> {
        let Some(role) = path.parent().and_then(|parent| self.roles.get(parent)) else {
            return Ok(false);
        };
        if role.is_ancestor && self.roots.iter().any(|root| root.path.starts_with(path)) {
            return Ok(true);
        }
        let child_roots = role.child_roots(&self.roots);
        if child_roots.is_empty() {
            return Ok(false);
        }
        if let Some(role) = self.roles.get(path).filter(|role| role.is_only_descendant()) {
            // A new directory took the place of a watched directory. The old watch follows the old
            // directory.
            let is_in_tree = role.is_in_tree(&self.roots);
            self.unwatch(path, backend);
            if is_in_tree {
                self.unwatch_descendants(path, backend);
            }
        }
        for root_index in child_roots {
            match self.roots[root_index].depth {
                WatchDepth::Nothing => {}
                WatchDepth::Hot => drop(self.watch_hot(path, backend)?),
                WatchDepth::All => drop(self.watch_in_root(path, root_index, backend)?),
                WatchDepth::Tree => {
                    if self.watch_in_root(path, root_index, backend)? {
                        let mut on_entry = |path: &Path| {
                            source.scope_of_path(path).map(&mut *mark);
                        };
                        self.watch_descendants(
                            path.to_owned(),
                            root_index,
                            backend,
                            Some(&mut on_entry),
                        )?;
                    }
                }
            }
        }
        Ok(false)
    }

    fn directory_removed(&mut self, path: &Path, backend: &mut dyn Backend) -> bool {
        let Some(role) = self.unwatch(path, backend) else {
            // The path may be on the way to a missing root, or above an existing root.
            return self.roots.iter().any(|root| root.path.starts_with(path));
        };
        if role.is_in_tree(&self.roots) {
            // A moved directory takes its subdirectories along. Their watches would go on reporting
            // events under the old paths.
            self.unwatch_descendants(path, backend);
        }
        role.is_ancestor || !role.roots.is_empty()
    }

    fn unwatch(&mut self, path: &Path, backend: &mut dyn Backend) -> Option<Role> {
        let role = self.roles.remove(path)?;
        self.hot.remove(path);
        backend.unwatch(path);
        Some(role)
    }

    /// Ends the watches below a directory, except the watches of other roots.
    fn unwatch_descendants(&mut self, path: &Path, backend: &mut dyn Backend) {
        let is_descendant = |(inner, role): &(&PathBuf, &Role)| {
            role.is_only_descendant() && inner.as_path() != path && inner.starts_with(path)
        };
        let descendants: Vec<PathBuf> =
            self.roles.iter().filter(is_descendant).map(|(path, _)| path.clone()).collect();
        descendants.iter().for_each(|path| drop(self.unwatch(path, backend)));
    }
}
