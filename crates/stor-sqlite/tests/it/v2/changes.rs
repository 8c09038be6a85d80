//! Tests changes in databases of 2.x: probes by event numbers, and an upgrade from 1.x.

use rusqlite::Connection;
use scrollback_core_id::{EntityKey, Scope};
use scrollback_source::{Listing, Probe, Reader, Source, SourceToken, Survey};

use crate::calls::{key_names, scan, session_key, tree};
use crate::support::{
    SCHEMA, SMALL_ROWS, V2_SCHEMA, changed_probe, database_with_rows, database_with_schema,
    entry_json, issues, open, open_writer, sessions, survey_sorted,
};

const ROWS: &str = r#"
    INSERT INTO session_v2 (id, project_id, slug, directory, title, version, time_created, time_updated)
        VALUES ('ses_1', 'p', 's', '/w', 'one', '2', 1, 1), ('ses_2', 'p', 's', '/w', 'two', '2', 1, 2);
    INSERT INTO session_message VALUES
        ('msg_1', 'ses_1', 'user', 1, 1, 1, '{"text":"a"}'), ('msg_2', 'ses_1', 'assistant', 2, 1, 1, '{}'),
        ('msg_3', 'ses_1', 'user', 3, 1, 1, '{"text":"c"}'), ('msg_4', 'ses_2', 'user', 1, 1, 1, '{"text":"d"}');
    INSERT INTO event_sequence VALUES ('ses_1', 3, NULL), ('ses_2', 1, NULL);"#;

fn create_database() -> (tempfile::TempDir, std::path::PathBuf) {
    database_with_schema(V2_SCHEMA, &format!("PRAGMA foreign_keys=OFF; {ROWS}"))
}

fn commit(db: &Connection, sql: &str) {
    db.execute_batch(&format!("PRAGMA foreign_keys=OFF; BEGIN; {sql}; COMMIT;")).unwrap();
}

fn token(store: &dyn Source) -> SourceToken {
    store.probe(None).unwrap().token.unwrap()
}

/// Returns the survey of a session as text, so that any change of it shows.
fn stamps(store: &dyn Source, session: &str) -> String {
    format!("{:?}", survey_sorted(store, &Survey::Messages(&session_key(session))))
}

/// Increases the event number of sessions, as every write of 2.x does. A condition on the session
/// follows.
const NEXT_SEQUENCE: &str = "UPDATE event_sequence SET seq = seq + 1 WHERE aggregate_id";

