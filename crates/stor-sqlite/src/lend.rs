//! Messages lent out of SQLite's own memory, for whoever needs them once.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{MessageId, MessageKey, OrderKey, Scope, SessionKey};
use scrollback_stor_read::{EachLent, Lent, LentRecord, lend_scanned};

use crate::ask::{Ask, SetSum, bytes, whole, whole_if_any};
use crate::error::is_damage;
use crate::look::SqliteLook;
use crate::messages::data;

/// Lends the messages of a session.
pub(crate) fn messages(
    look: &mut SqliteLook<'_>,
    of: &SessionKey,
    each: &mut EachLent<'_>,
) -> scrollback_stor_read::Result<()> {
    let (mut again, mut over) = (false, false);
    let is_damaged = look.ask(|ask| {
        if over || !ask.schema.has_messages {
            return Ok(false);
        }
        let lent = match again {
            true => each(Lent::Forget),
            false => ControlFlow::Continue(()),
        };
        again = true;
        if lent.is_break() {
            over = true;
            return Ok(false);
        }
        match lend_rows(ask, of, each) {
            Ok(lent) => {
                over = lent.is_break();
                Ok(false)
            }
            Err(error) if is_damage(&error) => Ok(true),
            Err(error) => Err(error.into()),
        }
    })?;
    if is_damaged {
        if each(Lent::Forget).is_break() {
            return Ok(());
        }
        return lend_scanned(look, &Scope::Messages(of.clone()), each);
    }
    if !over {
        let _ = each(Lent::Holds);
    }
    Ok(())
}

fn lend_rows(
    ask: &Ask<'_>,
    of: &SessionKey,
    each: &mut EachLent<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let mut statement = ask.db.prepare_cached(&ask.schema.messages)?;
    let mut rows = statement.query([of.session.as_str()])?;
    while let Some(row) = rows.next()? {
        let created = whole(row, 1)?;
        if set.is_empty() {
            sequence = whole_if_any(row, 4)?;
        }
        set.add(bytes(row, 0)?, created);
        let named = || {
            let message = ask.id(row, 0, MessageId::from_bytes)?;
            Ok(MessageKey { session: of.session.clone(), message }.into())
        };
        let lent = match data(ask, row.get_ref(3)?) {
            Err(kind) => {
                let key = named().unwrap_or_else(|_: Box<Issue>| of.clone().into());
                each(Lent::Issue(Some(key), ask.issue(kind)))
            }
            Ok(bytes) => {
                let order = OrderKey(created);
                let (stamp, settled) = ask.stamp(bytes.len() as u64, whole(row, 2)?, 0);
                each(Lent::Record(LentRecord { named: &named, order, bytes, stamp, settled }))
            }
        };
        if lent.is_break() {
            return Ok(lent);
        }
    }
    Ok(match set.sighting(of.clone(), sequence) {
        Some(set) => each(Lent::Set(set)),
        None => ControlFlow::Continue(()),
    })
}
