//! Writes a database as opencode 2.x does: upgrades a database of 1.18, migrates sessions one by one,
//! and writes rows.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::world::DbWorld;

/// The schema of opencode 2.0.
pub(crate) const SCHEMA: &str = include_str!("../../../../../fixtures/schema/opencode-2.0.sql");

/// Drops the tables that the upgrade drops.
const DROP_OLD_TABLES: &str = "DROP TABLE session_message; DROP TABLE session_input;
    DROP TABLE session_context_epoch; DELETE FROM event;
    ALTER TABLE event ADD COLUMN created integer DEFAULT 0 NOT NULL;";

/// Counts the rows of a session in 2.x: one if it was migrated, or created by 2.x.
const COUNT_V2_SESSIONS: &str = "SELECT count(*) FROM session_v2 WHERE id = ?1";

const PUT_SESSION: &str = "INSERT INTO session_v2 (id, project_id, parent_id, slug, directory,
    title, version, time_created, time_updated) VALUES (?1, ?2, ?3, 's', '/w', ?4, '2.0', 1, ?5)
    ON CONFLICT (id) DO UPDATE SET project_id = ?2, parent_id = ?3, title = ?4, time_updated = ?5";

const PUT_ROW: &str = "INSERT INTO session_message (id, session_id, type, seq, time_created,
    time_updated, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (id) DO UPDATE SET type = ?3, time_updated = ?6, data = ?7";

/// Increments the number of a session's last event, and returns it.
const NEXT_EVENT_SEQ: &str = "INSERT INTO event_sequence (aggregate_id, seq) VALUES (?1, 0)
    ON CONFLICT (aggregate_id) DO UPDATE SET seq = seq + 1 RETURNING seq";

/// Returns the type and data of a row. `value` selects the type.
fn message_row(created: u8, value: u8) -> (&'static str, Value) {
    let time = json!({"created": created});
    match value % 7 {
        6 => ("idle", json!({"time": time, "outcome": "succeeded"})),
        5 => ("agent-switched", json!({"time": time, "agent": format!("a{value}")})),
        even if even % 2 == 0 => {
            ("user", json!({"time": time, "text": "x".repeat(usize::from(value))}))
        }
        _ => ("assistant", answer_data(created, &["x".repeat(usize::from(value))])),
    }
}

fn answer_data(created: u8, texts: &[String]) -> Value {
    let content: Vec<Value> =
        texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
    json!({
        "agent": "build", "model": {"id": "m", "providerID": "p"}, "content": content,
        "cost": 0.5, "time": {"created": created, "completed": 9}, "finish": "stop",
        "tokens": {"input": texts.len(), "output": 1, "reasoning": 0,
            "cache": {"read": 2, "write": 3}},
    })
}

impl DbWorld {
    /// Upgrades the agent. No session is migrated yet.
    pub(crate) fn upgrade(&mut self) {
        if self.is_upgraded {
            return;
        }
        let db = self.writer();
        db.execute_batch(&format!("BEGIN; {DROP_OLD_TABLES}")).unwrap();
        for statement in SCHEMA.split(";\n") {
            match db.execute_batch(statement) {
                Err(error) if !error.to_string().contains("already exists") => panic!("{error}"),
                _ => {}
            }
        }
        db.execute_batch("COMMIT").unwrap();
        self.is_upgraded = true;
        self.set_migration_phase("sessions");
    }

    /// Sets the phase of the migration.
    pub(crate) fn set_migration_phase(&mut self, phase: &str) {
        if self.is_upgraded {
            let (now, value) = (self.now_ms(), json!({"phase": phase}).to_string());
            let put = "INSERT INTO kv VALUES ('migration.v1-v2', ?1, 1, ?2)
                ON CONFLICT (key) DO UPDATE SET value = ?1, time_updated = ?2";
            self.writer().execute(put, params![value, now]).unwrap();
            self.stamp_files();
        }
    }

