//! Stores of agents that keep logs and step files, while one or two writers write them as the
//! programs do: no event is lost, and the follower ends equal to a cold read.
//!
//! The long run makes 20,000 appends under each feed: `cargo xtask stress watch`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{process, thread};

use scrollback_core_id::{EntityKey, SessionId, SessionKey, SourceId, SystemClock};
use scrollback_index::SessionIndex;
use scrollback_source::Source;
use scrollback_source_test::calls::tree;
use scrollback_stor_agents::claw::Claw;
use scrollback_stor_agents::crabtalk::Crabtalk;
use scrollback_stor_agents::engine::{AgentSource, Dialect};
use scrollback_watch::{ChangeKind, FeedKind, Follower, Live, Subject};
use tempfile::TempDir;

use crate::state::State;
use crate::support::{IndexFollower, assert_bytes_equal, rebuilt_state, start_live};

/// The number of appends in the gate, and in the long run.
const SHORT: usize = 2_000;
const LONG: usize = 20_000;
const FEEDS: [FeedKind; 2] = [FeedKind::Inotify, FeedKind::Poll];
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A program that appends to the one session of a store.
trait Writer: Send {
    /// Makes the session without messages.
    fn create(root: &Path) -> Self
    where
        Self: Sized;

    /// Appends one message with this text.
    fn append(&mut self, text: &str);

    /// Returns a second program that writes the same session, and has read it at this moment.
    fn second(&self) -> Self
    where
        Self: Sized;
}

/// claw opens its log for each record and calls `writeln`, without a lock.
struct ClawWriter(PathBuf);

fn claw_record(text: &str) -> String {
    format!(
        r#"{{"message":{{"blocks":[{{"text":"{text}","type":"text"}}],"role":"user"}},"type":"message"}}"#
    )
}

fn open_log(path: &Path) -> File {
    File::options().append(true).open(path).unwrap()
}

impl Writer for ClawWriter {
    fn create(root: &Path) -> Self {
        let path = root.join("one.jsonl");
        let meta = r#"{"created_at_ms":1,"session_id":"one","type":"session_meta","updated_at_ms":1,"version":1}"#;
        fs::write(&path, format!("{meta}\n")).unwrap();
        Self(path)
    }

    fn append(&mut self, text: &str) {
        writeln!(open_log(&self.0), "{}", claw_record(text)).unwrap();
    }

    fn second(&self) -> Self {
        Self(self.0.clone())
    }
}

/// crabtalk writes a temporary file and renames it to the next number of its own counter.
struct CrabtalkWriter {
    dir: PathBuf,
    number: u64,
    writer: u64,
    writes: u64,
}

impl Writer for CrabtalkWriter {
    fn create(root: &Path) -> Self {
        let dir = root.join("crab_user_1");
        fs::create_dir(&dir).unwrap();
        let meta = r#"{"agent":"crab","created_by":"user","created_at":"2026-11-21T00:10:53Z"}"#;
        fs::write(dir.join("meta"), meta).unwrap();
        Self { dir, number: 0, writer: 0, writes: 0 }
    }

    fn append(&mut self, text: &str) {
        self.number += 1;
        self.writes += 1;
        let name = format!("step-{:06}", self.number);
        let unique = self.writes * 2 + self.writer;
        let temporary = self.dir.join(format!("{name}.tmp.{}.{unique}", process::id()));
        let content = format!(
            r#"{{"message":{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}}}"#
        );
        fs::write(&temporary, content).unwrap();
        fs::rename(&temporary, self.dir.join(name)).unwrap();
    }

    fn second(&self) -> Self {
        Self { dir: self.dir.clone(), number: self.number, writer: 1, writes: 0 }
    }
}

/// What a consumer has received.
#[derive(Default)]
struct Received {
    created: BTreeMap<EntityKey, usize>,
    index: IndexFollower,
}

impl Received {
    fn pull(&mut self, follower: &mut Follower, index: &SessionIndex) {
        loop {
            let events = follower.pull().unwrap();
            for event in &events {
                if let (ChangeKind::Created, Subject::Message { key, .. }) =
                    (event.kind, &event.subject)
                {
                    *self.created.entry(key.clone().into()).or_default() += 1;
                }
            }
            if events.is_empty() {
                break;
            }
        }
        self.index.pull(index);
    }
}

