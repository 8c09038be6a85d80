//! Convergence: a writer makes every kind of change, under every feed and with a failure of the
//! feed in between. At the end the live index equals a cold rebuild, and so does the state that a
//! follower built from the changes.
//!
//! The long run makes 100,000 changes per feed, and prints the delay until each change is noticed:
//! `cargo xtask stress watch`.

use std::time::{Duration, Instant};

use scrollback_fixtures::writer::Script;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use crate::delays::Delays;
use crate::server::Server;
use crate::state::State;
use crate::support::{
    FEEDS, IndexFollower, assert_bytes_equal, assert_untouched, continue_progress, file_source,
    wait_until_settled,
};

/// The time within which the sweep verifies every record.
const SWEEP_INTERVAL: Duration = Duration::from_secs(2);
/// The number of changes between two pauses of the writer.
const BURST_SIZE: u64 = 200;

/// The failure during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailureMode {
    Nothing,
    /// The limit of watches is reached.
    NoWatchLeft,
    /// The server is killed and started again.
    Killed,
    /// The queue of the system overflows, because the driver waits.
    Overflow,
}

fn check_convergence(feed: FeedKind, trouble: FailureMode, seed: u64, changes: u64) {
    if feed == FeedKind::Watchman && !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    std::fs::create_dir(&storage).unwrap();
    let mut server = (feed == FeedKind::Watchman).then(Server::start);
    let options = LiveOptions {
        feed: FeedChoice::Only(feed),
        sweep_interval: SWEEP_INTERVAL,
        server_socket: server.as_ref().map(|server| server.socket().to_owned()),
        retry_wait: Duration::from_millis(if trouble == FailureMode::Killed {
            300
        } else {
            60_000
        }),
        // 12 sessions have about 72 directories of parts.
        max_watches: (trouble == FailureMode::NoWatchLeft).then_some(40),
        // The driver waits during a burst that is larger than the queue of any system.
        debounce: Duration::from_secs(if trouble == FailureMode::Overflow { 1 } else { 0 }),
        max_delay: Duration::from_secs(if trouble == FailureMode::Overflow { 3 } else { 0 }),
        ..LiveOptions::default()
    };
    let source = file_source(&storage);
    let live = Live::start(source.clone(), None, options, &continue_progress).unwrap();
    let mut script = Script::new(&storage, seed, 12);
    let (mut follower, mut delays) = (IndexFollower::default(), Delays::start(&live));
    for step in 0..changes {
        delays.record_step(script.step().unwrap());
        if step % BURST_SIZE == BURST_SIZE - 1 {
            follower.pull(live.index());
            delays.pause(Duration::from_millis(10));
        }
        if step == changes / 3 && trouble == FailureMode::Overflow {
            overflow_queue(&storage);
        }
        if let Some(server) = server.as_mut().filter(|_| trouble == FailureMode::Killed) {
            match step {
                _ if step == changes / 3 => server.kill(),
                _ if step == changes / 3 * 2 => *server = server.restart(),
                _ => {}
            }
        }
    }
    wait_until_settled(&live, &source, 3 * SWEEP_INTERVAL + Duration::from_secs(15));
    assert_bytes_equal(&live, &source);
    follower.pull(live.index());
    assert_eq!(follower.state, State::from_view(&live.index().view()));
    assert_eq!(follower.fresh, 1);
    if trouble == FailureMode::Killed {
        let start = Instant::now();
        while live.stats().promotions == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", live.stats());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let stats = live.stats();
    let demotion_count =
        |from| stats.demotions.iter().filter(|demotion| demotion.from == from).count();
    match trouble {
        FailureMode::Nothing => {
            assert_eq!((stats.feed, demotion_count(feed)), (feed, 0), "{stats:?}")
        }
        FailureMode::NoWatchLeft => {
            assert_eq!((stats.feed, demotion_count(feed)), (FeedKind::Poll, 1), "{stats:?}");
        }
        FailureMode::Killed => {
            assert_eq!((stats.feed, demotion_count(feed)), (feed, 1), "{stats:?}")
        }
        FailureMode::Overflow => assert!(stats.feed_stats.rescans > 1, "{stats:?}"),
    }
    assert_eq!(stats.failures, 0, "{stats:?}");
    if trouble == FailureMode::Nothing {
        assert_untouched(&live, &storage);
    }
    delays.print(&format!("{feed}, {trouble:?}, {changes} changes"), &stats);
}

/// Writes more events than the system's queue holds. Neighbouring events differ, because the system
/// merges equal events.
fn overflow_queue(storage: &std::path::Path) {
    let queue_limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let queue_limit: u64 = queue_limit.trim().parse().unwrap();
    let paths = [0, 1].map(|n| storage.join(format!("session/p0/ses_x{n}.json")));
    for number in 0..queue_limit + 100 {
        let path = &paths[(number % 2) as usize];
        let record = format!(r#"{{"id":"ses_x{}","title":"step {number}"}}"#, number % 2);
        scrollback_fixtures::writer::write(path, record.as_bytes()).unwrap();
    }
}

const SHORT_RUN_CHANGES: u64 = 3000;

#[test]
fn native_feeds_converge() {
    for (feed, seed) in FEEDS.into_iter().zip(1..) {
        check_convergence(feed, FailureMode::Nothing, seed, SHORT_RUN_CHANGES);
    }
}

#[test]
fn watchman_feed_converges() {
    check_convergence(FeedKind::Watchman, FailureMode::Nothing, 7, SHORT_RUN_CHANGES);
}

#[test]
fn feeds_converge_without_free_watches() {
    for (feed, seed) in [(FeedKind::Inotify, 11), (FeedKind::Notify, 12)] {
        check_convergence(feed, FailureMode::NoWatchLeft, seed, SHORT_RUN_CHANGES);
    }
}

#[test]
fn feed_converges_after_the_server_is_killed() {
    check_convergence(FeedKind::Watchman, FailureMode::Killed, 13, SHORT_RUN_CHANGES);
}

#[test]
#[cfg(target_os = "linux")]
fn feed_converges_after_a_queue_overflow() {
    check_convergence(FeedKind::Inotify, FailureMode::Overflow, 14, SHORT_RUN_CHANGES);
}

#[test]
#[ignore = "takes minutes: `cargo xtask stress watch`"]
fn in_the_long_run() {
    let changes = std::env::var("CHANGES").map_or(100_000, |text| text.parse().unwrap());
    let feeds = [FeedKind::Inotify, FeedKind::Notify, FeedKind::Poll, FeedKind::Watchman];
    for (feed, seed) in feeds.into_iter().zip(21..) {
        check_convergence(feed, FailureMode::Nothing, seed, changes);
    }
    check_convergence(FeedKind::Inotify, FailureMode::NoWatchLeft, 31, changes);
    check_convergence(FeedKind::Watchman, FailureMode::Killed, 32, changes);
    check_convergence(FeedKind::Inotify, FailureMode::Overflow, 33, changes);
}
