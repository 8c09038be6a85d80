//! Opens a [`Store`]: paths, agents, limits, clock and cache.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, SystemClock};
use scrollback_flow::{Progress, RefreshOptions, Snapshots, Verify};
use scrollback_source::{
    Agent, DiscoveredRoot, DiscoveredStore, Discovery, OpenOptions, Registry, Source, StoreDetails,
    StoreState,
};
use scrollback_stor_mmap::{MapPolicy, ReadOptions};
use scrollback_stor_path::Environment;

use crate::cache_location::CacheLocation;
use crate::opencode::Opencode;
use crate::root::{ProgressCallback, Root};
use crate::store::Store;
use crate::{Error, Result};
use scrollback_source::canonical_path;

impl Store {
    /// Opens the stores of every known agent at their standard locations.
    ///
    /// # Errors
    /// [`Error::NoStore`] if no store exists; [`Error::Store`] if none can be read.
    pub fn discover() -> Result<Self> {
        Self::builder().build()
    }

    /// Opens the store at a path: the data directory of an agent, or one store inside it.
    ///
    /// # Errors
    /// [`Error::NotAStore`] if the path holds no store; [`Error::Store`] if the store cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().path(path).build()
    }

    /// Returns a builder with default options.
    pub fn builder() -> StoreBuilder {
        StoreBuilder::new()
    }
}

/// A builder of a [`Store`]. Without paths it finds the stores of every known agent.
///
/// ```
/// use scrollback::Store;
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/opencode-json");
/// let store = Store::builder()
///     .path(path)
///     .without_cache()
///     .progress(|done, total| {
///         eprintln!("{done} of {total} sessions");
///         true
///     })
///     .build()?;
/// assert_eq!(store.roots().len(), 1);
/// # Ok::<(), scrollback::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "call `build` to open the store"]
pub struct StoreBuilder {
    registry: Registry,
    environment: Environment,
    paths: Vec<PathBuf>,
    options: OpenOptions,
    cache: CacheLocation,
    refresh: RefreshOptions,
    include_pending: bool,
    from_store: Option<PathBuf>,
    progress: ProgressCallback,
}

impl StoreBuilder {
    fn new() -> Self {
        Self {
            registry: Registry::new().with(Arc::new(Opencode)),
            environment: Environment::from_process(),
            paths: Vec::new(),
            options: OpenOptions {
                clock: Arc::new(SystemClock),
                read: ReadOptions::default(),
                map: MapPolicy::default(),
                from_store: None,
            },
            cache: CacheLocation::Default,
            refresh: RefreshOptions::default(),
            include_pending: false,
            from_store: None,
            progress: Arc::new(|_| ControlFlow::Continue(())),
        }
    }

