//! A session's own record (`docs/format/opencode.md`, section 3.2).

use scrollback_core_id::{MessageId, PartId, ProjectId, SessionId, WorkspaceId};

use super::{FileDiff, ModelRef, PermissionRule, ShareLink, Tokens};
use crate::json::{LazyStr, Number, RawJson, record};

record! {
    /// A session: one conversation with an agent.
    ///
    /// ```
    /// use scrollback_core_type::{Parse, Session};
    ///
    /// let bytes = br#"{"id": "ses_1", "title": "Fix the build", "time": {"created": 1795219175053}}"#;
    /// let session = Session::parse(bytes)?.value;
    /// assert_eq!(session.title.as_ref().map(|title| title.get()).as_deref(), Some("Fix the build"));
    /// assert_eq!(session.time.and_then(|time| time.created), Some(1_795_219_175_053));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Session<'a>, "a session record" {
        /// The id.
        id: SessionId = "id",
        /// Two words, such as "eager-falcon"; absent in 1.0.61 and older.
        slug: LazyStr<'a> = "slug",
        /// The version of the program that created the session.
        version: LazyStr<'a> = "version",
        /// The current project. Sessions can move to another project.
        project_id: ProjectId = "projectID",
        /// The workspace (1.18).
        workspace_id: WorkspaceId = "workspaceID",
        /// The directory that the agent was started in.
        directory: LazyStr<'a> = "directory",
        /// The directory relative to the work tree (1.18).
        path: LazyStr<'a> = "path",
        /// The session that started this session, for subagents and manual children.
        parent_id: SessionId = "parentID",
        /// The title; may be empty.
        title: LazyStr<'a> = "title",
        /// The agent last used (1.18).
        agent: LazyStr<'a> = "agent",
        /// The model last used (1.18).
        model: ModelRef<'a> = "model",
        /// The times of creation and of the last change.
        time: SessionTime<'a> = "time",
        /// The size of the changes in files.
        summary: SessionSummary<'a> = "summary",
        /// The share link.
        share: ShareLink<'a> = "share",
        /// The permission rules of this session.
        permission: Vec<PermissionRule<'a>> = "permission",
        /// A pending revert.
        revert: Revert<'a> = "revert",
        /// Cost of the whole session in US dollars (1.18).
        cost: Number = "cost",
        /// Tokens of the whole session (1.18).
        tokens: Tokens<'a> = "tokens",
        /// Data that clients attached (1.18).
        metadata: RawJson<'a> = "metadata",
        /// The session that this session is a fork of, and the last copied message (2.x).
        fork: Fork<'a> = "fork",
        /// The outcome of the last turn (2.x): "succeeded", "failed" or "interrupted".
        outcome: LazyStr<'a> = "outcome",
    }
}

record! {
    /// The source of a fork. The source session may be gone.
    Fork<'a>, "an object" {
        /// The source session.
        session_id: SessionId = "sessionID",
        /// The end of the copied messages.
        boundary: ForkBoundary<'a> = "boundary",
    }
}

record! {
    /// The end of the copied messages of a fork.
    ForkBoundary<'a>, "an object" {
        /// "before" or "through": whether the message itself was copied.
        kind: LazyStr<'a> = "type",
        /// The message in the source session.
        message_id: MessageId = "messageID",
    }
}

record! {
    /// The times of a session, in Unix milliseconds.
    SessionTime<'a>, "an object" {
        /// The creation time.
        created: i64 = "created",
        /// The time of the last change.
        updated: i64 = "updated",
        /// The start of a running compaction; never written by 1.1.65.
        compacting: i64 = "compacting",
        /// The time when the session was archived.
        archived: i64 = "archived",
        /// The end of the last turn (2.x).
        idle: i64 = "idle",
        /// The time when the user last viewed the session (2.x). The session has unread messages if this is
        /// before `idle`.
        viewed: i64 = "viewed",
        /// The start of the running turn (2.x). If no turn runs, the program died.
        suspended: i64 = "suspended",
    }
}

record! {
    /// The size of a session's changes in files.
    SessionSummary<'a>, "an object" {
        /// Lines added.
        additions: i64 = "additions",
        /// Lines deleted.
        deletions: i64 = "deletions",
        /// Files changed.
        files: i64 = "files",
        /// The changes themselves, in old data only. Newer versions write them to a separate file.
        diffs: Vec<FileDiff<'a>> = "diffs",
    }
}

record! {
    /// A pending revert. The next prompt removes this message or part and everything after it.
    Revert<'a>, "an object" {
        /// The first reverted message.
        message_id: MessageId = "messageID",
        /// The first reverted part of that message. If absent, the whole message is reverted.
        part_id: PartId = "partID",
        /// The snapshot to restore.
        snapshot: LazyStr<'a> = "snapshot",
        /// The change that the revert made, as a patch.
        diff: LazyStr<'a> = "diff",
    }
}
