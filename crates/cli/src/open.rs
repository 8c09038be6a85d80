//! From paths and discovery to stores that can be read.

use std::cell::{OnceCell, RefCell};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_id::{SessionKey, SourceId};
use scrollback_core_type::{StageIssue, StageReport, StageResult};
use scrollback_flow::{Parts, RefreshOptions, SessionMaterializer, Snapshots, Verify};
use scrollback_index::SessionMeta;
use scrollback_source::Source;
use scrollback_stor_mmap::ReadOptions;
use scrollback_stor_path::{Environment, FoundStore, StoragePaths, StoreKind};
use scrollback_watch::{FeedChoice, Live, LiveOptions};

use crate::args::{self, Global};
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::{progress, sources};

/// A store, or several of one data directory as one, and an index once someone asks for that.
pub(crate) struct Store {
    source: Arc<dyn Source>,
    /// The tree of files, where it only fills in what a database does not have.
    left: Option<SourceId>,
    data_dir: Option<PathBuf>,
    read_options: ReadOptions,
    snapshots: Option<Snapshots>,
    options: RefreshOptions,
    index: OnceCell<Index>,
    issues: RefCell<Vec<StageIssue>>,
}

/// The index of a store.
enum Index {
    /// As the store was when it was asked for.
    Once(Box<SessionMaterializer>),
    /// Kept as the store is.
    Live(Live),
}

impl Store {
    /// A store, with an index that is kept in `snapshots`.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        global: &Global,
        snapshots: Option<Snapshots>,
    ) -> Self {
        let verify = match global.verify {
            args::Verify::Fast => Verify::Fast,
            args::Verify::Full => Verify::Full,
        };
        Self {
            source,
            left: None,
            data_dir: None,
            read_options: sources::options(global),
            snapshots,
            options: RefreshOptions { verify, ..RefreshOptions::default() },
            index: OnceCell::new(),
            issues: RefCell::new(Vec::new()),
        }
    }

    /// The stores of one data directory as one, the one that wins first.
    pub(crate) fn of(group: &[&FoundStore], global: &Global) -> Option<Self> {
        let source = sources::all(group, global)?;
        let is_database = |store: &&FoundStore| store.kind == StoreKind::OpencodeSqlite;
        let left = group.iter().find(|store| !is_database(store));
        let left = left.filter(|_| group.iter().any(is_database));
        let first = group.first()?;
        let store = Self::new(source, global, snapshots(global, [&first.path, &first.data_dir]));
        let left = left.map(|store| sources::named(&store.path));
        Some(Self { left, data_dir: Some(first.data_dir.clone()), ..store })
    }

    /// The store itself.
    pub(crate) fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// The data directory, where tool outputs lie.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// How files are read.
    pub(crate) fn read_options(&self) -> ReadOptions {
        self.read_options
    }

    /// Where a session is from.
    pub(crate) fn origin<'a>(&'a self, meta: &'a SessionMeta) -> &'a str {
        meta.origin.as_deref().unwrap_or(self.source.id().as_str())
    }

    /// Whether a session is in files that a database took the place of, and not in the database.
    pub(crate) fn is_left_over(&self, meta: &SessionMeta) -> bool {
        self.left.as_ref().is_some_and(|left| meta.origin.as_deref() == Some(left.as_str()))
    }

    /// Keeps the index as the store is, from now on, with so much of all parts.
    pub(crate) fn follow(&self, feed: FeedChoice, parts: Parts) -> Result<&Live> {
        let usual = LiveOptions::default();
        let parts_of_dirty = usual.refresh.parts_of_dirty;
        let refresh = RefreshOptions { parts_of_dirty, parts, ..self.options };
        let (source, bar) = (Arc::clone(&self.source), progress::bar());
        let options = LiveOptions { feed, refresh, ..usual };
        let live = Live::start(source, self.snapshots.clone(), options, &|progress| {
            bar.tell(progress);
            ControlFlow::Continue(())
        })?;
        bar.end();
        match self.index.get_or_init(|| Index::Live(live)) {
            Index::Live(live) => Ok(live),
            Index::Once(_) => Err(Failure::new(Kind::Unreadable, "the index is in use already")),
        }
    }

    /// The store through its index, which is as the store was when this was first called, unless it
    /// is followed.
    pub(crate) fn materializer(&self) -> Result<&SessionMaterializer> {
        if let Some(index) = self.index.get() {
            return Ok(index.materializer());
        }
        let source = Arc::clone(&self.source);
        let bar = progress::bar();
        let opened =
            SessionMaterializer::open(source, self.snapshots.clone(), self.options, &|progress| {
                bar.tell(progress);
                ControlFlow::Continue(())
            })?;
        bar.end();
        let ControlFlow::Continue(StageResult { value, report }) = opened else {
            return Err(Failure::new(Kind::Unreadable, "the index was not finished"));
        };
        self.issues.borrow_mut().extend(report.issues);
        Ok(self.index.get_or_init(|| Index::Once(Box::new(value))).materializer())
    }

    /// What the index met in the store.
    pub(crate) fn issues(&self) -> Vec<StageIssue> {
        self.issues.borrow().clone()
    }

    /// Looks at every file of these sessions, so that what is shown of them is true.
    pub(crate) fn verify(&self, sessions: &[SessionKey]) -> Result<()> {
        const MANY: usize = 64;
        let materializer = self.materializer()?;
        let report = if sessions.len() > MANY {
            // All of them side by side cost less than these one after the other.
            let full = RefreshOptions { verify: Verify::Full, ..self.options };
            let refreshed = materializer.refresh(&full, &|_| ControlFlow::Continue(()))?;
            match refreshed {
                ControlFlow::Continue(refreshed) => refreshed.report,
                ControlFlow::Break(()) => StageReport::default(),
            }
        } else {
            materializer.verify_sessions(sessions)?
        };
        let mut issues = self.issues.borrow_mut();
        let new = report.issues.into_iter().filter(|issue| !issues.contains(issue));
        let new: Vec<_> = new.collect();
        issues.extend(new);
        Ok(())
    }

    /// Keeps the index for the next run, where there is one and it is worth it: for whoever has
    /// cursors of it, always. Says whether it could.
    pub(crate) fn keep(&self, out: &mut Out) -> bool {
        let kept = match self.index.get() {
            None => return true,
            Some(Index::Once(materializer)) => materializer.keep(),
            Some(Index::Live(live)) => live.materializer().keep_cursors(),
        };
        if let Err(error) = kept {
            let text = format!("{}; --no-cache does without", Failure::from(error).message);
            out.aside(&text);
            return false;
        }
        true
    }
}

