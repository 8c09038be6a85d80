//! Followers: streams that are continued from a cursor, filtered, or delivered in pieces.

use std::path::Path;
use std::time::Duration;

use scrollback_core_id::SessionKey;
use scrollback_flow::Snapshots;
use scrollback_watch::{ChangeKind, Event, Live, LiveOptions, Subject};
use tempfile::TempDir;

use crate::support::{continue_progress, file_source, make_old};

fn start_with_snapshots(storage: &Path, snapshots: &Path) -> Live {
    let snapshots = Snapshots::new(snapshots.to_owned());
    Live::start(file_source(storage), Some(snapshots), LiveOptions::default(), &continue_progress)
        .unwrap()
}

/// Pulls until an event meets a condition, and returns all events.
fn pull_until(
    follower: &mut scrollback_watch::Follower,
    mut condition: impl FnMut(&Event) -> bool,
) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..500 {
        events.extend(follower.pull().unwrap());
        if events.iter().any(&mut condition) {
            return events;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{events:?}");
}

#[test]
fn cursor_resumes_a_stream_within_and_across_processes() {
    let dir = TempDir::new().unwrap();
    let (storage, snapshots) = (dir.path().join("storage"), dir.path().join("cache"));
    scrollback_fixtures::write_tree(
        &storage,
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","projectID":"p","title":"one","time":{"created":1,"updated":1}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
    "#,
    )
    .unwrap();
    let write = |path: &str, text: &str| {
        scrollback_fixtures::writer::write(&storage.join(path), text.as_bytes()).unwrap();
    };
    let part = |text: &str| {
        write(
            "part/msg_1/prt_1.json",
            &format!(
                r#"{{"id":"prt_1","sessionID":"ses_1","messageID":"msg_1","type":"text","text":"{text}"}}"#
            ),
        );
    };
    let live = start_with_snapshots(&storage, &snapshots);
    let mut follower = live.follow(None, None);
    let state = follower.pull().unwrap();
    assert!(matches!(state[0].subject, Subject::Fresh));
    let fresh = state.last().unwrap().cursor;
    part("hello");
    let is_part = |event: &Event| matches!(event.subject, Subject::Part { .. });
    let events = pull_until(&mut follower, is_part);
    let names: Vec<_> = events.iter().map(|event| event.subject.name()).collect();
    // The message's own record is unchanged. Whether the part is new or updated depends on whether
    // the message's parts were listed before.
    assert_eq!(names, ["part"]);
    assert!(matches!(events[0].kind, ChangeKind::Created | ChangeKind::Updated), "{events:?}");
    while live.stats().pending_scopes > 0 {
        std::thread::sleep(Duration::from_millis(10)); // until the write is settled
    }
    // A follower with an older cursor gets both events. Between the two events of one change the
    // stream can also be continued, and only the second event follows.
    let missed_events = live.follow(fresh, None).pull().unwrap();
    assert!(matches!(missed_events[0].subject, Subject::Message { .. }), "{missed_events:?}");
    let resumed = live.follow(missed_events[0].cursor, None).pull().unwrap();
    assert!(is_part(&resumed[0]), "{resumed:?}");
    let cursor = missed_events[0].cursor.unwrap();
    assert_eq!(cursor.to_string().parse(), Ok(cursor), "{cursor}");
    let rest = live.follow(missed_events.last().unwrap().cursor, None).pull().unwrap();
    assert!(rest.is_empty(), "{rest:?}");

    // Another process continues from the saved cursor.
    let last = *follower.cursor().unwrap();
    live.materializer().save_snapshot().unwrap();
    drop(follower);
    live.stop();
    part("hello, world");
    let live = start_with_snapshots(&storage, &snapshots);
    let events = pull_until(&mut live.follow(Some(last), None), is_part);
    assert!(events.iter().all(|event| !matches!(event.subject, Subject::Fresh)), "{events:?}");
    let Subject::Part { text: Some(edit), .. } = &events.last().unwrap().subject else {
        panic!("{events:?}")
    };
    assert!(edit.is_whole && edit.insert == "hello, world");

    // Without the snapshot the cursor is unknown, and the stream starts again.
    live.stop();
    std::fs::remove_dir_all(&snapshots).unwrap();
    let live = start_with_snapshots(&storage, &snapshots);
    assert!(matches!(live.follow(Some(last), None).pull().unwrap()[0].subject, Subject::Fresh));
}

#[test]
fn cursor_of_unsaved_changes_starts_fresh() {
    let dir = TempDir::new().unwrap();
    let (storage, snapshots) = (dir.path().join("storage"), dir.path().join("cache"));
    let session = |number: u8, title: &str| {
        let record = format!(r#"{{"id":"ses_{number}","projectID":"p","title":"{title}"}}"#);
        let path = storage.join(format!("session/p/ses_{number}.json"));
        scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
    };
    session(1, "one");
    let live = start_with_snapshots(&storage, &snapshots);
    let mut follower = live.follow(None, None);
    let all = follower.pull().unwrap();
    assert_eq!(all[0].cursor, None, "in the middle of the whole state");
    assert_eq!(all.last().unwrap().cursor.as_ref(), follower.cursor());
    assert!(live.materializer().save_cursors().unwrap());
    assert!(!live.materializer().save_cursors().unwrap(), "nothing changed since");

    // Two changes; the first is taken, and then the process ends.
    session(2, "two");
    session(3, "three");
    let session_key = |event: &Event| event.subject.session();
    let three = Some("ses_3".parse::<scrollback_core_id::SessionId>().unwrap().into());
    // Both sessions are indexed before the pull, so one pull returns both.
    let is_there = || live.index().view().session(&"ses_3".parse().unwrap()).is_some();
    while !is_there() || live.index().view().session(&"ses_2".parse().unwrap()).is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let events = pull_until(&mut live.follow(follower.cursor().copied(), None), |event| {
        session_key(event) == three
    });
    let (first, last) = (events[0].cursor.unwrap(), events.last().unwrap().cursor.unwrap());
    assert_eq!(first.index_cursor, follower.cursor().unwrap().index_cursor);
    drop(follower);
    live.stop();
    session(0, "and others, in another order");

    let live = start_with_snapshots(&storage, &snapshots);
    for cursor in [first, last] {
        let events = live.follow(Some(cursor), None).pull().unwrap();
        assert!(matches!(events[0].subject, Subject::Fresh), "{cursor}: {events:?}");
    }
    // The saved cursor stays valid, also after this process has saved its own cursors.
    let saved = Some(first.index_cursor.into());
    let count = |live: &Live| live.follow(saved, None).pull().unwrap().len();
    assert_eq!(count(&live), 3);
    assert!(live.materializer().save_cursors().unwrap());
    live.stop();
    assert_eq!(count(&start_with_snapshots(&storage, &snapshots)), 3);
}

#[test]
fn offset_into_unsaved_changes_starts_fresh() {
    let dir = TempDir::new().unwrap();
    let (storage, snapshots) = (dir.path().join("storage"), dir.path().join("cache"));
    std::fs::create_dir(&storage).unwrap();
    let live = start_with_snapshots(&storage, &snapshots);
    let mut follower = live.follow(None, None);
    follower.pull().unwrap();
    let from = follower.cursor().copied();
    scrollback_fixtures::write_tree(
        &storage,
        r#"
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
    "#,
    )
    .unwrap();
    pull_until(&mut follower, |event| matches!(event.subject, Subject::Message { .. }));
    let record = r#"{"id":"ses_2","projectID":"p","title":"two"}"#;
    let path = storage.join("session/p/ses_2.json");
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
    pull_until(&mut follower, |event| matches!(event.subject, Subject::Session { .. }));
    assert!(live.materializer().save_cursors().unwrap());

    // The message changes again: its event now follows the event of the session, but the saved
    // cursors have it before the session.
    let path = storage.join("part/msg_1/prt_1.json");
    let record =
        r#"{"id":"prt_1","sessionID":"ses_1","messageID":"msg_1","type":"text","text":""}"#;
    scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
    pull_until(&mut follower, |event| matches!(event.subject, Subject::Part { .. }));
    let events = live.follow(from, None).pull().unwrap();
    let names: Vec<_> = events.iter().map(|event| event.subject.name()).collect();
    assert_eq!(names, ["session", "message", "part"]);
    live.stop();
    std::fs::remove_dir_all(storage.join("part")).unwrap();

    let live = start_with_snapshots(&storage, &snapshots);
    let rest = |index: usize| live.follow(events[index].cursor, None).pull().unwrap();
    for number in 0..events.len() {
        let rest = rest(number);
        assert!(matches!(rest[0].subject, Subject::Fresh), "{number}: {rest:?}");
    }
}

#[test]
fn parts_are_reported_once_they_are_listed() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    scrollback_fixtures::write_tree(
        &storage,
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","projectID":"p","title":"one"}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","sessionID":"ses_1","messageID":"msg_1","type":"text","text":"hello"}
    "#,
    )
    .unwrap();
    make_old(&storage);
    let source = file_source(&storage);
    let live = Live::start(source, None, LiveOptions::default(), &continue_progress).unwrap();
    let session: SessionKey = "ses_1".parse::<scrollback_core_id::SessionId>().unwrap().into();
    let names = |events: &[Event]| -> Vec<_> {
        events.iter().map(|event| (event.kind, event.subject.name())).collect()
    };
    let state = [ChangeKind::Present; 3].into_iter().zip(["fresh", "session", "message"]);
    let mut all = live.follow(None, None);
    let mut bare = live.follow(None, Some(session.clone())).without_parts();
    assert_eq!(names(&all.pull().unwrap()), state.clone().collect::<Vec<_>>());
    assert_eq!(names(&bare.pull().unwrap()), state.clone().collect::<Vec<_>>());

    // The parts are listed for the first time: nothing changed.
    live.materializer().load_session_tree(&session).unwrap();
    assert_eq!(names(&bare.pull().unwrap()), []);
    let events = all.pull().unwrap();
    assert_eq!(names(&events), [(ChangeKind::Present, "part")]);
    let Subject::Part { text: Some(edit), .. } = &events[0].subject else { panic!("{events:?}") };
    assert!(edit.is_whole && edit.insert == "hello");
    let events = live.follow(None, Some(session)).pull().unwrap();
    assert_eq!(names(&events), state.chain([(ChangeKind::Present, "part")]).collect::<Vec<_>>());
}

