//! Builds the index of a store in one walk: every record is read once, and threads share the
//! sessions.

use std::cmp::Reverse;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

use super::super::files::{Files, Stamp, stamp_of};
use super::super::text::Text;
use super::head::{MessageHead, SessionHead, Times};
use super::names::Names;
use super::rows::{Id, Index, Message, Name, PartSet, Role, Session};
use super::run_jobs;
use crate::threads;

/// The depth of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Sessions and messages.
    Messages,
    /// Also the names of parts: one more directory for each message.
    PartNames,
}

/// The directories that all threads read from.
struct Store {
    messages: Option<OwnedFd>,
    parts: Option<OwnedFd>,
    projects: Vec<(Box<str>, OwnedFd)>,
}

/// A session to read. `project` is the index of its project, if the session has a record.
struct Job {
    id: Id,
    project: Option<usize>,
}

/// The buffers of a thread, used for every session, and the sessions that it has read.
struct Worker {
    files: Files,
    listed_names: Vec<Range<usize>>,
    messages: Vec<Message>,
    order: Vec<(Option<i64>, usize)>,
    parts: Vec<(u64, Id)>,
    names: Names,
    sessions: Vec<Session>,
}

/// Builds the index of the store at `storage`, with as many threads as are useful.
///
/// # Errors
/// If anything in the store cannot be read.
pub fn build(storage: &Path, depth: Depth) -> Result<Index> {
    let (store, jobs) = jobs(storage)?;
    let work = |worker: &mut Worker, at: usize| worker.session(&store, &jobs[at], depth);
    let workers = run_jobs(jobs.len(), threads(), Worker::new, work)?;
    Ok(merge(workers.into_iter().map(|worker| (worker.names, worker.sessions)).collect()))
}

/// Opens the shared directories, and lists the sessions: those with a record, and those that have
/// only messages.
fn jobs(storage: &Path) -> Result<(Store, Vec<Job>)> {
    let mut files = Files::new();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let root = openat(CWD, storage, flags, Mode::empty())?;
    let mut open = |name: &[u8]| {
        let name = files.push_name(&[name]);
        files.open_dir(&root, &name)
    };
    let (records, messages, parts) = (open(b"session")?, open(b"message")?, open(b"part")?);
    let mut store = Store { messages, parts, projects: Vec::new() };
    let (mut jobs, mut names) = (Vec::new(), Vec::new());
    if let Some(records) = &records {
        let mut projects = Vec::new();
        files.list(records, FileType::Directory, &mut projects)?;
        for project in projects {
            let Some(dir) = files.open_dir(records, &project)? else { continue };
            names.clear();
            files.list(&dir, FileType::RegularFile, &mut names)?;
            for name in &names {
                let id = Id::new(files.stem(name))?;
                jobs.push(Job { id, project: Some(store.projects.len()) });
            }
            let name = str::from_utf8(files.stem(&project))?.into();
            store.projects.push((name, dir));
        }
    }
    if let Some(messages) = &store.messages {
        jobs.sort_unstable_by_key(|job| job.id);
        let with_record = jobs.len();
        names.clear();
        files.list(messages, FileType::Directory, &mut names)?;
        for name in &names {
            let id = Id::new(files.stem(name))?;
            if jobs[..with_record].binary_search_by_key(&id, |job| job.id).is_err() {
                jobs.push(Job { id, project: None });
            }
        }
    }
    Ok((store, jobs))
}

impl Worker {
    fn new() -> Self {
        Self {
            files: Files::new(),
            listed_names: Vec::with_capacity(256),
            messages: Vec::with_capacity(256),
            order: Vec::with_capacity(256),
            parts: Vec::with_capacity(64),
            names: Names::default(),
            sessions: Vec::with_capacity(256),
        }
    }

