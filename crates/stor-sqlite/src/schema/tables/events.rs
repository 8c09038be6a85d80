//! The log of events, and the number of each session's last event.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of an event.
    EventColumn {
        Id: Column::text("id", "").required(),
        Seq: Column::integer("seq", "").required(),
        Kind: Column::text("type", ""),
        Data: Column::json("data", ""),
        Session: Column::text("aggregate_id", "").required(),
    }
}

columns! {
    /// Columns of the number of a session's last event.
    SequenceColumn {
        Session: Column::text("aggregate_id", "").required(),
        Seq: Column::integer("seq", "").required(),
    }
}

pub(crate) const EVENT: Table = Table::new("event", EventColumn::ALL).with_unread(&["created"]);

pub(crate) const EVENT_SEQUENCE: Table = Table::new("event_sequence", SequenceColumn::ALL)
    .with_key(&["aggregate_id"])
    .with_unread(&["owner_id"]);
