//! The library as a contestant: an index built from a store, and an index opened from a snapshot.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use scrollback_core_id::{MessageId, Stamp};
use scrollback_core_type::{Cost, Role, TokenCounts};
use scrollback_flow::{
    PartDetail, Progress, RefreshOptions, SessionMaterializer, Snapshots, Verify, build_index,
    refresh_index,
};
use scrollback_index::{MessageMeta, ObservedStamp, SessionIndex, SessionState, View};
use scrollback_source::Source;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::source::source;
use crate::facts::{FileStat, IndexSums, MessageFacts, SessionFacts, SnapshotFacts, TokenFacts};
use crate::{Contestant, Outcome, Store, StoreFormat};

fn continue_build(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn expect_complete<T>(flow: ControlFlow<(), T>) -> Result<T> {
    flow.continue_value().context("the build was cancelled")
}

/// The library as a contestant that builds the index of a store from nothing.
pub struct LibraryIndex {
    store: Store,
    parts: PartDetail,
}

impl LibraryIndex {
    /// Returns a contestant for a store.
    ///
    /// # Errors
    /// If the path of the store is not a valid source id.
    pub fn new(store: &Store, parts: PartDetail) -> Result<Self> {
        source(store)?; // checks the source id
        Ok(Self { store: store.clone(), parts })
    }

    fn build(&self) -> Result<SessionIndex> {
        let source = source(&self.store)?;
        let built = expect_complete(build_index(&*source, self.parts, &continue_build)?)?;
        if !built.report.issues.is_empty() {
            bail!("{} issues", built.report.issues.len());
        }
        Ok(built.value)
    }
}

impl Contestant for LibraryIndex {
    fn name(&self) -> &'static str {
        "library"
    }

    fn run(&mut self) -> Result<Outcome> {
        let index = self.build()?;
        let form = self.store.format;
        Ok(Outcome::deferred(move || sums(&index.view(), form).into()))
    }

    /// Returns the size of the index in bytes per message or part: rows, tables and texts.
    fn remark(&mut self) -> Result<Option<String>> {
        let stats = self.build()?.stats();
        if stats.base.parts == 0 {
            let each = stats.base_bytes / stats.base.messages.max(1);
            return Ok(Some(format!("{each} bytes a message are kept, limit 450")));
        }
        let without = Self { store: self.store.clone(), parts: PartDetail::Later };
        let more = stats.base_bytes - without.build()?.stats().base_bytes;
        Ok(Some(format!("{} bytes a part are kept, limit 120", more / stats.base.parts)))
    }

    fn proof(&mut self) -> Result<Value> {
        let view = self.build()?.view();
        let all = sessions(&view);
        let proof = |(id, state): &(String, Arc<SessionState>)| {
            let messages = view.by_session(&id.parse()?);
            Ok(facts(id, state, &messages, self.store.format).proof())
        };
        Ok(Value::Array(all.iter().map(proof).collect::<Result<_>>()?))
    }
}

/// Returns the sessions, newest first; sessions without a record are last.
fn sessions(view: &View) -> Vec<(String, Arc<SessionState>)> {
    let mut all: Vec<_> = view
        .session_ids()
        .into_iter()
        .filter_map(|id| Some((id.to_string(), view.session_state(&id)?)))
        .collect();
    let updated = |state: &SessionState| state.record.as_ref().and_then(|record| record.updated);
    all.sort_by(|a, b| {
        let place = |it: &(String, Arc<SessionState>)| {
            (it.1.record.is_none(), std::cmp::Reverse(updated(&it.1)))
        };
        place(a).cmp(&place(b)).then_with(|| a.0.cmp(&b.0))
    });
    all
}

fn sums(view: &View, form: StoreFormat) -> IndexSums {
    let mut sums = IndexSums::default();
    for (id, state) in sessions(view) {
        let record = state.record.as_ref();
        let times = record.map(|it| [it.created, it.updated, it.archived]).unwrap_or_default();
        sums.add_session(times);
        record.iter().for_each(|it| sums.add_stat(record_stat(&it.observed, form)));
        state.refresh_state.message_set.iter().for_each(|set| sums.add_stat(set_stat(set, form)));
        let Ok(id) = id.parse() else { continue };
        for it in view.by_session(&id) {
            let tokens = it.tokens.as_ref().map(tokens);
            sums.add_message(
                [it.created, it.completed],
                tokens,
                it.cost.map(Cost::dollars),
                it.summary,
            );
            sums.add_stat(file_stat(&it.observed));
            if let Some(list) = &it.parts {
                sums.add_parts(list.refs.len());
                list.part_set.iter().for_each(|set| sums.add_stat(set_stat(set, form)));
            }
        }
    }
    sums
}

fn facts<'a>(
    id: &'a str,
    state: &'a SessionState,
    messages: &'a [Arc<MessageMeta>],
    form: StoreFormat,
) -> SessionFacts<'a> {
    let set = state.refresh_state.message_set.as_ref().map(|set| set_stat(set, form));
    let messages = messages.iter().map(|meta| message(meta, form)).collect();
    let Some(record) = &state.record else {
        return SessionFacts { id, set, messages, ..SessionFacts::default() };
    };
    SessionFacts {
        id,
        project: record.project.as_ref().map(|id| id.as_str()),
        parent: record.parent.as_ref().map(|id| id.as_str()),
        directory: record.directory.as_deref(),
        title: record.title.as_deref(),
        version: record.version.as_deref(),
        created: record.created,
        updated: record.updated,
        archived: record.archived,
        record: Some(record_stat(&record.observed, form)),
        set,
        messages,
    }
}

