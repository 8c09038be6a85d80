//! Writes logs as an agent does.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A writer that appends to the log of one session and keeps it open.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    file: File,
    len: u64,
}

impl LogWriter {
    /// Opens the log of a session below `root`, and makes the log and its directories if they are
    /// missing.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn open(root: &Path, session: &str) -> io::Result<Self> {
        let path = root.join(format!("{session}{}", super::ids::SUFFIX));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = File::options().append(true).create(true).open(&path)?;
        let len = file.metadata()?.len();
        Ok(Self { path, file, len })
    }

    /// Returns the path of the log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the length of the log in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a log, not a collection")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends bytes, which need not be whole lines.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Appends a line and returns its offset.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_line(&mut self, record: &Value) -> io::Result<u64> {
        let at = self.len;
        self.append_raw(format!("{record}\n").as_bytes())?;
        Ok(at)
    }

    /// Appends the session's record.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_session(&mut self, title: &str) -> io::Result<u64> {
        self.append_line(
            &json!({"record": "session", "title": title, "directory": "/w", "created": 1}),
        )
    }

    /// Appends a message of the user.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_user_message(&mut self) -> io::Result<u64> {
        self.append_line(
            &json!({"record": "message", "role": "user", "time": {"created": self.len}}),
        )
    }

    /// Appends an answer that is not finished.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_answer(&mut self) -> io::Result<u64> {
        self.append_line(
            &json!({"record": "message", "role": "assistant", "time": {"created": self.len}}),
        )
    }

    /// Appends a finished answer, which replaces the answer at the offset `message`.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_finished_answer(&mut self, message: u64, output: i64) -> io::Result<u64> {
        self.append_line(&json!({
            "record": "message", "replaces": message, "role": "assistant",
            "time": {"created": message, "completed": self.len},
            "tokens": {"input": 1, "output": output}, "cost": 0.25, "finish": "stop",
        }))
    }

    /// Appends a text part of a message.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_text(&mut self, message: u64, text: &str) -> io::Result<u64> {
        self.append_line(
            &json!({"record": "part", "message": message, "type": "text", "text": text}),
        )
    }

    /// Appends an item of the timeline.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn append_item(&mut self, record: &str) -> io::Result<u64> {
        self.append_line(&json!({"record": record, "time": {"created": self.len}}))
    }
}
