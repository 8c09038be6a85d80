//! Opens the store that the common options name, and saves its indexes.

use std::path::PathBuf;

use scrollback::{Error, Store, StoreBuilder};
use scrollback_stor_mmap::{MapPolicy, ReadOptions};

use crate::args::{Global, Verify};
use crate::failure::{Failure, Result};
use crate::out::Out;
use crate::progress;

/// The size from which `--mmap` maps a file: 256 KiB. Below it, reading is faster.
const MIN_MAPPED_SIZE: u64 = 256 << 10;

/// How many records of the size limit one read may have.
const RECORDS_IN_TOTAL: u64 = 16;

/// Returns a store builder with the common options applied.
pub(crate) fn builder(global: &Global) -> StoreBuilder {
    let default = ReadOptions::default();
    let max_len = global.max_size.unwrap_or(default.max_len);
    let max_total = default.max_total.max(max_len.saturating_mul(RECORDS_IN_TOTAL));
    let read = ReadOptions { max_len, max_total, ..default };
    let bar = progress::Bar::default();
    let mut builder = Store::builder()
        .paths(&global.store)
        .read_options(read)
        .map_policy(map_policy(global))
        .progress(move |done, all| {
            bar.show(done, all);
            true
        });
    if let Some(store) = &global.from {
        builder = builder.from_store(store);
    }
    if global.no_cache {
        builder = builder.without_cache();
    }
    match global.verify {
        Verify::Fast => builder,
        Verify::Full => builder.verify_all(),
    }
}

/// Opens every store that can be read, at least one. Reports each store that is left out: otherwise
/// its sessions would seem to be lost.
pub(crate) fn open(global: &Global, out: &mut Out) -> Result<Store> {
    let store = builder(global).build()?;
    report_cache_problem(&store, out);
    for store_info in store.unsupported() {
        let (path, format) = (store_info.path.display(), &store_info.format);
        out.note(&format!("{path} is an {format}, which this version does not read yet"))?;
    }
    for failure in store.failures() {
        out.report_failure(&Failure::from(failure));
    }
    Ok(store)
}

/// Opens the stores to follow, including pending stores. Reports each place that cannot be used.
pub(crate) fn open_pending(global: &Global, out: &mut Out) -> Result<Store> {
    let store = builder(global).include_pending().build()?;
    report_cache_problem(&store, out);
    for failure in store.failures() {
        out.note_best_effort(&Failure::from(failure).message);
    }
    Ok(store)
}

/// Prints the reason why no index is kept in the cache directory, if there is one.
pub(crate) fn report_cache_problem(store: &Store, out: &mut Out) {
    if let Some(problem) = store.cache_problem() {
        out.note_best_effort(&format!(
            "{}; use --no-cache to work without it",
            Failure::from(problem).message
        ));
    }
}

/// Returns the failure of a place that should have a store and has something else.
pub(crate) fn unusable_place(path: PathBuf, problem: String) -> Failure {
    Failure::from(Error::UnusablePlace { path, problem })
}

/// Saves the indexes for the next run. Returns whether that worked; prints the reason if not.
pub(crate) fn save(store: &Store, out: &mut Out) -> bool {
    let Err(error) = store.save() else { return true };
    out.note_best_effort(&format!(
        "cannot save the index: {}; use --no-cache to work without it",
        Failure::from(&error).message
    ));
    false
}

fn map_policy(global: &Global) -> MapPolicy {
    if !global.mmap {
        return MapPolicy::default();
    }
    // SAFETY: with `--mmap` the user promises that nothing writes to the store while this process
    // runs; the help text says so. This program never writes to a store.
    #[expect(unsafe_code, reason = "the one opt-in to mapping files that are rewritten in place")]
    unsafe {
        MapPolicy::frozen(MIN_MAPPED_SIZE)
    }
}
