//! Merged stores: owners of sessions, hidden entities, and marks of copies.

use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::Connection;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{EntityKey, MessageKey, PartKey, Scope};
use scrollback_core_type::Usage;
use scrollback_fixtures::{Corpus, corpus, write_tree};
use scrollback_flow::{
    MergedSource, OptionalSource, PartDetail, RefreshOptions, SessionMaterializer, build_index,
    run_session_tree_flow,
};
use scrollback_source::{Probe, Source, SourceExt};
use tempfile::TempDir;

use super::world::SCHEMA;
use crate::calls::{key_names, orphans, scan, session_key, spans, tree};
use crate::support::{database_source, file_source, source_id};

/// Writes a database with one session, and files with another copy of it and another session. The copy
/// has one message more, and the database has the newest message.
fn database_and_files() -> (TempDir, MergedSource) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("opencode.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.execute_batch(
        r#"INSERT INTO project (id, worktree, time_created, time_updated, sandboxes)
               VALUES ('p', '/new', 1, 5, '[]');
           INSERT INTO session (id, project_id, slug, directory, title, version, time_created,
               time_updated) VALUES ('ses_both', 'p', 's', '/w', 'in the database', '1', 1, 5);
           INSERT INTO message VALUES ('msg_1', 'ses_both', 1, 1,
               '{"role":"user","time":{"created":1}}');
           INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_both', 1, 1, '{"type":"text"}');"#,
    )
    .unwrap();
    drop(db);
    let storage = dir.path().join("storage");
    let text = r#"
        //- project/p.json
        {"id":"p","worktree":"/old","time":{"created":1,"updated":9}}
        //- session/q/ses_both.json
        {"id":"ses_both","title":"in files","time":{"created":1,"updated":9}}
        //- session/p/ses_left.json
        {"id":"ses_left","title":"left","time":{"created":1,"updated":3}}
        //- message/ses_both/msg_1.json
        {"id":"msg_1","sessionID":"ses_both","role":"user"}
        //- message/ses_both/msg_2.json
        {"id":"msg_2","sessionID":"ses_both","role":"user"}
        //- message/ses_left/msg_3.json
        {"id":"msg_3","sessionID":"ses_left","role":"user"}
        //- part/msg_1/prt_1.json
        {"id":"prt_1","sessionID":"ses_both","messageID":"msg_1","type":"text"}
        //- part/msg_2/prt_2.json
        {"id":"prt_2","sessionID":"ses_both","messageID":"msg_2","type":"text"}
        //- part/msg_3/prt_3.json
        {"id":"prt_3","sessionID":"ses_left","messageID":"msg_3","type":"text"}
        //- part/msg_gone/prt_4.json
        {"id":"prt_4","sessionID":"ses_left","messageID":"msg_gone","type":"text"}
        //- part/msg_hidden/prt_5.json
        {"id":"prt_5","sessionID":"ses_both","messageID":"msg_hidden","type":"text"}
        //- session_diff/ses_both.json
        [{"file":"a"}]
        //- session_diff/ses_left.json
        [{"file":"b"}]
    "#;
    write_tree(&storage, text).unwrap();
    let merged = MergedSource::new(source_id("both"), database_source(&path))
        .with_source(file_source(&storage));
    (dir, merged)
}

fn part_key(message: &str, part: &str) -> EntityKey {
    PartKey { message: message.parse().unwrap(), part: part.parse().unwrap() }.into()
}

#[test]
fn the_database_wins_per_session_and_files_fill_in() {
    let (_dir, store) = database_and_files();
    let listed = scan(&store, &Scope::Sessions).entries;
    let shown: Vec<_> = listed
        .iter()
        .map(|entry| (entry.key.to_string(), entry.origin.as_ref().unwrap().to_string()))
        .collect();
    let expected = [("session ses_both", "database"), ("session ses_left", "files")];
    assert!(shown.iter().map(|(key, origin)| (&**key, &**origin)).eq(expected));
    // The files have the session in another project. It is hidden there too.
    assert!(scan(&store, &Scope::Project("q".parse().unwrap())).entries.is_empty());
    assert_eq!(scan(&store, &Scope::Project("p".parse().unwrap())).entries.len(), 2);
    let project = store.read_project(&"p".parse().unwrap()).unwrap().value;
    assert_eq!(project.worktree.unwrap(), "/new");
    assert_eq!(scan(&store, &Scope::Projects).entries.len(), 1);

    let keys = |session: &str| -> Vec<String> {
        tree(&store, &session_key(session))
            .entries
            .iter()
            .map(|entry| entry.key.to_string())
            .collect()
    };
    assert_eq!(
        keys("ses_both"),
        ["session ses_both", "message ses_both/msg_1", "part msg_1/prt_1"]
    );
    assert_eq!(
        keys("ses_left"),
        ["session ses_left", "message ses_left/msg_3", "part msg_3/prt_3"]
    );
    let title = |session: &str| {
        run_session_tree_flow(&store, &session_key(session), |tree| {
            tree.session.as_ref().unwrap().title.as_ref().unwrap().get().into_owned()
        })
        .unwrap()
        .value
    };
    assert_eq!((title("ses_both"), title("ses_left")), ("in the database".into(), "left".into()));
}

