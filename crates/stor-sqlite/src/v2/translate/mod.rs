//! Translates a row of `session_message` into messages and parts of opencode 1.x
//! (`docs/format/opencode-v2.md`, section 7).
//!
//! The module `walk` reads a row once. Values are copied verbatim, with their escapes. Fields
//! without a counterpart in 1.x keep their names.

mod assistant;
mod failure;
mod fields;
mod item;
mod row;
mod settled;
mod shell_and_compaction;
mod sink;
mod tool;
mod user;
mod walk;

use scrollback_core_id::{MessageKey, SessionKey};

pub(crate) use self::item::{has_field, put_item};
pub(crate) use self::row::{RowContext, V2Row};
pub(crate) use self::settled::is_settled;
use self::sink::Sink;
pub(crate) use self::sink::{IdPlacement, RecordSelection};
use self::walk::{MalformedJson, Walk};
use crate::query_output::QueryOutput;
use crate::schema::row_kind::RowKind;

/// Adds the selected records of a row, each message before its parts. A message whose row cannot be
/// read is added verbatim.
pub(crate) fn translate(
    row: &V2Row<'_>,
    session: &SessionKey,
    row_context: &RowContext<'_>,
    selection: RecordSelection,
    id_placement: IdPlacement,
    out: &mut QueryOutput,
) {
    let first = out.rows.len();
    let mut sink = Sink { out, session, row, selection, id_placement };
    let mut walk = Walk::new(row.data);
    let is_object = row.data.trim_ascii_start().starts_with(b"{");
    let result = match row.kind {
        _ if !is_object => Err(MalformedJson),
        RowKind::Assistant => assistant::read(&mut walk, row_context, &mut sink),
        RowKind::Shell => shell_and_compaction::shell(&mut walk, row_context, &mut sink),
        RowKind::Compaction => shell_and_compaction::compaction(&mut walk, row_context, &mut sink),
        RowKind::Item => Err(MalformedJson),
        RowKind::User | RowKind::Synthetic | RowKind::System | RowKind::Skill => {
            user::read(&mut walk, &mut sink)
        }
    };
    if result.and_then(|()| walk.end()).is_err() {
        sink.out.rows.truncate(first);
        if selection != RecordSelection::Parts {
            let key = MessageKey { session: session.session.clone(), message: row.id.clone() };
            sink.put_verbatim(key);
        }
    }
}
