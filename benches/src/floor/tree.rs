//! Loads one session with its messages and parts into typed values.

use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{CWD, FileType, Mode, OFlags, openat};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::files::{ArenaFile, Files};
use super::message::Tokens;
use super::{Message, Part, Session};
use crate::{Contestant, Outcome, TreeSums};

/// A contestant that loads one session through the same buffers.
#[derive(Debug)]
pub struct FloorTree {
    storage: PathBuf,
    session: String,
    files: Files,
}

/// The records of a session, as places in the arena with their stamps.
struct Records {
    session: ArenaFile,
    messages: Vec<MessageRecords>,
}

struct MessageRecords {
    message: ArenaFile,
    parts: Vec<ArenaFile>,
}

/// A typed session, which borrows from the arena.
pub(super) struct Tree<'a> {
    pub(super) session: Session<'a>,
    pub(super) messages: Vec<WholeMessage<'a>>,
}

pub(super) struct WholeMessage<'a> {
    pub(super) created: i64,
    pub(super) message: Message<'a>,
    pub(super) parts: Vec<Part<'a>>,
}

impl FloorTree {
    /// Returns the floor for one session of the store at `storage`.
    pub fn new(storage: impl Into<PathBuf>, session: impl Into<String>) -> Self {
        Self { storage: storage.into(), session: session.into(), files: Files::new() }
    }

    fn read(&mut self) -> io::Result<Records> {
        let files = &mut self.files;
        files.reset();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
        let root = openat(CWD, &self.storage, flags, Mode::empty())?;
        let id = self.session.as_bytes();
        let session = find_session(files, &root, id)?;

        let dir = files.push_name(&[b"message/", id]);
        let Some(dir) = files.open_dir(&root, &dir)? else {
            return Ok(Records { session, messages: Vec::new() });
        };
        let mut names = Vec::with_capacity(64);
        files.list(&dir, FileType::RegularFile, &mut names)?;
        let all_parts = files.push_name(&[b"part"]);
        let all_parts = files.open_dir(&root, &all_parts)?;
        let mut part_names = Vec::with_capacity(32);
        let mut messages = Vec::with_capacity(names.len());
        for name in names {
            let message = files.read(&dir, name)?;
            let parts = match &all_parts {
                Some(all) => read_parts(files, all, &message, &mut part_names)?,
                None => Vec::new(),
            };
            messages.push(MessageRecords { message, parts });
        }
        Ok(Records { session, messages })
    }

    fn parse<'a>(&'a self, records: &Records) -> Result<Tree<'a>> {
        let session = simdutf8::basic::from_utf8(self.files.bytes(&records.session))?;
        let session: Session<'a> = serde_json::from_str(session)?;
        self.check_id(session.id.as_ref().map(|id| &*id.0), &records.session)?;
        let mut messages = Vec::with_capacity(records.messages.len());
        for record in &records.messages {
            let message = Message::parse(self.files.bytes(&record.message))?;
            self.check_id(message.id(), &record.message)?;
            let mut parts = Vec::with_capacity(record.parts.len());
            for piece in &record.parts {
                let part = Part::parse(self.files.bytes(piece))?;
                let (id, owner) = part.ids();
                self.check_id(id, piece)?;
                self.check_id(owner, &record.message)?;
                parts.push(part);
            }
            let created = message.created().context("a message without a time")?;
            messages.push(WholeMessage { created, message, parts });
        }
        messages
            .sort_unstable_by(|a, b| (a.created, a.message.id()).cmp(&(b.created, b.message.id())));
        Ok(Tree { session, messages })
    }

    /// The id in the record must equal the id in the path.
    fn check_id(&self, record_id: Option<&str>, place: &ArenaFile) -> Result<()> {
        match record_id {
            Some(record_id) if record_id.as_bytes() == self.files.id(place) => Ok(()),
            _ => bail!("the id of a record differs from the name of its file"),
        }
    }
}

