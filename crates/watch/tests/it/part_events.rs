//! Events of parts that were read during a write: each change is reported once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scrollback_core_id::{EntityKey, MessageKey, SessionId};
use scrollback_fixtures::writer;
use scrollback_flow::{PartDetail, RefreshOptions};
use scrollback_source::ScanItem;
use scrollback_stor_mmap::MappedSpan;
use scrollback_watch::{
    ChangeKind, Event, EventCursor, FeedChoice, FeedKind, Follower, Live, LiveOptions, Subject,
};
use tempfile::TempDir;

use crate::support::{continue_progress, file_source, start_live};

/// A session with one message whose parts are listed.
struct PartStore {
    dir: TempDir,
    live: Live,
}

impl PartStore {
    fn new(feed: FeedKind) -> Self {
        let dir = make_store();
        let live = start_live(&file_source(&dir.path().join("storage")), feed);
        let session: SessionId = "ses_1".parse().unwrap();
        live.materializer().load_session_tree(&session.into()).unwrap();
        Self { dir, live }
    }

    /// Waits long enough for all provisional reads to settle.
    fn wait_until_settled(&self) {
        std::thread::sleep(Duration::from_millis(600));
    }

    fn part_path(&self, part: &str) -> PathBuf {
        self.dir.path().join(format!("storage/part/msg_1/{part}.json"))
    }

    fn write_text(&self, part: &str, text: &str) {
        writer::write(&self.part_path(part), text_record(part, text).as_bytes()).unwrap();
    }
}

/// Creates a store of one session with old times.
fn make_store() -> TempDir {
    let dir = TempDir::new().unwrap();
    let text = r#"
        //- session/p/ses_1.json
        {"id":"ses_1","projectID":"p","title":"one","time":{"created":1,"updated":1}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"user","time":{"created":1}}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","sessionID":"ses_1","messageID":"msg_1","type":"text","text":"start"}
    "#;
    scrollback_fixtures::write_tree(&dir.path().join("storage"), text).unwrap();
    dir
}

