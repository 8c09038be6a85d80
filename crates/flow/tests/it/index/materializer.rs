//! The materializer on the JSON corpus and on written stores: its answers equal those of reading the
//! whole store.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use scrollback_core_id::{EntityKey, ProjectId, SessionKey};
use scrollback_core_type::{Cost, Part, PartKind};
use scrollback_flow::{
    IndexOrigin, NoSnapshot, PartDetail, Progress, RefreshOptions, SessionLoader,
    SessionMaterializer, SessionScope, Snapshots, Verify, build_index, run_session_flow,
};
use scrollback_index::SnapshotError;
use scrollback_stor_read::FileReader;

use super::world::{World, message, part, session};
use crate::store::{corpus_paths, open_store};

fn open_materializer(
    source: FileReader,
    snapshots: Option<Snapshots>,
    parts: PartDetail,
) -> SessionMaterializer {
    let options = RefreshOptions { parts, ..RefreshOptions::default() };
    let opened = SessionMaterializer::open(Arc::new(source), snapshots, options, &|_| {
        ControlFlow::Continue(())
    });
    match opened.unwrap() {
        ControlFlow::Continue(result) => result.value,
        ControlFlow::Break(()) => panic!("nobody broke"),
    }
}

fn open_corpus() -> SessionMaterializer {
    open_materializer(open_store(&corpus_paths().storage), None, PartDetail::Stamps)
}

