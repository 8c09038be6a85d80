//! A project's record (`docs/format/opencode.md`, section 3.1).

use scrollback_core_id::ProjectId;

use crate::json::{LazyStr, record};

record! {
    /// A project: a repository that agents worked in, or `global`.
    ///
    /// opencode rewrites the file at every start, so its mtime is no sign of activity.
    Project<'a>, "a project record" {
        /// Its id.
        id: ProjectId = "id",
        /// The main work tree; `/` or the last directory used for `global`.
        worktree: LazyStr<'a> = "worktree",
        /// The version control system: "git".
        vcs: LazyStr<'a> = "vcs",
        /// A name given by the user.
        name: LazyStr<'a> = "name",
        /// How clients show it.
        icon: ProjectIcon<'a> = "icon",
        /// Commands that clients run.
        commands: ProjectCommands<'a> = "commands",
        /// Linked work trees seen.
        sandboxes: Vec<LazyStr<'a>> = "sandboxes",
        /// When it was first and last used.
        time: ProjectTime<'a> = "time",
    }
}

record! {
    /// How clients show a project.
    ProjectIcon<'a>, "an object" {
        /// An image.
        url: LazyStr<'a> = "url",
        /// An image chosen by the user.
        r#override: LazyStr<'a> = "override",
        /// A colour.
        color: LazyStr<'a> = "color",
    }
}

record! {
    /// Commands that clients run for a project.
    ProjectCommands<'a>, "an object" {
        /// Run when a work tree is made.
        start: LazyStr<'a> = "start",
    }
}

record! {
    /// The times of a project, in Unix milliseconds.
    ProjectTime<'a>, "an object" {
        /// When it was first seen.
        created: i64 = "created",
        /// When the agent was last started in it.
        updated: i64 = "updated",
        /// When it was initialized.
        initialized: i64 = "initialized",
    }
}
