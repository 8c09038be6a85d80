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

/// Asserts that following leaves names, bytes and times in a store unchanged, and that our own reads
/// cause no events.
///
/// Events of the writes before this call may be late, for as long as the machine is busy. Each period is
/// long enough for a whole sweep, so if reads caused events, every period would have some.
pub(crate) fn assert_untouched(live: &Live, storage: &Path) {
    let before = list_tree(storage);
    let has_quiet_period = (0..8).any(|_| {
        let start = live.stats();
        thread::sleep(Duration::from_millis(1500));
        let end = live.stats();
        end.feed != start.feed
            || end.feed == FeedKind::Poll
            || end.feed_stats.events == start.feed_stats.events
    });
    assert!(has_quiet_period, "our own reads cause events: {:?}", live.stats());
    assert!(before == list_tree(storage), "the store was changed");
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
