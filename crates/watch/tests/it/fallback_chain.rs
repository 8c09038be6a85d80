//! The fallback chain: changes are noticed while another feed is tried.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions};
use tempfile::TempDir;

use crate::server::Server;
use crate::support::{continue_progress, file_source};

fn write_session(storage: &Path, title: &str) {
    let record = format!(r#"{{"id":"ses_1","projectID":"p","title":"{title}"}}"#);
    let path = storage.join("session/p/ses_1.json");
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

/// Writes a title, and returns the time until the index has it.
fn write_and_wait(live: &Live, storage: &Path, title: &str) -> Duration {
    write_session(storage, title);
    let start = Instant::now();
    let has_title = || {
        let view = live.index().view();
        view.sessions().next().is_some_and(|meta| meta.title.as_deref() == Some(title))
    };
    while !has_title() {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", live.stats());
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}

fn wait_until(live: &Live, condition: impl Fn(&Live) -> bool) {
    let start = Instant::now();
    while !condition(live) {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", live.stats());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn options(server: &Server) -> LiveOptions {
    LiveOptions {
        feed: FeedChoice::Only(FeedKind::Watchman),
        server_socket: Some(server.socket().to_owned()),
        retry_wait: Duration::from_millis(200),
        ..LiveOptions::default()
    }
}

#[test]
fn feed_attempt_does_not_delay_changes() {
    if !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, "0");
    let mut server = Server::start();
    let options = LiveOptions { timeout: Duration::from_secs(8), ..options(&server) };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    // The new server accepts connections and never answers.
    server.kill();
    let _silent = UnixListener::bind(server.socket()).unwrap();
    wait_until(&live, |live| live.stats().feed == FeedKind::Poll);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let delay = write_and_wait(&live, &storage, &start.elapsed().as_nanos().to_string());
        assert!(delay < Duration::from_secs(3), "{delay:?}");
    }
    let stop_start = Instant::now();
    live.stop();
    assert!(stop_start.elapsed() < Duration::from_secs(3), "it ends although another is tried");
}

#[test]
fn hanging_server_is_replaced() {
    if !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, "0");
    let server = Server::start();
    let options = LiveOptions { timeout: Duration::from_millis(500), ..options(&server) };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    server.hang();
    wait_until(&live, |live| live.stats().feed == FeedKind::Poll);
    write_and_wait(&live, &storage, "1");
    let stats = live.stats();
    assert!(stats.demotions[0].reason.contains("no answer within"), "{stats:?}");
    server.resume();
    wait_until(&live, |live| live.stats().feed == FeedKind::Watchman);
    write_and_wait(&live, &storage, "2");
}

#[test]
fn pending_store_is_polled_until_the_server_can_watch_it() {
    if !Server::is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("data/storage");
    let server = Server::start();
    let live =
        Live::start(file_source(&storage), None, options(&server), &continue_progress).unwrap();
    assert_eq!(live.stats().feed, FeedKind::Poll, "{:?}", live.stats());
    fs::create_dir_all(&storage).unwrap();
    write_and_wait(&live, &storage, "1");
    wait_until(&live, |live| live.stats().feed == FeedKind::Watchman);
    write_and_wait(&live, &storage, "2");
    assert_eq!(live.stats().promotions, 1, "{:?}", live.stats());
}
