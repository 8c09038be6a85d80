//! The Source over a store of one dialect.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, SessionId, SourceId};
use scrollback_source::{
    DirtyScope, Error, Reader, Result, Source, WatchDepth, WatchRoot, WatchedFiles,
};
use scrollback_stor_mmap::{Dir, FileKind, MapPolicy, ReadContext, ReadOptions};

use super::dialect::Dialect;
use super::ids::{message_slot, owner, parse_message_id};
use super::layout::{Role, Shape};
use super::raw::{self, Original};
use super::store::Store;
use super::transaction::Transaction;
use super::walk::walk;

/// A Source over the sessions below one directory, in the dialect of one agent.
pub struct AgentSource<D> {
    dialect: D,
    root: PathBuf,
    id: SourceId,
    clock: Arc<dyn Clock>,
    options: ReadOptions,
    map: MapPolicy,
    /// The only session, if the store is opened for one.
    only: Option<SessionId>,
}

impl<D: Dialect> AgentSource<D> {
    /// Returns a Source over the store at this directory. The call reads nothing.
    pub fn new(dialect: D, root: impl Into<PathBuf>, id: SourceId, clock: Arc<dyn Clock>) -> Self {
        let (options, map) = (ReadOptions::default(), MapPolicy::default());
        Self { dialect, root: root.into(), id, clock, options, map, only: None }
    }

    /// Returns the same Source with other limits for reads, and another policy for mappings.
    #[must_use]
    pub fn with_options(self, options: ReadOptions, map: MapPolicy) -> Self {
        Self { options, map, ..self }
    }

    /// Returns a Source that has only this session of the store.
    #[must_use]
    pub fn with_session(self, session: SessionId) -> Self {
        Self { only: Some(session), ..self }
    }

    /// Passes every session of the store, in no order, until the visitor breaks with a value.
    pub(super) fn visit_sessions<T>(
        &self,
        visitor: &mut dyn FnMut(&SessionId) -> ControlFlow<T>,
    ) -> Option<T> {
        let transaction = self.begin().ok()?;
        let mut result = None;
        let _ = walk(&self.dialect, &transaction.store.root, &mut |item| {
            let Ok(key) = item else { return ControlFlow::Continue(()) };
            match visitor(&key.session) {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(value) => {
                    result = Some(value);
                    ControlFlow::Break(())
                }
            }
        });
        result
    }

    /// Checks whether the head of a session can be read.
    pub(super) fn recognises(&self, session: &SessionId) -> bool {
        let Ok(transaction) = self.begin() else { return false };
        let key = session.clone().into();
        let opened = transaction.store.open(&key);
        opened.is_ok_and(|opened| transaction.store.head(&key, &opened).issue.is_none())
    }

    /// Returns the original records that an entity was made from, with their files and ranges of
    /// bytes. [`Reader::raw`] returns the bytes of the first one.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be opened, [`Error::NotFound`] if it does not have the
    /// entity.
    pub fn originals(&self, key: &EntityKey) -> Result<Vec<Original>> {
        let mut transaction = self.begin()?;
        raw::originals(&mut transaction, key).map_err(|_| Error::NotFound(key.clone()))
    }

    fn begin(&self) -> Result<Transaction<'_, D>> {
        let root = Dir::open(&self.root)
            .map_err(|source| Error::Store { path: self.root.clone(), source: Box::new(source) })?;
        let store = Store {
            dialect: &self.dialect,
            root: Rc::new(root),
            context: ReadContext::begin(&*self.clock, self.options),
            map_context: ReadContext::begin(
                &*self.clock,
                ReadOptions { max_len: u64::MAX, ..self.options },
            ),
            map: self.map,
            only: self.only.as_ref(),
        };
        Ok(Transaction::new(store, &self.clock))
    }
}

impl<D: Dialect> Source for AgentSource<D> {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(self.begin()?))
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        vec![WatchRoot {
            path: self.root.clone(),
            depth: WatchDepth::Tree,
            files: WatchedFiles::Ending(""),
            discipline: D::DISCIPLINE,
        }]
    }

    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        let mut names = Vec::new();
        for component in path.strip_prefix(&self.root).ok()?.components() {
            let Component::Normal(name) = component else { return None };
            names.push(name.to_str()?);
        }
        // A directory on the path may be a session itself.
        for depth in 1..names.len() {
            match self.dialect.classify(&names[..depth], FileKind::Directory) {
                Role::Session(session) => return Some(DirtyScope::Session(session.into())),
                Role::Descend => {}
                _ => return None,
            }
        }
        if names.is_empty() {
            return Some(DirtyScope::Records);
        }
        let roles = [FileKind::File, FileKind::Directory];
        roles.into_iter().find_map(|kind| match self.dialect.classify(&names, kind) {
            Role::Session(session) | Role::Side(session) => {
                Some(DirtyScope::Session(session.into()))
            }
            Role::Descend => Some(DirtyScope::Records),
            Role::Ignore | Role::Foreign(_) => None,
        })
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        let session = owner(key)?;
        let container = self.dialect.container(&session.session)?;
        let path: PathBuf = container.path.iter().collect();
        let Shape::Steps(steps) = container.shape else { return Some(path) };
        let slot = match key {
            EntityKey::Session(_) => return Some(path.join(steps.head)),
            EntityKey::Message(key) => message_slot(key)?,
            EntityKey::Part(key) => parse_message_id(&key.message)?.1,
            EntityKey::Item(key) => super::ids::item_slot(key)?,
            _ => return None,
        };
        // A file without a number has no name that follows from its position.
        let name = (steps.name)(slot.at);
        (steps.step)(&name)?;
        Some(path.join(name))
    }
}

impl<D: Dialect> fmt::Debug for AgentSource<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSource")
            .field("agent", &D::AGENT)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}
