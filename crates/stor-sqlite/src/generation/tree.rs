//! All of one session.

use scrollback_core_id::SessionKey;
use scrollback_stor_mmap::Arena;

use super::messages::waiting;
use crate::ask::Ask;
use crate::error::Result;
use crate::gathered::Gathered;
use crate::generation::between::{in_order, put_between};
use crate::generation::whose::{Whose, whose};
use crate::sessions;
use crate::v1::tree;
use crate::v2::rows::{self, Of};

/// All of one session: its record, its messages and their parts, and what happened besides.
pub(crate) fn tree(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    out.arena = Arena::with_capacity(tree::USUAL);
    let asked = sessions::list::one(ask, of.session.as_str(), out);
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    let first = out.rows.len();
    match whose(ask, of)? {
        Whose::V1 => {
            tree::messages(ask, of, out)?;
            if let Some(v2) = &ask.schema.v2 {
                waiting(ask, v2, of, out)?; // there are no rows, and maybe prompts
            }
        }
        Whose::V2(v2) => {
            rows::rows(ask, v2, of, Of::EVERYTHING, out)?;
            waiting(ask, v2, of, out)?;
        }
        Whose::Both(v2) => {
            tree::messages(ask, of, out)?;
            out.rows[first..].iter_mut().for_each(put_between);
            rows::rows(ask, v2, of, Of::EVERYTHING, out)?;
            waiting(ask, v2, of, out)?;
        }
    }
    out.set = None; // the set is for scans
    let mut rest = out.rows.split_off(first);
    in_order(&mut rest);
    out.rows.append(&mut rest);
    Ok(())
}
