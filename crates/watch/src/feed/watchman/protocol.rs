//! The messages to and from a watchman server that the client crate lacks.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use scrollback_core_id::{Stamp, UnixNanos};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::timeout;
use watchman_client::fields::QueryFieldList;
use watchman_client::prelude::*;

use crate::feed::error::FeedError;

/// A file as the server reports it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ChangedFile {
    pub(super) name: PathBuf,
    exists: bool,
    #[serde(rename = "type")]
    pub(super) kind: FileType,
    size: u64,
    mtime_ns: i64,
    ino: u64,
}

impl QueryFieldList for ChangedFile {
    fn field_list() -> Vec<&'static str> {
        vec!["name", "exists", "type", "size", "mtime_ns", "ino"]
    }
}

impl ChangedFile {
    /// Returns the stamp of the file, or `None` if the file is gone.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let Self { size, mtime_ns, ino, .. } = *self;
        self.exists.then_some(Stamp { size, mtime: UnixNanos(mtime_ns), inode: ino })
    }
}

/// A query for the changes since a clock, without a cookie file.
#[derive(Debug, Serialize)]
pub(super) struct SinceQuery(&'static str, PathBuf, SinceParameters);

#[derive(Debug, Serialize)]
pub(super) struct SinceParameters {
    since: ClockSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative_root: Option<PathBuf>,
    fields: Vec<&'static str>,
    empty_on_fresh_instance: bool,
    sync_timeout: u64,
}

impl SinceQuery {
    pub(super) fn new(root: &ResolvedRoot, since: ClockSpec) -> Self {
        let path = root.path();
        let relative = path.strip_prefix(root.project_root()).ok().map(Path::to_owned);
        let clock = SinceParameters {
            since,
            relative_root: relative.filter(|path| !path.as_os_str().is_empty()),
            fields: ChangedFile::field_list(),
            empty_on_fresh_instance: true,
            // Zero turns the cookie off.
            sync_timeout: 0,
        };
        Self("query", root.project_root().to_owned(), clock)
    }
}

/// The longest wait for the command. It contacts no server and usually ends at once.
const SOCKET_LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the socket of the running server, as the command `watchman` reports it.
///
/// # Errors
/// [`FeedError::Server`] if no server runs, [`FeedError::Silent`] if the command does not end,
/// [`FeedError::System`] if it cannot run.
pub(super) async fn running_server_socket() -> Result<PathBuf, FeedError> {
    let output = Command::new("watchman")
        .args(["--no-spawn", "--no-pretty", "get-sockname"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(SOCKET_LOOKUP_TIMEOUT, output)
        .await
        .map_err(|_| FeedError::Silent(SOCKET_LOOKUP_TIMEOUT))??
        .stdout;
    let output = String::from_utf8_lossy(&output);
    // `{"sockname":"…","version":"…"}`
    let socket = output.split_once("\"sockname\":\"").and_then(|(_, rest)| rest.split_once('"'));
    match socket {
        Some((socket, _)) if Path::new(socket).exists() => Ok(socket.into()),
        _ => Err(FeedError::Server("no server is running".to_owned())),
    }
}
