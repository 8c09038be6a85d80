//! From a row of `session_message` to messages and parts as opencode 1.x has them
//! (`docs/format/opencode-v2.md`, section 7).
//!
//! A row is walked once (`walk`). Values are copied as they stand in its text, escapes and all; fields
//! that the model of 1.x has no place for come along under their own names.

mod assistant;
mod failure;
mod fields;
mod item;
mod other;
mod row;
mod settled;
mod sink;
mod tool;
mod user;
mod walk;

use scrollback_core_id::{MessageKey, SessionKey};

pub(crate) use self::item::{has_field, item};
pub(crate) use self::row::{Place, V2Row};
pub(crate) use self::settled::is_settled;
use self::sink::Sink;
pub(crate) use self::sink::{Ending, Wanted};
use self::walk::{Bad, Walk};
use crate::gathered::Gathered;
use crate::schema::row_kind::RowKind;

/// Puts what is wanted of a row where it belongs: messages each before its parts.
pub(crate) fn translate(
    row: &V2Row<'_>,
    of: &SessionKey,
    place: &Place<'_>,
    wanted: Wanted,
    ending: Ending,
    out: &mut Gathered,
) {
    let first = out.rows.len();
    let mut sink = Sink { out, of, row, wanted, ending };
    let mut walk = Walk::new(row.data);
    let is_object = row.data.trim_ascii_start().starts_with(b"{");
    let read = match row.kind {
        _ if !is_object => Err(Bad),
        RowKind::Assistant => assistant::read(&mut walk, place, &mut sink),
        RowKind::Shell => other::shell(&mut walk, place, &mut sink),
        RowKind::Compaction => other::compaction(&mut walk, place, &mut sink),
        RowKind::Item => Err(Bad),
        RowKind::User | RowKind::Synthetic | RowKind::System | RowKind::Skill => {
            user::read(&mut walk, &mut sink)
        }
    };
    if read.and_then(|()| walk.end()).is_err() {
        sink.out.rows.truncate(first);
        if wanted != Wanted::Parts {
            let key = MessageKey { session: of.session.clone(), message: row.id.clone() };
            sink.verbatim(key);
        }
    }
}
