//! Cases in which a change could be lost, one per test.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrollback_core_id::{EntityKey, Scope};
use scrollback_flow::{PartDetail, RefreshOptions};
use scrollback_source::{ScanItem, Source};
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use crate::support::{OLD_TIME_SECONDS, continue_progress, file_source, set_time};

/// Starts without the help of a sweep.
fn start_live(source: &Arc<dyn Source>, feed: FeedKind, debounce: Duration) -> Live {
    let options = LiveOptions {
        feed: FeedChoice::Only(feed),
        sweep_interval: Duration::from_secs(86_400),
        debounce,
        max_delay: 3 * debounce,
        ..LiveOptions::default()
    };
    Live::start(Arc::clone(source), None, options, &continue_progress).unwrap()
}

fn write_record(storage: &Path, path: &str, record: &str) {
    scrollback_fixtures::writer::write(&storage.join(path), record.as_bytes()).unwrap();
}

fn write_message(storage: &Path, session: u8, number: u8, cost: u8) {
    let record = format!(
        r#"{{"id":"msg_{number}","sessionID":"ses_{session}","role":"assistant","cost":{cost}}}"#
    );
    write_record(storage, &format!("message/ses_{session}/msg_{number}.json"), &record);
}

fn write_session(storage: &Path, number: u8) {
    let record = format!(r#"{{"id":"ses_{number}","projectID":"p","time":{{"updated":1}}}}"#);
    write_record(storage, &format!("session/p/ses_{number}.json"), &record);
}

fn write_part(storage: &Path, number: u8, text: &str) {
    let record = format!(
        r#"{{"id":"prt_{number}","messageID":"msg_1","sessionID":"ses_1","type":"text","text":"{text}"}}"#
    );
    write_record(storage, &format!("part/msg_1/prt_{number}.json"), &record);
}

fn message_cost(live: &Live, number: u8) -> Option<f64> {
    live.index()
        .view()
        .message(&format!("msg_{number}").parse().unwrap())?
        .cost
        .map(|cost| cost.dollars())
}

/// Waits for a condition, and returns the time that it took.
fn wait_until(live: &Live, condition: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", live.stats());
        std::thread::sleep(Duration::from_millis(1));
    }
    start.elapsed()
}

/// Directories that are created while the queue overflows are watched afterwards.
#[test]
#[cfg(target_os = "linux")]
fn directories_created_during_a_queue_overflow_are_followed() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, 1);
    write_message(&storage, 1, 1, 1);
    let live = start_live(&file_source(&storage), FeedKind::Inotify, Duration::from_secs(1));
    let queue_limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let queue_limit: u64 = queue_limit.trim().parse().unwrap();
    for number in 0..2 * queue_limit {
        write_message(&storage, 1, (number % 2) as u8 + 1, 1);
    }
    // The queue is full: these writes cause no events.
    write_session(&storage, 2);
    write_message(&storage, 2, 7, 1);
    wait_until(&live, || message_cost(&live, 7) == Some(1.0));
    assert!(live.stats().rescans > 0, "{:?}", live.stats());
    wait_until(&live, || live.stats().feed_stats.watches >= 6);
    let before = live.stats().refreshes;
    write_message(&storage, 2, 7, 2);
    wait_until(&live, || message_cost(&live, 7) == Some(2.0));
    assert_eq!(live.stats().refreshes, before, "the feed must report it: {:?}", live.stats());
}

/// A directory is removed and created again while a process holds it open.
#[test]
#[cfg(target_os = "linux")]
fn recreated_directory_is_followed() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, 1);
    write_message(&storage, 1, 1, 1);
    let live = start_live(&file_source(&storage), FeedKind::Inotify, Duration::from_millis(50));
    let path = storage.join("message/ses_1");
    let open_directory = fs::File::open(&path).unwrap();
    fs::remove_dir_all(&path).unwrap();
    write_message(&storage, 1, 1, 2);
    drop(open_directory);
    wait_until(&live, || message_cost(&live, 1) == Some(2.0));
    // A directory can also be renamed over an empty directory.
    fs::remove_file(path.join("msg_1.json")).unwrap();
    let aside = storage.join("aside");
    fs::create_dir(&aside).unwrap();
    fs::write(
        aside.join("msg_1.json"),
        r#"{"id":"msg_1","sessionID":"ses_1","cost":3,"role":"user"}"#,
    )
    .unwrap();
    fs::rename(&aside, &path).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    let before = live.stats().refreshes;
    write_message(&storage, 1, 1, 4);
    wait_until(&live, || message_cost(&live, 1) == Some(4.0));
    assert!(live.stats().refreshes <= before + 1, "the feed must report it: {:?}", live.stats());
}

