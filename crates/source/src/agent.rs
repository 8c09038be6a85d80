//! Agents: where each keeps its stores, and how these are opened. The crate of an agent joins the
//! registry with one value.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, SourceId};
use scrollback_stor_mmap::{MapPolicy, ReadOptions};
use scrollback_stor_path::Environment;

use crate::{Result, Source};

/// A coding agent whose stores can be found and read.
pub trait Agent: Send + Sync {
    /// Names the agent in `agent:id` and in JSON: `opencode`.
    fn name(&self) -> &'static str;

    /// Finds the roots where the agent itself keeps its data, those that it is still to make
    /// included. Finding nothing is no error: `places` says where the agent was looked for.
    fn discover(&self, environment: &Environment) -> Discovery;

    /// Finds the root at a path that a user gave. Returns an empty discovery if the path is nothing
    /// of this agent's, with the reason in `problem`.
    fn find(&self, path: &Path) -> Discovery;

    /// Opens a root as one Source: its stores in their order, of which the first that has a session
    /// wins. Nothing is read before the Source is asked.
    fn open(&self, root: &DiscoveredRoot, options: &OpenOptions) -> Arc<dyn Source>;

    /// Opens one store of a root by itself; none if this version does not read it.
    fn open_store(&self, store: &DiscoveredStore, options: &OpenOptions)
    -> Option<Arc<dyn Source>>;

    /// Returns what a list of stores shows besides the number of sessions.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn details(&self, store: &DiscoveredStore, options: &OpenOptions) -> Result<StoreDetails> {
        let _ = (store, options);
        Ok(StoreDetails::default())
    }
}

/// What a list of stores shows of one besides the number of sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreDetails {
    /// How the store is read at the moment, for people: `immutable, as nobody writes it`.
    pub access: Option<String>,
    /// Tables that this version does not know, by name.
    pub unknown_tables: Vec<String>,
    /// Columns that this version does not know, each as `table.column`.
    pub unknown_columns: Vec<String>,
}

/// The roots that were found, and where they were looked for.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// The roots, each once.
    pub roots: Vec<DiscoveredRoot>,
    /// Every place that was looked at, for people, a line each.
    pub places: Vec<String>,
    /// Why a path that a user gave is no store, for people.
    pub problem: Option<String>,
}

/// What is indexed as one: the data directory of an agent with all its stores, or one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredRoot {
    /// The agent, by [`Agent::name`].
    pub agent: &'static str,
    /// The canonical path, which names the root in caches and cursors.
    pub id: SourceId,
    /// The directory or file, as it was found.
    pub path: PathBuf,
    /// The data directory that the root is, or lies in.
    pub data_dir: PathBuf,
    /// What it holds, the store that wins first.
    pub stores: Vec<DiscoveredStore>,
}

/// A store of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredStore {
    /// Names the store's Source, by its canonical path.
    pub id: SourceId,
    /// The directory or file, as it was found.
    pub path: PathBuf,
    /// Its storage format, for people: `opencode database`.
    pub format: String,
    /// By which rule it was found, for people.
    pub discovery_rule: String,
    /// Whether it is there, and read by this version.
    pub state: StoreState,
}

/// Whether a store is there and can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreState {
    /// It is there.
    Present,
    /// It is not there; the agent makes it when it first writes.
    Expected,
    /// It is there, and no version reads it, or this build does not.
    Unsupported,
}

/// How the files and rows of stores are read.
#[derive(Clone)]
pub struct OpenOptions {
    /// The clock that reads are judged by.
    pub clock: Arc<dyn Clock>,
    /// Limits: size, margin, tries.
    pub read: ReadOptions,
    /// Which files may be mapped.
    pub map: MapPolicy,
}

/// The agents that stores are looked for of.
#[derive(Clone, Default)]
pub struct Registry {
    agents: Vec<Arc<dyn Agent>>,
}

impl Registry {
    /// A registry without agents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an agent. An agent of the same name takes the place of the one before.
    #[must_use]
    pub fn with(mut self, agent: Arc<dyn Agent>) -> Self {
        self.agents.retain(|other| other.name() != agent.name());
        self.agents.push(agent);
        self
    }

    /// The agents, in the order in which they joined.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<dyn Agent>> {
        self.agents.iter()
    }

    /// The agent of this name.
    pub fn agent(&self, name: &str) -> Option<&Arc<dyn Agent>> {
        self.agents.iter().find(|agent| agent.name() == name)
    }

    /// The roots of all agents, as each agent itself would find them.
    pub fn discover(&self, environment: &Environment) -> Discovery {
        self.collect(|agent| agent.discover(environment))
    }

    /// The roots at a path that a user gave.
    pub fn find(&self, path: &Path) -> Discovery {
        self.collect(|agent| agent.find(path))
    }

    fn collect(&self, find: impl Fn(&dyn Agent) -> Discovery) -> Discovery {
        let mut all = Discovery::default();
        for agent in &self.agents {
            let found = find(&**agent);
            all.places.extend(found.places);
            all.problem = all.problem.or(found.problem);
            for root in found.roots {
                if !all.roots.iter().any(|other| other.id == root.id) {
                    all.roots.push(root);
                }
            }
        }
        all
    }
}

impl DiscoveredRoot {
    /// Whether any of its stores is there and read by this version.
    pub fn is_present(&self) -> bool {
        self.stores.iter().any(|store| store.state == StoreState::Present)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.agents.iter().map(|agent| agent.name())).finish()
    }
}
