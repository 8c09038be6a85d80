//! What the commands print of sessions of 2.x.

use std::collections::BTreeMap;

use scrollback_fixtures::{Corpus, corpus};
use serde_json::{Value, json};

use super::{FRESH, PREVIEW, UPGRADED, assert_told, lines, named, oracle};
use crate::support::on;

#[test]
fn a_session_is_shown_with_what_happened_between_its_messages() {
    let shown = |which, name| lines(which, &["show", &named(which, name)]);
    for (which, name, expected) in [
        (
            FRESH,
            "markers",
            &[
                "──── agent plan, was build  2026-11-21",
                "──── model mock/mock-small, was mock/mock-large  2026-11-21",
                "──── directory /tmp/demo/projA-wt, was /tmp/demo/projA  2026-11-21",
                "Be brief.",
                "Take notes.",
                "✓ shell {\"command\":\"ls\"} 53 ms",
                "README.md",
                "The user ran `ls`.",
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
                "(no title)",
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
                "──── compaction: ",
                "APIError: boom",
                "──── compaction: ",
                "## Goal",
                "Steered in",
                "Queued before",
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
        assert_told(&shown(which, name), expected);
    }
}

#[test]
fn a_tree_has_what_happened_and_what_subagents_did() {
    let id = named(FRESH, "parent");
    let printed = lines(FRESH, &["tree", &id]);
    assert_told(
        &printed,
        &[
            "Delegate ses_",
            "├─ user",
            "│  ├─ tool subagent completed",
            "│  │  └─ Survey sources ses_",
            "│  │     └─ idle: idle, succeeded",
            "└─ idle: idle, succeeded",
        ],
    );
    let tree = on(&corpus(FRESH).database, &["tree", "--json", &id]).json();
    let call = tree["messages"][1]["parts"].as_array().unwrap();
    let call = call.iter().find(|part| part["type"] == "tool").unwrap();
    assert_eq!(call["session"]["id"], *named(FRESH, "child"));
    let item = &tree["items"][0];
    assert_eq!((&item["type"], &item["messagesBefore"]), (&json!("idle"), &json!(4)));
    let markers = lines(FRESH, &["tree", &named(FRESH, "markers")]);
    assert_told(
        &markers,
        &["├─ agent-switched: agent plan, was build", "├─ location-switched: directory"],
    );
}

#[test]
fn a_row_is_printed_as_it_is_stored() {
    for (which, name) in [(FRESH, "markers"), (UPGRADED, "kitchen"), (PREVIEW, "switch")] {
        let id = named(which, name);
        for message in oracle(which, &id)["messages"].as_array().unwrap() {
            let row = message["id"].as_str().unwrap();
            let raw = on(&corpus(which).database, &["raw", row]).json();
            let mut stored = raw["data"].clone();
            assert_eq!((&raw["id"], &raw["session_id"]), (&json!(row), &json!(id)));
            (stored["id"], stored["type"]) = (raw["id"].clone(), raw["type"].clone());
            let mut message = message.clone();
            if let Some(seq) = message.as_object_mut().unwrap().remove("seq") {
                assert_eq!(raw["seq"], seq);
            }
            assert_eq!(stored, message, "{row}");
        }
    }
    // A part is a piece of a row, and a summary the other half of one.
    let exported = on(&corpus(FRESH).database, &["export", &named(FRESH, "compaction")]).json();
    for message in exported["messages"].as_array().unwrap() {
        let own = message["info"]["id"].as_str().unwrap();
        let part = message["parts"][0]["id"].as_str().unwrap();
        for id in [own, part] {
            let raw = on(&corpus(FRESH).database, &["raw", id]).json();
            assert_eq!(raw["id"], *own.trim_end_matches("#summary"), "{id}");
        }
    }
}

/// Those of the messages of the API that an export of 2.x has, without what the oracle adds.
fn settled(said: &Value) -> Vec<Value> {
    let mut messages = said["messages"].as_array().unwrap().clone();
    messages.retain(|message| match message["type"].as_str() {
        Some("assistant") => message["time"]["completed"].is_number(),
        Some("shell" | "compaction") => message["status"] != "running",
        kind => kind.is_some(),
    });
    for message in &mut messages {
        message.as_object_mut().unwrap().remove("seq");
    }
    messages
}

#[test]
fn an_export_of_2x_is_what_2x_exports() {
    let names: &[(Corpus, &[&str])] = &[
        (
            FRESH,
            &[
                "kitchen",
                "markers",
                "running",
                "errors",
                "compaction",
                "fork_through",
                "empty",
                "odd",
            ],
        ),
        (UPGRADED, &["kitchen", "reverted", "fork_of_fork"]),
        (PREVIEW, &["hello", "switch", "crash_tool", "revert_staged", "hybrid_v1_then_v2"]),
    ];
    for (which, names) in names {
        for name in *names {
            let id = named(*which, name);
            let said = oracle(*which, &id);
            let ran = on(&corpus(*which).database, &["export", "--format", "v2", &id]).json();
            let mut info = said["info"].clone();
            if info["cost"] == json!(0.0) {
                info["cost"] = json!(0); // as JavaScript writes it
            }
            assert_eq!(ran["info"], info, "{name}");
            assert_eq!(ran["messages"], Value::from(settled(&said)), "{name}");
        }
    }
    for name in ["late_v1", "deleted_in_v2"] {
        let ran =
            on(&corpus(UPGRADED).database, &["export", "--format", "v2", &named(UPGRADED, name)]);
        assert!(ran.code != 0 && ran.err.contains("not written by opencode 2"), "{}", ran.err);
    }
}

#[test]
fn an_export_is_of_the_shape_of_1x() {
    for (which, name) in
        [(FRESH, "kitchen"), (FRESH, "markers"), (UPGRADED, "compaction"), (PREVIEW, "attached")]
    {
        let id = named(which, name);
        let exported = on(&corpus(which).database, &["export", &id]).json();
        assert_eq!(exported["info"]["id"], *id);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids = Vec::new();
        for message in exported["messages"].as_array().unwrap() {
            let info = &message["info"];
            assert_eq!(info["sessionID"], *id);
            ids.push(info["id"].clone());
            // What 1.x wants of each, even where 2.x has nothing to say.
            let needed: &[&str] = match info["role"].as_str().unwrap() {
                "user" => &["agent", "model", "time"],
                "assistant" => {
                    &["parentID", "modelID", "providerID", "mode", "path", "cost", "tokens"]
                }
                role => panic!("{role}"),
            };
            for field in needed {
                assert!(info.get(field).is_some(), "{field} of {info}");
            }
            for part in message["parts"].as_array().unwrap() {
                assert_eq!((&part["sessionID"], &part["messageID"]), (&json!(id), &info["id"]));
                *kinds.entry(part["type"].as_str().unwrap().to_owned()).or_default() += 1;
                if part["type"] == "file" {
                    assert!(part["url"].as_str().unwrap().contains(':'), "{part}");
                }
            }
        }
        assert!(kinds.len() > 1 && kinds["text"] > 0, "{name}: {kinds:?}");
        let count = ids.len();
        ids.sort_by_key(Value::to_string);
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}

#[test]
fn what_is_odd_is_told_and_costs_itself() {
    for which in [FRESH, UPGRADED] {
        let (store, id) = (corpus(which).database, named(which, "odd"));
        for args in [
            &["show", "--issues", &id][..],
            &["tree", "--issues", &id],
            &["export", "--issues", &id],
        ] {
            let ran = on(&store, args);
            assert_eq!(ran.code, 0, "{}", ran.err);
            for told in [
                "unknown item type \"hologram\"",
                "unknown part type \"video\"",
                "the JSON ends in the middle of a value (message ",
            ] {
                assert!(ran.err.contains(told), "{args:?}: {}", ran.err);
            }
        }
        let shown = lines(which, &["show", &id]);
        let expected = [
            "hi",
            "──── hologram ────",
            "x",
            "part of an unknown kind \"video\"",
            "(unusable message record)",
        ];
        assert_told(&shown, &expected);
        assert_told(&lines(which, &["tree", &id]), &["hologram", "video", "└─ unusable"]);
        // Without being asked, it is said that there is something to be asked for.
        assert!(on(&store, &["show", &id]).err.contains("--issues"));
        assert!(on(&store, &["ls", "--issues"]).err.contains("the JSON ends in the middle"));
    }
}
