//! The tables of 2.x that belong to a session, and where it notes how far its migration is.

use crate::schema::column::Column;
use crate::schema::table::{Table, columns};

columns! {
    /// Columns of a row of `session_message`. `data` is the message with its parts, or the item; in
    /// the place of the session queries that know it select the number of its last event.
    RowColumn {
        Id: Column::text("id", "id").needed(),
        Kind: Column::text("type", "type").needed(),
        Seq: Column::integer("seq", "").needed(),
        Created: Column::integer("time_created", "").needed(),
        Updated: Column::integer("time_updated", "").needed().dates(),
        Data: Column::json("data", "").needed().stamped(),
        Session: Column::text("session_id", "sessionID").needed(),
    }
}

columns! {
    /// Columns of what waits to become a row. A column without a name is not in every such table.
    WaitingColumn {
        Id: Column::text("id", "").needed(),
        Seq: Column::integer("enqueued_seq", "").needed(),
        What: Column::text("type", "what").needed(),
        Delivery: Column::text("delivery", "delivery").needed(),
        Payload: Column::json("payload", "payload").needed().stamped(),
        Created: Column::integer("time_created", "time.created").needed().zero_if_null(),
        Session: Column::text("session_id", "").needed(),
        Promoted: Column::integer("", ""),
    }
}

columns! {
    /// Columns of the program's state.
    KvColumn {
        Value: Column::json("value", "").needed(),
        Updated: Column::integer("time_updated", "").needed(),
        Key: Column::text("key", "").needed(),
    }
}

const PENDING: [Column; WaitingColumn::ALL.len()] = waiting("admitted_seq", "data");

/// Holds prompts alone, and keeps those that wait no more.
const INPUT: [Column; WaitingColumn::ALL.len()] = {
    let mut columns = waiting("admitted_seq", "prompt");
    columns[WaitingColumn::What.at()] = Column::text("", "what");
    columns[WaitingColumn::Promoted.at()] = Column::integer("promoted_seq", "").needed();
    columns
};

/// The columns of [`WaitingColumn`], of which two have other names.
const fn waiting(seq: &'static str, payload: &'static str) -> [Column; WaitingColumn::ALL.len()] {
    let mut columns = [Column::text("", ""); WaitingColumn::ALL.len()];
    columns.copy_from_slice(WaitingColumn::ALL);
    columns[WaitingColumn::Seq.at()].name = seq;
    columns[WaitingColumn::Payload.at()].name = payload;
    columns
}

pub(crate) const SESSION_MESSAGE: Table = Table::v2("session_message", RowColumn::ALL);

pub(crate) const SESSION_INBOX: Table = Table::v2("session_inbox", WaitingColumn::ALL);

pub(crate) const SESSION_PENDING: Table = Table::v2("session_pending", &PENDING);

pub(crate) const SESSION_INPUT: Table = Table::v2("session_input", &INPUT);

pub(crate) const KV: Table = Table::v2("kv", KvColumn::ALL).unread(&["time_created"]);
