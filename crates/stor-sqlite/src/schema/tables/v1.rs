//! The tables of 1.x that belong to a session.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a message. `data` is the record; in the place of the session queries that know it
    /// select the number of its last event.
    MessageColumn {
        Id: Column::text("id", "id").needed(),
        Created: Column::integer("time_created", "").needed(),
        Updated: Column::integer("time_updated", "").needed().dates(),
        Data: Column::json("data", "").needed().stamped(),
        Session: Column::text("session_id", "sessionID").needed(),
    }
}

columns! {
    /// Columns of a part. `data` is the record.
    PartColumn {
        Id: Column::text("id", "id").needed(),
        Session: Column::text("session_id", "sessionID").needed(),
        Updated: Column::integer("time_updated", "").needed().dates(),
        Data: Column::json("data", "").needed().stamped(),
        Message: Column::text("message_id", "messageID").needed(),
    }
}

columns! {
    /// Columns of an entry of a todo list.
    TodoColumn {
        Content: Column::text("content", "content").needed(),
        Status: Column::text("status", "status").needed(),
        Priority: Column::text("priority", "priority").needed(),
        Updated: Column::integer("time_updated", "").needed().dates(),
        Session: Column::text("session_id", "").needed(),
        Position: Column::integer("position", "").needed(),
    }
}

columns! {
    /// Columns of a share link.
    ShareColumn {
        Id: Column::text("id", "id").needed(),
        Url: Column::text("url", "url").needed(),
        Session: Column::text("session_id", "").needed(),
    }
}

pub(crate) const MESSAGE: Table = Table::new("message", MessageColumn::ALL);

pub(crate) const PART: Table = Table::new("part", PartColumn::ALL).unread(&["time_created"]);

pub(crate) const TODO: Table = Table::new("todo", TodoColumn::ALL).unread(&["time_created"]);

pub(crate) const SESSION_SHARE: Table = Table::new("session_share", ShareColumn::ALL)
    .unread(&["time_created", "time_updated"])
    .secret(&["secret"]);
