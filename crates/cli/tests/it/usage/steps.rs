//! An answer of several steps counts all of them, and a session counts what its columns say.

use serde_json::{Value, json};

use super::database::{Database, answer};
use super::numbers::tokens_and_cost;
use crate::support::{run_on, store_from_text};

fn tokens(input: i64, output: i64, read: i64, write: i64) -> Value {
    json!({"input": input, "output": output, "reasoning": 0, "cache": {"read": read, "write": write}})
}

/// Adds an answer of two steps. It has the tokens of the second one, and the cost of both.
fn add_answer_of_two_steps(database: &Database, session: &str) {
    let message = format!("msg_{session}");
    database.message(session, &message, &answer(&tokens(200, 20, 1000, 0), &json!(0.03)));
    for (part, tokens, cost) in
        [("1", tokens(100, 10, 0, 50), 0.01), ("2", tokens(200, 20, 1000, 0), 0.02)]
    {
        let step = json!({"type": "step-finish", "reason": "stop", "cost": cost, "tokens": tokens});
        database.part(session, &message, &format!("prt_{session}_{part}"), &step);
    }
}

/// The totals that `show` and `tree` print.
fn totals_of(database: &Database, session: &str) -> (String, Value) {
    let shown = database.run(&["show", session]).stdout;
    let tree = database.run(&["tree", session, "--json"]).json();
    (shown, tree["tokens"].clone())
}

/// Sources: anomalyco/opencode#42324, #21913, PR 42326 and grafana/agento11y#502.
#[test]
fn an_answer_of_two_steps_counts_both() {
    let database = Database::new();
    database.session("ses_steps");
    database.columns("ses_steps", [300, 30, 0, 1000, 50], 0.03);
    add_answer_of_two_steps(&database, "ses_steps");
    for _ in 0..2 {
        let list = database.run(&["ls", "--json"]).json();
        assert_eq!(tokens_and_cost(&list, "ses_steps"), "300 30 1000 50 0.03");
    }
    let (shown, tree) = totals_of(&database, "ses_steps");
    assert!(shown.contains("$0.03"), "{shown}");
    assert_eq!(
        tree,
        json!({"input": 300, "output": 30, "reasoning": 0, "cacheRead": 1000, "cacheWrite": 50})
    );
}

#[test]
fn a_session_counts_the_larger_one_of_its_columns_and_its_answers_field_by_field() {
    let database = Database::new();
    // The columns were never filled in, as after an import: the steps count.
    database.session("ses_import");
    add_answer_of_two_steps(&database, "ses_import");
    // Parts are missing: the columns count.
    database.session("ses_lost");
    database.columns("ses_lost", [300, 30, 0, 1000, 50], 0.05);
    database.message("ses_lost", "msg_lost", &answer(&tokens(200, 20, 1000, 0), &json!(0.03)));
    // One column is less than the answer, and another one is more.
    database.session("ses_mixed");
    database.columns("ses_mixed", [500, 1, 0, 0, 0], 0.0);
    database.message("ses_mixed", "msg_mixed", &answer(&tokens(200, 20, 1000, 0), &json!(0.03)));
    // The answer says more than its steps.
    database.session("ses_more");
    database.columns("ses_more", [1, 1, 0, 0, 0], 0.0);
    database.message("ses_more", "msg_more", &answer(&tokens(7, 1, 0, 9), &json!(0.5)));
    let step = json!({"type": "step-finish", "cost": "0.75", "tokens": tokens(1, 2, 0, 0)});
    database.part("ses_more", "msg_more", "prt_more", &step);
    let list = database.run(&["ls", "--json"]).json();
    for (session, expected) in [
        ("ses_import", "300 30 1000 50 0.03"),
        ("ses_lost", "300 30 1000 50 0.05"),
        ("ses_mixed", "500 20 1000 0 0.03"),
        ("ses_more", "7 2 0 9 0.75"),
    ] {
        assert_eq!(tokens_and_cost(&list, session), expected, "{session}");
    }
}

#[test]
fn a_database_without_columns_of_usage_counts_steps() {
    let database = Database::new();
    database.session("ses_old");
    add_answer_of_two_steps(&database, "ses_old");
    for column in [
        "cost",
        "tokens_input",
        "tokens_output",
        "tokens_reasoning",
        "tokens_cache_read",
        "tokens_cache_write",
    ] {
        database.execute(&format!("ALTER TABLE session DROP COLUMN {column}"));
    }
    let list = database.run(&["ls", "--json"]).json();
    assert_eq!(tokens_and_cost(&list, "ses_old"), "300 30 1000 50 0.03");
}

#[test]
fn steps_of_a_tree_of_files_count_in_sessions_of_1_0_and_older() {
    let session = |version: &str| {
        let store = store_from_text(&format!(
            r#"
            //- session/p/ses_1.json
            {{"id":"ses_1","title":"old","version":"{version}","time":{{"created":1,"updated":2}}}}
            //- message/ses_1/msg_1.json
            {{"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{{"created":1,"completed":2}},"cost":0.03,"tokens":{{"input":200,"output":20,"reasoning":0,"cache":{{"read":1000,"write":0}}}}}}
            //- part/msg_1/prt_1.json
            {{"id":"prt_1","messageID":"msg_1","sessionID":"ses_1","type":"step-finish","cost":0.01,"tokens":{{"input":100,"output":10,"reasoning":0,"cache":{{"read":0,"write":50}}}}}}
            //- part/msg_1/prt_2.json
            {{"id":"prt_2","messageID":"msg_1","sessionID":"ses_1","type":"step-finish","cost":0.02,"tokens":{{"input":200,"output":20,"reasoning":0,"cache":{{"read":1000,"write":0}}}}}}
            "#
        ));
        let list = run_on(store.path(), &["ls", "--json"]).json();
        tokens_and_cost(&list, "old")
    };
    for version in ["1.0.61", "0.5.29", "", "local"] {
        assert_eq!(session(version), "300 30 1000 50 0.03", "{version}");
    }
    // From 1.1 on an answer has one step, so the parts are not read.
    assert_eq!(session("1.1.65"), "200 20 1000 0 0.03");
}
