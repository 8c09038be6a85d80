//! Tests the report of unknown and missing tables and columns.

use scrollback_core_err::IssueKind;
use scrollback_core_id::Scope;
use scrollback_source::Survey;
use scrollback_stor_sqlite::{SchemaProblem, SchemaReport, SqliteReader};

use crate::calls::{key_names, scan, session_key, tree};
use crate::support::{
    REAL_CORPORA, SCHEMA, SMALL_ROWS, V2_CORPORA, V2_SCHEMA, copy_corpus, database_with_rows,
    database_with_schema, open, open_writer, read_everything, sessions, survey_sorted,
};

/// Returns the names of unknown tables and columns.
fn unknown_names(report: &SchemaReport) -> (Vec<&str>, Vec<String>) {
    let tables = report.unknown_tables.iter().map(String::as_str).collect();
    (tables, report.unknown_columns.iter().map(ToString::to_string).collect())
}

/// Returns the messages that come with every listing of sessions. The scan and the survey must
/// report equally many.
fn listing_issues(store: &SqliteReader) -> Vec<String> {
    let issues = scan(store, &Scope::Sessions).issues;
    let messages: Vec<String> = issues
        .into_iter()
        .map(|(key, issue)| match (key, issue.kind) {
            (None, IssueKind::Database { message }) => message,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(survey_sorted(store, &Survey::Sessions).1.len(), messages.len());
    messages
}

#[test]
fn every_schema_that_opencode_wrote_is_known() {
    let expected = SchemaReport::default();
    for corpus in REAL_CORPORA.into_iter().chain(V2_CORPORA) {
        let (_dir, database) = copy_corpus(corpus);
        assert_eq!(open(&database).schema_report().unwrap(), expected, "{corpus:?}");
    }
    for schema in [SCHEMA, V2_SCHEMA] {
        let (_dir, database) = database_with_schema(schema, "");
        assert_eq!(open(&database).schema_report().unwrap(), expected);
    }
}

#[test]
fn unknown_tables_and_columns_are_listed_without_an_issue() {
    let (_dir, database) = database_with_rows(SMALL_ROWS);
    open_writer(&database)
        .execute_batch(
            "CREATE TABLE novelty (id text); INSERT INTO novelty VALUES ('x');
             CREATE TABLE aside (id integer PRIMARY KEY AUTOINCREMENT);
             CREATE TABLE account_keys (secret text); INSERT INTO account_keys VALUES ('not shown');
             CREATE VIEW everything AS SELECT * FROM session;
             ALTER TABLE session ADD COLUMN novelty text DEFAULT 'new';
             ALTER TABLE part ADD COLUMN size integer;
             ALTER TABLE permission ADD COLUMN later text;",
        )
        .unwrap();
    let store = open(&database);
    let report = store.schema_report().unwrap();
    let columns = ["part.size", "session.novelty"].map(str::to_owned).to_vec();
    assert_eq!(unknown_names(&report), (vec!["aside", "novelty"], columns));
    assert_eq!((report.problems, listing_issues(&store)), (vec![], vec![]));
    assert_eq!(read_everything(&store), read_everything(&open(&database_with_rows(SMALL_ROWS).1)));
}

#[test]
fn a_missing_required_column_is_an_issue() {
    let (_dir, database) = database_with_rows(SMALL_ROWS);
    open_writer(&database).execute_batch("ALTER TABLE message RENAME COLUMN data TO body").unwrap();
    let store = open(&database);
    let report = store.schema_report().unwrap();
    let missing = SchemaProblem::Missing { table: "message".into(), column: "data".into() };
    assert_eq!(report.problems, [missing]);
    assert_eq!(unknown_names(&report), (vec![], vec!["message.body".to_owned()]));
    assert_eq!(listing_issues(&store), ["the table message has no column data, so it is not read"]);
    assert_eq!(sessions(&store).len(), 2, "the rest is read");
    assert_eq!(key_names(&tree(&store, &session_key("ses_1")).entries), ["ses_1"]);
    // An open store reports the problem only as long as it exists.
    open_writer(&database).execute_batch("ALTER TABLE message RENAME COLUMN body TO data").unwrap();
    assert!(listing_issues(&store).is_empty());
    assert_eq!(store.schema_report().unwrap(), SchemaReport::default());
    assert_eq!(
        key_names(&tree(&store, &session_key("ses_1")).entries),
        ["ses_1", "msg_1", "prt_1"]
    );
}

#[test]
fn a_column_of_another_type_is_an_issue_and_is_read() {
    let schema = SCHEMA.replace(
        "`message_id` text NOT NULL,\n          `session_id` text NOT NULL,\n          `time_created` integer NOT NULL,\n          `time_updated` integer NOT NULL,",
        "`message_id` text NOT NULL,\n          `session_id` text NOT NULL,\n          `time_created` text NOT NULL,\n          `time_updated` text NOT NULL,",
    );
    assert_ne!(schema, SCHEMA);
    let (_dir, database) = database_with_schema(&schema, SMALL_ROWS);
    let store = open(&database);
    // The other column with a new type is not required.
    assert_eq!(
        listing_issues(&store),
        ["the column time_updated of the table part has the type TEXT"]
    );
    assert_eq!(store.schema_report().unwrap().problems.len(), 1);
    assert_eq!(
        key_names(&tree(&store, &session_key("ses_1")).entries),
        ["ses_1", "msg_1", "prt_1"]
    );
}

#[test]
fn v2_tables_are_checked_only_in_v2_databases() {
    // In 1.x these tables had other shapes, so they are not checked there.
    for (schema, expected) in [(SCHEMA, 0), (V2_SCHEMA, 1)] {
        let (_dir, database) = database_with_schema(schema, "");
        let indices = "DROP INDEX session_message_session_seq_idx;
            DROP INDEX session_message_session_type_seq_idx;";
        let db = open_writer(&database);
        db.execute_batch(indices).unwrap();
        db.execute_batch("ALTER TABLE session_message DROP COLUMN seq").unwrap();
        let store = open(&database);
        let report = store.schema_report().unwrap();
        assert_eq!((report.problems.len(), listing_issues(&store).len()), (expected, expected));
        assert_eq!(unknown_names(&report), (vec![], vec![]));
    }
}
