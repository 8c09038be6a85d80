//! From paths and discovery to stores that can be read.

use std::path::Path;
use std::sync::Arc;

use scrollback_core_id::SourceId;
use scrollback_stor_mmap::{MapPolicy, ReadOptions};
use scrollback_stor_path::{Environment, FoundStore, StoragePaths, StoreKind};
use scrollback_stor_read::{FileReader, Source};

use crate::args::Global;
use crate::clock::SystemClock;
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;

/// Above this size a file of a frozen store is mapped: 256 KiB, where mapping begins to pay.
const MAP_FROM: u64 = 256 << 10;

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
pub(crate) fn open(global: &Global, out: &mut Out) -> Result<Vec<FileReader>> {
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
        let reader = at(&store.path, global);
        match reader.open().map(drop) {
            Ok(()) => stores.push(reader),
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
pub(crate) fn at(storage: &Path, global: &Global) -> FileReader {
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
