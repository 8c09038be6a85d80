//! The record of a session, whose fields are columns.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;
use serde::Deserialize;

use super::super::Session;
use super::super::message::{CacheTokens, SessionSummary, SessionTime, ShareLink, Tokens};
use super::super::text::Text;

/// The counts of text columns and integer columns; the cost follows them.
const TEXTS: usize = 19;
const NUMBERS: usize = 13;

/// Returns the query for a session in a table.
pub(super) fn select(table: &str) -> String {
    let new = match table {
        "session_v2" => ["fork_session_id, fork_boundary, idle_outcome", "time_idle"],
        _ => ["NULL, NULL, NULL", "NULL"],
    };
    format!(
        "SELECT id, slug, version, project_id, workspace_id, directory, path, parent_id,
        title, agent, model, share_url, permission, revert, metadata, summary_diffs, {},
        time_created, time_updated, time_compacting, time_archived,
        summary_additions, summary_deletions, summary_files,
        tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, {},
        cost FROM {table} WHERE id = ?1",
        new[0], new[1]
    )
}

/// The places of a session's columns in the arena.
pub(super) struct SessionRow {
    texts: [Option<Range<usize>>; TEXTS],
    numbers: [Option<i64>; NUMBERS],
    cost: Option<f64>,
}

impl SessionRow {
    /// Reads the row of a session.
    pub(super) fn read(
        db: &Connection,
        select: &str,
        session: &str,
        arena: &mut Vec<u8>,
    ) -> Result<Self> {
        let mut statement = db.prepare_cached(select)?;
        Ok(statement.query_row([session], |row| {
            let mut it = Self {
                texts: [const { None }; TEXTS],
                numbers: [None; NUMBERS],
                cost: row.get(TEXTS + NUMBERS)?,
            };
            for (at, text) in it.texts.iter_mut().enumerate() {
                let value = row.get_ref(at)?.as_str_or_null()?;
                *text = value.map(|value| push_bytes(arena, value.as_bytes()));
            }
            for (number, at) in it.numbers.iter_mut().zip(TEXTS..) {
                *number = row.get(at)?;
            }
            Ok(it)
        })?)
    }

    /// Returns the time of the last change, in Unix milliseconds.
    pub(super) fn updated(&self) -> Result<i64> {
        self.numbers[1].context("a session without a time")
    }

    /// Returns the directory, which is the sixth column.
    pub(super) fn directory<'a>(&self, arena: &'a [u8]) -> Option<&'a str> {
        str::from_utf8(&arena[self.texts[5].clone()?]).ok()
    }

    /// Returns the record, which borrows from the arena.
    pub(super) fn to_session<'a>(&self, arena: &'a [u8]) -> Result<Session<'a>> {
        let as_text = |range: &Range<usize>| -> Result<&'a str> {
            Ok(simdutf8::basic::from_utf8(&arena[range.clone()])?)
        };
        let mut texts = [None; TEXTS];
        for (text, range) in texts.iter_mut().zip(&self.texts) {
            *text = range.as_ref().map(as_text).transpose()?;
        }
        let [id, slug, version, project, workspace, directory, path, parent, title, agent, ..] =
            texts.map(|text| text.map(|text| Text(text.into())));
        let [.., model, share, permission, revert, metadata, diffs, fork, boundary, outcome] =
            texts;
        let [created, updated, compacting, archived, additions, deletions, files, ..] =
            self.numbers;
        let [.., input, output, reasoning, read, write, idle] = self.numbers;
        ensure!(fork.is_none() && boundary.is_none(), "a fork is not supported");
        let diffs = json(diffs)?;
        let has_summary = [additions, deletions, files].iter().any(Option::is_some);
        Ok(Session {
            id,
            slug,
            version,
            project_id: project,
            workspace_id: workspace,
            directory,
            path,
            parent_id: parent,
            title,
            agent,
            model: json(model)?,
            time: Some(SessionTime { created, updated, compacting, archived, idle }),
            summary: (has_summary || diffs.is_some()).then_some(SessionSummary {
                additions,
                deletions,
                files,
                diffs,
            }),
            share: share.map(|url| ShareLink { url: Some(Text(url.into())) }),
            permission: json(permission)?,
            revert: json(revert)?,
            cost: self.cost,
            tokens: Some(Tokens {
                total: None,
                input,
                output,
                reasoning,
                cache: Some(CacheTokens { read, write }),
            }),
            metadata: json(metadata)?,
            fork: None,
            outcome: outcome.map(|text| Text(text.into())),
        })
    }
}

/// Reads a JSON column.
fn json<'a, T: Deserialize<'a>>(text: Option<&'a str>) -> Result<Option<T>> {
    Ok(text.map(serde_json::from_str).transpose()?)
}

/// Copies bytes into the arena.
pub(super) fn push_bytes(arena: &mut Vec<u8>, bytes: &[u8]) -> Range<usize> {
    let start = arena.len();
    arena.extend_from_slice(bytes);
    start..arena.len()
}
