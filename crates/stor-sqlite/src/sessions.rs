//! Sessions: records assembled from columns, as `docs/format/opencode.md`, section 5
//! maps them.

use std::cmp::Reverse;

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, OrderKey, ProjectId, SessionId, SessionKey, Stamp};
use scrollback_core_type::Provenance;
use scrollback_stor_mmap::Settled;

use crate::ask::{Ask, Gathered, Row, bytes, project, whole};
use crate::columns::{SessionColumn, nano_dollars};
use crate::error::{Result, is_damage};
use crate::json::Object;
use crate::messages::too_large;
use crate::provenance::Provenances;
use crate::v2::schema::V2Schema;

/// The records of all sessions, or of one project's, newest first.
pub(crate) fn sessions(ask: &Ask<'_>, of: Option<&ProjectId>, out: &mut Gathered) -> Result<()> {
    let places = Provenances::default();
    let asked = match of {
        None => ask.each(&ask.schema.sessions.select("", "1"), [], |row| {
            session_row(ask, &places, row, session_json, out)
        }),
        Some(of) => {
            let sql = ask.schema.sessions.select("", "project_id = ?1");
            ask.each(&sql, [of.as_str()], |row| session_row(ask, &places, row, session_json, out))
        }
    };
    match asked {
        Err(error) if is_damage(&error) => salvage(ask, of, out)?,
        asked => asked?,
    }
    newest_first(out);
    Ok(())
}

/// Pages of the table are damaged: each session by itself, as the index of ids has them.
fn salvage(ask: &Ask<'_>, of: Option<&ProjectId>, out: &mut Gathered) -> Result<()> {
    out.rows.clear();
    out.issues.clear();
    for id in ids(ask, out)? {
        let before = out.rows.len();
        let asked = one(ask, &id, out);
        let key = SessionId::new(&id).ok().map(|id| EntityKey::Session(id.into()));
        out.note_damage(ask, key, asked)?;
        let is_wanted = |row: &Row| of.is_none() || row.project.as_ref() == of;
        if out.rows.get(before).is_some_and(|row| !is_wanted(row)) {
            out.rows.truncate(before);
        }
    }
    Ok(())
}

/// The ids of all sessions, as their index has them.
pub(crate) fn ids(ask: &Ask<'_>, out: &mut Gathered) -> rusqlite::Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for table in ask.schema.sessions.names() {
        let sql = format!("SELECT id FROM {table} ORDER BY id");
        let listed = ask.each(&sql, [], |row| {
            ids.push(String::from_utf8_lossy(bytes(row, 0)?).into_owned());
            Ok(())
        });
        out.note_damage(ask, None, listed)?;
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The record of one session, if it is there.
pub(crate) fn one(ask: &Ask<'_>, session: &str, out: &mut Gathered) -> rusqlite::Result<()> {
    one_as(ask, session, session_json, out)
}

/// What `write` makes of the columns of one session, if it is there.
pub(crate) fn one_as(
    ask: &Ask<'_>,
    session: &str,
    write: Write,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let ways = ask.schema.session_one.each_ref().map(String::as_str);
    let places = Provenances::default();
    out.by_either(ways, |sql, out| {
        ask.each(sql, [session], |row| session_row(ask, &places, row, write, out))
    })
}

/// Makes a record of the columns of a session.
pub(crate) type Write = fn(&mut Columns<'_>, &mut Vec<u8>) -> rusqlite::Result<()>;

/// Whether there is a record of a session.
pub(crate) fn holds(ask: &Ask<'_>, session: &SessionKey) -> Result<bool> {
    let mut found = false;
    let mut look = |ways: [&str; 2]| {
        let look = |sql: &str, _: &mut Gathered| {
            ask.each(sql, [session.session.as_str()], |_| {
                found = true;
                Ok(())
            })
        };
        Gathered::default().by_either(ways, look).map(|()| found)
    };
    let records = ["", "NOT INDEXED"].map(|way| ask.schema.sessions.column("1", way, "id = ?1"));
    let v2 = ask.schema.v2.is_some();
    Ok(look(records.each_ref().map(String::as_str))?
        || ask.schema.has_messages
            && look([
                "SELECT 1 FROM message WHERE session_id = ?1 LIMIT 1",
                "SELECT 1 FROM message NOT INDEXED WHERE session_id = ?1 LIMIT 1",
            ])?
        || v2 && look(crate::generation::HAS_ROWS)?)
}

/// The tables of 2.x, if a session has its record there.
pub(crate) fn is_v2<'v>(
    ask: &Ask<'v>,
    session: &SessionKey,
) -> rusqlite::Result<Option<&'v V2Schema>> {
    let Some(v2) = ask.schema.v2.as_ref().filter(|v2| !v2.is_preview) else { return Ok(None) };
    let mut found = false;
    ask.each("SELECT 1 FROM session_v2 WHERE id = ?1", [session.session.as_str()], |_| {
        found = true;
        Ok(())
    })?;
    Ok(found.then_some(v2))
}