#[test]
fn metas_equal_the_records() {
    let (source, materializer) = (open_store(&corpus_paths().storage), open_corpus());
    let view = materializer.view();
    let listed = SessionLoader::new(&source).list_sessions(None).unwrap().value;
    let keys: Vec<_> = listed.iter().map(|node| node.key.clone()).collect();
    let sessions = materializer.sessions_by_time();
    assert_eq!(sessions.iter().map(|meta| meta.key.clone()).collect::<Vec<_>>(), keys);
    let mut message_count = 0;
    run_session_flow(&source, &SessionScope::Sessions(keys), |tree| {
        let id = &tree.node.key.session;
        let (meta, record) = (view.session(id).unwrap(), tree.session.as_ref().unwrap());
        let title = record.title.as_ref().map(|title| title.get().into_owned());
        assert_eq!(meta.title.as_deref(), title.as_deref());
        assert_eq!(meta.parent, record.parent_id);
        let time = record.time.as_ref().unwrap();
        assert_eq!((meta.created, meta.updated), (time.created, time.updated));
        let messages = view.by_session(id);
        assert_eq!(messages.len(), tree.messages.len());
        let mut cost = Cost::ZERO;
        for (meta, hydrated) in messages.iter().zip(&tree.messages) {
            assert_eq!((&meta.key, meta.order), (&hydrated.node.key, hydrated.node.order));
            let record = hydrated.message.as_ref().unwrap();
            assert_eq!((meta.role, meta.created), (record.role(), record.created()));
            let parts = &meta.parts.as_ref().unwrap().refs;
            assert_eq!(parts.len(), hydrated.parts.len());
            for (part, hydrated_part) in parts.iter().zip(&hydrated.parts) {
                assert_eq!(part.id, hydrated_part.node.key.part);
                assert_eq!(
                    part.observed.unwrap().stamp,
                    *hydrated_part.node.span.as_ref().unwrap().stamp()
                );
                let (owner, found_part) = view.part(&part.id).unwrap();
                assert_eq!((owner.message, &found_part), (meta.key.message.clone(), part));
            }
            if !meta.is_copy {
                cost += meta.cost.unwrap_or_default();
            }
            message_count += 1;
        }
        let usage = view.usage(id);
        // Only the index knows the copies of forks.
        if !messages.iter().any(|meta| meta.is_recorded_copy) {
            assert_eq!(usage, tree.usage());
        }
        assert_eq!((usage.messages as usize, usage.cost), (messages.len(), cost));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(message_count, 186);
}

#[test]
fn answers_queries() {
    let materializer = open_corpus();
    let all = materializer.sessions_by_time();
    let since = all[9].updated.unwrap();
    let late = materializer.sessions_updated_since(since);
    assert!(late.len() >= 10 && late.iter().all(|meta| meta.updated.unwrap() >= since));
    let global = materializer.sessions_of_project(&ProjectId::new("global").unwrap());
    assert_eq!(global.len(), 2);
    let child = all.iter().find(|meta| meta.parent.is_some()).unwrap();
    let parent = child.parent.as_ref().unwrap();
    assert!(materializer.sessions_of_parent(parent).contains(child));
    assert_eq!(materializer.view().ancestors(&child.key.session)[0].key.session, *parent);
    let in_directory = materializer.sessions_in_directory(Path::new("/tmp/demo/plain"));
    assert_eq!(in_directory.len(), 2);
    assert!(materializer.sessions_in_directory(Path::new("/tmp/demo/pla")).is_empty());

    let mut calls = 0;
    let is_wanted = |part: &Part<'_>| part.kind() == PartKind::Tool;
    let any = |_: &scrollback_index::SessionMeta| true;
    materializer
        .find_parts(any, is_wanted, |_, part| {
            assert!(matches!(part.part, Some(Part::Tool(_))));
            calls += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(calls > 20, "{calls}");
    let mut hits = 0;
    let matches_text = |text: &str| text.contains("the");
    materializer
        .find_text(any, matches_text, |_, _| {
            hits += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(hits, 1, "reading ends with the first match");
}

#[test]
fn unchanged_sessions_load_from_memory() {
    let world = World::new();
    world.write("session/p/ses_1.json", &session("ses_1", "p", 0, 9));
    world.write("message/ses_1/msg_1.json", &message("msg_1", "ses_1", 1));
    world.write("part/msg_1/prt_1.json", &part("prt_1", "msg_1", 3));
    world.write("part/msg_1/prt_2.json", &part("prt_2", "msg_1", 4));
    world.advance_clock(Duration::from_secs(60));
    let materializer = open_materializer(world.source(), None, PartDetail::Later);
    let key: SessionKey = "ses_1".parse::<scrollback_core_id::SessionId>().unwrap().into();
    let spans = |tree: &scrollback_flow::SessionTree| -> Vec<_> {
        tree.tree.spans().map(|span| span.allocation()).collect()
    };
    let orders = |tree: &scrollback_flow::SessionTree| -> Vec<_> {
        let parts = tree.tree.messages.iter().flat_map(|message| &message.parts);
        parts.map(|part| (part.key.clone(), part.order)).collect()
    };
    let first = materializer.load_session_tree(&key).unwrap();
    let kinds: Vec<_> = {
        let view = materializer.view();
        let messages = view.by_session(&key.session);
        let parts = messages[0].parts.as_ref().unwrap().refs.clone();
        parts.iter().map(|part| part.kind).collect()
    };
    assert_eq!(kinds, [Some(PartKind::Text); 2], "the index has the kinds now");
    let second = materializer.load_session_tree(&key).unwrap();
    assert_eq!(spans(&first), spans(&second), "the same memory");
    assert_eq!(orders(&first), orders(&second), "the same places");
    assert!(materializer.stats().cache.hits > 0);

    // Rewritten in place: neither a directory nor the session's record changes.
    world.advance_clock(Duration::from_secs(24 * 60 * 60));
    world.write("part/msg_1/prt_2.json", &part("prt_2", "msg_1", 5));
    world.advance_clock(Duration::from_secs(60));
    let now = materializer.load_session_tree(&key).unwrap();
    let text = String::from_utf8(now.tree.messages[0].parts[1].span.as_ref().unwrap().to_vec());
    assert!(text.unwrap().contains("\"xxxxx\""));
    world.remove("part/msg_1/prt_1.json");
    assert_eq!(materializer.load_session_tree(&key).unwrap().tree.part_count(), 1);
    world.remove_all("message/ses_1");
    world.remove("session/p/ses_1.json");
    assert!(materializer.load_session_tree(&key).is_err());
    assert_eq!(materializer.sessions_by_time(), []);
}

#[test]
fn opens_with_the_saved_snapshot() {
    let world = World::new();
    world.write("session/p/ses_1.json", &session("ses_1", "p", 0, 9));
    world.advance_clock(Duration::from_secs(2 * 60 * 60));
    let snapshots = || Some(Snapshots::new(world.snapshots()));
    let first = open_materializer(world.source(), snapshots(), PartDetail::Later);
    assert_eq!(first.stats().origin, IndexOrigin::Store(NoSnapshot::Missing));
    assert!(first.save_snapshot().unwrap());
    assert!(!first.save_snapshot().unwrap(), "nothing changed");
    let before = first.index().cursor();

    world.write("session/p/ses_2.json", &session("ses_2", "p", 0, 9));
    let second = open_materializer(world.source(), snapshots(), PartDetail::Later);
    let IndexOrigin::Snapshot(refreshed) = second.stats().origin else {
        panic!("from the snapshot")
    };
    assert_eq!((refreshed.sessions, refreshed.verified), (2, 1));
    let answer = second.index().changes(Some(&before));
    let scrollback_index::Delta::Changed(changes) = answer.delta else { panic!("continued") };
    let keys: Vec<_> = changes.into_iter().map(|change| change.key.to_string()).collect();
    assert_eq!(keys, ["session ses_2"], "what differs from the snapshot, and nothing else");
    let stats = second.stats();
    assert_eq!((stats.hot, stats.cold), (1, 1), "one was written just now");

    std::fs::write(Snapshots::new(world.snapshots()).path(second.index().store()), "damaged")
        .unwrap();
    let third = open_materializer(world.source(), snapshots(), PartDetail::Later);
    let why = NoSnapshot::Unusable(SnapshotError::Foreign);
    assert_eq!(third.stats().origin, IndexOrigin::Store(why));
    assert_eq!(third.sessions_by_time().len(), 2);
}

#[test]
fn a_sweep_verifies_every_session_within_its_period() {
    let world = World::new();
    for n in 0..30 {
        let id = format!("ses_{n}");
        world.write(&format!("session/p/{id}.json"), &session(&id, "p", 0, 9));
        let path = format!("message/{id}/msg_{n}.json");
        world.write(&path, &message(&format!("msg_{n}"), &id, 1));
    }
    world.advance_clock(Duration::from_secs(24 * 60 * 60));
    let materializer = open_materializer(world.source(), None, PartDetail::Later);
    let period = Duration::from_secs(60);
    materializer.sweep(period).unwrap();
    // Messages of cold sessions, rewritten in place: only verifying every file finds the changes.
    for n in 0..30 {
        let (id, session) = (format!("msg_{n}"), format!("ses_{n}"));
        world.write(&format!("message/{session}/{id}.json"), &message(&id, &session, 4));
    }
    let verified_count = |materializer: &SessionMaterializer| {
        let view = materializer.view();
        let messages = view.session_ids().into_iter().flat_map(|id| view.by_session(&id));
        messages.filter(|meta| meta.model.as_deref() == Some("m4")).count()
    };
    assert_eq!(verified_count(&materializer), 0);
    for _ in 0..30 {
        world.advance_clock(Duration::from_secs(1));
        materializer.sweep(period).unwrap();
    }
    assert!(verified_count(&materializer) > 0);
    for _ in 0..30 {
        world.advance_clock(Duration::from_secs(1));
        materializer.sweep(period).unwrap();
    }
    assert_eq!(verified_count(&materializer), 30, "within the minute");
}

#[test]
fn a_bad_record_is_one_issue_at_every_refresh() {
    let world = World::new();
    world.write("session/p/ses_1.json", &session("ses_1", "p", 0, 9));
    world.write("message/ses_1/msg_1.json", &message("msg_1", "ses_1", 1));
    world.write("message/ses_1/msg_2.json", "{\"id\": ");
    world.write("session/p/no id.txt", "passed over");
    world.advance_clock(Duration::from_secs(24 * 60 * 60));
    let materializer = open_materializer(
        world.source(),
        Some(Snapshots::new(world.snapshots())),
        PartDetail::Later,
    );
    materializer.save_snapshot().unwrap();
    for _ in 0..2 {
        world.advance_clock(Duration::from_secs(24 * 60 * 60));
        let refreshed =
            materializer.refresh(&RefreshOptions::default(), &|_| ControlFlow::Continue(()));
        let ControlFlow::Continue(result) = refreshed.unwrap() else { panic!("nobody broke") };
        let about: Vec<_> = result.report.issues.iter().map(|issue| issue.key.clone()).collect();
        let key: EntityKey =
            materializer.view().by_session(&"ses_1".parse().unwrap())[1].key.clone().into();
        assert_eq!(about, [Some(key)]);
        let place = result.report.issues[0].issue.place.to_string();
        assert!(place.starts_with("message/ses_1/msg_2.json"), "{place}");
    }
}

#[test]
fn breaking_ends_the_run_and_changes_nothing() {
    let source = open_store(&corpus_paths().storage);
    let call_count = AtomicUsize::new(0);
    let third = |progress: Progress| {
        assert_eq!(progress.total, 59);
        match call_count.fetch_add(1, Ordering::Relaxed) {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    assert!(build_index(&source, PartDetail::Later, &third).unwrap().is_break());
    let call_count = call_count.load(Ordering::Relaxed);
    assert!((3..59).contains(&call_count), "called {call_count} times");

    let materializer = open_corpus();
    let before = materializer.index().cursor();
    let full = RefreshOptions { verify: Verify::Full, ..RefreshOptions::default() };
    let refreshed = materializer.refresh(&full, &|_| ControlFlow::Break(()));
    assert!(refreshed.unwrap().is_break());
    assert_eq!(materializer.index().cursor(), before);
}

#[test]
fn changes_merged_into_the_base_are_saved() {
    let world = World::new();
    world.write("session/p/ses_1.json", &session("ses_1", "p", 0, 9));
    let snapshots = || Some(Snapshots::new(world.snapshots()));
    let materializer = open_materializer(world.source(), snapshots(), PartDetail::Later);
    assert!(materializer.save_snapshot().unwrap());
    for n in 0..4200 {
        let id = format!("msg_{n}");
        world.write(&format!("message/ses_1/{id}.json"), &message(&id, "ses_1", 1));
    }
    let options = RefreshOptions::default();
    let _ = materializer.refresh(&options, &|_| ControlFlow::Continue(())).unwrap();
    assert_eq!(materializer.index().stats().overlay_keys, 0, "more than an overlay holds");
    assert!(materializer.save_snapshot().unwrap());
    let reopened = open_materializer(world.source(), snapshots(), PartDetail::Later);
    assert_eq!(reopened.index().stats().base.messages, 4200);
}
