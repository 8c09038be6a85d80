//! A database of 1.18 that a test writes row by row.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{RunOutput, run_on};

const SCHEMA: &str = include_str!("../../../../../fixtures/schema/opencode-1.18.33.sql");

pub(super) struct Database {
    dir: TempDir,
    connection: Connection,
}

impl Database {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let connection = Connection::open(dir.path().join("opencode.db")).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let database = Self { dir, connection };
        database.execute(
            "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
             VALUES ('p', '/srv/demo', 1, 1, '[]')",
        );
        database
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("opencode.db")
    }

    pub(super) fn execute(&self, statement: &str) {
        self.connection.execute_batch(statement).unwrap();
    }

    /// Adds a session whose id is its title. Its columns of usage are 0.
    pub(super) fn session(&self, id: &str) {
        self.connection
            .execute(
                "INSERT INTO session (id, project_id, slug, directory, title, version, time_created,
                 time_updated) VALUES (?1, 'p', 's', '/srv/demo', ?1, '1.18.33', 1790000000000,
                 1790000000000)",
                [id],
            )
            .unwrap();
    }

    /// Adds a message without its ids, as the program stores it.
    pub(super) fn message(&self, session: &str, id: &str, data: &Value) {
        self.connection
            .execute(
                "INSERT INTO message (id, session_id, time_created, time_updated, data)
                 VALUES (?1, ?2, ?3, ?3, ?4)",
                params![id, session, data["time"]["created"].as_i64(), data.to_string()],
            )
            .unwrap();
    }

    /// Sets the columns of usage: input, output, reasoning, cache read, cache write; cost.
    pub(super) fn columns(&self, session: &str, tokens: [i64; 5], cost: f64) {
        let [input, output, reasoning, read, write] = tokens;
        self.connection
            .execute(
                "UPDATE session SET tokens_input = ?2, tokens_output = ?3, tokens_reasoning = ?4,
                 tokens_cache_read = ?5, tokens_cache_write = ?6, cost = ?7 WHERE id = ?1",
                params![session, input, output, reasoning, read, write, cost],
            )
            .unwrap();
    }

    /// Adds a part without its ids, as the program stores it.
    pub(super) fn part(&self, session: &str, message: &str, id: &str, data: &Value) {
        self.connection
            .execute(
                "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data)
                 VALUES (?1, ?2, ?3, 1790000001010, 1790000001010, ?4)",
                params![id, message, session, data.to_string()],
            )
            .unwrap();
    }

    /// Runs the binary on the database.
    pub(super) fn run(&self, arguments: &[&str]) -> RunOutput {
        run_on(&self.path(), arguments)
    }
}

/// Returns an answer that used `tokens` and `cost`.
pub(super) fn answer(tokens: &Value, cost: &Value) -> Value {
    json!({
        "role": "assistant", "time": {"created": 1_790_000_001_010_i64, "completed": 1_790_000_001_015_i64},
        "modelID": "m1", "providerID": "mock", "mode": "build", "agent": "build",
        "path": {"cwd": "/srv/demo", "root": "/srv/demo"}, "cost": cost, "tokens": tokens, "finish": "stop",
    })
}
