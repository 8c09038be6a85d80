//! Tests every schema that opencode had, and databases of other programs.

use rusqlite::Connection;
use scrollback_core_id::{EntityKey, Scope};
use scrollback_fixtures::Corpus;
use scrollback_source::{Source, Survey};
use scrollback_stor_sqlite::Error;

use crate::calls::{key_names, scan, session_key, spans, tree};
use crate::support::{
    SCHEMA, SMALL_ROWS, copy_corpus, database_with_rows, database_with_schema, entry_json, open,
    open_writer, read_everything, sessions, survey_sorted,
};

/// The first schema, of 1.2.1.
const FIRST_SCHEMA: &str = "
    CREATE TABLE project (id text PRIMARY KEY, worktree text NOT NULL, vcs text, name text,
        icon_url text, icon_color text, time_created integer NOT NULL,
        time_updated integer NOT NULL, time_initialized integer, sandboxes text NOT NULL);
    CREATE TABLE session (id text PRIMARY KEY, project_id text NOT NULL, parent_id text,
        slug text NOT NULL, directory text NOT NULL, title text NOT NULL, version text NOT NULL,
        share_url text, summary_additions integer, summary_deletions integer,
        summary_files integer, summary_diffs text, revert text, permission text,
        time_created integer NOT NULL, time_updated integer NOT NULL, time_compacting integer,
        time_archived integer,
        FOREIGN KEY (project_id) REFERENCES project(id) ON DELETE CASCADE);
    CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL,
        FOREIGN KEY (session_id) REFERENCES session(id) ON DELETE CASCADE);
    CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL,
        FOREIGN KEY (message_id) REFERENCES message(id) ON DELETE CASCADE);
    CREATE TABLE permission (project_id text PRIMARY KEY, time_created integer NOT NULL,
        time_updated integer NOT NULL, data text NOT NULL);
    CREATE TABLE todo (session_id text NOT NULL, content text NOT NULL, status text NOT NULL,
        priority text NOT NULL, position integer NOT NULL, time_created integer NOT NULL,
        time_updated integer NOT NULL, PRIMARY KEY (session_id, position));
    CREATE TABLE session_share (session_id text PRIMARY KEY, id text NOT NULL,
        secret text NOT NULL, url text NOT NULL, time_created integer NOT NULL,
        time_updated integer NOT NULL);
    CREATE INDEX message_session_idx ON message (session_id);
    CREATE INDEX part_message_idx ON part (message_id);
    CREATE INDEX part_session_idx ON part (session_id);";

/// Messages whose table order differs from their order in the session.
const UNORDERED_MESSAGES: &str = r#"
    INSERT INTO message VALUES ('msg_9', 'ses_1', 5, 5, '{"role":"user"}');
    INSERT INTO message VALUES ('msg_5', 'ses_1', 3, 3, '{"role":"user"}');
    INSERT INTO message VALUES ('msg_4', 'ses_1', 5, 5, '{"role":"user"}');
    INSERT INTO part VALUES ('prt_9', 'msg_5', 'ses_1', 1, 1, '{"type":"text"}');
    INSERT INTO part VALUES ('prt_8', 'msg_5', 'ses_1', 1, 1, '{"type":"text"}');
    INSERT INTO todo VALUES ('ses_1', 'b', 'done', 'low', 1, 1, 1), ('ses_1', 'a', 'done', 'low', 0, 1, 1);
    INSERT INTO session_share VALUES ('ses_1', 'x', 'not to be shown', 'https://x', 1, 1);"#;

