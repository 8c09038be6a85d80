//! `cache`: the indexes that are kept between runs.

use std::io::Write;

use scrollback_flow::{Kept, Snapshots};
use scrollback_stor_path::Environment;
use serde::Serialize;

use crate::args::{Cache, Global};
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::table::{Column, Table};
use crate::{safe, units};

/// An index that is kept.
#[derive(Serialize)]
struct Listed {
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
            Ok(writeln!(out, "{}", safe::line(&path))?)
        }
        Cache::Clear => {
            let removed = snapshots.clear()?;
            if global.json {
                return out.json(&serde_json::json!({ "removed": removed }));
            }
            let what = if removed == 1 { "index" } else { "indexes" };
            Ok(writeln!(out, "{removed} {what} removed")?)
        }
        Cache::Stats => stats(global, &snapshots.list(), out),
    }
}

fn stats(global: &Global, kept: &[Kept], out: &mut Out) -> Result<()> {
    let listed: Vec<Listed> = kept
        .iter()
        .map(|it| Listed {
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
