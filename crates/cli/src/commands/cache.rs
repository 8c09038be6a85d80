//! `cache`: lists or removes the cached indexes.

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

/// A cached index.
#[derive(Serialize)]
struct CachedIndex {
    /// The root of the index; `None` if the file is damaged or of another version.
    store: Option<String>,
    path: String,
    bytes: u64,
    /// The time of the last write, in Unix milliseconds.
    written: i64,
}

pub(crate) fn run(global: &Global, action: Cache, out: &mut Out) -> Result<()> {
    let Some(dir) = Environment::from_process().cache_dir() else {
        return Err(Failure::new(
            Kind::NotFound,
            "no cache directory: the home directory is not known",
        )
        .hint("set XDG_CACHE_HOME to a directory"));
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
            let noun = if removed == 1 { "index" } else { "indexes" };
            let names = global
                .store
                .iter()
                .map(|store| sanitize::line(&store.to_string_lossy()).into_owned());
            let names = names.collect::<Vec<_>>().join(" and ");
            let stores = if names.is_empty() { names } else { format!(" of {names}") };
            Ok(writeln!(out, "{removed} {noun}{stores} removed")?)
        }
        Cache::Stats => {
            let mut indexes = snapshots.list();
            if !global.store.is_empty() {
                let belongs = belongs_to_any(&global.store);
                indexes.retain(|it| it.store.as_ref().is_some_and(&belongs));
            }
            stats(global, &indexes, out)
        }
    }
}

/// Returns a check whether an index belongs to one of these stores or to a store below: a data
/// directory has several. The stores need not exist any more.
fn belongs_to_any(stores: &[PathBuf]) -> impl Fn(&SourceId) -> bool {
    let ids: Vec<SourceId> = stores.iter().map(|path| scrollback::root_id(path)).collect();
    move |store| ids.iter().any(|id| Path::new(store.as_str()).starts_with(id.as_str()))
}

fn stats(global: &Global, indexes: &[SnapshotFile], out: &mut Out) -> Result<()> {
    let rows: Vec<CachedIndex> = indexes
        .iter()
        .map(|index| CachedIndex {
            store: index.store.as_ref().map(ToString::to_string),
            path: index.path.to_string_lossy().into_owned(),
            bytes: index.stamp.size,
            written: index.stamp.mtime.as_millis(),
        })
        .collect();
    if global.json {
        return out.json(&rows);
    }
    let mut table = Table::new(vec![
        Column::flexible("STORE"),
        Column::right("SIZE"),
        Column::fixed("WRITTEN"),
        Column::flexible("FILE"),
    ]);
    for index in &rows {
        table.row(vec![
            index.store.clone().unwrap_or_else(|| "(of another version, or damaged)".to_owned()),
            units::bytes(index.bytes),
            units::time(index.written),
            index.path.clone(),
        ]);
    }
    let (width, styles) = (out.width, out.styles);
    Ok(out.write_all(table.render(width, &styles).as_bytes())?)
}
