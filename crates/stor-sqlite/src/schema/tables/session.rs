//! The tables of sessions, of 1.x and of 2.x, which have the same columns.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a session, in the order of the fields of its record.
    SessionColumn {
        Id: Column::text("id", "id").needed(),
        Slug: Column::text("slug", "slug"),
        Version: Column::text("version", "version"),
        Project: Column::text("project_id", "projectID").needed().stamped(),
        Workspace: Column::text("workspace_id", "workspaceID"),
        Parent: Column::text("parent_id", "parentID").stamped(),
        Directory: Column::text("directory", "directory").stamped(),
        Path: Column::text("path", "path").stamped(),
        Title: Column::text("title", "title").stamped(),
        Agent: Column::text("agent", "agent").stamped(),
        Model: Column::json("model", "model").stamped(),
        Created: Column::integer("time_created", "time.created").needed(),
        Updated: Column::integer("time_updated", "time.updated").needed().dates(),
        Compacting: Column::integer("time_compacting", "time.compacting"),
        Archived: Column::integer("time_archived", "time.archived").counted(),
        Idle: Column::integer("time_idle", "time.idle").counted(),
        Viewed: Column::integer("time_viewed", "time.viewed").counted(),
        Suspended: Column::integer("time_suspended", "time.suspended").counted(),
        Additions: lines("summary_additions", "summary.additions"),
        Deletions: lines("summary_deletions", "summary.deletions"),
        Files: lines("summary_files", "summary.files"),
        Diffs: Column::json("summary_diffs", "summary.diffs").stamped().opens_object(),
        ShareUrl: Column::text("share_url", "share.url").stamped().opens_object(),
        Permission: Column::json("permission", "permission").stamped(),
        Revert: Column::json("revert", "revert").stamped(),
        Cost: Column::real("cost", "cost").costs(),
        Input: tokens("tokens_input", "tokens.input").opens_object(),
        Output: tokens("tokens_output", "tokens.output"),
        Reasoning: tokens("tokens_reasoning", "tokens.reasoning"),
        CacheRead: tokens("tokens_cache_read", "tokens.cache.read"),
        CacheWrite: tokens("tokens_cache_write", "tokens.cache.write"),
        Metadata: Column::json("metadata", "metadata").stamped(),
        Fork: Column::text("fork_session_id", "fork.sessionID").stamped().opens_object(),
        Boundary: Column::json("fork_boundary", "fork.boundary").stamped(),
        Outcome: Column::text("idle_outcome", "outcome").stamped(),
    }
}

const fn lines(name: &'static str, field: &'static str) -> Column {
    Column::integer(name, field).counted().zero_if_null().opens_object()
}

const fn tokens(name: &'static str, field: &'static str) -> Column {
    Column::integer(name, field).counted().zero_if_null()
}

pub(crate) const SESSION: Table = Table::new("session", SessionColumn::ALL);

pub(crate) const SESSION_V2: Table =
    Table::v2("session_v2", SessionColumn::ALL).unread(&["resume_attempts"]);