/// A revert of opencode writes the message and removes a part of it.
#[test]
fn message_is_read_although_one_of_its_parts_is_removed() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, 1);
    write_message(&storage, 1, 1, 1);
    write_part(&storage, 1, "a");
    write_part(&storage, 2, "b");
    let live = start_live(&file_source(&storage), FeedKind::Poll, Duration::ZERO);
    let session = "ses_1".parse::<scrollback_core_id::SessionId>().unwrap();
    live.materializer().load_session_tree(&session.into()).unwrap();
    // The time is old, so the message is not read again for being young.
    let key = |text: &str| live.index().view().message(&text.parse().unwrap()).unwrap().key.clone();
    let message_key = key("msg_1");
    write_message(&storage, 1, 1, 9);
    set_time(&storage.join("message/ses_1/msg_1.json"), OLD_TIME_SECONDS);
    fs::remove_file(storage.join("part/msg_1/prt_2.json")).unwrap();
    let part = scrollback_core_id::PartKey {
        message: message_key.message.clone(),
        part: "prt_2".parse().unwrap(),
    };
    let dirty = scrollback_flow::Dirty {
        records: vec![EntityKey::Message(message_key), EntityKey::Part(part)],
        ..Default::default()
    };
    live.materializer().refresh_dirty(&dirty).unwrap();
    assert_eq!(message_cost(&live, 1), Some(9.0));
}

/// Without changes the cursor of the index stays, with any setting for parts.
#[test]
fn idle_store_keeps_its_cursor() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, 1);
    write_message(&storage, 1, 1, 1);
    write_part(&storage, 1, "a");
    let refresh = RefreshOptions { parts: PartDetail::Stamps, ..LiveOptions::default().refresh };
    let options = LiveOptions {
        feed: FeedChoice::Only(FeedKind::Poll),
        sweep_interval: Duration::from_millis(200),
        poll_intervals: (Duration::from_millis(20), Duration::from_millis(40)),
        refresh,
        ..LiveOptions::default()
    };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    // Young records are read again until they are settled.
    std::thread::sleep(Duration::from_secs(1));
    let (cursor, refreshes) = (live.index().cursor(), live.stats().refreshes);
    wait_until(&live, || live.stats().refreshes > refreshes + 20);
    std::thread::sleep(Duration::from_millis(1200)); // long enough for a sweep
    assert_eq!(live.index().cursor(), cursor, "{:?}", live.stats());
}

/// The cache returns its bytes while they equal the store's bytes.
#[test]
fn cache_serves_current_bytes() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, 1);
    write_message(&storage, 1, 1, 1);
    let source = file_source(&storage);
    let live = start_live(&source, FeedKind::Poll, Duration::ZERO);
    let message_key = live.index().view().message(&"msg_1".parse().unwrap()).unwrap().key.clone();
    let (cache, key) = (live.cache(), EntityKey::Message(message_key.clone()));
    let reads = std::cell::Cell::new(0);
    let get = || {
        let load = || {
            reads.set(reads.get() + 1);
            let mut span = None;
            let mut reader = source.open().unwrap();
            reader
                .spans(std::slice::from_ref(&key), &mut |item| {
                    if let ScanItem::Entry(entry) = item {
                        span = entry.span;
                    }
                    std::ops::ControlFlow::Continue(())
                })
                .unwrap();
            Ok::<_, ()>(span.unwrap())
        };
        String::from_utf8(cache.get(&key, load).unwrap().to_vec()).unwrap()
    };
    std::thread::sleep(Duration::from_millis(300)); // young records are read again
    live.materializer().verify_sessions(&[message_key.session.clone().into()]).unwrap();
    assert!(get().contains("\"cost\":1"));
    assert!(get().contains("\"cost\":1"));
    assert_eq!(reads.get(), 1, "an unchanged record must not be read again");
    let old_bytes = get();
    write_message(&storage, 1, 1, 2);
    wait_until(&live, || message_cost(&live, 1) == Some(2.0));
    assert!(get().contains("\"cost\":2"), "although the record was settled in between");
    assert!(old_bytes.contains("\"cost\":1"));
    // A scan returns the same record.
    let scope = Scope::Messages(message_key.session.into());
    let entries =
        scrollback_source::Listing::collect(|visit| source.open().unwrap().scan(&scope, visit));
    assert_eq!(entries.unwrap().entries.len(), 1);
}