    /// Migrates one session from 1.x to 2.x. Its rows of 1.x stay.
    pub(crate) fn migrate(&mut self, s: u8) {
        let id = format!("ses_{s}");
        if !self.is_upgraded || self.is_v2(s) || !self.has_session(s) {
            return;
        }
        let db = self.writer();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        db.execute(
            "INSERT INTO session_v2 (id, project_id, parent_id, slug, directory, title, version,
                time_created, time_updated) SELECT id, project_id, parent_id, slug, directory,
                title, version, time_created, time_updated FROM session WHERE id = ?1",
            [&id],
        )
        .unwrap();
        let mut statement = db
            .prepare("SELECT id, time_created FROM message WHERE session_id = ?1 ORDER BY 2, 1")
            .unwrap();
        let messages = statement.query_map([&id], |row| Ok((row.get(0)?, row.get(1)?)));
        for (seq, message) in (0..).zip(messages.unwrap()) {
            let (message, created): (String, u8) = message.unwrap();
            let mut texts = db
                .prepare("SELECT data ->> 'text' FROM part WHERE message_id = ?1 ORDER BY id")
                .unwrap();
            let texts = texts.query_map([&message], |row| row.get(0)).unwrap();
            let texts: Vec<String> = texts.map(Result::unwrap).collect();
            let data = answer_data(created, &texts);
            put_row(db, &message, &id, "assistant", seq, [created.into(), 3], &data);
        }
        drop(statement);
        let last = "INSERT INTO event_sequence (aggregate_id, seq)
            SELECT ?1, coalesce(max(seq), 0) FROM session_message WHERE session_id = ?1
            ON CONFLICT (aggregate_id) DO UPDATE SET seq = max(seq, excluded.seq) + 1";
        db.execute(last, [&id]).unwrap();
        db.execute_batch("COMMIT").unwrap();
        self.stamp_files();
    }

    /// Checks whether 2.x writes this session.
    pub(crate) fn is_v2(&mut self, s: u8) -> bool {
        let id = format!("ses_{s}");
        self.is_upgraded && count_rows(self.writer(), COUNT_V2_SESSIONS, &id) > 0
    }

    /// Runs statements in one transaction, with the next event number of the session.
    fn change_v2(&mut self, s: u8, run: impl FnOnce(&Connection, i64, i64)) {
        let now = self.now_ms();
        let db = self.writer();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        let seq = db.query_row(NEXT_EVENT_SEQ, [format!("ses_{s}")], |row| row.get(0)).unwrap();
        run(db, now, seq);
        db.execute_batch("COMMIT").unwrap();
        self.stamp_files();
    }

    pub(crate) fn put_session_v2(&mut self, p: u8, s: u8, v: u8, parent: Option<String>) {
        self.change_v2(s, |db, now, _| {
            let values =
                params![format!("ses_{s}"), format!("p{p}"), parent, format!("title {v}"), now];
            db.execute(PUT_SESSION, values).unwrap();
        });
    }

    /// Removes a session from 2.x. Its rows of 1.x stay.
    pub(crate) fn remove_session_v2(&mut self, s: u8) {
        let id = format!("ses_{s}");
        self.writer()
            .execute_batch(&format!(
                "BEGIN; DELETE FROM session_v2 WHERE id = '{id}';
                 DELETE FROM event_sequence WHERE aggregate_id = '{id}'; COMMIT;"
            ))
            .unwrap();
        self.stamp_files();
    }

    pub(crate) fn put_message_v2(&mut self, s: u8, m: u8, v: u8) {
        let (kind, data) = message_row(m, v);
        self.change_v2(s, |db, now, seq| {
            let (id, session) = (format!("msg_{s}{m}"), format!("ses_{s}"));
            put_row(db, &id, &session, kind, seq, [m.into(), now], &data);
        });
    }

    /// Commits a revert: removes the message and all later ones.
    pub(crate) fn remove_message_v2(&mut self, s: u8, m: u8) {
        self.change_v2(s, |db, _, _| {
            let delete = "DELETE FROM session_message WHERE session_id = ?1
                AND seq >= (SELECT seq FROM session_message WHERE id = ?2)";
            db.execute(delete, [format!("ses_{s}"), format!("msg_{s}{m}")]).unwrap();
        });
    }

    /// Writes the text of a content item; `None` removes the item.
    pub(crate) fn put_content(&mut self, s: u8, m: u8, n: u8, text: Option<String>) {
        let id = format!("msg_{s}{m}");
        let data = "SELECT data FROM session_message WHERE id = ?1 AND type = 'assistant'";
        let data = self.writer().query_row(data, [&id], |row| row.get::<_, String>(0));
        let Some(data) = data.optional().unwrap() else { return };
        let mut data: Value = serde_json::from_str(&data).unwrap();
        let content = data["content"].as_array_mut().unwrap();
        let at = usize::from(n).min(content.len());
        match text {
            Some(text) if at == content.len() => {
                content.push(json!({"type": "text", "text": text}))
            }
            Some(text) => content[at]["text"] = text.into(),
            None => content.truncate(at),
        }
        self.change_v2(s, |db, now, seq| {
            put_row(db, &id, &format!("ses_{s}"), "assistant", seq, [m.into(), now], &data);
        });
    }
}

fn put_row(
    db: &Connection,
    id: &str,
    session: &str,
    kind: &str,
    seq: i64,
    [created, updated]: [i64; 2],
    data: &Value,
) {
    let values = params![id, session, kind, seq, created, updated, data.to_string()];
    db.execute(PUT_ROW, values).unwrap();
}

pub(crate) fn count_rows(db: &Connection, sql: &str, id: &str) -> i64 {
    db.query_row(sql, [id], |row| row.get(0)).unwrap()
}
