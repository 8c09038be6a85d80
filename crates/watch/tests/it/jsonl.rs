//! A store of logs: a session is a file at any depth, its first line the session's record, every
//! other a message. Its writer keeps the file open and appends.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scrollback_core_id::{
    Clock, Discipline, EntityKey, MessageKey, OrderKey, Scope, SessionId, SessionKey, SourceId,
    Stamp, SystemClock, UnixNanos,
};
use scrollback_source::{
    Below, DirtyScope, Each, EachSeen, Entry, Found, Probed, Reader, Result, Seen, Sighting,
    Source, SourceToken, Survey, WatchRoot, WatchedFiles,
};
use scrollback_stor_mmap::{MappedSpan, Settled};

pub(crate) struct Jsonl {
    root: PathBuf,
    id: SourceId,
    clock: Arc<dyn Clock>,
    looks: AtomicU64,
}

impl Jsonl {
    pub(crate) fn new(root: &Path) -> Self {
        let id = SourceId::new("logs").unwrap();
        let (clock, looks) = (Arc::new(SystemClock), AtomicU64::new(0));
        Self { root: root.to_owned(), id, clock, looks }
    }

    /// How often somebody looked.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }
}

impl Source for Jsonl {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let mut logs = BTreeMap::new();
        collect(&self.root, &mut logs);
        Ok(Box::new(Look { of: self, logs }))
    }

    /// Logs, and beside them documents that are rewritten in place.
    fn watch_plan(&self) -> Vec<WatchRoot> {
        let root = |end, discipline| WatchRoot {
            path: self.root.clone(),
            below: Below::Tree,
            files: WatchedFiles::Ending(end),
            discipline,
        };
        vec![root(".jsonl", Discipline::Append), root(".json", Discipline::InPlace)]
    }

    /// Of directories it says nothing.
    fn concerns(&self, path: &Path) -> Option<DirtyScope> {
        match path.extension()?.to_str()? {
            "jsonl" => Some(DirtyScope::Session(session_at(path)?)),
            "json" => Some(DirtyScope::Records),
            _ => None,
        }
    }

    fn directory_of(&self, _: &EntityKey) -> Option<PathBuf> {
        None
    }

    fn probe(&self, _: Option<&SourceToken>) -> Result<Probed> {
        Ok(Probed::rescan())
    }

    fn locate(&self, _: &EntityKey) -> Option<PathBuf> {
        None
    }
}

fn session_at(path: &Path) -> Option<SessionKey> {
    Some(path.file_stem()?.to_str()?.parse::<SessionId>().ok()?.into())
}

fn collect(dir: &Path, logs: &mut BTreeMap<SessionKey, PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, logs);
        } else if path.extension().is_some_and(|it| it == "jsonl")
            && let Some(session) = session_at(&path)
        {
            logs.insert(session, path);
        }
    }
}

struct Look<'s> {
    of: &'s Jsonl,
    logs: BTreeMap<SessionKey, PathBuf>,
}

/// A log as it was when it was read: the stamp of the file, and its whole lines.
struct Log {
    stamp: Stamp,
    lines: Vec<(u64, Vec<u8>)>,
}

impl Look<'_> {
    fn log(&self, session: &SessionKey) -> Option<Log> {
        let path = self.logs.get(session)?;
        let bytes = fs::read(path).ok()?;
        let (mut lines, mut offset) = (Vec::new(), 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                lines.push((offset, line[..line.len() - 1].to_vec()));
            }
            offset += line.len() as u64;
        }
        // Whatever is appended changes the size.
        let stamp = Stamp { size: offset, mtime: UnixNanos(1), inode: 1 };
        (!lines.is_empty()).then_some(Log { stamp, lines })
    }
}

impl Log {
    fn set(&self, session: &SessionKey) -> Sighting {
        sighting(session.clone().into(), self.stamp)
    }

    /// The messages, each with its offset.
    fn messages(&self, session: &SessionKey) -> impl Iterator<Item = (MessageKey, u64, &[u8])> {
        self.lines[1..].iter().map(move |(offset, line)| {
            let text = std::str::from_utf8(line).unwrap();
            let id = text.split('"').nth(3).unwrap(); // `{"id":"…"`
            let key = MessageKey { session: session.session.clone(), message: id.parse().unwrap() };
            (key, *offset, &**line)
        })
    }
}

