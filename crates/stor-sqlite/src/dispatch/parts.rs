//! Reads the parts of a message from the tables that hold them.

use scrollback_core_id::{EntityKey, MessageKey, PartKey, SessionKey};
use scrollback_source::Observation;

use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::v2::V2Schema;
use crate::set_sum::SetSum;
use crate::v1::parts;
use crate::v2::rows;

/// Reads one part, if it exists.
pub(crate) fn part(
    context: &QueryContext<'_>,
    key: &PartKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    // A key of a part does not name its session. So try the rows of 2.x first, and hide a part of
    // 1.x whose session was migrated: otherwise the part would appear under two ids.
    if let Some(v2) = &context.schema.v2
        && (rows::part(context, v2, key, out)? || is_replaced_by_rows(context, v2, key)?)
    {
        return Ok(());
    }
    parts::part_by_id(context, key, out)
}

/// Checks whether a part of 1.x belongs to a migrated session, which is read from the rows of 2.x
/// instead.
fn is_replaced_by_rows(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    key: &PartKey,
) -> rusqlite::Result<bool> {
    const HIDDEN: &str = "SELECT 1 FROM part AS p WHERE p.id = ?1 AND EXISTS \
        (SELECT 1 FROM session_message AS m WHERE m.session_id = p.session_id)";
    let mut is_hidden = false;
    if !v2.is_preview && context.schema.parts.is_some() {
        let result = context.for_each_row(HIDDEN, [key.part.as_str()], |_| {
            is_hidden = true;
            Ok(())
        });
        match result {
            // The call that reads this page reports the damage.
            Err(error) if is_damage(&error) => {}
            result => result?,
        }
    }
    Ok(is_hidden)
}

/// Reads the names of a message's parts, in order, and their set.
pub(crate) fn part_names(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let first = out.rows.len();
    if parts_of_v2_message(context, message, out)? {
        out.set = sum_part_set(message, &out.rows[first..]);
        out.rows[first..].iter_mut().for_each(|row| row.piece = None);
        return Ok(());
    }
    parts::part_names(context, message, out)
}

/// Reads the parts of a message of 2.x with their bytes. Returns whether the message is stored as a
/// row of 2.x.
pub(crate) fn parts_of_v2_message(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<bool> {
    let session = SessionKey::from(message.session.clone());
    let is_v2 = match format_of_session(context, &session)? {
        SessionFormat::V1 => return Ok(false),
        SessionFormat::V2(v2) => {
            rows::parts_of_message(context, v2, &message.message, out)?;
            true
        }
        // The message may belong to either format. Without a row, the caller reads 1.x.
        SessionFormat::Both(v2) => rows::parts_of_message(context, v2, &message.message, out)?,
    };
    Ok(is_v2)
}
/// Returns the set of the parts in a row of 2.x, or `None` without parts.
pub(crate) fn sum_part_set(message: &MessageKey, parts: &[Row]) -> Option<Observation> {
    let mut set = SetSum::default();
    for part in parts {
        if let EntityKey::Part(key) = &part.key {
            set.add(key.part.as_bytes(), 0);
        }
    }
    set.observation(message.clone(), None)
}