#[test]
fn event_sequences_name_the_changed_sessions() {
    let both = || vec![session_key("ses_1"), session_key("ses_2")];
    let (one, none) = (|| vec![session_key("ses_1")], Vec::new);
    // Statements of a writer, each with the sessions that the probe must name, and whether the
    // messages of both sessions change.
    let changes: [(String, Option<Vec<_>>, [bool; 2]); 10] = [
        (
            "INSERT INTO session_message VALUES ('msg_9', 'ses_1', 'user', 4, 9, 9, '{}')".to_owned()
                + &format!("; {NEXT_SEQUENCE} = 'ses_1'"),
            Some(one()),
            [true, false],
        ),
        // A step continues in place.
        (
            format!(
                "UPDATE session_message SET data = '{{\"a\":1}}', time_updated = 9 WHERE id = 'msg_2';
                 {NEXT_SEQUENCE} = 'ses_1'"
            ),
            Some(one()),
            [true, false],
        ),
        // A revert is committed: rows are deleted, and the number grows.
        (
            format!("DELETE FROM session_message WHERE session_id = 'ses_1' AND seq >= 2; {NEXT_SEQUENCE} = 'ses_1'"),
            Some(one()),
            [true, false],
        ),
        // The last row of the table is deleted, so that a new row may get its rowid.
        (
            format!("DELETE FROM session_message WHERE id = 'msg_4'; {NEXT_SEQUENCE} = 'ses_2'"),
            None,
            [false, true],
        ),
        (
            format!("DELETE FROM session_message WHERE id = 'msg_2'; {NEXT_SEQUENCE} = 'ses_1'"),
            Some(one()),
            [true, false],
        ),
        (format!("{NEXT_SEQUENCE} = 'ses_1'"), Some(one()), [true, false]),
        (format!("{NEXT_SEQUENCE} IN ('ses_1', 'ses_2')"), Some(both()), [true, true]),
        // A session is deleted with its number.
        (
            "DELETE FROM session_message WHERE session_id = 'ses_1';
             DELETE FROM session_v2 WHERE id = 'ses_1';
             DELETE FROM event_sequence WHERE aggregate_id = 'ses_1'"
                .to_owned(),
            Some(none()),
            [true, false],
        ),
        // Rows change without a new number, as by another program or a migration.
        (
            "UPDATE session_message SET data = '{}', time_updated = 9 WHERE id = 'msg_1'".to_owned(),
            None,
            [true, false],
        ),
        ("UPDATE session_v2 SET time_suspended = 5 WHERE id = 'ses_1'".to_owned(), None, [false, false]),
    ];
    for (change, sessions, is_changed) in changes {
        for has_writer in [true, false] {
            let (_dir, database) = create_database();
            let writer = has_writer.then(|| open_writer(&database));
            if let Some(db) = &writer {
                commit(db, "UPDATE project SET name = 'n'");
            }
            let store = open(&database);
            let first = token(&store);
            let before = ["ses_1", "ses_2"].map(|session| stamps(&store, session));
            for _ in 0..2 {
                assert_eq!(store.probe(Some(&first)).unwrap().probe, Probe::Unchanged);
            }
            match &writer {
                Some(db) => commit(db, &change),
                None => commit(&open_writer(&database), &change),
            }
            // Check in this reader, and in one that stands for another process.
            for store in [&store, &open(&database)] {
                let probed = store.probe(Some(&first)).unwrap();
                let expected = sessions.clone().map_or(Probe::Rescan, changed_probe);
                assert_eq!(probed.probe, expected, "{change}");
                let next = probed.token.unwrap();
                assert!(next != first, "{change}");
                assert_eq!(store.probe(Some(&next)).unwrap().probe, Probe::Unchanged, "{change}");
                let after = ["ses_1", "ses_2"].map(|session| stamps(store, session));
                let differ = [0, 1].map(|at| before[at] != after[at]);
                assert_eq!(differ, is_changed, "{change}");
            }
        }
    }
}

#[test]
fn the_event_log_of_2x_is_optional() {
    let (_dir, database) = create_database();
    let db = open_writer(&database);
    let store = open(&database);
    let first = token(&store);
    commit(&db, &format!("{NEXT_SEQUENCE} = 'ses_2'"));
    assert_eq!(store.probe(Some(&first)).unwrap().probe, changed_probe([session_key("ses_2")]));
    assert_eq!(store.history(&session_key("ses_2")).unwrap().0, []);
    // The user turned the log on.
    let next = token(&store);
    commit(
        &db,
        &format!(
            "{NEXT_SEQUENCE} = 'ses_1';
             INSERT INTO event VALUES ('evt_1', 'ses_1', 4, 9, 'session.created.2', '{{\"x\":1}}')"
        ),
    );
    assert_eq!(store.probe(Some(&next)).unwrap().probe, changed_probe([session_key("ses_1")]));
    let (history, issues) = store.history(&session_key("ses_1")).unwrap();
    assert_eq!((history.len(), issues.len()), (1, 0));
    assert_eq!(
        (&*history[0].name, history[0].version, history[0].seq),
        ("session.created", Some(2), 4)
    );
    // Without the table of events the numbers still work.
    db.execute_batch("PRAGMA foreign_keys=OFF; DROP TABLE event").unwrap();
    assert_eq!(store.history(&session_key("ses_1")).unwrap().0, []);
    let next = token(&store);
    commit(&db, &format!("{NEXT_SEQUENCE} = 'ses_1'"));
    assert_eq!(store.probe(Some(&next)).unwrap().probe, changed_probe([session_key("ses_1")]));
}

