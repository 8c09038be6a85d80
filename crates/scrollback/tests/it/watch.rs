//! Tests of the merged stream of events and of its cursors.

use std::path::Path;

use scrollback::{ChangeKind, Events, Store, StoreCursor, Subject};
use scrollback_fixtures::write_tree;

fn write_session(dir: &Path, id: &str) {
    let text = format!(
        "//- session/p/{id}.json\n{{\"id\":\"{id}\",\"title\":\"{id}\",\"time\":{{\"created\":1,\"updated\":2}}}}\n"
    );
    write_tree(&dir.join("storage"), &text).unwrap();
}

/// Writes a user message, and then its text part.
fn write_prompt(dir: &Path, id: &str, text: &str) {
    let message = format!(
        "//- message/ses_1/msg_{id}.json\n{{\"id\":\"msg_{id}\",\"sessionID\":\"ses_1\",\"role\":\"user\"}}\n"
    );
    write_tree(&dir.join("storage"), &message).unwrap();
    let part = format!(
        "//- part/msg_{id}/prt_{id}.json\n{{\"id\":\"prt_{id}\",\"sessionID\":\"ses_1\",\"messageID\":\"msg_{id}\",\"type\":\"text\",\"text\":\"{text}\"}}\n"
    );
    write_tree(&dir.join("storage"), &part).unwrap();
}

/// Reads events up to the first of this session, and returns its cursor.
fn wait_for_session(events: &mut Events, id: &str) -> StoreCursor {
    for event in events {
        let event = event.unwrap();
        if let Subject::Session { key, .. } = &event.subject
            && key.session.as_str() == id
        {
            return event.cursor.unwrap();
        }
    }
    panic!("the stream ended");
}

#[test]
fn events_of_two_roots_come_in_one_stream_with_one_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    write_session(&a, "ses_a0");
    write_session(&b, "ses_b0");
    let cache = dir.path().join("cache");
    let open = |paths: &[&Path]| Store::builder().paths(paths).cache_dir(&cache).build().unwrap();
    let store = open(&[&a, &b]);
    let mut events = store.watch().from_now().unwrap();
    write_session(&a, "ses_a1");
    wait_for_session(&mut events, "ses_a1");
    write_session(&b, "ses_b1");
    let cursor = wait_for_session(&mut events, "ses_b1");
    drop((events, store));

    // Changes between two streams arrive once, for both roots.
    write_session(&a, "ses_a2");
    write_session(&b, "ses_b2");
    let text = cursor.to_string();
    let store = open(&[&a, &b]);
    let events = store.watch().since(&text.parse().unwrap()).unwrap();
    let mut sessions = Vec::new();
    for event in events {
        let event = event.unwrap();
        let Subject::Session { key, .. } = &event.subject else { panic!("{event:?}") };
        if key.session.as_str().ends_with('1') {
            continue; // repeated, because the record was provisional before
        }
        sessions.push((event.root, key.session.to_string()));
        if sessions.len() == 2 {
            break;
        }
    }
    sessions.sort_by_key(|it| it.0);
    let named: Vec<(usize, &str)> = sessions.iter().map(|it| (it.0, &*it.1)).collect();
    assert_eq!(named, [(0, "ses_a2"), (1, "ses_b2")]);
    drop(store);

    // Only the added root starts with its whole state.
    let c = dir.path().join("c");
    write_session(&c, "ses_c0");
    let store = open(&[&a, &b, &c]);
    let mut events = store.watch().since(&cursor).unwrap();
    let (mut fresh, mut roots) = (Vec::new(), [0; 3]);
    while roots != [1, 1, 1] {
        let event = events.next().unwrap().unwrap();
        match &event.subject {
            Subject::Fresh => fresh.push(event.root),
            Subject::Session { .. } => roots[event.root] += 1,
            _ => {}
        }
    }
    assert_eq!(fresh, [2]);
}

