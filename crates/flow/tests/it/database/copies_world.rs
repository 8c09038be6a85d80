//! Four stores of one session on disk, and a model of the rule that chooses among its copies.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};
use scrollback_core_err::IssueKind;
use scrollback_core_id::{Clock, EntityKey, MessageKey};
use scrollback_core_type::StageReport;
use scrollback_flow::{
    MergedSource, PartDetail, Progress, RefreshOptions, SessionMaterializer, Snapshots, build_index,
};
use scrollback_index::{SessionMeta, View};
use scrollback_source::Source;
use scrollback_stor_read::FileReader;
use scrollback_stor_sqlite::SqliteReader;
use tempfile::TempDir;

use super::counting::CountingSource;
use super::{v2_writer, world};
use crate::calls::{FAR_FUTURE, StoppedClock, session_key};
use crate::support::source_id;

/// Two databases of 1.x, one of 2.x, and files, in the order of preference.
pub(super) const STORES: [&str; 4] =
    ["opencode.db", "opencode-dev.db", "opencode-next.db", "storage"];
pub(super) const V2: usize = 2;
pub(super) const FILES: usize = 3;

/// The messages of each store; `None` without the session.
pub(super) type Copies = [Option<BTreeSet<u8>>; 4];

/// Returns when a message was created. Two messages each have the same time.
fn created(message: u8) -> u8 {
    message / 2
}

/// The rule. Returns the chosen store, and the number of messages of each store that it lacks.
pub(super) fn chosen_by_model(copies: &Copies) -> Option<(usize, Vec<(usize, usize)>)> {
    let held = |at: usize| copies[at].as_ref().unwrap();
    let newest = |at: usize| held(at).iter().map(|message| created(*message)).max();
    let group = |is_v2: bool| -> Vec<usize> {
        (0..4).filter(|at| copies[*at].is_some() && (*at == V2) == is_v2).collect()
    };
    let best = |group: &[usize]| {
        let preferred = *group.first()?;
        let rank = |at: &usize| (newest(*at), held(*at).len(), Reverse(*at));
        let has_all = group.iter().all(|at| held(*at).is_subset(held(preferred)));
        if has_all { Some(preferred) } else { group.iter().copied().max_by_key(rank) }
    };
    let chosen = match (best(&group(false)), best(&group(true))) {
        (Some(old), Some(new)) => {
            if newest(old) > newest(new) {
                old
            } else {
                new
            }
        }
        (old, new) => old.or(new)?,
    };
    let lost = |at: usize| held(at).difference(held(chosen)).count();
    let losses = group(chosen == V2).into_iter().map(|at| (at, lost(at)));
    Some((chosen, losses.filter(|(_, lost)| *lost > 0).collect()))
}

/// Four stores of one session on disk.
pub(super) struct World {
    pub(super) dir: TempDir,
    pub(super) copies: Copies,
    /// The stores that have the record of the session.
    has_record: [bool; 4],
    /// The records that changed since the last refresh.
    pub(super) dirty: Vec<EntityKey>,
    /// The stores that exist.
    stores: Vec<usize>,
    /// The number of writes so far. Directories get it as their time, so that every write shows.
    writes: i64,
    pub(super) compared: Arc<AtomicUsize>,
    /// The surveys of the sets of messages in the databases.
    pub(super) surveyed: Arc<AtomicUsize>,
}

impl World {
    /// Without files, a probe can name the sessions that changed.
    pub(super) fn new(has_files: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (at, name) in STORES.iter().enumerate().take(FILES) {
            let database = Connection::open(dir.path().join(name)).unwrap();
            let schema = if at == V2 { v2_writer::SCHEMA } else { world::SCHEMA };
            database.execute_batch(schema).unwrap();
            let project =
                "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
                           VALUES ('p', '/w', 1, 1, '[]')";
            database.execute(project, []).unwrap();
        }
        for name in ["session/p", "message"] {
            fs::create_dir_all(dir.path().join("storage").join(name)).unwrap();
        }
        let stores = (0..if has_files { 4 } else { 3 }).collect();
        let (copies, compared, surveyed) = Default::default();
        Self {
            dir,
            copies,
            has_record: [false; 4],
            dirty: Vec::new(),
            stores,
            writes: 0,
            compared,
            surveyed,
        }
    }