    fn session(&mut self, store: &Store, job: &Job, depth: Depth) -> Result<()> {
        self.files.reset();
        let mut session = self.record(store, job)?;
        let name = self.files.push_name(&[job.id.as_bytes()]);
        if let Some(all) = &store.messages
            && let Some(dir) = self.files.open_dir(all, &name)?
        {
            let set = stamp_of(&dir)?;
            session.settled &= self.files.is_settled(&set);
            session.set = Some(set);
            self.messages(&dir, &mut session)?;
        }
        if let (Depth::PartNames, Some(all)) = (depth, &store.parts) {
            let Session { messages, parts, .. } = &mut session;
            for message in messages {
                message.parts = Some(self.list_parts(all, &message.id, parts)?);
            }
        }
        self.sessions.push(session);
        Ok(())
    }

    fn record(&mut self, store: &Store, job: &Job) -> Result<Session> {
        let mut session = Session::without_record(job.id);
        let Some(project) = job.project else { return Ok(session) };
        let (project, dir) = &store.projects[project];
        let name = self.files.push_name(&[job.id.as_bytes(), b".json"]);
        let piece = self.files.read(dir, name)?;
        let head =
            SessionHead::read(self.files.bytes(&piece)).with_context(|| format!("{:?}", job.id))?;
        let Times { created, updated, archived, .. } = head.time;
        session.project = self.names.number(project);
        session.parent = optional_id(head.parent)?;
        session.directory = name_of(&mut self.names, head.directory);
        session.version = name_of(&mut self.names, head.version);
        session.title = head.title.map(|title| title.0.into());
        (session.created, session.updated, session.archived) = (created, updated, archived);
        (session.stamp, session.settled) = (Some(piece.stamp), piece.settled);
        Ok(session)
    }

    /// Reads the messages of a session. Rows are large, so the sort works on indices and moves each
    /// row once.
    fn messages(&mut self, dir: &OwnedFd, session: &mut Session) -> Result<()> {
        self.listed_names.clear();
        self.messages.clear();
        self.order.clear();
        self.files.list(dir, FileType::RegularFile, &mut self.listed_names)?;
        for (at, name) in self.listed_names.iter().enumerate() {
            self.files.forget_bytes();
            let piece = self.files.read(dir, name.clone())?;
            let id = Id::new(self.files.id(&piece))?;
            let head =
                MessageHead::read(self.files.bytes(&piece)).with_context(|| format!("{id:?}"))?;
            let message = message_row(&mut self.names, id, head, (piece.stamp, piece.settled))?;
            self.order.push((message.created, at));
            self.messages.push(message);
        }
        let rows = &self.messages;
        let key = |(created, at): (Option<i64>, usize)| (created, rows[at].id);
        self.order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| key(*a).cmp(&key(*b))));
        session.messages = self.order.iter().map(|(_, at)| rows[*at]).collect();
        Ok(())
    }

    /// Lists the parts of a message, in the order of the clock in their ids.
    fn list_parts(&mut self, all: &OwnedFd, message: &Id, ids: &mut Vec<Id>) -> Result<PartSet> {
        let name = self.files.push_name(&[message.as_bytes()]);
        let first = ids.len() as u32;
        let Some(dir) = self.files.open_dir(all, &name)? else {
            return Ok(PartSet { stamp: None, first, len: 0 });
        };
        let stamp = stamp_of(&dir)?;
        self.listed_names.clear();
        self.files.list(&dir, FileType::RegularFile, &mut self.listed_names)?;
        self.parts.clear();
        for name in &self.listed_names {
            let id = self.files.stem(name);
            self.parts.push((id_clock(id), Id::new(id)?));
        }
        sort_by_clock(&mut self.parts);
        ids.extend(self.parts.iter().map(|(_, id)| *id));
        Ok(PartSet { stamp: Some(stamp), first, len: self.parts.len() as u32 })
    }
}

/// Converts the record of a message into a row.
pub(in super::super) fn message_row(
    names: &mut Names,
    id: Id,
    head: MessageHead<'_>,
    (stamp, settled): (Stamp, bool),
) -> Result<Message> {
    let [requested_model, requested_provider] = head.requested;
    Ok(Message {
        id,
        parent: optional_id(head.parent)?,
        created: head.time.created,
        completed: head.time.completed,
        tokens: head.tokens,
        cost: head.cost,
        stamp,
        parts: None,
        agent: name_of(names, head.agent.or(head.mode)),
        provider: name_of(names, head.provider.or(requested_provider)),
        model: name_of(names, head.model.or(requested_model)),
        finish: name_of(names, head.finish),
        error: name_of(names, head.error),
        role: match head.role.as_ref().map(|role| &*role.0) {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            _ => Role::Unknown,
        },
        summary: head.summary,
        settled,
    })
}

