//! The choice among copies of one session: a state machine against a model of the rule, and the memo.
//!
//! Sources: reports anomalyco/opencode#13636, #21790, #21059 and #2987 (cases
//! 01-interrupted-json-migration and 07-newer-copy-in-channel-database).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use rusqlite::{Connection, params};
use scrollback_core_err::IssueKind;
use scrollback_core_id::{Clock, EntityKey, Scope};
use scrollback_core_type::StageReport;
use scrollback_flow::{MergedSource, Progress, RefreshOptions, SessionMaterializer, Snapshots};
use scrollback_source::Source;
use scrollback_stor_read::FileReader;
use scrollback_stor_sqlite::SqliteReader;
use tempfile::TempDir;

use super::counting::CountingSource;
use super::world::SCHEMA;
use crate::calls::{FAR_FUTURE, StoppedClock, session_key};
use crate::support::source_id;

const STORES: [&str; 3] = ["first.db", "second.db", "storage"];

/// The messages of each store; `None` without the session.
type Copies = [Option<BTreeSet<u8>>; 3];

/// Returns when a message was created. Two messages each have the same time.
fn created(message: u8) -> u8 {
    message / 2
}

/// The rule. Returns the chosen store, and the number of messages of each store that it lacks.
fn chosen_by_model(copies: &Copies) -> Option<(usize, Vec<(usize, usize)>)> {
    let held = |at: usize| copies[at].as_ref();
    let holders: Vec<usize> = (0..copies.len()).filter(|at| held(*at).is_some()).collect();
    let preferred = *holders.first()?;
    let has_all = holders.iter().all(|at| held(*at).unwrap().is_subset(held(preferred).unwrap()));
    let rank = |at: &usize| {
        let messages = held(*at).unwrap();
        (messages.iter().map(|message| created(*message)).max(), messages.len(), Reverse(*at))
    };
    let chosen = if has_all { preferred } else { *holders.iter().max_by_key(|at| rank(at))? };
    let lost = |at: usize| held(at).unwrap().difference(held(chosen).unwrap()).count();
    let losses = holders.iter().map(|at| (*at, lost(*at))).filter(|(_, lost)| *lost > 0);
    Some((chosen, losses.collect()))
}

