//! The record of a session, made of its columns as `docs/format/opencode.md`, section 5 maps them.

use rusqlite::types::ValueRef;

use crate::columns::{Columns, is_there};
use crate::json::Object;
use crate::schema::columns::SessionColumn;

pub(crate) fn session_json(columns: &mut Columns<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
    use SessionColumn as C;
    let column = |column: C| columns.number(column.at());
    let updated = columns.number(C::ALL.len())?;
    let [created, compacting, archived] =
        [column(C::Created)?, column(C::Compacting)?, column(C::Archived)?];
    let [idle, viewed, suspended] = [column(C::Idle)?, column(C::Viewed)?, column(C::Suspended)?];
    let lines = [column(C::Additions)?, column(C::Deletions)?, column(C::Files)?];
    let cost = column(C::Cost)?;
    let counts = columns.counts()?;
    let mut text = |column: C| columns.text(column.at());

    let mut info = Object::begin(out);
    for (name, from) in [
        ("id", C::Id),
        ("slug", C::Slug),
        ("version", C::Version),
        ("projectID", C::Project),
        ("workspaceID", C::Workspace),
        ("parentID", C::Parent),
        ("directory", C::Directory),
        ("path", C::Path),
        ("title", C::Title),
        ("agent", C::Agent),
    ] {
        info.value(name, text(from)?);
    }
    info.json("model", text(C::Model)?);
    info.object("time", |time| {
        time.value("created", created).value("updated", updated);
        time.value("compacting", compacting).value("archived", archived);
        time.value("idle", idle).value("viewed", viewed).value("suspended", suspended);
    });
    let diffs = text(C::Diffs)?;
    if lines.iter().any(is_there) || is_there(&diffs) {
        info.object("summary", |summary| {
            summary.number("additions", lines[0]).number("deletions", lines[1]);
            summary.number("files", lines[2]).json("diffs", diffs);
        });
    }
    let url = text(C::ShareUrl)?;
    if is_there(&url) {
        info.object("share", |share| {
            share.value("url", url);
        });
    }
    info.json("permission", text(C::Permission)?).json("revert", text(C::Revert)?);
    info.value("cost", cost);
    if is_there(&counts[0]) {
        tokens(&mut info, counts);
    }
    info.json("metadata", text(C::Metadata)?);
    let (fork, boundary) = (text(C::Fork)?, text(C::Boundary)?);
    if is_there(&fork) {
        info.object("fork", |to| {
            to.value("sessionID", fork).json("boundary", boundary);
        });
    }
    info.value("outcome", text(C::Outcome)?);
    info.end();
    Ok(())
}

/// Writes what a session counts of tokens.
pub(crate) fn tokens(info: &mut Object<'_>, counts: [ValueRef<'_>; 5]) {
    let [input, output, reasoning, read, write] = counts;
    info.object("tokens", |tokens| {
        tokens.number("input", input).number("output", output);
        tokens.number("reasoning", reasoning).object("cache", |cache| {
            cache.number("read", read).number("write", write);
        });
    });
}