    /// Runs statements in one transaction, with the next event of the session, as opencode does.
    fn write_database(&mut self, at: usize, run: impl FnOnce(&Connection)) {
        self.writes += 1;
        let database = Connection::open(self.dir.path().join(STORES[at])).unwrap();
        let pragmas = "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF";
        database.execute_batch(pragmas).unwrap();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        run(&database);
        let seq = "INSERT INTO event_sequence (aggregate_id, seq) VALUES ('ses_1', ?1)
                   ON CONFLICT (aggregate_id) DO UPDATE SET seq = ?1";
        database.execute(seq, [self.writes]).unwrap();
        let event = "INSERT INTO event (id, aggregate_id, seq, type, data)
                     VALUES ('evt_' || ?1, 'ses_1', ?1, 'message.updated.1', '{}')";
        database.execute(event, [self.writes]).unwrap();
        database.execute_batch("COMMIT").unwrap();
    }

    pub(super) fn put_session(&mut self, at: usize) {
        if self.has_record[at] || !self.stores.contains(&at) {
            return;
        }
        self.has_record[at] = true;
        self.copies[at].get_or_insert_default();
        self.dirty.push(session_key("ses_1").into());
        if at == FILES {
            let record = r#"{"id":"ses_1","title":"storage","time":{"created":1,"updated":99}}"#;
            return self.write("session/p/ses_1.json", record);
        }
        let table = if at == V2 { "session_v2" } else { "session" };
        let session = format!(
            "INSERT INTO {table} (id, project_id, slug, directory, title, version, time_created,
             time_updated) VALUES ('ses_1', 'p', 's', '/w', ?1, '1', 1, 1)"
        );
        self.write_database(at, |database| {
            database.execute(&session, [STORES[at]]).unwrap();
        });
    }

    /// The record names its store, but has the same length and times in all databases.
    pub(super) fn put_message(&mut self, at: usize, message: u8) {
        if self.copies[at].is_none() {
            self.put_session(at);
        }
        if !self.copies[at].as_mut().is_some_and(|messages| messages.insert(message)) {
            return;
        }
        self.dirty.push(message_key(message).into());
        let (id, time) = (format!("msg_{message}"), created(message));
        let answer = format!(
            r#""agent":"a{at}","time":{{"created":{time},"completed":{time}}},
               "cost":1,"tokens":{{"input":10,"output":0,"reasoning":0,"cache":{{"read":0,"write":0}}}}"#
        );
        match at {
            FILES => {
                let record =
                    format!(r#"{{"id":"{id}","sessionID":"ses_1","role":"assistant",{answer}}}"#);
                self.write(&format!("message/ses_1/{id}.json"), &record);
            }
            V2 => {
                let sql =
                    "INSERT INTO session_message VALUES (?1, 'ses_1', 'assistant', ?2, ?3, ?3, ?4)";
                let data = format!("{{{answer},\"content\":[]}}");
                self.write_database(at, |database| {
                    database.execute(sql, params![id, message, time, data]).unwrap();
                });
            }
            _ => {
                let sql = "INSERT INTO message VALUES (?1, 'ses_1', ?2, ?2, ?3)";
                let data = format!(r#"{{"role":"assistant",{answer}}}"#);
                self.write_database(at, |database| {
                    database.execute(sql, params![id, time, data]).unwrap();
                });
            }
        }
    }

    pub(super) fn remove_message(&mut self, at: usize, message: u8) {
        if !self.copies[at].as_mut().is_some_and(|messages| messages.remove(&message)) {
            return;
        }
        self.dirty.push(message_key(message).into());
        let id = format!("msg_{message}");
        let is_gone = !self.has_record[at] && self.copies[at].iter().flatten().next().is_none();
        if is_gone {
            self.copies[at] = None;
        }
        if at == FILES {
            let dir = self.dir.path().join("storage/message/ses_1");
            if is_gone {
                fs::remove_dir_all(&dir).unwrap();
                return self.touch(dir.parent().unwrap());
            }
            fs::remove_file(dir.join(format!("{id}.json"))).unwrap();
            return self.touch(&dir);
        }
        let table = if at == V2 { "session_message" } else { "message" };
        self.write_database(at, |database| {
            database.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id]).unwrap();
        });
    }

    fn has_other_record(&self, at: usize) -> bool {
        (0..4).any(|other| other != at && self.has_record[other])
    }

    /// Removes the record and leaves the messages, as a damaged table or a crash does.
    pub(super) fn lose_record(&mut self, at: usize) {
        let has_messages = self.copies[at].iter().flatten().next().is_some();
        if at == V2 || !self.has_record[at] || !has_messages || !self.has_other_record(at) {
            return;
        }
        self.has_record[at] = false;
        self.dirty.push(session_key("ses_1").into());
        if at == FILES {
            let storage = self.dir.path().join("storage/session/p");
            fs::remove_file(storage.join("ses_1.json")).unwrap();
            return self.touch(&storage);
        }
        self.write_database(at, |database| {
            database.execute_batch("DELETE FROM session").unwrap();
        });
    }

    pub(super) fn remove_session(&mut self, at: usize) {
        let is_last = self.copies.iter().flatten().count() == 1;
        if !is_last && !self.has_other_record(at) {
            return; // at least one of the other copies has its record
        }
        let Some(messages) = self.copies[at].take() else { return };
        let had_record = std::mem::take(&mut self.has_record[at]);
        self.dirty.push(session_key("ses_1").into());
        self.dirty.extend(messages.into_iter().map(|message| message_key(message).into()));
        match at {
            FILES => {
                let storage = self.dir.path().join("storage");
                if had_record {
                    fs::remove_file(storage.join("session/p/ses_1.json")).unwrap();
                }
                let _ = fs::remove_dir_all(storage.join("message/ses_1")); // perhaps without messages
            }
            _ => {
                let sql = match at {
                    V2 => "DELETE FROM session_message; DELETE FROM session_v2",
                    _ => "DELETE FROM message; DELETE FROM session",
                };
                self.write_database(at, |database| database.execute_batch(sql).unwrap());
            }
        }
    }

    fn write(&mut self, path: &str, record: &str) {
        let path = self.dir.path().join("storage").join(path);
        let dir = path.parent().unwrap();
        fs::create_dir_all(dir).unwrap();
        fs::write(&path, record).unwrap();
        self.touch(dir);
    }

    fn touch(&mut self, dir: &Path) {
        self.writes += 1;
        let time =
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + self.writes.unsigned_abs());
        File::open(dir).unwrap().set_modified(time).unwrap();
    }

    pub(super) fn source(&self) -> MergedSource {
        let clock: Arc<dyn Clock> = Arc::new(StoppedClock(FAR_FUTURE));
        let member = |at: &usize| -> Arc<dyn Source> {
            let (path, id) = (self.dir.path().join(STORES[*at]), source_id(STORES[*at]));
            let source: Arc<dyn Source> = match *at {
                FILES => Arc::new(FileReader::new(path, id, Arc::clone(&clock))),
                _ => Arc::new(SqliteReader::new(path, id, Arc::clone(&clock))),
            };
            let surveyed = if *at == FILES { Arc::default() } else { Arc::clone(&self.surveyed) };
            Arc::new(CountingSource { source, compared: Arc::clone(&self.compared), surveyed })
        };
        let first = MergedSource::new(source_id("merged"), member(&0));
        self.stores[1..].iter().map(member).fold(first, MergedSource::with_source)
    }

    pub(super) fn open(&self) -> (SessionMaterializer, StageReport) {
        let snapshots = Snapshots::new(self.dir.path().join("cache"));
        let source = Arc::new(self.source());
        let options = RefreshOptions::default();
        let opened = SessionMaterializer::open(source, Some(snapshots), options, &go_on).unwrap();
        let opened = opened.continue_value().unwrap();
        (opened.value, opened.report)
    }

    /// Checks that an index shows the copy that the model chooses, and that each loss is an issue.
    pub(super) fn check(&self, materializer: &SessionMaterializer, report: &StageReport) {
        self.check_index(materializer);
        let (_, losses) = chosen_by_model(&self.copies).unwrap_or_default();
        let issues = report.issues.iter().filter_map(|issue| match &issue.issue.kind {
            IssueKind::CopyHasMore { copy, count } => Some((copy.clone(), *count)),
            _ => None,
        });
        let mut issues: Vec<(String, usize)> = issues.collect();
        issues.sort_unstable();
        let mut losses: Vec<(String, usize)> =
            losses.into_iter().map(|(at, lost)| (STORES[at].to_owned(), lost)).collect();
        losses.sort_unstable();
        assert_eq!(issues, losses, "{:?}", self.copies);
    }

    pub(super) fn check_index(&self, materializer: &SessionMaterializer) {
        let (view, copies) = (materializer.view(), &self.copies);
        let Some((chosen, _)) = chosen_by_model(copies) else {
            assert!(metas(&view).is_empty(), "{copies:?}");
            return;
        };
        let messages: BTreeSet<u8> = copies[chosen].iter().flatten().copied().collect();
        let expected =
            messages.iter().map(|message| (format!("msg_{message}"), format!("a{chosen}")));
        let session = session_key("ses_1").session;
        let record = view.session(&session).unwrap();
        assert_eq!(record.origin.as_deref(), Some(STORES[chosen]), "{copies:?}");
        // A chosen copy that lost its record takes that of the first other copy.
        let titled = (0..4).find(|at| self.has_record[*at]);
        let titled = if self.has_record[chosen] { Some(chosen) } else { titled };
        assert_eq!(record.title.as_deref(), titled.map(|at| STORES[at]), "{copies:?}");
        let shown = view.by_session(&session).into_iter();
        let shown: BTreeSet<(String, String)> = shown
            .map(|it| (it.key.message.to_string(), it.agent.as_deref().unwrap_or_default().into()))
            .collect();
        assert_eq!(shown, expected.collect(), "all messages are of one copy: {copies:?}");
        let count = messages.len();
        let (mut sum, mut dollars) = (0, 0.0);
        for session in view.sessions() {
            let usage = view.usage(&session.key.session);
            assert_eq!(usage.messages, count as u64, "nothing counts twice");
            (sum, dollars) = (sum + usage.tokens.input, dollars + usage.cost.dollars());
        }
        assert_eq!((sum, dollars), (10 * count as i64, count as f64), "{copies:?}");
        // Whole sessions and single entities follow the choice too.
        let loaded = materializer.load_session_tree(&session.clone().into()).unwrap();
        assert_eq!(loaded.tree.messages.len(), count, "{copies:?}");
        let agent = format!(r#""agent":"a{chosen}""#);
        for node in &loaded.tree.messages {
            let text = String::from_utf8_lossy(node.span.as_deref().unwrap());
            assert!(text.contains(&agent), "{copies:?}: {text}");
        }
        assert!(loaded.tree.session.span.is_some(), "{copies:?}");
        if !self.has_record[chosen] {
            return;
        }
        let place = materializer.source().locate(&EntityKey::Session(session.into())).unwrap();
        let file = if chosen == FILES { "ses_1.json" } else { STORES[chosen] };
        assert!(place.ends_with(file), "{copies:?}: {}", place.display());
    }

    /// Checks that an index is equal to one that is built from nothing.
    pub(super) fn check_rebuilt(&self, materializer: &SessionMaterializer) {
        let built = build_index(&self.source(), PartDetail::Later, &go_on).unwrap();
        let built = built.continue_value().unwrap().value;
        assert_eq!(metas(&materializer.view()), metas(&built.view()), "{:?}", self.copies);
    }
}

/// Returns all sessions, each with its messages and its usage, as texts.
fn metas(view: &View) -> Vec<String> {
    let all = |record: SessionMeta| {
        let id = &record.key.session;
        let mut messages: Vec<_> = view.by_session(id).iter().map(|it| (**it).clone()).collect();
        messages.iter_mut().for_each(|message| message.parts = None);
        format!("{record:?} {:?} {messages:?}", view.usage(id))
    };
    view.sessions().map(|record| all(SessionMeta::clone(&record))).collect()
}

fn message_key(message: u8) -> MessageKey {
    let message = format!("msg_{message}").parse().unwrap();
    MessageKey { session: session_key("ses_1").session, message }
}

pub(super) fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