/// A store that is followed, and the consumer.
struct Followed {
    source: Arc<dyn Source>,
    live: Live,
    follower: Follower,
    received: Received,
}

impl Followed {
    fn start<D: Dialect>(dialect: D, root: &Path, feed: FeedKind) -> Self {
        let id = SourceId::new(D::AGENT).unwrap();
        let source: Arc<dyn Source> =
            Arc::new(AgentSource::new(dialect, root, id, Arc::new(SystemClock)));
        let live = start_live(&source, feed);
        let mut follower = live.follow(None, None);
        let mut received = Received::default();
        received.pull(&mut follower, live.index());
        Self { source, live, follower, received }
    }

    /// Runs writers, and follows them while they write.
    fn follow(&mut self, writers: Vec<Box<dyn FnOnce() + Send>>) {
        let threads: Vec<_> = writers.into_iter().map(thread::spawn).collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            self.pull();
            thread::sleep(Duration::from_millis(5));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    fn pull(&mut self) {
        self.received.pull(&mut self.follower, self.live.index());
    }

    /// Waits until the index and the consumer equal a cold read. The end of a log counts once it is
    /// old, so each round reads the store again.
    fn check_equals_cold_read(&mut self) {
        let start = Instant::now();
        loop {
            let cold = rebuilt_state(&self.source);
            let now = State::from_view(&self.live.index().view());
            if now.entities == cold.entities && now.parts_agree_with(&cold).is_ok() {
                break;
            }
            let counts = (now.entities.len(), cold.entities.len());
            assert!(start.elapsed() < TIME_LIMIT, "{counts:?}: {:?}", self.live.stats());
            thread::sleep(Duration::from_millis(100));
        }
        assert_bytes_equal(&self.live, &self.source);
        self.pull();
        assert_eq!(self.received.index.state, State::from_view(&self.live.index().view()));
        assert_eq!(self.received.index.fresh, 1, "the consumer started over");
        assert_eq!(self.live.stats().failures, 0, "{:?}", self.live.stats());
    }
}

/// Returns the texts of all parts of a session, and the number of issues.
fn texts(source: &dyn Source, session: &str) -> (Vec<String>, usize) {
    let listing = tree(source, &SessionKey::from(SessionId::new(session).unwrap()));
    let parts = listing.entries.iter().filter(|entry| matches!(entry.key, EntityKey::Part(_)));
    let text = |bytes: &[u8]| {
        let json = String::from_utf8(bytes.to_vec()).unwrap();
        let (_, text) = json.split_once(r#""text":""#).unwrap();
        text.split_once('"').unwrap().0.to_owned()
    };
    (parts.map(|entry| text(entry.span.as_deref().unwrap())).collect(), listing.issues.len())
}

fn texts_of(writer: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{writer} {number}")).collect()
}

fn write_all(mut writer: impl Writer + 'static, texts: Vec<String>) -> Box<dyn FnOnce() + Send> {
    Box::new(move || texts.iter().for_each(|text| writer.append(text)))
}

fn check_one_writer<W: Writer + 'static>(
    dialect: impl Dialect,
    session: &str,
    feed: FeedKind,
    appends: usize,
) {
    let dir = TempDir::new().unwrap();
    let writer = W::create(dir.path());
    let mut followed = Followed::start(dialect, dir.path(), feed);
    let start = Instant::now();
    followed.follow(vec![write_all(writer, texts_of("a", appends))]);
    let written = start.elapsed();
    followed.check_equals_cold_read();
    let (found, issues) = texts(&*followed.source, session);
    assert_eq!((found, issues), (texts_of("a", appends), 0));
    let created = &followed.received.created;
    assert_eq!(created.len(), appends, "events are lost: {:?}", followed.live.stats());
    assert!(created.values().all(|count| *count == 1), "an event came twice");
    println!(
        "{session}, {feed}: {appends} appends in {written:.1?}, {} events of new messages, 0 lost, equal after {:.1?}",
        created.len(),
        start.elapsed()
    );
}

fn check_claw_with_two_writers(feed: FeedKind, appends: usize) {
    let dir = TempDir::new().unwrap();
    let writer = ClawWriter::create(dir.path());
    let (path, second) = (writer.0.clone(), writer.second());
    let mut followed = Followed::start(Claw, dir.path(), feed);
    // `writeln` writes a record and its line feed one after the other, so a record of the other
    // program can come between. Here it surely does.
    for number in 0..10 {
        let (mut one, mut two) = (open_log(&path), open_log(&path));
        one.write_all(claw_record(&format!("glued a {number}")).as_bytes()).unwrap();
        two.write_all(claw_record(&format!("glued b {number}")).as_bytes()).unwrap();
        one.write_all(b"\n").unwrap();
        two.write_all(b"\n").unwrap();
        followed.pull();
    }
    followed.follow(vec![
        write_all(writer, texts_of("a", appends / 2)),
        write_all(second, texts_of("b", appends / 2)),
    ]);
    followed.check_equals_cold_read();
    let (found, issues) = texts(&*followed.source, "one");
    let glued = fs::read_to_string(&path).unwrap().matches("}{").count();
    assert!(glued >= 10, "no record was glued to another");
    // Every record is found, in the order in which its writer wrote it.
    assert_eq!(found.len(), 20 + appends / 2 * 2, "{issues} issues, {glued} glued records");
    for name in ["a", "b"] {
        let of_writer = |text: &&String| text.split(' ').next() == Some(name);
        let own: Vec<String> = found.iter().filter(of_writer).cloned().collect();
        assert_eq!(own, texts_of(name, appends / 2));
    }
    println!(
        "claw, {feed}, two writers: {} records, {glued} glued and split, {issues} issues",
        found.len()
    );
}

fn check_crabtalk_with_two_writers(feed: FeedKind, appends: usize) {
    let dir = TempDir::new().unwrap();
    let writer = CrabtalkWriter::create(dir.path());
    let second = writer.second();
    let mut followed = Followed::start(Crabtalk, dir.path(), feed);
    followed.follow(vec![
        write_all(writer, texts_of("a", appends / 2)),
        write_all(second, texts_of("b", appends / 2)),
    ]);
    followed.check_equals_cold_read();
    // Both programs count from the same number, so each file was written twice, and the last rename
    // wins.
    let (found, issues) = texts(&*followed.source, "crab_user_1");
    assert_eq!((found.len(), issues), (appends / 2, 0));
    let numbers: BTreeSet<&str> = found.iter().filter_map(|text| text.split(' ').nth(1)).collect();
    assert_eq!(numbers.len(), appends / 2);
    let of_a = found.iter().filter(|text| text.starts_with('a')).count();
    println!(
        "crabtalk, {feed}, two writers: {} files, {of_a} of the first writer, {issues} issues",
        found.len()
    );
}

fn check_all(appends: usize) {
    for feed in FEEDS {
        check_one_writer::<ClawWriter>(Claw, "one", feed, appends);
        check_one_writer::<CrabtalkWriter>(Crabtalk, "crab_user_1", feed, appends);
        check_claw_with_two_writers(feed, appends);
        check_crabtalk_with_two_writers(feed, appends);
    }
}

#[test]
fn no_append_to_a_log_is_lost() {
    FEEDS.into_iter().for_each(|feed| check_one_writer::<ClawWriter>(Claw, "one", feed, SHORT));
}

#[test]
fn no_step_file_is_lost() {
    FEEDS
        .into_iter()
        .for_each(|feed| check_one_writer::<CrabtalkWriter>(Crabtalk, "crab_user_1", feed, SHORT));
}

#[test]
fn a_log_of_two_writers_is_followed() {
    FEEDS.into_iter().for_each(|feed| check_claw_with_two_writers(feed, SHORT));
}

#[test]
fn step_files_of_two_writers_are_followed() {
    FEEDS.into_iter().for_each(|feed| check_crabtalk_with_two_writers(feed, SHORT));
}

#[test]
#[ignore = "takes minutes: `cargo xtask stress watch`"]
fn agents_in_the_long_run() {
    check_all(LONG);
}
