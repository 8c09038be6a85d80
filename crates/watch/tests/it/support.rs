//! A followed store in a directory of its own, and the states to compare it with.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use scrollback_core_id::{Cursor, SessionKey, SourceId, SystemClock};
use scrollback_flow::{PartDetail, Progress, SessionLoader, SessionRefTree, build_index};
use scrollback_index::{Delta, SessionIndex};
use scrollback_source::Source;
use scrollback_stor_read::FileReader;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};

use crate::state::State;

/// A time long after the last write, in seconds since the epoch.
pub(crate) const OLD_TIME_SECONDS: u64 = 1_700_000_000;

/// Sets the times of a whole store into the past, so that no record counts as young.
pub(crate) fn make_old(path: &Path) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().flatten().for_each(|entry| make_old(&entry.path()));
    }
    set_time(path, OLD_TIME_SECONDS);
}

pub(crate) fn set_time(path: &Path, seconds: u64) {
    fs::File::open(path).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

pub(crate) fn continue_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub(crate) fn file_source(storage: &Path) -> Arc<dyn Source> {
    let id = SourceId::new("a store").unwrap();
    Arc::new(FileReader::new(storage, id, Arc::new(SystemClock)))
}

/// Follows a store by one feed, and sweeps it every second.
pub(crate) fn start_live(source: &Arc<dyn Source>, feed: FeedKind) -> Live {
    let options = LiveOptions {
        feed: FeedChoice::Only(feed),
        sweep_interval: Duration::from_secs(1),
        ..LiveOptions::default()
    };
    Live::start(Arc::clone(source), None, options, &continue_progress).unwrap()
}

/// The native feeds, and polling.
pub(crate) const FEEDS: [FeedKind; 3] = [FeedKind::Inotify, FeedKind::Notify, FeedKind::Poll];

pub(crate) fn rebuilt_state(source: &Arc<dyn Source>) -> State {
    let built = build_index(&**source, PartDetail::Stamps, &continue_progress).unwrap();
    State::from_view(&built.continue_value().unwrap().value.view())
}

/// A consumer that applies the changes of an index.
#[derive(Default)]
pub(crate) struct IndexFollower {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) state: State,
    pub(crate) fresh: usize,
}

impl IndexFollower {
    pub(crate) fn pull(&mut self, index: &SessionIndex) {
        let answer = index.changes(self.cursor.as_ref());
        match &answer.delta {
            Delta::Fresh => {
                self.state = State::from_view(&answer.view);
                self.fresh += 1;
            }
            Delta::Changed(changes) => changes.iter().for_each(|change| self.state.apply(change)),
        }
        self.cursor = Some(answer.cursor);
    }
}

/// Waits until a live index equals a cold rebuild of its store.
pub(crate) fn wait_until_settled(live: &Live, source: &Arc<dyn Source>, time_limit: Duration) {
    let (start, rebuilt) = (Instant::now(), rebuilt_state(source));
    loop {
        let now = State::from_view(&live.index().view());
        let difference = difference(&now, &rebuilt);
        let Some(difference) = difference else { return };
        assert!(start.elapsed() < time_limit, "{difference}\n{:?}", live.stats());
        thread::sleep(Duration::from_millis(20));
    }
}

fn difference(now: &State, rebuilt: &State) -> Option<String> {
    let keys = now.entities.keys().chain(rebuilt.entities.keys());
    for key in keys {
        let (now, then) = (now.entities.get(key), rebuilt.entities.get(key));
        if now != then {
            return Some(format!("{key}:\nlive    {now:?}\nrebuilt {then:?}"));
        }
    }
    now.parts_agree_with(rebuilt).err()
}

fn span_bytes(tree: &SessionRefTree) -> Vec<Vec<u8>> {
    tree.spans().map(|span| span.to_vec()).collect()
}

/// Asserts that following leaves names, bytes and times in a store unchanged.
pub(crate) fn assert_untouched(live: &Live, storage: &Path) {
    let before = list_tree(storage);
    let start = Instant::now();
    let mut last_stats = live.stats();
    // The kernel reports a removed directory only when its last holder closes it.
    loop {
        thread::sleep(Duration::from_millis(300));
        let now = live.stats();
        if now.feed_stats.events == last_stats.feed_stats.events {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "no end of events: {now:?}");
        last_stats = now;
    }
    let start = Instant::now();
    // Long enough for a whole sweep.
    while start.elapsed() < Duration::from_millis(1500) {
        thread::sleep(Duration::from_millis(50));
    }
    let after = list_tree(storage);
    assert!(before == after, "the store was changed");
    let stats = live.stats();
    if stats.feed == last_stats.feed && stats.feed != FeedKind::Poll {
        // Our own reads must not cause events.
        assert_eq!(stats.feed_stats.events, last_stats.feed_stats.events, "{stats:?}");
    }
}

/// Lists every file and directory: path, bytes and time of the last change.
fn list_tree(path: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut entries = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            let bytes = match metadata.is_dir() {
                true => Vec::new(),
                false => fs::read(&path).unwrap(),
            };
            if metadata.is_dir() {
                pending.push(path.clone());
            }
            entries.push((path, bytes, metadata.modified().unwrap()));
        }
    }
    entries.sort_unstable();
    entries
}

/// Asserts that the bytes of the live index equal the bytes of the store.
pub(crate) fn assert_bytes_equal(live: &Live, source: &Arc<dyn Source>) {
    let sessions = live.index().view().session_ids();
    for session in sessions.into_iter().map(SessionKey::from) {
        let live_tree = live.materializer().load_session_tree(&session).unwrap();
        let cold_tree = SessionLoader::new(&**source).load_session_tree(&session).unwrap();
        assert_eq!(span_bytes(&live_tree.tree), span_bytes(&cold_tree.tree), "{session}");
    }
}