#[test]
fn files_of_a_session_in_the_database_are_hidden() {
    let (_dir, store) = database_and_files();
    let message =
        MessageKey { session: session_key("ses_both").session, message: "msg_2".parse().unwrap() };
    for hidden in
        [EntityKey::from(message), part_key("msg_2", "prt_2"), part_key("msg_hidden", "prt_5")]
    {
        let listing = spans(&store, std::slice::from_ref(&hidden));
        assert!(listing.entries.is_empty(), "{hidden}");
        assert_eq!(listing.issues[0].1.kind, IssueKind::Vanished);
    }
    assert_eq!(
        spans(&store, &[part_key("msg_3", "prt_3"), part_key("msg_1", "prt_1")]).entries.len(),
        2
    );
    let orphan_keys: Vec<_> = orphans(&store).entries.into_iter().map(|entry| entry.key).collect();
    assert_eq!(orphan_keys, [part_key("msg_gone", "prt_4")]);
    let mut all = key_names(&scan(&store, &Scope::AllParts).entries);
    all.sort();
    assert_eq!(all, ["prt_1", "prt_3", "prt_4"]);
}

#[test]
fn diffs_are_found_for_both_stores() {
    let (_dir, store) = database_and_files();
    for (session, file) in [("ses_both", "a"), ("ses_left", "b")] {
        let diff = store.read_diff_span(&session_key(session)).unwrap();
        assert_eq!(&*diff, format!(r#"[{{"file":"{file}"}}]"#).as_bytes());
    }
}

fn totals(store: &dyn Source) -> (usize, i64, String) {
    let go_on = |_| ControlFlow::Continue(());
    let built = build_index(store, PartDetail::Later, &go_on).unwrap().continue_value().unwrap();
    let view = built.value.view();
    let (mut sessions, mut used) = (0, Usage::default());
    for session in view.sessions() {
        sessions += 1;
        used += view.usage(&session.key.session);
    }
    (sessions, used.tokens.total(), used.cost.to_string())
}

#[test]
fn sessions_in_two_storage_formats_are_counted_once() {
    let database = database_source(&corpus(Corpus::OpencodeMigrated).database);
    let merged = MergedSource::new(source_id("both"), Arc::clone(&database))
        .with_source(file_source(&corpus(Corpus::OpencodeJson).storage));
    assert_eq!(totals(&merged), totals(&*database));
    assert_eq!(totals(&merged), (59, 436_136, "0.9455592".into()));
}

#[test]
fn a_session_that_moves_to_the_database_is_read_from_it() {
    let (dir, store) = database_and_files();
    let go_on = |_| ControlFlow::Continue(());
    let opened =
        SessionMaterializer::open(Arc::new(store), None, RefreshOptions::default(), &go_on);
    let materializer = opened.unwrap().continue_value().unwrap().value;
    let shown = || {
        let meta = materializer.view().session(&session_key("ses_left").session).unwrap();
        (meta.title.clone().unwrap(), meta.origin.clone().unwrap().to_string())
    };
    assert_eq!(shown(), ("left".into(), "files".into()));
    let db = Connection::open(dir.path().join("opencode.db")).unwrap();
    db.execute_batch(
        r#"INSERT INTO session (id, project_id, slug, directory, title, version, time_created,
               time_updated) VALUES ('ses_left', 'p', 's', '/w', 'moved', '1', 1, 3);"#,
    )
    .unwrap();
    let refresh = || {
        let _ = materializer.refresh(&RefreshOptions::default(), &go_on).unwrap();
    };
    refresh();
    // The migration inserts the sessions first: until the messages follow, the files have more.
    assert_eq!(shown(), ("left".into(), "files".into()));
    db.execute_batch(
        r#"INSERT INTO message VALUES ('msg_3', 'ses_left', 1, 1, '{"role":"user"}');"#,
    )
    .unwrap();
    refresh();
    assert_eq!(shown(), ("moved".into(), "database".into()));
    assert_eq!(materializer.view().by_session(&session_key("ses_left").session).len(), 1);
    db.execute_batch(
        "DELETE FROM message WHERE id = 'msg_3'; DELETE FROM session WHERE id = 'ses_left'",
    )
    .unwrap();
    refresh();
    assert_eq!(shown(), ("left".into(), "files".into()));
    assert_eq!(materializer.view().by_session(&session_key("ses_left").session).len(), 1);
}

#[test]
fn an_entity_of_each_kind_is_located_in_the_store_that_has_it() {
    let (dir, store) = database_and_files();
    for damaged in ["session/p/ses_left", "message/ses_left/msg_3", "part/msg_3/prt_3"] {
        std::fs::write(dir.path().join(format!("storage/{damaged}.json")), "{").unwrap();
    }
    write_tree(
        &dir.path().join("storage"),
        "//- project/q.json\n{}\n//- todo/ses_left.json\n[]\n//- session_share/ses_left.json\n{}\n",
    )
    .unwrap();
    let message = |session: &str, message: &str| {
        let message = message.parse().unwrap();
        EntityKey::from(MessageKey { session: session_key(session).session, message })
    };
    for (key, place) in [
        (EntityKey::Project("p".parse().unwrap()), "opencode.db"),
        (EntityKey::Project("q".parse().unwrap()), "project/q.json"),
        (session_key("ses_both").into(), "opencode.db"),
        (session_key("ses_left").into(), "session/p/ses_left.json"),
        (message("ses_both", "msg_1"), "opencode.db"),
        (message("ses_left", "msg_3"), "message/ses_left/msg_3.json"),
        (part_key("msg_1", "prt_1"), "opencode.db"),
        (part_key("msg_3", "prt_3"), "part/msg_3/prt_3.json"),
        (EntityKey::Diff(session_key("ses_both")), "session_diff/ses_both.json"),
        (EntityKey::Diff(session_key("ses_left")), "session_diff/ses_left.json"),
        (EntityKey::Todo(session_key("ses_both")), "opencode.db"),
        (EntityKey::Todo(session_key("ses_left")), "todo/ses_left.json"),
        (EntityKey::Share(session_key("ses_left")), "session_share/ses_left.json"),
    ] {
        let located = store.locate(&key).unwrap_or_default();
        assert_eq!(located.to_str().unwrap(), place, "{key}");
    }
    let issues =
        run_session_tree_flow(&store, &session_key("ses_left"), |_| ()).unwrap().report.issues;
    let places = issues.iter().filter_map(|issue| issue.issue.place.path.as_ref()?.to_str());
    let places: Vec<&str> = places.collect();
    assert!(places.contains(&"part/msg_3/prt_3.json"), "{places:?}");
}

#[test]
fn members_without_sessions_supply_only_diffs() {
    let (dir, _) = database_and_files();
    let storage = dir.path().join("storage");
    for name in ["session", "message", "part"] {
        std::fs::remove_dir_all(storage.join(name)).unwrap();
    }
    let optional = |source| -> Arc<dyn Source> { Arc::new(OptionalSource::new(source)) };
    let merged = MergedSource::new(
        source_id("both"),
        optional(database_source(&dir.path().join("opencode-next.db"))),
    )
    .with_source(optional(database_source(&dir.path().join("opencode.db"))))
    .with_source(optional(file_source(&storage)));
    let listed = scan(&merged, &Scope::Sessions).entries;
    assert_eq!(key_names(&listed), ["ses_both"]);
    assert_eq!(listed[0].origin.as_ref().unwrap().as_str(), "database");
    assert_eq!(&*merged.read_diff_span(&session_key("ses_left")).unwrap(), br#"[{"file":"b"}]"#);
    // A probe works, because the database keeps an account of itself and the other members are empty.
    let first = merged.probe(None).unwrap();
    let token = first.token.unwrap();
    assert_eq!(merged.probe(Some(&token)).unwrap().probe, Probe::Unchanged);
    write_tree(&storage, "//- session/p/ses_new.json\n{}\n").unwrap();
    assert_eq!(merged.probe(Some(&token)).unwrap().probe, Probe::Rescan);
    assert_eq!(scan(&merged, &Scope::Sessions).entries.len(), 2);
}