fn message(meta: &MessageMeta, form: StoreFormat) -> MessageFacts<'_> {
    MessageFacts {
        id: meta.key.message.as_str(),
        role: match meta.role {
            Role::User => Some("user"),
            Role::Assistant => Some("assistant"),
            _ => None,
        },
        created: meta.created,
        completed: meta.completed,
        parent: meta.parent.as_ref().map(|id| id.as_str()),
        agent: meta.agent.as_deref(),
        provider: meta.provider.as_deref(),
        model: meta.model.as_deref(),
        tokens: meta.tokens.as_ref().map(tokens),
        cost: meta.cost.map(Cost::dollars),
        finish: meta.finish.as_deref(),
        error: meta.error.as_deref(),
        summary: meta.summary,
        record: Some(file_stat(&meta.observed)),
        set: meta
            .parts
            .as_ref()
            .and_then(|list| list.part_set.as_ref())
            .map(|set| set_stat(set, form)),
        parts: meta
            .parts
            .as_ref()
            .map(|list| list.refs.iter().map(|part| part.id.as_str()).collect()),
    }
}

fn file_stat(observed: &ObservedStamp) -> FileStat {
    let Stamp { size, mtime, inode } = observed.stamp;
    FileStat(size, mtime.0, inode)
}

/// Returns the stat of a session's record. In a database only the time is comparable: how a reader
/// builds the rest of a stamp from many columns is not part of the comparison.
fn record_stat(observed: &ObservedStamp, form: StoreFormat) -> FileStat {
    let FileStat(size, mtime_ns, inode) = file_stat(observed);
    match form {
        StoreFormat::Files => FileStat(size, mtime_ns, inode),
        StoreFormat::Database | StoreFormat::DatabaseV2 => FileStat(0, mtime_ns, 0),
    }
}

/// Returns the stat of a session's set of messages or of a message's set of parts. In a database
/// only its presence is comparable: readers differ in how they detect a changed set.
fn set_stat(observed: &ObservedStamp, form: StoreFormat) -> FileStat {
    match form {
        StoreFormat::Files => file_stat(observed),
        StoreFormat::Database | StoreFormat::DatabaseV2 => FileStat(0, 0, 0),
    }
}

fn tokens(counts: &TokenCounts) -> TokenFacts {
    [counts.input, counts.output, counts.reasoning, counts.cache_read, counts.cache_write]
}

/// The library as a contestant that opens a snapshot and refreshes it.
pub struct LibrarySnapshot {
    source: Arc<dyn Source>,
    message: MessageId,
    verify: Option<Verify>,
    snapshots: Snapshots,
    /// The directory of the snapshots, removed on drop.
    _dir: TempDir,
}

impl LibrarySnapshot {
    /// Builds the index of a store and saves a snapshot. Each run opens the snapshot, refreshes it
    /// as `verify` says, sums up the newest session, and finds a message by its id.
    ///
    /// # Errors
    /// If the store cannot be read, or the snapshot cannot be written.
    pub fn new(store: &Store, verify: Option<Verify>) -> Result<Self> {
        let (source, dir) = (source(store)?, tempfile::tempdir()?);
        let snapshots = Snapshots::new(dir.path());
        let opened = SessionMaterializer::open(
            Arc::clone(&source),
            Some(snapshots.clone()),
            RefreshOptions::default(),
            &continue_build,
        )?;
        expect_complete(opened)?.value.save_snapshot()?;
        let message = MessageId::new(&store.some_message()?)?;
        Ok(Self { source, message, verify, snapshots, _dir: dir })
    }

    fn open(&self) -> Result<SnapshotFacts> {
        let index = SessionIndex::from_snapshot(self.snapshots.load(self.source.id())?);
        if let Some(verify) = self.verify {
            let options = RefreshOptions { verify, ..RefreshOptions::default() };
            let refreshed =
                expect_complete(refresh_index(&*self.source, &index, &options, &continue_build)?)?
                    .value;
            if refreshed.before != refreshed.after {
                bail!("the store changed");
            }
        }
        let (counts, view) = (index.stats().base, index.view());
        let newest = view.sessions().next().context("the index has no sessions")?;
        let message =
            view.message(&self.message).context("the index does not have this message")?;
        Ok(SnapshotFacts {
            sessions: counts.sessions,
            messages: counts.messages,
            newest: newest.key.to_string(),
            tokens: view.usage(&newest.key.session).tokens.total(),
            created: message.created,
            session: message.key.session.to_string(),
        })
    }
}

impl Contestant for LibrarySnapshot {
    fn name(&self) -> &'static str {
        "library"
    }

    fn run(&mut self) -> Result<Outcome> {
        Ok((&self.open()?).into())
    }

    fn proof(&mut self) -> Result<Value> {
        Ok(json!(self.open()?))
    }
}
