//! `cache`: the indexes that are kept between runs.

use std::io::Write;
use std::path::{Path, PathBuf};

use scrollback_core_id::SourceId;
use scrollback_flow::{SnapshotFile, Snapshots};
use scrollback_stor_path::Environment;
use serde::Serialize;

use crate::args::{Cache, Global};
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::table::{Column, Table};
use crate::{sanitize, units};

/// An index that is kept.
#[derive(Serialize)]
struct CachedIndex {
    /// The store that it is of; none if this version has no use for it.
    store: Option<String>,
    path: String,
    bytes: u64,
    /// When it was written, in Unix milliseconds.
    written: i64,
}

pub(crate) fn run(global: &Global, action: Cache, out: &mut Out) -> Result<()> {
    let Some(dir) = Environment::from_process().cache_dir() else {
        return Err(Failure::new(Kind::NotFound, "there is no home directory to keep indexes in")
            .hint("XDG_CACHE_HOME names a directory"));
    };
    let snapshots = Snapshots::new(dir);
    match action {
        Cache::Path if global.json => out.json(&snapshots.dir().to_string_lossy()),
        Cache::Path => {
            let path = snapshots.dir().to_string_lossy();
            Ok(writeln!(out, "{}", sanitize::line(&path))?)
        }
        Cache::Clear => {
            let removed = match &global.store[..] {
                [] => snapshots.clear()?,
                stores => snapshots.clear_stores(belongs_to_any(stores))?.len(),
            };
            if global.json {
                return out.json(&serde_json::json!({ "removed": removed }));
            }
            let what = if removed == 1 { "index" } else { "indexes" };
            let of = global
                .store
                .iter()
                .map(|store| sanitize::line(&store.to_string_lossy()).into_owned());
            let of = of.collect::<Vec<_>>().join(" and ");
            let of = if of.is_empty() { of } else { format!(" of {of}") };
            Ok(writeln!(out, "{removed} {what}{of} removed")?)
        }
        Cache::Stats => {
            let mut kept = snapshots.list();
            if !global.store.is_empty() {
                let is_of = belongs_to_any(&global.store);
                kept.retain(|it| it.store.as_ref().is_some_and(&is_of));
            }
            stats(global, &kept, out)
        }
    }
}

/// Whether an index is of one of these stores, or of one below: a data directory has several. The
/// stores need not be there any more.
fn belongs_to_any(stores: &[PathBuf]) -> impl Fn(&SourceId) -> bool {
    let ids: Vec<SourceId> = stores.iter().map(|path| scrollback::root_id(path)).collect();
    move |store| ids.iter().any(|id| Path::new(store.as_str()).starts_with(id.as_str()))
}

fn stats(global: &Global, kept: &[SnapshotFile], out: &mut Out) -> Result<()> {
    let listed: Vec<CachedIndex> = kept
        .iter()
        .map(|it| CachedIndex {
            store: it.store.as_ref().map(ToString::to_string),
            path: it.path.to_string_lossy().into_owned(),
            bytes: it.stamp.size,
            written: it.stamp.mtime.as_millis(),
        })
        .collect();
    if global.json {
        return out.json(&listed);
    }
    let mut table = Table::new(vec![
        Column::flexible("STORE"),
        Column::right("SIZE"),
        Column::fixed("WRITTEN"),
        Column::flexible("FILE"),
    ]);
    for it in &listed {
        table.row(vec![
            it.store.clone().unwrap_or_else(|| "(of another version, or damaged)".to_owned()),
            units::bytes(it.bytes),
            units::time(it.written),
            it.path.clone(),
        ]);
    }
    let (width, styles) = (out.width, out.styles);
    Ok(out.write_all(table.render(width, &styles).as_bytes())?)
}
