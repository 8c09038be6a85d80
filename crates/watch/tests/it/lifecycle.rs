//! How a live index begins, and how it ends.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use scrollback_flow::Snapshots;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use crate::server::Server;
use crate::support::{FEEDS, OLD_TIME_SECONDS, file_source, go_on, make_old, set_time, start_live};

fn write_message(storage: &Path, cost: u8) {
    let record =
        format!(r#"{{"id":"msg_1","sessionID":"ses_1","role":"assistant","cost":{cost}}}"#);
    let path = storage.join("message/ses_1/msg_1.json");
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

fn write_session(storage: &Path) {
    let path = storage.join("session/p/ses_1.json");
    let record = r#"{"id":"ses_1","projectID":"p","time":{"updated":1}}"#;
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

fn message_cost(live: &Live) -> Option<f64> {
    live.index().view().message(&"msg_1".parse().unwrap())?.cost.map(|cost| cost.dollars())
}

/// What is written in place in a session that nobody touches, no directory tells. A server that ran
/// all the time does.
#[test]
fn a_server_remembers_what_happened_while_nobody_listened() {
    if !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let (storage, kept) = (dir.path().join("storage"), dir.path().join("kept"));
    write_session(&storage);
    write_message(&storage, 1);
    make_old(&storage);
    let (source, server) = (file_source(&storage), Server::start());
    let options = |feed, since| LiveOptions {
        feed: FeedChoice::Only(feed),
        sweep_interval: Duration::from_secs(86_400),
        server_socket: Some(server.socket().to_owned()),
        since,
        ..LiveOptions::default()
    };
    let start = |options| {
        Live::start(source.clone(), Some(Snapshots::new(&kept)), options, &go_on).unwrap()
    };
    let first = start(options(FeedKind::Watchman, None));
    assert_eq!(message_cost(&first), Some(1.0));
    let clock = first.clock().unwrap();
    first.materializer().save_snapshot().unwrap();
    first.stop();

    write_message(&storage, 2);
    set_time(&storage.join("message/ses_1/msg_1.json"), OLD_TIME_SECONDS + 1);
    let without = start(options(FeedKind::Poll, None));
    assert_eq!(message_cost(&without), Some(1.0), "a test that shows nothing");
    without.stop();

    // As text, as whoever keeps it has it.
    let clock = clock.to_string().parse().unwrap();
    let with = start(options(FeedKind::Watchman, Some(clock)));
    let begun = Instant::now();
    while message_cost(&with) != Some(2.0) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", with.stats());
        std::thread::sleep(Duration::from_millis(10));
    }
    let stats = with.stats();
    assert_eq!((stats.feed, stats.rescans), (FeedKind::Watchman, 0), "{stats:?}");
}

/// A clock that the server does not know any more: all of the store is looked at.
#[test]
fn a_server_that_began_anew_says_so() {
    if !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage);
    let (source, mut server) = (file_source(&storage), Server::start());
    let options = |server: &Server, since| LiveOptions {
        feed: FeedChoice::Only(FeedKind::Watchman),
        server_socket: Some(server.socket().to_owned()),
        since,
        ..LiveOptions::default()
    };
    let first = Live::start(source.clone(), None, options(&server, None), &go_on).unwrap();
    let clock = first.clock();
    first.stop();
    server.kill();
    let server = server.restart();
    let second = Live::start(source, None, options(&server, clock), &go_on).unwrap();
    let begun = Instant::now();
    while second.stats().rescans == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", second.stats());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn it_begins_where_a_runtime_runs_already() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let live = start_live(&file_source(&storage), FeedKind::Poll);
        let events = live.follow(None, None).next().await.unwrap();
        assert!(!events.is_empty());
        live.stop();
        // And one that cannot begin leaves nothing behind that complains.
        let options = LiveOptions {
            feed: FeedChoice::Only(FeedKind::Watchman),
            server_socket: Some(dir.path().join("no server")),
            ..LiveOptions::default()
        };
        let error =
            Live::start(file_source(&storage), None, options, &go_on).unwrap_err().to_string();
        assert!(error.starts_with("the feed watchman cannot begin: "), "{error}");
    });
}

#[test]
fn a_driver_may_be_a_task_of_whoever_follows() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for feed in FEEDS {
        write_message(&storage, 1);
        runtime.block_on(async {
            let options = LiveOptions { feed: FeedChoice::Only(feed), ..LiveOptions::default() };
            let live = Live::spawn(file_source(&storage), None, options, &go_on).await.unwrap();
            let mut follower = live.follow(None, None);
            follower.next().await.unwrap();
            write_message(&storage, 23);
            let within = Duration::from_secs(10);
            tokio::time::timeout(within, async {
                while message_cost(&live) != Some(23.0) {
                    follower.next().await.unwrap();
                }
            })
            .await
            .unwrap();
            live.stop();
        });
    }
}

/// How many threads this process has, and how many queues of watches.
#[cfg(target_os = "linux")]
fn thread_and_queue_counts() -> (usize, usize) {
    let read = |path: &str| fs::read_dir(path).unwrap().flatten();
    let queues = read("/proc/self/fd")
        .filter_map(|fd| fs::read_link(fd.path()).ok())
        .filter(|link| link.to_string_lossy().contains("inotify"));
    (read("/proc/self/task").count(), queues.count())
}

/// The only test in its process that may count them is this one: nextest runs each in its own.
#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_behind() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage);
    let source = file_source(&storage);
    let before = thread_and_queue_counts();
    for feed in FEEDS {
        let live = start_live(&source, feed);
        let queue = usize::from(feed != FeedKind::Poll);
        assert!(
            thread_and_queue_counts().0 > before.0
                && thread_and_queue_counts().1 == before.1 + queue,
            "{:?}",
            thread_and_queue_counts()
        );
        match feed {
            FeedKind::Notify => drop(live),
            _ => live.stop(),
        }
        let begun = Instant::now();
        // The thread of the crate notify ends by itself.
        while thread_and_queue_counts() != before {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{feed}: {:?}",
                thread_and_queue_counts()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