impl Index {
    fn materializer(&self) -> &SessionMaterializer {
        match self {
            Self::Once(materializer) => materializer,
            Self::Live(live) => live.materializer(),
        }
    }
}

/// Where indexes are kept, unless the user wants none. Never in a store, which these are.
pub(crate) fn snapshots(global: &Global, store: [&Path; 2]) -> Option<Snapshots> {
    if global.no_cache {
        return None;
    }
    let dir = Environment::from_process().cache_dir()?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let inside = store.iter().any(|it| real(&dir).starts_with(real(it)));
    (!inside).then(|| Snapshots::new(dir))
}

/// Finds what there is: the stores that were given, or those of the user.
pub(crate) fn find(global: &Global) -> Result<StoragePaths> {
    if global.store.is_empty() {
        return Ok(StoragePaths::discover(&Environment::from_process()));
    }
    Ok(StoragePaths::explicit(&global.store)?)
}

/// Opens every store that can be read; at least one. What is not read is said: a store that is
/// passed over in silence would look as if its sessions were gone.
pub(crate) fn open(global: &Global, out: &mut Out) -> Result<Vec<Store>> {
    let found = find(global)?;
    let unknown = || found.stores.iter().filter(|store| !sources::is_read(store.kind));
    let groups = sources::groups(&found.stores);
    if groups.is_empty() {
        return Err(nothing(&found));
    }
    for store in unknown() {
        out.note(&not_read(store))?;
    }
    let (mut stores, mut failures) = (Vec::new(), Vec::new());
    for mut group in groups {
        group.retain(|store| match sources::one(store, global).open().map(drop) {
            Ok(()) => true,
            Err(error) => {
                failures.push(Failure::from(error));
                false
            }
        });
        stores.extend(Store::of(&group, global));
    }
    if stores.is_empty()
        && let Some(failure) = failures.pop()
    {
        failures.iter().for_each(|failure| out.complain(failure));
        return Err(failure);
    }
    failures.iter().for_each(|failure| out.complain(failure));
    Ok(stores)
}

fn not_read(store: &FoundStore) -> String {
    format!("{} is an {}, which this version does not read yet", store.path.display(), store.kind)
}

pub(crate) fn nothing(found: &StoragePaths) -> Failure {
    if let Some(store) = found.stores.first() {
        return Failure::new(Kind::NotFound, not_read(store))
            .hint("`scrollback stores` lists what is there");
    }
    let looked = found.looked_at.iter().map(|place| format!("looked at {place}"));
    let mut failure = Failure::new(Kind::NotFound, "no opencode store found");
    failure.hints.extend(looked);
    failure.hint("--store PATH names one; `scrollback demo` shows a store that is compiled in")
}
