//! Tests probes and surveys: every change is noticed, and an unchanged store reports no change.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use scrollback_core_id::{EntityKey, Stamp, UnixNanos};
use scrollback_source::{Probe, Source, SourceChange, SourceToken, Survey};
use scrollback_stor_mmap::Settled;
use scrollback_stor_sqlite::{Access, SqliteReader};

use crate::calls::{FAR_FUTURE, session_key};
use crate::support::{
    SMALL_ROWS, changed_probe, database_with_rows, open, open_at, open_writer, survey_sorted,
};

/// Two sessions with two messages each, and a log of events in the form of 1.18.
const ROWS: &str = r#"
    INSERT INTO message VALUES ('msg_2', 'ses_1', 2, 2, '{}'), ('msg_3', 'ses_2', 3, 3, '{}'),
        ('msg_4', 'ses_2', 4, 4, '{}');
    INSERT INTO part VALUES ('prt_3', 'msg_3', 'ses_2', 3, 3, '{}'), ('prt_4', 'msg_1', 'ses_1', 3, 3, '{}');
    DELETE FROM part WHERE id = 'prt_2';
    INSERT INTO event_sequence VALUES ('ses_1', 1, NULL), ('ses_2', 0, NULL);
    INSERT INTO event VALUES ('evt_1', 'ses_1', 0, 'x', '{}'), ('evt_2', 'ses_1', 1, 'x', '{}'),
        ('evt_3', 'ses_2', 0, 'x', '{}');"#;

/// Statements of a writer, each with the session whose rows it changes, and with the number of rows
/// that join the set of that session's messages.
const CHANGES: [(&str, &str, i64); 15] = [
    ("INSERT INTO message VALUES ('msg_9', 'ses_1', 9, 9, '{}')", "ses_1", 1),
    ("INSERT INTO message VALUES ('msg_0', 'ses_1', 0, 9, '{}')", "ses_1", 1),
    ("INSERT INTO part VALUES ('prt_9', 'msg_1', 'ses_1', 9, 9, '{}')", "ses_1", 0),
    ("UPDATE message SET data = '{\"a\":1}', time_updated = 9 WHERE id = 'msg_1'", "ses_1", 0),
    ("UPDATE message SET data = '{\"a\":1}', time_updated = 9 WHERE id = 'msg_4'", "ses_2", 0),
    ("UPDATE part SET data = '{\"a\":1}', time_updated = 9 WHERE id = 'prt_1'", "ses_1", 0),
    ("DELETE FROM message WHERE id = 'msg_1'", "ses_1", -1),
    ("DELETE FROM message WHERE id = 'msg_4'", "ses_2", -1),
    ("DELETE FROM part WHERE id = 'prt_1'", "ses_1", 0),
    ("DELETE FROM part WHERE id = 'prt_4'", "ses_1", 0),
    ("UPDATE session SET title = 'another', time_updated = 9 WHERE id = 'ses_2'", "ses_2", 0),
    (
        "DELETE FROM part WHERE id = 'prt_4'; INSERT INTO part VALUES ('prt_5', 'msg_3', 'ses_2', 9, 9, '{}')",
        "ses_1",
        0,
    ),
    (
        "DELETE FROM message WHERE id = 'msg_4'; INSERT INTO message VALUES ('msg_5', 'ses_2', 4, 4, '{}')",
        "ses_2",
        0,
    ),
    (
        "DELETE FROM event; DELETE FROM event_sequence; UPDATE part SET data = '{}', time_updated = 9",
        "ses_1",
        0,
    ),
    ("INSERT INTO message VALUES ('msg_6', 'ses_9', 9, 9, '{}')", "ses_9", 1),
];

/// Returns the statements that log a change of a session. opencode runs them in the transaction of
/// the change.
fn log_statement(session: &str) -> String {
    format!(
        "INSERT INTO event_sequence VALUES ('{session}', 0, NULL)
             ON CONFLICT DO UPDATE SET seq = seq + 1;
         INSERT INTO event SELECT 'evt_new', '{session}', seq, 'x', '{{}}' FROM event_sequence
             WHERE aggregate_id = '{session}';"
    )
}

fn create_database(rows: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, database) = database_with_rows(&format!("{SMALL_ROWS}{rows}"));
    drop(open_writer(&database));
    (dir, database)
}

fn commit(db: &Connection, sql: &str) {
    db.execute_batch(&format!("PRAGMA foreign_keys=OFF; BEGIN; {sql}; COMMIT;")).unwrap();
}

fn stamps(store: &dyn Source, survey: &Survey<'_>) -> BTreeMap<EntityKey, Stamp> {
    let (observations, issues) = survey_sorted(store, survey);
    assert!(issues.is_empty(), "{issues:?}");
    observations.into_iter().map(|observation| (observation.key, observation.stamp)).collect()
}

