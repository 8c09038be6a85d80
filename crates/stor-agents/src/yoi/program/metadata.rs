//! Metadata of pods (seed) and workers (head).

use std::path::{Path, PathBuf};

use scrollback_stor_mmap::FileKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::parts::ScopeRule;
use crate::directory::OpenDir;
use crate::version::Version;

/// The store of metadata: `PodMetadataStore` of the seed, `FsWorkerStore` of the head.
#[derive(Debug, Clone)]
pub struct MetadataStore {
    root: PathBuf,
    version: Version,
}

#[derive(Serialize, Deserialize)]
struct Active {
    session_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segment_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SpawnedPod {
    pod_name: String,
    socket_path: String,
    scope_delegated: Vec<ScopeRule>,
    callback_address: String,
}

#[derive(Serialize, Deserialize)]
struct PodMetadata {
    pod_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<Active>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spawned_children: Vec<SpawnedPod>,
}

#[derive(Serialize, Deserialize)]
struct WorkerMetadata {
    worker_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<Active>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spawned_children: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace_root: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    peers: Vec<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reclaimed_children: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolved_manifest_snapshot: Option<Value>,
}

impl MetadataStore {
    /// Returns the store in this directory: `pods` in the directory of sessions (seed), or `workers`
    /// beside it (head).
    pub fn new(root: &Path, version: Version) -> Self {
        Self { root: root.to_owned(), version }
    }

    /// Returns the directory.
    pub fn root_dir(&self) -> &Path {
        &self.root
    }

    /// Returns the names with metadata, sorted; also those whose metadata are damaged.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn list_names(&self) -> Result<Vec<String>, StoreError> {
        let Some(root) = OpenDir::open(&self.root)? else { return Ok(Vec::new()) };
        let has_metadata = |name: &str| {
            let names = root.directory(name).and_then(|dir| dir.names().ok());
            names.is_some_and(|names| names.iter().any(|(name, _)| name == "metadata.json"))
        };
        let names = root.names()?.into_iter();
        let names = names.filter(|(_, kind)| *kind == FileKind::Directory);
        Ok(names.map(|(name, _)| name).filter(|name| has_metadata(name)).collect())
    }

    /// Returns the metadata of a pod or worker as the program writes them. `None` if it has none.
    ///
    /// # Errors
    /// A name that none can have, or metadata that cannot be parsed.
    pub fn read_by_name(&self, name: &str) -> Result<Option<Value>, StoreError> {
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
            let kind = if self.version == Version::Seed { "pod" } else { "worker" };
            return Err(StoreError::InvalidName { kind, name: name.to_owned() });
        }
        let root = OpenDir::open(&self.root)?;
        let dir = root.and_then(|root| root.directory(name));
        let Some(bytes) = dir.map(|dir| dir.read("metadata.json")).transpose()?.flatten() else {
            return Ok(None);
        };
        let value = match self.version {
            Version::Seed => {
                serde_json::from_slice::<PodMetadata>(&bytes).and_then(serde_json::to_value)
            }
            Version::Head => {
                serde_json::from_slice::<WorkerMetadata>(&bytes).and_then(serde_json::to_value)
            }
        };
        value.map(Some).map_err(StoreError::Serialization)
    }
}
