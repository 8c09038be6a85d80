//! Which directories are watched: those of the plan, those in them, and of those that are too many
//! the ones where something is being written.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_source::{Below, DirtyScope, Source, WatchRoot, WatchedFiles};
use scrollback_stor_mmap::{Dir, Directory, FileKind, ListBuffer};

use super::FeedError;
use super::backend::{Backend, Told, ToldKind};

/// The directories that are watched.
#[derive(Debug)]
pub(super) struct Tree {
    roots: Vec<WatchRoot>,
    /// What each root was when it was last watched; none if it was not there.
    there: Vec<Option<Identity>>,
    watched: HashMap<PathBuf, Role>,
    hot: Hot,
    /// How many there may be at all.
    limit: usize,
}

/// What a directory is watched for.
#[derive(Debug, Clone, Default)]
struct Role {
    /// The roots that it is.
    roots: Vec<usize>,
    /// The root that it is in.
    below: Option<usize>,
    /// A root is to come in it.
    ancestor: bool,
    /// Files in it are written and stay open.
    writes: bool,
}

/// What makes a directory this one and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

/// Directories that are watched as long as they are used, by their last use.
#[derive(Debug)]
struct Hot {
    limit: usize,
    uses: u64,
    by_path: HashMap<PathBuf, u64>,
    by_use: BTreeMap<u64, PathBuf>,
}

/// What is to be marked.
pub(super) type Mark<'m> = dyn FnMut(DirtyScope) + 'm;

impl Tree {
    pub(super) fn new(hot: usize, limit: Option<usize>) -> Self {
        let (by_path, by_use) = (HashMap::new(), BTreeMap::new());
        Self {
            roots: Vec::new(),
            there: Vec::new(),
            watched: HashMap::new(),
            hot: Hot { limit: hot, uses: 0, by_path, by_use },
            limit: limit.unwrap_or(usize::MAX),
        }
    }

