//! Reads rows as they are stored, and sessions as 2.x itself exports them
//! (`docs/format/opencode-v2.md`, sections 2 to 4).

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_id::{EntityKey, OrderKey, SessionId, SessionKey};

use crate::cells::bytes;
use crate::error::Result;
use crate::fields::{self, has_value};
use crate::json::{Object, splice_api};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::row_kind::RowKind;
use crate::schema::tables::session::SessionColumn;
use crate::schema::v2::{V2Schema, row_column};
use crate::sessions::list::session_by_id_as;
use crate::v2::ids::row_ids_of_message;
use crate::v2::progress::Progress;
use crate::v2::rows::with_row;
use crate::v2::translate::{has_field, is_settled};
use crate::values::Values;

/// Reads the row that an entity is made from, with its columns. Adds nothing if the entity is not
/// made from a row.
pub(crate) fn raw_row(
    context: &QueryContext<'_>,
    key: &EntityKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(v2) = &context.schema.v2 else { return Ok(()) };
    let (ids, session): (Vec<&str>, _) = match key {
        EntityKey::Message(key) => (row_ids_of_message(&key.message).collect(), Some(&key.session)),
        EntityKey::Part(key) => (row_ids_of_message(&key.message).collect(), None),
        EntityKey::Item(key) => (vec![key.item.as_str()], Some(&key.session)),
        _ => return Ok(()),
    };
    for (at, id) in ids.iter().enumerate() {
        // All ids but the last belong to a compaction whose summary may have this name.
        let is_summary = at + 1 < ids.len();
        let result = context.for_each_row(&v2.by_id_in_any_session, [id], |row| {
            let owner = bytes(row, row_column::SESSION_OR_SEQUENCE)?;
            let is_compaction =
                RowKind::from_name(bytes(row, row_column::KIND)?) == RowKind::Compaction;
            if session.is_none_or(|session| session.as_bytes() == owner)
                && (is_compaction || !is_summary)
            {
                push_stored_row(context, v2, key, row, out)?;
            }
            Ok(())
        });
        out.note_damage(context, Some(key.clone()), result)?;
        if !out.rows.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Writes a row with its columns.
fn push_stored_row(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    key: &EntityKey,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let about = || Some(key.clone());
    let session_id =
        out.id(context, row, row_column::SESSION_OR_SEQUENCE, SessionId::from_bytes, about)?;
    let Some(session) = session_id.map(SessionKey::from) else { return Ok(()) };
    let (seq, created) = (row.get_ref(row_column::SEQ)?, row.get_ref(row_column::CREATED)?);
    with_row(context, v2, &session, row, &Progress::without_directory(), out, |v2_row, out| {
        let piece = out.arena.append(v2_row.stamp, v2_row.settled, |bytes| {
            let mut record = Object::begin(bytes);
            record.text("id", v2_row.id.as_bytes());
            record.text("session_id", session.session.as_bytes());
            record.text("type", v2_row.kind_name).value("seq", seq);
            record.value("time_created", created);
            record.value("time_updated", ValueRef::Integer(v2_row.updated));
            record.json("data", ValueRef::Text(v2_row.data));
            record.end();
        });
        out.rows.push(Row::new(key.clone(), OrderKey::default(), Some(piece)));
    })
}

/// Writes what `opencode session export` of 2.x prints: `{info, messages}`. The messages have the
/// form of the API, without the messages that are still being written. Writes nothing if the
/// session has no record in 2.x.
pub(crate) fn session(
    context: &QueryContext<'_>,
    v2: &V2Schema,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let mut head = QueryOutput::default();
    let result = session_by_id_as(context, session.session.as_str(), info, &mut head);
    out.note_damage(context, Some(session.clone().into()), result)?;
    out.issues.append(&mut head.issues);
    let piece = head.rows.first().and_then(|row| row.piece.as_ref());
    let Some(piece) = piece else { return Ok(()) };
    let (stamp, settled) = (piece.stamp, piece.settled);
    let mut json = head.arena.bytes(piece).to_vec();
    json.extend_from_slice(b",\"messages\":[");
    let mut is_first = true;
    let result = context.for_each_row(&v2.by_session, [session.session.as_str()], |row| {
        with_row(context, v2, session, row, &Progress::without_directory(), out, |v2_row, _| {
            if is_settled(v2_row) {
                if !std::mem::take(&mut is_first) {
                    json.push(b',');
                }
                splice_api(&mut json, v2_row.data, v2_row.kind_name, v2_row.id.as_bytes());
            }
        })
    });
    out.note_damage(context, Some(session.clone().into()), result)?;
    json.extend_from_slice(b"]}");
    let piece = out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(&json));
    out.rows.push(Row::new(session.clone(), OrderKey::default(), Some(piece)));
    Ok(())
}

/// Writes `{"info": …` in the form of the API, from the columns of a session.
fn info(values: &Values<'_>, out: &mut Vec<u8>) {
    use SessionColumn as C;
    let value = |column: C| values.all[column.at()];
    out.extend_from_slice(b"{\"info\":");
    let mut info = Object::begin(out);
    info.value("id", value(C::Id)).value("parentID", value(C::Parent));
    if has_value(&value(C::Fork)) && has_value(&value(C::Boundary)) {
        info.object("fork", |fork| {
            fork.value("sessionID", value(C::Fork)).json("boundary", value(C::Boundary));
        });
    }
    info.value("projectID", value(C::Project)).value("agent", value(C::Agent));
    let model = with_variant(value(C::Model));
    info.json("model", model.as_deref().map_or(value(C::Model), ValueRef::Text));
    info.value("cost", value(C::Cost));
    let tokens = C::Input.at()..=C::CacheWrite.at();
    fields::write(&mut info, &C::ALL[tokens.clone()], &values.all[tokens]);
    info.value("outcome", value(C::Outcome));
    info.object("time", |time| {
        time.value("created", value(C::Created)).value("updated", value(C::Updated));
        time.value("idle", value(C::Idle)).value("viewed", value(C::Viewed));
        time.value("archived", value(C::Archived));
    });
    info.value("title", value(C::Title));
    info.object("location", |location| {
        location.value("directory", value(C::Directory)).value("workspaceID", value(C::Workspace));
    });
    if has_value(&value(C::Path)) {
        info.value("subpath", value(C::Path));
    }
    info.json("metadata", value(C::Metadata)).json("permissions", value(C::Permission));
    info.json("revert", value(C::Revert));
    info.end();
}

/// Returns a model with the default variant, as the API shows it, or `None` if the model has a
/// variant.
fn with_variant(model: ValueRef<'_>) -> Option<Vec<u8>> {
    let ValueRef::Text(model) = model else { return None };
    let open = model.trim_ascii().strip_suffix(b"}")?;
    (has_field(model, b"variant") == Some(false)).then(|| {
        let comma: &[u8] = if open.trim_ascii_end() == b"{" { b"" } else { b"," };
        [open, comma, b"\"variant\":\"default\"}"].concat()
    })
}
