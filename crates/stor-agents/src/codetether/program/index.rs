//! The index of workspaces: which session was the last one in each.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::SessionsDir;

/// The file `.workspace_index.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorkspaceIndex {
    /// The ids of sessions by canonical paths of workspaces.
    pub entries: BTreeMap<String, String>,
}

impl WorkspaceIndex {
    /// The name of the file in the directory of sessions.
    pub const FILE_NAME: &'static str = ".workspace_index.json";

    /// Reads the index. An index that is missing or damaged is empty.
    pub fn load_sync(sessions: &Path) -> Self {
        let dir = SessionsDir::open(sessions).ok().flatten();
        dir.map(|dir| Self::read(&dir)).unwrap_or_default()
    }

    pub(super) fn read(dir: &SessionsDir) -> Self {
        let bytes = dir.read(Self::FILE_NAME).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Returns the session of a workspace.
    pub fn get(&self, workspace: &Path) -> Option<&str> {
        self.entries.get(&*workspace.to_string_lossy()).map(String::as_str)
    }

    /// Sets the session of a workspace.
    pub fn set(&mut self, workspace: &Path, session: &str) {
        self.entries.insert(workspace.to_string_lossy().into_owned(), session.to_owned());
    }
}
