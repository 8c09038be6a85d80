//! What a reverted turn used was spent, so it counts: in lists, transcripts and trees.

use serde_json::{Value, json};

use super::database::{Database, answer};
use super::numbers::tokens_and_cost;
use crate::support::{RunOutput, run_on, store_from_text};

fn tokens(input: i64) -> Value {
    json!({"input": input, "output": 1, "reasoning": 0, "cache": {"read": 0, "write": 0}})
}

/// Checks that `ls`, `show` and `tree` agree on these tokens and this cost.
fn check(run: impl Fn(&[&str]) -> RunOutput, session: &str, expected: (i64, i64, &str)) {
    let (input, output, cost) = expected;
    for _ in 0..2 {
        let list = run(&["ls", "--json"]).json();
        assert_eq!(tokens_and_cost(&list, session), format!("{input} {output} 0 0 {cost}"));
    }
    let tree = run(&["tree", session, "--json"]).json();
    assert_eq!(
        (&tree["tokens"]["input"], &tree["tokens"]["output"]),
        (&json!(input), &json!(output))
    );
    let shown = run(&["show", session]).stdout;
    let total = format!("{input} tokens read (0 cached), {output} written");
    assert!(shown.contains(&total), "{total}: {shown}");
}

/// Adds an answer of one step to a session.
fn add_answer(database: &Database, session: &str, number: i64) {
    let (message, tokens) = (format!("msg_{session}{number}"), tokens(number * 100));
    let cost = json!(number as f64 / 10.0);
    database.message(session, &message, &answer(&tokens, &cost));
    let step = json!({"type": "step-finish", "reason": "stop", "cost": cost, "tokens": tokens});
    database.part(session, &message, &format!("prt_{session}{number}"), &step);
}

#[test]
fn a_reverted_turn_of_1_x_counts() {
    let database = Database::new();
    // Not committed: at a message, and at a part. All rows are there.
    for (session, revert) in [
        ("ses_a", json!({"messageID": "msg_ses_a2"})),
        ("ses_b", json!({"messageID": "msg_ses_b2", "partID": "prt_ses_b2"})),
    ] {
        database.session(session);
        (1..=3).for_each(|number| add_answer(&database, session, number));
        database.columns(session, [600, 3, 0, 0, 0], 0.6);
        database.execute(&format!("UPDATE session SET revert = '{revert}' WHERE id = '{session}'"));
    }
    // Committed: the rows are gone, and the columns have what they used.
    database.session("ses_c");
    add_answer(&database, "ses_c", 1);
    database.columns("ses_c", [600, 3, 0, 0, 0], 0.6);
    for session in ["ses_a", "ses_b", "ses_c"] {
        check(|arguments| database.run(arguments), session, (600, 3, "0.6"));
    }
}

#[test]
fn a_refresh_after_a_revert_counts_as_a_new_index() {
    let database = Database::new();
    database.session("ses_a");
    (1..=3).for_each(|number| add_answer(&database, "ses_a", number));
    database.columns("ses_a", [600, 3, 0, 0, 0], 0.6);
    check(|arguments| database.run(arguments), "ses_a", (600, 3, "0.6"));
    database.execute("DELETE FROM message WHERE id > 'msg_ses_a1'");
    for options in [&[][..], &["--no-cache"]] {
        let run = |arguments: &[&str]| database.run(&[options, arguments].concat());
        check(run, "ses_a", (600, 3, "0.6"));
    }
}

#[test]
fn a_reverted_turn_in_files_counts_while_it_is_there() {
    let message = |number: i64| {
        let tokens = tokens(number * 100);
        format!(
            r#"
            //- message/ses_1/msg_{number}.json
            {{"id":"msg_{number}","sessionID":"ses_1","role":"assistant","time":{{"created":{number},"completed":9}},"cost":0.{number},"tokens":{tokens}}}"#
        )
    };
    let store = store_from_text(&format!(
        r#"
            //- session/p/ses_1.json
            {{"id":"ses_1","title":"ses_1","version":"1.1.65","revert":{{"messageID":"msg_2"}},"time":{{"created":1,"updated":2}}}}{}{}
            "#,
        message(1),
        message(2)
    ));
    check(|arguments| run_on(store.path(), arguments), "ses_1", (300, 2, "0.3"));
}
