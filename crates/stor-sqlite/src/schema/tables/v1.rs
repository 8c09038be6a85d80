//! The tables of 1.x with the content of a session.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a message. `data` is the record. Queries for one known session select the number
    /// of its last event in the place of the session.
    MessageColumn {
        Id: Column::text("id", "id").required(),
        Created: Column::integer("time_created", "").required(),
        Updated: Column::integer("time_updated", "").required().sets_stamp_time(),
        Data: Column::json("data", "").required().adds_length_to_stamp(),
        Session: Column::text("session_id", "sessionID").required(),
    }
}

columns! {
    /// Columns of a part. `data` is the record.
    PartColumn {
        Id: Column::text("id", "id").required(),
        Session: Column::text("session_id", "sessionID").required(),
        Updated: Column::integer("time_updated", "").required().sets_stamp_time(),
        Data: Column::json("data", "").required().adds_length_to_stamp(),
        Message: Column::text("message_id", "messageID").required(),
    }
}

columns! {
    /// Columns of an entry in a todo list.
    TodoColumn {
        Content: Column::text("content", "content").required(),
        Status: Column::text("status", "status").required(),
        Priority: Column::text("priority", "priority").required(),
        Updated: Column::integer("time_updated", "").required().sets_stamp_time(),
        Session: Column::text("session_id", "").required(),
        Position: Column::integer("position", "").required(),
    }
}

columns! {
    /// Columns of a share link.
    ShareColumn {
        Id: Column::text("id", "id").required(),
        Url: Column::text("url", "url").required(),
        Session: Column::text("session_id", "").required(),
    }
}

pub(crate) const MESSAGE: Table =
    Table::new("message", MessageColumn::ALL).with_key(&["session_id", "id"]);

pub(crate) const PART: Table = Table::new("part", PartColumn::ALL)
    .with_key(&["message_id", "id"])
    .with_unread(&["time_created"]);

pub(crate) const TODO: Table = Table::new("todo", TodoColumn::ALL)
    .with_key(&["session_id", "position"])
    .with_unread(&["time_created"]);

pub(crate) const SESSION_SHARE: Table = Table::new("session_share", ShareColumn::ALL)
    .with_key(&["session_id"])
    .with_unread(&["time_created", "time_updated"])
    .with_secrets(&["secret"]);
