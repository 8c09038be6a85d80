//! The floors of the index as contestants.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::refresh::{Verify, verify};
use super::snapshot::{Snapshot, encode};
use super::{Depth, Index, build};
use crate::{Contestant, Outcome};

/// A contestant that builds the index of a store from nothing.
#[derive(Debug)]
pub struct FloorIndex {
    storage: PathBuf,
    depth: Depth,
}

impl FloorIndex {
    /// Returns the floor for the store at `storage`.
    pub fn new(storage: impl Into<PathBuf>, depth: Depth) -> Self {
        Self { storage: storage.into(), depth }
    }

    fn build(&self) -> Result<Index> {
        build(&self.storage, self.depth)
    }
}

impl Contestant for FloorIndex {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        let index = self.build()?;
        Ok(Outcome::deferred(move || index.sums().into()))
    }

    fn proof(&mut self) -> Result<Value> {
        let index = self.build()?;
        Ok(index.sessions.iter().map(|session| index.facts(session).proof()).collect())
    }
}

/// How much of the store is checked after a snapshot was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshMode {
    /// Nothing.
    Open,
    /// Session files, and the directories of messages.
    Fast,
    /// Also message files.
    Full,
}

/// A contestant that opens a snapshot.
#[derive(Debug)]
pub struct FloorSnapshot {
    storage: PathBuf,
    message: String,
    refresh: RefreshMode,
    dir: TempDir,
}

impl FloorSnapshot {
    /// Builds the index of the store at `storage` and saves a snapshot. Each run opens the
    /// snapshot, sums up the newest session, finds a message by its id, and then checks the store.
    ///
    /// # Errors
    /// If the store cannot be read, or the snapshot cannot be written.
    #[expect(clippy::disallowed_methods, reason = "it writes a snapshot")]
    pub fn new(
        storage: impl Into<PathBuf>,
        message: impl Into<String>,
        warm: RefreshMode,
    ) -> Result<Self> {
        let (storage, dir) = (storage.into(), tempfile::tempdir()?);
        let index = build(&storage, Depth::Messages)?;
        let this = Self { storage, message: message.into(), refresh: warm, dir };
        std::fs::write(this.path(), encode(&index))?;
        Ok(this)
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("snapshot")
    }

    fn open(&self) -> Result<crate::facts::SnapshotFacts> {
        let snapshot = Snapshot::open(&self.path())?;
        let mode = match self.refresh {
            RefreshMode::Open => None,
            RefreshMode::Fast => Some(Verify::Fast),
            RefreshMode::Full => Some(Verify::Full),
        };
        mode.into_iter().try_for_each(|mode| verify(&self.storage, &snapshot, mode))?;
        snapshot.facts(&self.message)
    }
}

impl Contestant for FloorSnapshot {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        Ok((&self.open()?).into())
    }

    fn proof(&mut self) -> Result<Value> {
        Ok(json!(self.open()?))
    }
}
