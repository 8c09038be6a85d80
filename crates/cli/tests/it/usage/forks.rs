//! What a fork of 1.x copied counts once. A copy has a new id and everything else of its original.

use serde_json::{Value, json};

use super::database::Database;
use super::numbers::tokens_and_cost;
use crate::support::{run_on, store_from_text};

const START: i64 = 1_790_000_000_000;

/// Returns an id as 1.x makes it at `ms`.
fn message_id(ms: i64, number: u8) -> String {
    let ticks = (i128::from(ms) * 4096 + 1) & ((1 << 48) - 1);
    format!("msg_{ticks:012x}{:014}", number)
}

fn answer(created: i64, input: i64, cost: f64) -> Value {
    json!({
        "role": "assistant", "time": {"created": created, "completed": created + 5}, "modelID": "m1",
        "providerID": "mock", "agent": "build", "cost": cost, "finish": "stop",
        "tokens": {"input": input, "output": 1, "reasoning": 0, "cache": {"read": 0, "write": 0}},
    })
}

/// A session with an answer of 100 tokens and one of 200, and a fork of it that adds one of 7.
fn forked() -> Database {
    let database = Database::new();
    database.session("ses_a");
    database.columns("ses_a", [300, 2, 0, 0, 0], 0.3);
    database.session("ses_b");
    database.columns("ses_b", [307, 3, 0, 0, 0], 0.37);
    for (number, (created, input, cost)) in (0..).zip([(START, 100, 0.1), (START + 1000, 200, 0.2)])
    {
        let answer = answer(created, input, cost);
        database.message("ses_a", &message_id(created, number), &answer);
        database.message("ses_b", &message_id(START + 60_000, 10 + number), &answer);
    }
    let own = START + 90_000;
    database.message("ses_b", &message_id(own, 30), &answer(own, 7, 0.07));
    database
}

fn usage(database: &Database, session: &str) -> String {
    tokens_and_cost(&database.run(&["ls", "--json"]).json(), session)
}

#[test]
fn copies_of_a_fork_count_once() {
    let database = forked();
    // A fork of the fork copies copies.
    database.session("ses_c");
    database.columns("ses_c", [300, 2, 0, 0, 0], 0.3);
    for (number, (created, input, cost)) in (0..).zip([(START, 100, 0.1), (START + 1000, 200, 0.2)])
    {
        database.message(
            "ses_c",
            &message_id(START + 120_000, 20 + number),
            &answer(created, input, cost),
        );
    }
    for _ in 0..2 {
        assert_eq!(usage(&database, "ses_a"), "300 2 0 0 0.3");
        assert_eq!(usage(&database, "ses_b"), "7 1 0 0 0.07");
        assert_eq!(usage(&database, "ses_c"), "0 0 0 0 0");
    }
    let shown = database.run(&["show", "ses_b"]).stdout;
    assert!(shown.contains("(copied)") && shown.contains("$0.07"), "{shown}");
    let tree = database.run(&["tree", "ses_b", "--json"]).json();
    assert_eq!(tree["tokens"]["input"], 7);
}

#[test]
fn a_copy_counts_if_its_original_is_deleted() {
    let database = forked();
    assert_eq!(usage(&database, "ses_b"), "7 1 0 0 0.07");
    database.execute(
        "DELETE FROM message WHERE session_id = 'ses_a'; DELETE FROM session WHERE id = 'ses_a'",
    );
    assert_eq!(usage(&database, "ses_b"), "307 3 0 0 0.37", "after a refresh");
    let list = run_on(&database.path(), &["--no-cache", "ls", "--json"]).json();
    assert_eq!(tokens_and_cost(&list, "ses_b"), "307 3 0 0 0.37", "in a new index");
}

#[test]
fn a_fork_that_is_made_later_is_found_by_a_refresh() {
    let database = forked();
    assert_eq!(usage(&database, "ses_b"), "7 1 0 0 0.07");
    database.session("ses_d");
    database.message("ses_d", &message_id(START + 200_000, 40), &answer(START, 100, 0.1));
    assert_eq!(usage(&database, "ses_d"), "0 0 0 0 0");
    assert_eq!(usage(&database, "ses_a"), "300 2 0 0 0.3");
}

#[test]
fn a_wrong_clock_or_equal_times_make_no_copy() {
    let database = Database::new();
    for session in ["ses_a", "ses_b", "ses_c", "ses_d"] {
        database.session(session);
    }
    database.message("ses_a", &message_id(START, 0), &answer(START, 100, 0.1));
    // An equal time, and other content.
    database.message("ses_b", &message_id(START + 60_000, 1), &answer(START, 101, 0.1));
    // A wrong clock, and no original.
    database.message("ses_c", &message_id(START + 90_000, 2), &answer(START + 5, 9, 0.1));
    // The same in another session, with a clock that is right.
    database.message("ses_d", &message_id(START, 3), &answer(START, 100, 0.1));
    for (session, expected) in [("ses_a", 100), ("ses_b", 101), ("ses_c", 9), ("ses_d", 100)] {
        assert_eq!(usage(&database, session), format!("{expected} 1 0 0 0.1"), "{session}");
    }
}

#[test]
fn copies_in_files_count_once() {
    let file = |session: &str, id: &str| {
        let mut record = answer(START, 100, 0.1);
        record["id"] = id.into();
        record["sessionID"] = session.into();
        format!(
            "//- session/p/{session}.json\n{{\"id\":\"{session}\",\"title\":\"{session}\",\"version\":\"1.1.65\",\"time\":{{\"created\":1,\"updated\":2}}}}\n//- message/{session}/{id}.json\n{record}\n"
        )
    };
    let original = file("ses_a", &message_id(START, 0));
    let copy = file("ses_b", &message_id(START + 1, 1));
    let store = store_from_text(&format!("{copy}{original}"));
    let list = run_on(store.path(), &["ls", "--json"]).json();
    assert_eq!(tokens_and_cost(&list, "ses_a"), "100 1 0 0 0.1");
    assert_eq!(tokens_and_cost(&list, "ses_b"), "0 0 0 0 0");
}
