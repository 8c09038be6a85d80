//! Reads entities by their keys.

use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;

use super::{messages, parts};
use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::sessions::list;
use crate::suspicion::Suspicion;
use crate::v1::{projects, share, todo};

/// Reads the entities with these keys. A key without an entity becomes an issue.
pub(crate) fn spans(
    context: &QueryContext<'_>,
    keys: &[EntityKey],
    out: &mut QueryOutput,
) -> Result<()> {
    for key in keys {
        let (rows, issues) = (out.rows.len(), out.issues.len());
        let result = match key {
            EntityKey::Project(id) => projects::project_by_id(context, id.as_str(), out),
            EntityKey::Session(session) => {
                list::session_by_id(context, session.session.as_str(), out)
            }
            EntityKey::Message(message) => messages::message(context, message, out),
            EntityKey::Part(part) => parts::part(context, part, out),
            EntityKey::Item(item) => messages::item(context, item, out),
            EntityKey::Todo(session) => todo::todo(context, session, out),
            EntityKey::Share(session) => share::share(context, session, out),
            _ => Ok(()), // diffs are files and not rows
        };
        out.note_damage(context, Some(key.clone()), result)?;
        if out.rows.len() == rows && out.issues.len() == issues {
            match key {
                EntityKey::Session(_) => context.suspicions.add(Suspicion::NoSession),
                // Callers know the id from a list, which another index answers.
                EntityKey::Message(_) | EntityKey::Item(_) => {
                    context.suspicions.add(Suspicion::CheckMessages);
                }
                _ => {}
            }
            out.note(Some(key.clone()), context, IssueKind::Vanished);
        }
    }
    Ok(())
}
