//! Agents and the registry: where each agent keeps its stores, and how scrollback opens them. The
//! crate that supports an agent implements [`Agent`] and adds one value to a [`Registry`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, SourceId};
use scrollback_stor_mmap::{MapPolicy, ReadOptions};
use scrollback_stor_path::Environment;

use crate::{Result, Source};

/// A coding agent whose stores scrollback can find and read.
///
/// The example adds an agent that keeps its logs in one directory.
///
/// ```
/// use std::path::Path;
/// use std::sync::Arc;
/// use scrollback_source::{
///     Agent, DiscoveredRoot, DiscoveredStore, Discovery, OpenOptions, Registry, Source,
/// };
/// use scrollback_stor_path::Environment;
///
/// struct LogAgent;
///
/// impl Agent for LogAgent {
///     fn name(&self) -> &'static str {
///         "log-agent"
///     }
///
///     fn discover(&self, environment: &Environment) -> Discovery {
///         let Some(home) = &environment.home else { return Discovery::default() };
///         self.find(&home.join(".log-agent"))
///     }
///
///     fn find(&self, path: &Path) -> Discovery {
///         let problem = (!path.is_dir()).then(|| format!("{} is not a directory", path.display()));
///         Discovery { places: vec![path.display().to_string()], problem, ..Discovery::default() }
///     }
///
///     fn open(&self, _root: &DiscoveredRoot, _options: &OpenOptions) -> Arc<dyn Source> {
///         unimplemented!("returns a Source over the stores of the root")
///     }
///
///     fn open_store(
///         &self,
///         _store: &DiscoveredStore,
///         _options: &OpenOptions,
///     ) -> Option<Arc<dyn Source>> {
///         None
///     }
/// }
///
/// let registry = Registry::new().with(Arc::new(LogAgent));
/// let discovery = registry.find(Path::new("/not/there"));
/// assert!(discovery.roots.is_empty());
/// assert_eq!(discovery.problem.unwrap(), "/not/there is not a directory");
/// ```
pub trait Agent: Send + Sync {
    /// Returns the agent's name in `agent:id` and in JSON, such as `opencode`.
    fn name(&self) -> &'static str;

    /// Finds the roots where the agent itself keeps its data, also a root that the agent has not
    /// made yet. An empty discovery is a valid result; its `places` list the searched paths.
    fn discover(&self, environment: &Environment) -> Discovery;

    /// Finds the root at a path that a user gave. If the agent has no store at the path, the
    /// discovery is empty and its `problem` says why.
    fn find(&self, path: &Path) -> Discovery;

    /// Opens a root as one Source. The stores of the root are in the order of preference, which
    /// decides between equal copies of a session. This call reads nothing.
    fn open(&self, root: &DiscoveredRoot, options: &OpenOptions) -> Arc<dyn Source>;

    /// Opens one store of a root by itself. Returns `None` if this version cannot read the store.
    fn open_store(&self, store: &DiscoveredStore, options: &OpenOptions)
    -> Option<Arc<dyn Source>>;

    /// Returns the details that a list of stores shows besides the number of sessions.
    ///
    /// # Errors
    /// An error of the Source if the store cannot be read.
    fn details(&self, store: &DiscoveredStore, options: &OpenOptions) -> Result<StoreDetails> {
        let _ = (store, options);
        Ok(StoreDetails::default())
    }
}

/// The details of one store that a list of stores shows besides the number of sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreDetails {
    /// How the store is read at the moment, as a text for users: `immutable, as nobody writes it`.
    pub access: Option<String>,
    /// The names of the tables that this version does not know.
    pub unknown_tables: Vec<String>,
    /// The columns that this version does not know, each as `table.column`.
    pub unknown_columns: Vec<String>,
    /// Needed columns that are missing or have another type, each as a text for users.
    pub schema_problems: Vec<String>,
}

/// The result of a search for roots: the roots, and the places that were searched.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// The roots, each of them once.
    pub roots: Vec<DiscoveredRoot>,
    /// Every place that was searched, as one line of text for users.
    pub places: Vec<String>,
    /// Why a path that a user gave is not a store, as a text for users.
    pub problem: Option<String>,
}

