//! Entities by key.

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;

use super::{messages, parts};
use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::sessions::list;
use crate::v1::{projects, share, todo};

pub(crate) fn spans(
    ask: &QueryContext<'_>,
    keys: &[EntityKey],
    out: &mut QueryOutput,
) -> Result<()> {
    for key in keys {
        let (rows, issues) = (out.rows.len(), out.issues.len());
        let asked = match key {
            EntityKey::Project(id) => projects::project_by_id(ask, id.as_str(), out),
            EntityKey::Session(of) => list::session_by_id(ask, of.session.as_str(), out),
            EntityKey::Message(of) => messages::message(ask, of, out),
            EntityKey::Part(of) => parts::part(ask, of, out),
            EntityKey::Item(of) => messages::item(ask, of, out),
            EntityKey::Todo(of) => todo::todo(ask, of, out),
            EntityKey::Share(of) => share::share(ask, of, out),
            _ => Ok(()), // diffs are files
        };
        out.note_damage(ask, Some(key.clone()), asked)?;
        if out.rows.len() == rows && out.issues.len() == issues {
            out.note(Some(key.clone()), ask, IssueKind::Vanished);
        }
    }
    Ok(())
}