#[test]
fn the_first_schema_reads_like_the_last() {
    let rows = format!("{SMALL_ROWS}{UNORDERED_MESSAGES}");
    let (_first, first) = database_with_schema(FIRST_SCHEMA, &rows);
    let (_last, last) = database_with_rows(&rows);
    let (first, last) = (open(&first), open(&last));
    assert_eq!(read_everything(&first), read_everything(&last));
    let session = session_key("ses_1");
    let expected =
        ["ses_1", "msg_1", "prt_1", "msg_5", "prt_8", "prt_9", "msg_4", "msg_9"].map(str::to_owned);
    for store in [&first, &last] {
        assert_eq!(key_names(&tree(store, &session).entries), expected);
        let (observations, issues) = survey_sorted(store, &Survey::Messages(&session));
        assert_eq!((observations.len(), issues.len()), (5, 0), "four messages and their set");
        let todos = spans(store, &[EntityKey::Todo(session.clone())]).entries;
        assert_eq!(entry_json(&todos[0])[0]["content"], "a");
    }
    let record = entry_json(&scan(&first, &Scope::Sessions).entries[1]);
    for absent in ["cost", "tokens", "agent", "model", "path", "metadata", "workspaceID"] {
        assert!(record.get(absent).is_none(), "{absent}");
    }
    assert_eq!(record["title"], "t");
}

#[test]
fn columns_and_tables_of_later_versions_are_ignored() {
    // Columns in another order, with unknown columns between them.
    let schema = SCHEMA.replace(
        "CREATE TABLE `message` (\n          `id` text PRIMARY KEY,",
        "CREATE TABLE `message` (`later` text, `data` text NOT NULL, `id` text PRIMARY KEY,",
    );
    let schema = schema.replacen("`time_updated` integer NOT NULL,\n          `data` text NOT NULL,\n          CONSTRAINT `fk_message_session", "`time_updated` integer NOT NULL, `more` blob,\n          CONSTRAINT `fk_message_session", 1);
    assert!(schema.contains("`later`") && schema.contains("`more`"));
    let rows = SMALL_ROWS.replace(
        "INSERT INTO message VALUES ('msg_1', 'ses_1', 1, 1, ",
        "INSERT INTO message (id, session_id, time_created, time_updated, data) VALUES ('msg_1', 'ses_1', 1, 1, ",
    );
    let (_later, later) = database_with_schema(&schema, &rows);
    let db = open_writer(&later);
    db.execute_batch(
        "CREATE TABLE novelty (id text); INSERT INTO novelty VALUES ('x');
         ALTER TABLE session ADD COLUMN novelty text DEFAULT 'new';
         CREATE VIEW everything AS SELECT * FROM session;",
    )
    .unwrap();
    let (_usual, usual) = database_with_rows(SMALL_ROWS);
    assert_eq!(read_everything(&open(&later)), read_everything(&open(&usual)));
}

#[test]
fn missing_tables_yield_nothing() {
    for lacking in
        ["todo", "session_share", "project", "part", "message", "event", "event_sequence"]
    {
        let (_dir, database) = database_with_rows(SMALL_ROWS);
        let db = open_writer(&database);
        db.execute_batch(&format!("PRAGMA foreign_keys=OFF; DROP TABLE {lacking};")).unwrap();
        let store = open(&database);
        // Sessions of 1.x without these tables are a sign of another name.
        let is_problem = ["part", "message"].contains(&lacking);
        assert_eq!(read_everything(&store).1 > 0, is_problem, "{lacking}");
        assert_eq!(sessions(&store).len(), 2);
        let keys = [EntityKey::Todo(session_key("ses_1")), EntityKey::Share(session_key("ses_1"))];
        assert_eq!(spans(&store, &keys).issues.len(), 2);
        // A view with the name of a table is ignored.
        db.execute_batch(&format!("CREATE VIEW {lacking} AS SELECT * FROM session;")).unwrap();
        assert_eq!(read_everything(&store).1 > 0, is_problem, "{lacking}");
    }
}