/// A root, which is indexed as one: an agent's data directory with all its stores, or one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredRoot {
    /// The name of the agent, as [`Agent::name`] returns it.
    pub agent: &'static str,
    /// The canonical path, which names the root in caches and cursors.
    pub id: SourceId,
    /// The directory or file, as discovery found it.
    pub path: PathBuf,
    /// The data directory: the root itself, or the directory that contains it.
    pub data_dir: PathBuf,
    /// The stores of the root, in the order of preference.
    pub stores: Vec<DiscoveredStore>,
}

/// A store that belongs to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredStore {
    /// The id of the store's Source, made from the store's canonical path.
    pub id: SourceId,
    /// The directory or file, as discovery found it.
    pub path: PathBuf,
    /// The storage format, as a text for users: `opencode database`.
    pub format: String,
    /// The rule that found the store, as a text for users.
    pub discovery_rule: String,
    /// Whether the store exists, and whether this version can read it.
    pub state: StoreState,
    /// Why the store cannot be used although it should be there, as a text for users: `a link that
    /// leads nowhere`. `None` for a store that is present, unsupported, or not made yet.
    pub problem: Option<String>,
}

/// Whether a store exists and can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreState {
    /// The store exists.
    Present,
    /// The store does not exist yet; the agent makes it with its first write.
    Expected,
    /// The store exists, and this build cannot read it. No version reads the formats of opencode 0.5
    /// and older.
    Unsupported,
    /// Something is at the place of the store that cannot be opened as a store: a link that leads
    /// nowhere, a directory in place of a database.
    Unusable,
}

/// The settings for reading the files and rows of stores.
#[derive(Clone)]
pub struct OpenOptions {
    /// The clock that decides whether a read is settled.
    pub clock: Arc<dyn Clock>,
    /// The limits of a read: size, margin, tries.
    pub read: ReadOptions,
    /// Which files may be mapped.
    pub map: MapPolicy,
    /// The store of a root that supplies every session that it has, whatever the other stores have.
    pub from_store: Option<SourceId>,
}

/// The agents whose stores scrollback searches for. [`Agent`] has an example.
#[derive(Clone, Default)]
pub struct Registry {
    agents: Vec<Arc<dyn Agent>>,
}

impl Registry {
    /// Returns a registry without agents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an agent. The new agent replaces an agent of the same name.
    #[must_use]
    pub fn with(mut self, agent: Arc<dyn Agent>) -> Self {
        self.agents.retain(|other| other.name() != agent.name());
        self.agents.push(agent);
        self
    }

    /// Returns the agents in the order in which they were added.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<dyn Agent>> {
        self.agents.iter()
    }

    /// Returns the agent of this name.
    pub fn agent(&self, name: &str) -> Option<&Arc<dyn Agent>> {
        self.agents.iter().find(|agent| agent.name() == name)
    }

    /// Finds the roots of all agents at the agents' own places.
    pub fn discover(&self, environment: &Environment) -> Discovery {
        self.collect(|agent| agent.discover(environment))
    }

    /// Finds the roots at a path that a user gave.
    pub fn find(&self, path: &Path) -> Discovery {
        self.collect(|agent| agent.find(path))
    }

    fn collect(&self, find: impl Fn(&dyn Agent) -> Discovery) -> Discovery {
        let mut all = Discovery::default();
        for agent in &self.agents {
            let discovery = find(&**agent);
            all.places.extend(discovery.places);
            all.problem = all.problem.or(discovery.problem);
            for root in discovery.roots {
                if !all.roots.iter().any(|other| other.id == root.id) {
                    all.roots.push(root);
                }
            }
        }
        all
    }
}

impl DiscoveredRoot {
    /// Checks whether the root has a store that exists and that this version can read.
    pub fn is_present(&self) -> bool {
        self.stores.iter().any(|store| store.state == StoreState::Present)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.agents.iter().map(|agent| agent.name())).finish()
    }
}
