//! From paths and discovery to stores that can be read.

use std::cell::{OnceCell, RefCell};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::{SessionKey, SourceId};
use scrollback_core_type::{StageIssue, StageReport, StageResult};
use scrollback_flow::{RefreshOptions, SessionMaterializer, Snapshots, Verify};
use scrollback_stor_mmap::{MapPolicy, ReadOptions};
use scrollback_stor_path::{Environment, FoundStore, StoragePaths, StoreKind};
use scrollback_stor_read::{FileReader, Source};

use crate::args::{self, Global};
use crate::clock::SystemClock;
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::progress;

/// Above this size a file of a frozen store is mapped: 256 KiB, where mapping begins to pay.
const MAP_FROM: u64 = 256 << 10;

/// A store, and an index of it once someone asks for that.
pub(crate) struct Store {
    source: Arc<FileReader>,
    snapshots: Option<Snapshots>,
    options: RefreshOptions,
    materializer: OnceCell<SessionMaterializer>,
    issues: RefCell<Vec<StageIssue>>,
}

impl Store {
    /// The store at this path, with an index that is kept in `snapshots`.
    pub(crate) fn new(storage: &Path, global: &Global, snapshots: Option<Snapshots>) -> Self {
        let verify = match global.verify {
            args::Verify::Fast => Verify::Fast,
            args::Verify::Full => Verify::Full,
        };
        Self {
            source: Arc::new(at(storage, global)),
            snapshots,
            options: RefreshOptions { verify, ..RefreshOptions::default() },
            materializer: OnceCell::new(),
            issues: RefCell::new(Vec::new()),
        }
    }

    /// The store itself.
    pub(crate) fn source(&self) -> &FileReader {
        &self.source
    }

    /// The store through its index, which is as the store was when this was first called.
    pub(crate) fn materializer(&self) -> Result<&SessionMaterializer> {
        if let Some(materializer) = self.materializer.get() {
            return Ok(materializer);
        }
        let source: Arc<dyn Source> = self.source.clone();
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
        Ok(self.materializer.get_or_init(|| value))
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

    /// Keeps the index for the next run, where there is one and it is worth it.
    pub(crate) fn keep(&self, out: &mut Out) -> Result<()> {
        let Some(materializer) = self.materializer.get() else { return Ok(()) };
        if let Err(error) = materializer.keep() {
            let text = format!("{}; --no-cache does without", Failure::from(error).message);
            out.note(&text)?;
        }
        Ok(())
    }
}

/// Where indexes are kept, unless the user wants none. Never in a store.
pub(crate) fn snapshots(global: &Global, store: &FoundStore) -> Option<Snapshots> {
    if global.no_cache {
        return None;
    }
    let dir = Environment::from_process().cache_dir()?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let inside = [&store.path, &store.data_dir].iter().any(|it| real(&dir).starts_with(real(it)));
    (!inside).then(|| Snapshots::new(dir))
}

/// Finds what there is: the stores that were given, or those of the user.
pub(crate) fn find(global: &Global) -> Result<StoragePaths> {
    if global.store.is_empty() {
        return Ok(StoragePaths::discover(&Environment::from_process()));
    }
    Ok(StoragePaths::explicit(&global.store)?)
}

/// Whether this version reads stores of a kind.
pub(crate) fn is_read(kind: StoreKind) -> bool {
    kind == StoreKind::OpencodeJson
}

/// Opens every store that can be read; at least one. What is not read is said: a store that is
/// passed over in silence would look as if its sessions were gone.
pub(crate) fn open(global: &Global, out: &mut Out) -> Result<Vec<Store>> {
    let found = find(global)?;
    let (known, unknown): (Vec<_>, Vec<_>) =
        found.stores.iter().partition(|store| is_read(store.kind));
    if known.is_empty() {
        return Err(nothing(&found));
    }
    for store in unknown {
        out.note(&not_read(store))?;
    }
    let (mut stores, mut failures) = (Vec::new(), Vec::new());
    for store in known {
        let opened = Store::new(&store.path, global, snapshots(global, store));
        match opened.source().open().map(drop) {
            Ok(()) => stores.push(opened),
            Err(error) => failures.push(Failure::from(error)),
        }
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

/// A reader of the JSON tree at this path.
fn at(storage: &Path, global: &Global) -> FileReader {
    let mut options = ReadOptions::default();
    options.max_len = global.max_size.unwrap_or(options.max_len);
    FileReader::new(storage, source_id(storage), Arc::new(SystemClock))
        .with_options(options)
        .with_policy(policy(global))
}

/// A store is named by its path; what cannot be in an id is shown as an escape.
fn source_id(storage: &Path) -> SourceId {
    let path = storage.to_string_lossy();
    let id = SourceId::new(&crate::safe::line(&path));
    #[expect(clippy::expect_used, reason = "a path is not empty, and controls were replaced")]
    id.expect("a text without controls")
}

fn policy(global: &Global) -> MapPolicy {
    if !global.mmap {
        return MapPolicy::default();
    }
    // SAFETY: the user promises it by `--mmap`, whose help says so: nobody writes to a store that
    // is a copy or an archive while this process runs. We never write to a store.
    #[expect(unsafe_code, reason = "the one opt-in to mapping files that are rewritten in place")]
    unsafe {
        MapPolicy::frozen(MAP_FROM)
    }
}

fn nothing(found: &StoragePaths) -> Failure {
    if let Some(store) = found.stores.first() {
        return Failure::new(Kind::NotFound, not_read(store))
            .hint("it reads opencode's storage/ directory (0.6 to 1.1); `scrollback stores` lists what is there");
    }
    let looked = found.looked_at.iter().map(|place| format!("looked at {place}"));
    let mut failure = Failure::new(Kind::NotFound, "no opencode store found");
    failure.hints.extend(looked);
    failure.hint("--store PATH names one; `scrollback demo` shows a store that is compiled in")
}