#[test]
fn columns_added_while_a_store_is_open_are_read() {
    let (_dir, database) = database_with_schema(FIRST_SCHEMA, SMALL_ROWS);
    let store = open(&database);
    let mut reader = store.open().unwrap();
    assert!(entry_json(&scan(&store, &Scope::Sessions).entries[0]).get("cost").is_none());
    let db = open_writer(&database);
    db.execute_batch("ALTER TABLE session ADD COLUMN cost real DEFAULT 1.5 NOT NULL").unwrap();
    assert_eq!(entry_json(&scan(&store, &Scope::Sessions).entries[0])["cost"], 1.5);
    // A table that is made anew does not disturb an open reader.
    let count = |reader: &mut dyn scrollback_source::Reader| {
        let scope = Scope::Messages(session_key("ses_1"));
        scrollback_source::Listing::collect(|visit| reader.scan(&scope, visit))
            .unwrap()
            .entries
            .len()
    };
    assert_eq!(count(&mut *reader), 1);
    db.execute_batch(
        "PRAGMA foreign_keys=OFF; ALTER TABLE message RENAME COLUMN data TO old;
         ALTER TABLE message ADD COLUMN data text; UPDATE message SET data = old;
         ALTER TABLE message DROP COLUMN old;",
    )
    .unwrap();
    assert_eq!(count(&mut *reader), 1);
    db.execute_batch("DROP TABLE message").unwrap();
    assert_eq!(count(&mut *reader), 0);
}

#[test]
fn a_replaced_database_is_read_with_its_own_schema() {
    let with_cost = FIRST_SCHEMA.replace("slug text", "cost real DEFAULT 1.5 NOT NULL, slug text");
    let [(_old, database), (_new, other)] =
        [FIRST_SCHEMA, &with_cost].map(|schema| database_with_schema(schema, SMALL_ROWS));
    let version = |database: &std::path::Path| -> i64 {
        let db = Connection::open(database).unwrap();
        db.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&database), version(&other), "their versions do not tell them apart");
    let store = open(&database);
    assert!(entry_json(&scan(&store, &Scope::Sessions).entries[0]).get("cost").is_none());
    std::fs::rename(&other, &database).unwrap();
    assert_eq!(entry_json(&scan(&store, &Scope::Sessions).entries[0])["cost"], 1.5);
}

#[test]
fn each_version_of_the_corpora_is_known() {
    for (corpus_id, has_events) in [(Corpus::OpencodeVia, false), (Corpus::OpencodeSqlite, true)] {
        let (_dir, database) = copy_corpus(corpus_id);
        let record = entry_json(&scan(&open(&database), &Scope::Sessions).entries[0]);
        assert_eq!(record.get("tokens").is_some(), has_events);
    }
}

/// Returns the error message of opening a database.
fn open_error(database: &std::path::Path) -> String {
    let error = open(database).open().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("opencode.db"), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.is::<Error>());
    assert!(open(database).probe(None).is_err());
    source.to_string()
}

#[test]
fn databases_of_other_programs_are_refused() {
    let (no_sessions, not_sqlite) = ("no table of sessions", "not a SQLite database");
    for (schema, expected) in [
        ("", no_sessions),
        ("CREATE TABLE x (id)", no_sessions),
        ("CREATE TABLE session (id integer PRIMARY KEY, user text)", no_sessions),
        (
            "CREATE TABLE t (id, project_id, time_created, time_updated);
          CREATE VIEW session AS SELECT * FROM t",
            no_sessions,
        ),
        ("CREATE TABLE session_v2 (id text)", no_sessions),
    ] {
        let (_dir, database) = database_with_schema(schema, "");
        let message = open_error(&database);
        assert!(message.contains(expected), "{schema}: {message}");
    }
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    for (bytes, expected) in [("", no_sessions), ("text\n", not_sqlite), ("x", not_sqlite)] {
        std::fs::write(&database, bytes.repeat(1000)).unwrap();
        let message = open_error(&database);
        assert!(message.contains(expected), "{bytes}: {message}");
    }
    std::fs::remove_file(&database).unwrap();
    assert!(open_error(&database).contains("No such file"));
    std::fs::create_dir(&database).unwrap();
    assert!(!open_error(&database).is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made");
}

#[test]
fn a_database_is_read_once_it_exists() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    let store = open(&database);
    assert!(store.open().is_err());
    let db: Connection = open_writer(&database);
    assert!(store.open().is_err());
    db.execute_batch(SCHEMA).unwrap();
    assert!(sessions(&store).is_empty());
    db.execute_batch(&format!("PRAGMA foreign_keys=OFF; {SMALL_ROWS}")).unwrap();
    assert_eq!(sessions(&store).len(), 2);
}
