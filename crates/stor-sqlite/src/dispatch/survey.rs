//! Surveys rows: reads their times and sizes, and the sets that they form, without their texts.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionKey};
use scrollback_source::{Observation, Survey};
use scrollback_stor_path::opencode::circular_orders;

use super::merge::mark_merged_order;
use crate::cells::bytes;
use crate::dispatch::merge::merge_sets;
use crate::dispatch::parts::{parts_of_v2_message, sum_part_set};
use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::dispatch::sets::{SetSource, all_message_sets, orphan_message_sets};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::parts::PART_NAMES;
use crate::set_sum::SetSum;
use crate::v1::parts::part_names;
use crate::{sessions, v1, v2};

/// Runs a survey. Damaged pages become issues.
pub(crate) fn survey(
    context: &QueryContext<'_>,
    survey: &Survey<'_>,
    out: &mut QueryOutput,
) -> Result<()> {
    let result = match survey {
        Survey::Projects => v1::projects::survey(context, out),
        Survey::Sessions => sessions::survey::survey(context, out),
        Survey::MessageSets => all_message_sets(context, SetSource::Index, out),
        Survey::TableSets => all_message_sets(context, SetSource::Table, out),
        Survey::LostSets => return orphan_message_sets(context, out),
        Survey::Messages(session) => return observe_messages(context, session, out),
        Survey::TheseMessages(session, ids) => {
            observe_messages(context, session, out)?;
            retain_messages(session, ids, out);
            Ok(())
        }
        Survey::PartSets(messages) => {
            return messages.iter().try_for_each(|message| observe_part_set(context, message, out));
        }
        Survey::Parts(message) => return observe_parts(context, message, out),
    };
    Ok(out.note_damage(context, None, result)?)
}

/// Observes the messages of a session in the tables that hold them.
fn observe_messages(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    match format_of_session(context, session)? {
        SessionFormat::V1 => v1::survey::messages(context, session, out),
        SessionFormat::V2(v2) => v2::survey::messages(context, v2, session, out),
        SessionFormat::Both(v2) => {
            v1::survey::messages(context, session, out)?;
            let set = out.set.take();
            out.observations.iter_mut().for_each(mark_merged_order);
            v2::survey::messages(context, v2, session, out)?;
            out.set = merge_sets(set, out.set.take());
            Ok(())
        }
    }
}

/// Observes the parts of a message in the tables that hold them.
fn observe_parts(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<()> {
    // Parts of 2.x have no rows of their own, so they must be built to observe them.
    let mut parts = QueryOutput::default();
    if parts_of_v2_message(context, message, &mut parts)? {
        out.set = sum_part_set(message, &parts.rows);
        out.issues.append(&mut parts.issues);
        let observe = |row: &Row| {
            let piece = row.piece.as_ref()?;
            let observation =
                context.observation(row.key.clone(), (piece.stamp, piece.settled), None);
            Some(Observation { order: row.order, ..observation })
        };
        out.observations.extend(parts.rows.iter().filter_map(observe));
        return Ok(());
    }
    v1::survey::parts(context, message, out)?;
    let ids = out.observations.iter().filter_map(|observation| match &observation.key {
        EntityKey::Part(key) => Some(&key.part),
        _ => None,
    });
    let orders = circular_orders(ids);
    out.observations
        .iter_mut()
        .zip(orders)
        .for_each(|(observation, order)| observation.order = order);
    Ok(())
}

/// Keeps only the messages with these ids, in the order of `ids`.
fn retain_messages(session: &SessionKey, ids: &[MessageId], out: &mut QueryOutput) {
    out.set = None;
    out.issues.retain(|(about, _)| matches!(about, Some(EntityKey::Message(_))));
    let key = |message: &MessageId| {
        EntityKey::Message(MessageKey {
            session: session.session.clone(),
            message: message.clone(),
        })
    };
    if ids.len() == out.observations.len()
        && ids.iter().zip(&out.observations).all(|(id, observation)| key(id) == observation.key)
    {
        return; // all messages, already in this order
    }
    let mut by_key: HashMap<EntityKey, Observation> = out
        .observations
        .drain(..)
        .map(|observation| (observation.key.clone(), observation))
        .collect();
    out.observations.extend(ids.iter().filter_map(|id| by_key.remove(&key(id))));
}

/// Observes the set of parts of a message.
fn observe_part_set(
    context: &QueryContext<'_>,
    message: &MessageKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let mut parts = QueryOutput::default();
    if parts_of_v2_message(context, message, &mut parts)? {
        out.issues.append(&mut parts.issues);
        out.observations.extend(sum_part_set(message, &parts.rows));
        return Ok(());
    }
    if context.schema.parts.is_none() {
        return Ok(());
    }
    let mut set = SetSum::default();
    let result = context.for_each_row(PART_NAMES[0], [message.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        Ok(())
    });
    match result {
        Err(error) if is_damage(&error) => {
            let mut listed = QueryOutput::default();
            part_names(context, message, &mut listed)?;
            out.issues.extend(listed.issues);
            out.observations.extend(listed.set);
        }
        result => {
            result?;
            out.observations.extend(set.observation(message.clone(), None));
        }
    }
    Ok(())
}
