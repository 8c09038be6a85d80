//! Tests that SQLite runs each query through an index and without sorting.

use rusqlite::Connection;

use crate::probe::queries as probe_queries;
use crate::schema::Schema;
use crate::schema::parts::PART_NAMES;
use crate::schema::table::Table;
use crate::schema::tables::READ_TABLES;
use crate::schema::v2::{HAS_ROWS, V2Schema};

/// Returns the queries for one session or row of 2.x.
fn v2_queries(schema: &V2Schema) -> Vec<String> {
    let V2Schema {
        by_session: rows,
        names,
        stamps,
        items,
        by_id_in_any_session: by_id,
        all_after_row: all_rows,
        ..
    } = schema;
    let mut queries = vec![rows, &names[0], stamps, items, by_id, all_rows];
    queries.extend(schema.by_id.iter().chain(&schema.stamp_by_id).chain(&schema.pending));
    let mut queries: Vec<String> = queries.into_iter().cloned().collect();
    queries.extend(crate::v2::progress::QUERIES.map(str::to_owned));
    queries.push(HAS_ROWS[0].to_owned());
    queries
}

/// Returns SQLite's plan for a query.
fn query_plan(db: &Connection, sql: &str) -> String {
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // The plan does not depend on the values of the parameters. Only their count must be right.
    let unbound = rusqlite::params_from_iter(vec![1; explain.parameter_count()]);
    let steps = explain.query_map(unbound, |row| row.get::<_, String>(3)).unwrap();
    steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn queries_for_one_session_use_an_index_and_do_not_sort() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(include_str!("../../../fixtures/schema/opencode-1.18.33.sql")).unwrap();
    let schema = Schema::read(&db, None).unwrap().unwrap();
    let (messages, parts) = (schema.messages.as_ref().unwrap(), schema.parts.as_ref().unwrap());
    let mut queries = vec![
        &messages.by_session,
        &messages.names[0],
        &messages.stamps,
        &parts.by_session,
        &parts.stamps,
        &schema.sessions.by_id[0],
        &parts.all_after_row,
        &parts.borrowed_after_row,
    ];
    queries.extend(messages.by_id.iter().chain(&messages.stamp_by_id));
    queries.extend(parts.by_id.iter().chain(&parts.stamp_by_id));
    let mut queries: Vec<String> = queries.into_iter().cloned().collect();
    queries.push(PART_NAMES[0].to_owned());
    queries.extend(probe_queries());
    for sql in queries {
        let plan = query_plan(&db, &sql);
        assert!(plan.contains("SEARCH") || sql.contains("LIMIT 1"), "{sql}: {plan}");
        let is_last_row = sql.contains("ORDER BY rowid DESC LIMIT 1");
        assert!(is_last_row || !plan.contains("SCAN"), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
    // An index alone answers the queries for names and sets.
    for sql in [&messages.names[0], PART_NAMES[0]] {
        assert!(query_plan(&db, sql).contains("COVERING INDEX"), "{sql}");
    }
}

#[test]
fn v2_queries_read_no_rows_of_other_sessions() {
    for (name, ddl) in [
        ("1.18", include_str!("../../../fixtures/schema/opencode-1.18.33.sql")),
        ("2.0", include_str!("../../../fixtures/schema/opencode-2.0.sql")),
    ] {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(ddl).unwrap();
        let schema = Schema::read(&db, None).unwrap().unwrap();
        let v2 = schema.v2.as_ref().unwrap();
        assert_eq!(v2.is_preview, name == "1.18");
        // a new database of 2.x has no tables of 1.x
        let has_table = |sql: &String| db.prepare(sql).is_ok();
        for sql in v2_queries(v2).into_iter().chain(probe_queries().filter(has_table)) {
            let plan = query_plan(&db, &sql);
            // The tables of pending prompts are nearly always empty, so they need no index.
            let is_waiting =
                ["session_input", "session_pending"].iter().any(|table| sql.contains(table));
            let is_last_row = sql.contains("ORDER BY rowid DESC LIMIT 1");
            assert!(plan.contains("SEARCH") || is_waiting || is_last_row, "{sql}: {plan}");
            // a scan of rows that were already selected
            let scans = plan.replace("SCAN (subquery", "");
            assert!(is_waiting || is_last_row || !scans.contains("SCAN"), "{sql}: {plan}");
            assert!(is_waiting || !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
        // The queries over all rows of a session must not read the earlier rows again for each row.
        for sql in
            [&v2.all_after_row, &v2.by_id_in_any_session, &v2.by_session, &v2.stamps, &v2.items]
        {
            let plan = query_plan(&db, sql);
            assert!(!plan.contains("CORRELATED"), "{sql}: {plan}");
        }
        // The index of rows answers the listing of sessions. No row is read.
        let rows = "SEARCH x USING COVERING INDEX session_message_session_seq_idx (session_id=?)";
        for sql in [schema.sessions.select("", "1"), schema.sessions.select_stamps("1")] {
            let plan = query_plan(&db, &sql);
            assert!(plan.contains(rows) && plan.matches("SCAN").count() == 1, "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
        let plan = query_plan(&db, crate::schema::v2::SETS[0]);
        assert!(plan.contains("COVERING INDEX") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

/// Makes a database with only the required columns of these tables.
fn database_with_required_columns(tables: &[&Table]) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    for table in tables {
        let columns: Vec<&str> = table.required_columns().map(|column| column.name).collect();
        db.execute_batch(&format!("CREATE TABLE {} ({})", table.name, columns.join(", "))).unwrap();
    }
    db
}

#[test]
fn queries_need_only_the_required_columns() {
    let v1: Vec<&Table> = READ_TABLES.into_iter().filter(|table| !table.is_v2).collect();
    let preview: Vec<&Table> = READ_TABLES
        .into_iter()
        .filter(|table| ["session_v2", "kv"].iter().all(|excluded| table.name != *excluded))
        .collect();
    for tables in [&READ_TABLES[..], &v1, &preview] {
        let db = database_with_required_columns(tables);
        for cap in [None, Some(1000)] {
            let schema = Schema::read(&db, cap).unwrap().unwrap();
            assert_eq!(schema.problems, []);
            let Schema { sessions, projects, messages, parts, .. } = &schema;
            let (messages, parts) = (messages.as_ref().unwrap(), parts.as_ref().unwrap());
            let projects = projects.as_ref().unwrap();
            let mut queries = vec![
                &sessions.all_stamps,
                &projects.all,
                &projects.stamps,
                &messages.by_session,
                &messages.stamps,
                &messages.orphans,
                &parts.by_session,
                &parts.stamps,
                &parts.orphans,
                &parts.all_after_row,
                &parts.borrowed_after_row,
                schema.todos.as_ref().unwrap(),
                schema.shares.as_ref().unwrap(),
            ];
            queries
                .extend(messages.names.iter().chain(&messages.by_id).chain(&messages.stamp_by_id));
            queries.extend(parts.by_id.iter().chain(&parts.stamp_by_id).chain(&sessions.by_id));
            queries.extend(
                messages
                    .by_session_without_preview
                    .iter()
                    .chain(&schema.migration_query)
                    .chain(&schema.history),
            );
            let mut queries: Vec<String> = queries.into_iter().cloned().collect();
            queries.extend(schema.v2.iter().flat_map(v2_queries));
            queries.extend(schema.v2.iter().map(|v2| v2.orphans.clone()));
            queries.extend(schema.sessions.directory_queries().map(str::to_owned));
            let has_table = |sql: &String| schema.v2.is_some() || !sql.contains("session_message");
            queries.extend(probe_queries().filter(has_table));
            for sql in queries {
                assert!(db.prepare(&sql).is_ok(), "{sql}: {:?}", db.prepare(&sql).err());
            }
        }
    }
}