/// Returns the first statements of the upgrade: they delete the rows of the preview and make empty
/// new tables.
fn upgrade_sql() -> String {
    let new = V2_SCHEMA.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
    let new = new.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX IF NOT EXISTS");
    let new = new.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS");
    format!(
        "DROP TABLE session_message; DROP TABLE session_input; DROP TABLE session_context_epoch;
         DROP TABLE event; {new};
         INSERT INTO kv VALUES ('migration.v1-v2', '{{\"phase\":\"sessions\"}}', 1, 1);"
    )
}

/// Returns the storage format, the migration state and the keys of a session, as an open reader
/// reports them.
fn session_state(reader: &mut dyn Reader, session: &str) -> (String, String, Vec<String>) {
    let listing = Listing::collect(|visit| reader.tree(&session_key(session), visit)).unwrap();
    assert_eq!(issues(&listing), []);
    let provenance = &listing.entries[0].provenance;
    let newest = provenance.formats().last().unwrap().to_owned();
    let migration = provenance.migration().unwrap_or_default().to_owned();
    (newest, migration, key_names(&listing.entries).split_off(1))
}

#[test]
fn an_upgrade_beside_an_open_reader_is_followed() {
    let state = |format: &str, migration: &str, names| (format.into(), migration.into(), names);
    let preview = r#"INSERT INTO session_message VALUES ('msg_p', 'ses_2', 'user', 1, 9, 9, '{"text":"p"}');"#;
    let (_dir, database) =
        database_with_schema(SCHEMA, &format!("PRAGMA foreign_keys=OFF; {SMALL_ROWS}{preview}"));
    let db = open_writer(&database);
    commit(&db, "UPDATE project SET name = 'n'");
    let store = open(&database);
    let mut reader = store.open().unwrap();
    let keys_of_1 = || vec!["msg_1".to_owned(), "prt_1".to_owned()];
    assert_eq!(session_state(&mut *reader, "ses_1"), state("v1", "", keys_of_1()));
    let keys_of_2 = vec!["msg_p".to_owned(), "prt_p_00000".to_owned()];
    assert_eq!(session_state(&mut *reader, "ses_2"), state("v2", "preview", keys_of_2));
    let mut last = token(&store);
    let mut rescan = |store: &dyn Source| {
        let probed = store.probe(Some(&last)).unwrap();
        last = probed.token.unwrap();
        probed.probe
    };

    // The tables change.
    commit(&db, &upgrade_sql());
    assert_eq!(rescan(&store), Probe::Rescan);
    assert_eq!(session_state(&mut *reader, "ses_1"), state("v1", "awaited", keys_of_1()));
    assert_eq!(session_state(&mut *reader, "ses_2"), state("v1", "awaited", vec![]));
    assert_eq!(sessions(&store).len(), 2);

    // One session is migrated, and the next session has only its record.
    let migrated = |id: u8, row: &str| {
        format!(
            "INSERT INTO session_v2 (id, project_id, slug, directory, title, version, time_created, time_updated)
                 VALUES ('ses_{id}', 'p', 's', '/w', 'new', '2', 1, 1); {row};"
        )
    };
    let row =
        r#"INSERT INTO session_message VALUES ('msg_1', 'ses_1', 'user', 0, 1, 1, '{"text":"x"}')"#;
    commit(&db, &migrated(1, row));
    assert_eq!(rescan(&store), Probe::Rescan);
    let keys_of_1 = || vec!["msg_1".to_owned(), "prt_1_00000".to_owned()];
    assert_eq!(session_state(&mut *reader, "ses_1"), state("v2", "", keys_of_1()));
    commit(
        &db,
        &migrated(2, "INSERT INTO message VALUES ('msg_2', 'ses_2', 1, 1, '{\"role\":\"user\"}')"),
    );
    assert_eq!(
        session_state(&mut *reader, "ses_2"),
        state("v1", "withoutRows", vec!["msg_2".to_owned()])
    );

    // The migration ends. One session was left out, and another one was made later by 1.x.
    commit(
        &db,
        "UPDATE kv SET value = '{\"phase\":\"completed\"}', time_updated = 50;
         INSERT INTO event_sequence VALUES ('ses_1', 0, NULL);
         INSERT INTO session (id, project_id, slug, directory, title, version, time_created, time_updated)
             VALUES ('ses_3', 'p', 's', '/w', 't', '1', 49, 99), ('ses_4', 'p', 's', '/w', 't', '1', 50, 99)",
    );
    assert_ne!(rescan(&store), Probe::Unchanged);
    assert_eq!(session_state(&mut *reader, "ses_3"), state("v1", "legacyOnly", vec![]));
    assert_eq!(session_state(&mut *reader, "ses_4"), state("v1", "lateLegacy", vec![]));
    // From now on the event numbers name the changed sessions.
    commit(
        &db,
        &format!("UPDATE session_message SET time_updated = 60; {NEXT_SEQUENCE} = 'ses_1'"),
    );
    assert_eq!(rescan(&store), changed_probe([session_key("ses_1")]));
    let listed = Listing::collect(|visit| reader.scan(&Scope::Sessions, visit)).unwrap().entries;
    let titles: Vec<_> =
        listed.iter().map(|entry| entry_json(entry)["title"].to_string()).collect();
    assert_eq!(titles, ["\"t\"", "\"t\"", "\"new\"", "\"new\""], "each once");
    assert!(listed.iter().all(|entry| matches!(entry.key, EntityKey::Session(_))));
}

