//! Several stores as one: of two that have a session the first wins, and nothing is there twice.
//!
//! Per session, never per message: a session that was migrated has the same ids in both stores, and
//! one of them goes on without the other (`docs/format/opencode.md`, section 7;
//! `docs/format/opencode-v2.md`, section 6).

mod entities;
mod lists;
mod owners;
mod reader;
mod token;
mod transaction;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, SourceId};
use scrollback_source::{
    DirtyScope, Probe, ProbeResult, Reader, Result, Source, SourceToken, WatchRoot,
};

use self::transaction::MergedTransaction;

/// Several stores as one Source.
#[derive(Clone)]
pub struct MergedSource {
    id: SourceId,
    first: Arc<dyn Source>,
    /// The others, in order.
    others: Vec<Arc<dyn Source>>,
    /// Where diffs of sessions lie that no other store keeps.
    diffs: Option<Arc<dyn Source>>,
}

impl MergedSource {
    /// A store whose sessions hide those of every store that is added.
    pub fn new(id: SourceId, first: Arc<dyn Source>) -> Self {
        Self { id, first, others: Vec::new(), diffs: None }
    }

    /// Adds a store: sessions that none before it has.
    #[must_use]
    pub fn with_source(mut self, other: Arc<dyn Source>) -> Self {
        self.others.push(other);
        self
    }

    /// Adds a store that is asked for the diffs of sessions, and for nothing else.
    #[must_use]
    pub fn with_diff_source(self, diffs: Arc<dyn Source>) -> Self {
        Self { diffs: Some(diffs), ..self }
    }

    /// The stores whose sessions are taken, the one that wins first.
    pub fn members(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn open_transaction(&self) -> Result<MergedTransaction<'_>> {
        MergedTransaction::open(self.members(), self.diffs.as_ref(), self.clock())
    }
}

impl Source for MergedSource {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        self.first.clock()
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(self.open_transaction()?))
    }

    fn watch_plan(&self) -> Vec<WatchRoot> {
        let all = self.members().chain(&self.diffs);
        let mut plan: Vec<WatchRoot> = Vec::new();
        for root in all.flat_map(|source| source.watch_plan()) {
            if !plan.contains(&root) {
                plan.push(root);
            }
        }
        plan
    }

    /// What any of them says, the widest.
    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        let all = self.members().chain(&self.diffs).filter_map(|source| source.scope_of_path(path));
        all.max_by_key(|scope| match scope {
            DirtyScope::Store => 2,
            DirtyScope::Records => 1,
            _ => 0,
        })
    }

    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf> {
        self.members().find_map(|source| source.directory_of(key))
    }

    /// What any of them says. A session that moves from one to another changes in both.
    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        let count = self.others.len() + 1;
        let known = since.and_then(|token| token::split_token(token, count));
        let mut known = known.into_iter().flatten();
        let mut tokens = Vec::with_capacity(count);
        let mut probe = Probe::Unchanged;
        for source in self.members() {
            let since = known.next().flatten();
            let probed = probe_member(&**source, since)?;
            probe = match (probe, probed.probe) {
                (Probe::Rescan, _) | (_, Probe::Rescan) => Probe::Rescan,
                (Probe::Unchanged, other) | (other, Probe::Unchanged) => other,
                (Probe::Changed(mut all), Probe::Changed(more)) => {
                    all.extend(more);
                    Probe::Changed(all)
                }
            };
            tokens.push(probed.token);
        }
        Ok(ProbeResult { probe, token: token::join_tokens(&tokens) })
    }

    fn is_empty(&self) -> bool {
        self.members().all(|member| member.is_empty())
    }

    fn has_global_ids(&self) -> bool {
        self.members().all(|member| member.has_global_ids())
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        self.open_transaction().ok()?.locate(key)
    }
}

/// What the token of a member says that held no sessions when it was probed.
const EMPTY_TOKEN: &[u8] = b"empty";

/// A member without sessions is unchanged as long as it stays so, whatever account it keeps.
fn probe_member(member: &dyn Source, since: Option<SourceToken>) -> Result<ProbeResult> {
    let was_empty = since.as_ref().is_some_and(|since| **since.bytes() == *EMPTY_TOKEN);
    if !member.is_empty() {
        return member.probe(since.filter(|_| !was_empty).as_ref());
    }
    let probe = if was_empty { Probe::Unchanged } else { Probe::Rescan };
    Ok(ProbeResult { probe, token: Some(SourceToken::new(EMPTY_TOKEN)) })
}

impl fmt::Debug for MergedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<&SourceId> = self.members().map(|source| source.id()).collect();
        f.debug_struct("MergedSource").field("id", &self.id).field("members", &members).finish()
    }
}
