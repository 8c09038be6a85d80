//! Prints the header of a transcript: title, id, times, provenance and usage of the session.

use std::io::{self, Write};

use scrollback_core_type::{LazyStr, Provenance, Usage};
use scrollback_flow::SessionHydratedTree;
use scrollback_stor_path::opencode::{
    JSON_FILES, LATE_LEGACY, LEGACY_ONLY, PENDING_MIGRATION, PREVIEW, RECORD_OF_COPY, TABLES_V1,
    TABLES_V2, WITHOUT_ROWS,
};

use super::options::Options;
use crate::{sanitize, units};

pub(super) fn print(
    out: &mut dyn Write,
    tree: &SessionHydratedTree<'_>,
    options: &Options,
) -> io::Result<()> {
    let (strong, dim) = (options.styles.strong, options.styles.dim);
    let session = tree.session.as_ref();
    writeln!(out, "{strong}{}{strong:#}", sanitize::line(&title(tree)))?;
    let mut line = vec![tree.node.key.to_string()];
    let mut add = |text: Option<String>| line.extend(text);
    if let Some(session) = session {
        add(session.directory.as_ref().map(|directory| directory.get().into_owned()));
        let agent = tree.node.provenance.agent();
        add(session.version.as_ref().map(|version| format!("{agent} {version}")));
    }
    writeln!(out, "{dim}{}{dim:#}", sanitize::line(&line.join("  ")))?;
    if let Some(time) = session.and_then(|session| session.time.as_ref()) {
        let mut times = Vec::new();
        times.extend(time.created.map(|at| format!("created {}", units::time(at))));
        times.extend(time.updated.map(|at| format!("updated {}", units::time(at))));
        times.extend(time.archived.map(|at| format!("archived {}", units::time(at))));
        writeln!(out, "{dim}{}{dim:#}", times.join("  "))?;
    }
    if let Some(parent) = session.and_then(|session| session.parent_id.as_ref()) {
        writeln!(out, "{dim}started by {}{dim:#}", sanitize::line(parent.as_str()))?;
    }
    if let Some(fork) = session.and_then(|session| session.fork.as_ref()) {
        let source = fork.session_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let boundary = fork.boundary.as_ref();
        let kind = boundary.and_then(|it| it.kind.as_ref()).map(LazyStr::get);
        let message = boundary.and_then(|it| it.message_id.as_ref());
        let place = kind.zip(message).map(|(kind, message)| format!(", {kind} {message}"));
        let line = format!("fork of {source}{}", place.unwrap_or_default());
        writeln!(out, "{dim}{}{dim:#}", sanitize::line(&line))?;
    }
    let provenance = &tree.node.provenance;
    if provenance.migration().is_some() || provenance.also_in().next().is_some() {
        writeln!(out, "{dim}{}{dim:#}", sanitize::line(&describe_provenance(provenance)))?;
    }
    if let Some(url) = session.and_then(|session| session.share.as_ref()?.url.as_ref()) {
        writeln!(out, "{dim}shared at {}{dim:#}", sanitize::line(&url.get()))?;
    }
    writeln!(out, "{dim}{}{dim:#}", usage_line(tree))
}

/// Returns the title of a session. If its record cannot be read, this is the last known title with a mark.
fn title(tree: &SessionHydratedTree<'_>) -> String {
    let record = tree.session.as_ref();
    let known = tree.node.known.as_ref().and_then(|known| known.title.as_deref());
    let title = match record.and_then(|session| session.title.as_ref()) {
        Some(title) => title.get(),
        None => known.unwrap_or_default().into(),
    };
    units::title_with_mark(&title, record.is_none() && has_record(tree)).into_owned()
}

/// Checks whether a session has a record, readable or not.
pub(crate) fn has_record(tree: &SessionHydratedTree<'_>) -> bool {
    tree.node.span.is_some() || tree.node.known.is_some()
}

fn usage_line(tree: &SessionHydratedTree<'_>) -> String {
    let Usage { messages, tokens, cost } = tree.usage();
    let read = tokens.input.saturating_add(tokens.cache_read);
    // Programs have stored input tokens from which the cached ones were subtracted twice.
    let mark = if tokens.cache_read > read { ", a wrong count: more than were read" } else { "" };
    format!(
        "{}  {} tokens read ({} cached{mark}), {} written  {}",
        units::pluralize(messages, "message"),
        units::count(read),
        units::count(tokens.cache_read),
        units::count(tokens.output.saturating_add(tokens.reasoning)),
        units::cost(cost)
    )
}

/// Describes in words which storage formats a session was read from, and its migration state.
pub(crate) fn describe_provenance(provenance: &Provenance) -> String {
    let in_words = |name| match name {
        JSON_FILES => "JSON files",
        TABLES_V1 => "the tables of 1.x",
        TABLES_V2 => "the tables of 2.x",
        other => other,
    };
    let formats: Vec<&str> = provenance.formats().map(in_words).collect();
    let also: Vec<&str> = provenance.also_in().map(in_words).collect();
    let mut place = format!("read from {}", formats.join(" and "));
    if !also.is_empty() {
        place.push_str(&format!(", also in {}", also.join(" and ")));
    }
    let Some(migration) = provenance.migration() else { return place };
    place.push_str("; ");
    place.push_str(match migration {
        PENDING_MIGRATION => "2.x has not migrated it yet",
        LEGACY_ONLY => "2.x deleted it, or did not migrate it",
        LATE_LEGACY => "written by 1.x after the migration, which 2.x does not show",
        WITHOUT_ROWS => "2.x has no messages of this session",
        PREVIEW => "turns of the preview of 2.x",
        RECORD_OF_COPY => "its record is lost, so title and directory are those of another copy",
        other => other,
    });
    place
}