fn token(store: &dyn Source) -> SourceToken {
    store.probe(None).unwrap().token.unwrap()
}

fn probe(store: &dyn Source, token: &SourceToken) -> Probe {
    store.probe(Some(token)).unwrap().probe
}

/// Returns all combinations of two ways to open the database and two clocks. One clock makes every
/// file old, and the other makes every file just written.
fn access_cases(database: &Path) -> Vec<(bool, UnixNanos)> {
    let young = std::fs::metadata(database).unwrap().modified().unwrap();
    let young = young.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let young = UnixNanos(i64::try_from(young).unwrap());
    vec![(false, FAR_FUTURE), (true, FAR_FUTURE), (false, young), (true, young)]
}

#[test]
fn every_change_is_noticed() {
    for (change, session, _) in CHANGES {
        for is_logged in [true, false] {
            for turn in 0..4 {
                let (_dir, database) = create_database(ROWS);
                let (has_writer, now) = access_cases(&database)[turn];
                let writer = has_writer.then(|| open_writer(&database));
                if let Some(db) = &writer {
                    commit(db, "UPDATE project SET name = 'n'"); // creates the log
                }
                let store = open_at(&database, now);
                let isolated = store.access().unwrap() == Access::Shared;
                assert_eq!(isolated, has_writer);
                let before = stamps(&store, &Survey::Sessions);
                let first = token(&store);
                let is_quiet = isolated || now == FAR_FUTURE;
                for _ in 0..2 {
                    assert_eq!(probe(&store, &first) == Probe::Unchanged, is_quiet);
                }
                let sql = format!(
                    "{change}; {}",
                    if is_logged { log_statement(session) } else { String::new() }
                );
                let case = format!("{sql} {isolated} {now:?}");
                match &writer {
                    Some(db) => commit(db, &sql),
                    None => commit(&open_writer(&database), &sql),
                }
                // Check in this reader, and in one that stands for another process.
                let other: SqliteReader = open_at(&database, now);
                for store in [&store, &other] {
                    match probe(store, &first) {
                        Probe::Unchanged => panic!("missed: {case}"),
                        Probe::Rescan => {}
                        Probe::Changed(sessions) => {
                            let sessions: Vec<_> =
                                sessions.iter().map(SourceChange::session).collect();
                            let after = stamps(store, &Survey::Sessions);
                            let id = EntityKey::Session(session_key(session));
                            let shows = before.get(&id) != after.get(&id);
                            assert!(
                                shows || sessions.contains(&&session_key(session)),
                                "{case}: {sessions:?}"
                            );
                        }
                    }
                }
                let next = store.probe(Some(&first)).unwrap().token.unwrap();
                let is_quiet = has_writer || now == FAR_FUTURE;
                for _ in 0..2 {
                    assert_eq!(probe(&store, &next) == Probe::Unchanged, is_quiet, "{case}");
                }
            }
        }
    }
}

#[test]
fn the_event_log_names_the_changed_sessions() {
    let (_dir, database) = create_database(ROWS);
    let db = open_writer(&database);
    let store = open(&database);
    let mut last = token(&store);
    for session in ["ses_1", "ses_2"] {
        commit(&db, &format!("UPDATE message SET time_updated = 9; {}", log_statement(session)));
        let probed = store.probe(Some(&last)).unwrap();
        assert_eq!(probed.probe, changed_probe([session_key(session)]));
        last = probed.token.unwrap();
        db.execute("UPDATE event SET id = hex(randomblob(8)) WHERE id = 'evt_new'", []).unwrap();
        last = store.probe(Some(&last)).unwrap().token.unwrap();
    }
}

#[test]
fn a_survey_shows_added_removed_and_changed_sessions() {
    let (_dir, database) = create_database(ROWS);
    let db = open_writer(&database);
    let store = open(&database);
    let mut before = stamps(&store, &Survey::Sessions);
    let mut last = token(&store);
    for change in [
        "UPDATE session SET title = 'much longer', time_updated = 7 WHERE id = 'ses_1'",
        "UPDATE session SET title = 'even much longer' WHERE id = 'ses_1'",
        "UPDATE session SET tokens_input = 5 WHERE id = 'ses_1'",
        "UPDATE session SET time_archived = 5 WHERE id = 'ses_1'",
        "INSERT INTO session SELECT 'ses_3', project_id, NULL, NULL, slug, directory, NULL, title,
             version, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL,
             9, 9, NULL, NULL FROM session WHERE id = 'ses_1'",
        "DELETE FROM session WHERE id = 'ses_2'",
    ] {
        db.execute_batch(change).unwrap();
        let now = stamps(&store, &Survey::Sessions);
        assert_ne!(before, now, "{change}");
        before = now;
        let probed = store.probe(Some(&last)).unwrap();
        assert_ne!(probed.probe, Probe::Unchanged, "{change}");
        last = probed.token.unwrap();
    }
}

