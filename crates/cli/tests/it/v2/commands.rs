//! Tests of the output of commands for sessions of 2.x.

use scrollback_core_type::Cost;
use scrollback_fixtures::corpus;
use serde_json::{Value, json};

use super::{FRESH, PREVIEW, UPGRADED, assert_lines_in_order, output_lines, session_id};
use crate::support::run_on;

#[test]
fn a_transcript_prints_the_items_between_messages() {
    let shown = |which, name| output_lines(which, &["show", &session_id(which, name)]);
    for (which, name, expected) in [
        (
            FRESH,
            "markers",
            &[
                "──── agent plan, was build  2026-11-21",
                "──── model mock/mock-small, was mock/mock-large  2026-11-21",
                "──── directory /tmp/demo/projA-wt, was /tmp/demo/projA  2026-11-21",
                "system 2026-11-21",
                "Be brief.",
                "skill 2026-11-21",
                "Take notes.",
                "user, shell 2026-11-21",
                "✓ shell {\"command\":\"ls\"} (53 ms)",
                "README.md",
                "program 2026-11-21",
                "The user ran `ls`.",
                "user 2026-11-21",
                "assistant plan  mock-small",
                "1. Read",
                "──── idle, succeeded  2026-11-21",
                "… running shell {\"command\":\"sleep 9\"}",
            ][..],
        ),
        (
            FRESH,
            "running",
            &[
                "(untitled)",
                "Crash while running",
                "unfinished",
                "Half",
                "… running shell {\"command\":\"sleep 30\"}",
                "… pending write",
                "attempt 2 failed: slow down",
                "──── waiting (queue): user: Queued while busy  2026-11-21",
            ],
        ),
        (
            FRESH,
            "errors",
            &[
                "APIError: Provider request failed with HTTP 400",
                "──── idle, failed: Provider request failed with HTTP 400  2026-11-21",
                "ContentFilterError: Blocked",
                "MessageAbortedError: Step interrupted",
                "──── idle, interrupted  2026-11-21",
            ],
        ),
        (
            FRESH,
            "kitchen",
            &[
                "Look at the logo and @reviewer☃",
                "file hello.txt  text/plain",
                "agent @reviewer",
                "│ Think first.",
                "✓ read",
                "attached logo.png  image/png",
                "✗ edit",
                "File not found",
            ],
        ),
        (
            FRESH,
            "compaction",
            &[
                "program 2026-11-21",
                "──── compaction, failed: the messages before it are not summarized ────",
                "APIError: boom",
                "user 2026-11-21",
                "──── compaction, done: the messages before it are summarized below ────",
                "## Goal",
                "Steered in",
                "Queued before",
                "──── compaction, running: the messages before it are being summarized ────",
            ],
        ),
        (FRESH, "reverted", &["One", "──── reverted from here on (2 messages) ────", "Two"]),
        (FRESH, "fork_through", &["Markers (fork #1)", "fork of ses_", "Be brief.", "Forked."]),
        (
            PREVIEW,
            "switch",
            &[
                "turns of the preview of 2.x",
                "──── agent plan  2026",
                "──── model mock/mock-small  2026",
            ],
        ),
        (
            PREVIEW,
            "pending",
            &[
                "──── waiting (steer): prompt: Say hello in one line  2026",
                "──── waiting (queue): prompt: Queued for later  2026",
            ],
        ),
        (PREVIEW, "crash_tool", &["Slow tool please", "unfinished", "… running bash"]),
        (
            UPGRADED,
            "late_v1",
            &["read from the tables of 1.x; written by 1.x after the migration", "late v1 prompt"],
        ),
        (
            UPGRADED,
            "deleted_in_v2",
            &[
                "read from the tables of 1.x; 2.x deleted it, or did not migrate it",
                "about to be cut",
            ],
        ),
    ] {
        assert_lines_in_order(&shown(which, name), expected);
    }
}

#[test]
fn a_tree_lists_items_and_subagents() {
    let id = session_id(FRESH, "parent");
    let printed = output_lines(FRESH, &["tree", &id]);
    assert_lines_in_order(
        &printed,
        &[
            "Delegate ses_",
            "├─ user",
            "│  ├─ tool subagent completed",
            "│  │  └─ Survey sources ses_",
            "│  │     └─ idle, succeeded",
            "└─ idle, succeeded",
        ],
    );
    let tree = run_on(&corpus(FRESH).database, &["tree", "--json", &id]).json();
    let call = tree["messages"][1]["parts"].as_array().unwrap();
    let call = call.iter().find(|part| part["type"] == "tool").unwrap();
    assert_eq!(call["session"]["id"], *session_id(FRESH, "child"));
    let item = &tree["items"][0];
    assert_eq!((&item["type"], &item["messagesBefore"]), (&json!("idle"), &json!(4)));
    let markers = output_lines(FRESH, &["tree", &session_id(FRESH, "markers")]);
    assert_lines_in_order(
        &markers,
        &[
            "  7 messages, 9 parts, ",
            "├─ agent plan, was build  2026",
            "├─ directory /tmp/demo/projA-wt, was",
            "├─ system 2026",
            "├─ skill 2026",
            "├─ user, shell 2026",
            "├─ program 2026",
            "├─ user 2026",
            "├─ assistant plan mock-small 2026",
        ],
    );
    let tree =
        run_on(&corpus(FRESH).database, &["tree", "--json", &session_id(FRESH, "markers")]).json();
    let messages = tree["messages"].as_array().unwrap();
    let speakers: Vec<_> = messages.iter().map(|it| (&it["role"], &it["type"])).collect();
    let [user, assistant] = ["user", "assistant"].map(Value::from);
    let kinds = ["system", "skill", "shell", "synthetic"].map(Value::from);
    assert_eq!(speakers[0..2], [(&user, &kinds[0]), (&user, &kinds[1])]);
    assert_eq!(speakers[2..4], [(&assistant, &kinds[2]), (&user, &kinds[3])]);
    assert_eq!(speakers[4..6], [(&user, &Value::Null), (&assistant, &Value::Null)]);
}

