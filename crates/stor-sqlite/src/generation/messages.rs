//! The messages of a session, and what happened in it besides, whosever they are.

use scrollback_core_id::{EntityKey, ItemKey, MessageKey, SessionKey};

use crate::ask::Ask;
use crate::error::Result;
use crate::gathered::Gathered;
use crate::generation::between::{in_order, joined, put_between};
use crate::generation::whose::{Whose, whose};
use crate::schema::v2::V2Schema;
use crate::v1::messages;
use crate::v2::pending::pending;
use crate::v2::rows::{self, Of};

/// The messages of a session, in order, and their set.
pub(crate) fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    match whose(ask, of)? {
        Whose::V1 => messages::messages(ask, of, out),
        Whose::V2(v2) => rows::rows(ask, v2, of, Of::MESSAGES, out),
        Whose::Both(v2) => {
            messages::messages(ask, of, out)?;
            let set = out.set.take();
            out.rows.iter_mut().for_each(put_between);
            rows::rows(ask, v2, of, Of::MESSAGES, out)?;
            out.set = joined(set, out.set.take());
            out.rows.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
            Ok(())
        }
    }
}

/// The names of a session's messages, and their set.
pub(crate) fn names(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    match whose(ask, of)? {
        Whose::V1 => messages::names(ask, of, out),
        Whose::V2(v2) => rows::names(ask, v2, of, out),
        Whose::Both(v2) => {
            messages::names(ask, of, out)?;
            let set = out.set.take();
            rows::names(ask, v2, of, out)?;
            out.set = joined(set, out.set.take());
            Ok(())
        }
    }
}

/// What happened in a session and is no message.
pub(crate) fn items(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    let Some(v2) = &ask.schema.v2 else { return Ok(()) };
    rows::rows(ask, v2, of, Of::ITEMS, out)?;
    waiting(ask, v2, of, out)?;
    out.set = None; // it is that of the messages
    in_order(&mut out.rows);
    Ok(())
}

/// What waits in a session, or why it cannot be read.
pub(super) fn waiting(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut Gathered,
) -> Result<()> {
    let asked = pending(ask, v2, of, out);
    Ok(out.note_damage(ask, Some(of.clone().into()), asked)?)
}

/// One message, if it is there.
pub(crate) fn message(ask: &Ask<'_>, key: &MessageKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let of = SessionKey::from(key.session.clone());
    let first = out.rows.len();
    match whose(ask, &of)? {
        Whose::V1 => messages::one(ask, key, out)?,
        Whose::V2(v2) => rows::message(ask, v2, key, out)?,
        Whose::Both(v2) => {
            rows::message(ask, v2, key, out)?;
            if out.rows.len() == first {
                messages::one(ask, key, out)?;
                out.rows[first..].iter_mut().for_each(put_between);
            }
        }
    }
    Ok(())
}

/// One item, if it is there: a row, or what waits.
pub(crate) fn item(ask: &Ask<'_>, key: &ItemKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let Some(v2) = &ask.schema.v2 else { return Ok(()) };
    let (first, of) = (out.rows.len(), SessionKey::from(key.session.clone()));
    rows::one(ask, v2, &of, key.item.as_str(), Of::ITEMS, out)?;
    if out.rows.len() == first {
        pending(ask, v2, &of, out)?;
        rows::keep(out, first, |row| matches!(row, EntityKey::Item(row) if row == key));
    }
    Ok(())
}