#[test]
fn the_stamp_of_a_set_changes_when_a_row_joins_or_leaves() {
    for (change, session, joining) in CHANGES {
        let (_dir, database) = create_database(ROWS);
        let db = open_writer(&database);
        let store = open(&database);
        let before = stamps(&store, &Survey::MessageSets);
        commit(&db, change);
        let after = stamps(&store, &Survey::MessageSets);
        let id = EntityKey::Session(session_key(session));
        let is_log_gone = change.contains("event_sequence");
        let is_replaced = change.contains("msg_5");
        let expected = joining != 0 || is_log_gone || is_replaced;
        assert_eq!(before.get(&id) != after.get(&id), expected, "{change}");
        // Every event changes the stamp too.
        commit(&db, &log_statement(session));
        assert_ne!(after.get(&id), stamps(&store, &Survey::MessageSets).get(&id));
    }
}

#[test]
fn rows_written_just_now_are_young() {
    let (_dir, database) = create_database("UPDATE message SET time_updated = 4102444799950");
    let store = open(&database);
    let (observations, _) = survey_sorted(&store, &Survey::Messages(&session_key("ses_1")));
    let is_young =
        |observation: &&scrollback_source::Observation| observation.settled == Settled::Young;
    let young: Vec<_> = observations
        .iter()
        .filter(is_young)
        .map(|observation| observation.key.to_string())
        .collect();
    assert_eq!(young, ["message ses_1/msg_1"]);
}

#[test]
fn vacuum_and_checkpoint_change_no_content() {
    for change in
        ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "CREATE TABLE later (id text)", "REINDEX"]
    {
        let (_dir, database) = create_database(ROWS);
        let db = open_writer(&database);
        commit(&db, "UPDATE project SET name = 'n'");
        let store = open(&database);
        let (first, before) = (token(&store), crate::support::read_everything(&store));
        db.execute_batch(change).unwrap();
        assert_eq!(crate::support::read_everything(&store), before);
        for store in [&store, &open(&database)] {
            let probed = probe(store, &first);
            // A checkpoint changes no row. The other statements may move any row.
            assert!(
                probed == Probe::Rescan || change.contains("checkpoint"),
                "{change}: {probed:?}"
            );
        }
        // Rows have new numbers, and later changes are still noticed.
        let next = token(&store);
        commit(&db, &format!("UPDATE message SET time_updated = 9; {}", log_statement("ses_1")));
        assert_eq!(probe(&store, &next), changed_probe([session_key("ses_1")]));
    }
}

#[test]
fn an_event_log_added_by_an_upgrade_is_read() {
    let (_dir, database) = create_database(ROWS);
    let db = open_writer(&database);
    db.execute_batch("DROP TABLE event; DROP TABLE event_sequence;").unwrap();
    let store = open(&database);
    let first = token(&store);
    commit(&db, "UPDATE message SET time_updated = 9");
    assert_eq!(probe(&store, &first), Probe::Rescan, "no log covers the change");
    let tables = crate::support::SCHEMA
        .split(';')
        .filter(|statement| statement.contains("CREATE TABLE `event"));
    db.execute_batch(&tables.collect::<Vec<_>>().join(";")).unwrap();
    let next = store.probe(Some(&first)).unwrap().token.unwrap();
    commit(&db, &format!("UPDATE message SET time_updated = 10; {}", log_statement("ses_1")));
    assert_eq!(probe(&store, &next), changed_probe([session_key("ses_1")]));
}

#[test]
fn a_foreign_token_leads_to_a_rescan() {
    let (_dir, database) = create_database(ROWS);
    let (_other, other) = database_with_rows(&SMALL_ROWS.replace("msg_1", "msg_7"));
    let store = open(&database);
    let good = token(&store);
    let cut = |end: usize| SourceToken::new(good.bytes()[..end].to_vec());
    let mut later = good.bytes().to_vec();
    later[0] += 1;
    let longer = [good.bytes(), &[0_u8; 8][..]].concat();
    for token in [
        SourceToken::new([]),
        SourceToken::new(*b"garbage"),
        SourceToken::new([0xff; 800]),
        cut(8),
        cut(good.bytes().len() - 8),
        cut(good.bytes().len() - 1),
        SourceToken::new(later),
        SourceToken::new(longer),
        token(&open(&other)),
    ] {
        assert_eq!(probe(&store, &token), Probe::Rescan, "{token:?}");
    }
    assert_eq!(probe(&store, &good), Probe::Unchanged);
}