/// Three stores of one session on disk.
struct World {
    dir: TempDir,
    copies: Copies,
    /// The number of writes so far. Directories get it as their time, so that every write shows.
    writes: u64,
    compared: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in &STORES[..2] {
            let database = Connection::open(dir.path().join(name)).unwrap();
            database.execute_batch(SCHEMA).unwrap();
            let project =
                "INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
                           VALUES ('p', '/w', 1, 1, '[]')";
            database.execute(project, []).unwrap();
        }
        for name in ["session/p", "message"] {
            fs::create_dir_all(dir.path().join("storage").join(name)).unwrap();
        }
        Self { dir, copies: Copies::default(), writes: 0, compared: Arc::default() }
    }

    fn database(&self, at: usize) -> Connection {
        let database = Connection::open(self.dir.path().join(STORES[at])).unwrap();
        database.pragma_update(None, "synchronous", "OFF").unwrap();
        database
    }

    fn put_session(&mut self, at: usize) {
        if self.copies[at].is_some() {
            return;
        }
        self.copies[at] = Some(BTreeSet::new());
        if at < 2 {
            let session = "INSERT INTO session (id, project_id, slug, directory, title, version,
                           time_created, time_updated) VALUES ('ses_1', 'p', 's', '/w', ?1, '1', 1, 1)";
            self.database(at).execute(session, [STORES[at]]).unwrap();
        } else {
            let record = r#"{"id":"ses_1","title":"storage","time":{"created":1,"updated":99}}"#;
            self.write("session/p/ses_1.json", record);
        }
    }

    fn put_message(&mut self, at: usize, message: u8) {
        self.put_session(at);
        if !self.copies[at].as_mut().unwrap().insert(message) {
            return;
        }
        let (id, time) = (format!("msg_{message}"), created(message));
        let data = format!(r#""role":"user","time":{{"created":{time}}}"#);
        if at < 2 {
            let row = params![id, time, format!("{{{data}}}")];
            let sql = "INSERT INTO message VALUES (?1, 'ses_1', ?2, ?2, ?3)";
            self.database(at).execute(sql, row).unwrap();
        } else {
            let record = format!(r#"{{"id":"{id}","sessionID":"ses_1",{data}}}"#);
            self.write(&format!("message/ses_1/{id}.json"), &record);
        }
    }

    fn remove_message(&mut self, at: usize, message: u8) {
        if !self.copies[at].as_mut().is_some_and(|messages| messages.remove(&message)) {
            return;
        }
        let id = format!("msg_{message}");
        if at < 2 {
            self.database(at).execute("DELETE FROM message WHERE id = ?1", [id]).unwrap();
        } else {
            let dir = self.dir.path().join("storage/message/ses_1");
            fs::remove_file(dir.join(format!("{id}.json"))).unwrap();
            self.touch(&dir);
        }
    }

    fn remove_session(&mut self, at: usize) {
        if self.copies[at].take().is_none() {
            return;
        }
        if at < 2 {
            let sql = "DELETE FROM message; DELETE FROM session";
            self.database(at).execute_batch(sql).unwrap();
        } else {
            let storage = self.dir.path().join("storage");
            fs::remove_file(storage.join("session/p/ses_1.json")).unwrap();
            let _ = fs::remove_dir_all(storage.join("message/ses_1")); // it may have no messages
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
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + self.writes);
        File::open(dir).unwrap().set_modified(time).unwrap();
    }

    fn source(&self) -> MergedSource {
        let clock: Arc<dyn Clock> = Arc::new(StoppedClock(FAR_FUTURE));
        let path = |at: usize| self.dir.path().join(STORES[at]);
        let counted = |source: Arc<dyn Source>| -> Arc<dyn Source> {
            Arc::new(CountingSource { source, compared: Arc::clone(&self.compared) })
        };
        let database = |at: usize| {
            let id = source_id(STORES[at]);
            counted(Arc::new(SqliteReader::new(path(at), id, Arc::clone(&clock))))
        };
        let files = FileReader::new(path(2), source_id(STORES[2]), Arc::clone(&clock));
        MergedSource::new(source_id("merged"), database(0))
            .with_source(database(1))
            .with_source(counted(Arc::new(files)))
    }

    fn open(&self) -> (SessionMaterializer, StageReport) {
        let snapshots = Snapshots::new(self.dir.path().join("cache"));
        let source = Arc::new(self.source());
        let options = RefreshOptions::default();
        let opened = SessionMaterializer::open(source, Some(snapshots), options, &go_on).unwrap();
        let opened = opened.continue_value().unwrap();
        (opened.value, opened.report)
    }

    /// Checks that an index shows the copy that the model chooses, and that each loss is an issue.
    fn check(&self, materializer: &SessionMaterializer, report: &StageReport) {
        let view = materializer.view();
        let session = session_key("ses_1").session;
        let shown = view.by_session(&session);
        let shown: BTreeSet<String> = shown.iter().map(|it| it.key.message.to_string()).collect();
        let copies = &self.copies;
        let Some((chosen, losses)) = chosen_by_model(copies) else {
            assert!(view.session(&session).is_none() && shown.is_empty(), "{copies:?}");
            return;
        };
        let record = view.session(&session).unwrap();
        assert_eq!(record.origin.as_deref(), Some(STORES[chosen]), "{copies:?}");
        assert_eq!(record.title.as_deref(), Some(STORES[chosen]), "{copies:?}");
        let messages = copies[chosen].iter().flatten().map(|message| format!("msg_{message}"));
        assert_eq!(shown, messages.collect(), "{copies:?}");
        assert_eq!(view.usage(&session).messages, shown.len() as u64, "nothing counts twice");
        let issues = report.issues.iter().filter_map(|issue| match &issue.issue.kind {
            IssueKind::CopyHasMore { copy, count } => Some((copy.clone(), *count)),
            _ => None,
        });
        let issues: BTreeSet<(String, usize)> = issues.collect();
        let losses = losses.into_iter().map(|(at, lost)| (STORES[at].to_owned(), lost));
        assert_eq!(issues, losses.collect(), "{copies:?}");
        // Whole sessions and single entities follow the choice too.
        let loaded = materializer.load_session_tree(&session.clone().into()).unwrap();
        assert_eq!(loaded.tree.messages.len(), shown.len(), "{copies:?}");
        let place = materializer.source().locate(&EntityKey::Session(session.into())).unwrap();
        assert_eq!(place.ends_with("ses_1.json"), chosen == 2, "{copies:?}");
    }
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A step of the machine. Small numbers name stores and messages.
#[derive(Debug, Clone)]
enum Step {
    PutSession(usize),
    PutMessage(usize, u8),
    RemoveMessage(usize, u8),
    RemoveSession(usize),
    /// Replaces a copy by a copy of another store, as a user or a migration does.
    Copy(usize, usize),
    Refresh,
    Verify,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let (at, message) = (0..3_usize, 0..6_u8);
    prop_oneof![
        2 => at.clone().prop_map(Step::PutSession),
        12 => (at.clone(), message.clone()).prop_map(|(at, m)| Step::PutMessage(at, m)),
        3 => (at.clone(), message).prop_map(|(at, m)| Step::RemoveMessage(at, m)),
        1 => at.clone().prop_map(Step::RemoveSession),
        3 => (at.clone(), at).prop_map(|(from, to)| Step::Copy(from, to)),
        4 => Just(Step::Refresh),
        2 => Just(Step::Verify),
        3 => Just(Step::Restart),
    ]
}

fn run_steps(steps: Vec<Step>) {
    let mut world = World::new();
    let (mut materializer, _) = world.open();
    let refresh = |materializer: &SessionMaterializer, world: &World| {
        let refreshed = materializer.refresh(&RefreshOptions::default(), &go_on).unwrap();
        world.check(materializer, &refreshed.continue_value().unwrap().report);
    };
    for step in steps {
        match step {
            Step::PutSession(at) => world.put_session(at),
            Step::PutMessage(at, message) => world.put_message(at, message),
            Step::RemoveMessage(at, message) => world.remove_message(at, message),
            Step::RemoveSession(at) => world.remove_session(at),
            Step::Copy(from, to) => {
                let messages = world.copies[from].clone().unwrap_or_default();
                let old = world.copies[to].clone().unwrap_or_default();
                messages.iter().for_each(|message| world.put_message(to, *message));
                old.difference(&messages).for_each(|message| world.remove_message(to, *message));
            }
            Step::Refresh => refresh(&materializer, &world),
            // Without a survey: the session alone is verified.
            Step::Verify => {
                let report = materializer.verify_sessions(&[session_key("ses_1")]).unwrap();
                world.check(&materializer, &report);
            }
            Step::Restart => {
                materializer.save_cursors().unwrap();
                drop(materializer);
                let (opened, report) = world.open();
                world.check(&opened, &report);
                materializer = opened;
            }
        }
    }
    refresh(&materializer, &world);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_chosen_copy_is_that_of_the_model(steps in prop::collection::vec(step(), 1..40)) {
        run_steps(steps);
    }
}

#[test]
fn a_warm_start_compares_no_messages() {
    let mut world = World::new();
    for (at, message) in [(0, 0), (0, 1), (1, 0), (1, 5), (2, 0), (2, 2)] {
        world.put_message(at, message);
    }
    let (first, report) = world.open();
    world.check(&first, &report);
    assert!(world.compared.load(Ordering::Relaxed) > 0);
    first.save_cursors().unwrap();
    drop(first);
    // The copies differ, which is an issue, so the session is verified; it is the only one. Make them
    // equal, so that nothing has to be verified.
    for (at, message) in [(0, 2), (0, 5)] {
        world.put_message(at, message);
    }
    let (second, report) = world.open();
    world.check(&second, &report);
    second.save_cursors().unwrap();
    drop(second);
    world.compared.store(0, Ordering::Relaxed);
    let (third, _) = world.open();
    assert_eq!(world.compared.load(Ordering::Relaxed), 0);
    world.check(&third, &StageReport::default());
}

#[test]
fn a_forced_member_supplies_what_it_has() {
    let mut world = World::new();
    for (at, message) in [(0, 0), (0, 1), (1, 0), (2, 0), (2, 2)] {
        world.put_message(at, message);
    }
    for (at, count) in [2, 1, 2].into_iter().enumerate() {
        let source = world.source().with_forced_member(source_id(STORES[at]));
        let mut reader = source.open().unwrap();
        let scope = Scope::MessageNames(session_key("ses_1"));
        let names =
            scrollback_source::Listing::collect(|visit| reader.scan(&scope, visit)).unwrap();
        assert_eq!(names.entries.len(), count, "{}", STORES[at]);
    }
}
