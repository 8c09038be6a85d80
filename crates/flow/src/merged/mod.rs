//! Merges several stores into one Source. If several stores have a session, one of them supplies all
//! of it, and nothing appears twice.
//!
//! The owner is chosen for each session, never for each message: a migrated session has the same ids
//! in both stores, and afterwards usually only one of the two grows (`docs/format/opencode.md`, section
//! 7; `docs/format/opencode-v2.md`, section 6). Mixing their messages would show a session that neither
//! store has. `choose` has the rule.

mod choices;
mod choose;
mod entities;
mod lists;
mod outline;
mod owners;
mod ownership;
mod reader;
mod token;
mod transaction;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{Clock, EntityKey, SourceId};
use scrollback_source::{
    DirtyScope, IndexCheck, Probe, ProbeResult, Reader, Result, Source, SourceToken, WatchRoot,
};

use self::choices::Choices;
use self::transaction::MergedTransaction;

/// Several stores as one Source, such as the database of opencode and the JSON files that it was
/// migrated from.
///
/// The members are in the order of preference. The first member that holds a session supplies all of
/// it, unless another copy has messages that it lacks: then the copy with the newest message does. The
/// other copies are hidden, and the provenance of the session names them. A hidden copy that has
/// messages which the shown copy lacks is an issue.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_fixtures::{Corpus, corpus};
/// use scrollback_flow::{MergedSource, SessionLoader};
/// use scrollback_stor_read::FileReader;
/// use scrollback_stor_sqlite::SqliteReader;
///
/// let database = corpus(Corpus::OpencodeMigrated).database;
/// let storage = corpus(Corpus::OpencodeJson).storage;
/// let database = SqliteReader::new(database, SourceId::new("database")?, Arc::new(SystemClock));
/// let files = FileReader::new(storage, SourceId::new("files")?, Arc::new(SystemClock));
/// let merged = MergedSource::new(SourceId::new("opencode")?, Arc::new(database))
///     .with_source(Arc::new(files));
///
/// // Both stores have the same 59 sessions: each one is listed once.
/// let sessions = SessionLoader::new(&merged).list_sessions(None)?.value;
/// assert_eq!(sessions.len(), 59);
/// assert_eq!(sessions[0].provenance.also_in().collect::<Vec<_>>(), ["json"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MergedSource {
    id: SourceId,
    first: Arc<dyn Source>,
    /// The other members, in order.
    others: Vec<Arc<dyn Source>>,
    /// The store of diffs that no member keeps.
    diffs: Option<Arc<dyn Source>>,
    /// The member that supplies every session that it has.
    forced: Option<SourceId>,
    choices: Arc<Choices>,
}

impl MergedSource {
    /// Creates a merged store with its first member, which is preferred.
    pub fn new(id: SourceId, first: Arc<dyn Source>) -> Self {
        let choices = Arc::default();
        Self { id, first, others: Vec::new(), diffs: None, forced: None, choices }
    }

    /// Adds a member at the end. It supplies the sessions that no earlier member has, and those of
    /// which it has a newer copy.
    #[must_use]
    pub fn with_source(mut self, other: Arc<dyn Source>) -> Self {
        self.others.push(other);
        self
    }

    /// Adds a store that supplies the diffs of sessions and nothing else.
    #[must_use]
    pub fn with_diff_source(self, diffs: Arc<dyn Source>) -> Self {
        Self { diffs: Some(diffs), ..self }
    }

    /// Reads every session that this member has from this member, whatever the other copies have.
    #[must_use]
    pub fn with_forced_member(self, member: SourceId) -> Self {
        Self { forced: Some(member), ..self }
    }

    /// Returns the members in the order of preference.
    pub fn members(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn open_transaction(&self) -> Result<MergedTransaction<'_>> {
        let choices = (&*self.choices, self.forced.as_ref());
        MergedTransaction::open(self.members(), self.diffs.as_ref(), self.clock(), choices)
    }

    fn member_ids(&self) -> Vec<&SourceId> {
        self.members().map(|member| member.id()).collect()
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

    /// Returns the widest scope that any member names.
    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        let all = self.members().chain(&self.diffs).filter_map(|source| source.scope_of_path(path));
        // Several members may name a scope for the same path. Only the widest one covers the changes
        // of all of them.
        all.max_by_key(|scope| match scope {
            DirtyScope::Store => 2,
            DirtyScope::Records => 1,
            _ => 0,
        })
    }

    fn directory_of(&self, key: &EntityKey) -> Option<PathBuf> {
        let session = match key {
            EntityKey::Session(key) => Some(key.clone()),
            EntityKey::Message(key) => Some(key.session.clone().into()),
            _ => None,
        };
        let owner = session.and_then(|session| Some(self.choices.get(&session)?.owner));
        let owner = owner.and_then(|owner| self.members().nth(owner));
        // The directory of a hidden copy is followed too, if the owner has none: the copy may grow.
        owner.into_iter().chain(self.members()).find_map(|source| source.directory_of(key))
    }

    /// Probes every member and joins the answers. A session that moves from one member to another
    /// changes in both.
    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        let count = self.others.len() + 1;
        let mut known = known_tokens(since, count);
        let mut tokens = Vec::with_capacity(count);
        let mut probe = Probe::Unchanged;
        for source in self.members() {
            let since = known.next().flatten();
            let probed = probe_member(&**source, since)?;
            // One member that needs a rescan makes the merged store need it: which of its sessions
            // changed is unknown.
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
        let reported = match &probe {
            Probe::Changed(changes) => changes.iter().map(|it| it.session().clone()).collect(),
            Probe::Unchanged | Probe::Rescan => HashSet::new(),
        };
        self.choices.set_reported(reported);
        Ok(ProbeResult { probe, token: token::join_tokens(&tokens) })
    }

    fn has_indexes(&self) -> bool {
        self.members().any(|member| member.has_indexes() && !member.is_empty())
    }

    /// Checks the indexes of every member that is not empty.
    fn check_indexes(&self, check: IndexCheck) -> Result<bool> {
        let mut has_lacked = false;
        for member in self.members().filter(|member| !member.is_empty()) {
            has_lacked |= member.check_indexes(check)?;
        }
        Ok(has_lacked)
    }

    fn is_empty(&self) -> bool {
        self.members().all(|member| member.is_empty())
    }

    fn has_global_ids(&self) -> bool {
        self.members().all(|member| member.has_global_ids())
    }

    /// Returns the choices among copies of sessions.
    fn memo(&self) -> Option<Arc<[u8]>> {
        self.choices.memo(&self.member_ids())
    }

    fn recall(&self, memo: &[u8]) {
        self.choices.recall(memo, &self.member_ids());
    }

    fn locate(&self, key: &EntityKey) -> Option<PathBuf> {
        self.open_transaction().ok()?.locate(key)
    }
}

/// Returns the token of each member, in order.
///
/// A token for another number of members is of another configuration: it is dropped, and every member
/// is probed without a token, which means a rescan.
fn known_tokens(
    since: Option<&SourceToken>,
    count: usize,
) -> impl Iterator<Item = Option<SourceToken>> {
    since.and_then(|token| token::split_token(token, count)).into_iter().flatten()
}

/// The token of a member that held no sessions when it was probed.
const EMPTY_TOKEN: &[u8] = b"empty";

/// Probes a member. An empty member is unchanged as long as it stays empty.
///
/// The member's own probe is not used while it is empty. A store of files always answers that it
/// needs a rescan, so a directory that holds only diffs would make the merged store rescan each time.
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
