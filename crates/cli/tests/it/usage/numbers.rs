//! Numbers that are stored as text or as fractions are read, with an issue.

use serde_json::{Value, json};

use super::database::{Database, answer};
use crate::support::{run_on, store_from_text};

pub(super) fn tokens_and_cost(list: &Value, title: &str) -> String {
    let session = list.as_array().unwrap().iter().find(|it| it["title"] == title).unwrap();
    let tokens = &session["tokens"];
    let cache = (&tokens["cacheRead"], &tokens["cacheWrite"]);
    format!("{} {} {} {} {}", tokens["input"], tokens["output"], cache.0, cache.1, session["cost"])
}

/// Sources: anomalyco/opencode#38703 and #24572 (usage of a provider is stored unchecked). Text and
/// fractions are variations of them.
#[test]
fn numbers_in_text_and_fractions_count() {
    let database = Database::new();
    for (title, tokens, cost) in [
        (
            "ses_text",
            json!({"input": "1200", "output": "35", "reasoning": 0, "cache": {"read": "7", "write": 0}}),
            json!("0.5"),
        ),
        (
            "ses_fraction",
            json!({"input": 10.6, "output": 2.4, "reasoning": 0, "cache": {"read": 0, "write": 0}}),
            json!(0.25),
        ),
        (
            "ses_null",
            json!({"input": 7, "output": 1, "reasoning": null, "cache": {"read": null, "write": null}}),
            json!(null),
        ),
    ] {
        database.session(title);
        database.message(title, &format!("msg_{title}"), &answer(&tokens, &cost));
    }
    // The second run has a snapshot: the numbers and the issues are the same.
    for _ in 0..2 {
        let ran = database.run(&["ls", "--json", "--issues"]);
        let list = ran.json();
        assert_eq!(tokens_and_cost(&list, "ses_text"), "1200 35 7 0 0.5");
        assert_eq!(tokens_and_cost(&list, "ses_fraction"), "11 2 0 0 0.25");
        assert_eq!(tokens_and_cost(&list, "ses_null"), "7 1 0 0 0");
        for issue in [
            "field cost: expected a number; \"0.5\" was converted",
            "field tokens.input: expected a whole number; \"1200\" was converted",
            "field tokens.cache.read: expected a whole number; \"7\" was converted",
            "field tokens.output: expected a whole number; 2.4 was converted",
        ] {
            assert!(ran.stderr.contains(issue), "{issue}\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("ses_null"), "{}", ran.stderr);
    }
    // What is printed as stored stays as it is stored.
    let exported = database.run(&["export", "ses_text"]).json();
    assert_eq!(exported["messages"][0]["info"]["tokens"]["input"], "1200");
}

#[test]
fn numbers_of_files_count_likewise() {
    let store = store_from_text(
        r#"
        //- session/p/ses_1.json
        {"id":"ses_1","title":"text","version":"1.1.65","time":{"created":"1790000000000","updated":1790000000000.4}}
        //- message/ses_1/msg_1.json
        {"id":"msg_1","sessionID":"ses_1","role":"assistant","time":{"created":1790000000001},"cost":"2","tokens":{"input":"3","output":4.5,"cache":{"read":"x"}}}
        "#,
    );
    let ran = run_on(store.path(), &["ls", "--json", "--issues"]);
    assert_eq!(tokens_and_cost(&ran.json(), "text"), "3 5 0 0 2");
    assert!(ran.stderr.contains("field time.created"), "{}", ran.stderr);
    assert!(ran.stderr.contains("field tokens.output"), "{}", ran.stderr);
}