pub(crate) fn newest_first(out: &mut Gathered) {
    out.rows.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
}

/// A row of [`SessionColumn`], the time of its last change, and where there is something of it.
fn session_row(
    ask: &Ask<'_>,
    places: &Provenances,
    row: &SqlRow<'_>,
    write: Write,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let Some(key) = out.session(ask, row, 0)? else { return Ok(()) };
    let created = whole(row, SessionColumn::Created.at())?;
    let provenance = places.of(ask, row, SessionColumn::ALL.len() + 1, created)?;
    let (stamp, settled) = stamp(ask, row, &provenance)?;
    let mut columns = Columns::new(ask, row, SessionColumn::ALL);
    let mut filled = Ok(());
    let piece = out.arena.append(stamp, settled, |bytes| {
        filled = write(&mut columns, bytes);
    });
    filled?;
    columns.note(&key.clone().into(), out);
    let order = OrderKey(whole(row, SessionColumn::ALL.len())?);
    out.rows.push(Row {
        project: project(row, SessionColumn::Project.at())?,
        provenance,
        ..Row::new(key, order, Some(piece))
    });
    Ok(())
}

/// The stamp of a session's row: what its query by itself says, without the texts.
fn stamp(
    ask: &Ask<'_>,
    row: &SqlRow<'_>,
    provenance: &Provenance,
) -> rusqlite::Result<(Stamp, Settled)> {
    let mut size = 0_i64;
    for column in SessionColumn::STAMPED {
        size = size.wrapping_add(match row.get_ref(column.at())? {
            ValueRef::Text(text) | ValueRef::Blob(text) => text.len() as i64,
            ValueRef::Integer(size) if ask.schema.cap.is_some() => size,
            ValueRef::Integer(number) => number.to_string().len() as i64,
            _ => 0,
        });
    }
    // As SQLite adds: whole numbers, until one is none or their sum is too large.
    let (mut whole_sum, mut sum) = (Some(0_i64), 0.0);
    let cost = match row.get_ref(SessionColumn::Cost.at())? {
        ValueRef::Integer(cost) => nano_dollars(cost as f64),
        ValueRef::Real(cost) => nano_dollars(cost),
        _ => 0,
    };
    let counts = SessionColumn::COUNTED.iter().map(|column| row.get_ref(column.at()));
    for count in counts.chain([Ok(ValueRef::Integer(cost))]) {
        let (whole, more) = match count? {
            ValueRef::Integer(count) => (Some(count), count as f64),
            ValueRef::Real(count) => (None, count),
            _ => (Some(0), 0.0),
        };
        sum = whole_sum.map_or(sum, |sum| sum as f64) + more;
        whole_sum = whole_sum.zip(whole).and_then(|(sum, more)| sum.checked_add(more));
    }
    let counts = whole_sum.unwrap_or(sum as i64);
    let updated = whole(row, SessionColumn::ALL.len())?;
    let more = placed(counts.cast_unsigned(), provenance);
    Ok(ask.stamp(size.cast_unsigned(), updated, more))
}

/// What the stamp of a session's row says besides its time and size: what the row counts, and where
/// the session is, which may change while the row does not.
pub(crate) fn placed(counts: u64, provenance: &Provenance) -> u64 {
    counts.wrapping_add(u64::from(provenance.bits()) << 40)
}

/// The columns of a row, less the texts that are too large.
pub(crate) struct Columns<'r> {
    ask: &'r Ask<'r>,
    row: &'r SqlRow<'r>,
    names: &'static [&'static str],
    too_large: Vec<(&'static str, u64)>,
}

