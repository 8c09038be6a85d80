//! A project's record (`docs/format/opencode.md`, section 3.1).

use scrollback_core_id::ProjectId;

use crate::json::{LazyStr, record};

record! {
    /// A project: a repository that agents worked in, or `global`.
    ///
    /// opencode rewrites the file at every start, so its mtime does not show activity.
    Project<'a>, "a project record" {
        /// The id.
        id: ProjectId = "id",
        /// The main work tree. For `global`: `/`, or the directory that was used last.
        worktree: LazyStr<'a> = "worktree",
        /// The version control system: "git".
        vcs: LazyStr<'a> = "vcs",
        /// A name given by the user.
        name: LazyStr<'a> = "name",
        /// The icon in clients.
        icon: ProjectIcon<'a> = "icon",
        /// Commands that clients run.
        commands: ProjectCommands<'a> = "commands",
        /// Linked work trees that the agent was started in.
        sandboxes: Vec<LazyStr<'a>> = "sandboxes",
        /// The times of the first and the last use.
        time: ProjectTime<'a> = "time",
    }
}

record! {
    /// The icon of a project in clients.
    ProjectIcon<'a>, "an object" {
        /// The address of an image.
        url: LazyStr<'a> = "url",
        /// The address of an image that the user chose.
        r#override: LazyStr<'a> = "override",
        /// A colour.
        color: LazyStr<'a> = "color",
    }
}

record! {
    /// Commands that clients run for a project.
    ProjectCommands<'a>, "an object" {
        /// The command that runs when a work tree is created.
        start: LazyStr<'a> = "start",
    }
}

record! {
    /// The times of a project, in Unix milliseconds.
    ProjectTime<'a>, "an object" {
        /// The time of the first use.
        created: i64 = "created",
        /// The time of the last start of the agent in the project.
        updated: i64 = "updated",
        /// The time when the project was initialized.
        initialized: i64 = "initialized",
    }
}
