//! The table of projects.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a project, in the order of the fields of its record.
    ProjectColumn {
        Id: Column::text("id", "id").required(),
        Worktree: Column::text("worktree", "worktree").adds_length_to_stamp(),
        Vcs: Column::text("vcs", "vcs"),
        Name: Column::text("name", "name").adds_length_to_stamp(),
        IconUrl: Column::text("icon_url", "icon.url").adds_length_to_stamp().opens_object(),
        IconOverride: Column::text("icon_url_override", "icon.override").opens_object(),
        IconColor: Column::text("icon_color", "icon.color").opens_object(),
        Commands: Column::json("commands", "commands").adds_length_to_stamp(),
        Created: Column::integer("time_created", "time.created"),
        Updated: Column::integer("time_updated", "time.updated").sets_stamp_time().zero_if_null(),
        Initialized: Column::integer("time_initialized", "time.initialized"),
        Sandboxes: Column::json("sandboxes", "sandboxes").adds_length_to_stamp(),
    }
}

pub(crate) const PROJECT: Table =
    Table::new("project", ProjectColumn::ALL).with_unread(&["time_active"]);
