//! The table of projects.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a project, in the order of the fields of its record.
    ProjectColumn {
        Id: Column::text("id", "id").needed(),
        Worktree: Column::text("worktree", "worktree").stamped(),
        Vcs: Column::text("vcs", "vcs"),
        Name: Column::text("name", "name").stamped(),
        IconUrl: Column::text("icon_url", "icon.url").stamped().opens_object(),
        IconOverride: Column::text("icon_url_override", "icon.override").opens_object(),
        IconColor: Column::text("icon_color", "icon.color").opens_object(),
        Commands: Column::json("commands", "commands").stamped(),
        Created: Column::integer("time_created", "time.created"),
        Updated: Column::integer("time_updated", "time.updated").dates().zero_if_null(),
        Initialized: Column::integer("time_initialized", "time.initialized"),
        Sandboxes: Column::json("sandboxes", "sandboxes").stamped(),
    }
}

pub(crate) const PROJECT: Table =
    Table::new("project", ProjectColumn::ALL).unread(&["time_active"]);
