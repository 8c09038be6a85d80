//! The soak test: memory does not grow with the number of events, whatever followers do.

use std::path::Path;
use std::time::{Duration, Instant};

use scrollback_fixtures::writer::Script;
use scrollback_watch::FeedKind;
use tempfile::TempDir;

use crate::support::{file_source, start_live, wait_until_settled};

/// Returns the resident memory of this process, in kilobytes.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Returns a directory in memory, so that the disk does not limit the test.
fn memory_dir() -> TempDir {
    let shared = Path::new("/dev/shm");
    let directory = if shared.is_dir() { TempDir::new_in(shared) } else { TempDir::new() };
    directory.unwrap()
}

/// As many events as an agent writes in a day, within minutes: `cargo xtask stress watch`.
#[test]
#[ignore = "takes minutes: `cargo xtask stress watch`"]
#[cfg(target_os = "linux")]
fn nothing_is_kept() {
    let events: u64 = std::env::var("EVENTS").map_or(10_000_000, |text| text.parse().unwrap());
    let dir = memory_dir();
    let storage = dir.path().join("storage");
    std::fs::create_dir(&storage).unwrap();
    let source = file_source(&storage);
    let live = start_live(&source, FeedKind::Inotify);
    // One follower pulls regularly, one pulled once, and one never pulls.
    let (mut regular_follower, mut idle_follower, _unused_follower) =
        (live.follow(None, None), live.follow(None, None), live.follow(None, None));
    idle_follower.pull().unwrap();
    let mut script = Script::new(&storage, 41, 12);
    let (start, mut first, mut tenth) = (Instant::now(), None, 1);
    while tenth <= 10 {
        for _ in 0..1000 {
            script.step().unwrap();
        }
        regular_follower.pull().unwrap();
        let stats = live.stats();
        while live.stats().feed_stats.events >= events / 10 * tenth && tenth <= 10 {
            let kb = resident_kb();
            println!(
                "{:>5.1?} {} events, {kb} kB: {stats:?}",
                start.elapsed(),
                events / 10 * tenth
            );
            first.get_or_insert(kb);
            tenth += 1;
        }
    }
    wait_until_settled(&live, &source, Duration::from_secs(60));
    let (first, last) = (first.unwrap() as f64, resident_kb() as f64);
    assert!(last <= first * 1.05, "{first} kB became {last} kB");
    assert_eq!(live.stats().failures, 0, "{:?}", live.stats());
}
