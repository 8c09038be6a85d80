//! Surveys: rows' times and sizes, and which rows there are. No text is read for them.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, MessageId, MessageKey, SessionKey};
use scrollback_source::{Observation, Survey};
use scrollback_stor_path::opencode::circular_orders;

use super::between::see_between;
use crate::ask::Ask;
use crate::cells::bytes;
use crate::error::{Result, is_damage};
use crate::gathered::{Gathered, Row};
use crate::generation::between::joined;
use crate::generation::parts::{rows_of_message, set_of_parts};
use crate::generation::sets::{all_sets, lost_sets};
use crate::generation::whose::{Whose, whose};
use crate::schema::parts::PART_NAMES;
use crate::set_sum::SetSum;
use crate::v1::parts::part_names;
use crate::{sessions, v1, v2};

pub(crate) fn survey(ask: &Ask<'_>, what: &Survey<'_>, out: &mut Gathered) -> Result<()> {
    let asked = match what {
        Survey::Projects => v1::projects::survey(ask, out),
        Survey::Sessions => sessions::survey::survey(ask, out),
        Survey::MessageSets => all_sets(ask, out),
        Survey::LostSets => return lost_sets(ask, out),
        Survey::Messages(of) => return of_session(ask, of, out),
        Survey::TheseMessages(of, ids) => {
            of_session(ask, of, out)?;
            pick(of, ids, out);
            Ok(())
        }
        Survey::PartSets(of) => return of.iter().try_for_each(|of| part_set(ask, of, out)),
        Survey::Parts(of) => return all_parts(ask, of, out),
    };
    Ok(out.note_damage(ask, None, asked)?)
}

/// The messages of a session, whosever they are.
fn of_session(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    match whose(ask, of)? {
        Whose::V1 => v1::survey::messages(ask, of, out),
        Whose::V2(v2) => v2::survey::messages(ask, v2, of, out),
        Whose::Both(v2) => {
            v1::survey::messages(ask, of, out)?;
            let set = out.set.take();
            out.sightings.iter_mut().for_each(see_between);
            v2::survey::messages(ask, v2, of, out)?;
            out.set = joined(set, out.set.take());
            Ok(())
        }
    }
}

/// The parts of a message, whosever it is.
fn all_parts(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    let mut made = Gathered::default();
    if rows_of_message(ask, of, &mut made)? {
        out.set = set_of_parts(of, &made.rows);
        out.issues.append(&mut made.issues);
        let seen = |row: &Row| {
            let piece = row.piece.as_ref()?;
            let sighting = ask.sighting(row.key.clone(), (piece.stamp, piece.settled), None);
            Some(Observation { order: row.order, ..sighting })
        };
        out.sightings.extend(made.rows.iter().filter_map(seen));
        return Ok(());
    }
    v1::survey::parts(ask, of, out)?;
    let ids = out.sightings.iter().filter_map(|seen| match &seen.key {
        EntityKey::Part(key) => Some(&key.part),
        _ => None,
    });
    let orders = circular_orders(ids);
    out.sightings.iter_mut().zip(orders).for_each(|(seen, order)| seen.order = order);
    Ok(())
}

/// Leaves these messages, in this order.
fn pick(of: &SessionKey, ids: &[MessageId], out: &mut Gathered) {
    out.set = None;
    out.issues.retain(|(about, _)| matches!(about, Some(EntityKey::Message(_))));
    let key = |message: &MessageId| {
        EntityKey::Message(MessageKey { session: of.session.clone(), message: message.clone() })
    };
    if ids.len() == out.sightings.len()
        && ids.iter().zip(&out.sightings).all(|(id, seen)| key(id) == seen.key)
    {
        return; // all of them, in the order of the index
    }
    let mut all: HashMap<EntityKey, Observation> =
        out.sightings.drain(..).map(|seen| (seen.key.clone(), seen)).collect();
    out.sightings.extend(ids.iter().filter_map(|id| all.remove(&key(id))));
}

fn part_set(ask: &Ask<'_>, of: &MessageKey, out: &mut Gathered) -> Result<()> {
    let mut made = Gathered::default();
    if rows_of_message(ask, of, &mut made)? {
        out.issues.append(&mut made.issues);
        out.sightings.extend(set_of_parts(of, &made.rows));
        return Ok(());
    }
    if ask.schema.parts.is_none() {
        return Ok(());
    }
    let mut set = SetSum::default();
    let asked = ask.each(PART_NAMES[0], [of.message.as_str()], |row| {
        set.add(bytes(row, 0)?, 0);
        Ok(())
    });
    match asked {
        Err(error) if is_damage(&error) => {
            let mut listed = Gathered::default();
            part_names(ask, of, &mut listed)?;
            out.issues.extend(listed.issues);
            out.sightings.extend(listed.set);
        }
        asked => {
            asked?;
            out.sightings.extend(set.sighting(of.clone(), None));
        }
    }
    Ok(())
}