fn name_of(names: &mut Names, text: Option<Text<'_>>) -> Name {
    text.map_or(0, |text| names.number(&text.0))
}

fn optional_id(text: Option<Text<'_>>) -> Result<Id> {
    text.map_or(Ok(Id::default()), |text| Id::new(text.0.as_bytes()))
}

/// Stands for an id without a clock.
const NO_CLOCK: u64 = u64::MAX;
const LOW_48: u64 = (1 << 48) - 1;

/// Returns the clock in the id of a part: twelve hexadecimal digits. See `docs/format/opencode.md`,
/// section 2.
fn id_clock(id: &[u8]) -> u64 {
    let Some(digits) = id.strip_prefix(b"prt_").and_then(|rest| rest.get(..12)) else {
        return NO_CLOCK;
    };
    let mut ticks = 0;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return NO_CLOCK,
        };
        ticks = ticks << 4 | u64::from(value);
    }
    ticks
}

/// Sorts ids by their clock. The clock wraps: values less than half a period after the least one
/// follow it, the others precede it. Ids without a clock come last.
fn sort_by_clock(parts: &mut [(u64, Id)]) {
    let with_clock = parts.iter().filter(|(ticks, _)| *ticks != NO_CLOCK);
    let Some((origin, _)) = with_clock.min_by_key(|(_, id)| *id).copied() else {
        parts.sort_unstable();
        return;
    };
    let after = |ticks: u64| match ticks {
        NO_CLOCK => i64::MAX,
        ticks => {
            let ahead = (ticks.wrapping_sub(origin) & LOW_48).cast_signed();
            if ahead > 1 << 47 { ahead - (1 << 48) } else { ahead }
        }
    };
    parts.sort_unstable_by(|a, b| (after(a.0), &a.1).cmp(&(after(b.0), &b.1)));
}

/// Merges the names and sessions of all threads. Sessions are sorted newest first; those without a
/// record are last.
pub(in super::super) fn merge(workers: Vec<(Names, Vec<Session>)>) -> Index {
    let mut all = Names::default();
    let mut sessions = Vec::with_capacity(workers.iter().map(|(_, theirs)| theirs.len()).sum());
    for (names, mut theirs) in workers {
        let numbers: Vec<Name> = std::iter::once(0)
            .chain(names.into_list().iter().map(|name| all.number(name)))
            .collect();
        let renumber = |name: &mut Name| *name = numbers[*name as usize];
        for session in &mut theirs {
            [&mut session.project, &mut session.directory, &mut session.version]
                .into_iter()
                .for_each(renumber);
            for Message { agent, provider, model, finish, error, .. } in &mut session.messages {
                [agent, provider, model, finish, error].into_iter().for_each(renumber);
            }
        }
        sessions.append(&mut theirs);
    }
    sessions.sort_unstable_by_key(|it| (it.stamp.is_none(), Reverse(it.updated), it.id));
    Index { sessions, names: all.into_list() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(ids: &[&str]) -> Vec<String> {
        let mut parts: Vec<(u64, Id)> = ids
            .iter()
            .map(|id| (id_clock(id.as_bytes()), Id::new(id.as_bytes()).unwrap()))
            .collect();
        sort_by_clock(&mut parts);
        parts.iter().map(|(_, id)| id.as_str().to_owned()).collect()
    }

    #[test]
    fn parts_are_sorted_by_creation_time() {
        let plain = ["prt_1fb000000001b", "prt_1fb000000002a"];
        assert_eq!(sorted(&[plain[1], plain[0]]), plain);
        // The clock wrapped between these ids; an id without a clock comes last.
        let wrapped = ["prt_ffffffffffffz", "prt_000000001001a", "prt_mine"];
        assert_eq!(sorted(&[wrapped[2], wrapped[1], wrapped[0]]), wrapped);
        assert_eq!(sorted(&["prt_b", "prt_a"]), ["prt_a", "prt_b"]);
    }
}
