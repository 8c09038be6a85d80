//! The JSON fields of index records. `docs/json.md` documents them.

use std::borrow::Cow;

use scrollback_core_type::{Cost, Role, TokenCounts, Usage};
use scrollback_index::{MessageMeta, ProjectMeta, SessionMeta};
use serde::Serialize;

use crate::units;

/// Token counts of one answer or of several.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    input: i64,
    output: i64,
    reasoning: i64,
    cache_read: i64,
    cache_write: i64,
}

impl From<TokenCounts> for Tokens {
    fn from(counts: TokenCounts) -> Self {
        let TokenCounts { input, output, reasoning, cache_read, cache_write } = counts;
        Self { input, output, reasoning, cache_read, cache_write }
    }
}

/// The sums over a session and its subagents, their subagents, and so on.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct WithSubagents {
    /// The number of subagents.
    pub(super) subagents: usize,
    messages: u64,
    tokens: Tokens,
    /// In US dollars.
    pub(super) cost: Cost,
}

impl WithSubagents {
    /// Returns the sums; `None` if there are no subagents.
    pub(super) fn new(subagents: usize, usage: &Usage) -> Option<Self> {
        let Usage { messages, tokens, cost } = *usage;
        (subagents > 0).then(|| Self { subagents, messages, tokens: tokens.into(), cost })
    }
}

/// The record of a session, without messages.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    pub(super) id: String,
    /// The agent that wrote the session: "opencode".
    #[serde(skip_serializing_if = "String::is_empty")]
    agent: String,
    pub(super) title: String,
    #[serde(rename = "projectID")]
    project_id: Option<String>,
    #[serde(rename = "parentID", skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    pub(super) directory: Option<String>,
    created: Option<i64>,
    pub(super) updated: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) archived: Option<i64>,
    /// The path of the store that supplies the session.
    source: String,
    /// The session that this session was forked from.
    #[serde(rename = "forkOf", skip_serializing_if = "Option::is_none")]
    fork_of: Option<String>,
    /// The storage formats that the session was read from: "json", "v1", "v2".
    #[serde(rename = "generation")]
    formats: Vec<String>,
    /// The storage formats of other copies.
    #[serde(rename = "also", skip_serializing_if = "Vec::is_empty")]
    also_in: Vec<String>,
    /// The migration state in a database of 2.x; `None` in the usual state.
    #[serde(rename = "standing", skip_serializing_if = "Option::is_none")]
    pub(super) migration: Option<String>,
    /// Whether the record could not be parsed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
}

impl Session {
    /// Returns the title for a list, or a placeholder.
    pub(super) fn listed_title(&self) -> Cow<'_, str> {
        units::title_with_mark(&self.title, self.damaged && self.title.is_empty())
    }

    /// Returns the fields of a session that the store `source` supplies.
    pub(super) fn new(meta: &SessionMeta, source: &str) -> Self {
        Self {
            id: meta.key.to_string(),
            agent: meta.provenance.agent().to_owned(),
            title: meta.title.as_deref().unwrap_or_default().to_owned(),
            project_id: meta.project.as_ref().map(ToString::to_string),
            parent_id: meta.parent.as_ref().map(ToString::to_string),
            directory: meta.directory.as_ref().map(ToString::to_string),
            created: meta.created,
            updated: meta.updated,
            archived: meta.archived,
            source: source.to_owned(),
            fork_of: meta.forked_from.as_ref().map(ToString::to_string),
            formats: meta.provenance.formats().map(str::to_owned).collect(),
            also_in: meta.provenance.also_in().map(str::to_owned).collect(),
            migration: meta.provenance.migration().map(str::to_owned),
            damaged: meta.damaged,
        }
    }
}

/// The record of a message, and the ids of its parts.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    id: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<i64>,
    /// The message that this message answers.
    #[serde(rename = "parentID", skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
    /// In US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<String>,
    /// The name of the error that ended the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Whether the message is the summary of a compaction.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    summary: bool,
    /// Whether the record could not be parsed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
    /// The ids of the parts, in order; `None` if the index has not listed the parts yet.
    parts: Option<Vec<String>>,
}

impl From<&MessageMeta> for Message {
    fn from(meta: &MessageMeta) -> Self {
        let text = |text: &Option<scrollback_index::Name>| text.as_ref().map(ToString::to_string);
        let names = |list: &scrollback_index::PartList| {
            list.refs.iter().map(|part| part.id.to_string()).collect()
        };
        Self {
            id: meta.key.message.to_string(),
            role: role(meta.role),
            agent: text(&meta.agent),
            provider: text(&meta.provider),
            model: text(&meta.model),
            created: meta.created,
            completed: meta.completed,
            parent_id: meta.parent.as_ref().map(ToString::to_string),
            tokens: meta.tokens.map(Tokens::from),
            cost: meta.cost,
            finish: text(&meta.finish),
            error: text(&meta.error),
            summary: meta.summary,
            damaged: meta.damaged,
            parts: meta.parts.as_ref().map(names),
        }
    }
}

/// Returns the name of a role, as records spell it.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Unknown => "unknown",
    }
}

/// A project.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Project {
    id: String,
    worktree: Option<String>,
}

impl From<&ProjectMeta> for Project {
    fn from(meta: &ProjectMeta) -> Self {
        let worktree = meta.worktree.as_ref().map(ToString::to_string);
        Self { id: meta.id.to_string(), worktree }
    }
}
