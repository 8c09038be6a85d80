//! The tables of 2.x with the content of a session, and the table with the progress of its
//! migration.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a row of `session_message`. `data` is the message with its parts, or the item.
    /// Queries for one known session select the number of its last event in the place of the
    /// session.
    RowColumn {
        Id: Column::text("id", "id").required(),
        Kind: Column::text("type", "type").required(),
        Seq: Column::integer("seq", "").required(),
        Created: Column::integer("time_created", "").required(),
        Updated: Column::integer("time_updated", "").required().sets_stamp_time(),
        Data: Column::json("data", "").required().adds_length_to_stamp(),
        Session: Column::text("session_id", "sessionID").required(),
    }
}

columns! {
    /// Columns of a pending item. A column without a name is missing in some of the tables.
    PendingColumn {
        Id: Column::text("id", "").required(),
        Seq: Column::integer("enqueued_seq", "").required(),
        Kind: Column::text("type", "what").required(),
        Delivery: Column::text("delivery", "delivery").required(),
        Payload: Column::json("payload", "payload").required().adds_length_to_stamp(),
        Created: Column::integer("time_created", "time.created").required().zero_if_null(),
        Session: Column::text("session_id", "").required(),
        Promoted: Column::integer("", ""),
    }
}

columns! {
    /// Columns of the program's state.
    KvColumn {
        Value: Column::json("value", "").required(),
        Updated: Column::integer("time_updated", "").required(),
        Key: Column::text("key", "").required(),
    }
}

const PENDING_COLUMNS: [Column; PendingColumn::ALL.len()] = pending_columns("admitted_seq", "data");

/// The table holds only prompts, and keeps prompts that were delivered already.
const INPUT_COLUMNS: [Column; PendingColumn::ALL.len()] = {
    let mut columns = pending_columns("admitted_seq", "prompt");
    columns[PendingColumn::Kind.at()] = Column::text("", "what");
    columns[PendingColumn::Promoted.at()] = Column::integer("promoted_seq", "").required();
    columns
};

/// Returns the columns of [`PendingColumn`] with other names for two of them.
const fn pending_columns(
    seq: &'static str,
    payload: &'static str,
) -> [Column; PendingColumn::ALL.len()] {
    let mut columns = [Column::text("", ""); PendingColumn::ALL.len()];
    columns.copy_from_slice(PendingColumn::ALL);
    columns[PendingColumn::Seq.at()].name = seq;
    columns[PendingColumn::Payload.at()].name = payload;
    columns
}

pub(crate) const SESSION_MESSAGE: Table =
    Table::v2("session_message", RowColumn::ALL).with_key(&["session_id", "id"]);

pub(crate) const SESSION_INBOX: Table = Table::v2("session_inbox", PendingColumn::ALL);

pub(crate) const SESSION_PENDING: Table = Table::v2("session_pending", &PENDING_COLUMNS);

pub(crate) const SESSION_INPUT: Table = Table::v2("session_input", &INPUT_COLUMNS);

pub(crate) const KV: Table =
    Table::v2("kv", KvColumn::ALL).with_key(&["key"]).with_unread(&["time_created"]);