#[test]
fn large_state_is_delivered_in_pieces() {
    let dir = TempDir::new().unwrap();
    let storage = dir.path().join("storage");
    for number in 0..1500 {
        let record = format!(r#"{{"id":"ses_{number}","projectID":"p","title":"one"}}"#);
        let path = storage.join(format!("session/p/ses_{number}.json"));
        scrollback_fixtures::writer::write(&path, record.as_bytes()).unwrap();
    }
    let live = start_with_snapshots(&storage, &dir.path().join("cache"));
    let mut follower = live.follow(None, None);
    let first = follower.pull().unwrap();
    assert!(first.len() < 1100 && first.iter().all(|event| event.cursor.is_none()));
    assert_eq!(follower.cursor(), None);
    let rest = follower.pull().unwrap();
    assert_eq!(first.len() + rest.len(), 1501);
    assert_eq!(rest.last().unwrap().cursor.as_ref(), follower.cursor());
    assert!(follower.cursor().is_some() && follower.pull().unwrap().is_empty());

    // Changes are delivered in pieces as well, each with cursors to continue from.
    let from = follower.cursor().copied();
    std::fs::remove_dir_all(storage.join("session/p")).unwrap();
    let removed_count =
        |events: &[Event]| events.iter().filter(|event| event.kind == ChangeKind::Removed).count();
    let mut all = Vec::new();
    let start = std::time::Instant::now();
    while removed_count(&all) < 1500 {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", all.len());
        all.extend(follower.pull().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut late = live.follow(from, None);
    let first = late.pull().unwrap();
    assert_eq!(first.len(), 1024);
    let resumed = live.follow(first[1023].cursor, None).pull().unwrap();
    assert_eq!(
        (removed_count(&first), removed_count(&resumed), removed_count(&late.pull().unwrap())),
        (1024, 476, 476)
    );
}
