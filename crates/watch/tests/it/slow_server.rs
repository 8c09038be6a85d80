//! Servers that start slowly, later, or never. The server is real; only its answers are delayed.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use scrollback_watch::{FeedChoice, FeedKind, Live, LiveOptions, OnSlowStart};
use tempfile::TempDir;

use crate::gate::Gate;
use crate::server::Server;
use crate::support::{continue_progress, file_source};

fn write_session(storage: &Path, title: &str) {
    let record = format!(r#"{{"id":"ses_1","projectID":"p","title":"{title}"}}"#);
    let path = storage.join("session/p/ses_1.json");
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
}

fn has_title(live: &Live, title: &str) -> bool {
    let view = live.index().view();
    view.sessions().next().is_some_and(|meta| meta.title.as_deref() == Some(title))
}

fn wait_until(live: &Live, condition: impl Fn(&Live) -> bool) {
    let start = Instant::now();
    while !condition(live) {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", live.stats());
        thread::sleep(Duration::from_millis(10));
    }
}

fn options(feed: FeedChoice, socket: &Path) -> LiveOptions {
    LiveOptions {
        feed,
        server_socket: Some(socket.to_owned()),
        retry_wait: Duration::from_millis(200),
        ..LiveOptions::default()
    }
}

/// A store with one session, in a directory of its own.
fn store() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    write_session(&storage, "0");
    (dir, storage)
}

const CHOSEN: FeedChoice = FeedChoice::Only(FeedKind::Watchman);

#[test]
fn chosen_server_is_reported_as_slow_and_waited_for() {
    if !Server::is_installed() {
        return;
    }
    let ((_dir, storage), server) = (store(), Server::start());
    let gate = Gate::new(server.socket());
    let open = gate.opener();
    // The server answers only after the callback, so the start proves that the callback was called.
    let on_slow_start = OnSlowStart::new(move |feed| {
        assert_eq!(feed, FeedKind::Watchman);
        open();
    });
    let options = LiveOptions {
        // An answer in general may take less time than the start.
        timeout: Duration::from_millis(1500),
        on_slow_start: Some(on_slow_start),
        ..options(CHOSEN, gate.socket())
    };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    assert_eq!(live.stats().feed, FeedKind::Watchman, "{:?}", live.stats());
    write_session(&storage, "1");
    wait_until(&live, |live| has_title(live, "1"));
}

#[test]
fn chosen_server_that_never_answers_is_an_error() {
    let ((_dir, storage), sockets) = (store(), TempDir::new().unwrap());
    let socket = sockets.path().join("sock");
    let _silent = UnixListener::bind(&socket).unwrap();
    let options = LiveOptions {
        server_start_timeout: Duration::from_millis(300),
        ..options(CHOSEN, &socket)
    };
    let error = Live::start(file_source(&storage), None, options, &continue_progress).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the feed watchman cannot begin: the server has not started within 300ms"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn automatic_choice_uses_the_next_feed_until_the_server_has_started() {
    if !Server::is_installed() {
        return;
    }
    let ((_dir, storage), server) = (store(), Server::start());
    server.watch(&storage);
    let gate = Gate::new(server.socket());
    // A wait before each attempt would be longer than the test.
    let options = LiveOptions {
        retry_wait: Duration::from_secs(3600),
        ..options(FeedChoice::Best, gate.socket())
    };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    let stats = live.stats();
    assert_eq!(stats.feed, FeedKind::Inotify, "{stats:?}");
    assert!(stats.demotions[0].reason.contains("has not started"), "{stats:?}");
    write_session(&storage, "1");
    wait_until(&live, |live| has_title(live, "1"));
    wait_until(&live, |live| live.stats().attempted_feed == Some(FeedKind::Watchman));
    gate.opener()();
    wait_until(&live, |live| live.stats().feed == FeedKind::Watchman);
    write_session(&storage, "2");
    wait_until(&live, |live| has_title(live, "2"));
    assert_eq!(live.stats().promotions, 1, "{:?}", live.stats());
}

#[test]
#[cfg(target_os = "linux")]
fn automatic_choice_finds_a_server_that_starts_later() {
    if !Server::is_installed() {
        return;
    }
    let ((_dir, storage), mut server) = (store(), Server::start());
    server.kill();
    let options = options(FeedChoice::Best, server.socket());
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    let stats = live.stats();
    assert_eq!((stats.feed, stats.demotions.len()), (FeedKind::Inotify, 0), "{stats:?}");
    let server = server.restart();
    server.watch(&storage);
    wait_until(&live, |live| live.stats().feed == FeedKind::Watchman);
    write_session(&storage, "1");
    wait_until(&live, |live| has_title(live, "1"));
}