    /// Adds a path: the data directory of an agent, or one store inside it.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.paths.push(path.as_ref().to_owned());
        self
    }

    /// Adds several paths, as [`StoreBuilder::path`] does.
    pub fn paths<P: AsRef<Path>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        paths.into_iter().fold(self, Self::path)
    }

    /// Adds an agent, or replaces the agent of the same name. opencode is registered by default.
    pub fn agent(mut self, agent: Arc<dyn Agent>) -> Self {
        self.registry = self.registry.with(agent);
        self
    }

    /// Finds stores by these environment variables instead of those of the process.
    pub fn environment(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// Uses this clock instead of the operating system's. The clock decides which reads are settled.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.options.clock = clock;
        self
    }

    /// Sets limits for reading records, such as the largest size.
    pub fn read_options(mut self, read: ReadOptions) -> Self {
        self.options.read = read;
        self
    }

    /// Sets which files are mapped into memory. By default no file of a store that may change is mapped.
    pub fn map_policy(mut self, map: MapPolicy) -> Self {
        self.options.map = map;
        self
    }

    /// Saves indexes in this directory instead of the user's cache directory.
    pub fn cache_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { cache: CacheLocation::At(dir.into()), ..self }
    }

    /// Neither reads nor saves an index between runs.
    pub fn without_cache(self) -> Self {
        Self { cache: CacheLocation::Off, ..self }
    }

    /// Verifies an index against its store message by message. The default is faster, but misses a
    /// message that was rewritten in place in a session without other recent changes.
    pub fn verify_all(mut self) -> Self {
        self.refresh.verify = Verify::Full;
        self
    }

    /// Also accepts roots that do not exist yet, for programs that watch. A pending root has no sessions
    /// until it appears.
    pub fn include_pending(self) -> Self {
        Self { include_pending: true, ..self }
    }

    /// Reads every session that this store has from it, even if another store of its root has a newer
    /// copy. The store is named by its path, or by its file name. The root then has no cache.
    pub fn from_store(self, store: impl Into<PathBuf>) -> Self {
        Self { from_store: Some(store.into()), ..self }
    }

    /// Calls `callback` during a first read, with the number of sessions that were read and the number of
    /// all sessions. If it returns `false`, the read ends with [`Error::Stopped`].
    pub fn progress(self, callback: impl Fn(usize, usize) -> bool + Send + Sync + 'static) -> Self {
        let progress = move |Progress { done, total }| match callback(done, total) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        Self { progress: Arc::new(progress), ..self }
    }

    /// Finds the roots without opening them.
    ///
    /// # Errors
    /// [`Error::NotAStore`] if a path that was added holds no store.
    pub fn find(&self) -> Result<Discovery> {
        if self.paths.is_empty() {
            return Ok(self.registry.discover(&self.environment));
        }
        let mut merged = Discovery::default();
        for path in &self.paths {
            let discovery = self.registry.find(path);
            let has_store =
                discovery.roots.iter().any(|root| self.include_pending || has_any_store(root));
            if !has_store && let Some(reason) = discovery.problem {
                return Err(Error::NotAStore { path: path.clone(), reason });
            }
            merged.places.extend(discovery.places);
            for root in discovery.roots {
                if !merged.roots.iter().any(|other| other.id == root.id) {
                    merged.roots.push(root);
                }
            }
        }
        Ok(merged)
    }

    /// Opens one store of a root by itself; `None` if this version cannot read its format.
    pub fn open_store(
        &self,
        root: &DiscoveredRoot,
        store: &DiscoveredStore,
    ) -> Option<Arc<dyn Source>> {
        self.registry.agent(root.agent)?.open_store(store, &self.options)
    }

    /// Returns the details that a list of stores shows: the access mode, and unknown tables and columns.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read.
    pub fn details(&self, root: &DiscoveredRoot, store: &DiscoveredStore) -> Result<StoreDetails> {
        let Some(agent) = self.registry.agent(root.agent) else {
            return Ok(StoreDetails::default());
        };
        Ok(agent.details(store, &self.options)?)
    }

    /// Finds the roots and opens them as one store. Opens each store once to check that it can be read.
    /// Sessions are read when they are first needed. A store that cannot be read is left out and listed
    /// by [`Store::failures`].
    ///
    /// # Errors
    /// [`Error::NoStore`] if no store exists; [`Error::NotAStore`] if a path that was added holds no
    /// store; [`Error::Store`] if no store can be read.
    pub fn build(self) -> Result<Store> {
        let Discovery { roots, places, .. } = self.find()?;
        if let Some(path) = &self.from_store
            && !roots.iter().any(|root| named_store(root, path).is_some())
        {
            return Err(Error::NoSuchStore { path: path.clone() });
        }
        let unsupported = |root: &DiscoveredRoot| {
            let stores = root.stores.iter().filter(|store| store.state == StoreState::Unsupported);
            stores.cloned().collect::<Vec<_>>()
        };
        let unsupported_stores: Vec<_> = roots.iter().flat_map(unsupported).collect();
        let (snapshots, cache_problem) = match self.cache.snapshots(&self.environment, &roots) {
            Ok(snapshots) => (snapshots, None),
            Err(problem) => (None, Some(problem)),
        };
        let (mut opened, mut failures) = (Vec::new(), Vec::new());
        for root in roots {
            let problems = problems(&root);
            let is_unusable = root.stores.iter().any(|store| store.state == StoreState::Unusable);
            // What is at an unusable place, such as a pipe, may be replaced by a store.
            if self.include_pending || root.is_present() {
                failures.extend(problems);
                opened.extend(self.open_root(root, snapshots.clone(), &mut failures));
            } else if is_unusable {
                failures.extend(problems);
            }
        }
        if opened.is_empty() {
            return Err(match failures.pop() {
                Some(failure) => failure,
                None => {
                    let unsupported = unsupported_stores
                        .iter()
                        .map(|store| format!("{} is an {}", store.path.display(), store.format));
                    Error::NoStore { places, unsupported: unsupported.collect() }
                }
            });
        }
        Ok(Store::new(opened, failures, unsupported_stores).with_cache_problem(cache_problem))
    }

    /// Opens a root without the stores that cannot be read; `None` if no store is left. With a store left
    /// out, the root has no cache: a saved index always covers the whole root.
    fn open_root(
        &self,
        mut root: DiscoveredRoot,
        mut snapshots: Option<Snapshots>,
        failures: &mut Vec<Error>,
    ) -> Option<Root> {
        let agent = self.registry.agent(root.agent)?;
        if !self.include_pending {
            let failures_before = failures.len();
            root.stores.retain(|store| {
                if store.state != StoreState::Present {
                    return true;
                }
                let source = agent.open_store(store, &self.options);
                match source.map_or(Ok(()), |source| source.open().map(drop)) {
                    Ok(()) => true,
                    Err(error) => {
                        failures.push(error.into());
                        false
                    }
                }
            });
            let has_unusable = root.stores.iter().any(|it| it.state == StoreState::Unusable);
            if failures.len() != failures_before || has_unusable {
                snapshots = None;
            }
            if !root.is_present() {
                return None;
            }
        }
        let from_store = self.from_store.as_ref().and_then(|path| named_store(&root, path));
        let from_store = from_store.map(|store| store.id.clone());
        if from_store.is_some() {
            snapshots = None; // a saved index has the copies that are chosen without the option
        }
        let options = OpenOptions { from_store, ..self.options.clone() };
        let source = agent.open(&root, &options);
        let shared = (self.refresh, Arc::clone(&self.progress));
        Some(Root::new(root, source, options, snapshots, shared))
    }
}

/// Returns one error for each store of a root that should be there and cannot be used.
fn problems(root: &DiscoveredRoot) -> Vec<Error> {
    let problem = |store: &DiscoveredStore| {
        let (path, problem) = (store.path.clone(), store.problem.clone()?);
        Some(Error::UnusablePlace { path, problem })
    };
    root.stores.iter().filter_map(problem).collect()
}

fn has_any_store(root: &DiscoveredRoot) -> bool {
    root.stores.iter().any(|store| store.state != StoreState::Expected)
}

impl std::fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreBuilder")
            .field("registry", &self.registry)
            .field("paths", &self.paths)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// Returns the present store of a root that has this path or file name.
fn named_store<'r>(root: &'r DiscoveredRoot, name: &Path) -> Option<&'r DiscoveredStore> {
    let present = || root.stores.iter().filter(|store| store.state == StoreState::Present);
    let path = canonical_path(name);
    present()
        .find(|store| canonical_path(&store.path) == path)
        .or_else(|| present().find(|store| store.path.file_name() == Some(name.as_os_str())))
}