/// Finds the session file. Sessions move between projects, so each project is checked, without
/// opening its directory.
fn find_session(files: &mut Files, root: &OwnedFd, id: &[u8]) -> io::Result<ArenaFile> {
    let dir = files.push_name(&[b"session"]);
    let dir = files.open_dir(root, &dir)?.ok_or(io::ErrorKind::NotFound)?;
    let mut projects = Vec::with_capacity(16);
    files.list(&dir, FileType::Directory, &mut projects)?;
    let mut session = None;
    for project in projects {
        let name = files.file_in(&project, id);
        match files.read(&dir, name) {
            Ok(_) if session.is_some() => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(mut piece) => {
                piece.name.start += project.len(); // keeps only the id
                session = Some(piece);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    session.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Reads the parts of a message in the order of their ids. That is the order of creation unless the
/// clock in the ids wrapped in between.
fn read_parts(
    files: &mut Files,
    all: &OwnedFd,
    message: &ArenaFile,
    names: &mut Vec<Range<usize>>,
) -> io::Result<Vec<ArenaFile>> {
    let dir = files.directory_of(message);
    let Some(dir) = files.open_dir(all, &dir)? else { return Ok(Vec::new()) };
    names.clear();
    files.list(&dir, FileType::RegularFile, names)?;
    names.sort_unstable_by(|a, b| files.stem(a).cmp(files.stem(b)));
    names.drain(..).map(|name| files.read(&dir, name)).collect()
}

impl Contestant for FloorTree {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn run(&mut self) -> Result<Outcome> {
        let records = self.read()?;
        let tree = self.parse(&records)?;
        if !records.files().all(|piece| piece.settled) {
            bail!("the store is being written");
        }
        let mut sums = tree.sums();
        records.files().for_each(|piece| sums.bytes += piece.stamp.size);
        Ok(sums.into())
    }

    fn proof(&mut self) -> Result<Value> {
        let records = self.read()?;
        Ok(self.parse(&records)?.proof())
    }
}

impl Tree<'_> {
    /// Returns the typed session.
    pub(super) fn proof(&self) -> Value {
        let message = |it: &WholeMessage<'_>| json!({ "info": it.message, "parts": it.parts });
        let messages: Vec<Value> = self.messages.iter().map(message).collect();
        json!({ "info": self.session, "messages": messages })
    }

    /// Returns the sums of the session, without the bytes of its records.
    pub(super) fn sums(&self) -> TreeSums {
        let mut sums = TreeSums::default();
        let created = self.session.time.as_ref().and_then(|time| time.created);
        sums.created += created.unwrap_or(0);
        for WholeMessage { created, message, parts } in &self.messages {
            sums.messages += 1;
            sums.created += created;
            if let Message::Assistant(answer) = message {
                sums.tokens += tokens(answer.tokens.as_ref());
            }
            parts.iter().for_each(|part| add_part(&mut sums, part));
        }
        sums
    }
}

fn add_part(sums: &mut TreeSums, part: &Part<'_>) {
    sums.parts += 1;
    match part {
        Part::Words(text) => sums.add_text(is_empty(text.text)),
        Part::Reasoning(reasoning) => sums.add_text(is_empty(reasoning.text)),
        Part::Tool(call) => {
            let Some(state) = &call.state else { return };
            if let Some(time) = &state.time {
                sums.add_call(time.start, time.end);
            }
            if state.output.is_some() {
                sums.add_text(is_empty(state.output));
            }
        }
        Part::StepFinish(step) => sums.tokens += tokens(step.tokens.as_ref()),
        Part::Patch(patch) => sums.files += patch.files.as_ref().map_or(0, Vec::len) as u64,
        _ => {}
    }
}

fn tokens(tokens: Option<&Tokens>) -> i64 {
    let Some(Tokens { input, output, reasoning, cache, .. }) = tokens else { return 0 };
    let cached = cache.as_ref().map(|cache| [cache.read, cache.write]).unwrap_or_default();
    [*input, *output, *reasoning].into_iter().chain(cached).flatten().sum()
}

fn is_empty(text: Option<&RawValue>) -> bool {
    text.is_none_or(|text| text.get() == "\"\"")
}

impl Records {
    fn files(&self) -> impl Iterator<Item = &ArenaFile> {
        let messages = self.messages.iter();
        let pieces =
            messages.flat_map(|record| std::iter::once(&record.message).chain(&record.parts));
        std::iter::once(&self.session).chain(pieces)
    }
}