#[test]
fn dropped_tables_do_not_fail_an_open_reader() {
    let (_dir, database) = create_database();
    let db = open_writer(&database);
    let store = open(&database);
    let mut reader = store.open().unwrap();
    assert_eq!(session_state(&mut *reader, "ses_1").2.len(), 5);
    db.execute_batch("PRAGMA foreign_keys=OFF; DROP TABLE session_message").unwrap();
    assert_eq!(session_state(&mut *reader, "ses_1").2, Vec::<String>::new());
    // A client of 1.x makes its tables again.
    let (_old, old) = database_with_rows(SMALL_ROWS);
    db.execute_batch(&format!(
        "ATTACH '{}' AS old; CREATE TABLE message AS SELECT * FROM old.message;
         CREATE TABLE part AS SELECT * FROM old.part;",
        old.display()
    ))
    .unwrap();
    assert_eq!(key_names(&tree(&store, &session_key("ses_1")).entries)[1], "msg_1");
}

#[test]
fn every_field_of_a_record_changes_its_stamp() {
    let changes = [
        "cost = cost + 0.25",
        "path = 'sub'",
        "agent = 'plan'",
        "title = 'other'",
        "tokens_input = tokens_input + 1",
        "summary_additions = 3",
        "idle_outcome = 'failed'",
    ];
    let (_dir, database) = create_database();
    let store = open(&database);
    let records = |store: &dyn Source| -> Vec<(String, String)> {
        let listed = scan(store, &Scope::Sessions);
        assert_eq!(issues(&listed), []);
        let record = |entry: &scrollback_source::Entry| {
            (format!("{:?}", entry.span.as_ref().unwrap().stamp()), entry_json(entry).to_string())
        };
        listed.entries.iter().map(record).collect()
    };
    for change in changes {
        let before = records(&store);
        let surveyed_before = format!("{:?}", survey_sorted(&store, &Survey::Sessions));
        commit(
            &open_writer(&database),
            &format!("UPDATE session_v2 SET {change} WHERE id = 'ses_2'"),
        );
        let after = records(&store);
        let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
        let [(before, after)] = changed[..] else { panic!("{change}: {changed:?}") };
        assert_ne!(before.0, after.0, "{change}");
        assert_ne!(before.1, after.1, "{change}");
        assert_ne!(surveyed_before, format!("{:?}", survey_sorted(&store, &Survey::Sessions)));
    }
}
