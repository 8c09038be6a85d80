//! What JSON calls the fields of what the index keeps.

use scrollback_core_type::{Cost, Role, TokenCounts};
use scrollback_index::{MessageMeta, ProjectMeta, SessionMeta};
use serde::Serialize;

/// Tokens of an answer, or of many.
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

/// A session's own record.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    pub(super) id: String,
    /// The program that wrote it: "opencode".
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
    /// The path of the store that it is from.
    source: String,
    /// The session that it is a fork of.
    #[serde(rename = "forkOf", skip_serializing_if = "Option::is_none")]
    fork_of: Option<String>,
    /// The storage formats that it was read from: "json", "v1", "v2".
    #[serde(rename = "generation")]
    formats: Vec<String>,
    /// Those that have it too.
    #[serde(rename = "also", skip_serializing_if = "Vec::is_empty")]
    also_in: Vec<String>,
    /// What is particular about where it is in a database of 2.x.
    #[serde(rename = "standing", skip_serializing_if = "Option::is_none")]
    pub(super) migration: Option<String>,
    /// Whether its record could not be parsed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
}

impl Session {
    /// The fields of a session that is from this store.
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

/// A message's own record, and which parts it has.
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
    /// The message that it answers.
    #[serde(rename = "parentID", skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// In US dollars.
    cost: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<String>,
    /// The name of the error that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Whether it is the summary of a compaction.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    summary: bool,
    /// Whether its record could not be parsed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
    /// Its parts, in order; none if nobody looked for them yet.
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

/// A role, as records name it.
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
