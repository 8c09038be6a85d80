//! What rows look like, without their texts.

use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionKey};

use crate::ask::Ask;
use crate::cells::{bytes, id, whole, whole_if_any};
use crate::error::{Result, is_damage};
use crate::gathered::Gathered;
use crate::schema::row_kind::RowKind;
use crate::schema::v2::{V2Schema, column};
use crate::set_sum::SetSum;
use crate::v2::ids::messages_of;
use crate::v2::order::{marked, order, stamped};
use crate::v2::place::Progress;
use crate::v2::rows::salvage;

/// The messages of a session, and their set.
pub(crate) fn messages(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut Gathered,
) -> Result<()> {
    let (first, issues) = (out.sightings.len(), out.issues.len());
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut progress = Progress::nowhere();
    let asked = ask.each(&v2.stamps, [of.session.as_str()], |row| {
        set.add(bytes(row, column::ID)?, whole(row, column::CREATED)?);
        sequence = whole_if_any(row, column::MORE)?;
        see(ask, v2, of, row, &progress, out)?;
        progress.pass(row)
    });
    match asked {
        Err(error) if is_damage(&error) => {
            out.sightings.truncate(first);
            out.issues.truncate(issues);
            let ways = v2.stamp.each_ref().map(String::as_str);
            salvage(ask, v2, of, out, |id, out| {
                out.by_either(ways, |sql, out| {
                    ask.each(sql, [id, of.session.as_str()], |row| {
                        let at = Progress::nowhere_at(ask, of, whole(row, column::SEQ)?)?;
                        see(ask, v2, of, row, &at, out)
                    })
                })
            })
        }
        asked => {
            asked?;
            out.set = marked(set.sighting(of.clone(), sequence));
            Ok(())
        }
    }
}

/// A row, with its size in the place of its text.
fn see(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    row: &rusqlite::Row<'_>,
    progress: &Progress,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let message = match id(row, column::ID, MessageId::from_bytes)? {
        Ok(message) => message,
        Err(kind) => {
            out.note(Some(of.clone().into()), ask, kind);
            return Ok(());
        }
    };
    let size = whole(row, column::DATA)?.cast_unsigned();
    let kind = RowKind::of(bytes(row, column::KIND)?);
    let stamped = stamped(order(v2, row)?) ^ progress.stamped(kind);
    let stamp = ask.stamp(size, whole(row, column::UPDATED)?, stamped);
    for message in messages_of(kind, message) {
        let key = EntityKey::Message(MessageKey { session: of.session.clone(), message });
        out.sightings.push(ask.sighting(key, stamp, None));
    }
    Ok(())
}