#[test]
fn prompts_arrive_as_they_are_typed() {
    let dir = tempfile::tempdir().unwrap();
    write_session(dir.path(), "ses_1");
    write_prompt(dir.path(), "0", "before");
    let store = Store::builder().path(dir.path()).without_cache().build().unwrap();
    let events = store.watch().from_now().unwrap();
    write_prompt(dir.path(), "1", "first");
    write_prompt(dir.path(), "2", "second");
    let prompts = events.filter_map(|event| event.unwrap().prompt().map(str::to_owned));
    let mut prompts: Vec<String> = prompts.take(2).collect();
    prompts.sort();
    assert_eq!(prompts, ["first", "second"]);
}

#[test]
fn a_stream_is_polled_in_a_runtime() {
    use std::future::poll_fn;
    use std::pin::Pin;

    use futures_core::Stream;

    let dir = tempfile::tempdir().unwrap();
    write_session(dir.path(), "ses_1");
    let store = Store::builder().path(dir.path()).without_cache().build().unwrap();
    let mut events = store.watch().from_start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut next = async || {
            poll_fn(|context| Pin::new(&mut events).poll_next(context)).await.unwrap().unwrap()
        };
        assert!(matches!(next().await.subject, Subject::Fresh));
        let event = next().await;
        assert!(
            matches!(event.subject, Subject::Session { .. }) && event.change == ChangeKind::Present
        );
        write_session(dir.path(), "ses_2");
        loop {
            let event = next().await;
            if let Subject::Session { key, .. } = &event.subject
                && key.session.as_str() == "ses_2"
            {
                assert_eq!(event.change, ChangeKind::Created);
                break;
            }
        }
    });
}

#[test]
fn a_cursor_survives_snapshots_of_other_processes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    (0..40).for_each(|n| write_session(&data, &format!("ses_{n:03}")));
    let cache = dir.path().join("cache");
    let open = || Store::builder().path(&data).cache_dir(&cache).build().unwrap();
    let list = |run: usize| {
        // Enough changes for a new snapshot.
        (0..40).for_each(|n| write_session(&data, &format!("ses_{run:03}_{n:03}")));
        assert!(open().sessions().unwrap().len() >= 40);
    };
    let watcher = open();
    let mut events = watcher.watch().from_now().unwrap();
    (0..3).for_each(list);
    let cursor = wait_for_session(&mut events, "ses_002_039");
    watcher.save().unwrap();
    drop((events, watcher));
    (3..73).for_each(list); // more snapshots than the index keeps epochs
    let store = open();
    let mut events = store.watch().since(&cursor).unwrap();
    let first = events.next().unwrap().unwrap();
    assert!(!matches!(first.subject, Subject::Fresh), "{first:?}");
    let snapshots = std::fs::read_dir(&cache).unwrap();
    let is_snapshot =
        |it: &std::fs::DirEntry| it.path().extension().is_some_and(|it| it == "snapshot");
    assert_eq!(snapshots.filter(|it| is_snapshot(it.as_ref().unwrap())).count(), 1);
}

#[test]
fn a_repaired_part_sends_its_whole_text() {
    let dir = tempfile::tempdir().unwrap();
    write_session(dir.path(), "ses_1");
    write_prompt(dir.path(), "1", "before");
    let store = Store::builder().path(dir.path()).without_cache().build().unwrap();
    let mut events = store.watch().from_start().unwrap();
    let mut next_part = || loop {
        let event = events.next().unwrap().unwrap();
        if let Subject::Part { span: Some(span), text, .. } = event.subject {
            return (span.len(), text);
        }
    };
    assert!(next_part().1.unwrap().is_whole);
    let part = dir.path().join("storage/part/msg_1/prt_1.json");
    let whole = std::fs::read(&part).unwrap();
    std::fs::write(&part, "{").unwrap();
    while next_part().0 != 1 {}
    std::fs::write(&part, &whole).unwrap();
    loop {
        let (len, text) = next_part();
        if len == whole.len() {
            assert!(text.unwrap().is_whole);
            break;
        }
    }
}
