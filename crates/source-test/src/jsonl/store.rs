//! The open store, with a cache of the log that was read last.

use std::ops::ControlFlow;
use std::rc::Rc;

use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, MessageKey, SessionKey, Stamp};
use scrollback_source::{Entry, ResumeToken};
use scrollback_stor_mmap::Dir;

use super::counters::Counters;
use super::file::{self, LogFile};
use super::lines::{Lines, Message};
use super::resume::mark_whole_log;
use super::state::State;
use super::walk::walk;
use super::{entries, ids};

type Result<T> = std::result::Result<T, IssueKind>;

/// The open directory of the logs.
pub(super) struct Store<'s> {
    pub(super) root: Dir,
    pub(super) counters: &'s Counters,
    /// The log that was read last. Most calls concern the same session as the call before.
    last_log: Option<(SessionKey, Rc<Log>)>,
}

/// A log that was read whole.
pub(super) struct Log {
    pub(super) stamp: Stamp,
    pub(super) token: Option<ResumeToken>,
    pub(super) lines: Lines,
}

impl<'s> Store<'s> {
    pub(super) fn new(root: Dir, counters: &'s Counters) -> Self {
        Self { root, counters, last_log: None }
    }

    /// Lists every session, in no order.
    pub(super) fn list(
        &self,
        note: &mut dyn FnMut(Issue) -> ControlFlow<()>,
    ) -> ControlFlow<(), Vec<SessionKey>> {
        let mut sessions = Vec::new();
        walk(&self.root, &mut |item| match item {
            Ok(session) => {
                sessions.push(session);
                ControlFlow::Continue(())
            }
            Err(issue) => note(issue),
        })?;
        ControlFlow::Continue(sessions)
    }

    /// Stats the log of a session.
    pub(super) fn stat(&self, session: &SessionKey) -> Result<Stamp> {
        file::stat(&self.root, session, self.counters)
    }

    /// Reads the log of a session as it is now.
    pub(super) fn log(&mut self, session: &SessionKey) -> Result<Rc<Log>> {
        let file = LogFile::open(&self.root, session, self.counters)?;
        if let Some((last, log)) = &self.last_log
            && last == session
            && log.stamp == file.stamp
        {
            return Ok(Rc::clone(log));
        }
        let bytes = file.read_from(0)?;
        let lines = Lines::parse(session, (0, State::default()), &bytes, self.counters);
        let token = mark_whole_log(&file, &lines, &bytes);
        let log = Rc::new(Log { stamp: file.stamp, token, lines });
        self.last_log = Some((session.clone(), Rc::clone(&log)));
        Ok(log)
    }

    /// Returns the log that contains a message, and the offset that names the message.
    pub(super) fn message(&mut self, key: &MessageKey) -> Result<(Rc<Log>, u64)> {
        let at = ids::offset_of(&key.clone().into()).ok_or(IssueKind::Vanished)?;
        Ok((self.log(&key.session.clone().into())?, at))
    }

    /// Reads one entity by its key.
    pub(super) fn read_entity(&mut self, key: &EntityKey) -> Result<Entry> {
        let vanished = || IssueKind::Vanished;
        let session = ids::owner(key).ok_or_else(vanished)?;
        match key {
            EntityKey::Session(_) => {
                let log = self.log(&session)?;
                Ok(entries::session(&session, &log.lines.state.head, &log.stamp))
            }
            EntityKey::Message(key) => {
                let (log, at) = self.message(key)?;
                let Message { span, .. } = log.lines.messages.get(&at).ok_or_else(vanished)?;
                entries::message(&session, at, span).ok_or_else(vanished)
            }
            // Parts and items never change, so one line is enough.
            _ => {
                let at = ids::offset_of(key).ok_or_else(vanished)?;
                let file = LogFile::open(&self.root, &session, self.counters)?;
                let line = file.read_line(at)?.ok_or_else(vanished)?;
                let lines = Lines::parse(&session, (at, State::default()), &line, self.counters);
                let parts = lines.parts_of_earlier.iter().flat_map(|(offset, parts)| {
                    let message = ids::message_key(&session, *offset);
                    parts.iter().filter_map(move |part| entries::part(message.as_ref()?, part))
                });
                let items = lines.items.iter().filter_map(|item| entries::item(&session, item));
                parts.chain(items).find(|entry| entry.key == *key).ok_or_else(vanished)
            }
        }
    }

    /// Reads the last line that contains an entity.
    pub(super) fn read_record_line(&mut self, key: &EntityKey) -> Result<Option<Vec<u8>>> {
        let Some(session) = ids::owner(key) else { return Ok(None) };
        let at = match key {
            EntityKey::Session(_) => self.log(&session)?.lines.state.head_at,
            EntityKey::Message(key) => {
                let (log, at) = self.message(key)?;
                log.lines.messages.get(&at).map(|message| message.offset)
            }
            _ => ids::offset_of(key),
        };
        let Some(at) = at else { return Ok(None) };
        LogFile::open(&self.root, &session, self.counters)?.read_line(at)
    }
}
