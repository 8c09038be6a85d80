//! The head of a session: the fields of its record, and the input that a dialect reads them from.

use scrollback_core_err::IssueKind;
use scrollback_core_id::SessionKey;
use serde::{Deserialize, Serialize};

use super::opened::Opened;

/// What the head of a session says. All fields are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionDraft {
    /// The title. If it is empty or missing, the session has none.
    pub title: Option<String>,
    /// The directory that the agent works in.
    pub directory: Option<String>,
    /// The version of the program, or of its format.
    pub version: Option<String>,
    /// The session that started this session.
    pub parent: Option<String>,
    /// The session that this session is a fork of.
    pub forked_from: Option<String>,
    /// The session that was compacted into this session.
    pub compacted_from: Option<String>,
    /// The time of creation, in Unix milliseconds.
    pub created: Option<i64>,
    /// The time of the last change, in Unix milliseconds. `None` for the time of the last change of
    /// the files, which is right for files that are appended to.
    pub updated: Option<i64>,
    /// The agent.
    pub agent: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The id that the program itself uses, if it is not the id of the session.
    pub agent_id: Option<String>,
    /// More data, as the JSON text of an object.
    pub metadata: Option<String>,
}

/// The files of a session, for a dialect that reads its head.
#[derive(Debug)]
pub struct HeadInput<'c> {
    session: &'c SessionKey,
    opened: &'c Opened,
    is_final: bool,
}

impl<'c> HeadInput<'c> {
    pub(crate) fn new(session: &'c SessionKey, opened: &'c Opened) -> Self {
        Self { session, opened, is_final: true }
    }

    /// Returns the session.
    pub fn session(&self) -> &SessionKey {
        self.session
    }

    /// Checks whether the container is a document.
    pub fn is_document(&self) -> bool {
        self.opened.arrays().is_some()
    }

    /// Returns the first bytes of the file, at most `len`.
    ///
    /// # Errors
    /// The problem of the read.
    pub fn start(&mut self, len: u64) -> Result<Vec<u8>, IssueKind> {
        let bytes = self.opened.read_range(0, len)?;
        self.is_final &= bytes.len() as u64 == len;
        Ok(bytes)
    }

    /// Returns the first line of the file, without its line feed.
    ///
    /// # Errors
    /// The problem of the read.
    pub fn first_line(&mut self) -> Result<Vec<u8>, IssueKind> {
        let mut len = 4096;
        loop {
            let mut bytes = self.opened.read_range(0, len)?;
            if let Some(end) = memchr::memchr(b'\n', &bytes) {
                bytes.truncate(end);
                return Ok(bytes);
            }
            if (bytes.len() as u64) < len {
                self.is_final = false;
                return Ok(bytes);
            }
            len *= 4;
        }
    }

    /// Returns the whole file.
    ///
    /// # Errors
    /// The problem of the read.
    pub fn whole(&mut self) -> Result<Vec<u8>, IssueKind> {
        self.start(self.opened.stamp().size)
    }

    /// Returns the head file of a directory of step files.
    ///
    /// # Errors
    /// The problem of the read; [`IssueKind::Vanished`] if the file does not exist.
    pub fn head_file(&mut self) -> Result<Vec<u8>, IssueKind> {
        self.is_final = false; // the file is replaced
        self.opened.read_head_file()
    }

    /// Checks whether the file can only grow behind what was read, so that the head stays as it is.
    pub(crate) fn is_final(&self) -> bool {
        self.is_final
    }
}
