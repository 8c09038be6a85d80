//! The tables of sessions of 1.x and 2.x, which have the same columns.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a session, in the order of the fields of its record.
    SessionColumn {
        Id: Column::text("id", "id").required(),
        Slug: Column::text("slug", "slug"),
        Version: Column::text("version", "version"),
        Project: Column::text("project_id", "projectID").required().adds_length_to_stamp(),
        Workspace: Column::text("workspace_id", "workspaceID"),
        Parent: Column::text("parent_id", "parentID").adds_length_to_stamp(),
        Directory: Column::text("directory", "directory").adds_length_to_stamp(),
        Path: Column::text("path", "path").adds_length_to_stamp(),
        Title: Column::text("title", "title").adds_length_to_stamp(),
        Agent: Column::text("agent", "agent").adds_length_to_stamp(),
        Model: Column::json("model", "model").adds_length_to_stamp(),
        Created: Column::integer("time_created", "time.created").required(),
        Updated: Column::integer("time_updated", "time.updated").required().sets_stamp_time(),
        Compacting: Column::integer("time_compacting", "time.compacting"),
        Archived: Column::integer("time_archived", "time.archived").adds_count_to_stamp(),
        Idle: Column::integer("time_idle", "time.idle").adds_count_to_stamp(),
        Viewed: Column::integer("time_viewed", "time.viewed").adds_count_to_stamp(),
        Suspended: Column::integer("time_suspended", "time.suspended").adds_count_to_stamp(),
        Additions: lines("summary_additions", "summary.additions"),
        Deletions: lines("summary_deletions", "summary.deletions"),
        Files: lines("summary_files", "summary.files"),
        Diffs: Column::json("summary_diffs", "summary.diffs").adds_length_to_stamp().opens_object(),
        ShareUrl: Column::text("share_url", "share.url").adds_length_to_stamp().opens_object(),
        Permission: Column::json("permission", "permission").adds_length_to_stamp(),
        Revert: Column::json("revert", "revert").adds_length_to_stamp(),
        Cost: Column::real("cost", "cost").adds_cost_to_stamp(),
        Input: tokens("tokens_input", "tokens.input").opens_object(),
        Output: tokens("tokens_output", "tokens.output"),
        Reasoning: tokens("tokens_reasoning", "tokens.reasoning"),
        CacheRead: tokens("tokens_cache_read", "tokens.cache.read"),
        CacheWrite: tokens("tokens_cache_write", "tokens.cache.write"),
        Metadata: Column::json("metadata", "metadata").adds_length_to_stamp(),
        Fork: Column::text("fork_session_id", "fork.sessionID").adds_length_to_stamp().opens_object(),
        Boundary: Column::json("fork_boundary", "fork.boundary").adds_length_to_stamp(),
        Outcome: Column::text("idle_outcome", "outcome").adds_length_to_stamp(),
    }
}

const fn lines(name: &'static str, field: &'static str) -> Column {
    Column::integer(name, field).adds_count_to_stamp().zero_if_null().opens_object()
}

const fn tokens(name: &'static str, field: &'static str) -> Column {
    Column::integer(name, field).adds_count_to_stamp().zero_if_null()
}

pub(crate) const SESSION: Table = Table::new("session", SessionColumn::ALL);

pub(crate) const SESSION_V2: Table =
    Table::v2("session_v2", SessionColumn::ALL).with_unread(&["resume_attempts"]);
