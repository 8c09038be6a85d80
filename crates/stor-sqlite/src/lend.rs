//! Messages lent out of SQLite's own memory, for whoever needs them once; those of 2.x out of ours,
//! where they are made.

use std::ops::ControlFlow;

use scrollback_core_err::Issue;
use scrollback_core_id::{MessageId, MessageKey, OrderKey, Scope, SessionKey};
use scrollback_source::{EachLent, Lent, LentRecord, lend_scanned};

use crate::ask::{Ask, Gathered, SetSum, bytes, whole, whole_if_any};
use crate::error::is_damage;
use crate::generation::{self, Whose};
use crate::look::SqliteLook;
use crate::messages::data;
use crate::v2::place::Progress;
use crate::v2::rows::{marked, with_row};
use crate::v2::schema::{V2Schema, column};
use crate::v2::translate::{Ending, Wanted, translate};

/// Lends the messages of a session.
pub(crate) fn messages(
    look: &mut SqliteLook<'_>,
    of: &SessionKey,
    each: &mut EachLent<'_>,
) -> scrollback_source::Result<()> {
    let (mut begun, mut over) = (false, false);
    let is_scanned = look.ask(|ask| {
        if begun && !over {
            over = each(Lent::Forget).is_break();
        }
        if over {
            return Ok(false);
        }
        begun = true;
        let lent = match &ask.schema.messages_alone {
            Some(alone) => lend_rows(ask, alone, of, each),
            None => Ok(None),
        };
        let lent = match lent {
            Ok(None) => match generation::whose(ask, of)? {
                Whose::V1 => lend_rows(ask, &ask.schema.messages, of, each),
                Whose::V2(v2) => lend_v2(ask, v2, of, each).map(Some),
                Whose::Both(_) => {
                    begun = false;
                    return Ok(true); // two lists, which are put together before
                }
            },
            lent => lent,
        };
        match lent {
            Ok(lent) => {
                over = lent.is_some_and(|lent| lent.is_break());
                Ok(false)
            }
            Err(error) if is_damage(&error) => Ok(true),
            Err(error) => Err(error.into()),
        }
    })?;
    if is_scanned {
        if begun && each(Lent::Forget).is_break() {
            return Ok(());
        }
        return lend_scanned(look, &Scope::Messages(of.clone()), each);
    }
    if !over {
        let _ = each(Lent::Holds);
    }
    Ok(())
}

/// Lends what a query finds; none if that is nothing.
fn lend_rows(
    ask: &Ask<'_>,
    sql: &str,
    of: &SessionKey,
    each: &mut EachLent<'_>,
) -> rusqlite::Result<Option<ControlFlow<()>>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    if !ask.schema.has_messages {
        return Ok(None);
    }
    let mut statement = ask.db.prepare_cached(sql)?;
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
            return Ok(Some(lent));
        }
    }
    Ok(set.sighting(of.clone(), sequence).map(|set| each(Lent::Set(set))))
}

fn lend_v2(
    ask: &Ask<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    each: &mut EachLent<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let (mut set, mut sequence) = (SetSum::default(), None);
    let (mut scratch, mut progress) = (Gathered::default(), Progress::nowhere());
    let mut statement = ask.db.prepare_cached(&v2.rows)?;
    let mut rows = statement.query([of.session.as_str()])?;
    while let Some(row) = rows.next()? {
        if set.is_empty() {
            sequence = whole_if_any(row, column::MORE)?;
        }
        set.add(bytes(row, column::ID)?, whole(row, column::CREATED)?);
        with_row(ask, v2, of, row, &progress, &mut scratch, |read, out| {
            if read.kind.is_message() {
                translate(read, of, &progress.place(), Wanted::Messages, Ending::Bare, out);
            }
        })?;
        progress.pass(row)?;
        let lent = scratch.lend(each);
        if lent.is_break() {
            return Ok(lent);
        }
    }
    Ok(match marked(set.sighting(of.clone(), sequence)) {
        Some(set) => each(Lent::Set(set)),
        None => ControlFlow::Continue(()),
    })
}

impl Gathered {
    /// Lends what was gathered, and forgets it.
    pub(crate) fn lend(&mut self, each: &mut EachLent<'_>) -> ControlFlow<()> {
        let mut lent = ControlFlow::Continue(());
        for (key, issue) in self.issues.drain(..) {
            if lent.is_continue() {
                lent = each(Lent::Issue(key, issue));
            }
        }
        for row in self.rows.drain(..) {
            if lent.is_break() {
                break;
            }
            let Some(piece) = &row.piece else { continue };
            let (bytes, named) = (self.arena.bytes(piece), &|| Ok(row.key.clone()));
            let (order, stamp, settled) = (row.order, piece.stamp, piece.settled);
            lent = each(Lent::Record(LentRecord { named, order, bytes, stamp, settled }));
        }
        self.arena.clear();
        lent
    }
}
