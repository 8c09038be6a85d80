//! Surveys: rows' times and sizes, and which rows there are. No text is read for them.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionKey};
use scrollback_source::{Observation, Survey};
use scrollback_stor_path::opencode::circular_orders;

use super::merge::mark_merged_order;
use crate::cells::bytes;
use crate::dispatch::merge::merge_sets;
use crate::dispatch::parts::{parts_of_v2_message, sum_part_set};
use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::dispatch::sets::{all_message_sets, orphan_message_sets};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::parts::PART_NAMES;
use crate::set_sum::SetSum;
use crate::v1::parts::part_names;
use crate::{sessions, v1, v2};

pub(crate) fn survey(
    ask: &QueryContext<'_>,
    what: &Survey<'_>,
    out: &mut QueryOutput,
) -> Result<()> {
    let asked = match what {
        Survey::Projects => v1::projects::survey(ask, out),
        Survey::Sessions => sessions::survey::survey(ask, out),
        Survey::MessageSets => all_message_sets(ask, out),
        Survey::LostSets => return orphan_message_sets(ask, out),
        Survey::Messages(of) => return observe_messages(ask, of, out),
        Survey::TheseMessages(of, ids) => {
            observe_messages(ask, of, out)?;
            retain_messages(of, ids, out);
            Ok(())
        }
        Survey::PartSets(of) => return of.iter().try_for_each(|of| observe_part_set(ask, of, out)),
        Survey::Parts(of) => return observe_parts(ask, of, out),
    };
    Ok(out.note_damage(ask, None, asked)?)
}

/// The messages of a session, whosever they are.
fn observe_messages(ask: &QueryContext<'_>, of: &SessionKey, out: &mut QueryOutput) -> Result<()> {
    match format_of_session(ask, of)? {
        SessionFormat::V1 => v1::survey::messages(ask, of, out),
        SessionFormat::V2(v2) => v2::survey::messages(ask, v2, of, out),
        SessionFormat::Both(v2) => {
            v1::survey::messages(ask, of, out)?;
            let set = out.set.take();
            out.observations.iter_mut().for_each(mark_merged_order);
            v2::survey::messages(ask, v2, of, out)?;
            out.set = merge_sets(set, out.set.take());
            Ok(())
        }
    }
}

/// The parts of a message, whosever it is.
fn observe_parts(ask: &QueryContext<'_>, of: &MessageKey, out: &mut QueryOutput) -> Result<()> {
    let mut made = QueryOutput::default();
    if parts_of_v2_message(ask, of, &mut made)? {
        out.set = sum_part_set(of, &made.rows);
        out.issues.append(&mut made.issues);
        let seen = |row: &Row| {
            let piece = row.piece.as_ref()?;
            let sighting = ask.observation(row.key.clone(), (piece.stamp, piece.settled), None);
            Some(Observation { order: row.order, ..sighting })
        };
        out.observations.extend(made.rows.iter().filter_map(seen));
        return Ok(());
    }
    v1::survey::parts(ask, of, out)?;
    let ids = out.observations.iter().filter_map(|seen| match &seen.key {
        EntityKey::Part(key) => Some(&key.part),
        _ => None,
    });
    let orders = circular_orders(ids);
    out.observations.iter_mut().zip(orders).for_each(|(seen, order)| seen.order = order);
    Ok(())
}

/// Leaves these messages, in this order.
fn retain_messages(of: &SessionKey, ids: &[MessageId], out: &mut QueryOutput) {
    out.set = None;
    out.issues.retain(|(about, _)| matches!(about, Some(EntityKey::Message(_))));
    let key = |message: &MessageId| {
        EntityKey::Message(MessageKey { session: of.session.clone(), message: message.clone() })
    };
    if ids.len() == out.observations.len()
        && ids.iter().zip(&out.observations).all(|(id, seen)| key(id) == seen.key)
    {
        return; // all of them, in the order of the index
    }
    let mut all: HashMap<EntityKey, Observation> =
        out.observations.drain(..).map(|seen| (seen.key.clone(), seen)).collect();
    out.observations.extend(ids.iter().filter_map(|id| all.remove(&key(id))));
}

fn observe_part_set(ask: &QueryContext<'_>, of: &MessageKey, out: &mut QueryOutput) -> Result<()> {
    let mut made = QueryOutput::default();
    if parts_of_v2_message(ask, of, &mut made)? {
        out.issues.append(&mut made.issues);
        out.observations.extend(sum_part_set(of, &made.rows));
        return Ok(());
    }
    if ask.schema.parts.is_none() {
        return Ok(());
    }
    let mut set = SetSum::default();
    let asked = ask.for_each_row(PART_NAMES[0], [of.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        Ok(())
    });
    match asked {
        Err(error) if is_damage(&error) => {
            let mut listed = QueryOutput::default();
            part_names(ask, of, &mut listed)?;
            out.issues.extend(listed.issues);
            out.observations.extend(listed.set);
        }
        asked => {
            asked?;
            out.observations.extend(set.observation(of.clone(), None));
        }
    }
    Ok(())
}