fn sighting(key: EntityKey, stamp: Stamp) -> Sighting {
    Sighting { key, stamp, settled: Settled::Settled, project: None }
}

/// A line never changes.
fn stamp_of(offset: u64, line: &[u8]) -> Stamp {
    Stamp { size: line.len() as u64, mtime: UnixNanos(1), inode: offset + 1 }
}

fn entry(key: impl Into<EntityKey>, offset: u64, line: &[u8]) -> Found {
    let span = MappedSpan::pooled(line.to_vec(), stamp_of(offset, line), Settled::Settled);
    Found::Entry(Entry::new(key, OrderKey(offset.try_into().unwrap()), span))
}

/// Hands out all, unless whoever takes it has enough.
fn hand_out<T>(all: Vec<T>, each: &mut dyn FnMut(T) -> ControlFlow<()>) -> Result<()> {
    let _ = all.into_iter().try_for_each(each);
    Ok(())
}

impl Reader for Look<'_> {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.of.clock
    }

    fn scan(&mut self, scope: &Scope, each: &mut Each<'_>) -> Result<()> {
        let mut all = Vec::new();
        match scope {
            Scope::Sessions => {
                for key in self.logs.keys() {
                    let Some(log) = self.log(key) else { continue };
                    all.push(entry(key.clone(), 0, &log.lines[0].1));
                }
            }
            Scope::Messages(key) | Scope::MessageNames(key) => {
                if let Some(log) = self.log(key) {
                    all.push(Found::Set(log.set(key)));
                    all.extend(log.messages(key).map(|(key, at, line)| entry(key, at, line)));
                }
            }
            _ => {}
        }
        hand_out(all, each)
    }

    fn survey(&mut self, what: &Survey<'_>, each: &mut EachSeen<'_>) -> Result<()> {
        let mut all = Vec::new();
        match what {
            Survey::Sessions => {
                for key in self.logs.keys() {
                    let Some(log) = self.log(key) else { continue };
                    all.push(sighting(key.clone().into(), stamp_of(0, &log.lines[0].1)));
                }
            }
            Survey::MessageSets => {
                let sets = self.logs.keys().filter_map(|key| Some(self.log(key)?.set(key)));
                all.extend(sets);
            }
            Survey::Messages(key) => {
                if let Some(log) = self.log(key) {
                    all.push(log.set(key));
                    let messages = log.messages(key);
                    all.extend(
                        messages.map(|(key, at, line)| sighting(key.into(), stamp_of(at, line))),
                    );
                }
            }
            Survey::TheseMessages(key, ids) => {
                if let Some(log) = self.log(key) {
                    let messages = log.messages(key).filter(|(key, ..)| ids.contains(&key.message));
                    all.extend(
                        messages.map(|(key, at, line)| sighting(key.into(), stamp_of(at, line))),
                    );
                }
            }
            _ => {}
        }
        hand_out(all.into_iter().map(Seen::Sighting).collect(), each)
    }

    fn spans(&mut self, keys: &[EntityKey], each: &mut Each<'_>) -> Result<()> {
        let mut all = Vec::new();
        for key in keys {
            match key {
                EntityKey::Session(key) => {
                    all.extend(self.log(key).map(|log| entry(key.clone(), 0, &log.lines[0].1)));
                }
                EntityKey::Message(wanted) => {
                    let session = wanted.session.clone().into();
                    let Some(log) = self.log(&session) else { continue };
                    let messages = log.messages(&session).filter(|(key, ..)| key == wanted);
                    all.extend(messages.map(|(key, at, line)| entry(key, at, line)));
                }
                _ => {}
            }
        }
        hand_out(all, each)
    }

    fn tree(&mut self, session: &SessionKey, each: &mut Each<'_>) -> Result<()> {
        self.spans(&[session.clone().into()], each)?;
        self.scan(&Scope::Messages(session.clone()), each)
    }

    fn holds(&mut self, session: &SessionKey) -> Result<bool> {
        Ok(self.log(session).is_some())
    }

    fn orphans(&mut self, _: &mut Each<'_>) -> Result<()> {
        Ok(())
    }
}