impl<'r> Columns<'r> {
    pub(crate) fn new(
        ask: &'r Ask<'r>,
        row: &'r SqlRow<'r>,
        names: &'static [&'static str],
    ) -> Self {
        Self { ask, row, names, too_large: Vec::new() }
    }

    pub(crate) fn number(&self, at: usize) -> rusqlite::Result<ValueRef<'r>> {
        self.row.get_ref(at)
    }

    pub(crate) fn text(&mut self, at: usize) -> rusqlite::Result<ValueRef<'r>> {
        let value = self.row.get_ref(at)?;
        let Some(size) = too_large(self.ask, value) else { return Ok(value) };
        self.too_large.push((self.names[at], size));
        Ok(ValueRef::Null)
    }

    /// What a session counts of tokens, as [`tokens`] writes it.
    pub(crate) fn counts(&self) -> rusqlite::Result<[ValueRef<'r>; 5]> {
        use SessionColumn as C;
        let mut counts = [ValueRef::Null; 5];
        let columns = [C::Input, C::Output, C::Reasoning, C::CacheRead, C::CacheWrite];
        for (count, column) in counts.iter_mut().zip(columns) {
            *count = self.number(column.at())?;
        }
        Ok(counts)
    }

    pub(crate) fn note(self, key: &EntityKey, out: &mut Gathered) {
        for (column, size) in self.too_large {
            let mut issue = self.ask.issue(IssueKind::TooLarge { size, limit: self.ask.max_len() });
            issue.place.field = Some(column.to_owned());
            out.issues.push((Some(key.clone()), issue));
        }
    }
}

fn session_json(columns: &mut Columns<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
    use SessionColumn as C;
    let column = |column: C| columns.number(column.at());
    let updated = columns.number(C::ALL.len())?;
    let [created, compacting, archived] =
        [column(C::Created)?, column(C::Compacting)?, column(C::Archived)?];
    let [idle, viewed, suspended] = [column(C::Idle)?, column(C::Viewed)?, column(C::Suspended)?];
    let lines = [column(C::Additions)?, column(C::Deletions)?, column(C::Files)?];
    let cost = column(C::Cost)?;
    let counts = columns.counts()?;
    let mut text = |column: C| columns.text(column.at());

    let mut info = Object::begin(out);
    for (name, from) in [
        ("id", C::Id),
        ("slug", C::Slug),
        ("version", C::Version),
        ("projectID", C::Project),
        ("workspaceID", C::Workspace),
        ("parentID", C::Parent),
        ("directory", C::Directory),
        ("path", C::Path),
        ("title", C::Title),
        ("agent", C::Agent),
    ] {
        info.value(name, text(from)?);
    }
    info.json("model", text(C::Model)?);
    info.object("time", |time| {
        time.value("created", created).value("updated", updated);
        time.value("compacting", compacting).value("archived", archived);
        time.value("idle", idle).value("viewed", viewed).value("suspended", suspended);
    });
    let diffs = text(C::Diffs)?;
    if lines.iter().any(is_there) || is_there(&diffs) {
        info.object("summary", |summary| {
            summary.number("additions", lines[0]).number("deletions", lines[1]);
            summary.number("files", lines[2]).json("diffs", diffs);
        });
    }
    let url = text(C::ShareUrl)?;
    if is_there(&url) {
        info.object("share", |share| {
            share.value("url", url);
        });
    }
    info.json("permission", text(C::Permission)?).json("revert", text(C::Revert)?);
    info.value("cost", cost);
    if is_there(&counts[0]) {
        tokens(&mut info, counts);
    }
    info.json("metadata", text(C::Metadata)?);
    let (fork, boundary) = (text(C::Fork)?, text(C::Boundary)?);
    if is_there(&fork) {
        info.object("fork", |to| {
            to.value("sessionID", fork).json("boundary", boundary);
        });
    }
    info.value("outcome", text(C::Outcome)?);
    info.end();
    Ok(())
}

/// Writes what a session counts of tokens.
pub(crate) fn tokens(info: &mut Object<'_>, counts: [ValueRef<'_>; 5]) {
    let [input, output, reasoning, read, write] = counts;
    info.object("tokens", |tokens| {
        tokens.number("input", input).number("output", output);
        tokens.number("reasoning", reasoning).object("cache", |cache| {
            cache.number("read", read).number("write", write);
        });
    });
}

pub(crate) fn is_there(value: &ValueRef<'_>) -> bool {
    !matches!(value, ValueRef::Null | ValueRef::Text(b""))
}
