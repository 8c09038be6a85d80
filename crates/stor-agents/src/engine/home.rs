//! Discovery: an [`Agent`] of the registry for each dialect.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::SessionId;
use scrollback_source::{
    Agent, DiscoveredRoot, DiscoveredStore, Discovery, OpenOptions, Source, StoreState,
    canonical_path, path_id, root_id,
};
use scrollback_stor_mmap::FileKind;
use scrollback_stor_path::Environment;

use super::dialect::Dialect;
use super::layout::Role;
use super::source::AgentSource;

/// Where an agent keeps its stores.
pub trait Home: Dialect + Clone + Default {
    /// Where a store can be below a directory that a user names, such as the agent's home or a
    /// workspace: `["sessions", ".agent/sessions"]`.
    const BELOW: &'static [&'static str];

    /// Returns the places of stores by the agent's own rules, whether they exist or not.
    fn places(&self, environment: &Environment) -> Vec<StorePlace>;
}

/// A place where an agent keeps a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePlace {
    /// The root of the store.
    pub root: PathBuf,
    /// The rule that names the place, as a text for users: `in the home directory`.
    pub rule: String,
}

/// The agent of a dialect, for a [`Registry`](scrollback_source::Registry).
///
/// ```
/// use scrollback_source::{Agent, Registry};
/// use scrollback_stor_agents::crabtalk::Crabtalk;
/// use scrollback_stor_agents::engine::DialectAgent;
///
/// let registry = Registry::new().with(std::sync::Arc::new(DialectAgent::<Crabtalk>::default()));
/// # let home = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/crabtalk");
/// let discovery = registry.find(std::path::Path::new(home));
/// assert_eq!(discovery.roots[0].agent, "crabtalk");
/// assert!(discovery.roots[0].path.ends_with("sessions"));
/// ```
#[derive(Debug, Default)]
pub struct DialectAgent<D>(PhantomData<fn() -> D>);

/// The number of sessions that are examined to recognise a store.
const MAX_EXAMINED: usize = 64;

/// The number of directories between a session and the root of its store, at most.
const MAX_SESSION_DEPTH: usize = 3;

/// A store at a path that a user gave: its root, and the session if the path is one session.
struct FoundStore {
    root: PathBuf,
    session: Option<SessionId>,
}

impl<D: Home> DialectAgent<D> {
    /// Finds the store at a path: the root of a store, a directory above it, or one session.
    fn find_store(path: &Path) -> Option<FoundStore> {
        let below = D::BELOW.iter().map(|names| path.join(names));
        let root = std::iter::once(path.to_owned())
            .chain(below)
            .find(|root| root.is_dir() && Self::has_session(root));
        if let Some(root) = root {
            return Some(FoundStore { root, session: None });
        }
        let kind = if path.is_dir() { FileKind::Directory } else { FileKind::File };
        path.exists().then_some(())?;
        path.ancestors().skip(1).take(MAX_SESSION_DEPTH).find_map(|root| {
            let names = path.strip_prefix(root).ok()?;
            let names: Option<Vec<&str>> =
                names.components().map(|name| name.as_os_str().to_str()).collect();
            let Role::Session(session) = D::default().classify(&names?, kind) else { return None };
            let store = Self::source(root, None, None);
            let is_session = store.recognises(&session);
            is_session.then(|| FoundStore { root: root.to_owned(), session: Some(session) })
        })
    }

    fn has_session(root: &Path) -> bool {
        let store = Self::source(root, None, None);
        let mut examined = 0;
        store
            .visit_sessions(&mut |session| {
                examined += 1;
                match store.recognises(session) {
                    true => ControlFlow::Break(true),
                    false if examined >= MAX_EXAMINED => ControlFlow::Break(false),
                    false => ControlFlow::Continue(()),
                }
            })
            .unwrap_or(false)
    }

    fn source(
        root: &Path,
        session: Option<SessionId>,
        options: Option<&OpenOptions>,
    ) -> AgentSource<D> {
        let clock = options.map(|options| Arc::clone(&options.clock));
        let clock = clock.unwrap_or_else(|| Arc::new(scrollback_core_id::SystemClock));
        let source = AgentSource::new(D::default(), root, root_id(root), clock);
        let source = match options {
            Some(options) => source.with_options(options.read, options.map),
            None => source,
        };
        match session {
            Some(session) => source.with_session(session),
            None => source,
        }
    }

    fn discovered(path: &Path, root: &Path, rule: &str) -> DiscoveredRoot {
        let state = match root.exists() {
            _ if root.is_dir() => StoreState::Present,
            true => StoreState::Unusable,
            false => StoreState::Expected,
        };
        let problem = (state == StoreState::Unusable).then(|| "not a directory".to_owned());
        let store = DiscoveredStore {
            id: path_id(&canonical_path(path)),
            path: path.to_owned(),
            format: format!("{} sessions", D::AGENT),
            discovery_rule: rule.to_owned(),
            state,
            problem,
        };
        let data_dir = root.parent().unwrap_or(root).to_owned();
        let (id, path) = (store.id.clone(), path.to_owned());
        DiscoveredRoot { agent: D::AGENT, id, path, data_dir, stores: vec![store] }
    }
}

impl<D: Home> Agent for DialectAgent<D> {
    fn name(&self) -> &'static str {
        D::AGENT
    }

    fn discover(&self, environment: &Environment) -> Discovery {
        let mut discovery = Discovery::default();
        for StorePlace { root, rule } in D::default().places(environment) {
            let found = Self::discovered(&root, &root, &rule);
            let state = match found.stores.first().map(|store| store.state) {
                Some(StoreState::Present) => "a store",
                Some(StoreState::Unusable) => "not a directory",
                _ => "nothing there",
            };
            discovery.places.push(format!("{} ({rule}): {state}", root.display()));
            if !discovery.roots.iter().any(|other| other.id == found.id) {
                discovery.roots.push(found);
            }
        }
        discovery
    }

    fn find(&self, path: &Path) -> Discovery {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let places = vec![format!("{} (given)", path.display())];
        let Some(FoundStore { root, session }) = Self::find_store(&path) else {
            let problem = Some(format!("{} has no sessions of {}", path.display(), D::AGENT));
            return Discovery { problem, places, ..Discovery::default() };
        };
        let shown = if session.is_some() { &path } else { &root };
        let mut found = Self::discovered(shown, &root, "given");
        // One session is present, also if its container is a file.
        found.stores.iter_mut().for_each(|store| {
            (store.state, store.problem) = (StoreState::Present, None);
        });
        Discovery { roots: vec![found], places, problem: None }
    }

    fn open(&self, root: &DiscoveredRoot, options: &OpenOptions) -> Arc<dyn Source> {
        let store = root.stores.first();
        Arc::new(open_path::<D>(store.map_or(&root.path, |store| &store.path), options))
    }

    fn open_store(
        &self,
        store: &DiscoveredStore,
        options: &OpenOptions,
    ) -> Option<Arc<dyn Source>> {
        Some(Arc::new(open_path::<D>(&store.path, options)))
    }
}

/// Opens the store at a path that discovery found. A path without a store is the root of one that the
/// agent may make later.
fn open_path<D: Home>(path: &Path, options: &OpenOptions) -> AgentSource<D> {
    let found = DialectAgent::<D>::find_store(path);
    let found = found.unwrap_or_else(|| FoundStore { root: path.to_owned(), session: None });
    let root = if found.session.is_none() { path } else { &found.root };
    DialectAgent::source(root, found.session, Some(options))
}