    /// How many directories are watched, and how many of them because they are hot.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.watched.len(), self.hot.by_path.len())
    }

    /// Watches what the plan of the store says now, and nothing else.
    pub(super) fn subscribe(
        &mut self,
        source: &Arc<dyn Source>,
        backend: &mut dyn Backend,
    ) -> Result<(), FeedError> {
        self.roots = source.watch_plan();
        self.there = self.roots.iter().map(|root| identity(&root.path)).collect();
        for (path, _) in std::mem::take(&mut self.watched) {
            backend.unwatch(&path);
        }
        self.hot.clear();
        for at in 0..self.roots.len() {
            self.watch_root(at, backend)?;
        }
        Ok(())
    }

    /// Whether the roots are not those that are watched.
    pub(super) fn is_stale(&self) -> bool {
        self.roots.iter().zip(&self.there).any(|(root, there)| identity(&root.path) != *there)
    }

    fn watch_root(&mut self, at: usize, backend: &mut dyn Backend) -> Result<(), FeedError> {
        let WatchRoot { path, below, .. } = self.roots[at].clone();
        let role = |role: &mut Role| role.roots.push(at);
        if !self.add(&path, backend, role)? {
            // The nearest directory that is there will tell when it comes.
            for ancestor in path.ancestors().skip(1) {
                if self.add(ancestor, backend, |role| role.ancestor = true)? {
                    break;
                }
            }
            return Ok(());
        }
        if below == Below::All {
            let mut names = Vec::new();
            if let Ok(dir) = Dir::open(&path) {
                let listed = dir.list(&mut ListBuffer::default(), |name, kind| {
                    if kind == FileKind::Directory {
                        names.extend(std::str::from_utf8(name).ok().map(|name| path.join(name)));
                    }
                });
                let _ = listed; // what cannot be listed is an issue of whoever reads it
            }
            for path in names {
                self.add(&path, backend, |role| role.below = Some(at))?;
            }
        }
        Ok(())
    }

    /// Watches a directory; whether it is there.
    fn add(
        &mut self,
        path: &Path,
        backend: &mut dyn Backend,
        set: impl FnOnce(&mut Role),
    ) -> Result<bool, FeedError> {
        if let Some(role) = self.watched.get_mut(path) {
            set(role);
            let writes = role.writes(&self.roots);
            if writes == role.writes {
                return Ok(true);
            }
            role.writes = writes;
            return backend
                .watch(path, writes)
                .map(|()| true)
                .map_err(|source| FeedError::Watch { path: path.to_owned(), source });
        }
        if self.watched.len() >= self.limit {
            return Err(FeedError::NoWatchLeft { watches: self.watched.len() });
        }
        let mut role = Role::default();
        set(&mut role);
        role.writes = role.writes(&self.roots);
        match backend.watch(path, role.writes) {
            Ok(()) => {
                self.watched.insert(path.to_owned(), role);
                Ok(true)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(false),
                // Nobody can read it, and so nobody misses it.
                io::ErrorKind::PermissionDenied => Ok(false),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Err(FeedError::NoWatchLeft { watches: self.watched.len() })
                }
                _ => Err(FeedError::Watch { path: path.to_owned(), source: error }),
            },
        }
    }

    /// Watches a directory while it is hot; whether it was not watched before.
    pub(super) fn heat(
        &mut self,
        path: &Path,
        backend: &mut dyn Backend,
    ) -> Result<bool, FeedError> {
        if self.hot.touch(path) {
            return Ok(false);
        }
        let root = path.parent().and_then(|parent| self.watched.get(parent));
        let Some(at) = root.and_then(|role| role.roots.first().copied()) else { return Ok(false) };
        while self.hot.by_path.len() >= self.hot.limit {
            let Some(coldest) = self.hot.coldest() else { break };
            self.watched.remove(&coldest);
            backend.unwatch(&coldest);
        }
        let is_there = self.add(path, backend, |role| role.below = Some(at))?;
        if is_there {
            self.hot.insert(path);
        }
        Ok(is_there)
    }

    /// Marks what was told of, after new directories were watched. Whether the plan has to be looked
    /// at anew.
    pub(super) fn take(
        &mut self,
        told: Told,
        source: &Arc<dyn Source>,
        backend: &mut dyn Backend,
        mark: &mut Mark<'_>,
    ) -> Result<bool, FeedError> {
        let (path, kind) = match told {
            Told::Lost => return Ok(true), // also of directories that are to be watched
            Told::Unwatched { path, watch } if !backend.is_current(&path, watch) => {
                return Ok(false); // another one is there by now, and watched
            }
            Told::Unwatched { path, .. } => (path, ToldKind::GoneDirectory),
            Told::Path { path, kind } => (path, kind),
        };
        let mut is_stale = false;
        match kind {
            ToldKind::NewDirectory => is_stale = self.came(&path, backend)?,
            ToldKind::GoneDirectory => is_stale = self.went(&path, backend),
            ToldKind::File if !self.matters(&path) => return Ok(false),
            ToldKind::File => {
                if let Some(parent) = path.parent() {
                    self.hot.touch(parent);
                }
            }
        }
        if is_stale {
            mark(DirtyScope::Store);
            return Ok(true);
        }
        let Some(scope) = source.concerns(&path) else { return Ok(false) };
        if let DirtyScope::Entity(key) = &scope
            && let Some(members) = source.directory_of(key)
            && members.parent().is_some_and(|root| self.is_hot_root(root))
            && self.heat(&members, backend)?
        {
            // What was written in it before the watch was set.
            source.concerns(&members).map(&mut *mark);
        }
        mark(scope);
        Ok(false)
    }

    /// Whether the directories in this one are watched while they are hot.
    fn is_hot_root(&self, path: &Path) -> bool {
        self.watched
            .get(path)
            .is_some_and(|role| role.roots.iter().any(|at| self.roots[*at].below == Below::Hot))
    }

    /// Whether a file is one that some root asks for.
    fn matters(&self, path: &Path) -> bool {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return true };
        let Some(role) = self.watched.get(parent) else { return true };
        role.roots.iter().copied().chain(role.below).any(|at| self.roots[at].files.include(name))
    }

    fn came(&mut self, path: &Path, backend: &mut dyn Backend) -> Result<bool, FeedError> {
        let Some(role) = path.parent().and_then(|parent| self.watched.get(parent)) else {
            return Ok(false);
        };
        if role.ancestor && self.roots.iter().any(|root| root.path.starts_with(path)) {
            return Ok(true);
        }
        let below = |at: &&usize| self.roots[**at].below != Below::Nothing;
        let Some(at) = role.roots.iter().find(below).copied() else { return Ok(false) };
        if self.watched.get(path).is_some_and(Role::is_only_below) {
            // Another took the place of one that is still watched.
            self.watched.remove(path);
            self.hot.remove(path);
            backend.unwatch(path);
        }
        match self.roots[at].below {
            Below::Hot => drop(self.heat(path, backend)?),
            _ => drop(self.add(path, backend, |role| role.below = Some(at))?),
        }
        Ok(false)
    }

    fn went(&mut self, path: &Path, backend: &mut dyn Backend) -> bool {
        let Some(role) = self.watched.remove(path) else {
            // One that was to have a root in it, or that holds one.
            return self.roots.iter().any(|root| root.path.starts_with(path));
        };
        self.hot.remove(path);
        backend.unwatch(path);
        role.ancestor || !role.roots.is_empty()
    }
}

impl Role {
    fn writes(&self, roots: &[WatchRoot]) -> bool {
        self.roots.iter().any(|at| is_kept_open(&roots[*at].files))
    }

    fn is_only_below(&self) -> bool {
        self.roots.is_empty() && !self.ancestor
    }
}

impl Hot {
    /// Notes a use; whether it is there.
    fn touch(&mut self, path: &Path) -> bool {
        let Some(used) = self.by_path.get_mut(path) else { return false };
        self.uses += 1;
        if let Some(path) = self.by_use.remove(used) {
            self.by_use.insert(self.uses, path);
        }
        *used = self.uses;
        true
    }

    fn insert(&mut self, path: &Path) {
        self.uses += 1;
        self.by_path.insert(path.to_owned(), self.uses);
        self.by_use.insert(self.uses, path.to_owned());
    }

    fn remove(&mut self, path: &Path) {
        if let Some(used) = self.by_path.remove(path) {
            self.by_use.remove(&used);
        }
    }

    fn coldest(&mut self) -> Option<PathBuf> {
        let (_, path) = self.by_use.pop_first()?;
        self.by_path.remove(&path);
        Some(path)
    }

    fn clear(&mut self) {
        self.by_path.clear();
        self.by_use.clear();
    }
}

/// Files of a database stay open while they are written.
fn is_kept_open(files: &WatchedFiles) -> bool {
    matches!(files, WatchedFiles::Named(_))
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|metadata| Identity(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|_| Identity(0, 0))
}