#[test]
fn copied_messages_are_marked_and_not_billed() {
    let (store, fork) = (corpus(FRESH).database, session_id(FRESH, "fork_through"));
    for command in ["show", "tree"] {
        let printed = output_lines(FRESH, &[command, &fork]);
        let copies: Vec<_> = printed.iter().filter(|it| it.contains("(copied)")).collect();
        assert_eq!(copies.len(), 6, "{command}: {printed:#?}");
        let spent = |line: &&&String| line.contains('$') || line.contains("tokens");
        assert_eq!(copies.iter().find(spent), None, "{command}");
        let own = printed.iter().filter(|it| it.contains("assistant build"));
        assert!(own.clone().count() == 1 && own.clone().all(|it| it.contains("$0.01")));
        let source = output_lines(FRESH, &[command, &session_id(FRESH, "markers")]);
        assert!(!source.iter().any(|it| it.contains("(copied)")), "{command}");
        assert!(source.iter().any(|it| it.contains("assistant plan") && it.contains("$0.01")));
    }
    // The costs of the messages add up to the cost of the session.
    for name in ["fork_through", "fork_before", "fork_of_fork", "markers"] {
        let tree = run_on(&store, &["tree", "--json", &session_id(FRESH, name)]).json();
        let messages = tree["messages"].as_array().unwrap();
        let cost = |it: &Value| it["cost"].as_f64().map(Cost::from_dollars);
        let sum: Cost = messages.iter().filter_map(cost).sum();
        assert_eq!(Some(sum), cost(&tree), "{name}: {tree}");
        let copies = messages.iter().filter(|it| it["copied"] == true);
        assert!(!copies.clone().any(|it| it.get("tokens").is_some()), "{name}");
        assert_eq!(copies.count() > 0, name != "markers", "{name}");
    }
}

#[test]
fn counts_of_one_are_singular() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("opencode.db");
    let db = rusqlite::Connection::open(db).unwrap();
    db.execute_batch(super::hostile::SCHEMA).unwrap();
    db.execute_batch(
        r#"PRAGMA foreign_keys=OFF;
        INSERT INTO session_v2 (id, project_id, slug, directory, version, time_created, time_updated)
            VALUES ('ses_1', 'p', '', '/d', '', 1, 2);
        INSERT INTO session_message VALUES ('msg_1', 'ses_1', 'user', 1, 1, 1, '{"text":"hi"}'),
            ('msg_2', 'ses_1', 'hologram', 2, 1, 1, '{"light":1}');"#,
    )
    .unwrap();
    let shown = run_on(dir.path(), &["show", "latest"]).stdout;
    assert!(shown.contains("\n1 message  0 tokens"), "{shown}");
    // An unknown item is printed with its kind and size.
    let unknown = "item of an unknown kind \"hologram\", ";
    assert!(shown.contains(&format!("──── {unknown}")), "{shown}");
    let tree = run_on(dir.path(), &["tree", "latest"]).stdout;
    assert!(tree.contains("(untitled) ses_1  1 message, 1 part, "), "{tree}");
    assert!(tree.contains(&format!("└─ {unknown}")), "{tree}");
    let listed = run_on(dir.path(), &["ls"]);
    assert!(listed.stdout.contains("ses_1  (untitled)  /d"), "{}", listed.stdout);
    let listed = run_on(dir.path(), &["ls", "--color", "always"]).stdout;
    assert!(listed.contains("\u{1b}[2m(untitled)\u{1b}[0m"), "{listed:?}");
    assert_eq!(run_on(dir.path(), &["ls", "--json"]).json()[0]["title"], "");
}

#[test]
fn unusual_records_are_reported_and_the_rest_is_printed() {
    for which in [FRESH, UPGRADED] {
        let (store, id) = (corpus(which).database, session_id(which, "odd"));
        for args in [
            &["show", "--issues", &id][..],
            &["tree", "--issues", &id],
            &["export", "--issues", &id],
        ] {
            let ran = run_on(&store, args);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            for issue in [
                "unknown item type \"hologram\"",
                "unknown part type \"video\"",
                "the JSON ends in the middle of a value (message ",
            ] {
                assert!(ran.stderr.contains(issue), "{args:?}: {}", ran.stderr);
            }
        }
        let shown = output_lines(which, &["show", &id]);
        let expected = [
            "hi",
            "──── item of an unknown kind \"hologram\", 147 B ────",
            "x",
            "part of an unknown kind \"video\"",
            "(unusable message record)",
        ];
        assert_lines_in_order(&shown, &expected);
        assert_lines_in_order(
            &output_lines(which, &["tree", &id]),
            &["hologram", "video", "└─ (unusable message record)"],
        );
        // Without `--issues`, the output mentions the option.
        assert!(run_on(&store, &["show", &id]).stderr.contains("--issues"));
        assert!(run_on(&store, &["ls", "--issues"]).stderr.contains("the JSON ends in the middle"));
    }
}
