//! The totals of generated stores are those that the generator computed.

use std::path::Path;

use scrollback_core_type::Cost;
use scrollback_fixtures::synth::{
    Events, Expected, Spec, write_database, write_database_v2, write_store,
};
use scrollback_fixtures::{Corpus, corpus};
use serde_json::Value;

use crate::support::run_on;

/// Returns the sum of a list: input, output, reasoning, cache read, cache write, and the cost.
fn listed_totals(store: &Path) -> ([u64; 5], String) {
    let list = run_on(store, &["ls", "--json"]).json();
    let sessions: Vec<&Value> = list.as_array().unwrap().iter().collect();
    let names = ["input", "output", "reasoning", "cacheRead", "cacheWrite"];
    let sum = |name: &str| -> u64 {
        sessions.iter().map(|it| it["tokens"][name].as_u64().unwrap()).sum()
    };
    let cost: Cost =
        sessions.iter().map(|it| Cost::from_dollars(it["cost"].as_f64().unwrap())).sum();
    (names.map(sum), cost.to_string())
}

fn true_totals(expected: &Expected) -> ([u64; 5], String) {
    let usage = &expected.usage_without_fork_copies;
    let tokens = [usage.input, usage.output, usage.reasoning, usage.cache_read, usage.cache_write];
    let cost = Cost::from_units(i128::from(usage.cost_nanos) * 1000);
    (tokens, cost.to_string())
}

#[test]
fn generated_stores_have_their_true_totals() {
    type WriteStore = fn(&Path, &Spec) -> std::io::Result<Expected>;
    let writers: [(&str, WriteStore); 2] =
        [("files", write_store), ("1.x", |dir, spec| write_database(dir, spec, Events::Empty))];
    for (name, write) in writers {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let expected = write(&store, &Spec::small(7)).unwrap();
        assert!(!expected.forks.is_empty(), "{name}");
        for _ in 0..2 {
            assert_eq!(listed_totals(&store), true_totals(&expected), "{name}");
        }
    }
}

/// The columns of 2.x also count titles, so they are the truth, and more than the answers.
#[test]
fn a_generated_store_of_2_x_has_the_totals_of_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let expected = write_database_v2(&store, &Spec::small(7)).unwrap();
    let connection = rusqlite::Connection::open(store.join("opencode.db")).unwrap();
    let sum = |column: &str| -> i64 {
        let query = format!("SELECT sum({column}) FROM session_v2");
        connection.query_row(&query, [], |row| row.get(0)).unwrap()
    };
    let columns = ["input", "output", "reasoning", "cache_read", "cache_write"];
    let totals = columns.map(|column| sum(&format!("tokens_{column}")).unsigned_abs());
    let cost_of_columns: f64 =
        connection.query_row("SELECT sum(cost) FROM session_v2", [], |row| row.get(0)).unwrap();
    let (listed, cost) = listed_totals(&store);
    assert_eq!(listed, totals);
    assert!((cost.parse::<f64>().unwrap() - cost_of_columns).abs() < 1e-6, "{cost}");
    let answers = true_totals(&expected).0;
    assert!(listed[0] > answers[0] && listed[2..] == answers[2..], "{listed:?} {answers:?}");
}

/// The truth is the list of opencode 2.x itself, and the columns of the sessions that it does not list.
#[test]
fn an_upgraded_store_of_2_x_has_the_totals_of_opencode() {
    let corpus = corpus(Corpus::OpencodeV2Upgraded);
    let oracle: Value = serde_json::from_slice(&std::fs::read(&corpus.oracle).unwrap()).unwrap();
    let sessions = oracle["sessions"].as_object().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("opencode.db");
    std::fs::copy(&corpus.database, &database).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    let tables = "SELECT (SELECT sum(tokens_input) FROM session_v2) + (SELECT sum(tokens_input)
        FROM session WHERE id NOT IN (SELECT id FROM session_v2))";
    let sum: i64 = connection.query_row(tables, [], |row| row.get(0)).unwrap();
    drop(connection);
    let list = run_on(&database, &["ls", "--json"]).json();
    for session in list.as_array().unwrap() {
        let id = session["id"].as_str().unwrap();
        if let Some(Value::Object(expected)) = sessions.get(id).map(|it| &it["info"]) {
            let tokens = &expected["tokens"];
            for (ours, theirs) in [
                (&session["tokens"]["input"], &tokens["input"]),
                (&session["tokens"]["output"], &tokens["output"]),
                (&session["tokens"]["reasoning"], &tokens["reasoning"]),
                (&session["tokens"]["cacheRead"], &tokens["cache"]["read"]),
                (&session["tokens"]["cacheWrite"], &tokens["cache"]["write"]),
            ] {
                assert_eq!(ours, theirs, "{id}");
            }
            let cost = session["cost"].as_f64().unwrap() - expected["cost"].as_f64().unwrap();
            assert!(cost.abs() < 1e-9, "{id}: {cost}");
        }
    }
    let listed: Vec<&str> =
        list.as_array().unwrap().iter().filter_map(|session| session["id"].as_str()).collect();
    assert!(sessions.keys().all(|id| listed.contains(&id.as_str())));
    assert_eq!(listed_totals(&database).0[0], sum.unsigned_abs());
}
