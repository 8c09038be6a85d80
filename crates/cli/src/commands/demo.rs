//! `demo`: shows the output of other commands on a small real store that is built into the program.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Component, Path};

use scrollback::{Session, Store};
use scrollback_core_id::SessionKey;
use scrollback_core_type::{Cost, StageIssue, TokenCounts, Usage};
use scrollback_flow::{SessionScope, run_session_flow};
use scrollback_source::Source;
use serde::Serialize;

use super::{fields, ls, tree};
use crate::args::{Demo, Global};
use crate::failure::{Failure, Kind, Result};
use crate::out::Out;
use crate::{show, units};

/// A part of a store that opencode 1.1.65 wrote. `cargo xtask fixtures` packs it.
const STORE: &[u8] = include_bytes!("../../assets/demo.tar");

/// Sums over a store. A fork holds copies of the messages of its source, and these are counted in both
/// sessions.
#[derive(Serialize)]
struct Totals {
    sessions: usize,
    messages: u64,
    parts: usize,
    tokens: fields::Tokens,
    #[serde(skip)]
    total: TokenCounts,
    cost: Cost,
}

/// How many lines of the transcript are printed without `--full`.
const EXCERPT: usize = 20;

pub(crate) fn run(global: &Global, args: &Demo, out: &mut Out) -> Result<()> {
    let dir = tempfile::tempdir().map_err(|error| cannot_unpack(&error))?;
    unpack(dir.path()).map_err(|error| cannot_unpack(&error))?;
    let storage = dir.path().join("opencode/storage");
    let store = Store::builder().path(storage).without_cache().build()?;
    let root = &store.roots()[0];
    let sessions = store.sessions()?;
    let busiest = busiest_session(&**root.source(), sessions.iter().map(Session::key))?;
    let listed = ls::list(&sessions, None, global.json)?;
    let mut issues = store.issues();
    let transcript = match busiest.as_ref().filter(|_| !global.json) {
        Some(key) => transcript(&**root.source(), key, args.full, out)?,
        None => Vec::new(),
    };
    let busiest = busiest.map(|key| tree::build(root, &key)).transpose()?;
    let totals = totals(&**root.source(), &mut issues)?;
    super::issues::report(out, &issues)?;
    if global.json {
        #[derive(Serialize)]
        struct DemoOutput<'a> {
            sessions: &'a [ls::ListedSession],
            tree: Option<tree::Session>,
            totals: Totals,
        }
        return out.json(&DemoOutput { sessions: &listed, tree: busiest.map(|it| it.0), totals });
    }
    heading(out, "scrollback ls", "lists the sessions, newest first")?;
    ls::print(out, &listed)?;
    if let Some((tree, _)) = busiest {
        let id = &tree.record.id;
        heading(out, &format!("scrollback tree {id}"), "shows the structure of one session")?;
        tree::print(out, &tree)?;
        heading(out, &format!("scrollback show {id}"), "prints its transcript")?;
        out.write_all(&transcript)?;
    }
    heading(out, "totals", "")?;
    let Totals { sessions, messages, parts, .. } = totals;
    let TokenCounts { input, output, reasoning, cache_read, .. } = totals.total;
    writeln!(out, "{sessions} sessions, {messages} messages, {parts} parts")?;
    writeln!(
        out,
        "{} tokens read ({} from cache), {} written ({} as reasoning), {}",
        units::count(input.saturating_add(cache_read)),
        units::count(cache_read),
        units::count(output.saturating_add(reasoning)),
        units::count(reasoning),
        units::cost(totals.cost),
    )?;
    let dim = out.styles.dim;
    writeln!(
        out,
        "\n{dim}If you use opencode, the same commands work on your own sessions.{dim:#}"
    )?;
    Ok(())
}

fn heading(out: &mut Out, command: &str, about: &str) -> io::Result<()> {
    let (strong, dim) = (out.styles.strong, out.styles.dim);
    writeln!(out, "\n{strong}{command}{strong:#}  {dim}{about}{dim:#}")
}

/// Returns the session that started most subagents: its tree shows most.
fn busiest_session<'k>(
    store: &dyn Source,
    keys: impl Iterator<Item = &'k SessionKey>,
) -> Result<Option<SessionKey>> {
    let mut best = None;
    for key in keys {
        let ran = scrollback_flow::run_session_tree_flow(store, key, tree::subagent_count)?;
        if best.as_ref().is_none_or(|(most, _)| ran.value > *most) {
            best = Some((ran.value, key.clone()));
        }
    }
    Ok(best.map(|(_, key)| key))
}

/// Returns the transcript of a session, cut to [`EXCERPT`] lines unless `full`.
fn transcript(store: &dyn Source, key: &SessionKey, full: bool, out: &Out) -> Result<Vec<u8>> {
    let (styles, dim) = (out.styles, out.styles.dim);
    let options = show::Options { full: false, width: out.width, styles, is_live: false };
    let mut text = Vec::new();
    let printed = scrollback_flow::run_session_tree_flow(store, key, |tree| {
        show::transcript(&mut text, tree, &options)
    })?;
    printed.value?;
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    if full || lines.len() <= EXCERPT {
        return Ok(text);
    }
    let mut excerpt = lines[..EXCERPT].concat();
    let left = units::pluralize(lines.len() - EXCERPT, "more line");
    writeln!(excerpt, "{dim}… {left}; `scrollback demo --full` prints them{dim:#}")?;
    Ok(excerpt)
}

/// Sums up all sessions of the store.
fn totals(store: &dyn Source, issues: &mut Vec<StageIssue>) -> Result<Totals> {
    let (mut sessions, mut parts, mut used) = (0, 0, Usage::default());
    let report = run_session_flow(store, &SessionScope::Store, |tree| {
        sessions += 1;
        parts += tree.messages.iter().map(|message| message.parts.len()).sum::<usize>();
        used += tree.usage();
        ControlFlow::Continue(())
    })?;
    issues.extend(report.issues);
    let Usage { messages, tokens, cost } = used;
    Ok(Totals { sessions, messages, parts, tokens: tokens.into(), total: tokens, cost })
}

/// Unpacks the store. Skips entries that are not files with plain relative paths.
fn unpack(into: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(STORE);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let plain = path.components().all(|component| matches!(component, Component::Normal(_)));
        if plain && entry.header().entry_type().is_file() {
            let target = into.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
            entry.unpack(target)?;
        }
    }
    Ok(())
}

fn cannot_unpack(error: &io::Error) -> Failure {
    Failure::new(Kind::Unreadable, format!("cannot unpack the example store: {error}"))
        .hint("set TMPDIR to a directory that can be written")
}
