//! Which sessions are at the top level, and what a session used together with its subagents.

use std::collections::{HashMap, HashSet};

use scrollback_core_id::SessionId;
use scrollback_core_type::Usage;
use scrollback_index::View;

use crate::Result;
use crate::root::Root;
use crate::session::Session;
use crate::store::Store;

/// The subagents of all sessions of a store. [`Store::subagents`] returns it.
///
/// A session is at the top level if no other session of its root is above it: it names no parent, its
/// parent is gone, or damaged records make it its own ancestor. Of the sessions of such a cycle, the
/// oldest is at the top level. So every session is at the top level or below exactly one that is.
#[derive(Debug)]
pub struct Subagents<'s> {
    roots: Vec<RootSubagents<'s>>,
}

struct RootSubagents<'s> {
    root: &'s Root,
    view: View,
    /// The parents that exist.
    parents: HashMap<SessionId, SessionId>,
    children: HashMap<SessionId, Vec<SessionId>>,
    /// The sessions at the top level that name a parent that exists.
    tops_of_cycles: HashSet<SessionId>,
}

impl std::fmt::Debug for RootSubagents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootSubagents").field("parents", &self.parents).finish_non_exhaustive()
    }
}

impl Store {
    /// Returns the subagents of sessions. `sessions` are all sessions of this store, as
    /// [`Store::sessions`] returns them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if a root cannot be read.
    ///
    /// ```
    /// use scrollback::Store;
    ///
    /// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
    /// let store = Store::builder().path(path).without_cache().build()?;
    /// let sessions = store.sessions()?;
    /// let subagents = store.subagents(&sessions)?;
    /// for session in sessions.iter().filter(|session| subagents.is_top_level(session)) {
    ///     let (count, usage) = subagents.usage_with_subagents(session);
    ///     println!("{}  {count} subagents  ${}", session.title(), usage.cost);
    /// }
    /// # Ok::<(), scrollback::Error>(())
    /// ```
    pub fn subagents<'s>(&'s self, sessions: &[Session<'s>]) -> Result<Subagents<'s>> {
        let of_root = |root: &'s Root| {
            let sessions = sessions.iter().filter(|session| std::ptr::eq(session.root(), root));
            Ok(RootSubagents::new(root, root.view()?, sessions))
        };
        Ok(Subagents { roots: self.roots().iter().map(of_root).collect::<Result<_>>()? })
    }
}

impl<'s> Subagents<'s> {
    /// Checks whether a session is at the top level.
    pub fn is_top_level(&self, session: &Session<'_>) -> bool {
        let id = &session.key().session;
        self.of_root(session).is_none_or(|subagents| {
            !subagents.parents.contains_key(id) || subagents.tops_of_cycles.contains(id)
        })
    }

    /// Returns the subagents of a session, their subagents, and so on.
    pub fn below(&self, session: &Session<'_>) -> Vec<Session<'s>> {
        let Some(subagents) = self.of_root(session) else { return Vec::new() };
        let below = subagents.below(&session.key().session).into_iter();
        below.map(|id| Session::from_key(subagents.root, id.into())).collect()
    }

    /// Returns the number of the sessions below a session, and the usage of all of them and of the
    /// session itself.
    pub fn usage_with_subagents(&self, session: &Session<'_>) -> (usize, Usage) {
        let Some(subagents) = self.of_root(session) else { return Default::default() };
        let id = &session.key().session;
        let (mut usage, below) = (subagents.view.usage(id), subagents.below(id));
        below.iter().for_each(|id| usage += subagents.view.usage(id));
        (below.len(), usage)
    }

    fn of_root(&self, session: &Session<'_>) -> Option<&RootSubagents<'s>> {
        self.roots.iter().find(|subagents| std::ptr::eq(subagents.root, session.root()))
    }
}

impl<'s> RootSubagents<'s> {
    fn new<'a>(root: &'s Root, view: View, sessions: impl Iterator<Item = &'a Session<'s>>) -> Self
    where
        's: 'a,
    {
        let mut subagents = Self {
            root,
            view,
            parents: HashMap::new(),
            children: HashMap::new(),
            tops_of_cycles: HashSet::new(),
        };
        let mut named = Vec::new(); // the subagents, the newest first
        for session in sessions {
            let parent = session.meta().and_then(|meta| meta.parent.clone());
            if let Some(parent) = parent.filter(|it| subagents.view.session(it).is_some()) {
                let id = &session.key().session;
                subagents.children.entry(parent.clone()).or_default().push(id.clone());
                subagents.parents.insert(id.clone(), parent);
                named.push(id.clone());
            }
        }
        let tops = subagents.tops_of_cycles(&named);
        subagents.tops_of_cycles = tops;
        subagents
    }

    /// Finds the cycles among sessions, and returns the oldest session of each. `named` is sorted, the
    /// newest first.
    fn tops_of_cycles(&self, named: &[SessionId]) -> HashSet<SessionId> {
        let ages: HashMap<&SessionId, usize> =
            named.iter().enumerate().map(|(age, id)| (id, age)).collect();
        let (mut visited, mut tops) = (HashSet::new(), HashSet::new());
        for start in named {
            let mut path: Vec<&SessionId> = Vec::new();
            let mut next = Some(start);
            while let Some(id) = next.filter(|id| visited.insert(*id)) {
                path.push(id);
                next = self.parents.get(id);
            }
            // The path ends at a session of the path itself if there is a cycle.
            let Some(begin) = next.and_then(|next| path.iter().position(|id| *id == next)) else {
                continue;
            };
            tops.extend(
                path[begin..].iter().max_by_key(|id| ages.get(**id)).map(|id| (*id).clone()),
            );
        }
        tops
    }

    fn below(&self, id: &SessionId) -> Vec<SessionId> {
        let mut visited = HashSet::from([id]);
        let (mut found, mut open) = (Vec::new(), vec![id]);
        while let Some(at) = open.pop() {
            for child in self.children.get(at).into_iter().flatten() {
                if visited.insert(child) {
                    found.push(child.clone());
                    open.push(child);
                }
            }
        }
        found
    }
}