/// Returns a record without text: its stamp alone decides whether it is reported again.
fn tool_record(part: &str) -> String {
    let state = r#""state":{"status":"running","input":{}}"#;
    format!(r#"{{"id":"{part}","type":"tool","tool":"bash",{state}}}"#)
}

fn text_record(part: &str, text: &str) -> String {
    let ids = format!(r#""id":"{part}","sessionID":"ses_1","messageID":"msg_1""#);
    format!(r#"{{{ids},"type":"text","text":"{text}"}}"#)
}

/// Overwrites a file with the same length and keeps its time, like the rest of a write whose time
/// was set at its start.
fn overwrite_keeping_time(path: &Path, record: &str) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(record.as_bytes()).unwrap();
    file.set_modified(modified).unwrap();
}

/// Pulls events until a text is as expected. Returns whether that happened within 3 s.
fn pull_until_text(follower: &mut Follower, text: &mut String, expected: &str) -> bool {
    let start = Instant::now();
    while text != expected && start.elapsed() < Duration::from_secs(3) {
        for event in follower.pull().unwrap() {
            if let Subject::Part { text: Some(edit), .. } = event.subject {
                if edit.is_whole {
                    text.clear();
                }
                edit.apply(text);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    text == expected
}

#[test]
fn rest_of_a_write_is_reported_although_its_stamp_is_the_same() {
    // The poll feed reads during a write only by chance.
    for feed in [FeedKind::Inotify, FeedKind::Notify] {
        let store = PartStore::new(feed);
        let (mut follower, mut text) = (store.live.follow(None, None), String::new());
        assert!(pull_until_text(&mut follower, &mut text, "start"));
        for round in 0..6 {
            let (torn, whole) = (format!("aaaa {round}"), format!("bbbb {round}"));
            store.write_text("prt_1", &torn);
            assert!(pull_until_text(&mut follower, &mut text, &torn), "{feed}: {text}");
            overwrite_keeping_time(&store.part_path("prt_1"), &text_record("prt_1", &whole));
            assert!(pull_until_text(&mut follower, &mut text, &whole), "{feed}, {round}: {text}");
        }
    }
}

#[test]
fn retried_part_is_reported_once() {
    let store = PartStore::new(FeedKind::Inotify);
    let mut follower = store.live.follow(None, None);
    store.wait_until_settled();
    follower.pull().unwrap();
    for part in ["prt_2", "prt_3"] {
        writer::write(&store.part_path(part), tool_record(part).as_bytes()).unwrap();
    }
    let (mut events, start) = (Vec::new(), Instant::now());
    while start.elapsed() < Duration::from_millis(2500) {
        events.extend(follower.pull().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    let names: Vec<_> = events.iter().map(|event| (event.kind, event.subject.name())).collect();
    assert_eq!(names, [(ChangeKind::Created, "part"); 2], "{events:#?}");
}

#[test]
fn part_written_at_the_start_is_reported_once() {
    let dir = make_store();
    let storage = dir.path().join("storage");
    writer::write(&storage.join("part/msg_1/prt_2.json"), tool_record("prt_2").as_bytes()).unwrap();
    let options = LiveOptions {
        feed: FeedChoice::Only(FeedKind::Inotify),
        sweep_interval: Duration::from_secs(86_400),
        refresh: RefreshOptions { parts: PartDetail::Stamps, ..RefreshOptions::default() },
        ..LiveOptions::default()
    };
    let live = Live::start(file_source(&storage), None, options, &continue_progress).unwrap();
    let (mut follower, mut events, start) = (live.follow(None, None), Vec::new(), Instant::now());
    while start.elapsed() < Duration::from_millis(800) {
        events.extend(follower.pull().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    let is_second_part = |event: &&Event| matches!(&event.subject, Subject::Part { key, .. } if key.part.as_str() == "prt_2");
    assert_eq!(events.iter().filter(is_second_part).count(), 1, "{events:#?}");
    let (_, part) = live.index().view().part(&"prt_2".parse().unwrap()).unwrap();
    assert!(part.observed.unwrap().clean, "{:?}", live.stats());
}

/// Applies events to the parts of the message.
fn apply_part_events(events: &[Event], parts: &mut Vec<String>) {
    for event in events {
        match &event.subject {
            Subject::Message { now: Some(meta), .. } => {
                let list = meta.parts.as_ref().unwrap();
                parts.retain(|part| list.refs.iter().any(|part_ref| part_ref.id.as_str() == part));
            }
            Subject::Part { now: Some(part), .. } => parts.push(part.id.to_string()),
            Subject::Part { key, .. } => parts.retain(|part| part != key.part.as_str()),
            _ => {}
        }
    }
    parts.sort_unstable();
    parts.dedup();
}

#[test]
fn removed_part_is_known_from_every_cursor() {
    let store = PartStore::new(FeedKind::Inotify);
    let mut follower = store.live.follow(None, None);
    store.wait_until_settled();
    let mut parts = Vec::new();
    apply_part_events(&follower.pull().unwrap(), &mut parts);
    assert_eq!(parts, ["prt_1"]);
    // One pull returns two changes.
    store.write_text("prt_2", "two");
    fs::remove_file(store.part_path("prt_1")).unwrap();
    store.wait_until_settled();
    let events = follower.pull().unwrap();
    assert!(events.iter().any(|event| event.kind == ChangeKind::Removed), "{events:#?}");
    for taken_count in 0..=events.len() {
        let mut parts = parts.clone();
        apply_part_events(&events[..taken_count], &mut parts);
        let from: Option<EventCursor> = match taken_count {
            0 => continue, // nothing was taken
            taken_count => events[taken_count - 1].cursor,
        };
        apply_part_events(&store.live.follow(from, None).pull().unwrap(), &mut parts);
        assert_eq!(parts, ["prt_2"], "taken: {taken_count} of {events:#?}");
    }
}

#[test]
fn cache_replaces_provisional_bytes() {
    let store = PartStore::new(FeedKind::Inotify);
    let source = file_source(&store.dir.path().join("storage"));
    let cache = store.live.cache();
    let key: EntityKey =
        MessageKey { session: "ses_1".parse().unwrap(), message: "msg_1".parse().unwrap() }.into();
    let get = || -> MappedSpan {
        let load = || {
            let mut span = None;
            let result = source.open()?.spans(std::slice::from_ref(&key), &mut |item| {
                if let ScanItem::Entry(entry) = item {
                    span = entry.span;
                }
                std::ops::ControlFlow::Continue(())
            });
            result.map(|()| span.unwrap())
        };
        cache.get::<scrollback_source::Error>(&key, load).unwrap()
    };
    let path = store.dir.path().join("storage/message/ses_1/msg_1.json");
    let record =
        |cost| format!(r#"{{"id":"msg_1","sessionID":"ses_1","role":"user","cost":{cost}}}"#);
    writer::write(&path, record(1).as_bytes()).unwrap();
    let start = Instant::now();
    while *get() != *record(1).as_bytes() {
        assert!(start.elapsed() < Duration::from_secs(5), "the record is not read again");
    }
    overwrite_keeping_time(&path, &record(2));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(*get(), *record(2).as_bytes());
}

#[test]
fn large_message_is_delivered_in_pieces() {
    let store = PartStore::new(FeedKind::Inotify);
    let mut follower = store.live.follow(None, None);
    store.wait_until_settled();
    follower.pull().unwrap();
    let from = follower.cursor().copied();
    let long = "word ".repeat(200_000);
    let names: Vec<String> = (10..40).map(|part| format!("prt_{part}")).collect();
    names.iter().for_each(|part| store.write_text(part, &long));
    let part_count = || {
        let meta = store.live.index().view().message(&"msg_1".parse().unwrap());
        meta.and_then(|meta| meta.parts.as_ref().map(|list| list.refs.len()))
    };
    let start = Instant::now();
    while part_count() != Some(31) || store.live.stats().pending_scopes > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", part_count());
        std::thread::sleep(Duration::from_millis(10));
    }

    // All events lead to one state, and each pull returns some of them.
    let mut follower = store.live.follow(from, None);
    let (mut events, mut pulls) = (Vec::new(), 0);
    loop {
        let piece = follower.pull().unwrap();
        if piece.is_empty() {
            break;
        }
        let span = |event: &Event| match &event.subject {
            Subject::Part { span: Some(span), .. } => span.len(),
            _ => 0,
        };
        let bytes: usize = piece.iter().map(span).sum();
        assert!(bytes < 10 << 20, "{bytes}");
        events.extend(piece);
        pulls += 1;
    }
    assert!(pulls >= 4, "{pulls}");
    let mut parts = vec!["prt_1".to_owned()];
    apply_part_events(&events, &mut parts);
    assert_eq!(parts.len(), 31);
    // The stream can be continued within that state.
    let (first, mut rest) = (events[5].cursor, store.live.follow(events[5].cursor, None));
    assert!(first.unwrap().offset.is_some());
    let mut resumed = events.iter().take(6).cloned().collect::<Vec<_>>();
    while let piece = rest.pull().unwrap()
        && !piece.is_empty()
    {
        resumed.extend(piece);
    }
    assert_eq!(resumed.len(), events.len());
}
