//! A session's own record (`docs/format/opencode.md`, section 3.2).

use scrollback_core_id::{MessageId, PartId, ProjectId, SessionId, WorkspaceId};

use super::{FileDiff, ModelRef, PermissionRule, ShareLink, Tokens};
use crate::json::{LazyStr, Number, RawJson, record};

record! {
    /// A session: one conversation with an agent.
    Session<'a>, "a session record" {
        /// Its id.
        id: SessionId = "id",
        /// Two words, as "eager-falcon"; absent in 1.0.61 and older.
        slug: LazyStr<'a> = "slug",
        /// The version of the program that made it.
        version: LazyStr<'a> = "version",
        /// The project it belongs to now; sessions move.
        project_id: ProjectId = "projectID",
        /// The workspace it belongs to (1.18).
        workspace_id: WorkspaceId = "workspaceID",
        /// The directory that the agent was started in.
        directory: LazyStr<'a> = "directory",
        /// The directory relative to the worktree (1.18).
        path: LazyStr<'a> = "path",
        /// The session that started this one, for subagents and manual children.
        parent_id: SessionId = "parentID",
        /// The title; may be empty.
        title: LazyStr<'a> = "title",
        /// The agent last used (1.18).
        agent: LazyStr<'a> = "agent",
        /// The model last used (1.18).
        model: ModelRef<'a> = "model",
        /// When it was made and last changed.
        time: SessionTime<'a> = "time",
        /// How much it changed in files.
        summary: SessionSummary<'a> = "summary",
        /// Where it is shared.
        share: ShareLink<'a> = "share",
        /// Permission rules of this session.
        permission: Vec<PermissionRule<'a>> = "permission",
        /// A pending revert.
        revert: Revert<'a> = "revert",
        /// Cost of the whole session in US dollars (1.18).
        cost: Number = "cost",
        /// Tokens of the whole session (1.18).
        tokens: Tokens<'a> = "tokens",
        /// Whatever clients attached (1.18).
        metadata: RawJson<'a> = "metadata",
        /// The session that this one is a fork of, and up to where (2.x).
        fork: Fork<'a> = "fork",
        /// How the last turn ended (2.x): "succeeded", "failed" or "interrupted".
        outcome: LazyStr<'a> = "outcome",
    }
}

record! {
    /// What a session is a fork of. The source may be gone.
    Fork<'a>, "an object" {
        /// The source.
        session_id: SessionId = "sessionID",
        /// Up to where its messages were copied.
        boundary: ForkBoundary<'a> = "boundary",
    }
}

record! {
    /// Up to where messages were copied.
    ForkBoundary<'a>, "an object" {
        /// "before" or "through".
        kind: LazyStr<'a> = "type",
        /// The message of the source.
        message_id: MessageId = "messageID",
    }
}

record! {
    /// The times of a session, in Unix milliseconds.
    SessionTime<'a>, "an object" {
        /// When it was made.
        created: i64 = "created",
        /// When it last changed.
        updated: i64 = "updated",
        /// Since when it is being compacted; never written by 1.1.65.
        compacting: i64 = "compacting",
        /// When it was archived.
        archived: i64 = "archived",
        /// When its last turn ended (2.x).
        idle: i64 = "idle",
        /// When its user looked at it (2.x); before `idle`, there is something unread.
        viewed: i64 = "viewed",
        /// Since when a turn runs (2.x); if none does, the program died.
        suspended: i64 = "suspended",
    }
}

record! {
    /// How much a session changed in files.
    SessionSummary<'a>, "an object" {
        /// Lines added.
        additions: i64 = "additions",
        /// Lines deleted.
        deletions: i64 = "deletions",
        /// Files changed.
        files: i64 = "files",
        /// The changes themselves; only in old data, later in a file of their own.
        diffs: Vec<FileDiff<'a>> = "diffs",
    }
}

record! {
    /// A revert that the next prompt will carry out: what comes from here on will be removed.
    Revert<'a>, "an object" {
        /// The first message that is reverted.
        message_id: MessageId = "messageID",
        /// The first part of that message that is reverted; the whole message if absent.
        part_id: PartId = "partID",
        /// The snapshot to go back to.
        snapshot: LazyStr<'a> = "snapshot",
        /// The change that the revert made, as a patch.
        diff: LazyStr<'a> = "diff",
    }
}
