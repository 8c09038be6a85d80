//! The start and the end of a live index.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use scrollback_flow::Snapshots;
use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use crate::server::Server;
use crate::support::{
    FEEDS, OLD_TIME_SECONDS, continue_progress, file_source, make_old, set_time, start_live,
};

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

/// A write in place into a cold session changes no directory. Only a server that has run all the
/// time reports it.
#[test]
fn server_reports_changes_made_without_a_listener() {
    if !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let (storage, snapshots) = (dir.path().join("storage"), dir.path().join("kept"));
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
        Live::start(source.clone(), Some(Snapshots::new(&snapshots)), options, &continue_progress)
            .unwrap()
    };
    let first = start(options(FeedKind::Watchman, None));
    assert_eq!(message_cost(&first), Some(1.0));
    let clock = first.clock().unwrap();
    first.materializer().save_snapshot().unwrap();
    first.stop();

    write_message(&storage, 2);
    set_time(&storage.join("message/ses_1/msg_1.json"), OLD_TIME_SECONDS + 1);
    let without_server = start(options(FeedKind::Poll, None));
    assert_eq!(message_cost(&without_server), Some(1.0), "a test that shows nothing");
    without_server.stop();

    // The clock is kept as text.
    let clock = clock.to_string().parse().unwrap();
    let with_server = start(options(FeedKind::Watchman, Some(clock)));
    let start_time = Instant::now();
    while message_cost(&with_server) != Some(2.0) {
        assert!(start_time.elapsed() < Duration::from_secs(10), "{:?}", with_server.stats());
        std::thread::sleep(Duration::from_millis(10));
    }
    let stats = with_server.stats();
    assert_eq!((stats.feed, stats.rescans), (FeedKind::Watchman, 0), "{stats:?}");
}

/// The server does not know the clock any more, so the whole store is rescanned.
#[test]
fn restarted_server_causes_a_rescan() {
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
    let first =
        Live::start(source.clone(), None, options(&server, None), &continue_progress).unwrap();
    let clock = first.clock();
    first.stop();
    server.kill();
    let server = server.restart();
    let second = Live::start(source, None, options(&server, clock), &continue_progress).unwrap();
    let start_time = Instant::now();
    while second.stats().rescans == 0 {
        assert!(start_time.elapsed() < Duration::from_secs(10), "{:?}", second.stats());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn live_starts_inside_a_running_runtime() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let live = start_live(&file_source(&storage), FeedKind::Poll);
        let events = live.follow(None, None).next().await.unwrap();
        assert!(!events.is_empty());
        live.stop();
        // A failed start leaves no runtime behind.
        let options = LiveOptions {
            feed: FeedChoice::Only(FeedKind::Watchman),
            server_socket: Some(dir.path().join("no server")),
            ..LiveOptions::default()
        };
        let error = Live::start(file_source(&storage), None, options, &continue_progress)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the feed watchman cannot begin: "), "{error}");
    });
}

#[test]
fn driver_runs_as_a_task_of_the_callers_runtime() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for feed in FEEDS {
        write_message(&storage, 1);
        runtime.block_on(async {
            let options = LiveOptions { feed: FeedChoice::Only(feed), ..LiveOptions::default() };
            let live = Live::spawn(file_source(&storage), None, options, &continue_progress)
                .await
                .unwrap();
            let mut follower = live.follow(None, None);
            follower.next().await.unwrap();
            write_message(&storage, 23);
            let time_limit = Duration::from_secs(10);
            tokio::time::timeout(time_limit, async {
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

/// Returns the number of threads of this process, and the number of its inotify queues.
#[cfg(target_os = "linux")]
fn thread_and_queue_counts() -> (usize, usize) {
    let read = |path: &str| fs::read_dir(path).unwrap().flatten();
    let queues = read("/proc/self/fd")
        .filter_map(|fd| fs::read_link(fd.path()).ok())
        .filter(|link| link.to_string_lossy().contains("inotify"));
    (read("/proc/self/task").count(), queues.count())
}

/// nextest runs each test in a process of its own, so no other test changes the counts.
#[test]
#[cfg(target_os = "linux")]
fn stop_leaves_no_thread_and_no_queue() {
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
        let start_time = Instant::now();
        // The thread of the crate notify ends by itself.
        while thread_and_queue_counts() != before {
            assert!(
                start_time.elapsed() < Duration::from_secs(10),
                "{feed}: {:?}",
                thread_and_queue_counts()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
