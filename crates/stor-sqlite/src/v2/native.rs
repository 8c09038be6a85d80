//! Rows as they are stored, and sessions as 2.x itself shows them (`docs/format/opencode-v2.md`,
//! sections 2 to 4).

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

/// The row that an entity is made from, with its columns; nothing if it is made from none.
pub(crate) fn raw_row(
    ask: &QueryContext<'_>,
    key: &EntityKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let Some(v2) = &ask.schema.v2 else { return Ok(()) };
    let (ids, session): (Vec<&str>, _) = match key {
        EntityKey::Message(key) => (row_ids_of_message(&key.message).collect(), Some(&key.session)),
        EntityKey::Part(key) => (row_ids_of_message(&key.message).collect(), None),
        EntityKey::Item(key) => (vec![key.item.as_str()], Some(&key.session)),
        _ => return Ok(()),
    };
    for (at, of) in ids.iter().enumerate() {
        // What is called as a summary is may be one, of a compaction.
        let is_summary = at + 1 < ids.len();
        let asked = ask.for_each_row(&v2.by_id_in_any_session, [of], |row| {
            let of = bytes(row, row_column::SESSION_OR_SEQUENCE)?;
            let is_compaction =
                RowKind::from_name(bytes(row, row_column::KIND)?) == RowKind::Compaction;
            if session.is_none_or(|it| it.as_bytes() == of) && (is_compaction || !is_summary) {
                push_stored_row(ask, v2, key, row, out)?;
            }
            Ok(())
        });
        out.note_damage(ask, Some(key.clone()), asked)?;
        if !out.rows.is_empty() {
            break;
        }
    }
    Ok(())
}

/// A row with its columns.
fn push_stored_row(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    key: &EntityKey,
    row: &SqlRow<'_>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let about = || Some(key.clone());
    let session =
        out.id(ask, row, row_column::SESSION_OR_SEQUENCE, SessionId::from_bytes, about)?;
    let Some(of) = session.map(SessionKey::from) else { return Ok(()) };
    let (seq, created) = (row.get_ref(row_column::SEQ)?, row.get_ref(row_column::CREATED)?);
    with_row(ask, v2, &of, row, &Progress::without_directory(), out, |read, out| {
        let piece = out.arena.append(read.stamp, read.settled, |bytes| {
            let mut record = Object::begin(bytes);
            record.text("id", read.id.as_bytes());
            record.text("session_id", of.session.as_bytes());
            record.text("type", read.kind_name).value("seq", seq);
            record.value("time_created", created);
            record.value("time_updated", ValueRef::Integer(read.updated));
            record.json("data", ValueRef::Text(read.data));
            record.end();
        });
        out.rows.push(Row::new(key.clone(), OrderKey::default(), Some(piece)));
    })
}

/// What `opencode session export` of 2.x prints: `{info, messages}`, the messages as its API has
/// them, those that are still being written left out. Nothing if the session is none of 2.x.
pub(crate) fn session(
    ask: &QueryContext<'_>,
    v2: &V2Schema,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let mut read = QueryOutput::default();
    let asked = session_by_id_as(ask, of.session.as_str(), info, &mut read);
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    out.issues.append(&mut read.issues);
    let piece = read.rows.first().and_then(|row| row.piece.as_ref());
    let Some(piece) = piece else { return Ok(()) };
    let (stamp, settled) = (piece.stamp, piece.settled);
    let mut all = read.arena.bytes(piece).to_vec();
    all.extend_from_slice(b",\"messages\":[");
    let mut is_first = true;
    let asked = ask.for_each_row(&v2.by_session, [of.session.as_str()], |row| {
        with_row(ask, v2, of, row, &Progress::without_directory(), out, |read, _| {
            if is_settled(read) {
                if !std::mem::take(&mut is_first) {
                    all.push(b',');
                }
                splice_api(&mut all, read.data, read.kind_name, read.id.as_bytes());
            }
        })
    });
    out.note_damage(ask, Some(of.clone().into()), asked)?;
    all.extend_from_slice(b"]}");
    let piece = out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(&all));
    out.rows.push(Row::new(of.clone(), OrderKey::default(), Some(piece)));
    Ok(())
}

/// `{"info": …` as the API has it, of the columns of a session.
fn info(values: &Values<'_>, out: &mut Vec<u8>) {
    use SessionColumn as C;
    let of = |column: C| values.all[column.at()];
    out.extend_from_slice(b"{\"info\":");
    let mut info = Object::begin(out);
    info.value("id", of(C::Id)).value("parentID", of(C::Parent));
    if has_value(&of(C::Fork)) && has_value(&of(C::Boundary)) {
        info.object("fork", |to| {
            to.value("sessionID", of(C::Fork)).json("boundary", of(C::Boundary));
        });
    }
    info.value("projectID", of(C::Project)).value("agent", of(C::Agent));
    let model = with_variant(of(C::Model));
    info.json("model", model.as_deref().map_or(of(C::Model), ValueRef::Text));
    info.value("cost", of(C::Cost));
    let tokens = C::Input.at()..=C::CacheWrite.at();
    fields::write(&mut info, &C::ALL[tokens.clone()], &values.all[tokens]);
    info.value("outcome", of(C::Outcome));
    info.object("time", |time| {
        time.value("created", of(C::Created)).value("updated", of(C::Updated));
        time.value("idle", of(C::Idle)).value("viewed", of(C::Viewed));
        time.value("archived", of(C::Archived));
    });
    info.value("title", of(C::Title));
    info.object("location", |location| {
        location.value("directory", of(C::Directory)).value("workspaceID", of(C::Workspace));
    });
    if has_value(&of(C::Path)) {
        info.value("subpath", of(C::Path));
    }
    info.json("metadata", of(C::Metadata)).json("permissions", of(C::Permission));
    info.json("revert", of(C::Revert));
    info.end();
}

/// A model with the variant that the API gives to one that has none; nothing if it has one.
fn with_variant(model: ValueRef<'_>) -> Option<Vec<u8>> {
    let ValueRef::Text(model) = model else { return None };
    let open = model.trim_ascii().strip_suffix(b"}")?;
    (has_field(model, b"variant") == Some(false)).then(|| {
        let comma: &[u8] = if open.trim_ascii_end() == b"{" { b"" } else { b"," };
        [open, comma, b"\"variant\":\"default\"}"].concat()
    })
}
