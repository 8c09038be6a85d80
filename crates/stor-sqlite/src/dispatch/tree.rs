//! All of one session.

use scrollback_core_id::SessionKey;
use scrollback_stor_mmap::Arena;

use super::messages::pending_items_or_issue;
use crate::dispatch::merge::{set_merged_order, sort_rows};
use crate::dispatch::session_format::{SessionFormat, format_of_session};
use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::sessions;
use crate::v1::tree;
use crate::v2::rows::{self, RowSelection};

/// All of one session: its record, its messages and their parts, and what happened besides.
pub(crate) fn tree(ask: &QueryContext<'_>, of: &SessionKey, out: &mut QueryOutput) -> Result<()> {
    out.arena = Arena::with_capacity(tree::INITIAL_CAPACITY);
    let asked = sessions::list::session_by_id(ask, of.session.as_str(), out);
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    let first = out.rows.len();
    match format_of_session(ask, of)? {
        SessionFormat::V1 => {
            tree::messages(ask, of, out)?;
            if let Some(v2) = &ask.schema.v2 {
                pending_items_or_issue(ask, v2, of, out)?; // there are no rows, and maybe prompts
            }
        }
        SessionFormat::V2(v2) => {
            rows::session_rows(ask, v2, of, RowSelection::EVERYTHING, out)?;
            pending_items_or_issue(ask, v2, of, out)?;
        }
        SessionFormat::Both(v2) => {
            tree::messages(ask, of, out)?;
            out.rows[first..].iter_mut().for_each(set_merged_order);
            rows::session_rows(ask, v2, of, RowSelection::EVERYTHING, out)?;
            pending_items_or_issue(ask, v2, of, out)?;
        }
    }
    out.set = None; // the set is for scans
    let mut rest = out.rows.split_off(first);
    sort_rows(&mut rest);
    out.rows.append(&mut rest);
    Ok(())
}
